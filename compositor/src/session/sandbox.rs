//! Sandboxed clients: those that connect on a socket which a sandbox engine has handed over
//! (`wp_security_context_manager_v1`).
//!
//! Here their connections are accepted. What they see is decided in [`crate::session::globals`].

use std::{io::ErrorKind, sync::Arc};

use protocols::security_context::{ContextListener, SecurityContext, SecurityContextHandler};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smithay::reexports::wayland_server::Client;

use crate::{
    config::sandbox,
    session::{Syncline, run::ACCEPTED},
    surface::client::Sandbox,
    system::{id::Slot, reactor::EventSource},
};

/// The most sockets of sandbox engines. A running application needs one.
const MOST: usize = 256;

impl SecurityContextHandler for Syncline {
    fn context_created(&mut self, creator: &Client, listener: ContextListener, context: SecurityContext) {
        if self.sandboxes.0.len() >= MOST {
            let why = format!("wp_security_context_v1.commit: there are {MOST} security contexts, which is the limit");
            return self.end_client(&creator.id(), &why);
        }
        let entry = self.sandboxes.0.vacant_entry();
        let source = EventSource::Sandbox(Slot(entry.key() as u32));
        let watched = self.reactor.add(&listener.listen, source).and_then(|()| {
            // One that cannot hang up, such as a file, never ends the context.
            match self.reactor.add_hangup(&listener.close, source) {
                Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
                other => other,
            }
        });
        if let Err(error) = watched {
            tracing::warn!("a security context accepts no clients: {error}");
            return;
        }
        let rules = &self.config.sandboxes;
        let allowed = sandbox::allowed(rules, context.sandbox_engine.as_deref(), context.app_id.as_deref());
        let SecurityContext { sandbox_engine: engine, app_id, instance_id } = context;
        tracing::debug!("security context of {engine:?} for {app_id:?}");
        entry.insert((listener, Arc::new(Sandbox { engine, app_id, instance_id, allowed })));
    }
}

impl Syncline {
    /// A sandboxed client connects, or the engine wants no more of them.
    pub fn sandbox_event(&mut self, slot: Slot) {
        let at = slot.0 as usize;
        let Some((listener, _)) = self.sandboxes.0.get(at) else { return };
        if has_hung_up(listener) {
            self.sandboxes.0.remove(at);
            return;
        }
        for _ in 0..ACCEPTED {
            let (listener, sandbox) = &self.sandboxes.0[at];
            match listener.listen.accept() {
                Ok((stream, _)) => {
                    let sandbox = sandbox.clone();
                    self.insert_client_of(stream, Some(sandbox));
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => break,
                Err(error) => {
                    self.descriptors.refuse(&error, || listener.listen.accept().is_ok());
                    break;
                }
            }
        }
    }
}

/// Whether the engine wants no more clients to be accepted.
fn has_hung_up(listener: &ContextListener) -> bool {
    let mut close = [PollFd::new(&listener.close, PollFlags::empty())];
    let polled = poll(&mut close, Some(&Timespec::default()));
    polled.is_ok_and(|count| count > 0) && close[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}
