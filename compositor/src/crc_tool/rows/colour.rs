//! Rows of colour: YUV matrices and ranges, the CRTC's tables, its background. As all rows, they show nothing themselves.

use dmabuf_import::{Fourcc, formats};
use kms::crc::vkms::{Encoding, Range};

use super::{PLACE, Rows, SIZE};
use crate::crc_tool::scene::{Layer, Scene, kind_name};
use crate::crc_tool::screen::{encoding_name, range_name};
use crate::crc_tool::trouble::Trouble;

/// Red, green and blue of an entry, from its number and the last one's.
type Curve = fn(u64, u64) -> [u16; 3];

impl Rows<'_> {
    /// `COLOR_ENCODING` and `COLOR_RANGE` of YUV.
    pub(super) fn encoding(&mut self) -> Result<(), Trouble> {
        for (at, plane) in self.kinds() {
            for format in [Fourcc::Nv12, Fourcc::Yuv420, Fourcc::Nv24, Fourcc::P010] {
                if !plane.about.formats.iter().any(|entry| entry.format == format as u32) {
                    let name = format!("{} {}", kind_name(plane.kind), formats::name(format));
                    self.skip(name, "the plane does not show this format");
                    continue;
                }
                let picture = self.picture(format, self.size_on(plane))?;
                for encoding in [Encoding::Bt601, Encoding::Bt709, Encoding::Bt2020] {
                    for (range, other) in [(Range::Limited, Range::Full), (Range::Full, Range::Limited)] {
                        let words = format!("{} {}", encoding_name(encoding), range_name(range));
                        let name = format!("{} {} {words}", kind_name(plane.kind), formats::name(format));
                        let props = &plane.about.props;
                        let has = props.enum_value("COLOR_ENCODING", encoding_name(encoding)).is_some()
                            && props.enum_value("COLOR_RANGE", range_name(range)).is_some();
                        if !has {
                            self.skip(name, "the plane has no such COLOR_ENCODING or COLOR_RANGE");
                            continue;
                        }
                        let layer = Layer::whole(at, &picture, PLACE);
                        let shown = Layer { encoding: Some((encoding, range)), ..layer.clone() };
                        self.case(name, shown, Layer { encoding: Some((encoding, other)), ..layer });
                    }
                }
            }
        }
        Ok(())
    }

    /// `GAMMA_LUT`, `DEGAMMA_LUT` and `CTM` of the CRTC.
    pub(super) fn gamma(&mut self) -> Result<(), Trouble> {
        let props = self.screen.crtc_props();
        let size = props.and_then(|props| props.value("GAMMA_LUT_SIZE")).filter(|size| (2..=4096).contains(size));
        let last = size.map_or(1, |size| size - 1);
        let luts: [(&str, Curve); 3] = [
            ("inverted", |at, last| [(0xffff - at * 0xffff / last) as u16; 3]),
            ("squared", |at, last| [(at * at * 0xffff / (last * last)) as u16; 3]),
            ("by channel", |at, last| {
                let value = (at * 0xffff / last) as u16;
                [value, value / 2, 0xffff - value]
            }),
        ];
        for (name, entry) in luts {
            let name = format!("GAMMA_LUT {name}");
            if size.is_none() || props.is_none_or(|props| props.get("GAMMA_LUT").is_none()) {
                self.skip(name, "the CRTC has no GAMMA_LUT");
                continue;
            }
            let plain = Scene::of([self.ground.clone()]);
            let gamma = (0..=last).map(|at| entry(at, last)).collect();
            self.push(name, Scene { gamma, ..plain.clone() }, plain);
        }
        for name in ["DEGAMMA_LUT", "CTM"] {
            match props.and_then(|props| props.get(name)) {
                None => self.skip(name, &format!("the CRTC has no {name}")),
                Some(_) => self.skip(name, "the arithmetic is not modelled"),
            }
        }
        Ok(())
    }

    /// `BACKGROUND_COLOR` where no plane is.
    pub(super) fn background(&mut self) -> Result<(), Trouble> {
        let has = self.screen.crtc_props().is_some_and(|props| props.get("BACKGROUND_COLOR").is_some());
        let picture = self.picture(Fourcc::Xrgb8888, SIZE)?;
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
            let scene = Scene::of([Layer::whole(0, &picture, PLACE)]);
            self.push(name, Scene { background, ..scene.clone() }, scene);
        }
        Ok(())
    }
}
