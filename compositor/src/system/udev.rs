//! DRM devices that come, go and change, as udev tells. Smithay has a backend for this, which drops the
//! name of the connector that has changed.
//!
//! It opens no device. What cannot be read is no event.

use std::path::PathBuf;

use smithay::reexports::{
    calloop::{Interest, Mode, generic::Generic},
    udev::{EventType, MonitorBuilder, MonitorSocket},
};

/// What has happened to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceEvent {
    Added(PathBuf),
    Changed {
        /// Its `dev_t`.
        node: u64,
        /// Id of the only connector to which something has happened; `None`: any of them.
        connector: Option<u32>,
    },
    /// The device with this `dev_t`.
    Removed(u64),
}

/// The source of events of the whole machine.
pub fn source() -> std::io::Result<Generic<MonitorSocket>> {
    let monitor = MonitorBuilder::new()?.match_subsystem("drm")?.listen()?;
    Ok(Generic::new(monitor, Interest::READ, Mode::Level))
}

/// What has come since the last call, each change of a device once.
pub fn events(monitor: &MonitorSocket) -> Vec<DeviceEvent> {
    let mut events = Vec::new();
    for event in monitor.iter() {
        let Some(node) = event.devnum() else { continue };
        let event = match event.event_type() {
            EventType::Add => match event.devnode() {
                Some(path) => DeviceEvent::Added(path.to_owned()),
                None => continue,
            },
            EventType::Change => {
                let connector = event.property_value("CONNECTOR").and_then(|id| id.to_str()?.parse().ok());
                DeviceEvent::Changed { node, connector }
            }
            EventType::Remove => DeviceEvent::Removed(node),
            _ => continue,
        };
        merge(&mut events, event);
    }
    events
}

/// Appends an event; two changes in a row of one device become one.
fn merge(events: &mut Vec<DeviceEvent>, event: DeviceEvent) {
    if let (Some(DeviceEvent::Changed { node: last, connector: both }), DeviceEvent::Changed { node, connector }) =
        (events.last_mut(), &event)
        && last == node
    {
        if both != connector {
            *both = None;
        }
        return;
    }
    events.push(event);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_changes_is_one() {
        let changed = |node, connector| DeviceEvent::Changed { node, connector };
        let table = [
            (vec![changed(1, Some(7))], vec![changed(1, Some(7))]),
            (vec![changed(1, Some(7)), changed(1, Some(7))], vec![changed(1, Some(7))]),
            (vec![changed(1, Some(7)), changed(1, Some(8))], vec![changed(1, None)]),
            (vec![changed(1, None), changed(1, Some(8))], vec![changed(1, None)]),
            (vec![changed(1, None), changed(2, None)], vec![changed(1, None), changed(2, None)]),
            (
                vec![changed(1, None), DeviceEvent::Removed(1), changed(1, None)],
                vec![changed(1, None), DeviceEvent::Removed(1), changed(1, None)],
            ),
        ];
        for (come, expected) in table {
            let mut events = Vec::new();
            come.iter().for_each(|event| merge(&mut events, event.clone()));
            assert_eq!(events, expected, "{come:?}");
        }
    }
}
