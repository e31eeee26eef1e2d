//! What a display does to the colour of the whole image on its way out: a client's table, or the light of the night.
//!
//! A client's table comes before the light of the night. That is a matrix (`CTM`) where the CRTC has one, else a
//! table (`GAMMA_LUT`). How an output gets it is in [`crate::output::coloured`].

use std::sync::Arc;

use kms::{CrtcState, colour::Lut};

/// The light that changes nothing, in kelvin.
pub const NEUTRAL: u32 = 6500;

/// The colour of an output.
#[derive(Debug, Default)]
pub struct ColourSettings {
    /// Committed with the next frame.
    pub state: CrtcState,
    /// A client's table.
    pub client: Option<Arc<Lut>>,
    /// The light of the night, and what makes it.
    pub night: Option<(u32, CrtcState)>,
}

impl ColourSettings {
    /// The light of the night in kelvin, if it is to be seen.
    pub fn kelvin(&self) -> Option<u32> {
        self.night.as_ref().filter(|_| self.client.is_none()).map(|(kelvin, _)| *kelvin)
    }

    /// Whether a frame that was committed with this state had another colour than the next one.
    pub fn differs(&self, committed: &CrtcState) -> bool {
        let parts = |state: &CrtcState| {
            let [gamma, degamma] = [&state.gamma, &state.degamma].map(|lut| lut.as_ref().map(|lut| lut.id()));
            (gamma, degamma, state.ctm.as_ref().map(|ctm| ctm.id()))
        };
        parts(&self.state) != parts(committed)
    }

    /// What is wanted now.
    pub fn wanted(&self) -> CrtcState {
        match (&self.client, &self.night) {
            (Some(table), _) => CrtcState { gamma: Some(table.clone()), ..CrtcState::default() },
            (None, Some((_, state))) => state.clone(),
            (None, None) => CrtcState::default(),
        }
    }
}

/// Red, green and blue of a light of so many kelvin (1667 to 25000), as parts of those of [`NEUTRAL`], the greatest
/// of them 1, for values as they are in images.
///
/// Kim et al., "Design of advanced color temperature control system for HDTV applications" (2002): the Planckian
/// locus as cubic splines.
pub fn white(kelvin: u32) -> [f64; 3] {
    let (of, neutral) = (linear(kelvin), linear(NEUTRAL));
    let parts = [0, 1, 2].map(|at: usize| (of[at] / neutral[at]).max(0.0));
    let most = parts.into_iter().fold(f64::MIN_POSITIVE, f64::max);
    parts.map(|part| (part / most).powf(1.0 / 2.2))
}

/// Linear sRGB of a light.
fn linear(kelvin: u32) -> [f64; 3] {
    let t = f64::from(kelvin).clamp(1667.0, 25_000.0);
    let x = match t {
        ..4000.0 => -0.266_123_9e9 / t.powi(3) - 0.234_358_9e6 / t.powi(2) + 0.877_695_6e3 / t + 0.179_910,
        _ => -3.025_846_9e9 / t.powi(3) + 2.107_037_9e6 / t.powi(2) + 0.222_634_7e3 / t + 0.240_390,
    };
    let y = match t {
        ..2222.0 => -1.106_381_4 * x.powi(3) - 1.348_110_20 * x.powi(2) + 2.185_558_32 * x - 0.202_196_83,
        ..4000.0 => -0.954_947_6 * x.powi(3) - 1.374_185_93 * x.powi(2) + 2.091_370_15 * x - 0.167_488_67,
        _ => 3.081_758_0 * x.powi(3) - 5.873_386_70 * x.powi(2) + 3.751_129_97 * x - 0.370_014_83,
    };
    let (x, y, z) = (x / y, 1.0, (1.0 - x - y) / y);
    [
        3.240_454 * x - 1.537_139 * y - 0.498_531 * z,
        -0.969_266 * x + 1.876_011 * y + 0.041_556 * z,
        0.055_643 * x - 0.204_026 * y + 1.057_225 * z,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warm_light_has_less_blue_and_a_cold_one_less_red() {
        assert_eq!(white(NEUTRAL), [1.0; 3]);
        let [red, green, blue] = white(4000);
        assert!(red == 1.0 && (0.82..0.87).contains(&green) && (0.6..0.7).contains(&blue), "{:?}", white(4000));
        let [red, _, blue] = white(9000);
        assert!(blue == 1.0 && red < 0.95, "{:?}", white(9000));
        let mut last = 0.0;
        for kelvin in (1700..=6500).step_by(50) {
            let [red, green, blue] = white(kelvin);
            assert!(red == 1.0 && green >= blue && blue >= last, "{kelvin}: {green}, {blue}");
            last = blue;
        }
        assert_eq!((white(0), white(u32::MAX)), (white(1667), white(25_000)));
    }
}
