//! Finding the display device, lighting its outputs, following hot-plug, putting the console back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fence::{HandOff, SyncDevice};
use kms::{Device, Inventory, Mode, PlaneState, Rect, SrcRect, inventory::Connector, vblank};
use protocols::syncobj::SyncobjState;
use rustix::io::Errno;
use smithay::{
    backend::renderer::damage::OutputDamageTracker,
    output::{Mode as WlMode, Output as WlOutput, PhysicalProperties, Scale, Subpixel},
    reexports::wayland_server::DisplayHandle,
    utils::Transform,
};

use super::{
    Answers, Leaving, OnPlane, Output, Outputs, Phase,
    assign::Layouts,
    content_type::Told,
    schedule::{HandOverReserve, Misses, Planner},
    tear,
};
use crate::{
    cli::{FencePolicy, ModeRequest, RunArgs},
    config::{Colour, Config, OutputConfig},
    error::Error,
    feedback::Feedback,
    render::{Renderer, Target},
    session::Session,
    state::{Globals, Syncline},
    trace,
};

/// Opens the device that the user named, or the first one that has a connected display.
pub fn open_device(session: &mut Session, wanted: Option<&Path>) -> Result<(Device, Inventory), Error> {
    if let Some(path) = wanted {
        let (device, inventory) = try_device(session, path)?;
        if inventory.connected().next().is_none() {
            let reason = "no display is connected to it; plug one in, or name another device with --device";
            return Err(Error::Device { path: path.to_owned(), reason: reason.into() });
        }
        return Ok((device, inventory));
    }
    let mut cards = cards();
    if cards.is_empty() {
        return Err(Error::NoDevice);
    }
    let primary = smithay::backend::udev::primary_gpu(session.seat()).ok().flatten();
    cards.sort_by_key(|card| (Some(card) != primary.as_ref(), card.clone()));
    let mut last = Error::NoDevice;
    for card in cards {
        match try_device(session, &card) {
            Ok((device, inventory)) if inventory.connected().next().is_some() => return Ok((device, inventory)),
            Ok(_) => {
                let reason = "no display is connected to it; plug one in, or name another device with --device";
                last = Error::Device { path: card, reason: reason.into() };
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

pub fn cards() -> Vec<PathBuf> {
    let Ok(dir) = std::fs::read_dir("/dev/dri") else { return Vec::new() };
    let card = |name: &str| name.strip_prefix("card").is_some_and(|n| n.parse::<u32>().is_ok());
    dir.flatten().filter(|e| e.file_name().to_str().is_some_and(card)).map(|e| e.path()).collect()
}

fn try_device(session: &mut Session, path: &Path) -> Result<(Device, Inventory), Error> {
    let refused = |reason: String| Error::Device { path: path.to_owned(), reason };
    let fd = session.open_device(path)?;
    let device = Device::from_fd(fd, path)
        .map_err(|e| refused(format!("is no display device with atomic mode setting: {e}")))?;
    device.acquire_master().map_err(|e| match e.errno {
        rustix::io::Errno::BUSY | rustix::io::Errno::ACCESS | rustix::io::Errno::INVAL => {
            refused("is busy: another program is its DRM master; stop that display server, then try again".into())
        }
        _ => refused(e.to_string()),
    })?;
    let inventory = device.inventory().map_err(|e| refused(e.to_string()))?;
    Ok((device, inventory))
}

impl Outputs {
    /// Everything but the outputs themselves; see [`Syncline::light_up`].
    pub fn new(device: Device, inventory: Inventory, args: &RunArgs, config: &Config) -> Result<Self, Error> {
        let renderer = Renderer::new(args.renderer, &device)?;
        let saved = Some(device.save_state(&inventory));
        let policy = match config.fences.policy {
            FencePolicy::Never => HandOff::Never,
            FencePolicy::SameDriver => HandOff::SameDriver,
            FencePolicy::Trusted => HandOff::Trusted(config.fences.trusted.clone()),
            FencePolicy::Always => HandOff::Always,
        };
        let driver = device.driver().to_owned();
        tracing::info!("{}: driver {driver}, rendering with {}", device.path().display(), renderer.name());
        let known = super::recover::Known::new(&device);
        Ok(Self {
            device,
            inventory,
            renderer,
            driver,
            policy,
            known,
            gone: false,
            list: Vec::new(),
            leaving: Vec::new(),
            active: true,
            looks: Vec::new(),
            due: Vec::new(),
            saved,
        })
    }

    /// Announces what depends on the device: dma-buf formats and explicit synchronisation.
    pub fn announce(&self, display: &DisplayHandle, globals: &mut Globals) -> Result<(), Error> {
        let feedback = Feedback::new(self)?;
        globals.dmabuf_global =
            Some(globals.dmabuf.create_global_with_default_feedback::<Syncline>(display, &feedback.rendered));
        globals.feedback = Some(feedback);
        globals.shm.update_formats(self.renderer.shm_formats());
        let fd = std::os::fd::AsFd::as_fd(&self.device).try_clone_to_owned();
        let sync = fd.map_err(|e| e.to_string()).and_then(|fd| {
            let device = SyncDevice::new(fd).map_err(|e| e.to_string())?;
            device.require().map(|()| device).map_err(|missing| missing.to_string())
        });
        match sync {
            Ok(device) => globals.syncobj = Some(SyncobjState::new::<Syncline>(display, device)),
            Err(reason) => tracing::warn!("no explicit synchronisation for clients on {}: {reason}", self.driver),
        }
        Ok(())
    }

    /// Puts the console back; called once, also when the session ends in a panic.
    pub fn restore_console(&mut self) {
        // What is on its way off is off at the next vblank; what is not yet waits for the commit before.
        let leaving = self.leaving.iter().any(|leaving| !leaving.kms.needs_modeset());
        let stuck = leaving || self.list.iter().any(Output::is_stuck);
        self.list.clear();
        self.leaving.clear();
        if stuck {
            // Putting it back would wait for the fence. The kernel does it itself when the device is closed and the fence is over.
            self.saved = None;
            tracing::warn!("a commit waits for a fence: the console's picture is left to the kernel");
        }
        if let Some(saved) = self.saved.take() {
            match saved.restore() {
                Ok(restored) => tracing::debug!("console: {restored:?}"),
                Err(error) => tracing::warn!("the console's picture could not be put back: {error}"),
            }
        }
    }
}

impl Outputs {
    /// Turns a display off without waiting. Behind a commit that waits for a fence it stays on until that one's flip, which may
    /// never come; the kernel keeps the framebuffers that it needs.
    fn turn_off(&mut self, mut leaving: Leaving) {
        match leaving.kms.disable(user_data(leaving.id, u64::MAX)) {
            Ok(false) => {}
            Ok(true) => self.leaving.push(leaving),
            Err(error) if error.errno == Errno::BUSY => {
                tracing::info!("{error}; the display is turned off after that flip");
                self.leaving.push(leaving);
            }
            Err(error) => tracing::debug!("turning {} off: {error}", leaving.kms.name()),
        }
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        self.restore_console();
    }
}

fn choose_mode(connector: &Connector, wanted: Option<ModeRequest>) -> Result<&Mode, Error> {
    let found = match wanted {
        None => connector.preferred(),
        Some(ModeRequest { width, height, refresh }) => {
            connector.modes.iter().find(|m| m.matches(width.into(), height.into(), refresh))
        }
    };
    found.ok_or_else(|| {
        let mut offered: Vec<String> = connector
            .modes
            .iter()
            .map(|m| format!("{}x{}@{:.2}", m.width, m.height, f64::from(m.refresh_mhz) / 1000.0))
            .collect();
        offered.dedup();
        Error::NoMode {
            connector: connector.name.clone(),
            wanted: wanted.map_or_else(|| "preferred mode".into(), |w| w.to_string()),
            offered: if offered.is_empty() { "none".into() } else { offered.join(", ") },
        }
    })
}

/// A display that is about to be lit.
struct Dark {
    id: u32,
    connector: Connector,
    mode: Mode,
    kms: kms::Output,
    target: Arc<Target>,
    tracker: OutputDamageTracker,
    picture: PlaneState<'static>,
    /// What its connector is told.
    told: kms::ConnectorState,
}

impl Dark {
    fn modeset(&mut self, vrr: bool) -> kms::Frame<'_> {
        let (primary, capable) = (self.kms.primary(), self.kms.vrr_capable());
        let mut frame = self.kms.modeset();
        frame.set(primary, self.picture).vrr(vrr && capable).connector(self.told.clone());
        frame
    }

    /// Sets the mode, without variable refresh if it is refused with it.
    fn set_mode(&mut self, vrr: bool) -> Result<(), Error> {
        let number = user_data(self.id, 0);
        let mut result = self.modeset(vrr).commit(number);
        if vrr && self.kms.vrr_capable() && result.is_err() {
            result = self.modeset(false).commit(number);
        }
        result.map(drop).map_err(|e| Error::setup(format!("lighting {}", self.connector.name), e))
    }
}

/// Sets the modes of all in one commit; false if the kernel does not take that, and then none is set.
fn set_modes(dark: &mut [Dark], vrr: bool) -> bool {
    let number = dark.first().map_or(0, |first| user_data(first.id, 0));
    let mut frames: Vec<_> = dark.iter_mut().map(|dark| dark.modeset(vrr)).collect();
    match kms::frame::together::commit(&mut frames, number) {
        Ok(_) => true,
        Err(error) => {
            tracing::info!("not all displays at once, but one by one: {error}");
            false
        }
    }
}

impl Syncline {
    /// Lights every connected display that is not lit yet: all in one commit, so that the driver judges them together and nothing
    /// flickers twice; one by one if it does not take that. With `strict`, the first failure is an error.
    pub fn light_up(&mut self, wanted: Option<ModeRequest>, strict: bool) -> Result<(), Error> {
        let connectors: Vec<Connector> = self.outputs.inventory.connected().cloned().collect();
        let mut dark = Vec::new();
        let next = self.outputs.list.iter().map(|output| output.id).max().unwrap_or(0) + 1;
        for connector in connectors {
            let lit = self.outputs.list.iter().any(|o| o.kms.connector_id() == connector.id);
            if lit || connector.non_desktop || connector.writeback {
                continue;
            }
            let id = next + dark.len() as u32;
            let configured = self.config.output(&connector.name).and_then(|output| output.mode);
            match choose_mode(&connector, wanted.or(configured)).and_then(|mode| self.prepare(id, &connector, mode)) {
                Ok(output) => dark.push(output),
                Err(error) if strict => return Err(error),
                Err(error) => tracing::error!("{}: {error}", connector.name),
            }
        }
        let vrr = self.config.vrr;
        let together = dark.len() > 1 && set_modes(&mut dark, vrr);
        for mut output in dark {
            match if together { Ok(()) } else { output.set_mode(vrr) } {
                Ok(()) => self.add_output(output),
                Err(error) if strict => return Err(error),
                Err(error) => tracing::error!("{error}"),
            }
        }
        self.arrange();
        Ok(())
    }

    /// What is needed to light a display.
    fn prepare(&mut self, id: u32, connector: &Connector, mode: &Mode) -> Result<Dark, Error> {
        let fail = |e: &dyn std::fmt::Display| Error::setup(format!("lighting {}", connector.name), e);
        let outputs = &mut self.outputs;
        let mut output =
            kms::Output::new(&outputs.device, &outputs.inventory, connector.id, mode).map_err(|e| fail(&e))?;
        let (width, height) = output.size();
        let primary = output.primary();
        let modifiers = outputs.known.modifiers(&output.planes()[primary]);
        let target = outputs.renderer.new_target(&outputs.device, width, height, &modifiers).map_err(|e| fail(&e))?;
        let mut tracker = OutputDamageTracker::new((width as i32, height as i32), 1.0, Transform::Normal);
        outputs.renderer.draw(&target, 0, &mut tracker, &[], self.config.background).map_err(|e| fail(&e))?;
        let framebuffer = target.framebuffer(&outputs.device).ok_or_else(|| fail(&"its buffer cannot be shown"))?;
        let (src, dst) = (SrcRect::full(width, height), Rect::new(0, 0, width, height));
        let picture = PlaneState::new(framebuffer.id(), src, dst);
        let told = self.config.output(&connector.name).map(OutputConfig::connector_state).unwrap_or_default();
        let told = takes(&mut output, primary, picture, told);
        let (connector, mode) = (connector.clone(), mode.clone());
        Ok(Dark { id, connector, mode, kms: output, target, tracker, picture, told })
    }

    /// A display whose mode is being set becomes an output.
    fn add_output(&mut self, dark: Dark) {
        let Dark { id, connector, mode, kms: output, target, tracker, told, .. } = dark;
        let configured = self.config.output(&connector.name);
        let outputs = &mut self.outputs;
        let ((width, height), primary) = (output.size(), output.primary());
        let mut watch = kms::recover::watch::FlipWatch::default();
        watch.committed(self.now);

        let wl = WlOutput::new(
            connector.name.clone(),
            PhysicalProperties {
                size: (connector.size_mm.0 as i32, connector.size_mm.1 as i32).into(),
                subpixel: Subpixel::Unknown,
                make: connector.edid.as_ref().map_or("Unknown", |edid| edid.make()).into(),
                model: connector.edid.as_ref().map_or_else(|| connector.name.clone(), |edid| edid.model()),
            },
        );
        let wl_mode = WlMode { size: (width as i32, height as i32).into(), refresh: mode.refresh_mhz as i32 };
        let x = outputs.list.iter().map(|o| o.rect().loc.x + o.rect().size.w).max().unwrap_or(0);
        let position = configured.and_then(|output| output.position);
        let location = position.unwrap_or((x, 0)).into();
        wl.change_current_state(Some(wl_mode), Some(Transform::Normal), Some(Scale::Integer(1)), Some(location));
        wl.set_preferred(wl_mode);
        let global = wl.create_global::<Syncline>(&self.display);
        let mut on_plane = vec![None; output.planes().len()];
        on_plane[primary] = Some(OnPlane::Target(target.clone()));
        trace::name(id, &format!("output {} ({})", connector.name, outputs.driver));
        tracing::info!("{}: {}x{} at {:.2} Hz", connector.name, width, height, f64::from(mode.refresh_mhz) / 1000.0);
        outputs.list.push(Output {
            id,
            wl,
            global,
            clock: vblank::Clock::new(mode.period_ns()),
            location,
            size: (width as i32, height as i32).into(),
            phase: Phase::InFlight,
            dirty: true,
            look: false,
            frame: 0,
            primary,
            cursor: output.cursor(),
            on_plane,
            retiring: Vec::new(),
            in_flight: None,
            answers: Answers::default(),
            watch,
            ladder: kms::recover::Ladder::default(),
            withdrawn: false,
            targets: vec![(target, 0)],
            passes: 0,
            tracker,
            scene: Vec::new(),
            layouts: Layouts::default(),
            planner: Planner::default(),
            misses: Misses::default(),
            hand_over: HandOverReserve::default(),
            handed: Vec::new(),
            tearing: tear::Verdict::default(),
            told: Told::new(told),
            retrain: false,
            placed: position.is_some(),
            crc: None,
            shown: Vec::new(),
            kms: output,
        });
    }

    /// Connectors may have changed: takes away what is unplugged and lights what is new.
    pub fn hot_plug(&mut self, wanted: Option<ModeRequest>) {
        let device = self.outputs.device.clone();
        match self.outputs.inventory.refresh_connectors(&device) {
            Ok(changes) if changes.is_empty() => return,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!("reading connectors: {error}");
                return;
            }
        }
        if self.outputs.known.reset() {
            self.renew_feedback();
        }
        self.outputs.list.iter_mut().for_each(|output| output.ladder.reset());
        let before = self.places();
        let connected = self.check_links();
        let gone = self.outputs.list.extract_if(.., |o| !connected.contains(&o.kms.connector_id()));
        for output in gone.collect::<Vec<_>>() {
            self.take_away(output);
        }
        self.arrange();
        self.light_up(wanted, false).ok();
        self.displays_changed(&before);
    }

    /// The connectors that go on as they are. A link that failed is trained again by the next frame; if it cannot carry the mode any more, the
    /// output is lit anew with one that it can.
    fn check_links(&mut self) -> Vec<u32> {
        let mut good = Vec::new();
        for connector in self.outputs.inventory.connected() {
            let output = self.outputs.list.iter_mut().find(|output| output.kms.connector_id() == connector.id);
            if let Some(output) = output.filter(|_| connector.link_is_bad()) {
                tracing::warn!("{}: its link has failed; setting the mode again", connector.name);
                if !connector.modes.contains(output.kms.mode()) {
                    continue;
                }
                (output.retrain, output.dirty) = (true, true);
            }
            good.push(connector.id);
        }
        good
    }

    /// A flip came of a CRTC that no output has any more: its display is turned off if it is not yet, and if another could not be
    /// lit because of that commit, it can now.
    pub(super) fn flipped_last(&mut self, flip: &kms::Flip) {
        if let Some(at) = self.outputs.leaving.iter().position(|leaving| leaving.kms.crtc_id() == flip.crtc) {
            let mut leaving = self.outputs.leaving.swap_remove(at);
            if !leaving.kms.flipped(flip) {
                self.outputs.leaving.push(leaving);
            } else if !leaving.kms.needs_modeset() {
                self.outputs.turn_off(leaving);
            }
        }
        let lit = |id| self.outputs.list.iter().any(|o| o.kms.connector_id() == id);
        if self.outputs.active && self.outputs.inventory.connected().any(|connector| !lit(connector.id)) {
            let before = self.places();
            self.light_up(self.mode, false).ok();
            self.displays_changed(&before);
        }
    }

    /// An output whose display is gone: its clients hear of their frames, the kernel lets go of their buffers.
    pub(super) fn take_away(&mut self, mut output: Output) {
        tracing::info!("{} is unplugged", output.wl.name());
        self.display.remove_global::<Syncline>(output.global.clone());
        if let Some(in_flight) = output.in_flight.take() {
            in_flight.abandon(self.millis());
        }
        let shows = output.on_plane.into_iter().flatten().chain(output.retiring).collect();
        self.outputs.turn_off(Leaving { id: output.id, kms: output.kms, _shows: shows });
    }

    /// Puts the outputs side by side, without gaps, in the order in which they came, to the right of those that have their place.
    fn arrange(&mut self) {
        let list = &mut self.outputs.list;
        let right = list.iter().filter(|output| output.placed).map(|output| output.location.x + output.size.w).max();
        let mut x = right.unwrap_or(0);
        for output in list.iter_mut().filter(|output| !output.placed) {
            if output.location.x != x {
                output.location.x = x;
                output.wl.change_current_state(None, None, None, Some(output.location));
                output.dirty = true;
            }
            x += output.size.w;
        }
    }

    /// The session lost its VT: nothing is committed until it comes back.
    pub fn pause(&mut self) {
        self.outputs.active = false;
        for output in &mut self.outputs.list {
            if let Phase::Scheduled { .. } = output.phase {
                output.phase = Phase::Idle;
            }
        }
    }

    /// The session has its VT again: whoever had it may have changed everything.
    pub fn resume(&mut self) {
        self.outputs.active = true;
        if matches!(self.session, Session::Direct)
            && let Err(error) = self.outputs.device.acquire_master()
        {
            tracing::warn!("display device: {error}");
        }
        // Their flips went to nobody.
        for mut leaving in std::mem::take(&mut self.outputs.leaving) {
            leaving.kms.reset();
            self.outputs.turn_off(leaving);
        }
        for index in 0..self.outputs.list.len() {
            self.outputs.list[index].kms.reset();
            self.outputs.list[index].layouts.forget();
            if let Err(error) = self.relight(index) {
                tracing::error!("{}: {error}", self.outputs.list[index].wl.name());
            }
        }
    }

    /// Sets an output's mode again with a fresh picture.
    pub(super) fn relight(&mut self, index: usize) -> Result<(), String> {
        let outputs = &mut self.outputs;
        let output = &mut outputs.list[index];
        let (width, height) = output.kms.size();
        let modifiers = outputs.known.modifiers(&output.kms.planes()[output.primary]);
        let target = outputs.renderer.new_target(&outputs.device, width, height, &modifiers)?;
        output.targets.clear();
        let background: Colour = self.config.background;
        outputs.renderer.draw(&target, 0, &mut output.tracker, &[], background)?;
        let framebuffer = target.framebuffer(&outputs.device).ok_or("its buffer cannot be shown")?;
        let vrr = self.config.vrr && output.kms.vrr_capable();
        let mut frame = output.kms.modeset();
        output.told.modeset();
        frame.connector(output.told.state.clone());
        let all = (SrcRect::full(width, height), Rect::new(0, 0, width, height));
        frame.set(output.primary, PlaneState::new(framebuffer.id(), all.0, all.1)).vrr(vrr);
        frame.commit(user_data(output.id, output.frame)).map_err(|e| e.to_string())?;
        output.retiring.extend(output.on_plane.iter_mut().filter_map(Option::take));
        output.on_plane[output.primary] = Some(OnPlane::Target(target.clone()));
        output.targets.push((target, 0));
        if let Some(in_flight) = output.in_flight.take() {
            in_flight.abandon(std::time::Duration::from_nanos(self.now).as_millis() as u32);
        }
        output.phase = Phase::InFlight;
        output.watch.committed(self.now);
        output.ladder.reset();
        output.dirty = true;
        Ok(())
    }
}

/// What of `told` the connector takes: all, or nothing where it lacks a property or the kernel refuses a value.
fn takes(
    output: &mut kms::Output,
    primary: usize,
    state: PlaneState<'_>,
    told: kms::ConnectorState,
) -> kms::ConnectorState {
    let refused = match output.cannot(&told) {
        Some(what) => Some(what.to_owned()),
        None => output.modeset().set(primary, state).connector(told.clone()).test().err().and_then(|error| {
            // What is refused without it, too, is not its fault.
            let plain = output.modeset().set(primary, state).test();
            plain.is_ok().then(|| error.to_string())
        }),
    };
    match refused {
        Some(why) => {
            tracing::warn!("{}: its settings in [[output]] are left out: {why}", output.name());
            kms::ConnectorState::default()
        }
        None => told,
    }
}

/// What a commit's flip event carries: unique among the outputs.
pub fn user_data(output: u32, frame: u64) -> u64 {
    (u64::from(output) << 48) | (frame & 0xffff_ffff_ffff)
}
