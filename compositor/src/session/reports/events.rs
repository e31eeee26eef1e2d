//! Tells those who listen by `syncline msg events`, and task bars, what has changed.
//!
//! While nobody listens, this costs a look at a few flags.

use crate::{
    config::output::transform_name,
    control::socket::Ticket,
    report::events::{OutputReport, Snapshot},
    session::Syncline,
};

impl Syncline {
    /// A peer listens from now on: it is told everything, and then what changes.
    pub fn listen(&mut self, ticket: Ticket) {
        // The others hear first of what they do not know yet.
        self.listeners_stale = true;
        self.tell_listeners();
        let snapshot = self.snapshot();
        if let Some(ipc) = &mut self.ipc {
            ipc.listen_to(ticket, &snapshot.state());
        }
        self.told_listeners = Some(Box::new(snapshot));
    }

    /// After a batch: what has changed is told.
    pub fn tell_listeners(&mut self) {
        if !std::mem::take(&mut self.listeners_stale) {
            return;
        }
        self.note_kept();
        if self.has_taskbars() {
            self.tell_taskbars();
        }
        self.forget_told();
        if self.told_listeners.is_none() {
            return;
        }
        let snapshot = self.snapshot();
        let (Some(ipc), Some(told)) = (&mut self.ipc, &mut self.told_listeners) else { return };
        let changes = told.changes(&snapshot);
        **told = snapshot;
        if !ipc.tell(&changes) {
            self.told_listeners = None;
        }
    }

    fn snapshot(&self) -> Snapshot {
        let windows = self.windows_report(true).into_iter().map(|window| (window.window, window)).collect();
        let outputs = self.outputs.list.iter().map(|output| OutputReport {
            name: output.wl.name(),
            location: output.told_location().into(),
            size: output.size.into(),
            transform: transform_name(output.transform).to_owned(),
            scale: output.scale.factor(),
            refresh_hz: output.wl.current_mode().map_or(0.0, |mode| f64::from(mode.refresh) / 1000.0),
            on: !output.machine.is_dark(),
        });
        Snapshot {
            windows,
            workspaces: self.workspaces_report(),
            outputs: outputs.collect(),
            locked: self.desktop.lock.as_ref().is_some_and(|lock| lock.complete),
        }
    }
}
