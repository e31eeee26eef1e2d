//! Makes the answer to `syncline msg clients`. It only reports.

use crate::{
    report::clients::{ClientReport, UseReport},
    session::{Syncline, reports::fences::process_name},
    surface::client::ClientState,
};

impl Syncline {
    /// All clients, in the order in which they connected as far as slots are not used again.
    pub fn clients_report(&self) -> Vec<ClientReport> {
        let backend = self.display.backend_handle();
        let states = self
            .clients
            .iter()
            .filter_map(|client| backend.get_client_data(client.id.clone()).ok()?.downcast_arc::<ClientState>().ok());
        let report = |state: std::sync::Arc<ClientState>| ClientReport {
            pid: state.pid,
            name: state.pid.and_then(process_name),
            uses: state
                .budget
                .uses()
                .map(|of| UseReport {
                    limit: of.kind.to_string(),
                    used: of.used,
                    most: of.most,
                    soft: of.soft,
                    allowed: of.limit,
                })
                .collect(),
        };
        states.map(report).collect()
    }
}
