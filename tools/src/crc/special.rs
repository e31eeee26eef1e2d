//! Tests that need more than one scene: flips in their order, fences, mode setting, writeback, planes against composition.
//!
//! Each shows at least two pictures that must differ.

use std::rc::Rc;
use std::time::Duration;

use dmabuf_import::Fourcc;
use fence::SwTimeline;
use kms::Rect;

use super::judge::Judge;
use super::picture::Picture;
use super::power;
use super::result::Outcome;
use super::scene::{Layer, Scene};
use super::screen::Screen;
use super::suite::value;
use super::trouble::Trouble;

/// Runs one test.
pub type Run = fn(&mut Screen, &mut Judge) -> Result<Outcome, Trouble>;

/// Suites with their tests.
pub const SUITES: [(&str, &[(&str, Run)]); 5] = [
    ("flip", &[("pictures in their order", order), ("a late fence shows the old frame, then the new", late_fence)]),
    ("modeset", &[("the same picture after it", modeset)]),
    ("suspend", &[("the same picture after it", suspend)]),
    ("writeback", &[("what is written back has the same CRC", writeback)]),
    ("composition", &[("planes against the composed picture", composition), ("one pixel of it differs", one_pixel)]),
];

fn skip(reason: impl Into<String>) -> Result<Outcome, Trouble> {
    Ok(Outcome::Skip { reason: reason.into() })
}

fn fail(reason: impl Into<String>) -> Result<Outcome, Trouble> {
    Ok(Outcome::Fail { reason: reason.into(), files: Vec::new() })
}

/// Fullscreen pictures, all different.
fn pictures(screen: &Screen, count: u32) -> Result<Vec<Rc<Picture>>, Trouble> {
    let picture = |seed| Picture::noise(&screen.device, Fourcc::Xrgb8888, screen.size(), 1000 + seed).map(Rc::new);
    (0..count).map(picture).collect()
}

fn full(picture: &Rc<Picture>) -> Layer {
    Layer::whole(0, picture, (0, 0))
}

/// Shows what must be possible on any display.
fn shot(screen: &mut Screen, layer: Layer) -> Result<kms::crc::CrcEntry, Trouble> {
    screen.shot(&Scene::of([layer]))?.map_err(|reason| Trouble::refused("a fullscreen picture", reason))
}

fn order(screen: &mut Screen, _: &mut Judge) -> Result<Outcome, Trouble> {
    let pictures = pictures(screen, 4)?;
    let mut first = Vec::new();
    for picture in &pictures {
        first.push(shot(screen, full(picture))?);
    }
    for (at, one) in first.iter().enumerate() {
        if first[..at].iter().any(|other| other.values() == one.values()) {
            return fail(format!("different pictures have the same CRC {}", value(one)));
        }
    }
    for round in [3, 1, 0, 2, 1, 3, 2, 0] {
        let read = shot(screen, full(&pictures[round]))?;
        if read.values() != first[round].values() {
            return fail(format!("CRC {} instead of {}", value(&read), value(&first[round])));
        }
    }
    Ok(Outcome::Pass)
}

fn late_fence(screen: &mut Screen, _: &mut Judge) -> Result<Outcome, Trouble> {
    if screen.planes[0].about.props.get("IN_FENCE_FD").is_none() {
        return skip("the plane has no IN_FENCE_FD");
    }
    let Ok(timeline) = SwTimeline::open() else {
        return skip("no sw_sync in this kernel (CONFIG_SW_SYNC, debugfs)");
    };
    let pictures = pictures(screen, 2)?;
    let (new, old) = (shot(screen, full(&pictures[1]))?, shot(screen, full(&pictures[0]))?);
    if new.values() == old.values() {
        return fail(format!("different pictures have the same CRC {}", value(&old)));
    }
    let fence = timeline.fence(1, "late").map_err(|error| Trouble::refused("sw_sync", error))?;
    use std::os::fd::AsFd;
    screen.show_behind(&full(&pictures[1]), fence.as_fd())?;
    for _ in 0..6 {
        let read = screen.next_crc()?;
        if read.values() != old.values() {
            timeline.inc(1).map_err(|error| Trouble::refused("sw_sync", error))?;
            screen.wait_flip(Duration::from_secs(2))?;
            return fail(format!(
                "CRC {} while the fence was pending; the old frame has {}",
                value(&read),
                value(&old)
            ));
        }
    }
    let early = screen.wait_flip(Duration::ZERO)?;
    timeline.inc(1).map_err(|error| Trouble::refused("sw_sync", error))?;
    if early.is_some() {
        return fail("the flip came before the fence");
    }
    let flip = screen.wait_flip(Duration::from_secs(2))?.ok_or(Trouble::NoFlip(2000))?;
    let read = screen.crc_of(&flip)?;
    if read.values() != new.values() {
        return fail(format!("CRC {} after the fence; the new frame has {}", value(&read), value(&new)));
    }
    Ok(Outcome::Pass)
}

fn modeset(screen: &mut Screen, _: &mut Judge) -> Result<Outcome, Trouble> {
    let pictures = pictures(screen, 2)?;
    let before = shot(screen, full(&pictures[0]))?;
    screen.modeset()?;
    let other = shot(screen, full(&pictures[1]))?;
    screen.modeset()?;
    let after = shot(screen, full(&pictures[0]))?;
    if other.values() == before.values() {
        return fail(format!("different pictures have the same CRC {}", value(&other)));
    }
    if after.values() != before.values() {
        return fail(format!("CRC {} after the mode was set, {} before", value(&after), value(&before)));
    }
    Ok(Outcome::Pass)
}

/// What was on the screen is there again when the machine wakes up, without a commit.
fn suspend(screen: &mut Screen, _: &mut Judge) -> Result<Outcome, Trouble> {
    if !screen.may_suspend {
        return skip("only with --suspend: the machine sleeps for two seconds");
    }
    let pictures = pictures(screen, 2)?;
    let other = shot(screen, full(&pictures[1]))?;
    let before = shot(screen, full(&pictures[0]))?;
    if other.values() == before.values() {
        return fail(format!("different pictures have the same CRC {}", value(&other)));
    }
    if let Err(reason) = power::suspend(Duration::from_secs(2)) {
        return skip(reason);
    }
    // Arming does not survive in every driver.
    screen.arm()?;
    let after = screen.next_crc()?;
    if after.values() != before.values() {
        return fail(format!("CRC {} after waking up, {} before", value(&after), value(&before)));
    }
    Ok(Outcome::Pass)
}

/// Opaque pictures of eight bits on all planes that take them, over the whole screen: exact in XRGB8888.
fn opaque(screen: &Screen) -> Result<Scene, Trouble> {
    let mut layers = vec![full(&pictures(screen, 1)?[0])];
    for (at, plane) in screen.planes.iter().enumerate().skip(1) {
        let takes = |format: Fourcc| plane.about.formats.iter().any(|entry| entry.format == format as u32);
        if plane.sizes.is_empty() && takes(Fourcc::Xrgb8888) {
            let picture = Picture::noise(&screen.device, Fourcc::Xrgb8888, (151, 83), 2000 + at as u32)?;
            let place = at as i32 * 23;
            layers.push(Layer::part(at, &Rc::new(picture), (1, 2), Rect::new(place, place / 2, 149, 79)));
        }
    }
    Ok(Scene::of(layers))
}

fn writeback(screen: &mut Screen, _: &mut Judge) -> Result<Outcome, Trouble> {
    let scene = opaque(screen)?;
    let written = match screen.writeback(&scene)? {
        Ok(written) => Rc::new(written),
        Err(reason) => return skip(reason),
    };
    // Attaching writeback is a modeset: CRCs of before and after it are not compared.
    screen.modeset()?;
    let Ok(shown) = screen.shot(&scene)? else { return skip("the driver refuses the planes") };
    let again = shot(screen, full(&written))?;
    let plain = shot(screen, scene.layers[0].clone())?;
    if plain.values() == shown.values() && scene.layers.len() > 1 {
        return fail(format!("with and without planes the CRC is {}", value(&plain)));
    }
    if again.values() != shown.values() {
        return fail(format!("CRC {} of the picture written back, {} of the scene", value(&again), value(&shown)));
    }
    Ok(Outcome::Pass)
}

fn composition(screen: &mut Screen, judge: &mut Judge) -> Result<Outcome, Trouble> {
    let scene = opaque(screen)?;
    if scene.layers.len() == 1 {
        return skip("no other plane shows XRGB8888");
    }
    let Ok(planes) = screen.shot(&scene)? else { return skip("the driver refuses the planes") };
    let plain = shot(screen, scene.layers[0].clone())?;
    if plain.values() == planes.values() {
        return fail(format!("with and without planes the CRC is {}", value(&plain)));
    }
    match judge.composed(screen, &scene)? {
        Err(reason) => skip(reason),
        Ok(composed) if composed.values() == planes.values() => Ok(Outcome::Pass),
        Ok(composed) => fail(format!("CRC {} by planes, {} composed", value(&planes), value(&composed))),
    }
}

/// The control of all controls: CRCs see the lowest bit of the last pixel.
fn one_pixel(screen: &mut Screen, _: &mut Judge) -> Result<Outcome, Trouble> {
    let pictures = pictures(screen, 1)?;
    let before = shot(screen, full(&pictures[0]))?;
    let mut other = Picture::noise(&screen.device, Fourcc::Xrgb8888, screen.size(), 1000)?;
    let (width, height) = screen.size();
    let last = other.lines_mut().nth(height as usize - 1);
    if let Some(blue) = last.and_then(|line| line.get_mut((width as usize - 1) * 4)) {
        *blue ^= 1;
    }
    let after = shot(screen, full(&Rc::new(other)))?;
    match after.values() == before.values() {
        true => fail(format!("the last pixel does not count: CRC {} with and without it", value(&after))),
        false => Ok(Outcome::Pass),
    }
}
