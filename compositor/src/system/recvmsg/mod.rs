//! What the Wayland library reads when it reads a client's socket: what the session gives it.
//!
//! The library receives with rustix, and rustix with the C library's `recvmsg`. This program has a
//! function of that name ([`ioctl`]). It is the system call, but for one descriptor of one thread:
//! while [`Inbox::offer`] runs, whoever receives from that descriptor there gets what the inbox
//! offers, and then EAGAIN. So what a client has sent is looked at before the library sees it.
//!
//! ```text
//!  socket ─ receive ─→ inbox ─ offer ─→ recvmsg() ─→ the library's buffer
//!                        └─ what is not offered waits here
//! ```
//!
//! Nothing here knows what the bytes mean.

mod ioctl;

use std::{
    cell::RefCell,
    collections::VecDeque,
    mem::MaybeUninit,
    os::fd::{OwnedFd, RawFd},
};

use rustix::{
    io::{Errno, retry_on_intr},
    net::{RecvAncillaryBuffer, RecvAncillaryMessage},
};

use crate::system::ioctl::receive;

/// The size of an inbox in bytes, and of the library's buffer for a client: no request can be longer.
pub const SIZE: usize = 4096;
/// With how many descriptors a message of the socket comes at most: the kernel closes others. Clients
/// send no more, and the library has no room for more.
pub const FILES: usize = 28;

/// What has arrived from a client, in order. It closes the descriptors that nobody takes.
#[derive(Debug)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// `bytes[start..end]` has not been taken, and `bytes[start..offered]` may be.
    start: usize,
    end: usize,
    offered: usize,
    /// The end of the stream is offered.
    ends: bool,
    files: VecDeque<OwnedFd>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { bytes: vec![0; SIZE], start: 0, end: 0, offered: 0, ends: false, files: VecDeque::new() }
    }
}

/// How receiving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// There may be more: it was as much as there was room for, or it came with descriptors, where the
    /// kernel stops.
    More,
    /// All that there was.
    All,
    /// There was nothing.
    Nothing,
    /// The other end is closed, and everything that came from it has been received.
    End,
}

/// To whom an inbox is offered.
struct Offer {
    fd: RawFd,
    inbox: Box<Inbox>,
}

thread_local! {
    static OFFER: RefCell<Option<Offer>> = const { RefCell::new(None) };
}

impl Inbox {
    /// What has arrived and has not been taken.
    pub fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// How many descriptors have arrived that have not been taken.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Whether nothing of a client is in it.
    pub fn is_empty(&self) -> bool {
        self.start == self.end && self.files.is_empty()
    }

    /// The last bytes that were taken, as far as they are still there.
    pub fn taken(&self, length: usize) -> &[u8] {
        &self.bytes[self.start.saturating_sub(length)..self.start]
    }

    /// Also has these bytes, as if they had arrived.
    pub fn with(mut self, bytes: &[u8]) -> Self {
        self.bytes[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
        self
    }

    /// Receives what there is room for, with one system call, which does not wait. The descriptor
    /// belongs to the library: it must be open.
    pub fn receive(&mut self, fd: RawFd) -> Received {
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let room = &mut self.bytes[self.end..];
        let size = room.len();
        if size == 0 {
            return Received::More;
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = match retry_on_intr(|| receive(fd, room, &mut control)) {
            Ok(length) => length,
            Err(Errno::AGAIN) => return Received::Nothing,
            // What is wrong with a connection is wrong for good.
            Err(_) => 0,
        };
        let before = self.files.len();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(files) = message {
                self.files.extend(files);
            }
        }
        self.end += received;
        match received {
            0 => Received::End,
            _ if received == size || self.files.len() > before => Received::More,
            _ => Received::All,
        }
    }

    /// Runs `read`. Whoever receives from `fd` there, in this thread, gets the first `length` bytes
    /// that wait, and the descriptors that have come; of no bytes, it is the end of the stream.
    pub fn offer<T>(mut self: Box<Self>, fd: RawFd, length: usize, read: impl FnOnce() -> T) -> (Box<Self>, T) {
        self.offered = (self.start + length).min(self.end);
        self.ends = length == 0;
        self.lend(fd, read)
    }

    /// The same, but whoever receives gets nothing: there is nothing yet.
    pub fn withhold<T>(mut self: Box<Self>, fd: RawFd, read: impl FnOnce() -> T) -> (Box<Self>, T) {
        (self.offered, self.ends) = (self.start, false);
        self.lend(fd, read)
    }

    fn lend<T>(self: Box<Self>, fd: RawFd, read: impl FnOnce() -> T) -> (Box<Self>, T) {
        let before = OFFER.replace(Some(Offer { fd, inbox: self }));
        let done = read();
        let offer = OFFER.replace(before).expect("nested offers put back what was there");
        (offer.inbox, done)
    }

    /// What of the offer is left: `None`, if nothing is and it is not the end.
    fn take(&mut self, most: usize) -> Option<&[u8]> {
        let length = most.min(self.offered - self.start);
        if length == 0 && most > 0 && !self.ends {
            return None;
        }
        self.start += length;
        Some(&self.bytes[self.start - length..self.start])
    }
}

/// What is to be done with the offer if it is for this descriptor; `None`: it is not. It never panics:
/// it is called from C.
fn with_offer<T>(fd: RawFd, act: impl FnOnce(&mut Inbox) -> T) -> Option<T> {
    OFFER
        .try_with(|offer| match offer.try_borrow_mut().ok()?.as_mut() {
            Some(offer) if offer.fd == fd => Some(act(&mut offer.inbox)),
            _ => None,
        })
        .ok()?
}

#[cfg(test)]
mod tests {
    use std::{
        io::{IoSliceMut, Read, Write},
        os::{
            fd::{AsFd, AsRawFd},
            unix::net::UnixStream,
        },
    };

    use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recvmsg, sendmsg};

    use super::*;

    /// Receives with room for so many bytes and descriptors.
    fn receive(fd: &UnixStream, room: usize, files: usize) -> Result<(Vec<u8>, Vec<OwnedFd>), Errno> {
        let (mut bytes, mut space) =
            (vec![0; room], vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(files))]);
        // Even for none, the space has room for one.
        let mut control = match files {
            0 => RecvAncillaryBuffer::default(),
            _ => RecvAncillaryBuffer::new(&mut space),
        };
        let came = recvmsg(fd, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::DONTWAIT)?;
        assert_eq!((came.address.is_none(), came.flags.bits()), (true, 0));
        bytes.truncate(came.bytes);
        let files = control.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => files.collect(),
            _ => Vec::new(),
        });
        Ok((bytes, files.collect()))
    }

    fn is_same(a: impl AsFd, b: impl AsFd) -> bool {
        let inode = |file| rustix::fs::fstat(file).unwrap().st_ino;
        inode(a.as_fd()) == inode(b.as_fd())
    }

    #[test]
    fn what_is_offered_is_received_and_then_nothing() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"later").unwrap();
        let inbox = Box::new(Inbox::default().with(b"requests"));
        let (inbox, ()) = inbox.offer(ours.as_raw_fd(), 5, || {
            assert_eq!(receive(&ours, 3, 0).unwrap().0, b"req");
            assert_eq!(receive(&ours, 9, 0).unwrap().0, b"ue");
            assert_eq!(receive(&ours, 9, 0).unwrap_err(), Errno::AGAIN);
        });
        assert_eq!((inbox.waiting(), inbox.taken(5)), (&b"sts"[..], &b"reque"[..]));
        assert_eq!(receive(&ours, 9, 0).unwrap().0, b"later", "the socket itself");
    }

    #[test]
    fn other_descriptors_and_other_threads_receive_from_the_kernel() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (other, mut others) = UnixStream::pair().unwrap();
        let inbox = Box::new(Inbox::default().with(b"offered"));
        inbox.offer(ours.as_raw_fd(), 7, || {
            assert_eq!(receive(&other, 9, 0).unwrap_err(), Errno::AGAIN);
            others.write_all(b"other").unwrap();
            assert_eq!(receive(&other, 9, 0).unwrap().0, b"other");
            theirs.write_all(b"kernel").unwrap();
            std::thread::scope(|scope| {
                let thread = scope.spawn(|| receive(&ours, 9, 0).unwrap().0);
                assert_eq!(thread.join().unwrap(), b"kernel");
            });
            assert_eq!(receive(&ours, 9, 0).unwrap().0, b"offered");
        });
    }

    #[test]
    fn errors_of_the_kernel_are_as_they_are() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let mut control = RecvAncillaryBuffer::default();
        let received = recvmsg(&file, &mut [IoSliceMut::new(&mut [0; 4])], &mut control, RecvFlags::empty());
        assert_eq!(received.unwrap_err(), Errno::NOTSOCK);
    }

    #[test]
    fn the_end_is_received_where_it_is_offered() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut inbox = Box::new(Inbox::default());
        assert_eq!(inbox.receive(ours.as_raw_fd()), Received::Nothing);
        drop(theirs);
        assert_eq!(inbox.receive(ours.as_raw_fd()), Received::End);
        let (_, received) = inbox.offer(ours.as_raw_fd(), 0, || receive(&ours, 9, 0).unwrap());
        assert_eq!(received.0, b"");
    }

    #[test]
    fn nothing_is_received_where_everything_is_withheld() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        let inbox = Box::new(Inbox::default().with(b"later"));
        let (inbox, received) = inbox.withhold(ours.as_raw_fd(), || receive(&ours, 9, 0));
        assert_eq!((received.unwrap_err(), inbox.waiting()), (Errno::AGAIN, &b"later"[..]));
    }

    #[test]
    fn as_much_is_received_as_there_is_room_for() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(&[7; SIZE + 5]).unwrap();
        let mut inbox = Inbox::default();
        assert_eq!((inbox.receive(ours.as_raw_fd()), inbox.waiting().len()), (Received::More, SIZE));
        assert_eq!((inbox.receive(ours.as_raw_fd()), inbox.waiting().len()), (Received::More, SIZE));
        inbox.start = 5;
        assert_eq!((inbox.receive(ours.as_raw_fd()), inbox.waiting().len()), (Received::More, SIZE));
        inbox.start = SIZE - 1;
        assert_eq!(inbox.receive(ours.as_raw_fd()), Received::Nothing);
        theirs.write_all(&[8; 3]).unwrap();
        assert_eq!((inbox.receive(ours.as_raw_fd()), inbox.waiting()), (Received::All, &[7, 8, 8, 8][..]));
    }

    #[test]
    fn descriptors_come_in_order_as_far_as_there_is_room_and_are_closed_with_the_inbox() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let pairs = [(); 5].map(|()| UnixStream::pair().unwrap());
        for ends in [&pairs[..2], &pairs[2..]] {
            let files: Vec<_> = ends.iter().map(|(end, _)| end.as_fd()).collect();
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(5))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            assert!(control.push(SendAncillaryMessage::ScmRights(&files)));
            sendmsg(&theirs, &[std::io::IoSlice::new(b"xyz")], &mut control, SendFlags::empty()).unwrap();
        }
        let mut inbox = Box::new(Inbox::default());
        while inbox.waiting().len() < 6 {
            assert_eq!(inbox.receive(ours.as_raw_fd()), Received::More);
        }
        assert_eq!(inbox.files(), 5);
        let (inbox, taken) = inbox.offer(ours.as_raw_fd(), 4, || {
            assert_eq!(receive(&ours, 1, 0).unwrap().1.len(), 0, "no room for any");
            let (bytes, files) = receive(&ours, 1, 2).unwrap();
            assert!(bytes.len() == 1 && (2..5).contains(&files.len()), "the space is rounded up");
            assert!(files.iter().zip(&pairs).all(|(file, (end, _))| is_same(file, end)));
            files.len()
        });
        assert_eq!((inbox.waiting().len(), inbox.files()), (4, 5 - taken));
        let others = pairs.map(|(_, other)| other);
        drop(inbox);
        for mut other in others {
            assert_eq!(other.read(&mut [0]).unwrap(), 0, "nobody else has the other end");
        }
    }
}
