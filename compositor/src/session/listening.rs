//! The socket on which clients connect: one of this process, or one that `syncline session` keeps.
//!
//! Dropping one of this process removes its file; that of the other stays, and so do the clients that wait there.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::{UnixListener, UnixStream},
    },
};

use smithay::reexports::wayland_server::ListeningSocket;

use crate::system::{
    error::{Context, Error},
    ioctl,
};

#[derive(Debug)]
pub enum Listening {
    Own(ListeningSocket),
    Given(UnixListener, String),
}

impl Listening {
    /// The socket of this name, or the first free one; `given` is the descriptor that listens on it already.
    pub fn open(name: Option<&str>, given: Option<i32>) -> Result<Self, Error> {
        match given {
            None => bind(name).map(Self::Own),
            Some(fd) => {
                let what = || format!("--socket-fd {fd}, which `syncline session` gives");
                let socket = ioctl::inherited(fd).context(what())?;
                if !rustix::net::sockopt::socket_acceptconn(&socket).context(what())? {
                    return Err(Error::setup(what(), "nobody can connect to it"));
                }
                let listener = UnixListener::from(socket);
                listener.set_nonblocking(true).context(what())?;
                Ok(Self::Given(listener, name.unwrap_or_default().to_owned()))
            }
        }
    }

    /// What WAYLAND_DISPLAY is for clients.
    pub fn name(&self) -> String {
        match self {
            Self::Own(socket) => name_of(socket),
            Self::Given(_, name) => name.clone(),
        }
    }

    /// The next client; `None`: none waits.
    pub fn accept(&self) -> io::Result<Option<UnixStream>> {
        match self {
            Self::Own(socket) => socket.accept(),
            Self::Given(listener, _) => match listener.accept() {
                Ok((stream, _)) => Ok(Some(stream)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}

impl AsFd for Listening {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Own(socket) => socket.as_fd(),
            Self::Given(listener, _) => listener.as_fd(),
        }
    }
}

/// Listens on the socket of this name, or on the first free one.
pub fn bind(name: Option<&str>) -> Result<ListeningSocket, Error> {
    match name {
        Some(name) => ListeningSocket::bind(name).map_err(|e| {
            Error::setup(format!("Wayland socket {name}"), format!("{e}; is another compositor using it?"))
        }),
        None => ListeningSocket::bind_auto("wayland", 0..32).map_err(|e| Error::setup("Wayland socket", e)),
    }
}

/// Its name in XDG_RUNTIME_DIR.
pub fn name_of(socket: &ListeningSocket) -> String {
    socket.socket_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
