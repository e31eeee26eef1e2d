//! A screenshot of an output, a part of the desktop or a window, as PNG.
//!
//! The scene is rendered once more into an image of its own, as captures are, so nothing on the screen changes.
//! This may wait for the renderer, so it happens only on request.

use std::path::Path;

use camera::{View, write_png};
use smithay::utils::{Logical, Rectangle};

use crate::{
    config::Colour,
    control::request::Shot,
    render::{Layer, Screen, Tracker},
    session::{
        Syncline,
        capture::{draw::MOST_PIXELS, hide::hide},
    },
    system::id::WindowId,
};

impl Syncline {
    /// Writes a picture to `path`.
    pub fn screenshot(&mut self, path: &Path, of: &Shot) -> Result<(), String> {
        let mut scene = Vec::new();
        let (screen, background) = match of.window {
            Some(window) => self.scene_of_window(WindowId(window), &mut scene)?,
            None => self.scene_of_desktop(of, &mut scene)?,
        };
        let renderer = &mut self.outputs.renderer;
        scene.retain(|layer| layer.content.is_ready() || renderer.waits_on_gpu());
        let (width, height): (i32, i32) = screen.pixels().into();
        if width as u64 * height as u64 > MOST_PIXELS {
            return Err(format!("{width}x{height} pixels are too many for a picture"));
        }
        let target = renderer.new_captured(width as u32, height as u32)?;
        renderer.draw(&target, 0, &mut Tracker::new((width, height)), &scene, background)?;
        let pixels = renderer.read(&target, width, height)?;
        let view = View::upright((width as u32, height as u32), Default::default());
        write_png(path, pixels.as_chunks().0, &view).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// The layers of an output, or of a part of the desktop; upright, however displays are turned.
    fn scene_of_desktop(&mut self, of: &Shot, scene: &mut Vec<Layer>) -> Result<(Screen, Colour), String> {
        let outputs = &self.outputs.list;
        let id = match &of.output {
            Some(name) => outputs.find_id(|output| output.wl.name() == *name).ok_or(format!("{name} is not lit"))?,
            None => outputs.first().map(|output| output.id).ok_or("no display is lit")?,
        };
        let screen = match of.region {
            Some(region) => Screen::upright(part_of_desktop(region)?),
            None => outputs[id].screen().not_turned(),
        };
        let found = self.collect_scene(id, &screen, false, scene, &mut Vec::new());
        hide(scene, &self.desktop.private());
        Ok((screen, self.background(found.filled)))
    }

    fn scene_of_window(&mut self, id: WindowId, scene: &mut Vec<Layer>) -> Result<(Screen, Colour), String> {
        if self.is_locked() {
            return Err("the session is locked".to_owned());
        }
        let window = self.desktop.windows.get(id).filter(|window| window.mapped);
        let window = window.ok_or(format!("there is no window {id}; `syncline msg windows` lists them"))?;
        if window.private {
            return Err(format!("a rule keeps window {id} out of pictures"));
        }
        let (number, screen) = (window.mapping, Screen::upright(window.rect()));
        self.desktop.collect_window(number, &screen, self.now, scene);
        Ok((screen, Colour([0; 3])))
    }
}

/// A rectangle of the desktop; one that would have no pixels, or end nowhere, is an error.
fn part_of_desktop([x, y, width, height]: [i32; 4]) -> Result<Rectangle<i32, Logical>, String> {
    let ends = x.checked_add(width).is_some() && y.checked_add(height).is_some();
    match width > 0 && height > 0 && ends {
        true => Ok(Rectangle::new((x, y).into(), (width, height).into())),
        false => Err(format!("{x},{y} {width}x{height} is no part of the desktop")),
    }
}
