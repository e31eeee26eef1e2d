//! What client and helper say to each other: a message of fixed size each way, on a SEQPACKET
//! socket.
//!
//! ```text
//!  request  "SCRC" version what length 0 | major | minor | CRTC | source, 32 bytes, filled with 0
//!  reply    "SCRC" version verdict 0   0 | errno           (+ a descriptor, if granted)
//! ```
//!
//! Numbers have 32 bits and the byte order of the machine. Every byte that means nothing is 0, else
//! the message is refused.

use rustix::io::Errno;

use crate::files::{Failed, MAX_CRTC, MAX_SOURCE, Source, Step};

const MAGIC: [u8; 4] = *b"SCRC";
const VERSION: u8 = 1;

/// Bytes of a request.
pub const REQUEST: usize = 20 + MAX_SOURCE;
/// Bytes of a reply.
pub const REPLY: usize = 12;

/// The major number of DRM devices (`DRM_MAJOR`).
pub const DRM_MAJOR: u32 = 226;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A descriptor of `control` that can only be read: the list of sources.
    Sources,
    /// A descriptor of `data`, with the source that is set.
    Data,
    /// This source set, and a descriptor of `data`.
    Arm(Source),
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What.
    pub what: What,
    /// Major and minor number of the card.
    pub device: (u32, u32),
    /// Index of the CRTC.
    pub crtc: u32,
}

impl Request {
    /// As bytes.
    pub fn encode(&self) -> [u8; REQUEST] {
        let mut bytes = [0; REQUEST];
        let (what, source) = match &self.what {
            What::Sources => (1, ""),
            What::Data => (2, ""),
            What::Arm(source) => (3, source.as_str()),
        };
        bytes[..4].copy_from_slice(&MAGIC);
        // A source has at most 32 bytes.
        bytes[4..8].copy_from_slice(&[VERSION, what, source.len() as u8, 0]);
        bytes[8..12].copy_from_slice(&self.device.0.to_ne_bytes());
        bytes[12..16].copy_from_slice(&self.device.1.to_ne_bytes());
        bytes[16..20].copy_from_slice(&self.crtc.to_ne_bytes());
        bytes[20..20 + source.len()].copy_from_slice(source.as_bytes());
        bytes
    }

    /// From bytes. `None`: it is no request, or asks for what cannot be.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; REQUEST] = bytes.try_into().ok()?;
        let [version, what, len, 0] = *bytes[4..].first_chunk()? else { return None };
        if bytes[..4] != MAGIC || version != VERSION {
            return None;
        }
        let number = |at: usize| bytes[at..].first_chunk().map(|word| u32::from_ne_bytes(*word));
        let (name, rest) = bytes[20..].split_at_checked(len.into())?;
        let source = Source::new(std::str::from_utf8(name).ok()?);
        let what = match (what, source) {
            (1, None) if len == 0 => What::Sources,
            (2, None) if len == 0 => What::Data,
            (3, Some(source)) => What::Arm(source),
            _ => return None,
        };
        let request = Self { what, device: (number(8)?, number(12)?), crtc: number(16)? };
        let good = request.device.0 == DRM_MAJOR && request.crtc <= MAX_CRTC && rest.iter().all(|byte| *byte == 0);
        good.then_some(request)
    }
}

/// Why there is no descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Who asks is neither root nor in the group.
    NotAllowed,
    /// The request is none.
    BadRequest,
    /// The kernel refuses.
    Failed(Failed),
}

/// What the helper answers: the descriptor comes with it, or why there is none.
pub type Reply = Result<(), Refusal>;

/// A reply as bytes.
pub fn encode_reply(reply: &Reply) -> [u8; REPLY] {
    let (verdict, errno) = match reply {
        Ok(()) => (0, 0),
        Err(Refusal::NotAllowed) => (1, 0),
        Err(Refusal::BadRequest) => (2, 0),
        Err(Refusal::Failed(Failed { step, errno })) => {
            let step = match step {
                Step::Find => 3,
                Step::ReadControl => 4,
                Step::WriteControl => 5,
                Step::OpenData => 6,
            };
            (step, errno.raw_os_error())
        }
    };
    let mut bytes = [0; REPLY];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..8].copy_from_slice(&[VERSION, verdict, 0, 0]);
    bytes[8..].copy_from_slice(&errno.to_ne_bytes());
    bytes
}

/// A reply from bytes. `None`: it is none.
pub fn decode_reply(bytes: &[u8]) -> Option<Reply> {
    let bytes: &[u8; REPLY] = bytes.try_into().ok()?;
    let [version, verdict, 0, 0] = *bytes[4..].first_chunk()? else { return None };
    if bytes[..4] != MAGIC || version != VERSION {
        return None;
    }
    let errno = i32::from_ne_bytes(*bytes[8..].first_chunk()?);
    let failed = |step| Err(Refusal::Failed(Failed { step, errno: Errno::from_raw_os_error(errno) }));
    match (verdict, errno) {
        (0, 0) => Some(Ok(())),
        (1, 0) => Some(Err(Refusal::NotAllowed)),
        (2, 0) => Some(Err(Refusal::BadRequest)),
        (3, 1..4096) => Some(failed(Step::Find)),
        (4, 1..4096) => Some(failed(Step::ReadControl)),
        (5, 1..4096) => Some(failed(Step::WriteControl)),
        (6, 1..4096) => Some(failed(Step::OpenData)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request() -> Request {
        let source = Source::new("crtc dither").expect("amdgpu has it");
        Request { what: What::Arm(source), device: (DRM_MAJOR, 1), crtc: 2 }
    }

    #[test]
    fn a_request_that_asks_for_what_cannot_be_is_none() {
        let good = request().encode();
        let with = |at: usize, byte: u8| {
            let mut bytes = good;
            bytes[at] = byte;
            Request::decode(&bytes)
        };
        for (at, byte) in
            [(0, b'X'), (4, 2), (5, 0), (5, 1), (5, 4), (6, 0), (6, 33), (7, 1), (8, 1), (19, 1), (20, b'/'), (51, 1)]
        {
            assert_eq!(with(at, byte), None, "byte {at} = {byte}");
        }
        assert_eq!(Request::decode(&good[1..]), None);
        assert_eq!(Request::decode(&[&good[..], &[0]].concat()), None);
    }

    #[test]
    fn replies_come_back_whole() {
        let failed = |step| Err(Refusal::Failed(Failed { step, errno: Errno::BUSY }));
        let replies = [
            Ok(()),
            Err(Refusal::NotAllowed),
            Err(Refusal::BadRequest),
            failed(Step::Find),
            failed(Step::ReadControl),
            failed(Step::WriteControl),
            failed(Step::OpenData),
        ];
        for reply in replies {
            assert_eq!(decode_reply(&encode_reply(&reply)), Some(reply));
        }
        assert_eq!(decode_reply(&[0; REPLY]), None);
    }

    proptest! {
        #[test]
        fn requests_come_back_whole(what in 0..3, minor: u32, crtc in 0..=MAX_CRTC, name in "[a-zA-Z0-9][a-zA-Z0-9_. -]{0,30}[a-z]") {
            let what = match what {
                0 => What::Sources,
                1 => What::Data,
                _ => What::Arm(Source::new(&name).expect("a source")),
            };
            let request = Request { what, device: (DRM_MAJOR, minor), crtc };
            prop_assert_eq!(Request::decode(&request.encode()), Some(request));
        }

        #[test]
        fn any_bytes_are_decoded_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), from in 0usize..20) {
            let _ = (Request::decode(&bytes), decode_reply(&bytes));
            let mut changed = request().encode();
            changed.iter_mut().skip(from).zip(&bytes).for_each(|(to, byte)| *to = *byte);
            if let Some(request) = Request::decode(&changed) {
                prop_assert_eq!(request.encode(), changed, "there is one form of each request");
            }
        }
    }
}
