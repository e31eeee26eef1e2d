//! The table of scenes: each row shows one property of one plane, with a control that must look different.
//!
//! Rows are made from what the device says it has; what it lacks becomes a row that is skipped with the reason. Nothing is shown here.

mod colour;

use std::rc::Rc;

use dmabuf_import::{Fourcc, formats, modifiers};
use kms::crc::vkms::ModelRotation;
use kms::property::{PropertyKind, PropertyTable};
use kms::{Blend, PlaneKind, Rect, SrcRect};

use super::picture::Picture;
use super::scene::{Case, Layer, Scene, kind_name};
use super::screen::{Plane, Screen, blend_name};
use super::trouble::Trouble;

/// Size of the pictures on planes without a size of their own: odd, so that subsampled colour ends within a pixel pair.
const SIZE: (u32, u32) = (133, 77);

/// Where those are shown, away from all edges.
const PLACE: (i32, i32) = (33, 18);

/// Makes the rows of one screen.
pub struct Rows<'a> {
    screen: &'a Screen,
    /// The whole screen, below everything.
    ground: Layer,
    cases: Vec<Case>,
    suite: &'static str,
}

/// The suites of scenes, in their order, and what each is about.
type Suite = (&'static str, fn(&mut Rows<'_>) -> Result<(), Trouble>);
pub const SUITES: [Suite; 12] = [
    ("formats", |rows| rows.formats()),
    ("position", |rows| rows.position()),
    ("alpha", |rows| rows.alpha()),
    ("blend", |rows| rows.blend()),
    ("rotation", |rows| rows.rotation()),
    ("scaling", |rows| rows.scaling()),
    ("colorkey", |rows| rows.colorkey()),
    ("encoding", |rows| rows.encoding()),
    ("gamma", |rows| rows.gamma()),
    ("background", |rows| rows.background()),
    ("pipeline", |rows| rows.pipeline()),
    ("stack", |rows| rows.stack()),
];

/// All rows of a suite of scenes.
pub fn rows(
    screen: &Screen,
    suite: &'static str,
    make: fn(&mut Rows<'_>) -> Result<(), Trouble>,
) -> Result<Vec<Case>, Trouble> {
    let ground = Picture::noise(&screen.device, Fourcc::Xrgb8888, screen.size(), 1)?;
    let ground = Layer::whole(0, &Rc::new(ground), (0, 0));
    let mut rows = Rows { screen, ground, cases: Vec::new(), suite };
    make(&mut rows)?;
    Ok(rows.cases)
}

impl<'a> Rows<'a> {
    /// Plane, then format by modifier.
    fn formats(&mut self) -> Result<(), Trouble> {
        for (at, plane) in self.kinds() {
            for entry in &plane.about.formats {
                let format = modifiers::fourcc(entry.format);
                let name = format.map_or_else(|| format!("{:#010x}", entry.format), formats::name);
                let name = format!("{} {name}", kind_name(plane.kind));
                for modifier in entry.modifiers.iter().filter(|modifier| **modifier != 0) {
                    let modifier = modifiers::name((*modifier).into());
                    self.skip(format!("{name} {modifier}"), "memory of this layout needs its GPU");
                }
                let Some(format) = format.filter(|format| formats::info(*format).is_some()) else {
                    self.skip(name, "a format that this program cannot paint");
                    continue;
                };
                if !entry.modifiers.is_empty() && !entry.modifiers.contains(&0) {
                    self.skip(format!("{name} linear"), "not linear on this plane");
                    continue;
                }
                // Two more than is shown, for the control.
                let (w, h) = self.size_on(plane);
                let fixed = plane.kind == PlaneKind::Cursor;
                let picture = match self.picture(format, if fixed { (w, h) } else { (w + 2, h + 2) }) {
                    Ok(picture) => picture,
                    Err(error @ Trouble::Call(_)) => {
                        self.skip(format!("{name} linear"), &error.to_string());
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let rect = Rect::new(PLACE.0, PLACE.1, w, h);
                let layer = Layer::part(at, &picture, (0, 0), rect);
                let control = match fixed {
                    true => Layer { dst: Rect::new(PLACE.0 + 1, PLACE.1, w, h), ..layer.clone() },
                    false => Layer::part(at, &picture, (2, 2), rect),
                };
                self.case(format!("{name} linear"), layer, control);
            }
        }
        Ok(())
    }

    /// In the middle, over each edge and corner, off the screen; odd and tiny sizes.
    fn position(&mut self) -> Result<(), Trouble> {
        let (width, height) = (self.screen.size().0 as i32, self.screen.size().1 as i32);
        for (at, plane) in self.kinds() {
            let kind = kind_name(plane.kind);
            let (w, h) = self.size_on(plane);
            let (pw, ph) = (w as i32, h as i32);
            let picture = self.picture(format_of(plane), (w, h))?;
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
                let layer = Layer::whole(at, &picture, place);
                // Where most of it is to be seen, a pixel's shift shows; else that it is there at all.
                let shift = place.0 >= -31 && place.0 < width - 40 && place.1 >= -17 && place.1 < height - 20;
                let control = shift.then(|| Layer::whole(at, &picture, (place.0 + 1, place.1)));
                self.cases_on(format!("{kind} {name}"), vec![layer], control.into_iter().collect());
            }
            for (name, place) in
                [("left", (-pw, 5)), ("right", (width, 5)), ("above", (5, -ph)), ("below", (5, height))]
            {
                let layer = Layer::whole(at, &picture, place);
                let control = Layer::whole(at, &picture, PLACE);
                self.cases_on(format!("{kind} off the screen, {name}"), vec![layer], vec![control]);
            }
            if plane.kind == PlaneKind::Cursor {
                for &size in &plane.sizes {
                    let picture = self.picture(format_of(plane), size)?;
                    let layer = Layer::whole(at, &picture, PLACE);
                    self.cases_on(format!("cursor of {}x{}", size.0, size.1), vec![layer], Vec::new());
                }
                continue;
            }
            // Drivers have a least size of buffers: the small ones are parts of a large one.
            for (w, h) in [(1, 1), (2, 3), (3, 1), (17, 5), (64, 64), (131, 1), (1, 61)] {
                let layer = Layer::part(at, &picture, (1, 5), Rect::new(PLACE.0, PLACE.1, w, h));
                self.cases_on(format!("{kind} of {w}x{h}"), vec![layer], Vec::new());
            }
        }
        Ok(())
    }

    /// `alpha` of the plane, the pixels' own beside it.
    fn alpha(&mut self) -> Result<(), Trouble> {
        for (at, plane) in self.kinds() {
            let picture = self.picture(format_of(plane), self.size_on(plane))?;
            for alpha in [0u16, 1, 0x7fff, 0x8000, 0xfffe] {
                let name = format!("{} at {alpha:#06x}", kind_name(plane.kind));
                if plane.about.props.get("alpha").is_none() {
                    self.skip(name, "the plane has no property alpha");
                    continue;
                }
                let layer = Layer::whole(at, &picture, PLACE);
                self.case(name, Layer { alpha, ..layer.clone() }, layer);
            }
        }
        Ok(())
    }

    /// `pixel blend mode` on pixels with alpha.
    fn blend(&mut self) -> Result<(), Trouble> {
        for (at, plane) in self.kinds() {
            let picture = self.picture(format_of(plane), self.size_on(plane))?;
            for blend in [Blend::Premultiplied, Blend::Coverage, Blend::None] {
                let name = format!("{} {}", kind_name(plane.kind), blend_name(blend));
                if plane.about.props.enum_value("pixel blend mode", blend_name(blend)).is_none() {
                    self.skip(name, "the plane has no such pixel blend mode");
                    continue;
                }
                let layer = Layer { blend, ..Layer::whole(at, &picture, PLACE) };
                let moved = Layer { dst: Rect { x: PLACE.0 + 1, ..layer.dst }, ..layer.clone() };
                self.case(name, layer, moved);
            }
        }
        Ok(())
    }

    /// All sixteen turns and reflections.
    fn rotation(&mut self) -> Result<(), Trouble> {
        for (at, plane) in self.kinds() {
            let picture = self.picture(format_of(plane), self.size_on(plane))?;
            for turn in ModelRotation::all() {
                let reflected = [(turn.reflect_x, " reflected in x"), (turn.reflect_y, " reflected in y")];
                let reflected: String = reflected.iter().filter(|(is, _)| *is).map(|(_, text)| *text).collect();
                let name = format!("{} by {}{reflected}", kind_name(plane.kind), u32::from(turn.quarters) * 90);
                if !takes_bits(&plane.about.props, "rotation", turn.bits()) {
                    self.skip(name, "the plane cannot be turned like this");
                    continue;
                }
                let layer = Layer::whole(at, &picture, PLACE);
                let other = ModelRotation { reflect_x: !turn.reflect_x, ..turn };
                self.case(name, layer.clone().turned(turn), layer.turned(other));
            }
        }
        Ok(())
    }

    /// Larger, smaller, in one direction, by a fraction.
    fn scaling(&mut self) -> Result<(), Trouble> {
        for (at, plane) in self.kinds() {
            let (w, h) = self.size_on(plane);
            let picture = self.picture(format_of(plane), (w, h))?;
            let sizes = [
                ("twice", (w * 2, h * 2)),
                ("half", (w / 2, h / 2)),
                ("wider", (w * 2, h)),
                ("by 1.5", (w * 3 / 2, h * 3 / 2)),
            ];
            for (name, (to_w, to_h)) in sizes {
                let layer = Layer::whole(at, &picture, PLACE);
                let scaled = Layer { dst: Rect::new(PLACE.0, PLACE.1, to_w, to_h), ..layer.clone() };
                self.case(format!("{} {name}", kind_name(plane.kind)), scaled, layer);
            }
            let layer = Layer::whole(at, &picture, PLACE);
            let (src, dst) = (SrcRect { x: 0x8000, w: (w - 1) << 16, ..layer.src }, Rect { w: w - 1, ..layer.dst });
            self.case(
                format!("{} from half a pixel", kind_name(plane.kind)),
                Layer { src, dst, ..layer.clone() },
                layer,
            );
        }
        Ok(())
    }

    /// Colour keys.
    fn colorkey(&mut self) -> Result<(), Trouble> {
        for (_, plane) in self.kinds() {
            let name = kind_name(plane.kind).to_owned();
            match plane.about.props.get("colorkey") {
                None => self.skip(name, "the plane has no property colorkey"),
                Some(_) => self.skip(name, "what this driver makes of colorkey is not modelled"),
            }
        }
        Ok(())
    }

    /// Planes over one another, each partly over the one below.
    fn stack(&mut self) -> Result<(), Trouble> {
        let mut layers = vec![self.ground.clone()];
        for (at, plane) in self.screen.planes.iter().enumerate().skip(1) {
            let below = layers.clone();
            let step = at as i32 * 19;
            let picture = self.picture(format_of(plane), self.size_on(plane))?;
            layers.push(Layer::whole(at, &picture, (step, step / 2)));
            let name = format!("{} planes, {} on top", layers.len(), kind_name(plane.kind));
            self.push(name, Scene::of(layers.clone()), Scene::of(below));
        }
        if layers.len() == 1 {
            self.skip("2 planes", "the display has one plane");
        }
        Ok(())
    }

    /// The first plane of each kind.
    fn kinds(&self) -> Vec<(usize, &'a Plane)> {
        let planes = self.screen.planes.iter().enumerate();
        let first = |kind| planes.clone().find(|(_, plane)| plane.kind == kind);
        [PlaneKind::Primary, PlaneKind::Overlay, PlaneKind::Cursor].into_iter().filter_map(first).collect()
    }

    /// The size to show on a plane: cursors have sizes of their own.
    fn size_on(&self, plane: &Plane) -> (u32, u32) {
        plane.sizes.first().copied().unwrap_or(SIZE)
    }

    fn picture(&self, format: Fourcc, size: (u32, u32)) -> Result<Rc<Picture>, Trouble> {
        let seed = self.cases.len() as u32 + 2;
        Picture::noise(&self.screen.device, format, size, seed).map(Rc::new)
    }

    fn skip(&mut self, name: impl Into<String>, reason: &str) {
        self.cases.push(Case { suite: self.suite, name: name.into(), scenes: Err(reason.to_owned()) });
    }

    /// A layer over the ground (on the primary plane itself: alone), and the control in its place.
    fn case(&mut self, name: String, layer: Layer, control: Layer) {
        self.cases_on(name, vec![layer], vec![control]);
    }

    fn cases_on(&mut self, name: String, layers: Vec<Layer>, control: Vec<Layer>) {
        let over = |layers: Vec<Layer>| {
            let primary = layers.iter().any(|layer| layer.plane == 0) || self.primary(&name);
            let ground = (!primary).then(|| self.ground.clone());
            Scene::of(ground.into_iter().chain(layers).collect::<Vec<_>>())
        };
        let (scene, control) = (over(layers), over(control));
        self.push(name, scene, control);
    }

    fn primary(&self, name: &str) -> bool {
        name.starts_with(kind_name(PlaneKind::Primary))
    }

    fn push(&mut self, name: impl Into<String>, scene: Scene, control: Scene) {
        self.cases.push(Case { suite: self.suite, name: name.into(), scenes: Ok((scene, control)) });
    }
}

/// A format with alpha where the plane has one.
fn format_of(plane: &Plane) -> Fourcc {
    let has = |format: &Fourcc| plane.about.formats.iter().any(|entry| entry.format == *format as u32);
    [Fourcc::Argb8888, Fourcc::Xrgb8888, Fourcc::Rgb565].into_iter().find(has).unwrap_or(Fourcc::Xrgb8888)
}

/// Whether a bitmask property has all the bits of `value`.
fn takes_bits(props: &PropertyTable, name: &str, value: u64) -> bool {
    let Some(PropertyKind::Bitmask(bits)) = props.get(name).map(|prop| &prop.kind) else { return value == 1 };
    let all: u64 = bits.iter().map(|bit| 1u64 << (bit.value & 63)).sum();
    value & !all == 0
}
