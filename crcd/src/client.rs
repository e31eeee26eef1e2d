//! Asks the helper for a descriptor. Waits for it no longer than a second.

use std::io::{IoSliceMut, Result as IoResult};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, connect, recvmsg, send, socket_with,
};

use crate::protocol::{REPLY, Refusal, Request, decode_reply};
use crate::{SOCKET, SOCKET_VARIABLE};

/// How long the helper may take.
pub const LIMIT: Duration = Duration::from_secs(1);

/// Why there is no descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskError {
    /// Nothing listens at the socket.
    NotThere,
    /// The socket or the helper refuses this user.
    NotAllowed,
    /// The helper may do it, and could not.
    Refused(Refusal),
    /// The helper does not answer as it should; the call that failed, and why.
    Broken(&'static str, Errno),
}

/// Where the helper listens: `$SYNCLINE_CRCD`, else the usual place.
pub fn socket() -> PathBuf {
    std::env::var_os(SOCKET_VARIABLE).filter(|path| !path.is_empty()).map_or_else(|| SOCKET.into(), PathBuf::from)
}

/// Asks the helper at `path`. The descriptor is the caller's; closing the one of `data` stops the
/// CRCs.
pub fn ask(path: &Path, request: &Request) -> Result<OwnedFd, AskError> {
    let broken = |call| move |errno| AskError::Broken(call, errno);
    let address = SocketAddrUnix::new(path).map_err(broken("connect"))?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let socket = socket.map_err(broken("socket"))?;
    for timeout in [Timeout::Recv, Timeout::Send] {
        set_socket_timeout(&socket, timeout, Some(LIMIT)).map_err(broken("setsockopt"))?;
    }
    connect(&socket, &address).map_err(|errno| match errno {
        Errno::NOENT | Errno::CONNREFUSED | Errno::NOTDIR => AskError::NotThere,
        Errno::ACCESS | Errno::PERM => AskError::NotAllowed,
        errno => AskError::Broken("connect", errno),
    })?;
    send(&socket, &request.encode(), SendFlags::NOSIGNAL).map_err(broken("send"))?;
    let (bytes, fd) = receive(&socket).map_err(broken("recvmsg"))?;
    match (decode_reply(&bytes), fd) {
        (Some(Ok(())), Some(fd)) => Ok(fd),
        (Some(Err(Refusal::NotAllowed)), None) => Err(AskError::NotAllowed),
        (Some(Err(refusal)), None) => Err(AskError::Refused(refusal)),
        _ => Err(AskError::Broken("recvmsg", Errno::PROTO)),
    }
}

/// One message with at most one descriptor. EPROTO: it has another size, or the helper has hung up.
fn receive(socket: &OwnedFd) -> Result<([u8; REPLY], Option<OwnedFd>), Errno> {
    let mut bytes = [0; REPLY];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let fd = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    if received.bytes == REPLY { Ok((bytes, fd)) } else { Err(Errno::PROTO) }
}

/// What the kernel says of a lockdown: `/sys/kernel/security/lockdown`, if it can be read.
pub fn lockdown() -> IoResult<String> {
    std::fs::read_to_string("/sys/kernel/security/lockdown")
}

/// Whether a text like `none [integrity] confidentiality` means that the kernel is locked down.
pub fn is_locked_down(text: &str) -> bool {
    text.contains("[integrity]") || text.contains("[confidentiality]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{DRM_MAJOR, What};

    #[test]
    fn a_lockdown_is_told_by_the_brackets() {
        for (text, locked) in [
            ("none [integrity] confidentiality\n", true),
            ("none integrity [confidentiality]\n", true),
            ("[none] integrity confidentiality\n", false),
            ("", false),
        ] {
            assert_eq!(is_locked_down(text), locked, "{text}");
        }
    }

    #[test]
    fn nobody_listens() {
        let request = Request { what: What::Data, device: (DRM_MAJOR, 0), crtc: 0 };
        let dir = tempfile::tempdir().expect("scratch");
        assert_eq!(ask(&dir.path().join("none"), &request).err(), Some(AskError::NotThere));
        let file = dir.path().join("file");
        std::fs::write(&file, "").expect("a file");
        assert_eq!(ask(&file, &request).err(), Some(AskError::NotThere), "it is no socket");
    }
}
