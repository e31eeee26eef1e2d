//! A session that runs in a thread of another program: for conformance suites, which bring clients
//! and hands of their own. It has headless displays and the machine's clock, and the same loop as
//! [`crate::session::run`], but no socket, no seat manager, no configuration file and no signals.
//!
//! Every call returns after the session has done what it asks for, and what clients had sent before
//! has been handled before it. Input comes in where libinput's comes in.
//!
//! The program does not use it.

use std::{
    io::{self, ErrorKind},
    os::unix::net::UnixStream,
    sync::mpsc,
    thread::JoinHandle,
    time::Duration,
};

use calloop::{
    EventLoop,
    channel::{self, Channel, Sender},
};
use smithay::{
    backend::input::InputEvent,
    reexports::wayland_server::{Resource, backend::ClientId, protocol::wl_surface::WlSurface},
};

use crate::{
    config::{
        Config,
        desktop::{DesktopConfig, RingWidth},
        words::RendererChoice,
    },
    output::card::cards::Cards,
    session::{
        Syncline,
        hands::{Hands, Pair, Place},
        run::next,
        running::{Parts, Running},
    },
    system::{
        clock::Clock,
        error::{Context, Error},
        pulse::Pulse,
        reactor::EventSource,
        seat::SeatSession,
    },
};

/// What is done in the session's thread.
type Errand = Box<dyn FnOnce(&mut Syncline) + Send>;

/// A client of the session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client(ClientId);

/// A running session. It ends when this is dropped.
pub struct Session {
    errands: Sender<Errand>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Session {
    /// Starts a session with one headless display: `WIDTHxHEIGHT` or `WIDTHxHEIGHT@HZ`. It has a
    /// pointer and a touch screen. Returns once the display is announced.
    pub fn start(display: &str) -> io::Result<Self> {
        let mode = display.parse().map_err(io::Error::other)?;
        let (errands, inbox) = channel::channel::<Errand>();
        let thread = std::thread::Builder::new().name("session".to_owned()).spawn(move || {
            let cards = Cards::headless(&[mode])?;
            // The suite looks for windows where it has put them, without anything around them.
            let desktop = DesktopConfig { ring_width: RingWidth(0), ..DesktopConfig::default() };
            let config = Config { realtime: false, desktop, ..Config::default() };
            let (clock, session, renderer) = (Clock::MONOTONIC, SeatSession::Direct, RendererChoice::Auto);
            let mut running = Running::begin(Parts { config, clock, session, cards, renderer, mode: None })?;
            running.state.desktop.cursor.count_pointers();
            running.state.input(InputEvent::<Hands>::DeviceAdded { device: Pair });
            turns(&mut running, inbox)
        })?;
        let session = Self { errands, thread: Some(thread) };
        match session.ask(|_| ()) {
            Ok(()) => Ok(session),
            Err(_) => Err(session.end().err().unwrap_or_else(gone)),
        }
    }

    /// Connects a client; its end of the connection.
    pub fn connect(&self) -> io::Result<(Client, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let client = self.ask(move |state| state.insert_client(theirs))?;
        Ok((Client(client.ok_or_else(|| io::Error::other("the session refused the connection"))?), ours))
    }

    /// Moves a window so that the top left of its geometry is at `(x, y)` on the desktop, or a layer
    /// surface, until it is arranged again. It is that of a client's `wl_surface` with this id.
    pub fn place(&self, client: &Client, surface: u32, (x, y): (i32, i32)) -> io::Result<()> {
        let Client(client) = client.clone();
        let found = self.ask(move |state| {
            let backend = state.display.backend_handle();
            let id = backend.object_for_protocol_id(client, WlSurface::interface(), surface).ok()?;
            let surface = WlSurface::from_id(&state.display, id).ok()?;
            if let Some(layer) = state.desktop.layers.find(&surface) {
                layer.at = (x, y).into();
                (state.pointer_stale, state.displays_stale) = (true, true);
                state.redraw_all();
                return Some(());
            }
            state.move_window(&surface, (x, y).into()).then_some(())
        })?;
        found.ok_or_else(|| io::Error::other(format!("wl_surface@{surface} is no window")))
    }

    /// Moves the pointer to a place on the desktop.
    pub fn point(&self, x: f64, y: f64) -> io::Result<()> {
        self.hand(move |state| Hands::point(state.now, place(state, x, y)))
    }

    /// Moves the pointer by so many pixels.
    pub fn motion(&self, x: f64, y: f64) -> io::Result<()> {
        self.hand(move |state| Hands::motion(state.now, x, y))
    }

    /// A button of the mouse goes down or up; by its number in `linux/input-event-codes.h`.
    pub fn button(&self, code: u32, pressed: bool) -> io::Result<()> {
        self.hand(move |state| Hands::button(state.now, code, pressed))
    }

    /// A finger touches the screen.
    pub fn touch_down(&self, finger: u32, x: f64, y: f64) -> io::Result<()> {
        self.hand(move |state| Hands::touch_down(state.now, finger, place(state, x, y)))?;
        self.hand(|state| Hands::touch_frame(state.now))
    }

    /// A finger moves on the screen.
    pub fn touch_motion(&self, finger: u32, x: f64, y: f64) -> io::Result<()> {
        self.hand(move |state| Hands::touch_motion(state.now, finger, place(state, x, y)))?;
        self.hand(|state| Hands::touch_frame(state.now))
    }

    /// A finger leaves the screen.
    pub fn touch_up(&self, finger: u32) -> io::Result<()> {
        self.hand(move |state| Hands::touch_up(state.now, finger))?;
        self.hand(|state| Hands::touch_frame(state.now))
    }

    /// Ends the session, and waits until it is gone. Errors: it ended with an error before, or it
    /// panicked.
    pub fn stop(self) -> io::Result<()> {
        self.end()
    }

    fn end(mut self) -> io::Result<()> {
        self.ask(|state| state.exit = Some(0)).ok();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => Err(io::Error::other(error.to_string())),
            Some(Err(_)) => Err(io::Error::other("the session's thread panicked")),
            Some(Ok(Ok(()))) | None => Ok(()),
        }
    }

    fn hand(&self, event: impl FnOnce(&Syncline) -> InputEvent<Hands> + Send + 'static) -> io::Result<()> {
        self.ask(move |state| {
            let event = event(state);
            state.input(event);
        })
    }

    /// Has something done in the session's thread, and waits for it.
    fn ask<T: Send + 'static>(&self, errand: impl FnOnce(&mut Syncline) -> T + Send + 'static) -> io::Result<T> {
        let (reply, answer) = mpsc::sync_channel(1);
        let errand: Errand = Box::new(move |state| {
            // Nobody waits any more: nobody is told.
            reply.send(errand(state)).ok();
        });
        self.errands.send(errand).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.ask(|state| state.exit = Some(0)).ok();
            thread.join().ok();
        }
    }
}

fn gone() -> io::Error {
    io::Error::new(ErrorKind::BrokenPipe, "the session has ended")
}

/// A place on the desktop as a device says it.
fn place(state: &Syncline, x: f64, y: f64) -> Place {
    let area = state.outputs.bounds().to_f64();
    Place { x: (x - area.loc.x) / area.size.w, y: (y - area.loc.y) / area.size.h }
}

fn turns(running: &mut Running, inbox: Channel<Errand>) -> Result<(), Error> {
    let mut calloop = EventLoop::<Syncline>::try_new().map_err(|e| Error::setup("event loop", e))?;
    let inserted = calloop.handle().insert_source(inbox, |event, (), state| {
        if let channel::Event::Msg(errand) = event {
            errand(state);
        }
    });
    inserted.map_err(|e| Error::setup("doors", e.error))?;
    running.state.reactor.add(&calloop, EventSource::Calloop).context("event loop")?;
    // The program that runs it has a watch of its own.
    let pulse = Pulse::default();
    let mut ready = Vec::with_capacity(64);
    while running.state.exit.is_none() {
        next(running, &mut ready, &pulse)?;
        // What clients have sent before the errand is handled before it.
        ready.sort_by_key(|source| *source == EventSource::Calloop);
        for source in &ready {
            match *source {
                EventSource::Calloop => {
                    let dispatched = calloop.dispatch(Some(Duration::ZERO), &mut running.state);
                    dispatched.map_err(|e| Error::setup("event loop", e))?;
                }
                other => running.dispatch(other)?,
            }
        }
        running.more_turns();
    }
    running.settle()?;
    Ok(())
}
