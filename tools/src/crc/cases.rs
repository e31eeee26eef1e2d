//! The cases of the scene suites: each shows one property of one plane, with a control that must
//! look different.
//!
//! They are made from the device's properties. What the device lacks becomes a case that is skipped
//! with the reason. Nothing is shown here.

mod colour;

use std::rc::Rc;

use dmabuf_import::{Fourcc, formats, modifiers};
use kms::crc::vkms::ModelRotation;
use kms::property::{PropertyKind, PropertyTable};
use kms::{Blend, PlaneKind, Rect, SrcRect};

use super::error::Error;
use super::image::{Alpha, Image};
use super::scene::{Case, Layer, Scene};
use super::screen::{Screen, ScreenPlane, blend_name};

/// Size of the images on planes that take any size: odd, so that the last chroma sample covers half
/// a pixel pair.
const SIZE: (u32, u32) = (133, 77);

/// Where they are shown, away from all edges.
const PLACE: (i32, i32) = (33, 18);

/// Makes the cases of one suite on one screen.
pub struct CaseBuilder<'a> {
    screen: &'a Screen,
    /// A fullscreen image on the primary plane, below everything else.
    backdrop: Layer,
    cases: Vec<Case>,
    suite: &'static str,
    alpha: Alpha,
}

/// A suite's name, and the function that makes its cases.
type SceneSuite = (&'static str, fn(&mut CaseBuilder<'_>) -> Result<(), Error>);

/// The suites of scenes, in the order in which they run.
pub const SCENE_SUITES: [SceneSuite; 12] = [
    ("formats", |builder| builder.formats()),
    ("position", |builder| builder.position()),
    ("alpha", |builder| builder.alpha()),
    ("blend", |builder| builder.blend()),
    ("rotation", |builder| builder.rotation()),
    ("scaling", |builder| builder.scaling()),
    ("colorkey", |builder| builder.colorkey()),
    ("encoding", |builder| builder.encoding()),
    ("gamma", |builder| builder.gamma()),
    ("background", |builder| builder.background()),
    ("pipeline", |builder| builder.pipeline()),
    ("stack", |builder| builder.stack()),
];

/// The cases of a suite, with images of this kind. Errors: the device cannot allocate an image.
pub fn cases(
    screen: &Screen,
    alpha: Alpha,
    suite: &'static str,
    make: fn(&mut CaseBuilder<'_>) -> Result<(), Error>,
) -> Result<Vec<Case>, Error> {
    let backdrop = Image::noise(&screen.device, Fourcc::Xrgb8888, screen.size(), screen.seed.wrapping_add(1), alpha)?;
    let backdrop = Layer::whole(0, &Rc::new(backdrop), (0, 0));
    let mut builder = CaseBuilder { screen, backdrop, cases: Vec::new(), suite, alpha };
    make(&mut builder)?;
    Ok(builder.cases)
}

impl<'a> CaseBuilder<'a> {
    /// Each format of each plane type, by modifier.
    fn formats(&mut self) -> Result<(), Error> {
        for (at, plane) in self.first_of_each_kind() {
            for entry in &plane.info.formats {
                let format = modifiers::fourcc(entry.format);
                let name = format.map_or_else(|| format!("{:#010x}", entry.format), formats::name);
                let name = format!("{} {name}", plane.kind.name());
                for modifier in entry.modifiers.iter().filter(|modifier| **modifier != 0) {
                    let modifier = modifiers::name((*modifier).into());
                    self.skip(format!("{name} {modifier}"), "only the GPU can allocate this layout");
                }
                let Some(format) = format.filter(|format| formats::info(*format).is_some()) else {
                    self.skip(name, "this program does not know the format");
                    continue;
                };
                if !entry.modifiers.is_empty() && !entry.modifiers.contains(&0) {
                    self.skip(format!("{name} linear"), "the plane does not take it linear");
                    continue;
                }
                // Two pixels more than the scene shows: the control shows another part of the
                // image.
                let (w, h) = self.size_on(plane);
                let fixed = plane.kind == PlaneKind::Cursor;
                let image = match self.image(format, if fixed { (w, h) } else { (w + 2, h + 2) }) {
                    Ok(image) => image,
                    Err(error @ Error::Call(_)) => {
                        self.skip(format!("{name} linear"), &error.to_string());
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let rect = Rect::new(PLACE.0, PLACE.1, w, h);
                let layer = Layer::crop(at, &image, (0, 0), rect);
                let control = match fixed {
                    true => Layer { dst: Rect::new(PLACE.0 + 1, PLACE.1, w, h), ..layer.clone() },
                    false => Layer::crop(at, &image, (2, 2), rect),
                };
                self.push_layer(format!("{name} linear"), layer, control);
            }
        }
        Ok(())
    }

    /// In the middle, over each edge and corner, off the screen; odd and very small sizes.
    fn position(&mut self) -> Result<(), Error> {
        let (width, height) = (self.screen.size().0 as i32, self.screen.size().1 as i32);
        for (at, plane) in self.first_of_each_kind() {
            let kind = plane.kind.name();
            let (w, h) = self.size_on(plane);
            let (pw, ph) = (w as i32, h as i32);
            let image = self.image(format_of(plane), (w, h))?;
            let places = [
                ("in the middle", PLACE),
                ("at the top left", (0, 0)),
                ("at the bottom right", (width - pw, height - ph)),
                ("over the left edge", (-7, 20)),
                ("over the right edge", (width - 5, 20)),
                ("over the top", (20, 1 - ph)),
                ("over the bottom", (20, height - 1)),
                ("over the top left corner", (-31, -17)),
                ("over the bottom right corner", (width - 31, height - 17)),
                ("one pixel at the top left", (1 - pw, 1 - ph)),
                ("one pixel at the bottom right", (width - 1, height - 1)),
            ];
            for (name, place) in places {
                let layer = Layer::whole(at, &image, place);
                // Where most of the image is visible the control is shifted by a pixel; else it
                // lacks the layer.
                let shift = place.0 >= -31 && place.0 < width - 40 && place.1 >= -17 && place.1 < height - 20;
                let control = shift.then(|| Layer::whole(at, &image, (place.0 + 1, place.1)));
                self.push_layers(format!("{kind} {name}"), vec![layer], control.into_iter().collect());
            }
            for (name, place) in
                [("left", (-pw, 5)), ("right", (width, 5)), ("above", (5, -ph)), ("below", (5, height))]
            {
                let layer = Layer::whole(at, &image, place);
                let control = Layer::whole(at, &image, PLACE);
                self.push_layers(format!("{kind} off the screen, {name}"), vec![layer], vec![control]);
            }
            if plane.kind == PlaneKind::Cursor {
                for &size in &plane.sizes {
                    let image = self.image(format_of(plane), size)?;
                    let layer = Layer::whole(at, &image, PLACE);
                    self.push_layers(format!("cursor of {}x{}", size.0, size.1), vec![layer], Vec::new());
                }
                continue;
            }
            // Drivers have a minimum size of framebuffers, so small sizes are parts of a large
            // image.
            for (w, h) in [(1, 1), (2, 3), (3, 1), (17, 5), (64, 64), (131, 1), (1, 61)] {
                let layer = Layer::crop(at, &image, (1, 5), Rect::new(PLACE.0, PLACE.1, w, h));
                self.push_layers(format!("{kind} of {w}x{h}"), vec![layer], Vec::new());
            }
        }
        Ok(())
    }

    /// `alpha` of the plane, together with the alpha of the pixels.
    fn alpha(&mut self) -> Result<(), Error> {
        for (at, plane) in self.first_of_each_kind() {
            let image = self.image(format_of(plane), self.size_on(plane))?;
            for alpha in [0u16, 1, 0x7fff, 0x8000, 0xfffe] {
                let name = format!("{} at {alpha:#06x}", plane.kind.name());
                if plane.info.props.get("alpha").is_none() {
                    self.skip(name, "the plane has no property alpha");
                    continue;
                }
                let layer = Layer::whole(at, &image, PLACE);
                self.push_layer(name, Layer { alpha, ..layer.clone() }, layer);
            }
        }
        Ok(())
    }

    /// `pixel blend mode` on pixels with alpha.
    fn blend(&mut self) -> Result<(), Error> {
        for (at, plane) in self.first_of_each_kind() {
            let image = self.image(format_of(plane), self.size_on(plane))?;
            for blend in [Blend::Premultiplied, Blend::Coverage, Blend::None] {
                let name = format!("{} {}", plane.kind.name(), blend_name(blend));
                if plane.info.props.enum_value("pixel blend mode", blend_name(blend)).is_none() {
                    self.skip(name, "the plane has no such pixel blend mode");
                    continue;
                }
                let layer = Layer { blend, ..Layer::whole(at, &image, PLACE) };
                let moved = Layer { dst: Rect { x: PLACE.0 + 1, ..layer.dst }, ..layer.clone() };
                self.push_layer(name, layer, moved);
            }
        }
        Ok(())
    }

    /// All sixteen rotations and reflections.
    fn rotation(&mut self) -> Result<(), Error> {
        for (at, plane) in self.first_of_each_kind() {
            let image = self.image(format_of(plane), self.size_on(plane))?;
            for rotation in ModelRotation::all() {
                let reflected = [(rotation.reflect_x, " reflected in x"), (rotation.reflect_y, " reflected in y")];
                let reflected: String = reflected.iter().filter(|(is, _)| *is).map(|(_, text)| *text).collect();
                let name = format!("{} by {}{reflected}", plane.kind.name(), u32::from(rotation.quarters) * 90);
                if !has_bits(&plane.info.props, "rotation", rotation.bits()) {
                    self.skip(name, "the plane does not have this rotation");
                    continue;
                }
                let layer = Layer::whole(at, &image, PLACE);
                let other = ModelRotation { reflect_x: !rotation.reflect_x, ..rotation };
                self.push_layer(name, layer.clone().rotated(rotation), layer.rotated(other));
            }
        }
        Ok(())
    }

    /// Larger, smaller, in one direction only, by a fraction; a source rectangle at half a pixel.
    fn scaling(&mut self) -> Result<(), Error> {
        for (at, plane) in self.first_of_each_kind() {
            let (w, h) = self.size_on(plane);
            let image = self.image(format_of(plane), (w, h))?;
            let sizes = [
                ("twice", (w * 2, h * 2)),
                ("half", (w / 2, h / 2)),
                ("wider", (w * 2, h)),
                ("by 1.5", (w * 3 / 2, h * 3 / 2)),
            ];
            for (name, (to_w, to_h)) in sizes {
                let layer = Layer::whole(at, &image, PLACE);
                let scaled = Layer { dst: Rect::new(PLACE.0, PLACE.1, to_w, to_h), ..layer.clone() };
                self.push_layer(format!("{} {name}", plane.kind.name()), scaled, layer);
            }
            let layer = Layer::whole(at, &image, PLACE);
            let (src, dst) = (SrcRect { x: 0x8000, w: (w - 1) << 16, ..layer.src }, Rect { w: w - 1, ..layer.dst });
            self.push_layer(
                format!("{} from half a pixel", plane.kind.name()),
                Layer { src, dst, ..layer.clone() },
                layer,
            );
        }
        Ok(())
    }

    /// Colour keys.
    fn colorkey(&mut self) -> Result<(), Error> {
        for (_, plane) in self.first_of_each_kind() {
            let name = plane.kind.name().to_owned();
            match plane.info.props.get("colorkey") {
                None => self.skip(name, "the plane has no property colorkey"),
                Some(_) => self.skip(name, "there is no model of this driver's colorkey"),
            }
        }
        Ok(())
    }

    /// One plane more each time, each partly over the one below.
    fn stack(&mut self) -> Result<(), Error> {
        let mut layers = vec![self.backdrop.clone()];
        for (at, plane) in self.screen.planes.iter().enumerate().skip(1) {
            let below = layers.clone();
            let step = at as i32 * 19;
            let image = self.image(format_of(plane), self.size_on(plane))?;
            layers.push(Layer::whole(at, &image, (step, step / 2)));
            let name = format!("{} planes, {} on top", layers.len(), plane.kind.name());
            self.push_scenes(name, Scene::from_layers(layers.clone()), Scene::from_layers(below));
        }
        if layers.len() == 1 {
            self.skip("2 planes", "the display has one plane");
        }
        Ok(())
    }

    /// The first plane of each kind.
    fn first_of_each_kind(&self) -> Vec<(usize, &'a ScreenPlane)> {
        let planes = self.screen.planes.iter().enumerate();
        let first = |kind| planes.clone().find(|(_, plane)| plane.kind == kind);
        [PlaneKind::Primary, PlaneKind::Overlay, PlaneKind::Cursor].into_iter().filter_map(first).collect()
    }

    /// The size to show on a plane: cursor planes may take certain sizes only.
    fn size_on(&self, plane: &ScreenPlane) -> (u32, u32) {
        plane.sizes.first().copied().unwrap_or(SIZE)
    }

    fn image(&self, format: Fourcc, size: (u32, u32)) -> Result<Rc<Image>, Error> {
        let seed = self.cases.len() as u32 + 2;
        let seed = self.screen.seed.wrapping_add(seed);
        Image::noise(&self.screen.device, format, size, seed, self.alpha).map(Rc::new)
    }

    fn skip(&mut self, name: impl Into<String>, reason: &str) {
        self.cases.push(Case { suite: self.suite, name: name.into(), scenes: Err(reason.to_owned()) });
    }

    /// A case of `layer` over the backdrop (on the primary plane: alone), with `control` in its
    /// place.
    fn push_layer(&mut self, name: String, layer: Layer, control: Layer) {
        self.push_layers(name, vec![layer], vec![control]);
    }

    /// The same with any number of layers each.
    fn push_layers(&mut self, name: String, layers: Vec<Layer>, control: Vec<Layer>) {
        let over = |layers: Vec<Layer>| {
            let primary = layers.iter().any(|layer| layer.plane == 0) || self.primary(&name);
            let backdrop = (!primary).then(|| self.backdrop.clone());
            Scene::from_layers(backdrop.into_iter().chain(layers).collect::<Vec<_>>())
        };
        let (scene, control) = (over(layers), over(control));
        self.push_scenes(name, scene, control);
    }

    fn primary(&self, name: &str) -> bool {
        name.starts_with(PlaneKind::Primary.name())
    }

    fn push_scenes(&mut self, name: impl Into<String>, scene: Scene, control: Scene) {
        self.cases.push(Case { suite: self.suite, name: name.into(), scenes: Ok((scene, control)) });
    }
}

/// A format with alpha, if the plane has one.
fn format_of(plane: &ScreenPlane) -> Fourcc {
    let has = |format: &Fourcc| plane.info.formats.iter().any(|entry| entry.format == *format as u32);
    [Fourcc::Argb8888, Fourcc::Xrgb8888, Fourcc::Rgb565].into_iter().find(has).unwrap_or(Fourcc::Xrgb8888)
}

/// Whether a bitmask property has all bits of `value`. Without the property only bit 0 can be set.
fn has_bits(props: &PropertyTable, name: &str, value: u64) -> bool {
    let Some(PropertyKind::Bitmask(bits)) = props.get(name).map(|prop| &prop.kind) else { return value == 1 };
    let all: u64 = bits.iter().map(|bit| 1u64 << (bit.value & 63)).sum();
    value & !all == 0
}
