//! Lights displays: mode, CRTC and a first image; all displays of a card in one commit, if the
//! driver accepts that.
//!
//! It chooses no card and does not watch for hot-plug. It does not touch a display that is on.

use std::sync::Arc;

use drm_fourcc::DrmModifier;
use kms::{CrtcIndex, Device, Framebuffer, Mode, PlaneState, Rect, SrcRect, inventory::Connector};
use rustix::io::Errno;
use smithay::{
    output::{Mode as WlMode, Output as WlOutput, PhysicalProperties, Subpixel},
    utils::Transform,
};

use crate::{
    config::output::{OutputConfig, transform_name},
    output::{
        card::{
            light::{Fallback, PendingOutput, set_modes, supported_settings},
            monitor::Monitor,
        },
        in_flight::FrameCallbacks,
        phase::Machine,
        planes::{assign::Layouts, content_type::ConnectorSettings, request::KmsOutput, tear},
        quiet::QuietMoment,
        rest::Rest,
        state::Output,
        variable::VariableRefresh,
        writeback::writeback_of,
    },
    render::{Scene, Screen, Target, Tracker, target::OPAQUE},
    schedule::{HandOverReserve, Misses, Planner},
    session::{
        Syncline,
        displays::{
            modesets::clock_of,
            settings::{Look, told},
        },
        globals::announce_output,
    },
    system::{error::Error, id::OutputId, trace},
};

impl Syncline {
    /// Lights every display of a card that is connected and not lit yet. One commit lights all of
    /// them, so that the driver judges them together and nothing flickers twice; if the driver
    /// refuses that, there is one commit each, and a display that is refused is lit with less. With
    /// `strict`, the first failure is returned as an error if no display is lit; else failures are
    /// logged.
    pub fn light_up(
        &mut self,
        card: kms::CardSerial,
        wanted: Option<kms::ModeRequest>,
        strict: bool,
    ) -> Result<(), Error> {
        let dark = self.give_out_crtcs(card);
        let (mut pending, before) = (Vec::new(), self.outputs.list.len());
        for (connector, crtc) in dark {
            let Some(crtc) = crtc else {
                tracing::info!("{}: stays dark: no CRTC of the card is left for it", connector.name);
                continue;
            };
            let id = self.outputs.list.new_id();
            let mode = self.mode_of(card, &connector, wanted, strict);
            match mode.and_then(|mode| self.prepare(card, id, &connector, crtc, &mode, false)) {
                Ok(output) => pending.push(output),
                Err(error) if strict => return Err(error),
                Err(error) => tracing::error!("{}: {error}", connector.name),
            }
        }
        if pending.is_empty() {
            self.arrange();
            return Ok(());
        }
        if let Some(card) = self.outputs.cards.get_mut(card) {
            card.undo_others(pending.iter_mut().map(|output| &mut output.kms));
        }
        let alone = pending.len() == 1;
        let together = !alone && set_modes(&mut pending);
        let mut refused = Vec::new();
        for mut output in pending {
            if let (false, Some(card)) = (together || alone, self.outputs.cards.get_mut(card)) {
                card.undo_others(std::iter::once(&mut output.kms));
            }
            let name = output.connector.name.clone();
            let lit = match if together { Ok(()) } else { output.set_mode() } {
                Ok(()) => Ok(output),
                Err(error) => self.light_with_less(card, output, error),
            };
            match lit {
                Ok(output) => self.add_output(output),
                Err(error) => refused.push((name, error)),
            }
        }
        for (name, error) in refused {
            let moment = matches!(error.errno, Errno::BUSY | Errno::NOMEM | Errno::INTR);
            if strict && self.outputs.list.len() == before {
                return Err(Error::setup(format!("cannot light {name}"), error));
            } else if moment && self.schedule_relight(card) {
                tracing::info!("{error}; trying again soon");
            } else {
                tracing::error!("cannot light {name}: {error}");
            }
        }
        self.arrange();
        if self.outputs.list.len() > before {
            // Plugging in a display is an action of the user.
            self.note_activity(true);
        }
        Ok(())
    }

    /// The mode of a display: that which was chosen for it, else that which is wanted or configured. If it has
    /// no such mode, that which it prefers, with a warning; with `strict`, a `wanted` one that it does not have
    /// is an error.
    pub fn mode_of(
        &self,
        card: kms::CardSerial,
        connector: &Connector,
        wanted: Option<kms::ModeRequest>,
        strict: bool,
    ) -> Result<Mode, Error> {
        let chosen = self.displays.choices.get(card, &connector.name).and_then(|choice| choice.mode.as_ref());
        if let Some(mode) = chosen.and_then(|mode| connector.modes.iter().find(|of| of.same_timing(mode))) {
            return Ok(mode.clone());
        }
        let configured = self.configured(connector).and_then(|output| output.mode);
        let mode = match kms::open::choose_mode(connector, wanted.or(configured)) {
            Err(error) if connector.preferred().is_some() && !(strict && wanted.is_some()) => {
                tracing::warn!("{error}; taking the mode that the display prefers");
                kms::open::choose_mode(connector, None)
            }
            chosen => chosen,
        };
        Ok(mode?.clone())
    }

    /// Prepares everything that is needed to light a display; `plain`: with an image that has no
    /// modifier.
    pub fn prepare(
        &mut self,
        card: kms::CardSerial,
        id: OutputId,
        connector: &Connector,
        crtc: CrtcIndex,
        mode: &Mode,
        plain: bool,
    ) -> Result<PendingOutput, Error> {
        let fail = |e: &dyn std::fmt::Display| Error::setup(format!("cannot light {}", connector.name), e);
        let outputs = &mut self.outputs;
        let card = outputs.cards.get(card).ok_or_else(|| fail(&"its card is gone"))?;
        let device = &card.device;
        let mut output = KmsOutput::on_crtc(device, &card.inventory, connector.id, mode, crtc).map_err(|e| fail(&e))?;
        let (width, height) = output.size();
        let primary = output.primary();
        let modifiers = if plain { Vec::new() } else { card.known.modifiers(&output.planes()[primary], OPAQUE) };
        let device = device.clone();
        let mut fallback = None;
        let mut made = self.first_image(&device, (width, height), &modifiers);
        if let Err(why) = &made
            && !modifiers.is_empty()
            && let Ok(with_less) = self.first_image(&device, (width, height), &[])
        {
            fallback = Some(Fallback::new(mode, mode, true, why));
            made = Ok(with_less);
        }
        if let Err(why) = &made
            && self.give_up_gpu(device.serial(), why)
        {
            made = self.first_image(&device, (width, height), &modifiers);
        }
        let (target, tracker, framebuffer) =
            made.map_err(|e| fail(&format_args!("{e}{}", self.outputs.advice(device.serial()))))?;
        let (src, dst) = (SrcRect::full(width, height), Rect::new(0, 0, width, height));
        let first_frame = PlaneState::new(framebuffer.id(), src, dst);
        let settings = self.configured(connector).map(OutputConfig::connector_state).unwrap_or_default();
        let settings = supported_settings(&mut output, primary, (first_frame, &target), settings);
        let (connector, mode) = (connector.clone(), mode.clone());
        let vrr = self.wants_vrr(device.serial(), &connector);
        Ok(PendingOutput { id, connector, mode, kms: output, target, tracker, first_frame, settings, vrr, fallback })
    }

    /// The first image of a display: the background, in a target that the display can show.
    pub fn first_image(
        &mut self,
        device: &Device,
        (width, height): (u32, u32),
        modifiers: &[DrmModifier],
    ) -> Result<(Arc<Target>, Tracker, Framebuffer), String> {
        let renderer = &mut self.outputs.renderer;
        let target = renderer.new_target(device, width, height, OPAQUE, modifiers)?;
        let mut tracker = Tracker::new((width as i32, height as i32));
        renderer.draw(&target, 0, &mut tracker, &[], self.config.background)?;
        let framebuffer = target.framebuffer(device).ok_or("the display cannot show the renderer's buffer")?;
        Ok((target, tracker, framebuffer))
    }

    /// Makes an output of a display whose mode is being set.
    pub fn add_output(&mut self, pending: PendingOutput) {
        let PendingOutput { id, connector, mode, kms: output, target, tracker, settings, fallback, .. } = pending;
        let Look { position, transform, scale } = self.look_of(output.device().serial(), &connector);
        let outputs = &mut self.outputs;
        let ((width, height), primary) = (output.size(), output.primary());

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
        let x = outputs.list.on_desktop().map(|o| o.rect().loc.x + o.rect().size.w).max().unwrap_or(0);
        let location = position.unwrap_or((x, 0).into());
        let size = Screen::new(location, wl_mode.size, transform, scale).area.size;
        wl.change_current_state(Some(wl_mode), Some(transform), Some(told(scale)), Some(location));
        wl.set_preferred(wl_mode);
        let global = announce_output(&self.display, &wl);
        trace::name(id.0, &format!("output {} ({})", connector.name, output.device().driver()));
        let (name, turned) = (transform_name(transform), transform != Transform::Normal);
        let turned = if turned { format!(", transform {name}") } else { String::new() };
        let hz = f64::from(mode.refresh_mhz) / 1000.0;
        let scaled = if scale.factor() != 1.0 { format!(", scale {}", scale.factor()) } else { String::new() };
        tracing::info!("{}: {width}x{height} at {hz:.2} Hz{turned}{scaled}", connector.name);
        let clock = clock_of(&output, &mode);
        if clock.is_own() {
            tracing::info!("{}: its driver has no vblanks; a timer paces the frames", connector.name);
        }
        if let Some(Fallback { what, why, .. }) = &fallback {
            tracing::warn!("{}: lit {what}: {why}", connector.name);
        }
        if let Some(fault) = connector.edid_fault {
            tracing::warn!(
                "{}: {fault}; its name and abilities may be unknown, and its modes are those that the kernel gives it: \
                 check the cable, adapter or switch before it",
                connector.name
            );
        }
        let beside = outputs.list.iter().filter(|of| of.is_on(output.device().serial()));
        let taken: Vec<_> = beside.filter_map(|of| Some(of.writeback.as_ref()?.connector_id())).collect();
        let card = outputs.cards.get(output.device().serial());
        let writeback = card.and_then(|card| writeback_of(card, &output, &taken));
        if let Some(card) = outputs.cards.get_mut(output.device().serial()) {
            card.asleep.retain(|(asleep, _)| *asleep != connector.id);
        }
        outputs.list.push(Output {
            id,
            wl,
            global,
            clock,
            mirror: None,
            location,
            size,
            transform,
            scale,
            machine: Machine::lit(self.now),
            dirty: true,
            refresh: VariableRefresh::new(connector.edid.as_ref().and_then(|edid| edid.lowest_hz)),
            check_pending: false,
            frame: 0,
            flipped_at: None,
            primary,
            cursor: output.cursor(),
            pointer_on_plane: false,
            filled: false,
            shown_by_plane: Vec::new(),
            marked_by_assignment: false,
            callbacks: FrameCallbacks::default(),
            ladder: kms::recover::Ladder::default(),
            cursor_rest: Rest::default(),
            quiet: QuietMoment::default(),
            withdrawn: false,
            targets: vec![(target, 0)],
            passes: 0,
            has_in_fences: false,
            late: Vec::new(),
            failed_passes: 0,
            tracker,
            scene: Scene::new(),
            layouts: Layouts::default(),
            planner: Planner::default(),
            misses: Misses::default(),
            hand_over: HandOverReserve::default(),
            handed: Vec::new(),
            tearing: tear::TearVerdict::default(),
            settings: ConnectorSettings::new(settings),
            colour: Default::default(),
            retrain: false,
            fallback,
            writeback,
            writeback_rest: Rest::default(),
            monitor: Monitor::of(&connector),
            placed: position.is_some(),
            crc: None,
            pending_frame: Default::default(),
            shown: Vec::new(),
            kms: output,
        });
        self.outputs.renew_signalled();
    }
}
