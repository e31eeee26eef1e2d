//! Another session on another terminal: a KMS client that leaves a card in a state that nobody would
//! want.
//!
//! It has its own open file of the card and lives on when it has lost the card, as a compositor does on
//! a terminal that is not shown: what it shows stays until somebody turns it off.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dmabuf_import::Fourcc;
use kms::colour::Lut;
use kms::frame::together;
use kms::{CommitError, CrtcState, Device, DumbBuffer, Event, Inventory, Output, PlaneState, Rect, Rotation, SrcRect};

use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::time::poll_until;

/// How long a commit of the session before may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The client, with what it shows.
#[derive(Debug)]
pub struct OtherSession {
    outputs: Vec<Output>,
    picture: DumbBuffer,
    small: DumbBuffer,
    device: Device,
    serial: u64,
}

impl OtherSession {
    /// Takes the card at `node`, which nobody has, and drives each display by the CRTC after its own, in
    /// one commit, with a picture on every plane, all but the lowest turned and half transparent, and
    /// with black for white. Any CRTC must be able to drive any display.
    pub fn scramble(node: &Path) -> Result<Self> {
        let device = Device::open(node).map_err(said)?;
        device.acquire_master().map_err(said)?;
        let inventory = device.inventory().map_err(said)?;
        let mut outputs = crossed(&device, &inventory)?;
        let (width, height) = outputs.first().map(Output::size).unwrap_or_default();
        let dumb = |w, h| device.dumb(w, h, Fourcc::Xrgb8888).map_err(said);
        let (picture, small) = (dumb(width, height)?, dumb(64, 64)?);
        device.undo_others(&inventory, &mut outputs).map_err(said)?;
        let mut other = Self { outputs, picture, small, device, serial: 1 };
        other.light()?;
        Ok(other)
    }

    /// The last commit of the session before may be in flight still.
    fn light(&mut self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        let luts: Result<Vec<_>> =
            self.outputs.iter().map(|output| inverted(&self.device, output.crtc_props().gamma_lut_size)).collect();
        let luts = luts?;
        loop {
            match self.try_light(&luts) {
                Err(error) if error.errno == Errno::BUSY && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                done => break done.map_err(said)?,
            }
        }
        self.wait()
    }

    fn try_light(&mut self, luts: &[Option<Arc<Lut>>]) -> std::result::Result<(), CommitError> {
        let mut frames = Vec::new();
        for (output, inverted) in self.outputs.iter_mut().zip(luts) {
            let (width, height) = output.size();
            let inverted = inverted.clone();
            let mut frame = output.modeset();
            frame.crtc(CrtcState { gamma: inverted, ..CrtcState::default() });
            let whole = (SrcRect::full(width, height), Rect::new(0, 0, width, height));
            frame.set(0, PlaneState::new(self.picture.id(), whole.0, whole.1));
            for plane in 1..frame.planes() {
                let mut state = PlaneState::new(self.small.id(), SrcRect::full(64, 64), Rect::new(32, 32, 64, 64));
                state.options.rotation = Rotation::ROTATE_180;
                if frame.plane(plane).is_some_and(|plane| plane.props.alpha.is_some()) {
                    state.alpha = 0x8000;
                }
                frame.set(plane, state);
            }
            frames.push(frame);
        }
        together::commit(&mut frames, self.serial).map(drop)
    }

    /// Darkens one of its displays, as for a user who is away.
    pub fn darken(&mut self, display: usize) -> Result<()> {
        self.serial += 1;
        self.outputs[display].sleep(self.serial).map_err(said)?;
        self.wait()
    }

    /// Until everything has reached the screen.
    fn wait(&mut self) -> Result<()> {
        let (outputs, device) = (&mut self.outputs, &self.device);
        let over = poll_until(Duration::from_secs(2), || {
            let heard = |event: Event| {
                if let Event::Flip(flip) = event {
                    outputs.iter_mut().for_each(|output| {
                        output.flipped(&flip);
                    });
                }
            };
            device.read_events(heard).is_ok() && outputs.iter().all(|output| output.in_flight().is_none())
        });
        if over { Ok(()) } else { Err(Error::Timeout("the other session's flips".into())) }
    }

    /// Lets another have the card, and goes on living.
    pub fn leave(&self) -> Result<()> {
        self.device.release_master().map_err(said)
    }
}

/// Black for white, where the CRTC has a table for it.
fn inverted(device: &Device, size: Option<u64>) -> Result<Option<Arc<Lut>>> {
    let Some(last) = size.and_then(|size| u32::try_from(size).ok()?.checked_sub(1)).filter(|last| *last > 0) else {
        return Ok(None);
    };
    let entries: Vec<[u16; 3]> = (0..=last).map(|at| [(0xffff * (last - at) / last) as u16; 3]).collect();
    Lut::new(device, &entries).map(|lut| Some(Arc::new(lut))).map_err(said)
}

fn said(error: impl std::fmt::Display) -> Error {
    Error::Other(format!("the other session: {error}"))
}

fn crossed(device: &Device, inventory: &Inventory) -> Result<Vec<Output>> {
    let displays: Vec<_> = inventory.connected().collect();
    let crtc = |at: usize| inventory.crtcs[(at + 1) % inventory.crtcs.len()].index;
    let output = |(at, connector): (usize, &&kms::inventory::Connector)| {
        let mode = connector.preferred().ok_or_else(|| said("a display without a mode"))?;
        Output::on_crtc(device, inventory, connector.id, mode, crtc(at)).map_err(said)
    };
    displays.iter().enumerate().map(output).collect()
}
