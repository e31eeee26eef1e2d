//! Gives an output another colour ([`crate::output::colour`]).
//!
//! A change goes with the next frame, which it causes. A modeset sends it again, so nothing of it is lost with the VT.
//! What the driver refuses is found out by a TEST_ONLY commit: no frame is lost for a colour.

use std::sync::Arc;

use kms::{
    CrtcState,
    colour::{Ctm, Lut},
};
use rustix::io::Errno;

use crate::output::{
    colour::{NEUTRAL, white},
    state::Output,
};

impl Output {
    /// How long a table of the display is; `None`: it has none.
    pub fn gamma_entries(&self) -> Option<usize> {
        let props = self.kms.crtc_props();
        props.gamma_lut.and(props.gamma_lut_size).map(|size| size as usize)
    }

    /// A client's table, or `None`. Errors: why the display does not take it.
    pub fn set_client_table(&mut self, table: Option<&[[u16; 3]]>) -> Result<(), String> {
        let device = self.kms.device();
        self.colour.client = match table {
            Some(table) => Some(Arc::new(Lut::new(device, table).map_err(|error| error.to_string())?)),
            None => None,
        };
        self.apply_colour()
    }

    /// The light of the night, in kelvin; `None`: there is none. Returns whether that is another one than before.
    /// Errors: why the display cannot show it; it has none then.
    pub fn set_night(&mut self, kelvin: Option<u32>) -> Result<bool, String> {
        let kelvin = kelvin.filter(|kelvin| *kelvin != NEUTRAL);
        if self.colour.night.as_ref().map(|(kelvin, _)| *kelvin) == kelvin {
            return Ok(false);
        }
        self.colour.night = None;
        let made = kelvin.map(|kelvin| self.light(kelvin).map(|state| (kelvin, state))).transpose();
        let made = made.and_then(|night| {
            self.colour.night = night;
            self.apply_colour()
        });
        if made.is_err() {
            self.colour.night = None;
            self.apply_colour()?;
        }
        made.map(|()| true)
    }

    /// What makes such a light.
    fn light(&self, kelvin: u32) -> Result<CrtcState, String> {
        let (device, [red, green, blue]) = (self.kms.device(), white(kelvin));
        if self.kms.crtc_props().ctm.is_some() {
            let ctm = Ctm::new(device, [[red, 0.0, 0.0], [0.0, green, 0.0], [0.0, 0.0, blue]]);
            let ctm = Some(Arc::new(ctm.map_err(|error| error.to_string())?));
            return Ok(CrtcState { ctm, ..CrtcState::default() });
        }
        let entries = self.gamma_entries().filter(|entries| *entries >= 2);
        let entries = entries.ok_or("its CRTC has neither CTM nor GAMMA_LUT")?;
        let entry = |at: usize| {
            [red, green, blue].map(|part| (part * 65535.0 * at as f64 / (entries - 1) as f64).round() as u16)
        };
        let table: Vec<_> = (0..entries).map(entry).collect();
        let gamma = Some(Arc::new(Lut::new(device, &table).map_err(|error| error.to_string())?));
        Ok(CrtcState { gamma, ..CrtcState::default() })
    }

    /// The next frame has the colour that is wanted now.
    fn apply_colour(&mut self) -> Result<(), String> {
        let wanted = self.colour.wanted();
        // Where one is shown already, another one of its kind is taken, too.
        let kinds = |state: &CrtcState| (state.gamma.is_some(), state.ctm.is_some());
        let is_other = kinds(&wanted) != kinds(&self.colour.state);
        if is_other && !self.machine.is_dark() {
            match self.kms.frame().crtc(wanted.clone()).test() {
                Ok(()) => {}
                // Of the moment, or of the session: it is tried with the next frame.
                Err(error) if matches!(error.errno, Errno::BUSY | Errno::ACCESS | Errno::NOMEM | Errno::INTR) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        self.colour.state = wanted;
        self.dirty = true;
        Ok(())
    }
}
