//! The picture of the README: two workspaces of a desktop, with a bar, tiled and floating windows. It
//! is made by the compositor's own screenshots of real programs, on a headless display.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use clap::Parser;

use crate::client::Client;
use crate::client::buffer::Source;
use crate::client::layer::Bar;
use crate::compositor::{Compositor, Picture, binary};
use crate::error::{Error, Result};
use crate::time::poll_until;
use crate::user;

/// Draws two workspaces of a headless session into a PNG file.
#[derive(Debug, Clone, Parser)]
#[command(name = "syncline-picture", version)]
pub struct Options {
    /// The file.
    #[arg(long, default_value = "desktop.png")]
    pub out: PathBuf,
}

const SCREEN: (usize, usize) = (1120, 700);
const CONFIG: &str = r##"
[desktop]
layout = "tiling"
columns = 2
gap = 8
outer-gap = 8

[[window]]
app-id = "floats"
floating = true
size = [520, 220]
"##;
const BAR: u32 = 26;
/// Between the two workspaces.
const SEAM: usize = 16;
/// How long programs may take to start, and then to draw.
const START: Duration = Duration::from_secs(20);
const DRAWN: Duration = Duration::from_millis(2500);
/// Blue, green, red, and what XRGB8888 has for nothing.
const DARK: [u8; 4] = [0x3a, 0x2d, 0x26, 0xff];
const MARK: [u8; 4] = [0x70, 0x60, 0x58, 0xff];
const ACTIVE: [u8; 4] = [0xe2, 0x94, 0x52, 0xff];

/// A terminal of the picture: its application, and what it runs.
struct Terminal(&'static str, &'static str);

const FIRST: [Terminal; 4] = [
    Terminal("foot", "syncline msg status"),
    Terminal("foot", "syncline bindings | head -40"),
    Terminal("foot", "syncline msg clients"),
    Terminal("floats", "syncline msg windows"),
];
const SECOND: [Terminal; 2] =
    [Terminal("foot", "syncline msg fences; syncline msg outputs"), Terminal("floats", "syncline msg workspaces")];

const RING: &str = "desktop.ring-width=3";

/// Makes the picture.
pub fn run(options: &Options) -> Result<()> {
    let config = user::folder()?;
    let file = config.path().join("config.toml");
    std::fs::write(&file, CONFIG).map_err(Error::io("write the configuration"))?;
    let (width, height) = SCREEN;
    let screen = format!("{width}x{height}@60");
    let compositor =
        Compositor::start_headless(&["--headless", &screen, "--config", &file.to_string_lossy(), "--set", RING])?;
    let mut programs = Programs(Vec::new());
    let mut desk = compositor.client()?;
    let bar = desk.bar(BAR, |bytes| draw_bar(bytes, 0))?;
    programs.start(&compositor, &FIRST)?;
    let first = compositor.screenshot()?;
    act(&compositor, "workspace 2")?;
    let second_bar = redraw(&mut desk, &bar)?;
    act(&compositor, "layout floating")?;
    programs.start(&compositor, &SECOND)?;
    let second = compositor.screenshot()?;
    second_bar.destroy();
    drop(programs);
    compositor.stop()?;
    save(&options.out, &[first, second])
}

/// The bar: a square for each workspace.
fn draw_bar(bytes: &mut [u8], active: usize) {
    let width = bytes.len() / 4 / BAR as usize;
    for (at, pixel) in bytes.chunks_exact_mut(4).enumerate() {
        let (x, y) = (at % width, at / width);
        let (square, across) = (x / 24, x % 24);
        let inside = square < 2 && (6..20).contains(&across) && (6..20).contains(&y);
        let colour = if square == active { ACTIVE } else { MARK };
        pixel.copy_from_slice(if inside { &colour } else { &DARK });
    }
}

/// The bar says that the second workspace is shown.
fn redraw(desk: &mut Client, bar: &Bar) -> Result<wayland_client::protocol::wl_buffer::WlBuffer> {
    let (buffer, mut pixels) = desk.buffer(Source::Shm, SCREEN.0 as u32, BAR)?;
    pixels.write(|bytes| draw_bar(bytes, 1))?;
    bar.surface.attach(Some(&buffer.wl), 0, 0);
    bar.surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
    bar.surface.commit();
    desk.roundtrip()?;
    Ok(buffer.wl)
}

fn act(compositor: &Compositor, action: &str) -> Result<()> {
    let out = compositor.msg(&["action", action])?;
    if out.status.success() {
        return Ok(());
    }
    Err(Error::Other(format!("syncline msg action {action:?}: {}", String::from_utf8_lossy(&out.stderr))))
}

/// Terminals that run; they are killed at the end.
struct Programs(Vec<Child>);

impl Programs {
    /// Starts terminals one after the other, and waits until they have drawn.
    fn start(&mut self, compositor: &Compositor, terminals: &[Terminal]) -> Result<()> {
        let program = binary()?;
        let folder = program.parent().map(Path::to_owned).unwrap_or_default();
        let path = std::env::var("PATH").unwrap_or_default();
        for Terminal(app_id, shown) in terminals {
            // All windows are there when the programs look at them.
            let script = format!("sleep 1; {shown}; exec sleep 60");
            let mut foot = compositor.command("foot");
            foot.args(["--app-id", app_id, "--title", shown, "-o", "font=DejaVu Sans Mono:size=7", "-o", "pad=6x6"])
                .args(["sh", "-c", &script])
                .env("PATH", format!("{}:{path}", folder.display()))
                .env("LC_ALL", "C.UTF-8")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            self.0.push(foot.spawn().map_err(Error::io("start foot"))?);
            let count = self.0.len();
            if !poll_until(START, || mapped(compositor) == Some(count)) {
                return Err(Error::Timeout(format!("the window of `{shown}`")));
            }
        }
        std::thread::sleep(DRAWN);
        Ok(())
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// How many windows there are.
fn mapped(compositor: &Compositor) -> Option<usize> {
    let out = compositor.msg(&["windows", "--json"]).ok()?;
    Some(serde_json::from_slice::<serde_json::Value>(&out.stdout).ok()?.as_array()?.len())
}

/// Writes the pictures side by side.
fn save(path: &Path, pictures: &[Picture]) -> Result<()> {
    let (width, height) = SCREEN;
    let across = pictures.len() * (width + SEAM) - SEAM;
    let mut bytes = vec![0xff; across * height * 3];
    for (n, picture) in pictures.iter().enumerate() {
        for y in 0..height.min(picture.height) {
            for x in 0..width.min(picture.width) {
                let at = (y * across + n * (width + SEAM) + x) * 3;
                bytes[at..at + 3].copy_from_slice(&picture.at(x, y));
            }
        }
    }
    let file = File::create(path).map_err(Error::io(format!("create {}", path.display())))?;
    let mut encoder = png::Encoder::new(BufWriter::new(file), across as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().map_err(Error::other("write a PNG"))?;
    writer.write_image_data(&bytes).map_err(Error::other("write a PNG"))
}
