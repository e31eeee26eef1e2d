//! Events of a DRM device, parsed from what `read()` gives, without allocation.
//!
//! Never reads itself: [`crate::Device::read_events`] does, once for each wake-up.

use crate::Ns;
use crate::id::CrtcId;

/// A page flip that completed: the commit with this `user_data` is on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flip {
    /// The CRTC; `None` from kernels before 4.12.
    pub crtc: Option<CrtcId>,
    /// What [`crate::Frame::commit`] was given.
    pub user_data: u64,
    /// Time of the vblank, `CLOCK_MONOTONIC`; whole microseconds, for the event has no more.
    pub time: Ns,
    /// Number of the vblank, 32 bits, wrapping.
    pub sequence: u32,
}

/// An event of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// `DRM_EVENT_FLIP_COMPLETE`.
    Flip(Flip),
    /// `DRM_EVENT_VBLANK` or `DRM_EVENT_CRTC_SEQUENCE` that somebody asked for.
    Vblank {
        /// The CRTC; `None` where the event does not say.
        crtc: Option<CrtcId>,
        /// What was given with the request.
        user_data: u64,
        /// Time of the vblank.
        time: Ns,
        /// Number of the vblank.
        sequence: u64,
    },
    /// An event of a type that this crate does not know (drivers have their own).
    Other {
        /// `drm_event.type`.
        kind: u32,
    },
}

/// Parses all events in `bytes` (what one `read()` returned). A truncated tail, which the kernel
/// never writes, is ignored.
pub fn parse(mut bytes: &[u8], mut each: impl FnMut(Event)) -> usize {
    let mut count = 0;
    while let (Some(kind), Some(len)) = (u32_at(bytes, 0), u32_at(bytes, 4)) {
        let len = len as usize;
        if len < 8 || len > bytes.len() {
            break;
        }
        each(one(kind, &bytes[..len]));
        count += 1;
        bytes = &bytes[len..];
    }
    count
}

fn one(kind: u32, event: &[u8]) -> Event {
    let parsed = match kind {
        drm_sys::DRM_EVENT_FLIP_COMPLETE => {
            vblank(event).map(|(user_data, time, sequence, crtc)| Event::Flip(Flip { crtc, user_data, time, sequence }))
        }
        drm_sys::DRM_EVENT_VBLANK => vblank(event).map(|(user_data, time, sequence, crtc)| Event::Vblank {
            crtc,
            user_data,
            time,
            sequence: sequence.into(),
        }),
        drm_sys::DRM_EVENT_CRTC_SEQUENCE => sequence(event),
        _ => None,
    };
    parsed.unwrap_or(Event::Other { kind })
}

/// `struct drm_event_vblank`.
fn vblank(event: &[u8]) -> Option<(u64, Ns, u32, Option<CrtcId>)> {
    let sec = u64::from(u32_at(event, 16)?);
    let usec = u64::from(u32_at(event, 20)?);
    // 0 where the kernel does not say.
    let crtc = CrtcId::from_value(u32_at(event, 28)?.into());
    Some((u64_at(event, 8)?, sec * 1_000_000_000 + usec * 1000, u32_at(event, 24)?, crtc))
}

/// `struct drm_event_crtc_sequence`.
fn sequence(event: &[u8]) -> Option<Event> {
    Some(Event::Vblank {
        crtc: None,
        user_data: u64_at(event, 8)?,
        time: u64_at(event, 16)?,
        sequence: u64_at(event, 24)?,
    })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
    Some(u64::from_ne_bytes(bytes))
}

/// The bytes of a flip event as the kernel writes it: for scripted kernels and tests.
pub(crate) fn flip_bytes(flip: &Flip) -> [u8; 32] {
    let mut out = [0; 32];
    out[0..4].copy_from_slice(&drm_sys::DRM_EVENT_FLIP_COMPLETE.to_ne_bytes());
    out[4..8].copy_from_slice(&32u32.to_ne_bytes());
    out[8..16].copy_from_slice(&flip.user_data.to_ne_bytes());
    out[16..20].copy_from_slice(&((flip.time / 1_000_000_000) as u32).to_ne_bytes());
    out[20..24].copy_from_slice(&((flip.time % 1_000_000_000 / 1000) as u32).to_ne_bytes());
    out[24..28].copy_from_slice(&flip.sequence.to_ne_bytes());
    out[28..32].copy_from_slice(&flip.crtc.map_or(0, CrtcId::raw).to_ne_bytes());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn crtc(raw: u32) -> Option<CrtcId> {
        Some(CrtcId::from_raw(raw))
    }

    #[test]
    fn two_flips_in_one_read() {
        let first = Flip { crtc: crtc(40), user_data: 7, time: 12_345_678_000, sequence: 9 };
        let second = Flip { crtc: crtc(41), user_data: u64::MAX, time: 12_345_679_000, sequence: u32::MAX };
        let mut bytes = flip_bytes(&first).to_vec();
        bytes.extend(flip_bytes(&second));
        let mut got = Vec::new();
        assert_eq!(parse(&bytes, |event| got.push(event)), 2);
        assert_eq!(got, [Event::Flip(first), Event::Flip(second)]);
    }

    #[test]
    fn an_old_kernel_names_no_crtc() {
        let flip = Flip { crtc: None, user_data: 7, time: 1_000, sequence: 9 };
        let bytes = flip_bytes(&flip);
        assert_eq!(bytes[28..], [0; 4]);
        parse(&bytes, |event| assert_eq!(event, Event::Flip(flip)));
    }

    #[test]
    fn unknown_events_are_skipped_over() {
        let mut bytes = vec![0; 12];
        bytes[0..4].copy_from_slice(&0x8000_0000u32.to_ne_bytes());
        bytes[4..8].copy_from_slice(&12u32.to_ne_bytes());
        bytes.extend(flip_bytes(&Flip { crtc: crtc(1), user_data: 2, time: 3_000, sequence: 4 }));
        let mut got = Vec::new();
        parse(&bytes, |event| got.push(event));
        assert_eq!(got[0], Event::Other { kind: 0x8000_0000 });
        assert_eq!(got[1], Event::Flip(Flip { crtc: crtc(1), user_data: 2, time: 3_000, sequence: 4 }));
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(parse(&bytes, |_| ()) <= bytes.len() / 8);
        }
    }
}
