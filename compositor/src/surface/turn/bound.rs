//! Which objects of a client may be those of certain globals: what it has asked to bind, request by
//! request, before the Wayland library has seen it.
//!
//! An id that is noted here may be another object by now, or none. One that is not noted is none of them.

/// Globals with a request that lacks a string if it has the bytes of one that comes with each frame:
/// `import_toplevel` and `set_toplevel_tag` those of `wl_surface.attach`. So it is only looked for where it
/// is sent to an object that may be one of these.
pub const BOUND: [&str; 2] = ["xdg_toplevel_tag_manager_v1", "zxdg_importer_v2"];

/// So many ids are kept. A client has one such object, mostly.
const MOST: usize = 16;
/// The opcode of `wl_registry.bind`, which has the name of the global, its interface, the version and the id.
const BIND: u16 = 0;

/// What a client may have bound of [`BOUND`].
#[derive(Debug, Default)]
pub struct Bound {
    ids: Vec<u32>,
    /// There were more than are kept: any object may be one of them.
    any: bool,
}

impl Bound {
    /// Whether an object may be of one of these globals.
    pub fn may_be(&self, object: u32) -> bool {
        self.any || self.ids.contains(&object)
    }

    /// A request is handed to the library, of any object: it may be a registry.
    pub fn note(&mut self, opcode: u16, arguments: &[u8]) {
        let is_one = |name: &[u8]| BOUND.iter().any(|global| name.starts_with(global.as_bytes()));
        if opcode != BIND || !arguments.get(8..).is_some_and(is_one) {
            return;
        }
        match id(arguments) {
            Some(id) if self.ids.contains(&id) => {}
            Some(id) if self.ids.len() < MOST => self.ids.push(id),
            _ => self.any = true,
        }
    }
}

/// The new id of `wl_registry.bind`.
fn id(arguments: &[u8]) -> Option<u32> {
    let length = u32::from_ne_bytes(*arguments.get(4..)?.first_chunk()?) as usize;
    let rest = arguments.get(8..)?.get(length.checked_next_multiple_of(4)?..)?;
    Some(u32::from_ne_bytes(*rest.get(4..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use wayland_server::{
        Resource,
        backend::protocol::{ArgumentType, Interface},
        protocol::wl_registry::WlRegistry,
    };

    use super::*;
    use crate::session::globals::{TABLE, interfaces};

    /// The arguments of a bind.
    fn bind(interface: &str, id: u32) -> Vec<u8> {
        let mut text = [interface.as_bytes(), &[0]].concat();
        let length = text.len() as u32;
        text.resize(text.len().next_multiple_of(4), 0);
        [&5_u32.to_ne_bytes()[..], &length.to_ne_bytes(), &text, &1_u32.to_ne_bytes(), &id.to_ne_bytes()].concat()
    }

    #[test]
    fn what_is_bound_is_known_and_nothing_else_is() {
        let mut bound = Bound::default();
        bound.note(0, &bind("wl_compositor", 3));
        bound.note(1, &bind("zxdg_importer_v2", 4));
        bound.note(0, &[]);
        bound.note(0, &bind("zxdg_importer_v2", 5)[..8]);
        assert!((0..10).all(|id| !bound.may_be(id)));
        bound.note(0, &bind("zxdg_importer_v2", 5));
        assert!((0..10).all(|id| bound.may_be(id) == (id == 5)));
        // The library refuses these, too.
        bound.note(0, &bind("zxdg_importer_v2\0\0", 6));
        assert!(bound.may_be(6));
    }

    #[test]
    fn of_many_or_strange_ones_any_may_be_one() {
        let mut bound = Bound::default();
        (0..100).for_each(|_| bound.note(0, &bind("zxdg_importer_v2", 5)));
        (10..10 + MOST as u32 - 1).for_each(|id| bound.note(0, &bind("zxdg_importer_v2", id)));
        assert!(!bound.may_be(4));
        bound.note(0, &bind("zxdg_importer_v2", 99));
        assert!(bound.may_be(4));
        let mut bound = Bound::default();
        let whole = bind("zxdg_importer_v2", 5);
        bound.note(0, &whole[..whole.len() - 1]);
        assert!(bound.may_be(4), "its id is not there");
    }

    #[test]
    fn they_are_globals_and_nothing_else_makes_them() {
        let mut all: Vec<&'static Interface> = interfaces().collect();
        for at in 0.. {
            let Some(interface) = all.get(at) else { break };
            let children = interface.requests.iter().chain(interface.events).filter_map(|of| of.child_interface);
            let new: Vec<_> = children.filter(|child| !all.iter().any(|known| known.name == child.name)).collect();
            all.extend(new);
        }
        for name in BOUND {
            assert!(TABLE.iter().any(|row| row.interface() == name), "{name}");
            let messages = all.iter().flat_map(|interface| interface.requests.iter().chain(interface.events));
            assert!(messages.filter_map(|message| message.child_interface).all(|child| child.name != name));
        }
        let bind = WlRegistry::interface().requests[usize::from(BIND)].signature;
        assert!(matches!(bind, [ArgumentType::Uint, ArgumentType::Str(_), ArgumentType::Uint, ArgumentType::NewId]));
    }
}
