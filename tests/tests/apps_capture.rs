//! Programs that take pictures of the screen: a screenshot of all of it and of what somebody draws a
//! frame around, a recording, a mirror, a remote desktop. Each picture is compared with the session's own.
//!
//! `cargo xtask test --part apps` runs this.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use syncline_tests::apps::{Desk, PATIENCE, SCREEN, changed, count, size};
use syncline_tests::compositor::Picture;
use syncline_tests::image::{Colour, HEIGHT, WIDTH};
use syncline_tests::time::poll_until;
use syncline_tests::uinput::code;

const TILING: &str = "[desktop]\nlayout = \"tiling\"";
const GREEN: Colour = [0x00, 0xaa, 0x44];
const NAVY: Colour = [0x20, 0x40, 0x60];
const ORANGE: Colour = [0xee, 0x77, 0x00];

/// A background of one colour, with nothing else on the screen.
fn filled(desk: &Desk) -> syncline_tests::apps::App {
    let background = desk.start(&["swaybg", "-c", "00aa44"]).unwrap();
    desk.is_filled("the background", SCREEN, GREEN).unwrap();
    background
}

/// What `grim` writes with these options.
fn grim(desk: &Desk, options: &[&str]) -> Picture {
    let path = desk.file("grim.png", "").unwrap();
    desk.run(&[&["timeout", "50", "grim"], options, &[&path]].concat()).unwrap();
    Picture::read(&desk.path("grim.png")).unwrap()
}

#[test]
#[ignore = "apps"]
fn grim_takes_the_picture_that_is_seen() {
    let desk = Desk::new(TILING).unwrap();
    let config = desk.file("foot.ini", "font=DejaVu Sans Mono:size=10\n[colors-dark]\nbackground=204060\n").unwrap();
    let _foot = desk.start(&["foot", "-c", &config, "sh", "-c", "seq 500; sleep 1000"]).unwrap();
    desk.window("foot").unwrap();
    desk.shows("the terminal", |picture| count(picture, SCREEN, NAVY) > size(SCREEN) / 2).unwrap();
    let seen = desk.compositor.screenshot().unwrap();
    let taken = grim(&desk, &[]);
    assert_eq!((taken.width, taken.height), (WIDTH as usize, HEIGHT as usize));
    assert_eq!(changed(&seen, &taken, SCREEN), 0);
    // A region and a display.
    let region = grim(&desk, &["-g", "10,20 300x200"]);
    assert_eq!((region.width, region.height), (300, 200));
    let differ = (0..200).flat_map(|y| (0..300).map(move |x| (x, y))).find(|(x, y)| {
        let (one, other) = (region.at(*x, *y), seen.at(x + 10, y + 20));
        one != other
    });
    assert_eq!(differ, None);

    assert_eq!(changed(&seen, &grim(&desk, &["-o", "Virtual-1"]), SCREEN), 0);
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn while_the_screen_is_locked_grim_sees_the_lock_alone() {
    let desk = Desk::new(TILING).unwrap();
    let _background = filled(&desk);
    let mut lock = desk.start(&["swaylock", "--no-unlock-indicator", "--color", "ee7700"]).unwrap();
    desk.is_filled("the lock", SCREEN, ORANGE).unwrap();
    let taken = grim(&desk, &[]);
    assert_eq!(count(&taken, SCREEN, ORANGE), size(SCREEN));
    desk.keyboard.text("lab\n").unwrap();
    assert!(lock.wait().unwrap().success(), "{}", lock.log());
    desk.is_filled("the background", SCREEN, GREEN).unwrap();
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn slurp_prints_what_somebody_draws_a_frame_around() {
    let desk = Desk::new(TILING).unwrap();
    let _background = filled(&desk);
    let mut slurp = desk.start(&["slurp"]).unwrap();
    // It darkens the screen.
    desk.shows("slurp", |picture| count(picture, SCREEN, GREEN) == 0).unwrap();
    desk.pointer.to(100, 150).unwrap();
    desk.pointer.button(code::BTN_LEFT, true).unwrap();
    desk.pointer.to(400, 350).unwrap();
    desk.pointer.button(code::BTN_LEFT, false).unwrap();
    assert!(slurp.wait().unwrap().success(), "{}", slurp.log());
    assert_eq!(slurp.log().trim(), "100,150 300x200");
    desk.is_filled("the background", SCREEN, GREEN).unwrap();
    // Escape is no answer.
    let mut slurp = desk.start(&["slurp"]).unwrap();
    desk.shows("slurp", |picture| count(picture, SCREEN, GREEN) == 0).unwrap();
    desk.keyboard.chord(&[code::KEY_ESC]).unwrap();
    assert!(!slurp.wait().unwrap().success());
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn a_recording_has_the_frames_that_were_shown() {
    let desk = Desk::new(TILING).unwrap();
    let _background = filled(&desk);
    let film = desk.file("film.mkv", "").unwrap();
    let mut recorder =
        desk.start(&["wf-recorder", "--overwrite", "-D", "-c", "mjpeg", "-x", "yuvj420p", "-f", &film]).unwrap();
    let growing = || std::fs::metadata(desk.path("film.mkv")).is_ok_and(|film| film.len() > 0);
    assert!(poll_until(PATIENCE, growing), "{}", recorder.log());
    std::thread::sleep(Duration::from_secs(5));
    recorder.signal(rustix::process::Signal::INT).unwrap();
    assert!(recorder.wait().unwrap().success(), "{}", recorder.log());
    let words = ["-count_frames", "-show_entries", "stream=width,height,nb_read_frames", "-of", "csv=p=0"];
    let found = desk.run(&[&["ffprobe", "-v", "error"], &words[..], &[&film]].concat()).unwrap();
    let numbers: Vec<usize> = found.trim().split(',').map(|number| number.parse().unwrap()).collect();
    assert_eq!(numbers[..2], [WIDTH as usize, HEIGHT as usize], "{found}");
    assert!(numbers[2] >= 10, "{found}\n{}", recorder.log());
    // The last frame has the background's colour, as near as a lossy film is.
    let still = desk.file("still.png", "").unwrap();
    desk.run(&["ffmpeg", "-v", "error", "-y", "-i", &film, "-frames:v", "1", "-update", "1", &still]).unwrap();
    let still = Picture::read(&desk.path("still.png")).unwrap();
    let seen = still.at(500, 400);
    assert!(seen.iter().zip(GREEN).all(|(one, other)| one.abs_diff(other) < 6), "{seen:?}");
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn a_mirror_shows_the_screen_in_a_window() {
    let desk = Desk::new("[desktop]\nlayout = \"floating\"").unwrap();
    let _background = filled(&desk);

    let mirror = desk.start(&["wl-mirror", "Virtual-1"]).unwrap();
    let (x, y, w, h) = desk.window("at.yrlf.wl_mirror").unwrap_or_else(|error| panic!("{error}: {}", mirror.log()));
    // A row in the middle is black only until the first picture is there.
    let inside = (x + w / 4, y + h / 4, w / 8, h / 8);
    desk.shows("the screen", |picture| count(picture, inside, GREEN) > size(inside) / 2)
        .unwrap_or_else(|error| panic!("{error}: {}", mirror.log()));
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn a_remote_desktop_shows_the_screen_and_types() {
    let desk = Desk::new(TILING).unwrap();
    let _background = filled(&desk);
    let (socket, typed) = (desk.path("vnc"), desk.path("typed"));
    let path = socket.to_string_lossy().into_owned();
    let server = desk.start(&["wayvnc", "--unix-socket", &path]).unwrap();
    let mut stream = None;
    let there = poll_until(PATIENCE, || {
        stream = UnixStream::connect(&socket).ok();
        stream.is_some()
    });
    assert!(there, "{}", server.log());
    let mut viewer = Viewer::begin(stream.unwrap());
    assert_eq!(viewer.size, (WIDTH as u16, HEIGHT as u16), "{}", server.log());
    let pixels = viewer.picture();
    let wrong = pixels.chunks_exact(4).filter(|pixel| pixel[..3] != [GREEN[2], GREEN[1], GREEN[0]]).count();
    assert_eq!(wrong, 0, "of {}", pixels.len() / 4);
    // What its user types goes to the window.
    let command = format!("read line; echo \"$line\" > {}", typed.display());
    let _foot = desk.start(&["foot", "sh", "-c", &command]).unwrap();
    desk.window("foot").unwrap();
    viewer.text("remote\r");
    let there = || std::fs::read_to_string(&typed).is_ok_and(|text| text == "remote\n");
    assert!(poll_until(PATIENCE, there), "{:?}\n{}", std::fs::read_to_string(&typed), server.log());
    desk.compositor.stop().unwrap();
}

/// A viewer that speaks RFB 3.8 (RFC 6143), with raw pixels.
struct Viewer {
    stream: UnixStream,
    size: (u16, u16),
}

impl Viewer {
    fn begin(mut stream: UnixStream) -> Viewer {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let mut read = |bytes: usize| {
            let mut read = vec![0; bytes];
            stream.read_exact(&mut read).map(|()| read).unwrap()
        };
        assert_eq!(read(12), b"RFB 003.008\n");
        writer.write_all(b"RFB 003.008\n").unwrap();
        let count = read(1)[0];
        assert!(read(count.into()).contains(&1), "no security is a type that is offered");
        writer.write_all(&[1]).unwrap();
        assert_eq!(read(4), [0; 4], "let in");
        // Others may look, too.
        writer.write_all(&[1]).unwrap();
        let init = read(24);
        let number = |at: usize| u16::from_be_bytes([init[at], init[at + 1]]);
        let size = (number(0), number(2));
        let name = u32::from_be_bytes([init[20], init[21], init[22], init[23]]);
        let _ = read(name as usize);
        // 32 bits, 24 of them used, little-endian: blue, green, red.
        writer.write_all(&[0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]).unwrap();
        // Raw alone.
        writer.write_all(&[2, 0, 0, 1, 0, 0, 0, 0]).unwrap();
        Viewer { stream, size }
    }

    /// The whole screen.
    fn picture(&mut self) -> Vec<u8> {
        let (w, h) = self.size;
        let [[a, b], [c, d]] = [w.to_be_bytes(), h.to_be_bytes()];
        self.stream.write_all(&[3, 0, 0, 0, 0, 0, a, b, c, d]).unwrap();
        let mut pixels = vec![0; usize::from(w) * usize::from(h) * 4];
        let mut left = pixels.len() / 4;
        while left > 0 {
            let head = self.read(4);
            assert_eq!(head[0], 0, "an update");
            for _ in 0..u16::from_be_bytes([head[2], head[3]]) {
                let rect = self.read(12);
                let number = |at: usize| usize::from(u16::from_be_bytes([rect[at], rect[at + 1]]));
                let (x, y, width, height) = (number(0), number(2), number(4), number(6));
                assert_eq!(rect[8..], [0; 4], "raw");
                let bytes = self.read(width * height * 4);
                for (row, bytes) in bytes.chunks_exact(width * 4).enumerate() {
                    let at = ((y + row) * usize::from(w) + x) * 4;
                    pixels[at..at + width * 4].copy_from_slice(bytes);
                }
                left = left.saturating_sub(width * height);
            }
        }
        pixels
    }

    /// Types a text.
    fn text(&mut self, text: &str) {
        for letter in text.chars() {
            // The keysym of a letter is its code; that of Return is 0xff0d.
            let symbol = if letter == '\r' { 0xff0d } else { u32::from(letter) };
            for down in [1, 0] {
                self.stream.write_all(&[&[4, down, 0, 0][..], &symbol.to_be_bytes()].concat()).unwrap();
            }
        }
    }

    fn read(&mut self, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        self.stream.read_exact(&mut read).unwrap();
        read
    }
}
