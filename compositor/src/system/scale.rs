//! The scale of a display: how many of its pixels are one of the desktop, in a direction.
//!
//! Scales are multiples of 1/120, as `wp_fractional_scale_v1` tells them. Plain arithmetic.

/// The steps of a pixel.
const STEPS: u16 = 120;

/// A scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scale(u16);

impl Default for Scale {
    fn default() -> Self {
        Self::ONE
    }
}

impl Scale {
    /// A pixel of the display is one of the desktop.
    pub const ONE: Self = Self(STEPS);
    /// The least and the greatest factor that displays may have.
    pub const BOUNDS: (f64, f64) = (0.5, 10.0);

    /// The nearest scale; `None`: it is out of bounds.
    pub fn of(factor: f64) -> Option<Self> {
        let (least, greatest) = Self::BOUNDS;
        (least..=greatest).contains(&factor).then(|| Self((factor * f64::from(STEPS)).round() as u16))
    }

    /// The greatest scale at which what has `from` pixels at this one fits into `into` pixels, each way.
    pub fn fitting(self, from: (i32, i32), into: (i32, i32)) -> Self {
        let fits = |from: i32, into: i32| i64::from(self.0) * i64::from(into.max(1)) / i64::from(from.max(1));
        let steps = fits(from.0, into.0).min(fits(from.1, into.1));
        Self(steps.clamp(1, u16::MAX.into()) as u16)
    }

    /// What is said of a factor that is out of bounds.
    pub fn refusal(factor: f64) -> String {
        let (least, greatest) = Self::BOUNDS;
        format!("a scale of `{factor}` is not possible; write {least} to {greatest}")
    }

    /// In parts of 120.
    pub fn steps(self) -> u32 {
        self.0.into()
    }

    /// As a number.
    pub fn factor(self) -> f64 {
        f64::from(self.0) / f64::from(STEPS)
    }

    /// The next whole number, for clients that know no others.
    pub fn whole(self) -> i32 {
        self.0.div_ceil(STEPS).into()
    }

    /// A length or a place in pixels of the display, to the nearest one; what is in the middle of two goes
    /// to the greater one, as clients round the sizes of their buffers.
    pub fn pixels(self, length: i32) -> i32 {
        let steps = i64::from(length) * i64::from(self.0) + i64::from(STEPS / 2);
        let pixels = steps.div_euclid(STEPS.into());
        pixels.clamp(i32::MIN.into(), i32::MAX.into()) as i32
    }

    /// Whether so many pixels are this length to less than a pixel.
    pub fn is_about(self, pixels: i32, length: i32) -> bool {
        let off = i64::from(pixels) * i64::from(STEPS) - i64::from(length) * i64::from(self.0);
        off.abs() < STEPS.into()
    }

    /// So many pixels on the desktop, rounded up.
    pub fn length(self, pixels: i32) -> i32 {
        let steps = i64::from(pixels) * i64::from(STEPS);
        let (least, scale) = (steps.div_euclid(self.0.into()), i64::from(self.0));
        (least + i64::from(least * scale < steps)).clamp(i32::MIN.into(), i32::MAX.into()) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(factor: f64) -> Scale {
        Scale::of(factor).unwrap()
    }

    #[test]
    fn a_scale_is_a_multiple_of_a_hundred_and_twentieth() {
        let table = [
            (0.5, Some((60, 1))),
            (0.49, None),
            (1.0, Some((120, 1))),
            (1.004, Some((120, 1))),
            (1.005, Some((121, 2))),
            (1.25, Some((150, 2))),
            (1.3333, Some((160, 2))),
            (1.5, Some((180, 2))),
            (2.0, Some((240, 2))),
            (2.01, Some((241, 3))),
            (10.0, Some((1200, 10))),
            (10.001, None),
            (0.0, None),
            (-1.0, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ];
        for (factor, expected) in table {
            let found = Scale::of(factor).map(|scale| (scale.steps(), scale.whole()));
            assert_eq!(found, expected, "{factor}");
        }
        assert_eq!((Scale::ONE.factor(), scale(1.25).factor()), (1.0, 1.25));
    }

    #[test]
    fn lengths_are_rounded_to_the_nearest_pixel() {
        let table = [
            (1.0, 401, 401),
            (1.5, 1, 2),
            (1.5, 2, 3),
            (1.5, 401, 602),
            (1.5, -1, -1),
            (1.5, -3, -4),
            (1.25, 1, 1),
            (1.25, 2, 3),
            (1.25, 401, 501),
            (1.25, -2, -2),
            (2.0, 401, 802),
            (0.5, 1, 1),
            (0.5, 401, 201),
            (4.0 / 3.0, 401, 535),
            (10.0, i32::MAX, i32::MAX),
            (10.0, i32::MIN, i32::MIN),
        ];
        for (factor, length, pixels) in table {
            assert_eq!(scale(factor).pixels(length), pixels, "{length} at {factor}");
        }
    }

    /// What lies side by side on the desktop does so on every display, whatever its scale.
    #[test]
    fn a_place_further_to_the_right_is_no_pixel_further_to_the_left() {
        for scale in (60..=1200).map(Scale) {
            for place in -500..500 {
                let (left, right) = (scale.pixels(place), scale.pixels(place + 1));
                let most = scale.whole();
                assert!((0..=most).contains(&(right - left)), "{place} at {scale:?}");
            }
        }
    }

    #[test]
    fn pixels_are_a_length_to_less_than_one() {
        let table = [
            (1.5, 602, 401, true),
            (1.5, 601, 401, true),
            (1.5, 603, 401, false),
            (1.5, 600, 401, false),
            (1.0, 401, 401, true),
            (1.0, 402, 401, false),
            (1.25, 501, 401, true),
            (1.25, 502, 401, true),
            (1.25, 500, 401, false),
        ];
        for (factor, pixels, length, about) in table {
            assert_eq!(scale(factor).is_about(pixels, length), about, "{pixels} of {length} at {factor}");
        }
        let table = [(1.0, 24, 24), (1.5, 36, 24), (1.5, 37, 25), (2.0, 1, 1), (0.5, 12, 24), (1.25, -1, 0)];
        for (factor, pixels, length) in table {
            assert_eq!(scale(factor).length(pixels), length, "{pixels} at {factor}");
        }
    }
}
