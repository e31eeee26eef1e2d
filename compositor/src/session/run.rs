//! `syncline run`: starts everything in order, runs the event loop, and stops everything.
//!
//! The order of the start is: configuration, seat, display device, renderer, outputs, protocols,
//! input, sockets; `--headless` has no seat and no input. The sockets come last: their presence
//! means that the session is ready.

use std::{
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use calloop::{EventLoop, PostAction};
use rustix::time::Timespec;
use smithay::{
    backend::{input::InputEvent, session::Event as SessionEvent},
    reexports::input::Libinput,
};

use crate::{
    config::Config,
    control::socket::{Ipc, socket_path},
    output::card::cards::Cards,
    session::{
        Syncline,
        args::RunArgs,
        configuration::FirstReading,
        listening::Listening,
        running::{Parts, Running},
    },
    system::{
        bus::{Address, environment},
        clock::Clock,
        descriptors,
        error::{Context, Error},
        last_words,
        libinput::{self, Happened},
        notify::Notify,
        pulse::{Pulse, Watch},
        reactor::{EventSource, Reactor},
        realtime,
        seat::SeatSession,
        state_file::StateFile,
        trace,
        udev::{self, DeviceEvent},
    },
};

/// The most connections that are accepted in one go.
pub const ACCEPTED: usize = 16;

/// Runs until the session ends. Returns the exit status. A panic ends it as well, with
/// [`last_words::CRASHED`]: the seat, and with it the console, is given back as at any other end.
pub fn run(args: &RunArgs) -> Result<u8, Error> {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        return Err(Error::setup(
            "XDG_RUNTIME_DIR",
            "is not set; it must name the directory for the session's sockets; logind sets it, or write: export XDG_RUNTIME_DIR=/run/user/$(id -u)",
        ));
    }
    let (config, read) = FirstReading::of(&args.overrides)?;
    if let Some(path) = &args.trace {
        trace::start(path)?;
    }
    last_words::note_panics();
    let pulse = Arc::new(Pulse::default());
    let status = catch_unwind(AssertUnwindSafe(|| session(args, config, read, &pulse))).unwrap_or_else(|_| {
        last_words::panicked(&pulse);
        Ok(last_words::CRASHED)
    });
    trace::finish();
    status
}

fn session(args: &RunArgs, config: Config, read: FirstReading, pulse: &Arc<Pulse>) -> Result<u8, Error> {
    let headless = !args.headless.is_empty();
    let old_limit = descriptors::raise();
    // Without devices no seat is needed.
    let (mut session, notifier) = if headless { (SeatSession::Direct, None) } else { SeatSession::open(&args.device)? };
    let mut calloop = EventLoop::<Syncline>::try_new().map_err(|e| Error::setup("event loop", e))?;
    if let Some(notifier) = notifier {
        let inserted = calloop.handle().insert_source(notifier, |event, (), state| state.seat_event(event));
        inserted.map_err(|e| Error::setup("seat", e.error))?;
    }
    let named = |name: &str| config.output(name).is_some();
    let cards =
        if headless { Cards::headless(&args.headless)? } else { Cards::open(&mut session, &args.device, named)? };
    let notify = Notify::of_environment();
    let socket = Listening::open(args.socket.as_deref(), args.socket_fd)?;
    let name = socket.name();
    let (clock, renderer, mode) = (Clock::MONOTONIC, args.renderer, args.mode);
    // Whatever is dropped, also after a panic, closes devices, which may stand as well: this is dropped after it.
    let watch;
    let mut running = Running::begin(Parts { config, clock, session, cards, renderer, mode })?;
    let state = &mut running.state;
    state.old_limit = old_limit;
    state.name_socket(&name, args.socket_fd.is_some());
    state.follow_configuration(args.overrides.clone(), read);
    if !headless && let Some(file) = StateFile::of_user("displays.toml") {
        state.remember_places_in(file);
    }
    if args.socket_fd.is_some() {
        state.keep_for_next(&name, args.restarted);
    }
    if args.crc {
        state.start_crc()?;
    }
    // The seat's devices are read, or there are none: a session that has no pointer shows none.
    state.desktop.cursor.count_pointers();
    if !headless {
        add_input(&calloop, state)?;
    }
    let mut signals = Signals::new(&state.reactor)?;
    state.reactor.add(&calloop, EventSource::Calloop).context("event loop")?;
    state.reactor.add(&socket, EventSource::Listen).context("Wayland socket")?;
    state.ipc = Some(Ipc::listen(socket_path(&name)?, &state.reactor)?);
    if state.config.realtime {
        realtime::raise();
    }
    tracing::info!("WAYLAND_DISPLAY={name}");
    if !headless || args.session {
        state.follow_logind();
    }
    match args.session {
        // It is ready when it is told where the session is.
        true => state.import_environment(&notify),
        false => notify.ready(),
    }
    // From here on: the start may take its time to light the displays.
    watch = Watch::start(pulse.clone(), notify.clone(), last_words::stands);
    state.autostart();
    if args.session && !notify.is_heard() {
        // Where there are units, they do it.
        state.start_desktop_files();
    }
    if args.cmd.is_empty() {
        state.welcome();
    } else if !args.restarted {
        let child = state.spawn(&args.cmd);
        if args.until_exit {
            state.until_exit = child;
            if child.is_none() {
                return Ok(127);
            }
        }
    }

    let mut ready = Vec::with_capacity(64);
    while running.state.exit.is_none() {
        next(&mut running, &mut ready, pulse)?;
        for source in &ready {
            let state = &mut running.state;
            pulse.handles(*source, state.pid_behind(*source));
            match *source {
                EventSource::Listen => state.accept_clients(&socket),
                EventSource::Calloop => {
                    let dispatched = calloop.dispatch(Some(std::time::Duration::ZERO), state);
                    dispatched.map_err(|e| Error::setup("event loop", e))?;
                }
                EventSource::Signal => signals.handle(state),
                EventSource::Bus => {
                    if state.bus_event() {
                        notify.ready();
                    }
                }
                other => running.dispatch(other)?,
            }
        }
        running.more_turns();
    }
    pulse.ends(running.state.now);
    notify.stopping();
    running.settle()?;
    let state = &mut running.state;
    if trace::enabled() {
        let report = state.fences_report();
        report.buffers.iter().for_each(|buffer| trace::unreleased(report.now_ns, buffer.owner.surface, buffer));
    }
    for child in &mut state.children {
        // The Wayland display goes away under the children. Those that do not notice get SIGTERM.
        if let Some(pid) = rustix::process::Pid::from_raw(child.id() as i32) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
    }
    let (status, variables) = (state.exit.unwrap_or(0), state.environment_of_session().clone());
    drop(running);
    drop(watch);
    if args.session {
        environment::take_back(&Address::Session, &variables);
    }
    Ok(status)
}

/// Ends a turn of the loop, and waits for what the next one has to handle.
pub fn next(running: &mut Running, ready: &mut Vec<EventSource>, pulse: &Pulse) -> Result<(), Error> {
    pulse.settles();
    let wake = running.settle()?;
    let state = &mut running.state;
    if let Err(error) = state.reactor.wake_at(wake, state.now) {
        tracing::error!("cannot set the timer: {error}");
    }
    let waits = !running.has_more();
    let reactor = &mut running.state.reactor;
    pulse.waits();
    if waits { reactor.wait(ready) } else { reactor.look(ready, Some(Timespec::default())) }
        .context("waiting for events")?;
    running.wake();
    pulse.turn(running.state.now);
    Ok(())
}

/// Adds libinput and udev as calloop sources.
fn add_input(calloop: &EventLoop<'_, Syncline>, state: &mut Syncline) -> Result<(), Error> {
    let seat = state.session.seat();
    let mut context = Libinput::new_with_udev(state.session.clone());
    if context.udev_assign_seat(&seat).is_err() {
        tracing::warn!("no input devices: libinput cannot use the seat {seat} (is udev running?)");
        return Ok(());
    }
    state.libinput = Some(context.clone());
    let handle = calloop.handle();
    let inserted = libinput::insert(&handle, &context, |happened, state: &mut Syncline| state.libinput_event(happened));
    inserted.map_err(|error| Error::setup("input", error))?;
    libinput::queued(&context).for_each(|happened| state.libinput_event(happened));
    match udev::source() {
        Ok(source) => {
            let inserted = handle.insert_source(source, |_, monitor, state| {
                for event in udev::events(monitor) {
                    match event {
                        DeviceEvent::Added(path) => state.card_added(&path),
                        DeviceEvent::Changed { node, connector } => {
                            state.card_changed(node, connector.map(kms::ConnectorId::from_raw));
                        }
                        DeviceEvent::Removed(node) => state.card_removed(node),
                    }
                }
                Ok(PostAction::Continue)
            });
            inserted.map_err(|e| Error::setup("udev", e.error))?;
        }
        Err(error) => tracing::warn!("no hot-plug: udev: {error}"),
    }
    Ok(())
}

impl Syncline {
    /// The process from which an event of this source comes, or 0.
    fn pid_behind(&mut self, source: EventSource) -> i32 {
        let EventSource::Client(slot) = source else { return 0 };
        self.clients.get(slot).and_then(|client| client.pid).unwrap_or(0)
    }

    /// Accepts connections. If there are more than [`ACCEPTED`], the socket stays ready.
    fn accept_clients(&mut self, socket: &Listening) {
        for _ in 0..ACCEPTED {
            match socket.accept() {
                Ok(Some(stream)) => drop(self.insert_client(stream)),
                Ok(None) => break,
                Err(error) => {
                    self.descriptors.refuse(&error, || matches!(socket.accept(), Ok(Some(_))));
                    break;
                }
            }
        }
    }

    fn libinput_event(&mut self, happened: Happened) {
        match happened {
            Happened::Pad(event) => self.libinput_pad(&event),
            Happened::Input(event) => {
                match &event {
                    InputEvent::DeviceAdded { device } => self.input_added(device),
                    InputEvent::DeviceRemoved { device } => self.input_removed(device),
                    _ => {}
                }
                self.input(event);
            }
        }
    }

    /// The seat revokes the devices, or gives access to them again.
    pub fn seat_event(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::PauseSession => {
                tracing::info!("session paused");
                if let Some(libinput) = &self.libinput {
                    libinput.suspend();
                }
                self.let_go();
                self.pause();
            }
            SessionEvent::ActivateSession => {
                tracing::info!("session resumed");
                if let Some(libinput) = &mut self.libinput
                    && libinput.resume().is_err()
                {
                    tracing::error!("cannot resume the input devices");
                }
                self.resume();
                let queued = self.libinput.as_ref().map(libinput::queued);
                queued.into_iter().flatten().for_each(|happened| self.libinput_event(happened));
                self.refresh_night();
                self.mark_all_on();
                self.note_activity(true);
                self.cec_wake();
            }
        }
    }
}

/// SIGINT, SIGTERM, SIGHUP and SIGCHLD as bytes in socket pairs. There is no signal mask that the
/// child programs would inherit.
///
/// SIGHUP of a session that was started in a terminal says that the terminal is closed: it ends. Where
/// there is none (a service), somebody has sent it: the configuration is read again.
struct Signals {
    end: UnixStream,
    reload: UnixStream,
    child: UnixStream,
}

impl Signals {
    fn new(reactor: &Reactor) -> Result<Self, Error> {
        use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
        let pair = |signals: &[i32]| -> Result<UnixStream, Error> {
            let (ours, theirs) = UnixStream::pair().context("signals")?;
            ours.set_nonblocking(true).context("signals")?;
            for signal in signals {
                let theirs = theirs.try_clone().context("signals")?;
                signal_hook::low_level::pipe::register(*signal, theirs).context("signals")?;
            }
            reactor.add(&ours, EventSource::Signal).context("signals")?;
            Ok(ours)
        };
        // The terminal of the process, whatever its files are.
        let in_terminal = std::fs::File::open("/dev/tty").is_ok();
        let (end, reload): (&[i32], &[i32]) =
            if in_terminal { (&[SIGINT, SIGTERM, SIGHUP], &[]) } else { (&[SIGINT, SIGTERM], &[SIGHUP]) };
        Ok(Self { end: pair(end)?, reload: pair(reload)?, child: pair(&[SIGCHLD])? })
    }

    fn handle(&mut self, state: &mut Syncline) {
        use std::io::Read;
        let mut bytes = [0; 64];
        if self.end.read(&mut bytes).is_ok_and(|n| n > 0) {
            tracing::info!("ending because of a signal");
            state.exit = Some(0);
        }
        if self.reload.read(&mut bytes).is_ok_and(|n| n > 0) {
            // The log has the error.
            state.reload().ok();
        }
        if self.child.read(&mut bytes).is_ok_and(|n| n > 0) {
            state.reap();
        }
    }
}
