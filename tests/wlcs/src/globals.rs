//! The globals that a session announces, as the suite reads them.

use std::{ffi::CString, io, os::unix::net::UnixStream};

use wayland_client::{
    Connection, Dispatch, QueueHandle,
    globals::{GlobalListContents, registry_queue_init},
    protocol::wl_registry::{self, WlRegistry},
};
use wlcs::ffi_display_server_api::{WlcsExtensionDescriptor, WlcsIntegrationDescriptor};

/// The globals, and the memory that the suite reads them from.
#[derive(Debug)]
pub struct Globals {
    _names: Vec<CString>,
    _extensions: Vec<WlcsExtensionDescriptor>,
    descriptor: WlcsIntegrationDescriptor,
}

impl Globals {
    /// What a client on this connection is offered.
    pub fn ask(stream: UnixStream) -> io::Result<Self> {
        let connection = Connection::from_socket(stream).map_err(io::Error::other)?;
        let (globals, _) = registry_queue_init::<Asking>(&connection).map_err(io::Error::other)?;
        let globals = globals.contents().clone_list();
        // What the suite says of a test that it leaves out is judged against this list.
        let list: Vec<String> = globals.iter().map(|it| format!("{} {}", it.interface, it.version)).collect();
        println!("globals: {}", list.join(", "));
        let (mut names, mut versions) = (Vec::new(), Vec::new());
        for global in globals {
            names.push(CString::new(global.interface).map_err(io::Error::other)?);
            versions.push(global.version);
        }
        let of = |(name, version): (&CString, u32)| WlcsExtensionDescriptor { name: name.as_ptr(), version };
        let extensions: Vec<_> = names.iter().zip(versions).map(of).collect();
        let descriptor = WlcsIntegrationDescriptor {
            version: 1,
            num_extensions: extensions.len(),
            supported_extensions: extensions.as_ptr(),
        };
        Ok(Self { _names: names, _extensions: extensions, descriptor })
    }

    /// For the suite; valid as long as this is.
    pub fn descriptor(&self) -> &WlcsIntegrationDescriptor {
        &self.descriptor
    }
}

struct Asking;

impl Dispatch<WlRegistry, GlobalListContents> for Asking {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}
