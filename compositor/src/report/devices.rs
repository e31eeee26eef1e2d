//! `syncline msg devices`: what people type, point and touch with.
//!
//! Made on request. The names of the fields are part of the interface of `--json` (docs/ipc.md).

use serde::{Deserialize, Serialize};

use crate::report::table;

/// One input device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Its name in `/dev/input`, for example `event3`.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// Any of `keyboard`, `pointer`, `touchpad` (a pointer that knows gestures), `touch`, `tablet`,
    /// `tablet-pad` and `switch`.
    pub kinds: Vec<String>,
    /// The numbers of vendor and product, on its bus; `None`: it has none.
    pub vendor: Option<u32>,
    pub product: Option<u32>,
}

/// The devices as a table.
pub fn render(devices: &[DeviceReport]) -> String {
    let rows = devices.iter().map(|of| {
        let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| format!("{number:04x}"));
        let ids = format!("{}:{}", number(of.vendor), number(of.product));
        vec![of.id.clone(), of.kinds.join(", "), ids, of.name.clone()]
    });
    let mut out = String::new();
    table::table(&mut out, "input devices", &["device", "kinds", "vendor:product", "name"], rows.collect());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_each_is() {
        let device = DeviceReport {
            id: "event3".to_owned(),
            name: "SynPS/2 Synaptics TouchPad".to_owned(),
            kinds: vec!["touchpad".to_owned()],
            vendor: Some(2),
            product: Some(7),
        };
        let text = render(&[device.clone(), DeviceReport { vendor: None, product: None, ..device }]);
        assert!(text.contains("event3  touchpad  0002:0007") && text.contains("-:-"), "{text}");
        assert!(render(&[]).contains("none"));
    }
}
