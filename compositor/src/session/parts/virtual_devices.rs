//! What devices that clients make leave behind.

/// What has to be let go.
#[derive(Debug, Default)]
pub struct LeftHeld {
    /// Buttons of pointers that are gone.
    pub buttons: Vec<u32>,
}
