//! CRCs as they come from the `data` file.
//!
//! A descriptor to poll, or to wait on. Drops what has not settled, counts what is missing. Never
//! hands out an entry of the time before the last arming.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::entry::{CrcEntry, MAX_LINE};
use super::error::CrcError;
use super::reader::CrcReader;

/// Entries after arming that may still be of the time before: the rule of IGT (`igt_pipe_crc_start`
/// and its callers), which drops two.
pub const SETTLING: u32 = 2;

/// Entries that the kernel keeps (`DRM_CRC_ENTRIES_NR`, less the one that a ring wants empty). When
/// they are full, **new** ones are lost.
pub const RING: u32 = 127;

/// CRCs as they come; readable when there is one. Dropping it stops the CRCs.
#[derive(Debug)]
pub struct CrcStream {
    fd: OwnedFd,
    reader: CrcReader,
    source: String,
    settling: u32,
    last: Option<u32>,
    gaps: u64,
    /// Entries read since the last one that had to be waited for: as many as [`RING`] say that the
    /// ring was full.
    unwaited: u32,
    /// All of a full ring was read, and nothing has come since: what comes next is behind a gap.
    was_full: bool,
    overflow: Option<u32>,
}

impl CrcReader {
    /// Chooses `source` and starts the CRCs; the first two entries, which may be of the time
    /// before, will be dropped.
    ///
    /// To be done again after a modeset: [`CrcStream::rearm`]. Drivers may commit, or set the mode
    /// again, to switch sources: arm while no commit of yours is under way, and once
    /// [`crate::Device::vblanks_run`]: on a CRTC without vblanks vkms takes the source, gives no
    /// CRC ever, and drops a vblank reference too many at the end. A source that is set already is
    /// not set again, which needs no right to write. Errors: unknown source (lists the known ones),
    /// CRTC off, busy (names who reads, if /proc tells), no permission and no helper, lockdown.
    pub fn arm(&self, source: &str) -> Result<CrcStream, CrcError> {
        let fd = self.open_data(source)?;
        Ok(CrcStream::new(fd, self.clone(), source))
    }
}

impl CrcStream {
    /// Takes the open `data` file of `reader`, which is closed with it.
    fn new(fd: OwnedFd, reader: CrcReader, source: &str) -> Self {
        let source = source.to_owned();
        Self {
            fd,
            reader,
            source,
            settling: SETTLING,
            last: None,
            gaps: 0,
            unwaited: 0,
            was_full: false,
            overflow: None,
        }
    }

    /// The source that was armed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Starts again, as must be done after a modeset (`drm_debugfs_crc.c`, "CRC ABI"): two entries
    /// are dropped again, and no gap is counted across. The descriptor is another one afterwards:
    /// take this one out of your event loop before.
    ///
    /// Errors: of [`CrcReader::arm`]; the CRCs have stopped then.
    pub fn rearm(self) -> Result<Self, CrcError> {
        let Self { fd, reader, source, gaps, .. } = self;
        // The kernel takes one opener at a time.
        drop(fd);
        Ok(Self { gaps, ..reader.arm(&source)? })
    }

    /// The next entry, if there is one; one system call (more while entries settle), no allocation.
    /// Read until there is none: how long that takes is how a full ring is told from hardware that
    /// has skipped frames.
    ///
    /// Errors: [`CrcError::Overflow`] once, where entries were lost to a full ring (reading goes on
    /// after it); [`CrcError::Line`]; the read's own.
    pub fn read_entry(&mut self) -> Result<Option<CrcEntry>, CrcError> {
        loop {
            if self.overflow.is_some() && self.settling == 0 {
                let lost = self.overflow.take().unwrap_or(0);
                return Err(CrcError::Overflow { path: self.reader.data(), lost });
            }
            let mut line = [0; MAX_LINE];
            let len = match rustix::io::read(&self.fd, &mut line) {
                Ok(0) | Err(Errno::AGAIN | Errno::INTR) => {
                    self.was_full |= self.unwaited >= RING;
                    self.unwaited = 0;
                    return Ok(None);
                }
                Ok(len) => len,
                Err(errno) => return Err(CrcError::Call { call: "read", path: self.reader.data(), errno }),
            };
            let line = &line[..len];
            let entry =
                CrcEntry::parse(line).ok_or_else(|| CrcError::Line(String::from_utf8_lossy(line).into_owned()))?;
            self.count(&entry);
            if self.settling > 0 {
                self.settling -= 1;
                continue;
            }
            return Ok(Some(entry));
        }
    }

    /// Frames that no entry was written for: the kernel's ring was full, or the hardware skipped
    /// them.
    fn count(&mut self, entry: &CrcEntry) {
        self.unwaited += 1;
        let full = std::mem::take(&mut self.was_full) || self.unwaited > RING;
        if let (Some(last), Some(frame)) = (self.last, entry.frame) {
            let missing = frame.wrapping_sub(last).wrapping_sub(1).min(u32::MAX / 2);
            // The ring loses what is new: a gap just after as many entries as it holds is its
            // doing.
            if missing > 0 && missing < u32::MAX / 2 && full {
                self.overflow = Some(missing);
                // That ring is accounted for.
                self.unwaited = 0;
            }
            self.gaps += u64::from(missing);
        }
        self.last = entry.frame;
    }

    /// The next entry, waited for at most `limit`: for tools and tests, never for a frame path.
    ///
    /// Errors: of [`CrcStream::read_entry`]; [`CrcError::Timeout`], since a CRTC that is switched
    /// off goes silent without another word.
    pub fn wait_entry(&mut self, limit: Duration) -> Result<CrcEntry, CrcError> {
        let end = Instant::now() + limit;
        loop {
            if let Some(entry) = self.read_entry()? {
                return Ok(entry);
            }
            let left = end.saturating_duration_since(Instant::now());
            let path = || self.reader.data();
            if left.is_zero() {
                return Err(CrcError::Timeout { path: path(), ms: limit.as_millis(), crtc: self.reader.crtc() });
            }
            let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], Some(&left)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(CrcError::Call { call: "poll", path: path(), errno }),
            }
        }
    }

    /// Frames without an entry so far; always 0 for drivers without frame numbers.
    pub fn gaps(&self) -> u64 {
        self.gaps
    }
}

/// Readable when there is an entry.
impl AsFd for CrcStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe in the place of the kernel's file: a line a read, as long as the writer writes them
    /// one by one.
    fn stream() -> (CrcStream, OwnedFd) {
        let flags = rustix::net::SocketFlags::NONBLOCK | rustix::net::SocketFlags::CLOEXEC;
        let (family, kind) = (rustix::net::AddressFamily::UNIX, rustix::net::SocketType::SEQPACKET);
        let (fd, kernel) = rustix::net::socketpair(family, kind, flags, None).expect("socketpair");
        (CrcStream::new(fd, CrcReader::nowhere(), "auto"), kernel)
    }

    #[test]
    fn settling_entries_are_dropped_and_gaps_counted() {
        let (mut stream, kernel) = stream();
        assert_eq!(stream.read_entry(), Ok(None));
        for frame in [5u32, 6, 7, 8, 11, 12] {
            let line = format!("{frame:#010x} {:#010x}\n", frame * 3);
            rustix::io::write(&kernel, line.as_bytes()).expect("write");
        }
        for frame in [7u32, 8, 11, 12] {
            assert_eq!(stream.read_entry(), Ok(Some(CrcEntry::new(Some(frame), &[frame * 3]))));
        }
        assert_eq!((stream.read_entry(), stream.gaps()), (Ok(None), 2));
        rustix::io::write(&kernel, b"0x1 0x2\n").expect("write");
        assert!(matches!(stream.read_entry(), Err(CrcError::Line(_))));
    }

    #[test]
    fn frames_without_numbers_have_no_gaps() {
        let (mut stream, kernel) = stream();
        for _ in 0..4 {
            rustix::io::write(&kernel, b"XXXXXXXXXX 0x00000001\n").expect("write");
        }
        assert_eq!(stream.read_entry(), Ok(Some(CrcEntry::new(None, &[1]))));
        assert_eq!((stream.read_entry().map(|entry| entry.is_some()), stream.gaps()), (Ok(true), 0));
    }

    #[test]
    fn a_full_ring_is_said_once_and_reading_goes_on() {
        let (mut stream, kernel) = stream();
        let write =
            |frame: u32| rustix::io::write(&kernel, format!("{frame:#010x} 0x00000001\n").as_bytes()).expect("write");
        // As many as the ring holds, and one after the reader has made room.
        (0..RING).for_each(|frame| assert!(write(frame) > 0));
        write(500);
        for frame in SETTLING..RING {
            assert_eq!(stream.read_entry(), Ok(Some(CrcEntry::new(Some(frame), &[1]))));
        }
        assert_eq!(stream.read_entry(), Ok(Some(CrcEntry::new(Some(500), &[1]))));
        let lost = 500 - RING;
        assert!(matches!(stream.read_entry(), Err(CrcError::Overflow { lost: said, .. }) if said == lost));
        assert_eq!((stream.read_entry(), stream.gaps()), (Ok(None), u64::from(lost)));
        // A gap of another cause is a gap and nothing else.
        write(510);
        assert_eq!(stream.read_entry(), Ok(Some(CrcEntry::new(Some(510), &[1]))));
        assert_eq!((stream.read_entry(), stream.gaps()), (Ok(None), u64::from(lost) + 9));
    }

    /// All that the ring held is read before the next entry comes.
    #[test]
    fn a_full_ring_that_was_emptied_is_remembered() {
        let (mut stream, kernel) = stream();
        let write =
            |frame: u32| rustix::io::write(&kernel, format!("{frame:#010x} 0x00000001\n").as_bytes()).expect("write");
        (0..RING).for_each(|frame| assert!(write(frame) > 0));
        while stream.read_entry().expect("no overflow yet").is_some() {}
        assert_eq!(stream.read_entry(), Ok(None));
        write(500);
        assert_eq!(stream.read_entry(), Ok(Some(CrcEntry::new(Some(500), &[1]))));
        assert!(matches!(stream.read_entry(), Err(CrcError::Overflow { lost, .. }) if lost == 500 - RING));
        write(502);
        assert_eq!(stream.read_entry(), Ok(Some(CrcEntry::new(Some(502), &[1]))));
        assert_eq!(stream.read_entry(), Ok(None), "a gap, and nothing else");
    }

    #[test]
    fn waiting_has_a_limit() {
        let (mut stream, kernel) = stream();
        let limit = Duration::from_millis(20);
        assert!(matches!(stream.wait_entry(limit), Err(CrcError::Timeout { ms: 20, .. })));
        for _ in 0..=SETTLING {
            rustix::io::write(&kernel, b"XXXXXXXXXX 0x00000007\n").expect("write");
        }
        assert_eq!(stream.wait_entry(limit), Ok(CrcEntry::new(None, &[7])));
    }

    #[test]
    fn arming_that_fails_ends_the_stream() {
        let (stream, kernel) = stream();
        assert!(stream.rearm().is_err(), "there is no such file");
        assert_eq!(rustix::io::write(&kernel, b"X"), Err(Errno::PIPE), "closed");
    }
}
