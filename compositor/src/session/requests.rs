//! Answers the requests of `syncline msg`.
//!
//! The socket and the wire format are in [`crate::control`].

use crate::{
    control::{
        request::{Answer, Request},
        socket::Ticket,
    },
    output::state::Output,
    session::Syncline,
    system::{id::Slot, ioctl, recent_log},
};

impl Syncline {
    /// A peer has sent something or has hung up.
    pub fn ipc_event(&mut self, slot: Slot) {
        let Some(ipc) = &mut self.ipc else { return };
        let line = match ipc.receive(slot) {
            Ok(Some(line)) => line,
            Ok(None) => return,
            Err(()) => return ipc.hang_up(slot),
        };
        let Some(ticket) = ipc.ticket(slot) else { return };
        let answer = match serde_json::from_str::<Request>(&line) {
            Ok(Request::Crc(request)) => self.crc_request(request, ticket),
            Ok(Request::OutputSet { name, wish }) => self.set_output(&name, &wish, ticket).err().map(Err),
            Ok(Request::Events) => {
                self.listen(ticket);
                None
            }
            Ok(request) => Some(self.ipc_request(request)),
            Err(error) => Some(Err(format!("not a valid request: {error}"))),
        };
        if let Some(answer) = answer {
            self.answer_ticket(ticket, answer);
        }
    }

    /// Answers the request of this ticket, at once or later, unless the peer has hung up.
    pub fn answer_ticket(&mut self, ticket: Ticket, answer: Result<serde_json::Value, String>) {
        let answer = match answer {
            Ok(data) => Answer { error: None, data: Some(data) },
            Err(error) => Answer { error: Some(error), data: None },
        };
        if let Some(ipc) = &mut self.ipc
            && ipc.ticket(ticket.slot) == Some(ticket)
        {
            ipc.answer(ticket.slot, &answer);
        }
    }

    fn ipc_request(&mut self, request: Request) -> Result<serde_json::Value, String> {
        match request {
            // `ipc_event` answers these itself.
            Request::Crc(_) | Request::Events | Request::OutputSet { .. } => Ok(serde_json::json!({})),
            Request::Frames { after, output, settled } => {
                if let Some(name) = &output {
                    self.crc_output(name)?;
                }
                let page = self.crc.frames.page(after, output.as_deref(), settled);
                serde_json::to_value(page).map_err(|e| e.to_string())
            }
            Request::Quit => {
                self.exit = Some(0);
                Ok(serde_json::json!({}))
            }
            Request::Screenshot { path, of } => {
                self.screenshot(&path, &of)?;
                Ok(serde_json::json!({ "path": path }))
            }
            Request::Output { name, on } => {
                self.power_by_name(&name, on)?;
                Ok(serde_json::json!({}))
            }
            Request::OutputCreate(new) => {
                let name = self.create_output(&new)?;
                Ok(serde_json::json!({ "created": name }))
            }
            Request::OutputRemove { name } => {
                self.remove_created_output(&name)?;
                Ok(serde_json::json!({}))
            }
            Request::OutputKeep => match self.keep_modes() {
                true => Ok(serde_json::json!({})),
                false => Err("no mode is on trial".to_owned()),
            },
            Request::NightLight { mode } => {
                self.set_night_mode(mode);
                Ok(serde_json::json!({}))
            }
            Request::Action { action } => {
                self.perform_text(&action)?;
                Ok(serde_json::json!({}))
            }
            Request::Reload => {
                self.reload()?;
                Ok(serde_json::json!({}))
            }
            Request::Status => Ok(self.status()),
            Request::Buffers => serde_json::to_value(self.buffers_report()).map_err(|e| e.to_string()),
            Request::Clients => serde_json::to_value(self.clients_report()).map_err(|e| e.to_string()),
            Request::Windows { titles } => serde_json::to_value(self.windows_report(titles)).map_err(|e| e.to_string()),
            Request::Workspaces => serde_json::to_value(self.workspaces_report()).map_err(|e| e.to_string()),
            Request::Devices => serde_json::to_value(&self.input_devices).map_err(|e| e.to_string()),
            #[cfg(debug_assertions)]
            Request::Fault { kind } => match kind.as_str() {
                "panic" => panic!("a fault on purpose"),
                "stand" => loop {
                    std::thread::sleep(std::time::Duration::from_secs(1));
                },
                other => Err(format!("no such fault: {other}")),
            },
            Request::Log => Ok(serde_json::json!({ "lines": recent_log::text() })),
            Request::Fences => serde_json::to_value(self.fences_report()).map_err(|e| e.to_string()),
        }
    }

    fn status(&self) -> serde_json::Value {
        let fds = std::fs::read_dir("/proc/self/fd").map(|dir| dir.count().saturating_sub(1)).unwrap_or(0);
        let name = |id| self.outputs.list.get(id).map(|of| of.wl.name());
        let status_of = |output: &Output| {
            let mut status = output.status();
            status["mirrors"] = output.mirror.and_then(|mirror| name(mirror.of)).into();
            status
        };
        let outputs: Vec<_> = self.outputs.list.iter().map(status_of).collect();
        serde_json::json!({
            "renderer": self.outputs.renderer.name(),
            "driver": self.outputs.cards.iter().next().map(|card| card.driver()),
            "cards": self.outputs.cards.iter().map(|card| card.device.path()).collect::<Vec<_>>(),
            "outputs": outputs,
            "night_light": self.night_status(),
            "locked": self.desktop.lock.as_ref().is_some_and(|lock| lock.complete),
            "windows": self.desktop.windows.len(),
            "buffers": self.imports.len(),
            "pending_acquires": self.acquires.len(),
            "fds": fds,
            "heap": ioctl::heap().map(|(used, taken)| serde_json::json!({ "used": used, "taken": taken })),
            "counters": self.counters,
            "configuration": self.configuration_status(),
        })
    }
}
