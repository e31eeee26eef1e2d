//! How fast the vkms model is: `cargo run --release -p syncline-kms --example model_speed`.

use kms::{
    Rect, SrcRect,
    crc::vkms::{Composer, ModelPlane},
};

fn main() {
    let (w, h) = (1920u32, 1080u32);
    let pixels: Vec<u8> = (0..w * h * 4).map(|at| (at * 7) as u8).collect();
    let translucent: Vec<u8> = pixels.iter().map(|byte| byte / 3).collect();
    let mut composer = Composer::default();
    for (name, format, pixels) in [("XR24", *b"XR24", &pixels), ("AR24, all blended", *b"AR24", &translucent)] {
        let (src, dst) = (SrcRect::full(w, h), Rect::new(0, 0, w, h));
        let plane = match ModelPlane::new(pixels, w * 4, u32::from_le_bytes(format), src, dst) {
            Ok(plane) => plane,
            Err(why) => return eprintln!("{name}: {why}"),
        };
        let start = std::time::Instant::now();
        let rounds = 20;
        for _ in 0..rounds {
            std::hint::black_box(composer.crc(w, h, &[plane]));
        }
        let each = start.elapsed() / rounds;
        let rate = f64::from(w * h * 8) / each.as_secs_f64() / 1e9;
        println!("{name}: {each:?} a frame of {w}x{h}, {rate:.2} GB/s of output");
    }
}
