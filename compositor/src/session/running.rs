//! A session that has begun: its state with its Wayland display, and what a turn of its loop is.
//!
//! [`crate::session::run`] drives it with the machine's clock, seat, input and sockets. Tests drive
//! it with a clock that they wind by hand and cards that answer by script, and have none of the
//! others. Nothing here waits, and nothing here reads the machine.

use std::collections::HashMap;

use fence::Ns;
use smithay::reexports::wayland_server::Display;

use crate::{
    config::{Config, words::RendererChoice},
    desktop::{Desktop, cursor::Cursor},
    devices::cec::Cec,
    output::{card::cards::Cards, outputs::Outputs},
    report::counters::Counters,
    session::{Syncline, globals, parts::held::HeldSurfaces, state::WaylandDisplay},
    surface::{
        acquires::Acquires,
        buffer::Imports,
        client::{Clients, UNREAD},
        registry::ContentRegistry,
        tree::cache::Cache,
        turn::{self, Turns, strings::Strings},
    },
    system::{
        clock::Clock,
        descriptors::Descriptors,
        error::{Context, Error},
        reactor::{EventSource, Reactor},
        seat::SeatSession,
    },
};

/// What a session is made from.
pub struct Parts {
    pub config: Config,
    pub clock: Clock,
    /// Where its devices come from.
    pub session: SeatSession,
    /// Those that it begins with.
    pub cards: Cards,
    pub renderer: RendererChoice,
    /// The mode that the user wants on every display.
    pub mode: Option<kms::ModeRequest>,
}

/// The state and the display, dropped in this order.
pub struct Running {
    pub state: Syncline,
    display: WaylandDisplay,
}

impl Running {
    /// Announces the protocols and lights the displays. The caller schedules: see
    /// [`Running::settle`].
    pub fn begin(parts: Parts) -> Result<Self, Error> {
        let Parts { config, clock, session, cards, renderer, mode } = parts;
        turn::check().context("the Wayland library")?;
        let display: WaylandDisplay = Display::new().map_err(|e| Error::setup("Wayland display", e))?;
        let handle = display.handle();
        handle.set_default_max_buffer_size(UNREAD);
        let reactor = Reactor::new().context("epoll")?;
        let now = clock.now();
        let (globals, idle, mut seats) = globals::announce(&handle, now, &config)?;
        let seat = globals::announce_seat(&handle, &mut seats, &config)?;
        let outputs = Outputs::new(cards, renderer, &config)?;
        let mut state = Syncline {
            display: handle,
            clients: Clients::default(),
            sandboxes: Default::default(),
            turns: Turns::new(Strings::of(globals::interfaces())),
            descriptors: Descriptors::new(),
            old_limit: None,
            clock,
            now,
            desktop: Desktop::new(Cursor::new(&config.cursor), &config.desktop),
            udmabuf: crate::surface::shm::udmabuf(&config),
            config,
            configuration: Default::default(),
            keys: Default::default(),
            bars: Default::default(),
            text: Default::default(),
            globals,
            seats,
            seat,
            held_motion: None,
            held_moved: None,
            absolute_place: None,
            constrained: None,
            next_latch: None,
            layout_stale: false,
            focus_stale: false,
            holds: Vec::new(),
            pointer_stale: false,
            displays_stale: false,
            queues_stale: Vec::new(),
            queue_again: false,
            cached: Cache::default(),
            renderer_stale: false,
            imports: Imports::default(),
            detach_at: None,
            trim_at: None,
            acquires: Acquires::default(),
            live: ContentRegistry::default(),
            hits: Default::default(),
            pace: HeldSurfaces::default(),
            outputs,
            displays: Default::default(),
            ipc: None,
            told_listeners: None,
            listeners_stale: false,
            crc: crate::session::parts::crc::CrcState::default(),
            idle,
            night: Default::default(),
            power_stale: false,
            cec: Cec::default(),
            mem2mem: None,
            input_devices: Vec::new(),
            libinput: None,
            inputs: Default::default(),
            pens: Default::default(),
            virtual_keyboards: Default::default(),
            grabbed: Default::default(),
            left_held: Default::default(),
            mode,
            session,
            counters: Counters::default(),
            child_env: HashMap::new(),
            captures: Default::default(),
            children: Vec::new(),
            until_exit: None,
            recall: Default::default(),
            power: Default::default(),
            exit: None,
            reactor,
        };
        state.watch_cards().context("display device")?;
        state.light_cards()?;
        state.displays_changed();
        state.cec_adopt();
        state.preload_cursor();
        state.announce_devices()?;
        state.look_at_dmabufs();
        state.start_mem2mem();
        Ok(Self { state, display })
    }

    /// A batch of sources is ready: from now on it is so late.
    pub fn wake(&mut self) {
        self.state.now = self.state.clock.now();
        self.state.begin_batch();
    }

    /// Handles a source that is ready. Those of the process (its socket, its seat, its signals) are
    /// the caller's.
    pub fn dispatch(&mut self, source: EventSource) -> Result<(), Error> {
        let state = &mut self.state;
        match source {
            EventSource::Client(slot) => state.client_turn(&mut self.display, slot),
            EventSource::Display(card) => state.display_events(card),
            EventSource::Timer => state.counted(Syncline::timer),
            EventSource::MsgListen => {
                if let Some(ipc) = &mut state.ipc {
                    ipc.accept(&state.reactor, &mut state.descriptors);
                }
            }
            EventSource::Msg(slot) => state.ipc_event(slot),
            EventSource::Crc(output) => state.crc_event(output),
            EventSource::Predictor => state.predictor_event(),
            EventSource::Acquire(slot) => state.acquire_event(slot),
            EventSource::Cec(slot) => state.cec_event(slot),
            EventSource::Mem2mem => state.mem2mem_event(),
            EventSource::Sandbox(slot) => state.sandbox_event(slot),
            EventSource::Configuration => state.configuration_changed(),
            EventSource::Text => state.text_event(),
            EventSource::Capture(slot) => state.capture_event(slot),
            EventSource::Listen | EventSource::Calloop | EventSource::Signal | EventSource::Bus => {}
        }
        Ok(())
    }

    /// After a batch: clients that have more to say than one turn allows have another, and those that
    /// have been ended are gone.
    pub fn more_turns(&mut self) {
        self.state.more_turns(&mut self.display);
        self.state.end_exceeding();
        self.state.bury(&mut self.display);
    }

    /// Whether there is something for [`Running::more_turns`]: nothing else is to be waited for then.
    pub fn has_more(&self) -> bool {
        let clients = &self.state.clients;
        !clients.more.is_empty() || !clients.waiting.is_empty() || clients.ended.any()
    }

    /// After a batch, and once at the beginning: what has to be right again, what is due when, and
    /// what clients are to hear. When the timer is to fire. A session that ends plans nothing any
    /// more.
    pub fn settle(&mut self) -> Result<Option<Ns>, Error> {
        self.state.after_events();
        let wake = if self.state.exit.is_none() { self.state.schedule() } else { None };
        self.state.flush_clients();
        Ok(wake)
    }
}

impl Syncline {
    /// Updates what depends on state that a batch of events has changed.
    fn after_events(&mut self) {
        self.desktop.popups.cleanup();
        self.live.give_up_abandoned();
        for client in std::mem::take(&mut self.queues_stale) {
            self.run_queue(&client);
        }
        if std::mem::take(&mut self.renderer_stale) {
            self.outputs.renderer.clean_up();
            self.desktop.cursor.clean_up();
        }
        self.go_on_changing();
        self.lock_progress();
        self.power_progress();
        self.release_left();
        self.refresh_keyboard_grab();
        if self.layout_stale {
            self.arrange_windows();
        }
        if std::mem::take(&mut self.focus_stale) {
            self.focus_top();
        }
        self.follow_text_focus();
        self.place_input_popups();
        if std::mem::take(&mut self.pointer_stale) {
            self.refresh_pens();
            self.refresh_pointer_focus();
            self.refresh_constraint();
            // What moves windows under the pointer may also move them to other outputs.
            self.displays_stale = true;
        }
        if std::mem::take(&mut self.displays_stale) {
            self.refresh_displays();
            self.listeners_stale = true;
        }
        self.refresh_bars();
        self.tell_listeners();
        self.tell_heads();
        self.refresh_captures();
    }
}
