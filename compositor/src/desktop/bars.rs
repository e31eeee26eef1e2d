//! The images of bars: a ground of one colour for each title bar and tab, the title on it, and the buttons.
//! They are kept from scene to scene.
//!
//! A title is drawn elsewhere and comes when it is ready; until then the bar is shown without it. The layers
//! of a bar do not yield as those of a ring do: a bar is something to read and to click, so it is seen
//! whatever lies below it, and beside it the window keeps its plane. Nothing here knows where windows are.

use std::{collections::HashMap, sync::Arc};

use smithay::utils::{Logical, Physical, Point, Rectangle};

use crate::{
    config::{colour::Rgba, desktop::DesktopConfig},
    desktop::{
        bar::{self, Above, Button, Kind},
        drawn::Drawn,
        fill::Fill,
        glyphs,
    },
    render::{Anchor, Layer, Screen},
    system::{
        id::{SurfaceId, WindowId},
        scale::Scale,
    },
    text::sheet::{Block, Fit, Font, NoPicture, Picture, Sheet, Span},
};

/// The parts of a bar, as layers are known by them.
const GROUND: u32 = 0;
const TITLE: u32 = 1;
const BUTTONS: u32 = 2;

/// The most pictures of buttons that are kept.
const MOST_GLYPHS: usize = 16;

/// The most pixels of a title's letters of those of the bar.
const LETTERS: (i32, i32) = (2, 3);

/// The colours of bars and their font, and the images that windows have.
#[derive(Debug, Default)]
pub struct Bars {
    look: Look,
    images: HashMap<WindowId, Image>,
    /// By colour and height in pixels: one for active and one for inactive bars for each scale, newest first.
    glyphs: Vec<((Rgba, i32), Picture)>,
}

#[derive(Debug, Default)]
struct Look {
    active: Colours,
    inactive: Colours,
    family: Arc<str>,
    letters: i32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Colours {
    ground: Rgba,
    text: Rgba,
}

/// The image of one title bar or tab.
#[derive(Debug)]
struct Image {
    ground: Fill,
    /// Kept also while nothing is to be seen of it: each of its pictures has another number.
    title: Option<Drawn>,
    /// The title is not shown.
    untitled: bool,
    asked: Option<Asked>,
    buttons: Option<((Rgba, i32), Drawn)>,
}

/// The title that was asked for last.
#[derive(Debug)]
struct Asked {
    text: String,
    colour: Rgba,
    size: (i32, i32),
    scale: Scale,
    /// There is something to draw.
    drawn: bool,
}

/// Where a title is, and in which colour.
#[derive(Debug, Clone, Copy)]
pub struct Titled {
    pub window: WindowId,
    /// Of the text alone.
    size: (i32, i32),
    colour: Rgba,
    /// That of the output which shows it.
    scale: Scale,
}

impl Bars {
    /// As the configuration says.
    pub fn new(config: &DesktopConfig) -> Self {
        Self { look: Look::new(config), ..Self::default() }
    }

    /// As the configuration says from now on. Titles have to be looked at again.
    pub fn set_look(&mut self, config: &DesktopConfig) {
        self.look = Look::new(config);
        self.glyphs.clear();
        self.images.values_mut().for_each(|image| image.asked = None);
    }

    /// A window is gone. Returns the ids of its pictures, which others may know.
    pub fn forget(&mut self, window: WindowId) -> [SurfaceId; 2] {
        self.images.remove(&window);
        [TITLE, BUTTONS].map(|part| SurfaceId::bar(window, part))
    }

    /// Calls `visit` for each title of a bar, on an output of this scale.
    pub fn titles(&self, above: Above<'_>, scale: Scale, mut visit: impl FnMut(Titled)) {
        let mut title = |window, area: Rectangle<i32, Logical>, taken, active| {
            let size = bar::text(area, taken).size;
            // A window may be wider than all displays.
            let width = size.w.min(above.bar.within.size.w);
            visit(Titled { window, size: (width, size.h), colour: self.look.colours(active).text, scale });
        };
        match &above.bar.kind {
            Kind::Title { .. } => {
                title(above.window, above.area, bar::buttons(above.area).size.w, above.bar.active);
            }
            Kind::Tabs { tabs, .. } => {
                for (at, window) in tabs.iter().enumerate() {
                    title(*window, bar::tab(above.area, tabs.len(), at), 0, *window == above.window);
                }
            }
        }
    }

    /// The buttons of a bar are about to be shown on an output of this scale: draws them, unless they have been
    /// drawn. Returns whether it has. Errors: those of their memory.
    pub fn prepare_buttons(&mut self, above: Above<'_>, scale: Scale) -> Result<bool, NoPicture> {
        let (Kind::Title { height }, colour) = (&above.bar.kind, self.look.colours(above.bar.active).text) else {
            return Ok(false);
        };
        let key = (colour, scale.pixels(*height));
        if self.glyphs.iter().any(|(known, _)| *known == key) {
            return Ok(false);
        }
        // Those of displays that have had other scales.
        self.glyphs.truncate(MOST_GLYPHS - 1);
        self.glyphs.insert(0, (key, glyphs::buttons(key.1.unsigned_abs().max(1), colour)?));
        Ok(true)
    }

    /// What is to be drawn if a title says this now; `None`: nothing, the picture is there or is coming.
    pub fn sheet(&self, of: Titled, text: &str) -> Option<Sheet> {
        let look = |asked: &Asked| (asked.colour, asked.size, asked.scale) == (of.colour, of.size, of.scale);
        let same = |asked: &Asked| asked.text == text && look(asked);
        let known = self.images.get(&of.window).and_then(|image| image.asked.as_ref());
        (!known.is_some_and(same)).then(|| self.look.sheet(of, text))
    }

    /// A title is to be asked for, unless there is nothing to be `drawn`. Returns whether the bar has changed.
    pub fn ask(&mut self, of: Titled, text: &str, drawn: bool) -> bool {
        let ground = self.look.inactive.ground;
        let image = self.images.entry(of.window).or_insert_with(|| Image::new(of.window, ground));
        let Titled { colour, size, scale, .. } = of;
        image.asked = Some(Asked { text: text.to_owned(), colour, size, scale, drawn });
        !drawn && !std::mem::replace(&mut image.untitled, true)
    }

    /// A title has been drawn; `None`: it cannot be. Returns the window whose bar has changed.
    pub fn bring(&mut self, key: SurfaceId, picture: Option<Picture>) -> Option<WindowId> {
        let is = |window: &WindowId| SurfaceId::bar(*window, TITLE) == key;
        let (window, image) = self.images.iter_mut().find(|(window, _)| is(window))?;
        // An older one may come late.
        image.asked.as_ref().filter(|asked| asked.drawn)?;
        image.untitled = picture.is_none();
        match (&mut image.title, picture) {
            (Some(title), Some(picture)) => title.set(picture),
            (title @ None, Some(picture)) => *title = Some(Drawn::new(key, picture)),
            (_, None) => {}
        }
        Some(*window)
    }

    /// A title could not be asked for now: it is asked for at the next look.
    pub fn ask_again(&mut self, key: SurfaceId) {
        let is = |window: &WindowId| SurfaceId::bar(*window, TITLE) == key;
        if let Some((_, image)) = self.images.iter_mut().find(|(window, _)| is(window)) {
            image.asked = None;
        }
    }

    /// The layer by which it is seen that a bar is shown.
    pub fn ground_id(window: WindowId) -> SurfaceId {
        SurfaceId::bar(window, GROUND)
    }

    /// The layer of a window's title.
    pub fn title_id(window: WindowId) -> SurfaceId {
        SurfaceId::bar(window, TITLE)
    }

    /// Appends the layers of a bar on an output, on which the window's origin is at `anchor`, from top to bottom.
    pub fn collect(&mut self, above: Above<'_>, anchor: Anchor, screen: &Screen, layers: &mut Vec<Layer>) {
        if !above.seen().is_some_and(|seen| seen.overlaps(screen.area)) {
            return;
        }
        let place = Place { anchor, screen, within: screen.span(screen.corner(), above.bar.within) };
        let Above { window, bar, area } = above;
        match &bar.kind {
            Kind::Title { .. } => {
                self.collect_buttons(above, place, layers);
                let taken = bar::buttons(area).size.w;
                self.collect_part((window, bar.active), (area, taken), place, layers);
            }
            Kind::Tabs { tabs, .. } => {
                for (at, tab) in tabs.iter().enumerate() {
                    let mut area = bar::tab(area, tabs.len(), at);
                    // Between two tabs a line of what lies below is seen.
                    area.size.w -= i32::from(at + 1 < tabs.len() && area.size.w > 1);
                    self.collect_part((*tab, *tab == window), (area, 0), place, layers);
                }
            }
        }
    }

    /// The title and the ground of a title bar or a tab, of which `taken` is for buttons.
    fn collect_part(
        &mut self,
        (window, active): (WindowId, bool),
        (area, taken): (Rectangle<i32, Logical>, i32),
        place: Place<'_>,
        layers: &mut Vec<Layer>,
    ) {
        let colour = self.look.colours(active).ground;
        let image = self.images.entry(window).or_insert_with(|| Image::new(window, colour));
        if let Some(title) = image.title.as_ref().filter(|_| !image.untitled) {
            let text = place.span(bar::text(area, taken));
            layers.extend(place.seen(text).and_then(|seen| title.part(text.loc, seen, place.screen)));
        }
        image.ground.set_colour(colour);
        let seen = place.seen(place.span(area)).unwrap_or_default();
        layers.extend(image.ground.layer(seen, place.screen));
    }

    fn collect_buttons(&mut self, above: Above<'_>, place: Place<'_>, layers: &mut Vec<Layer>) {
        let (Above { window, area, .. }, look) = (above, self.look.colours(above.bar.active));
        let side = place.screen.scale.pixels(area.size.h);
        let key = (look.text, side);
        let image = self.images.entry(window).or_insert_with(|| Image::new(window, look.ground));
        let glyphs = self.glyphs.iter().find(|(known, _)| *known == key).map(|(_, picture)| picture);
        match (&mut image.buttons, glyphs) {
            (Some((known, _)), _) if *known == key => {}
            (Some((known, drawn)), Some(glyphs)) => {
                drawn.set(glyphs.clone());
                *known = key;
            }
            (none @ None, Some(glyphs)) => {
                *none = Some((key, Drawn::new(SurfaceId::bar(window, BUTTONS), glyphs.clone())));
            }
            // They are drawn after this batch of events.
            (_, None) => {}
        }
        // The picture has all of them, at the right end; how many there is room for is seen.
        let (bar, shown) = (place.span(area), place.span(bar::buttons(area)));
        let at = Point::from((bar.loc.x + bar.size.w - side * Button::ALL.len() as i32, bar.loc.y));
        let seen = place.seen(shown);
        let layer = image.buttons.as_ref().zip(seen).and_then(|((_, drawn), seen)| drawn.part(at, seen, place.screen));
        layers.extend(layer);
    }
}

impl Look {
    fn new(config: &DesktopConfig) -> Self {
        Self {
            active: Colours { ground: config.bar_active, text: config.bar_text_active },
            inactive: Colours { ground: config.bar_inactive, text: config.bar_text_inactive },
            family: config.font.as_str().into(),
            letters: config.font_size.0.into(),
        }
    }

    fn colours(&self, active: bool) -> Colours {
        if active { self.active } else { self.inactive }
    }

    /// A line of text on nothing, in the middle of its height.
    fn sheet(&self, Titled { size: (width, height), colour, scale, .. }: Titled, text: &str) -> Sheet {
        let letters = self.letters.min(height * LETTERS.0 / LETTERS.1).clamp(1, u8::MAX.into());
        let (width, height) = (width.max(0) as u32, height.max(0) as u32);
        let font = Font { line: height as f32, ..Font::new(&self.family, letters as u8) };
        let spans = vec![Span::plain(text, colour.0)];
        let block = Block { at: (0, 0), size: (width, height), fit: Fit::Line, spans };
        let scale = scale.factor() as f32;
        Sheet { width, height, scale, background: [0; 4], edge: None, font, blocks: vec![block] }
    }
}

/// Where a bar is on an output.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    /// The window's origin.
    anchor: Anchor,
    screen: &'a Screen,
    /// What is seen of it, in upright pixels.
    within: Rectangle<i32, Physical>,
}

impl Place<'_> {
    /// In upright pixels.
    fn span(&self, rect: Rectangle<i32, Logical>) -> Rectangle<i32, Physical> {
        self.screen.span(self.anchor, rect)
    }

    /// What is seen of a part.
    fn seen(&self, part: Rectangle<i32, Physical>) -> Option<Rectangle<i32, Physical>> {
        part.intersection(self.within)
    }
}

impl Titled {
    /// Whether there is room for a letter.
    pub fn has_room(&self) -> bool {
        self.size.0 >= self.size.1 / 2 && self.size.1 > 0 && self.size.0 > 0
    }
}

impl Image {
    fn new(window: WindowId, ground: Rgba) -> Self {
        let ground = Fill::new(SurfaceId::bar(window, GROUND), ground);
        Self { ground, title: None, untitled: false, asked: None, buttons: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::bar::Bar;

    const BAR: (i32, i32, i32, i32) = (600, 100, 300, 24);
    const WINDOW: WindowId = WindowId(7);

    fn area((x, y, w, h): (i32, i32, i32, i32)) -> Rectangle<i32, Logical> {
        Rectangle::new((x, y).into(), (w, h).into())
    }

    fn title(active: bool) -> Bar {
        Bar { kind: Kind::Title { height: 24 }, active, within: area((0, 0, 800, 600)) }
    }

    fn collect(bars: &mut Bars, bar: &Bar) -> Vec<Layer> {
        let mut layers = Vec::new();
        let screen = Screen::upright(area((0, 0, 800, 600)));
        bars.collect(Above { window: WINDOW, bar, area: area(BAR) }, screen.corner(), &screen, &mut layers);
        assert!(layers.iter().all(|layer| layer.is_own() && !layer.yields()));
        layers
    }

    fn places(layers: &[Layer]) -> Vec<(SurfaceId, Rectangle<i32, Physical>)> {
        layers.iter().map(|layer| (layer.content.surface, layer.dst)).collect()
    }

    fn place(part: u32, (x, y, w, h): (i32, i32, i32, i32)) -> (SurfaceId, Rectangle<i32, Physical>) {
        (SurfaceId::bar(WINDOW, part), Rectangle::new((x, y).into(), (w, h).into()))
    }

    fn titled(bars: &Bars, bar: &Bar) -> Titled {
        let mut found = Vec::new();
        bars.titles(Above { window: WINDOW, bar, area: area(BAR) }, Scale::ONE, |title| found.push(title));
        assert_eq!(found.len(), 1);
        found[0]
    }

    fn picture(of: Titled) -> Picture {
        let (width, height) = of.size;
        Picture::new(width as u32, &vec![9; (width * height * 4) as usize], false).unwrap()
    }

    #[test]
    fn a_title_bar_is_shown_as_far_as_it_has_been_drawn_and_cut_to_its_output() {
        let mut bars = Bars::new(&DesktopConfig::default());
        let bar = title(true);
        let ground = place(GROUND, (600, 100, 200, 24));
        assert_eq!(places(&collect(&mut bars, &bar)), [ground]);
        let of = titled(&bars, &bar);
        assert_eq!(of.size, (212, 24), "without the buttons and the margins");
        assert!(bars.sheet(of, "a title").is_some() && !bars.ask(of, "a title", true));
        assert!(bars.sheet(of, "a title").is_none(), "it is coming");
        assert_eq!(bars.bring(Bars::title_id(WINDOW), Some(picture(of))), Some(WINDOW));
        // The title begins after a margin; the buttons are beyond the output.
        let text = place(TITLE, (608, 100, 192, 24));
        bars.prepare_buttons(Above { window: WINDOW, bar: &bar, area: area(BAR) }, Scale::ONE).unwrap();
        assert_eq!(places(&collect(&mut bars, &bar)), [text, ground]);
        let wide = Bar { within: area((0, 0, 850, 600)), ..title(true) };
        let mut layers = Vec::new();
        let above = Above { window: WINDOW, bar: &wide, area: area(BAR) };
        let screen = Screen::upright(area((0, 0, 850, 600)));
        bars.collect(above, screen.corner(), &screen, &mut layers);
        let expected =
            [place(BUTTONS, (828, 100, 22, 24)), place(TITLE, (608, 100, 212, 24)), place(GROUND, (600, 100, 250, 24))];
        assert_eq!(places(&layers), expected);
        assert_eq!(layers[0].view.src.size, (22.0, 24.0).into(), "the part of the buttons that is seen");
    }

    #[test]
    fn a_bar_is_drawn_in_the_pixels_of_its_output() {
        let mut bars = Bars::new(&DesktopConfig::default());
        let kind = Kind::Title { height: 25 };
        let bar = Bar { kind, active: true, within: area((0, 0, 1000, 600)) };
        let above = Above { window: WINDOW, bar: &bar, area: area((33, 100, 300, 25)) };
        let scale = Scale::of(1.5).unwrap();
        let screen = Screen::new((0, 0).into(), (1500, 900).into(), smithay::utils::Transform::Normal, scale);
        bars.prepare_buttons(above, scale).unwrap();
        let mut found = Vec::new();
        bars.titles(above, scale, |title| found.push(title));
        bars.ask(found[0], "a title", true);
        let sheet = bars.sheet(found[0], "another").unwrap();
        let (width, height) = (sheet.pixels(sheet.width) as u32, sheet.pixels(sheet.height) as u32);
        let picture = Picture::new(width, &vec![9; (width * height * 4) as usize], false).unwrap();
        bars.bring(Bars::title_id(WINDOW), Some(picture));
        let mut layers = Vec::new();
        let anchor = screen.anchor((33, 125).into());
        bars.collect(above, anchor, &screen, &mut layers);
        // From round(33 * 1.5) on, 450 pixels wide, down to round(125 * 1.5).
        let [buttons, text, ground] = &places(&layers)[..] else { panic!("{layers:?}") };
        assert_eq!(*ground, place(GROUND, (50, 151, 450, 37)));
        assert_eq!(buttons.1.loc.x + buttons.1.size.w, 500);
        for (layer, (_, dst)) in layers.iter().zip([buttons, text]) {
            let drawn = layer.view.src.size;
            assert_eq!(drawn, (f64::from(dst.size.w), f64::from(dst.size.h)).into(), "pixel by pixel");
        }
    }

    #[test]
    fn what_changes_on_a_bar_damages_nothing_else_of_it() {
        let mut bars = Bars::new(&DesktopConfig::default());
        let bar = Bar { within: area((0, 0, 1000, 600)), ..title(true) };
        let screen = Screen::upright(area((0, 0, 1000, 600)));
        let above = Above { window: WINDOW, bar: &bar, area: area(BAR) };
        bars.prepare_buttons(above, Scale::ONE).unwrap();
        let of = titled(&bars, &bar);
        let mut show = |text: &str| {
            bars.ask(of, text, true);
            bars.bring(Bars::title_id(WINDOW), Some(picture(of)));
            let mut layers = Vec::new();
            bars.collect(above, screen.corner(), &screen, &mut layers);
            layers
        };
        let (before, after) = (show("a"), show("b"));
        let changed = before.iter().zip(&after).map(|(before, after)| {
            let other = before.content.serial != after.content.serial;
            assert_eq!(before.damage.current_commit() != after.damage.current_commit(), other);
            other
        });
        assert_eq!(changed.collect::<Vec<_>>(), [false, true, false], "of buttons, title and ground");
    }

    #[test]
    fn a_picture_that_comes_too_late_is_not_shown() {
        let mut bars = Bars::new(&DesktopConfig::default());
        let bar = title(true);
        let (of, key) = (titled(&bars, &bar), Bars::title_id(WINDOW));
        assert_eq!(bars.bring(key, Some(picture(of))), None, "nobody has asked");
        bars.ask(of, "a", true);
        assert!(bars.ask(of, "", false), "there is nothing to be seen any more");
        assert_eq!(bars.bring(key, Some(picture(of))), None);
        bars.ask(of, "b", true);
        assert_eq!(bars.bring(key, Some(picture(of))), Some(WINDOW));
        assert_eq!(collect(&mut bars, &bar).len(), 2);
        let serial = collect(&mut bars, &bar)[0].content.serial;
        assert!(bars.ask(of, " ", false));
        assert_eq!(collect(&mut bars, &bar).len(), 1);
        bars.ask(of, "c", true);
        bars.bring(key, Some(picture(of)));
        assert!(collect(&mut bars, &bar)[0].content.serial > serial, "another picture has another number");
        // One that cannot be drawn leaves the bar without a title.
        bars.ask(of, "d", true);
        assert_eq!(bars.bring(key, None), Some(WINDOW));
        assert_eq!(collect(&mut bars, &bar).len(), 1);
        bars.forget(WINDOW);
        assert_eq!(bars.bring(key, Some(picture(of))), None);
    }

    #[test]
    fn what_is_asked_for_depends_on_text_size_colours_and_font() {
        let mut bars = Bars::new(&DesktopConfig::default());
        let bar = title(true);
        let of = titled(&bars, &bar);
        bars.ask(of, "a", true);
        assert!(bars.sheet(of, "a").is_none() && bars.sheet(of, "b").is_some());
        assert!(bars.sheet(titled(&bars, &title(false)), "a").is_some(), "in another colour");
        assert!(bars.sheet(Titled { size: (100, 24), ..of }, "a").is_some());
        let scaled = bars.sheet(Titled { scale: Scale::of(1.5).unwrap(), ..of }, "a").expect("at another scale");
        assert_eq!((scaled.scale, scaled.pixels(scaled.height)), (1.5, 36.0));
        bars.set_look(&DesktopConfig { font: "serif".to_owned(), ..DesktopConfig::default() });
        let sheet = bars.sheet(of, "a").expect("in another font");
        assert_eq!((&*sheet.font.family, sheet.font.size, sheet.font.line), ("serif", 14.0, 24.0));
        // Letters fit into the bar, whatever is configured.
        let low = Titled { size: (100, 12), ..of };
        assert_eq!(bars.sheet(low, "a").unwrap().font.size, 8.0);
        assert!(bars.sheet(Titled { size: (0, 0), ..of }, "a").is_some_and(|sheet| sheet.font.size == 1.0));
        let room = [(212, 24), (12, 24), (11, 24), (0, 24), (0, 0)].map(|size| Titled { size, ..of }.has_room());
        assert_eq!(room, [true, true, false, false, false]);
    }
}
