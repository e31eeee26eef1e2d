//! The `wl_output` objects of one client that task bars' events name.

use wayland_server::{Resource, Weak, protocol::wl_output::WlOutput};

/// So many objects of one output are named. A client has one or two.
const OF_OUTPUT: usize = 8;
/// So many of all outputs, also of those that are gone.
const OF_CLIENT: usize = 256;

/// What a client has bound of outputs, by their numbers.
#[derive(Debug, Default)]
pub struct BoundOutputs {
    objects: Vec<(u32, Weak<WlOutput>)>,
    version: u32,
}

impl BoundOutputs {
    /// The client has one more object. Returns whether it will be named.
    pub fn add(&mut self, number: u32, object: &WlOutput) -> bool {
        let of_output = |(of, _): &&(u32, Weak<WlOutput>)| *of == number;
        if self.objects.len() >= OF_CLIENT || self.objects.iter().filter(of_output).count() >= OF_OUTPUT {
            self.objects.retain(|(_, object)| object.is_alive());
        }
        if self.objects.len() >= OF_CLIENT || self.objects.iter().filter(of_output).count() >= OF_OUTPUT {
            return false;
        }
        self.objects.push((number, object.downgrade()));
        self.version = self.version.wrapping_add(1);
        true
    }

    /// The objects of an output.
    pub fn of(&self, number: u32) -> Vec<WlOutput> {
        self.objects.iter().filter(|(of, _)| *of == number).filter_map(|(_, object)| object.upgrade().ok()).collect()
    }

    /// Another number after each object that was added.
    pub fn version(&self) -> u32 {
        self.version
    }
}
