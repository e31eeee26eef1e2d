//! The module that the Wayland Conformance Test Suite (`wlcs`) loads: a Syncline session in a thread
//! of the suite's process, one for each of its tests.
//!
//! The suite learns from [`Suite`] which globals there are, from a client that has asked the session
//! for them, and leaves out the tests of those that there are not. Its pointer, its fingers and the
//! places of its windows go through [`syncline::doors`]. Between a client and the session is a
//! [`wire`], which adds what the suite's clients leave out. An error of the session ends the
//! process: the suite has no way to be told.
//!
//! docs/conformance.md says how it is run, and what came of it.

mod first_configure;
mod globals;
mod ioctl;
mod wire;

use std::{
    cell::RefCell,
    collections::HashMap,
    io,
    os::{
        fd::{AsRawFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
    rc::Rc,
};

use syncline::doors::{Client, Session};
use wayland_sys::{
    client::{wl_display, wl_proxy},
    common::{wl_fixed_t, wl_fixed_to_double},
};
use wlcs::{
    Pointer, Touch, Wlcs,
    ffi_display_server_api::{WlcsIntegrationDescriptor, WlcsServerIntegration},
    ffi_wrappers::wlcs_server,
    wlcs_server_integration,
};

use crate::{globals::Globals, wire::Wire};

/// The one display. Powers of two: a place divided by the size, as a touch screen says it, and
/// multiplied again is the same number. Fast, because most tests wait for a frame or two.
const DISPLAY: &str = "2048x1024@240";

/// Where the pointer is before a test has moved it: where none of the suite's windows is. A window
/// that came under it would be entered at once or with the pointer's first motion, by chance.
const FREE_CORNER: (f64, f64) = (2047.0, 1023.0);

wlcs_server_integration!(Suite);

/// A display server of the suite.
struct Suite {
    session: Rc<RefCell<Option<Session>>>,
    globals: Globals,
    /// The clients by the descriptors that the suite has got. A closed one may be used again, by a
    /// later client.
    clients: Clients,
}

type Clients = Rc<RefCell<HashMap<RawFd, (Client, Wire)>>>;

/// The session's hands.
struct Hands {
    session: Rc<RefCell<Option<Session>>>,
    clients: Clients,
}

impl Hands {
    fn with(&self, what: &str, act: impl FnOnce(&Session) -> io::Result<()>) {
        if let Some(session) = &*self.session.borrow() {
            for (_, wire) in self.clients.borrow().values() {
                // Of a client that is gone nothing comes any more.
                wire.settle().ok();
            }
            check(what, act(session));
        }
    }
}

/// The result of something that cannot fail in a session that is well.
fn check<T>(what: &str, result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| {
        eprintln!("syncline-wlcs: {what}: {error}");
        std::process::abort()
    })
}

impl Wlcs for Suite {
    type Pointer = Hands;
    type Touch = Hands;

    /// The session starts here, since the suite wants to know the globals before it calls
    /// [`Wlcs::start`].
    fn new() -> Self {
        let session = check("start", Session::start(DISPLAY));
        check("pointer", session.point(FREE_CORNER.0, FREE_CORNER.1));
        let globals = check("globals", session.connect().and_then(|(_, stream)| Globals::ask(stream)));
        Self { session: Rc::new(RefCell::new(Some(session))), globals, clients: Rc::default() }
    }

    fn start(&mut self) {}

    fn stop(&mut self) {
        if let Some(session) = self.session.take() {
            check("stop", session.stop());
        }
    }

    fn create_client_socket(&self) -> io::Result<OwnedFd> {
        let session = self.session.borrow();
        let session = session.as_ref().ok_or_else(|| io::Error::other("the session is stopped"))?;
        let (client, stream) = session.connect()?;
        let (theirs, ours) = UnixStream::pair()?;
        self.clients.borrow_mut().insert(theirs.as_raw_fd(), (client, Wire::join(ours, stream)?));
        Ok(theirs.into())
    }

    fn position_window_absolute(&self, display: *mut wl_display, surface: *mut wl_proxy, x: i32, y: i32) {
        let (descriptor, surface) = ioctl::names(display, surface);
        if let (Some(session), Some((client, wire))) = (&*self.session.borrow(), self.clients.borrow().get(&descriptor))
        {
            check("position_window_absolute", wire.settle());
            check("position_window_absolute", session.place(client, surface, (x, y)));
        }
    }

    fn create_pointer(&mut self) -> Option<Hands> {
        Some(Hands { session: self.session.clone(), clients: self.clients.clone() })
    }

    fn create_touch(&mut self) -> Option<Hands> {
        Some(Hands { session: self.session.clone(), clients: self.clients.clone() })
    }

    fn get_descriptor(&self) -> &WlcsIntegrationDescriptor {
        self.globals.descriptor()
    }
}

impl Pointer for Hands {
    fn move_absolute(&mut self, x: wl_fixed_t, y: wl_fixed_t) {
        self.with("move_absolute", |session| session.point(wl_fixed_to_double(x), wl_fixed_to_double(y)));
    }

    fn move_relative(&mut self, x: wl_fixed_t, y: wl_fixed_t) {
        self.with("move_relative", |session| session.motion(wl_fixed_to_double(x), wl_fixed_to_double(y)));
    }

    fn button_up(&mut self, button: i32) {
        self.with("button_up", |session| session.button(button as u32, false));
    }

    fn button_down(&mut self, button: i32) {
        self.with("button_down", |session| session.button(button as u32, true));
    }
}

/// The suite has one finger. The interface says that its places are fixed-point numbers; wlcs 1.5
/// passes whole ones.
impl Touch for Hands {
    fn touch_down(&mut self, x: wl_fixed_t, y: wl_fixed_t) {
        self.with("touch_down", |session| session.touch_down(0, f64::from(x), f64::from(y)));
    }

    fn touch_move(&mut self, x: wl_fixed_t, y: wl_fixed_t) {
        self.with("touch_move", |session| session.touch_motion(0, f64::from(x), f64::from(y)));
    }

    fn touch_up(&mut self) {
        self.with("touch_up", |session| session.touch_up(0));
    }
}
