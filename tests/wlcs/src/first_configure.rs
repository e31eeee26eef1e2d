//! What a client of wlcs 1.5 leaves out before it attaches the first buffer of a window, popup or layer
//! surface: the commit without a buffer, and the acknowledgement of the configure that answers it.
//! Without them the buffer is `xdg_surface.unconfigured_buffer`, as xdg-shell demands, or
//! `zwlr_layer_surface_v1.invalid_surface_state`. Later versions of the suite send them for windows and
//! popups (canonical/wlcs#322 and #324); here they are put into the client's requests.
//!
//! Requests are judged one by one. Of a surface without a role object nothing is added, so what the
//! suite expects of such a surface stays as the session answers it. It moves no bytes.

use std::collections::HashMap;

/// `wl_display`, in every connection.
const DISPLAY: u32 = 1;

/// Opcodes of the requests and events that count.
mod opcode {
    pub const DISPLAY_GET_REGISTRY: u16 = 1;
    pub const DISPLAY_DELETE_ID: u16 = 1;
    pub const REGISTRY_BIND: u16 = 0;
    pub const COMPOSITOR_CREATE_SURFACE: u16 = 0;
    pub const BASE_GET_XDG_SURFACE: u16 = 2;
    pub const XDG_SURFACE_DESTROY: u16 = 0;
    pub const XDG_SURFACE_GET_TOPLEVEL: u16 = 1;
    pub const XDG_SURFACE_GET_POPUP: u16 = 2;
    pub const XDG_SURFACE_ACK_CONFIGURE: u16 = 4;
    pub const XDG_SURFACE_CONFIGURE: u16 = 0;
    pub const SHELL_GET_LAYER_SURFACE: u16 = 0;
    pub const LAYER_ACK_CONFIGURE: u16 = 6;
    pub const LAYER_DESTROY: u16 = 7;
    pub const LAYER_CONFIGURE: u16 = 0;
    pub const SURFACE_ATTACH: u16 = 1;
    pub const SURFACE_COMMIT: u16 = 6;
}

/// An object that counts. Ids of others are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    Registry,
    Compositor,
    Base,
    Surface,
    XdgSurface { surface: u32 },
    LayerShell,
    LayerSurface { surface: u32 },
}

/// An object that configures a surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Configures {
    id: u32,
    /// The opcode of its `ack_configure`.
    ack: u16,
}

/// How far a surface is on the way to its first buffer.
#[derive(Debug, Clone, Copy, Default)]
struct Surface {
    /// Its `xdg_surface`, once that has a role object, or its layer surface.
    by: Option<Configures>,
    /// It was committed since it got the role object, or since its last buffer was removed.
    committed: bool,
    /// The serial of its newest configure since then.
    configured: Option<u32>,
    acknowledged: bool,
    /// The next commit removes its buffer.
    removing: bool,
    /// What was acknowledged for the client, which may do it again.
    answered: Option<u32>,
}

impl Surface {
    /// The client acknowledges a configure.
    fn acknowledge(&mut self, serial: u32) -> Verdict {
        if self.answered == Some(serial) {
            return Verdict::Drop;
        }
        self.acknowledged = true;
        Verdict::Pass
    }
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on as it is.
    Pass,
    /// It is dropped: it was sent for the client before.
    Drop,
    /// This goes first.
    After(Vec<u8>),
    /// This goes first, and then the session has to be heard before the request is judged again.
    Await(Vec<u8>),
}

/// A client's windows, popups and layer surfaces.
#[derive(Debug)]
pub struct FirstConfigures {
    objects: HashMap<u32, Object>,
    surfaces: HashMap<u32, Surface>,
}

impl FirstConfigures {
    pub fn new() -> Self {
        Self { objects: HashMap::new(), surfaces: HashMap::new() }
    }

    /// A request of the client: a whole message.
    pub fn request(&mut self, message: &[u8]) -> Verdict {
        let (Some(id), Some((opcode, _))) = (word(message, 0), header(message)) else { return Verdict::Pass };
        let argument = |n: usize| word(message, 2 + n).unwrap_or_default();
        if id == DISPLAY && opcode == opcode::DISPLAY_GET_REGISTRY {
            self.objects.insert(argument(0), Object::Registry);
        }
        match self.objects.get(&id).copied() {
            Some(Object::Registry) if opcode == opcode::REGISTRY_BIND => self.bind(message),
            Some(Object::Compositor) if opcode == opcode::COMPOSITOR_CREATE_SURFACE => {
                self.objects.insert(argument(0), Object::Surface);
                self.surfaces.insert(argument(0), Surface::default());
            }
            Some(Object::Base) if opcode == opcode::BASE_GET_XDG_SURFACE => {
                self.objects.insert(argument(0), Object::XdgSurface { surface: argument(1) });
            }
            Some(Object::XdgSurface { surface }) => {
                let Some(known) = self.surfaces.get_mut(&surface) else { return Verdict::Pass };
                match opcode {
                    opcode::XDG_SURFACE_GET_TOPLEVEL | opcode::XDG_SURFACE_GET_POPUP => {
                        let by = Some(Configures { id, ack: opcode::XDG_SURFACE_ACK_CONFIGURE });
                        *known = Surface { by, ..Surface::default() };
                    }
                    opcode::XDG_SURFACE_DESTROY => *known = Surface::default(),
                    opcode::XDG_SURFACE_ACK_CONFIGURE => return known.acknowledge(argument(0)),
                    _ => {}
                }
            }
            Some(Object::LayerShell) if opcode == opcode::SHELL_GET_LAYER_SURFACE => {
                let (layer, surface) = (argument(0), argument(1));
                self.objects.insert(layer, Object::LayerSurface { surface });
                let by = Some(Configures { id: layer, ack: opcode::LAYER_ACK_CONFIGURE });
                self.surfaces.insert(surface, Surface { by, ..Surface::default() });
            }
            Some(Object::LayerSurface { surface }) => {
                let Some(known) = self.surfaces.get_mut(&surface) else { return Verdict::Pass };
                match opcode {
                    opcode::LAYER_DESTROY => *known = Surface::default(),
                    opcode::LAYER_ACK_CONFIGURE => return known.acknowledge(argument(0)),
                    _ => {}
                }
            }
            Some(Object::Surface) if opcode == opcode::SURFACE_ATTACH => return self.attach(id, argument(0)),
            Some(Object::Surface) if opcode == opcode::SURFACE_COMMIT => {
                if let Some(known) = self.surfaces.get_mut(&id) {
                    if known.removing {
                        *known = Surface { by: known.by, ..Surface::default() };
                    } else {
                        known.committed |= known.by.is_some();
                    }
                }
            }
            _ => {}
        }
        Verdict::Pass
    }

    /// An event of the session: a whole message.
    pub fn event(&mut self, message: &[u8]) {
        let (Some(id), Some((opcode, _)), Some(argument)) = (word(message, 0), header(message), word(message, 2))
        else {
            return;
        };
        if id == DISPLAY && opcode == opcode::DISPLAY_DELETE_ID {
            self.objects.remove(&argument);
            self.surfaces.remove(&argument);
            return;
        }
        let surface = match self.objects.get(&id) {
            Some(Object::XdgSurface { surface }) if opcode == opcode::XDG_SURFACE_CONFIGURE => *surface,
            Some(Object::LayerSurface { surface }) if opcode == opcode::LAYER_CONFIGURE => *surface,
            _ => return,
        };
        if let Some(known) = self.surfaces.get_mut(&surface).filter(|known| known.committed) {
            known.configured = Some(argument);
        }
    }

    fn bind(&mut self, message: &[u8]) {
        // name, interface (its length with the zero byte, and its bytes), version, new id
        let Some(length) = word(message, 3).map(|length| length as usize) else { return };
        let Some(name) = message.get(16..(16 + length).saturating_sub(1)) else { return };
        let object = match name {
            b"wl_compositor" => Object::Compositor,
            b"xdg_wm_base" => Object::Base,
            b"zwlr_layer_shell_v1" => Object::LayerShell,
            _ => return,
        };
        if let Some(id) = word(message, 4 + length.div_ceil(4) + 1) {
            self.objects.insert(id, object);
        }
    }

    fn attach(&mut self, id: u32, buffer: u32) -> Verdict {
        let Some(known) = self.surfaces.get_mut(&id) else { return Verdict::Pass };
        known.removing = buffer == 0;
        let Some(by) = known.by.filter(|_| buffer != 0 && !known.acknowledged) else { return Verdict::Pass };
        if let Some(serial) = known.configured {
            (known.acknowledged, known.answered) = (true, Some(serial));
            return Verdict::After(message(by.id, by.ack, &[serial]));
        }
        let first = if known.committed { Vec::new() } else { message(id, opcode::SURFACE_COMMIT, &[]) };
        known.committed = true;
        Verdict::Await(first)
    }
}

/// The whole messages at the start of `bytes`, and how many bytes they are.
pub fn whole_messages(bytes: &[u8]) -> (Vec<&[u8]>, usize) {
    let (mut messages, mut at) = (Vec::new(), 0);
    while let Some((_, size)) = header(&bytes[at..])
        && let Some(message) = bytes.get(at..at + size.max(8))
    {
        messages.push(message);
        at += message.len();
    }
    (messages, at)
}

/// Opcode and size of a message.
fn header(message: &[u8]) -> Option<(u16, usize)> {
    let word = word(message, 1)?;
    Some((word as u16, (word >> 16) as usize))
}

fn word(message: &[u8], n: usize) -> Option<u32> {
    message.get(n * 4..n * 4 + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

fn message(object: u32, opcode: u16, arguments: &[u32]) -> Vec<u8> {
    let size = 8 + 4 * arguments.len() as u32;
    let words = [object, size << 16 | u32::from(opcode)];
    words.iter().chain(arguments).flat_map(|word| word.to_ne_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: u32 = 2;
    const COMPOSITOR: u32 = 3;
    const BASE: u32 = 4;
    const SURFACE: u32 = 5;
    const XDG: u32 = 6;
    const ROLE: u32 = 7;
    const BUFFER: u32 = 8;

    fn bind(name: &str, id: u32) -> Vec<u8> {
        let mut text = [name.as_bytes(), &[0]].concat();
        let length = text.len() as u32;
        text.resize(text.len().next_multiple_of(4), 0);
        let words: Vec<u32> = text.chunks(4).map(|four| u32::from_ne_bytes(four.try_into().unwrap())).collect();
        let arguments = [&[1, length], &words[..], &[6, id]].concat();
        message(REGISTRY, opcode::REGISTRY_BIND, &arguments)
    }

    fn attach(buffer: u32) -> Vec<u8> {
        message(SURFACE, opcode::SURFACE_ATTACH, &[buffer, 0, 0])
    }

    fn commit() -> Vec<u8> {
        message(SURFACE, opcode::SURFACE_COMMIT, &[])
    }

    fn ack(serial: u32) -> Vec<u8> {
        message(XDG, opcode::XDG_SURFACE_ACK_CONFIGURE, &[serial])
    }

    /// A client with an `xdg_surface`, without a role.
    fn client() -> FirstConfigures {
        let mut first = FirstConfigures::new();
        for request in [
            message(DISPLAY, opcode::DISPLAY_GET_REGISTRY, &[REGISTRY]),
            bind("wl_compositor", COMPOSITOR),
            bind("xdg_wm_base", BASE),
            message(COMPOSITOR, opcode::COMPOSITOR_CREATE_SURFACE, &[SURFACE]),
            message(BASE, opcode::BASE_GET_XDG_SURFACE, &[XDG, SURFACE]),
        ] {
            assert_eq!(first.request(&request), Verdict::Pass);
        }
        first
    }

    /// The same with a toplevel.
    fn window() -> FirstConfigures {
        let mut first = client();
        assert_eq!(first.request(&message(XDG, opcode::XDG_SURFACE_GET_TOPLEVEL, &[ROLE])), Verdict::Pass);
        first
    }

    fn configure(first: &mut FirstConfigures, serial: u32) {
        first.event(&message(XDG, opcode::XDG_SURFACE_CONFIGURE, &[serial]));
    }

    #[test]
    fn a_window_that_skips_commit_and_acknowledgement_gets_both() {
        let mut first = window();
        assert_eq!(first.request(&attach(BUFFER)), Verdict::Await(commit()));
        assert_eq!(first.request(&attach(BUFFER)), Verdict::Await(Vec::new()), "only once");
        configure(&mut first, 41);
        assert_eq!(first.request(&attach(BUFFER)), Verdict::After(ack(41)));
        assert_eq!(first.request(&attach(BUFFER)), Verdict::Pass);
        assert_eq!(first.request(&ack(41)), Verdict::Drop, "the client's own comes late");
        configure(&mut first, 42);
        assert_eq!(first.request(&ack(42)), Verdict::Pass);
    }

    #[test]
    fn so_does_a_layer_surface() {
        const SHELL: u32 = 9;
        const LAYER: u32 = 10;
        let mut first = client();
        first.request(&bind("zwlr_layer_shell_v1", SHELL));
        // Without an output, on the top layer, with an empty name.
        let get = message(SHELL, opcode::SHELL_GET_LAYER_SURFACE, &[LAYER, SURFACE, 0, 2, 1, 0]);
        assert_eq!(first.request(&get), Verdict::Pass);
        assert_eq!(first.request(&attach(BUFFER)), Verdict::Await(commit()));
        first.event(&message(LAYER, opcode::LAYER_CONFIGURE, &[41, 200, 100]));
        let ack = |serial| message(LAYER, opcode::LAYER_ACK_CONFIGURE, &[serial]);
        assert_eq!(first.request(&attach(BUFFER)), Verdict::After(ack(41)));
        assert_eq!(first.request(&ack(41)), Verdict::Drop, "the client's own comes late");
        assert_eq!(first.request(&ack(42)), Verdict::Pass);
    }

    #[test]
    fn a_window_that_only_skips_the_acknowledgement_gets_that() {
        let mut first = window();
        assert_eq!(first.request(&commit()), Verdict::Pass);
        configure(&mut first, 41);
        assert_eq!(first.request(&attach(BUFFER)), Verdict::After(ack(41)));
    }

    #[test]
    fn to_a_client_that_does_all_itself_nothing_is_added() {
        let mut first = window();
        for request in [commit(), attach(0), commit()] {
            assert_eq!(first.request(&request), Verdict::Pass);
        }
        // The second life begins with a commit, too.
        assert_eq!(first.request(&commit()), Verdict::Pass);
        configure(&mut first, 41);
        for request in [ack(41), attach(BUFFER), commit(), attach(BUFFER)] {
            assert_eq!(first.request(&request), Verdict::Pass);
        }
    }

    #[test]
    fn a_window_that_is_shown_again_begins_anew() {
        let mut first = window();
        first.request(&commit());
        configure(&mut first, 41);
        for request in [ack(41), attach(BUFFER), commit(), attach(0), commit()] {
            assert_eq!(first.request(&request), Verdict::Pass);
        }
        assert_eq!(first.request(&attach(BUFFER)), Verdict::Await(commit()));
    }

    #[test]
    fn without_a_role_and_for_a_new_object_of_an_old_id_nothing_is_added() {
        let mut first = client();
        assert_eq!(first.request(&attach(BUFFER)), Verdict::Pass);
        let mut first = window();
        first.event(&message(DISPLAY, opcode::DISPLAY_DELETE_ID, &[SURFACE]));
        assert_eq!(first.request(&attach(BUFFER)), Verdict::Pass);
    }

    #[test]
    fn a_message_counts_once_all_of_it_has_come() {
        let bytes = [attach(BUFFER), commit()].concat();
        for (some, whole, length) in [(0, 0, 0), (7, 0, 0), (19, 0, 0), (20, 1, 20), (27, 1, 20), (28, 2, 28)] {
            let (messages, used) = whole_messages(&bytes[..some]);
            assert_eq!((messages.len(), used), (whole, length), "{some} bytes");
        }
    }
}
