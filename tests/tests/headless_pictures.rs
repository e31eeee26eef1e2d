//! `syncline msg record` and `syncline msg screenshot --prove` on displays without hardware: what the file says,
//! and how a recording ends.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use syncline_tests::client::Client;
use syncline_tests::client::buffer::{Buffer, Pixels, Source};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::compositor::{Compositor, Picture, binary};
use syncline_tests::time::poll_until;

const WAIT: Duration = Duration::from_secs(10);
const SIZE: (u32, u32) = (96, 64);

/// A fullscreen window of shared memory.
struct Painter {
    client: Client,
    window: Toplevel,
    buffers: Vec<(Buffer, Pixels)>,
    frame: usize,
}

impl Painter {
    fn new(compositor: &Compositor) -> Painter {
        let mut client = compositor.client().unwrap();
        let window = client.toplevel(&Wish { app_id: "painter", fullscreen: true }).unwrap();
        let size = window.size(&client, SIZE);
        assert_eq!(size, SIZE);
        let buffers = (0..2).map(|_| client.buffer(Source::Shm, size.0, size.1).unwrap()).collect();
        Painter { client, window, buffers, frame: 0 }
    }

    /// Fills the window, its left half with the value and its right half with another, and waits until it is shown.
    fn show(&mut self, value: u8) {
        self.frame += 1;
        let (buffer, pixels) = &mut self.buffers[self.frame % 2];
        let draw = |bytes: &mut [u8]| {
            for (at, pixel) in bytes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let left = at as u32 % SIZE.0 < SIZE.0 / 2;
                *pixel = [value, if left { 0 } else { 255 }, 9, 255];
            }
        };
        pixels.write(draw).unwrap();
        let commit = Commit { buffer: Some(buffer), feedback: true, ..Commit::default() };
        let token = self.window.commit(&mut self.client, &commit).unwrap().feedback.unwrap();
        self.client.wait_for("feedback", WAIT, |state| state.feedback.contains_key(&token)).unwrap();
    }
}

fn start() -> Compositor {
    Compositor::start_headless(&["--headless", "96x64@100"]).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A recording: its size, and its pictures with their microseconds.
#[derive(Debug)]
struct Tape {
    size: (u64, u64),
    pictures: Vec<(u64, Vec<[u8; 4]>)>,
}

impl Tape {
    fn read(path: &Path) -> Tape {
        Tape::of(&std::fs::read(path).unwrap())
    }

    /// The elements of a level: name, content.
    fn elements(mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let len = bytes[0].leading_zeros() as usize + 1;
            let of = bytes[..len].iter().fold(0, |of, byte| of << 8 | u32::from(*byte));
            let size = bytes[len + 1..len + 8].iter().fold(0, |size, byte| size << 8 | u64::from(*byte));
            bytes = &bytes[len + 8..];
            let size = if size == (1 << 56) - 1 { bytes.len() } else { size as usize };
            assert!(size <= bytes.len(), "{of:#x} of {size} bytes is cut off");
            found.push((of, &bytes[..size]));
            bytes = &bytes[size..];
        }
        found
    }

    fn of(bytes: &[u8]) -> Tape {
        let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
        let inner = |bytes, of: u32| Tape::elements(bytes).into_iter().find(|(name, _)| *name == of).unwrap().1;
        let segment = inner(bytes, 0x1853_8067);
        let video = inner(inner(inner(segment, 0x1654_ae6b), 0xae), 0xe0);
        let size = (number(inner(video, 0xb0)), number(inner(video, 0xba)));
        let clusters = Tape::elements(segment).into_iter().filter(|(name, _)| *name == 0x1f43_b675);
        let picture = |(_, cluster)| {
            let block = inner(cluster, 0xa3);
            assert_eq!(block.len() as u64, 4 + size.0 * size.1 * 4);
            (number(inner(cluster, 0xe7)), block[4..].as_chunks().0.to_vec())
        };
        Tape { size, pictures: clusters.map(picture).collect() }
    }

    /// The first pixel of each picture: its value.
    fn values(&self) -> Vec<u8> {
        self.pictures.iter().map(|(_, picture)| picture[0][0]).collect()
    }
}

fn record(compositor: &Compositor, args: &[&str]) -> Command {
    let mut command = compositor.command(binary().unwrap());
    command.args(["msg", "--socket", &compositor.socket, "record"]).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits until something was recorded.
fn begun(file: &Path) {
    let has = || std::fs::metadata(file).is_ok_and(|about| about.len() > u64::from(SIZE.0 * SIZE.1 * 4));
    assert!(poll_until(WAIT, has), "nothing was recorded");
}

fn interrupt(child: Child) -> Output {
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_recording_has_every_change_at_its_time_and_ends_well_when_interrupted() {
    let compositor = start();
    let mut painter = Painter::new(&compositor);
    painter.show(1);
    let file = compositor.scratch("film.mkv");
    let child = record(&compositor, &[file.to_str().unwrap()]).spawn().unwrap();
    begun(&file);
    (2..=20).for_each(|value| painter.show(value));
    // Nothing changes: nothing is written, and the last picture lasts.
    std::thread::sleep(Duration::from_millis(300));
    let out = interrupt(child);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("21 pictures, "), "{}", text(&out.stderr));
    let tape = Tape::read(&file);
    assert_eq!(tape.size, (96, 64));
    assert_eq!(tape.values(), (1..=20).chain([20]).collect::<Vec<u8>>());
    for (_, picture) in &tape.pictures {
        let (left, right) = (picture[0], picture[95]);
        assert_eq!((left, right), ([left[0], 0, 9, 255], [left[0], 255, 9, 255]), "exact, and opaque");
    }
    const PERIOD: u64 = 10_000;
    let times: Vec<u64> = tape.pictures.iter().map(|(time, _)| *time).collect();
    assert_eq!(times[0], 0);
    assert!(times[0] < times[1], "{times:?}");
    assert!(times[1..20].windows(2).all(|pair| pair[0] < pair[1] && (pair[1] - pair[0]) % PERIOD == 0), "{times:?}");
    assert!(times[20] - times[19] >= 290_000, "{times:?}");
    compositor.stop().unwrap();
}

#[test]
fn a_part_and_a_window_are_recorded_for_a_time() {
    let compositor = start();
    let mut painter = Painter::new(&compositor);
    painter.show(7);
    let windows: serde_json::Value =
        serde_json::from_slice(&compositor.msg(&["windows", "--json"]).unwrap().stdout).unwrap();
    let number = windows[0]["window"].to_string();
    let file = compositor.scratch("part.mkv");
    // However long that was shown before, the recording begins with itself.
    std::thread::sleep(Duration::from_millis(1500));
    let part = |args: &[&str]| {
        let out =
            record(&compositor, &[&[file.to_str().unwrap(), "--seconds", "0.2"], args].concat()).output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        let tape = Tape::read(&file);
        let (last, _) = tape.pictures.last().unwrap();
        assert!(tape.pictures.len() == 2 && (190_000..1_500_000).contains(last), "{last} µs");
        tape
    };
    let tape = part(&["--region", "40,10 16x4"]);
    assert_eq!(tape.size, (16, 4));
    let halves: Vec<u8> = tape.pictures[0].1[..16].iter().map(|pixel| pixel[1]).collect();
    assert_eq!(halves, [[0; 8], [255; 8]].concat());
    assert_eq!(part(&["--window", &number]).size, (96, 64));
    assert_eq!(part(&["--output", "HEADLESS-1"]).values(), [7, 7]);
    for (args, why) in [
        (&["--output", "DP-7"][..], "DP-7 is not lit"),
        (&["--window", "99"], "there is no window 99"),
        (&["--region", "500,500 10x10"], "no display shows this part"),
    ] {
        let nothing = compositor.scratch("nothing.mkv");
        let out = record(&compositor, &[&[nothing.to_str().unwrap()], args].concat()).output().unwrap();
        assert!(out.status.code() == Some(1) && text(&out.stderr).contains(why), "{}", text(&out.stderr));
        assert!(!nothing.exists(), "nothing is written for nothing");
    }
    compositor.stop().unwrap();
}

#[test]
fn a_pipe_will_do_and_a_reader_that_leaves_is_an_end() {
    let compositor = start();
    let mut painter = Painter::new(&compositor);
    painter.show(1);
    let out = record(&compositor, &["-", "--seconds", "0.1"]).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(Tape::of(&out.stdout).values(), [1, 1]);
    let mut child = record(&compositor, &["-"]).spawn().unwrap();
    let mut reader = child.stdout.take().unwrap();
    reader.read_exact(&mut [0; 1000]).unwrap();
    drop(reader);
    let mut value = 1;
    let left = poll_until(WAIT, || {
        value += 1;
        painter.show(value);
        child.try_wait().unwrap().is_some()
    });
    assert!(left && child.wait().unwrap().success());
    compositor.stop().unwrap();
}

#[test]
fn a_recording_of_a_window_that_closes_ends_with_what_there_was() {
    let compositor = start();
    let mut painter = Painter::new(&compositor);
    painter.show(1);
    let file = compositor.scratch("closed.mkv");
    let windows: serde_json::Value =
        serde_json::from_slice(&compositor.msg(&["windows", "--json"]).unwrap().stdout).unwrap();
    let number = windows[0]["window"].to_string();
    let child = record(&compositor, &[file.to_str().unwrap(), "--window", &number]).spawn().unwrap();
    begun(&file);
    painter.show(2);
    drop(painter);
    let out = child.wait_with_output().unwrap();
    let said = text(&out.stderr);
    assert!(out.status.code() == Some(1) && said.contains("the recording has ended: "), "{said}");
    assert_eq!(Tape::read(&file).values()[..2], [1, 2]);
    compositor.stop().unwrap();
}

#[test]
fn without_hardware_there_is_a_picture_and_no_proof() {
    let compositor = start();
    let mut painter = Painter::new(&compositor);
    painter.show(200);
    let file = compositor.scratch("shot.png");
    for (args, why) in
        [(&[][..], "not known: "), (&["--region", "0,0 10x10"], "not known: a display's CRC is that of all it shows")]
    {
        std::fs::remove_file(&file).ok();
        let out = compositor.msg(&[&["screenshot", "--prove", file.to_str().unwrap()], args].concat()).unwrap();
        let said = text(&out.stderr);
        println!("{said}");
        assert_eq!((out.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(why), "{said}");
        assert_eq!(Picture::read(&file).unwrap().at(0, 0), [9, 0, 200]);
    }
    let out = compositor.msg(&["screenshot", "--prove", "--json", file.to_str().unwrap()]).unwrap();
    let proof: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), &proof["verdict"]), (Some(2), &"unknown".into()), "{proof}");
    assert!(proof["why"].is_string() && proof["read"] == serde_json::json!([]), "{proof}");
    let nowhere = compositor.msg(&["screenshot", "--prove", "/nonexistent/a.png"]).unwrap();
    assert_eq!(nowhere.status.code(), Some(2), "no picture is no difference");
    compositor.stop().unwrap();
}
