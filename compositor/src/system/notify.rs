//! Tells the service manager how the session is: `sd_notify(3)`, by its own few lines.
//!
//! A datagram to the socket that `NOTIFY_SOCKET` names, or nothing where there is none. It never waits: a message
//! for which there is no room is lost.

use std::{
    env,
    ffi::OsStr,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    sync::Arc,
    time::Duration,
};

use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with};

/// Where messages go. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Notify(Option<Arc<Socket>>);

#[derive(Debug)]
struct Socket {
    fd: OwnedFd,
    address: SocketAddrUnix,
    /// How often it wants to hear that the session is alive.
    watchdog: Option<Duration>,
}

impl Notify {
    /// The manager that this process was started by, or whose child its parent is.
    pub fn of_environment() -> Self {
        let variable = |name: &str| env::var_os(name);
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let parent = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
        let meant =
            number("WATCHDOG_PID").is_none_or(|pid| [u64::from(std::process::id()), parent as u64].contains(&pid));
        let watchdog = number("WATCHDOG_USEC").filter(|every| meant && *every > 0).map(Duration::from_micros);
        variable("NOTIFY_SOCKET").map_or(Self::default(), |path| Self::to(&path, watchdog))
    }

    /// The manager at this address: a path, or a name after `@`.
    fn to(address: &OsStr, watchdog: Option<Duration>) -> Self {
        let address = match address.as_bytes() {
            [b'@', name @ ..] => SocketAddrUnix::new_abstract_name(name),
            path => SocketAddrUnix::new(path),
        };
        let open = || socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
        match address.and_then(|address| open().map(|fd| Socket { fd, address, watchdog })) {
            Ok(socket) => Self(Some(Arc::new(socket))),
            Err(error) => {
                tracing::warn!("the service manager hears nothing of this session: NOTIFY_SOCKET: {error}");
                Self(None)
            }
        }
    }

    /// Whether there is somebody.
    pub fn is_heard(&self) -> bool {
        self.0.is_some()
    }

    /// How often [`Notify::alive`] is to be said; `None`: nobody wants to hear it.
    pub fn watchdog(&self) -> Option<Duration> {
        self.0.as_ref()?.watchdog
    }

    /// The session can be used.
    pub fn ready(&self) {
        self.say("READY=1\nSTATUS=The session runs");
    }

    /// The session ends.
    pub fn stopping(&self) {
        self.say("STOPPING=1");
    }

    /// The session is alive.
    pub fn alive(&self) {
        self.say("WATCHDOG=1");
    }

    fn say(&self, message: &str) {
        if let Some(socket) = &self.0 {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            if let Err(error) = sendto(&socket.fd, message.as_bytes(), flags, &socket.address) {
                tracing::debug!("the service manager was not told {message:?}: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn each_message_arrives_as_a_datagram_and_none_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notify = Notify::to(path.as_os_str(), Some(Duration::from_secs(2)));
        assert_eq!(notify.watchdog(), Some(Duration::from_secs(2)));
        let heard = || {
            let mut message = [0; 100];
            let length = manager.recv(&mut message).unwrap();
            String::from_utf8_lossy(&message[..length]).into_owned()
        };
        notify.ready();
        assert!(heard().starts_with("READY=1\n"));
        notify.clone().stopping();
        assert_eq!(heard(), "STOPPING=1");
        // A manager that does not read, and one that is gone.
        (0..10_000).for_each(|_| notify.alive());
        assert_eq!(heard(), "WATCHDOG=1");
        drop(manager);
        notify.alive();
    }

    #[test]
    fn without_a_manager_nothing_is_said() {
        let notify = Notify::default();
        notify.ready();
        assert_eq!(notify.watchdog(), None);
        // Longer than an address may be.
        assert!(Notify::to(OsStr::from_bytes(&[b'/'; 200]), None).0.is_none());
    }
}
