//! The windows of a session, for `syncline bugreport`.

use serde::{Deserialize, Serialize};

use crate::system::id::SurfaceId;

/// One window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowReport {
    /// The number of the surface in the trace and the log.
    pub surface: SurfaceId,
    /// The process id of the client.
    pub client_pid: Option<i32>,
    /// `floating`, `maximised` or `fullscreen`.
    pub placement: String,
    /// The top left corner on the desktop.
    pub location: (i32, i32),
    pub size: (i32, i32),
    /// Its title; `None` unless titles were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The name of its application; `None` unless titles were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
}
