//! Requests in what has arrived: a stream of bytes is cut into whole requests, and stops before one
//! that has to be looked at first.
//!
//! Nothing here knows objects.

use crate::{
    surface::turn::{bound::Bound, strings::Strings},
    system::recvmsg::SIZE,
};

/// The bytes of a request without arguments.
const SHORTEST: usize = 8;
/// `wl_display.get_registry` counts for so many requests: it is answered with an event for each global.
const REGISTRY: usize = 24;

/// The first words of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The id of the object that gets it.
    pub object: u32,
    pub opcode: u16,
    /// In bytes, with these.
    pub size: usize,
}

impl Head {
    /// Of the first request; `None`: it has not arrived.
    pub fn of(waiting: &[u8]) -> Option<Self> {
        let [object, second] = *waiting.first_chunk::<SHORTEST>()?.as_chunks::<4>().0.first_chunk()?;
        let second = u32::from_ne_bytes(second);
        Some(Self { object: u32::from_ne_bytes(object), opcode: second as u16, size: (second >> 16) as usize })
    }

    fn is_possible(self) -> bool {
        (SHORTEST..=SIZE).contains(&self.size)
    }

    /// For how many requests it counts.
    fn weight(self) -> usize {
        match self {
            Self { object: 1, opcode: 1, .. } => REGISTRY,
            _ => 1,
        }
    }

    /// Why it is not possible.
    pub fn misshapen(self) -> String {
        let Self { object, opcode, size } = self;
        format!("request {opcode} of object {object} has {size} bytes; requests have {SHORTEST} to {SIZE}")
    }

    /// The arguments of the request, which waits as a whole.
    pub fn arguments(self, waiting: &[u8]) -> &[u8] {
        &waiting[SHORTEST..self.size]
    }
}

/// The request after so many others, in bytes that are whole requests; `None`: there is none.
pub fn nth(mut requests: &[u8], before: usize) -> Option<Head> {
    for _ in 0..before {
        requests = requests.get(Head::of(requests)?.size..)?;
    }
    Head::of(requests)
}

/// What can be done with what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The first requests, in so many bytes, may be handled. They count for so many.
    Requests { count: usize, bytes: usize },
    /// The first one may have a null string where none is allowed: that depends on its object.
    Doubtful(Head),
    /// The first one has a size that no request can have.
    Misshapen(Head),
    /// There is no whole request.
    Nothing,
}

/// Looks at what waits, for so many requests, or one that counts for more. Of the first one it is known
/// that it has no such string if it is `trusted`. `bound`: of the client; it learns of these requests.
pub fn next(waiting: &[u8], most: usize, trusted: bool, strings: &Strings, bound: &mut Bound) -> Next {
    let (mut count, mut bytes) = (0, 0);
    while count < most {
        let rest = &waiting[bytes..];
        let Some(head) = Head::of(rest) else { break };
        if !head.is_possible() {
            if count == 0 {
                return Next::Misshapen(head);
            }
            break;
        }
        let Some(request) = rest.get(..head.size) else { break };
        if count > 0 && count + head.weight() > most {
            break;
        }
        let known = trusted && count == 0;
        let arguments = &request[SHORTEST..];
        if !known && strings.is_doubtful(head.opcode, arguments, bound.may_be(head.object)) {
            if count == 0 {
                return Next::Doubtful(head);
            }
            break;
        }
        bound.note(head.opcode, arguments);
        count += head.weight();
        bytes += head.size;
    }
    if count == 0 { Next::Nothing } else { Next::Requests { count, bytes } }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{IoSlice, IoSliceMut, Write},
        mem::MaybeUninit,
        os::{
            fd::{AsFd, AsRawFd, OwnedFd},
            unix::net::UnixStream,
        },
    };

    use proptest::prelude::*;
    use rustix::net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        recvmsg, sendmsg,
    };
    use wayland_protocols::xdg::foreign::zv2::server::zxdg_importer_v2::ZxdgImporterV2;
    use wayland_server::{Resource, protocol::wl_compositor::WlCompositor};

    use super::*;
    use crate::{
        session::globals,
        surface::turn::{LOOK, SHARE, Turns, Used},
        system::recvmsg::Received,
    };

    fn message(object: u32, opcode: u16, words: &[u32]) -> Vec<u8> {
        let size = (SHORTEST + 4 * words.len()) as u32;
        let head = [object, size << 16 | u32::from(opcode)];
        head.iter().chain(words).flat_map(|word| word.to_ne_bytes()).collect()
    }

    fn strings() -> Strings {
        Strings::of(globals::interfaces())
    }

    #[test]
    fn a_batch_ends_before_what_is_not_whole_or_has_to_be_looked_at() {
        let (sync, title) = (message(1, 0, &[5]), message(7, 2, &[0]));
        let next =
            |parts: &[&[u8]], most, trusted| next(&parts.concat(), most, trusted, &strings(), &mut Bound::default());
        let head = Head { object: 7, opcode: 2, size: 12 };
        assert_eq!(next(&[], 9, false), Next::Nothing);
        assert_eq!(next(&[&sync[..11]], 9, false), Next::Nothing);
        assert_eq!(next(&[&sync], 0, false), Next::Nothing);
        assert_eq!(next(&[&sync, &sync, &sync], 2, false), Next::Requests { count: 2, bytes: 24 });
        assert_eq!(next(&[&sync, &sync, &sync[..4]], 9, false), Next::Requests { count: 2, bytes: 24 });
        assert_eq!(next(&[&sync, &title, &sync], 9, false), Next::Requests { count: 1, bytes: 12 });
        assert_eq!(next(&[&title, &sync], 9, false), Next::Doubtful(head));
        assert_eq!(next(&[&title[..11]], 9, false), Next::Nothing, "half of it is looked at when it is whole");
        assert_eq!(next(&[&title, &sync], 9, true), Next::Requests { count: 2, bytes: 24 });
        assert_eq!(next(&[&title, &title], 9, true), Next::Requests { count: 1, bytes: 12 }, "of one it is known");
        let registry = message(1, 1, &[5]);
        assert_eq!(next(&[&registry, &sync], 9, false), Next::Requests { count: REGISTRY, bytes: 12 });
        assert_eq!(next(&[&sync, &registry], 9, false), Next::Requests { count: 1, bytes: 12 });
    }

    #[test]
    fn what_begins_like_an_attach_is_looked_at_only_on_an_object_that_was_bound() {
        let strings = Strings::of([WlCompositor::interface(), ZxdgImporterV2::interface()]);
        let mut bound = Bound::default();
        let name = *b"zxdg_importer_v2\0\0\0\0".as_chunks::<4>().0.first_chunk::<5>().unwrap();
        let words = [[5, 17].as_slice(), &name.map(u32::from_ne_bytes), &[1, 9]].concat();
        let (bind, attach, import) = (message(2, 0, &words), message(7, 1, &[8, 0, 0]), message(9, 1, &[10, 0]));
        let mut next = |parts: &[&[u8]]| next(&parts.concat(), 9, false, &strings, &mut bound);
        assert_eq!(next(&[&attach, &attach]), Next::Requests { count: 2, bytes: 40 });
        let bytes = bind.len() + attach.len();
        assert_eq!(next(&[&bind, &attach, &import]), Next::Requests { count: 2, bytes }, "also in one batch");
        assert_eq!(next(&[&import]), Next::Doubtful(Head { object: 9, opcode: 1, size: 16 }));
        assert_eq!(next(&[&attach, &attach]), Next::Requests { count: 2, bytes: 40 });
    }

    #[test]
    fn a_size_that_cannot_be_is_seen_as_soon_as_it_has_arrived() {
        for size in [0, 7, SIZE as u32 + 1, 0xffff] {
            let bytes = [1, size << 16 | 3].map(u32::to_ne_bytes).concat();
            assert_eq!(
                next(&bytes, 9, false, &strings(), &mut Bound::default()),
                Next::Misshapen(Head { object: 1, opcode: 3, size: size as usize })
            );
            let after = [message(1, 0, &[5]), bytes].concat();
            assert_eq!(
                next(&after, 9, false, &strings(), &mut Bound::default()),
                Next::Requests { count: 1, bytes: 12 }
            );
        }
        let longest = message(1, 3, &[1; SIZE / 4 - 2]);
        assert_eq!(
            next(&longest, 9, false, &strings(), &mut Bound::default()),
            Next::Requests { count: 1, bytes: SIZE }
        );
    }

    #[test]
    fn the_request_that_was_not_handled_is_found() {
        let all = [message(1, 0, &[5]), message(7, 2, &[1, 2]), message(9, 3, &[])].concat();
        let object = |before| nth(&all, before).map(|head| head.object);
        assert_eq!([0, 1, 2, 3, 4].map(object), [Some(1), Some(7), Some(9), None, None]);
    }

    /// Reads as the library does: until there is nothing more.
    fn read(fd: &UnixStream, files: &mut Vec<OwnedFd>) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let mut bytes = [0; SIZE];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(28))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
            let room = &mut [IoSliceMut::new(&mut bytes)];
            match recvmsg(fd, room, &mut control, flags) {
                Ok(received) => {
                    assert!(received.bytes > 0, "the stream has no end");
                    all.extend(&bytes[..received.bytes]);
                }
                Err(error) => {
                    assert_eq!(error, rustix::io::Errno::AGAIN);
                    return all;
                }
            }
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(came) = message {
                    files.extend(came);
                }
            }
        }
    }

    fn inode(file: impl AsFd) -> u64 {
        rustix::fs::fstat(file).unwrap().st_ino
    }

    proptest! {
        /// Cut into any pieces, with descriptors here and there: the library gets the same, in the
        /// same order, in whole requests, no more than [`LOOK`] at once and than a share in a turn.
        #[test]
        fn however_a_stream_is_cut_the_library_gets_the_same(
            messages in prop::collection::vec((2..9u32, 0..12u16, prop::collection::vec(0..3u32, 0..9)), 1..900),
            cuts in prop::collection::vec((1..6000usize, 0..4usize), 1..40),
        ) {
            let strings = strings();
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let stream: Vec<u8> = messages.iter().flat_map(|(object, opcode, words)| message(*object, *opcode, words)).collect();
            let (mut sent, mut cuts) = (0, cuts.iter().cycle());
            let (mut got, mut sent_files, mut files) = (Vec::new(), Vec::new(), Vec::new());
            let (mut turns, mut bound) = (Turns::new(Strings::default()), Bound::default());
            let mut kept = None;
            while sent < stream.len() || kept.is_some() {
                if sent < stream.len() {
                    let (length, with) = *cuts.next().unwrap();
                    let piece = &stream[sent..][..length.min(stream.len() - sent)];
                    // No request gets more descriptors than the library has room for: those that are too
                    // many would wait for another request, and at the end there is none.
                    let with = if piece.len() < 16 { 0 } else { with };
                    let new: Vec<OwnedFd> = (0..with).map(|_| UnixStream::pair().unwrap().0.into()).collect();
                    sent_files.extend(new.iter().map(inode));
                    if new.is_empty() {
                        theirs.write_all(piece).unwrap();
                    } else {
                        let borrowed: Vec<_> = new.iter().map(AsFd::as_fd).collect();
                        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
                        let mut control = SendAncillaryBuffer::new(&mut space);
                        prop_assert!(control.push(SendAncillaryMessage::ScmRights(&borrowed)));
                        let sent = sendmsg(&theirs, &[IoSlice::new(piece)], &mut control, SendFlags::empty());
                        prop_assert_eq!(sent.unwrap(), piece.len());
                    }
                    sent += piece.len();
                }
                let mut inbox = kept.take().unwrap_or_else(|| turns.inbox());
                let (mut used, mut trusted, mut received) = (Used::default(), false, Received::More);
                loop {
                    let left = used.left(|| 0);
                    if left == 0 {
                        break;
                    }
                    match next(inbox.waiting(), left, trusted, &strings, &mut bound) {
                        Next::Requests { count, bytes } => {
                            prop_assert!(count <= LOOK);
                            let (rest, came) = inbox.offer(ours.as_raw_fd(), bytes, || read(&ours, &mut files));
                            inbox = rest;
                            prop_assert_eq!(came.len(), bytes);
                            prop_assert_eq!(nth(&came, count), None);
                            prop_assert!(nth(&came, count - 1).is_some());
                            got.extend(came);
                            used.requests += count;
                            trusted = false;
                        }
                        Next::Doubtful(_) => {
                            prop_assert!(!trusted);
                            trusted = true;
                        }
                        Next::Misshapen(head) => prop_assert!(false, "{:?}", head),
                        Next::Nothing if received == Received::More => received = inbox.receive(ours.as_raw_fd()),
                        Next::Nothing => break,
                    }
                }
                prop_assert!(used.requests <= SHARE);
                kept = turns.put_back(inbox);
            }
            prop_assert_eq!(got, stream);
            prop_assert_eq!(files.iter().map(inode).collect::<Vec<_>>(), sent_files);
        }
    }
}
