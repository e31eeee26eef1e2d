//! Strings that must not be missing: which requests have them, and where.
//!
//! The Wayland library does not check them. It panics for `wl_registry.bind`, with its lock held, and
//! the code that is generated for the other requests unwraps them.
//!
//! What a request means depends on its object, which only the library knows. So this says first, from
//! the opcode and the words alone, whether there is a request that would lack a string; that is rare,
//! and then the object is looked up. A table of all requests of the announced interfaces and of what
//! they lead to is made at the start.

use wayland_server::backend::protocol::{AllowNull, ArgumentType, Interface};

use crate::surface::turn::bound::BOUND;

/// A length from here on is rounded up to no length where there are 32 bits.
const ROUNDS_TO_NOTHING: u32 = u32::MAX - 2;

/// The requests of one opcode that have the same arguments.
#[derive(Debug)]
struct Layout {
    arguments: &'static [ArgumentType],
    interfaces: Vec<&'static Interface>,
}

/// Where strings must not be missing.
#[derive(Debug, Default)]
pub struct Strings {
    /// In requests of any object.
    any: Table,
    /// In requests of objects of [`BOUND`].
    bound: Table,
}

/// The same of some interfaces, by opcode.
#[derive(Debug, Default)]
struct Table(Vec<Vec<Layout>>);

impl Strings {
    /// Of these interfaces, and of those of the objects that their requests and events make.
    pub fn of(interfaces: impl IntoIterator<Item = &'static Interface>) -> Self {
        let mut all: Vec<&'static Interface> = Vec::new();
        let mut found: Vec<&'static Interface> = interfaces.into_iter().collect();
        while let Some(interface) = found.pop() {
            if all.iter().any(|known| known.name == interface.name) {
                continue;
            }
            all.push(interface);
            let messages = interface.requests.iter().chain(interface.events);
            found.extend(messages.filter_map(|message| message.child_interface));
        }
        let mut strings = Self::default();
        for interface in all {
            let table = if BOUND.contains(&interface.name) { &mut strings.bound } else { &mut strings.any };
            for (opcode, request) in interface.requests.iter().enumerate() {
                table.add(opcode, request.signature, interface);
            }
        }
        strings
    }

    /// Whether a request with these arguments may lack a string. `may_be_bound`: its object may be one of
    /// [`BOUND`].
    pub fn is_doubtful(&self, opcode: u16, arguments: &[u8], may_be_bound: bool) -> bool {
        self.any.is_doubtful(opcode, arguments) || (may_be_bound && self.bound.is_doubtful(opcode, arguments))
    }

    /// The interfaces whose objects must not get this request, each with the number of the wrong
    /// argument, counted from 1.
    pub fn wrong_for(&self, opcode: u16, arguments: &[u8]) -> impl Iterator<Item = (&'static Interface, usize)> {
        self.any.wrong_for(opcode, arguments).chain(self.bound.wrong_for(opcode, arguments))
    }
}

impl Table {
    fn add(&mut self, opcode: usize, arguments: &'static [ArgumentType], interface: &'static Interface) {
        // What comes after the last one is of no interest.
        let Some(last) = arguments.iter().rposition(|argument| has_length(*argument)) else { return };
        let arguments = &arguments[..=last];
        if self.0.len() <= opcode {
            self.0.resize_with(opcode + 1, Vec::new);
        }
        let layouts = &mut self.0[opcode];
        match layouts.iter_mut().find(|layout| layout.arguments == arguments) {
            Some(layout) => layout.interfaces.push(interface),
            None => layouts.push(Layout { arguments, interfaces: vec![interface] }),
        }
    }

    fn layouts(&self, opcode: u16) -> &[Layout] {
        self.0.get(usize::from(opcode)).map_or(&[], Vec::as_slice)
    }

    fn is_doubtful(&self, opcode: u16, arguments: &[u8]) -> bool {
        self.layouts(opcode).iter().any(|layout| wrong(layout.arguments, arguments).is_some())
    }

    fn wrong_for(&self, opcode: u16, arguments: &[u8]) -> impl Iterator<Item = (&'static Interface, usize)> {
        self.layouts(opcode).iter().flat_map(move |layout| {
            let wrong = wrong(layout.arguments, arguments);
            layout.interfaces.iter().filter_map(move |interface| Some((*interface, wrong? + 1)))
        })
    }
}

fn has_length(argument: ArgumentType) -> bool {
    matches!(argument, ArgumentType::Str(_) | ArgumentType::Array)
}

/// The first argument that is null and must not be, or whose length the library cannot count with.
/// `None` also if the arguments end before: the library waits for the rest of such a request.
fn wrong(arguments: &[ArgumentType], mut bytes: &[u8]) -> Option<usize> {
    for (at, argument) in arguments.iter().enumerate() {
        if *argument == ArgumentType::Fd {
            continue;
        }
        let (word, rest) = bytes.split_first_chunk()?;
        bytes = rest;
        if has_length(*argument) {
            let length = u32::from_ne_bytes(*word);
            let missing = length == 0 && *argument == ArgumentType::Str(AllowNull::No);
            if missing || length >= ROUNDS_TO_NOTHING {
                return Some(at);
            }
            bytes = bytes.get(length.next_multiple_of(4) as usize..)?;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{session::globals, surface::turn::LOOK, system::recvmsg::FILES};

    /// Arguments that fit, with the one at `null` null; strings have five characters.
    fn arguments(signature: &[ArgumentType], null: Option<usize>) -> Vec<u8> {
        let word = |at: usize, kind: &ArgumentType| match kind {
            ArgumentType::Fd => vec![],
            _ if null == Some(at) => vec![0],
            ArgumentType::Str(_) => vec![6, u32::from_ne_bytes(*b"abcd"), u32::from_ne_bytes(*b"e\0\0\0")],
            ArgumentType::Array => vec![0],
            _ => vec![1],
        };
        signature.iter().enumerate().flat_map(|(at, kind)| word(at, kind)).flat_map(u32::to_ne_bytes).collect()
    }

    fn reachable() -> Vec<&'static Interface> {
        let mut all: Vec<&'static Interface> = globals::interfaces().collect();
        let mut at = 0;
        while at < all.len() {
            let messages = all[at].requests.iter().chain(all[at].events);
            let children: Vec<_> = messages.filter_map(|message| message.child_interface).collect();
            for child in children {
                if !all.iter().any(|known| known.name == child.name) {
                    all.push(child);
                }
            }
            at += 1;
        }
        all
    }

    #[test]
    fn every_string_of_every_request_that_must_not_be_missing_is_known() {
        let strings = Strings::of(globals::interfaces());
        let mut found = Vec::new();
        for interface in reachable() {
            for (opcode, request) in interface.requests.iter().enumerate() {
                let wrong = |null| {
                    let arguments = arguments(request.signature, null);
                    let wrong = strings.wrong_for(opcode as u16, &arguments);
                    let here = wrong.filter(|(of, _)| of.name == interface.name).map(|(_, argument)| argument);
                    (
                        here.collect::<Vec<_>>(),
                        strings.is_doubtful(opcode as u16, &arguments, BOUND.contains(&interface.name)),
                    )
                };
                assert_eq!(wrong(None).0, [0; 0], "{}.{}", interface.name, request.name);
                for (at, kind) in request.signature.iter().enumerate() {
                    let must = *kind == ArgumentType::Str(AllowNull::No);
                    let (here, doubtful) = wrong(Some(at));
                    assert_eq!(here, if must { vec![at + 1] } else { vec![] }, "{}.{}", interface.name, request.name);
                    if must {
                        assert!(doubtful);
                        found.push(format!("{}.{}", interface.name, request.name));
                    }
                }
            }
        }
        found.sort();
        let expected = [
            "ext_data_control_offer_v1.receive",
            "ext_data_control_source_v1.offer",
            "ext_workspace_group_handle_v1.create_workspace",
            "wl_data_offer.receive",
            "wl_data_source.offer",
            "wl_registry.bind",
            "wp_security_context_v1.set_app_id",
            "wp_security_context_v1.set_instance_id",
            "wp_security_context_v1.set_sandbox_engine",
            "xdg_activation_token_v1.set_app_id",
            "xdg_activation_v1.activate",
            "xdg_toplevel.set_app_id",
            "xdg_toplevel.set_title",
            "xdg_toplevel_icon_v1.set_name",
            "xdg_toplevel_tag_manager_v1.set_toplevel_description",
            "xdg_toplevel_tag_manager_v1.set_toplevel_tag",
            "zwlr_data_control_offer_v1.receive",
            "zwlr_data_control_source_v1.offer",
            "zwlr_layer_shell_v1.get_layer_surface",
            "zwp_input_method_v2.commit_string",
            "zwp_input_method_v2.set_preedit_string",
            "zwp_primary_selection_offer_v1.receive",
            "zwp_primary_selection_source_v1.offer",
            "zwp_tablet_pad_dial_v2.set_feedback",
            "zwp_tablet_pad_ring_v2.set_feedback",
            "zwp_tablet_pad_strip_v2.set_feedback",
            "zwp_tablet_pad_v2.set_feedback",
            "zwp_text_input_v3.set_surrounding_text",
            "zxdg_importer_v2.import_toplevel",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_else_the_library_cannot_do_is_asked_by_no_request() {
        for interface in reachable() {
            for request in interface.requests {
                let name = format!("{}.{}", interface.name, request.name);
                let makes = request.signature.contains(&ArgumentType::NewId);
                let bind = name == "wl_registry.bind";
                assert!(
                    !makes || bind || request.child_interface.is_some(),
                    "{name}: it panics for an object of any kind"
                );
                let files = request.signature.iter().filter(|kind| **kind == ArgumentType::Fd).count();
                assert!(files * LOOK <= FILES, "{name}: the library gets too few descriptors for a batch of these");
            }
        }
    }

    #[test]
    fn a_length_that_cannot_be_counted_with_is_wrong_as_well() {
        let strings = Strings::of(globals::interfaces());
        let title = |length: u32| strings.wrong_for(2, &length.to_ne_bytes()).any(|(of, _)| of.name == "xdg_toplevel");
        assert!(title(0) && title(u32::MAX) && title(u32::MAX - 2));
        assert!(!title(1) && !title(u32::MAX - 3), "the library waits for the rest of these");
    }

    #[test]
    fn no_usual_request_of_a_frame_is_doubtful() {
        let strings = Strings::of(globals::interfaces());
        let doubtful = |opcode, words: &[u32]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
            strings.is_doubtful(opcode, &bytes, false)
        };
        assert!(!doubtful(1, &[7, 0, 0]), "attach");
        assert!(!doubtful(9, &[0, 0, 64, 48]), "damage_buffer");
        assert!(!doubtful(3, &[8]), "frame");
        assert!(!doubtful(6, &[]), "commit");
        assert!(!doubtful(1, &[5, 0, 1]) && !doubtful(2, &[5, 0, 1]), "points of wp_linux_drm_syncobj_surface_v1");
        assert!(doubtful(2, &[0, 0, 64, 48]), "damage at 0, 0 costs a look-up");
    }
}
