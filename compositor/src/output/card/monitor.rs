//! Which monitor an output was lit for, and whether the one that is behind its connector now can go on
//! with it.
//!
//! Only a comparison: nothing here takes an output away.

use kms::{
    Mode,
    inventory::{Connector, Edid},
};

/// What was known of the monitor when its output was lit.
#[derive(Debug, Clone, Default)]
pub struct Monitor {
    edid: Option<Edid>,
    preferred: Option<Mode>,
}

/// What an output is to do about the monitor behind its connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Goes on.
    Same,
    /// Ends, because another monitor is there.
    Another,
    /// Ends, because the mode is not offered any more.
    ModeGone,
    /// Ends, because the monitor would have another mode now and nobody has chosen one.
    PrefersAnother,
}

impl Monitor {
    /// The monitor behind a connector.
    pub fn of(connector: &Connector) -> Self {
        Self { edid: connector.edid.clone(), preferred: connector.preferred().cloned() }
    }

    /// What it says of itself, if that could be read.
    pub fn edid(&self) -> Option<&Edid> {
        self.edid.as_ref()
    }

    /// Whether this monitor, which was away for a while, is behind the connector. One whose EDID cannot
    /// be read is taken for it.
    pub fn is_back(&self, now: &Connector) -> bool {
        match (&self.edid, &now.edid) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(old), Some(new)) => old.is_of_same_display(new),
        }
    }

    /// Compares it with what is behind the connector now. `mode` is that of the output; `chosen` says
    /// that it was asked for. An EDID that cannot be read says nothing about who is there.
    pub fn compare(&self, now: &Connector, mode: &Mode, chosen: bool) -> Verdict {
        let differs = |old: &Mode, new: &Mode| !old.same_timing(new);
        if let (Some(old), Some(new)) = (&self.edid, &now.edid)
            && !old.is_of_same_display(new)
        {
            return Verdict::Another;
        }
        if now.modes.iter().all(|offered| differs(offered, mode)) {
            return Verdict::ModeGone;
        }
        match (&self.preferred, now.preferred()) {
            (Some(old), Some(new)) if !chosen && differs(old, new) && differs(mode, new) => Verdict::PrefersAnother,
            _ => Verdict::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use kms::scripted::Stock;

    use super::*;

    fn edid(serial_number: u32) -> Option<Edid> {
        Some(Edid { vendor: "SYN".to_owned(), serial_number, ..Edid::default() })
    }

    /// As a virtual machine has it, whose window was resized.
    fn resized() -> Option<Edid> {
        edid(1).map(|edid| Edid { size_cm: (40, 30), digest: 7, ..edid })
    }

    #[test]
    fn who_is_there_is_told_by_edid_and_modes() {
        let mode = Stock::mode();
        let mut other = "800x600@60".parse::<kms::headless::HeadlessMode>().unwrap().mode();
        other.preferred = true;
        let plain = |mode: &Mode| {
            let mut plain = mode.clone();
            plain.preferred = false;
            plain
        };
        let prefers_other = vec![other.clone(), plain(&mode)];
        let table = [
            ("the same", edid(1), edid(1), vec![mode.clone()], false, Verdict::Same),
            ("no EDID at all", None, None, vec![mode.clone()], false, Verdict::Same),
            ("another serial number", edid(1), edid(2), vec![mode.clone()], false, Verdict::Another),
            ("the same with a chosen mode", edid(1), edid(2), vec![mode.clone()], true, Verdict::Another),
            ("an EDID that cannot be read now", edid(1), None, vec![mode.clone()], false, Verdict::Same),
            ("one that can be read now", None, edid(1), vec![mode.clone()], false, Verdict::Same),
            ("other modes", edid(1), edid(1), vec![other.clone()], false, Verdict::ModeGone),
            ("other modes, and one was chosen", None, None, vec![other.clone()], true, Verdict::ModeGone),
            ("one more mode", edid(1), edid(1), vec![mode.clone(), plain(&other)], false, Verdict::Same),
            ("another preferred mode", None, None, prefers_other.clone(), false, Verdict::PrefersAnother),
            ("the same with a chosen mode", None, None, prefers_other.clone(), true, Verdict::Same),
            ("a window that was resized", edid(1), resized(), prefers_other.clone(), false, Verdict::PrefersAnother),
            ("the same with a chosen mode", edid(1), resized(), prefers_other, true, Verdict::Same),
        ];
        for (name, before, after, modes, chosen, expected) in table {
            let mut connector = Stock::default().inventory().connectors.swap_remove(0);
            connector.edid = before;
            let monitor = Monitor::of(&connector);
            (connector.edid, connector.modes) = (after, modes);
            assert_eq!(monitor.compare(&connector, &mode, chosen), expected, "{name}");
        }
    }

    #[test]
    fn a_monitor_that_comes_back_is_known_by_its_edid() {
        let table = [
            ("itself", edid(1), edid(1), true),
            ("another one", edid(1), edid(2), false),
            ("one whose EDID cannot be read", edid(1), None, true),
            ("none ever had an EDID", None, None, true),
            ("one with an EDID in the place of one without", None, edid(1), false),
        ];
        for (name, before, after, back) in table {
            let mut connector = Stock::default().inventory().connectors.swap_remove(0);
            connector.edid = before;
            let monitor = Monitor::of(&connector);
            connector.edid = after;
            assert_eq!(monitor.is_back(&connector), back, "{name}");
        }
    }
}
