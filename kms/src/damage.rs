//! Damage clips: which part of a plane's buffer has changed, for displays that send only that
//! (self-refreshing panels, USB, virtual machines).
//!
//! The kernel wants them as a property blob. An output keeps the last few of its blobs, so that an
//! image that changes in the same places again (a blinking caret, a video in a window, a clock)
//! costs no call; the one that was used longest ago makes room for a new one. The kernel forgets
//! the clips with the commit, so nothing is ever taken back.

use crate::blob::Blob;
use crate::id::BlobId;
use crate::{Device, Rect, SrcRect};

/// Rectangles in one blob; more become the one that contains them all.
pub const MOST_RECTS: usize = 16;
/// Blobs that an output keeps.
pub const KEPT: usize = 8;

/// `struct drm_mode_rect`: left, top, right, bottom.
type Clip = [i32; 4];

/// The blobs of one output.
#[derive(Debug, Default)]
pub(crate) struct Clips {
    kept: Vec<Kept>,
    uses: u64,
}

#[derive(Debug)]
struct Kept {
    clips: [Clip; MOST_RECTS],
    count: usize,
    blob: Blob,
    used: u64,
}

impl Clips {
    /// A blob of `damage` within `src`, good until the next call but [`KEPT`]. `None`: nothing is
    /// to be said (nothing within `src`, or no memory), which means that everything may have
    /// changed.
    pub(crate) fn blob(&mut self, device: &Device, damage: &[Rect], src: &SrcRect) -> Option<BlobId> {
        let mut clips = [Clip::default(); MOST_RECTS];
        let count = clip(damage, src, &mut clips);
        let said = &clips[..count];
        if said.is_empty() {
            return None;
        }
        self.uses += 1;
        if let Some(known) = self.kept.iter_mut().find(|kept| kept.clips[..kept.count] == *said) {
            known.used = self.uses;
            return Some(known.blob.id());
        }
        let blob = Blob::new(device, bytemuck::cast_slice(said)).ok()?;
        let id = blob.id();
        let fresh = Kept { clips, count, blob, used: self.uses };
        let full = self.kept.len() >= KEPT;
        match self.kept.iter_mut().min_by_key(|kept| kept.used).filter(|_| full) {
            Some(oldest) => *oldest = fresh,
            None => self.kept.push(fresh),
        }
        Some(id)
    }
}

/// Puts the parts of `damage` that lie within `src` into `out`; how many there are. The kernel
/// refuses clips that are empty or reach beyond the buffer, which contains `src`.
fn clip(damage: &[Rect], src: &SrcRect, out: &mut [Clip; MOST_RECTS]) -> usize {
    let end = |start: u32, size: u32| (u64::from(start) + u64::from(size)).div_ceil(1 << 16) as u32;
    let (x, y) = (src.x >> 16, src.y >> 16);
    let shown = Rect::new(x as i32, y as i32, end(src.x, src.w) - x, end(src.y, src.h) - y);
    let edges = |rect: Rect| [rect.x, rect.y, rect.x + rect.w as i32, rect.y + rect.h as i32];
    let mut parts = damage.iter().filter_map(|rect| rect.intersection(&shown)).map(edges);
    let mut count = 0;
    for (place, clip) in out.iter_mut().zip(&mut parts) {
        (*place, count) = (clip, count + 1);
    }
    let join =
        |[l, t, r, b]: Clip, [left, top, right, bottom]: Clip| [l.min(left), t.min(top), r.max(right), b.max(bottom)];
    if let Some(more) = parts.reduce(join) {
        out[0] = out.iter().copied().fold(more, join);
        count = 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::Scripted;

    fn clipped(damage: &[Rect], src: SrcRect) -> Vec<Clip> {
        let mut out = [Clip::default(); MOST_RECTS];
        let count = clip(damage, &src, &mut out);
        out[..count].to_vec()
    }

    #[test]
    fn clips_lie_within_what_is_shown() {
        let src = SrcRect::pixels(10, 20, 100, 50);
        let table = [
            (vec![Rect::new(10, 20, 5, 5)], vec![[10, 20, 15, 25]]),
            (vec![Rect::new(0, 0, 15, 25)], vec![[10, 20, 15, 25]]),
            (vec![Rect::new(-5, -5, u32::MAX, u32::MAX)], vec![[10, 20, 110, 70]]),
            (vec![Rect::new(0, 0, 10, 100), Rect::new(50, 30, 1, 1)], vec![[50, 30, 51, 31]]),
            (vec![Rect::new(50, 30, 0, 9)], vec![]),
        ];
        for (damage, expected) in table {
            assert_eq!(clipped(&damage, src), expected, "{damage:?}");
        }
        // A fraction of a pixel is a pixel.
        assert_eq!(clipped(&[Rect::new(0, 0, 9, 9)], SrcRect::from_f64(0.5, 0.5, 1.0, 1.0)), [[0, 0, 2, 2]]);
    }

    #[test]
    fn too_many_become_one() {
        let many: Vec<Rect> = (0..40).map(|at| Rect::new(at * 3, at, 2, 1)).collect();
        let src = SrcRect::full(1000, 1000);
        assert_eq!(clipped(&many[..MOST_RECTS], src).len(), MOST_RECTS);
        assert_eq!(clipped(&many, src), [[0, 0, 39 * 3 + 2, 40]]);
    }

    #[test]
    fn the_same_damage_costs_no_call_again() {
        let kernel = Scripted::new().unwrap();
        let (device, src) = (kernel.device(), SrcRect::full(100, 100));
        let mut clips = Clips::default();
        let mut blob = |at| clips.blob(&device, &[Rect::new(at, 0, 1, 1)], &src).unwrap();
        let first = blob(0);
        for at in 1..KEPT as i32 {
            assert_ne!(blob(at), first);
            assert_eq!(blob(0), first);
        }
        assert_eq!(kernel.blobs(), KEPT);
        // The next one replaces the one that was not used longest.
        blob(99);
        assert_eq!((kernel.blobs(), blob(0)), (KEPT, first));
        drop(clips);
        assert_eq!(kernel.blobs(), 0);
    }
}
