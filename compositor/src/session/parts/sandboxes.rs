//! The sockets that sandbox engines have handed over. Plain data; [`crate::session::sandbox`] accepts
//! on them.

use std::sync::Arc;

use protocols::security_context::ContextListener;
use slab::Slab;

use crate::surface::client::Sandbox;

/// The sockets on which sandboxed clients connect, by slot.
#[derive(Debug, Default)]
pub struct Sandboxes(pub Slab<(ContextListener, Arc<Sandbox>)>);
