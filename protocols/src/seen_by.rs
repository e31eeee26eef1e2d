//! Which clients see a global.
//!
//! It decides nothing: the compositor gives the rule.

use std::fmt;

use wayland_server::Client;

/// Data of a global that some clients do not see: which ones do.
pub struct SeenBy(Box<dyn Fn(&Client) -> bool + Send + Sync>);

impl SeenBy {
    /// The clients for which `sees` holds.
    pub fn new(sees: impl Fn(&Client) -> bool + Send + Sync + 'static) -> Self {
        Self(Box::new(sees))
    }

    /// Whether a client sees the global.
    pub fn holds(&self, client: &Client) -> bool {
        self.0(client)
    }
}

impl fmt::Debug for SeenBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeenBy(..)")
    }
}
