//! Cases of colour: YUV encoding and range, the CRTC's LUTs, matrix and background, colour
//! pipelines of planes.

use dmabuf_import::{Fourcc, formats};
use kms::crc::vkms::{ColorOp, Encoding, Range};

use super::{CaseBuilder, PLACE, SIZE};
use crate::crc::error::Error;
use crate::crc::scene::{Ctm, Layer, Scene};
use crate::crc::screen::{assign_operations, encoding_name, range_name};

/// Red, green and blue of a LUT entry, from its index and the last index.
type Curve = fn(u64, u64) -> [u16; 3];

impl CaseBuilder<'_> {
    /// `COLOR_ENCODING` and `COLOR_RANGE` of YUV.
    pub(super) fn encoding(&mut self) -> Result<(), Error> {
        for (at, plane) in self.first_of_each_kind() {
            for format in [Fourcc::Nv12, Fourcc::Yuv420, Fourcc::Nv24, Fourcc::P010] {
                if !plane.info.formats.iter().any(|entry| entry.format == format as u32) {
                    let name = format!("{} {}", plane.kind.name(), formats::name(format));
                    self.skip(name, "the plane does not take this format");
                    continue;
                }
                let image = self.image(format, self.size_on(plane))?;
                for encoding in [Encoding::Bt601, Encoding::Bt709, Encoding::Bt2020] {
                    for (range, other) in [(Range::Limited, Range::Full), (Range::Full, Range::Limited)] {
                        let words = format!("{} {}", encoding_name(encoding), range_name(range));
                        let name = format!("{} {} {words}", plane.kind.name(), formats::name(format));
                        let props = &plane.info.props;
                        let has = props.enum_value("COLOR_ENCODING", encoding_name(encoding)).is_some()
                            && props.enum_value("COLOR_RANGE", range_name(range)).is_some();
                        if !has {
                            self.skip(name, "the plane has no such COLOR_ENCODING or COLOR_RANGE");
                            continue;
                        }
                        let layer = Layer::whole(at, &image, PLACE);
                        let shown = Layer { encoding: Some((encoding, range)), ..layer.clone() };
                        self.push_layer(name, shown, Layer { encoding: Some((encoding, other)), ..layer });
                    }
                }
            }
        }
        Ok(())
    }

    /// `GAMMA_LUT`, `DEGAMMA_LUT` and `CTM` of the CRTC.
    pub(super) fn gamma(&mut self) -> Result<(), Error> {
        let plain = Scene::from_layers([self.backdrop.clone()]);
        self.luts("GAMMA_LUT", "GAMMA_LUT_SIZE", &plain, |gamma, plain| Scene { gamma, ..plain });
        self.luts("DEGAMMA_LUT", "DEGAMMA_LUT_SIZE", &plain, |degamma, plain| Scene { degamma, ..plain });
        let has = self.screen.crtc_props().is_some_and(|props| props.get("CTM").is_some());
        for (name, ctm) in [("red and blue exchanged", Ctm::SwapRedBlue), ("grey", Ctm::Grey)] {
            let name = format!("CTM {name}");
            match has {
                true => self.push_scenes(name, Scene { ctm: Some(ctm), ..plain.clone() }, plain.clone()),
                false => self.skip(name, "the CRTC has no CTM"),
            }
        }
        Ok(())
    }

    /// LUTs in the CRTC's property `lut`, whose number of entries is in the property `size`.
    fn luts(&mut self, lut: &str, size: &str, plain: &Scene, with: fn(Vec<[u16; 3]>, Scene) -> Scene) {
        let props = self.screen.crtc_props();
        let size = props.and_then(|props| props.value(size)).filter(|size| (2..=4096).contains(size));
        let size = size.filter(|_| props.is_some_and(|props| props.get(lut).is_some()));
        let curves: [(&str, Curve); 3] = [
            ("inverted", |at, last| [(0xffff - at * 0xffff / last) as u16; 3]),
            ("squared", |at, last| [(at * at * 0xffff / (last * last)) as u16; 3]),
            ("by channel", |at, last| {
                let value = (at * 0xffff / last) as u16;
                [value, value / 2, 0xffff - value]
            }),
        ];
        for (name, entry) in curves {
            let name = format!("{lut} {name}");
            match size {
                None => self.skip(name, &format!("the CRTC has no {lut}")),
                Some(size) => {
                    let entries = (0..size).map(|at| entry(at, size - 1)).collect();
                    self.push_scenes(name, with(entries, plain.clone()), plain.clone());
                }
            }
        }
    }

    /// `COLOR_PIPELINE` of planes: curves and matrices, alone and in sequence.
    pub(super) fn pipeline(&mut self) -> Result<(), Error> {
        const ONE: u64 = 1 << 32;
        const MINUS: u64 = 1 << 63;
        #[rustfmt::skip]
        let mix = ColorOp::Matrix([
            ONE / 2, ONE / 4, 0, ONE / 16,
            MINUS | (ONE / 8), ONE, ONE / 8, 0,
            0, ONE / 3, ONE / 2, MINUS | (ONE / 32),
        ]);
        let (linear, back) = (ColorOp::SrgbEotf, ColorOp::SrgbInverseEotf);
        let rows: [(&str, &[ColorOp]); 4] = [
            ("sRGB to linear", &[linear]),
            ("linear to sRGB", &[back]),
            ("a matrix", &[mix]),
            ("a matrix in linear light", &[linear, mix, back]),
        ];
        for (at, plane) in self.first_of_each_kind() {
            let image = self.image(super::format_of(plane), self.size_on(plane))?;
            for (name, ops) in rows {
                let name = format!("{} {name}", plane.kind.name());
                if plane.pipelines.is_empty() {
                    self.skip(name, "the plane has no COLOR_PIPELINE");
                } else if !plane.pipelines.iter().any(|pipeline| assign_operations(pipeline, ops).is_some()) {
                    self.skip(name, "no COLOR_PIPELINE of the plane has these operations");
                } else {
                    let layer = Layer::whole(at, &image, PLACE);
                    self.push_layer(name, Layer { pipeline: ops.to_vec(), ..layer.clone() }, layer);
                }
            }
        }
        Ok(())
    }

    /// `BACKGROUND_COLOR`, visible where no plane is.
    pub(super) fn background(&mut self) -> Result<(), Error> {
        let has = self.screen.crtc_props().is_some_and(|props| props.get("BACKGROUND_COLOR").is_some());
        let image = self.image(Fourcc::Xrgb8888, SIZE)?;
        let colours = [
            ("red", 0xffff_ffff_0000_0000),
            ("one step of blue", 0xffff_0000_0000_0001),
            ("grey", 0xffff_8080_8080_8080),
        ];
        for (name, background) in colours {
            if !has {
                self.skip(name, "the CRTC has no BACKGROUND_COLOR");
                continue;
            }
            let scene = Scene::from_layers([Layer::whole(0, &image, PLACE)]);
            self.push_scenes(name, Scene { background, ..scene.clone() }, scene);
        }
        Ok(())
    }
}
