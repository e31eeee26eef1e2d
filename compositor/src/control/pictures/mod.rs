//! Pictures that `syncline msg` takes itself, as a client of the session: what of it they show, with numbers
//! from the session's own socket.
//!
//! `prove` compares one with the display's CRC, `record` writes one after the other. It waits as long as
//! it must; the session waits for nothing here.

pub mod prove;
pub mod record;

use camera::{Camera, Subject, Transform, View};
use serde::Deserialize;

use crate::{
    control::{args::ShotArgs, connection::Connection, request::Request, socket::wayland_path},
    report::windows::WindowReport,
    system::error::Error,
};

/// A display, of what `syncline msg outputs` says of it.
#[derive(Debug, Deserialize)]
struct Display {
    name: String,
    x: i64,
    y: i64,
    width: i64,
    height: i64,
    scale: f64,
    refresh_hz: f64,
    /// The display that it mirrors: it has no part of the desktop.
    #[serde(default)]
    mirrors: Option<String>,
}

/// What a picture shows.
struct Shot {
    subject: Subject,
    /// In pixels of the upright display; `None`: all.
    part: Option<[i64; 4]>,
    /// How often it may change, in Hz.
    refresh_hz: f64,
}

impl Shot {
    /// Finds out what is meant. Error: there is no such thing, or it lies on several displays.
    fn of(args: &ShotArgs, session: &mut Connection) -> Result<Self, Error> {
        let displays = displays(session)?;
        let first = displays.first().ok_or_else(|| Error::setup("a picture", "no display is lit"))?;
        if let Some(number) = args.window {
            let windows: Vec<WindowReport> = session.read(&Request::Windows { titles: false })?;
            let window = windows.iter().find(|window| window.window.0 == number).ok_or_else(|| {
                Error::setup("a picture", format!("there is no window {number}; `syncline msg windows` lists them"))
            })?;
            let subject = Subject::Window(window.toplevel);
            return Ok(Self { subject, part: None, refresh_hz: first.refresh_hz });
        }
        let (display, part) = match (args.region, &args.output) {
            (Some(region), _) => {
                let (display, part) = part_of(&displays, region)?;
                (display, Some(part))
            }
            (None, Some(name)) => {
                let named = displays.iter().find(|display| display.name == *name);
                (named.ok_or_else(|| Error::setup("a picture", format!("{name} is not lit")))?, None)
            }
            (None, None) => (first, None),
        };
        Ok(Self { subject: Subject::Output(display.name.clone()), part, refresh_hz: display.refresh_hz })
    }

    /// Starts to capture it.
    fn camera(&self, socket: &str, pointer: bool) -> Result<Camera, Error> {
        Camera::open(&wayland_path(socket)?, &self.subject, pointer).map_err(|error| self.error(&error))
    }

    /// What is wrong with it.
    fn error(&self, error: &camera::Error) -> Error {
        match &self.subject {
            Subject::Output(name) => Error::setup(format!("a picture of {name}"), error),
            Subject::Window(_) => Error::setup("a picture of the window", error),
        }
    }

    /// Which pixels of the captured ones it has.
    fn view(&self, size: (u32, u32), transform: Transform) -> Result<View, Error> {
        let all = View::upright(size, transform);
        let part = self.part.map_or(Some(all), |part| all.part(part));
        part.ok_or_else(|| Error::setup("a picture", "the part of the desktop is not on the display any more"))
    }
}

fn displays(session: &mut Connection) -> Result<Vec<Display>, Error> {
    let status = session.ask(&Request::Status)?;
    serde_json::from_value(status["outputs"].clone()).map_err(|error| session.unexpected(&error))
}

/// The display on which a part of the desktop lies, and that part in its upright pixels.
fn part_of(displays: &[Display], region: [i32; 4]) -> Result<(&Display, [i64; 4]), Error> {
    let [x, y, width, height] = region.map(i64::from);
    let no = |why: &str| Err(Error::setup(format!("{x},{y} {width}x{height}"), why));
    let shows = |of: &&Display| x < of.x + of.width && of.x < x + width && y < of.y + of.height && of.y < y + height;
    let mut on = displays.iter().filter(|of| of.mirrors.is_none()).filter(shows);
    match (on.next(), on.next()) {
        (None, _) => no("no display shows this part of the desktop"),
        (Some(_), Some(_)) => no("this part of the desktop is on several displays; name one of them: --output NAME"),
        (Some(display), None) => {
            let pixels = |at: i64| (at as f64 * display.scale).round() as i64;
            let (left, top) = (pixels(x - display.x), pixels(y - display.y));
            let (right, bottom) = (pixels(x + width - display.x), pixels(y + height - display.y));
            Ok((display, [left, top, right - left, bottom - top]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn display(name: &str, x: i64, scale: f64) -> Display {
        Display { name: name.to_owned(), x, y: 0, width: 100, height: 50, scale, refresh_hz: 60.0, mirrors: None }
    }

    #[test]
    fn a_part_of_the_desktop_is_found_on_its_display() {
        let displays = [display("A-1", 0, 1.0), display("A-2", 100, 1.5)];
        let of = |region| part_of(&displays, region).map(|(display, part)| (display.name.clone(), part));
        assert_eq!(of([10, 20, 30, 40]).unwrap(), ("A-1".into(), [10, 20, 30, 40]));
        assert_eq!(of([101, 3, 10, 10]).unwrap(), ("A-2".into(), [2, 5, 15, 15]));
        assert!(of([90, 0, 20, 10]).unwrap_err().to_string().contains("on several displays"));
        let mirrored = [display("A-1", 0, 1.0), Display { mirrors: Some("A-1".into()), ..display("A-2", 0, 0.5) }];
        assert_eq!(part_of(&mirrored, [10, 20, 30, 40]).unwrap().0.name, "A-1");
        for nowhere in [[0, 50, 10, 10], [-10, 0, 10, 10], [200, 0, 1, 1]] {
            assert!(of(nowhere).unwrap_err().to_string().contains("no display shows"), "{nowhere:?}");
        }
    }

    /// The camera knows no transform of the session's, but both must mean the same.
    #[test]
    fn pictures_are_turned_back_as_displays_are_turned() {
        use smithay::utils::{Physical, Rectangle, Size, Transform as Of};

        use crate::surface::transform::turned;

        let all = [Of::Normal, Of::_90, Of::_180, Of::_270, Of::Flipped, Of::Flipped90, Of::Flipped180, Of::Flipped270];
        let captured: Vec<[u8; 4]> = (0..6).map(|at| [at; 4]).collect();
        for (number, transform) in all.into_iter().enumerate() {
            let view = View::upright((3, 2), Transform::from_number(number as u32));
            let upright: Size<i32, Physical> = (view.width as i32, view.height as i32).into();
            for (at, seen) in view.of(&captured).enumerate() {
                let place = (at as i32 % upright.w, at as i32 / upright.w);
                let pixel: Rectangle<i32, Physical> =
                    turned(transform, Rectangle::new(place.into(), (1, 1).into()), upright);
                assert_eq!(i32::from(seen[0]), pixel.loc.y * 3 + pixel.loc.x, "{transform:?}: {place:?}");
            }
        }
    }
}
