//! `syncline msg clients`: what each client uses, against its limits.
//!
//! Made on request. The names of the fields are part of the interface of `--json` (docs/limits.md).

use serde::{Deserialize, Serialize};

use crate::report::table;

/// One client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientReport {
    /// The process id; absent if the kernel did not report it.
    pub pid: Option<i32>,
    /// The name of the process, from `/proc/PID/comm`.
    pub name: Option<String>,
    /// Each limit with what the client uses of it.
    pub uses: Vec<UseReport>,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseReport {
    /// The key in `[limits]`.
    pub limit: String,
    pub used: u32,
    /// The most that was used at a time.
    pub most: u32,
    /// A client that uses more is slowed.
    pub soft: u32,
    /// A client that uses more is ended.
    pub allowed: u32,
}

/// The report as a table; without what a client has never used.
pub fn render(clients: &[ClientReport]) -> String {
    let mut out = String::new();
    let rows = clients.iter().flat_map(|client| {
        let name = client.name.clone().unwrap_or_else(|| "-".to_owned());
        let pid = client.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        client.uses.iter().filter(|of| of.most > 0).map(move |of| {
            let numbers = [of.used, of.most, of.soft, of.allowed].map(|number| number.to_string());
            [name.clone(), pid.clone(), of.limit.clone()].into_iter().chain(numbers).collect()
        })
    });
    const COLUMNS: [&str; 7] = ["client", "pid", "limit", "used", "most", "soft", "allowed"];
    table::table(&mut out, "what clients use", &COLUMNS, rows.collect());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_limit_that_a_client_has_used() {
        let of = |limit: &str, used, most| UseReport { limit: limit.to_owned(), used, most, soft: 50, allowed: 100 };
        let uses = vec![of("objects", 7, 9), of("popups", 0, 0), of("surfaces", 0, 3)];
        let client = ClientReport { pid: Some(42), name: Some("game".to_owned()), uses };
        let text = render(&[client]);
        let rows: Vec<Vec<_>> = text.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            rows,
            [
                vec!["game", "42", "objects", "7", "9", "50", "100"],
                vec!["game", "42", "surfaces", "0", "3", "50", "100"]
            ]
        );
        assert!(render(&[]).contains("none"));
    }
}
