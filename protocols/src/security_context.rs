//! `security-context-v1`: a sandbox engine hands over a listening socket, and every client that
//! connects through it is known to be sandboxed, by which engine and as which application.
//!
//! Requests become one call of [`SecurityContextHandler::context_created`]. Accepting connections,
//! and what sandboxed clients may see, is the compositor's. (Smithay's module takes any descriptor
//! for a socket, sends `already_used` for metadata that was set twice, and accepts within a calloop
//! source.)
//!
//! Source: `wayland-protocols/staging/security-context/security-context-v1.xml`.

use std::{
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixListener,
    },
    sync::{Mutex, PoisonError},
};

use rustix::net::{AddressFamily, SocketType, sockopt};
use wayland_protocols::wp::security_context::v1::server::{
    wp_security_context_manager_v1::{self as manager, WpSecurityContextManagerV1},
    wp_security_context_v1::{self as object, WpSecurityContextV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource};

use crate::{seen_by::SeenBy, surface_object::bind_manager};

/// Who the clients of a listening socket are. All three are words of the sandbox engine, which the
/// client that created the context vouches for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecurityContext {
    /// For example `org.flatpak`.
    pub sandbox_engine: Option<String>,
    /// The application; the same whenever it runs.
    pub app_id: Option<String>,
    /// The running instance.
    pub instance_id: Option<String>,
}

/// A socket on which sandboxed clients connect. The receiver owns both descriptors.
#[derive(Debug)]
pub struct ContextListener {
    /// In listening state, of the family AF_UNIX, non-blocking.
    pub listen: UnixListener,
    /// Hangs up when no more connections are to be accepted.
    pub close: OwnedFd,
}

/// What the protocol needs from the compositor's state.
pub trait SecurityContextHandler {
    /// Connections on `listener` are to be accepted from now on, until `listener.close` hangs up,
    /// also when the client that created the context is gone.
    fn context_created(&mut self, creator: &Client, listener: ContextListener, context: SecurityContext);
}

/// User data of `wp_security_context_v1`; `None`: it was committed.
#[derive(Debug)]
pub struct ContextData(Mutex<Option<(ContextListener, SecurityContext)>>);

/// The `wp_security_context_manager_v1` global.
#[derive(Debug)]
pub struct SecurityContextState;

impl SecurityContextState {
    /// Announces the global for as long as the display lives. `seen_by` must not hold for a client
    /// of a security context: nested contexts are forbidden.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<WpSecurityContextManagerV1, SeenBy>
            + Dispatch<WpSecurityContextManagerV1, ()>
            + Dispatch<WpSecurityContextV1, ContextData>
            + 'static,
    {
        display.create_global::<D, WpSecurityContextManagerV1, SeenBy>(1, seen_by);
        Self
    }
}

bind_manager!(SecurityContextState, WpSecurityContextManagerV1, SeenBy);

impl<D> Dispatch<WpSecurityContextManagerV1, (), D> for SecurityContextState
where
    D: Dispatch<WpSecurityContextManagerV1, ()> + Dispatch<WpSecurityContextV1, ContextData> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpSecurityContextManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let manager::Request::CreateListener { id, listen_fd, close_fd } = request else { return };
        let listener = listening(listen_fd).map(|listen| ContextListener { listen, close: close_fd });
        let (pending, wrong) = match listener {
            Ok(listener) => (Some((listener, SecurityContext::default())), None),
            Err(wrong) => (None, Some(wrong)),
        };
        data_init.init(id, ContextData(Mutex::new(pending)));
        if let Some(wrong) = wrong {
            let message = format!("create_listener: listen_fd {wrong}");
            resource.post_error(manager::Error::InvalidListenFd, message);
        }
    }
}

/// The socket, if connections can be accepted on it without blocking; else what is wrong with it.
fn listening(fd: OwnedFd) -> Result<UnixListener, &'static str> {
    let is_stream = sockopt::socket_type(&fd).map_err(|_| "is not a socket")? == SocketType::STREAM;
    if !is_stream || sockopt::socket_domain(fd.as_fd()) != Ok(AddressFamily::UNIX) {
        return Err("is not a stream socket of the family AF_UNIX");
    }
    if sockopt::socket_acceptconn(&fd) != Ok(true) {
        return Err("does not listen: listen(2) comes first");
    }
    let listener = UnixListener::from(fd);
    listener.set_nonblocking(true).map_err(|_| "cannot be made non-blocking")?;
    Ok(listener)
}

impl<D> Dispatch<WpSecurityContextV1, ContextData, D> for SecurityContextState
where
    D: Dispatch<WpSecurityContextV1, ContextData> + SecurityContextHandler + 'static,
{
    fn request(
        state: &mut D,
        client: &Client,
        resource: &WpSecurityContextV1,
        request: object::Request,
        data: &ContextData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let mut pending = data.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, part, text) = match request {
            object::Request::SetSandboxEngine { name } => ("set_sandbox_engine", 0, name),
            object::Request::SetAppId { app_id } => ("set_app_id", 1, app_id),
            object::Request::SetInstanceId { instance_id } => ("set_instance_id", 2, instance_id),
            object::Request::Commit => match pending.take() {
                Some((listener, context)) => return state.context_created(client, listener, context),
                None => ("commit", 3, String::new()),
            },
            _ => return,
        };
        let Some((_, context)) = pending.as_mut() else {
            let message = format!("{name}: the context was committed; only destroy may follow");
            return resource.post_error(object::Error::AlreadyUsed, message);
        };
        let field = match part {
            0 => &mut context.sandbox_engine,
            1 => &mut context.app_id,
            _ => &mut context.instance_id,
        };
        if field.is_some() {
            return resource.post_error(object::Error::AlreadySet, format!("{name}: it was set before"));
        }
        *field = Some(text);
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`SecurityContextHandler`].
#[macro_export]
macro_rules! delegate_security_context {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::security_context::manager::WpSecurityContextManagerV1: $crate::SeenBy
        ] => $crate::security_context::SecurityContextState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::security_context::manager::WpSecurityContextManagerV1: ()
        ] => $crate::security_context::SecurityContextState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::security_context::object::WpSecurityContextV1:
                $crate::security_context::ContextData
        ] => $crate::security_context::SecurityContextState);
    };
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    #[test]
    fn only_a_listening_socket_will_do() {
        let dir = std::env::temp_dir().join(format!("syncline-context-{}", std::process::id()));
        let listener = UnixListener::bind(&dir).unwrap();
        std::fs::remove_file(&dir).unwrap();
        let listener = listening(listener.into()).unwrap();
        assert!(listener.accept().is_err(), "it does not block");
        let (stream, _other) = UnixStream::pair().unwrap();
        assert!(listening(stream.into()).unwrap_err().contains("listen(2)"));
        let (datagram, _other) = UnixDatagram::pair().unwrap();
        assert!(listening(datagram.into()).unwrap_err().contains("stream"));
        let internet = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        assert!(listening(internet.into()).unwrap_err().contains("AF_UNIX"));
        assert!(listening(std::fs::File::open("/dev/null").unwrap().into()).unwrap_err().contains("socket"));
    }
}
