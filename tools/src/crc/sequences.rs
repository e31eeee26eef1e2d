//! Tests of several frames: page flips in order, fences, mode setting, suspend, writeback, planes
//! against composition.
//!
//! Each shows at least two images that must have different CRCs.

use std::rc::Rc;
use std::time::Duration;

use dmabuf_import::Fourcc;
use fence::SwTimeline;
use kms::Rect;

use super::error::Error;
use super::image::{Alpha, Image};
use super::oracle::Oracle;
use super::result::{Outcome, crc_text};
use super::scene::{Layer, Scene};
use super::screen::Screen;
use super::suspend;

/// A test that shows its frames itself.
pub type Sequence = fn(&mut Screen, &mut Oracle) -> Result<Outcome, Error>;

/// The suites of sequences, with their tests.
pub const SEQUENCE_SUITES: [(&str, &[(&str, Sequence)]); 5] = [
    ("flip", &[("pictures in their order", order), ("a late fence shows the old frame, then the new", late_fence)]),
    ("modeset", &[("the same picture after it", modeset)]),
    ("suspend", &[("the same picture after it", suspend)]),
    ("writeback", &[("what is written back has the same CRC", writeback)]),
    ("composition", &[("planes against the composed picture", composition), ("one pixel of it differs", one_pixel)]),
];

fn skip(reason: impl Into<String>) -> Result<Outcome, Error> {
    Ok(Outcome::skip(reason))
}

fn fail(reason: impl Into<String>) -> Result<Outcome, Error> {
    Ok(Outcome::fail(reason))
}

/// Fullscreen images, all different.
fn images(screen: &Screen, count: u32) -> Result<Vec<Rc<Image>>, Error> {
    (0..count).map(|at| noise(screen, screen.size(), 1000 + at).map(Rc::new)).collect()
}

fn noise(screen: &Screen, size: (u32, u32), seed: u32) -> Result<Image, Error> {
    Image::noise(&screen.device, Fourcc::Xrgb8888, size, screen.seed.wrapping_add(seed), Alpha::Hard)
}

fn fullscreen(image: &Rc<Image>) -> Layer {
    Layer::whole(0, image, (0, 0))
}

/// Shows a fullscreen layer, which any display must take. Returns its CRC.
fn show(screen: &mut Screen, layer: Layer) -> Result<kms::crc::CrcEntry, Error> {
    screen.show(&Scene::from_layers([layer]))?.map_err(|reason| Error::step("a fullscreen image", reason))
}

fn order(screen: &mut Screen, _: &mut Oracle) -> Result<Outcome, Error> {
    let images = images(screen, 4)?;
    let mut first = Vec::new();
    for image in &images {
        first.push(show(screen, fullscreen(image))?);
    }
    for (at, one) in first.iter().enumerate() {
        if first[..at].iter().any(|other| other.values() == one.values()) {
            return fail(format!("different images have the same CRC {}", crc_text(one.values())));
        }
    }
    for round in [3, 1, 0, 2, 1, 3, 2, 0] {
        let read = show(screen, fullscreen(&images[round]))?;
        if read.values() != first[round].values() {
            return fail(format!("CRC {} instead of {}", crc_text(read.values()), crc_text(first[round].values())));
        }
    }
    Ok(Outcome::Pass)
}

fn late_fence(screen: &mut Screen, _: &mut Oracle) -> Result<Outcome, Error> {
    if screen.planes[0].info.props.get("IN_FENCE_FD").is_none() {
        return skip("the plane has no IN_FENCE_FD");
    }
    let Ok(timeline) = SwTimeline::open() else {
        return skip("there is no sw_sync (CONFIG_SW_SYNC, debugfs)");
    };
    let images = images(screen, 2)?;
    let (new, old) = (show(screen, fullscreen(&images[1]))?, show(screen, fullscreen(&images[0]))?);
    if new.values() == old.values() {
        return fail(format!("different images have the same CRC {}", crc_text(old.values())));
    }
    let fence = timeline.fence(1, "late").map_err(|error| Error::step("sw_sync", error))?;
    use std::os::fd::AsFd;
    screen.show_after_fence(&fullscreen(&images[1]), fence.as_fd())?;
    for _ in 0..6 {
        let read = screen.next_crc()?;
        if read.values() != old.values() {
            timeline.inc(1).map_err(|error| Error::step("sw_sync", error))?;
            screen.wait_flip(Duration::from_secs(2))?;
            return fail(format!(
                "CRC {} while the fence was pending; the frame before it has {}",
                crc_text(read.values()),
                crc_text(old.values())
            ));
        }
    }
    let early = screen.wait_flip(Duration::ZERO)?;
    timeline.inc(1).map_err(|error| Error::step("sw_sync", error))?;
    if early.is_some() {
        return fail("the page flip came before the fence signalled");
    }
    let flip = screen.wait_flip(Duration::from_secs(2))?.ok_or(Error::NoFlip(2000))?;
    let read = screen.crc_of(&flip)?;
    if read.values() != new.values() {
        return fail(format!(
            "CRC {} after the fence signalled; the new frame has {}",
            crc_text(read.values()),
            crc_text(new.values())
        ));
    }
    Ok(Outcome::Pass)
}

fn modeset(screen: &mut Screen, _: &mut Oracle) -> Result<Outcome, Error> {
    let images = images(screen, 2)?;
    let before = show(screen, fullscreen(&images[0]))?;
    screen.modeset()?;
    let other = show(screen, fullscreen(&images[1]))?;
    screen.modeset()?;
    let after = show(screen, fullscreen(&images[0]))?;
    if other.values() == before.values() {
        return fail(format!("different images have the same CRC {}", crc_text(other.values())));
    }
    if after.values() != before.values() {
        return fail(format!(
            "CRC {} after the mode was set again, {} before",
            crc_text(after.values()),
            crc_text(before.values())
        ));
    }
    Ok(Outcome::Pass)
}

/// After resume the display shows the same image as before, without a commit.
fn suspend(screen: &mut Screen, _: &mut Oracle) -> Result<Outcome, Error> {
    if !screen.may_suspend {
        return skip("needs --suspend: the machine is suspended for two seconds");
    }
    let images = images(screen, 2)?;
    let other = show(screen, fullscreen(&images[1]))?;
    let before = show(screen, fullscreen(&images[0]))?;
    if other.values() == before.values() {
        return fail(format!("different images have the same CRC {}", crc_text(other.values())));
    }
    if let Err(reason) = suspend::suspend(Duration::from_secs(2)) {
        return skip(reason);
    }
    // Not every driver keeps CRCs armed.
    screen.arm()?;
    let after = screen.next_crc()?;
    if after.values() != before.values() {
        return fail(format!("CRC {} after resume, {} before", crc_text(after.values()), crc_text(before.values())));
    }
    Ok(Outcome::Pass)
}

/// XRGB8888 images on all planes that take the format, over a fullscreen one: exact when composed
/// in XRGB8888.
fn opaque_scene(screen: &Screen) -> Result<Scene, Error> {
    let mut layers = vec![fullscreen(&images(screen, 1)?[0])];
    for (at, plane) in screen.planes.iter().enumerate().skip(1) {
        let takes = |format: Fourcc| plane.info.formats.iter().any(|entry| entry.format == format as u32);
        if plane.sizes.is_empty() && takes(Fourcc::Xrgb8888) {
            let image = noise(screen, (151, 83), 2000 + at as u32)?;
            let place = at as i32 * 23;
            layers.push(Layer::crop(at, &Rc::new(image), (1, 2), Rect::new(place, place / 2, 149, 79)));
        }
    }
    Ok(Scene::from_layers(layers))
}

fn writeback(screen: &mut Screen, _: &mut Oracle) -> Result<Outcome, Error> {
    let scene = opaque_scene(screen)?;
    let written = match screen.writeback(&scene)? {
        Ok(written) => Rc::new(written),
        Err(reason) => return skip(reason),
    };
    // Writeback needs a modeset, and CRCs from before and after a modeset are not comparable.
    screen.modeset()?;
    let Ok(shown) = screen.show(&scene)? else { return skip("the driver refuses the planes") };
    let again = show(screen, fullscreen(&written))?;
    let plain = show(screen, scene.layers[0].clone())?;
    if plain.values() == shown.values() && scene.layers.len() > 1 {
        return fail(format!("with and without planes the CRC is {}", crc_text(plain.values())));
    }
    if again.values() != shown.values() {
        return fail(format!(
            "CRC {} of the image written back, {} of the scene",
            crc_text(again.values()),
            crc_text(shown.values())
        ));
    }
    Ok(Outcome::Pass)
}

fn composition(screen: &mut Screen, oracle: &mut Oracle) -> Result<Outcome, Error> {
    let scene = opaque_scene(screen)?;
    if scene.layers.len() == 1 {
        return skip("no other plane takes XRGB8888");
    }
    let Ok(planes) = screen.show(&scene)? else { return skip("the driver refuses the planes") };
    let plain = show(screen, scene.layers[0].clone())?;
    if plain.values() == planes.values() {
        return fail(format!("with and without planes the CRC is {}", crc_text(plain.values())));
    }
    match oracle.composed(screen, &scene)? {
        Err(reason) => skip(reason),
        Ok(composed) if composed.values() == planes.values() => Ok(Outcome::Pass),
        Ok(composed) => {
            fail(format!("CRC {} with planes, {} composed", crc_text(planes.values()), crc_text(composed.values())))
        }
    }
}

/// The control of all other tests: the CRC changes with the lowest bit of the last pixel.
fn one_pixel(screen: &mut Screen, _: &mut Oracle) -> Result<Outcome, Error> {
    let images = images(screen, 1)?;
    let before = show(screen, fullscreen(&images[0]))?;
    let mut other = noise(screen, screen.size(), 1000)?;
    let (width, height) = screen.size();
    let last = other.lines_mut().nth(height as usize - 1);
    if let Some(blue) = last.and_then(|line| line.get_mut((width as usize - 1) * 4)) {
        *blue ^= 1;
    }
    let after = show(screen, fullscreen(&Rc::new(other)))?;
    match after.values() == before.values() {
        true => fail(format!(
            "the CRC does not cover the last pixel: {} with and without the change",
            crc_text(after.values())
        )),
        false => Ok(Outcome::Pass),
    }
}
