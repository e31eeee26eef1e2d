//! `syncline msg buffers`: every dma-buf of a client, how the renderer reads it, and which cards
//! scan it out.
//!
//! Made on request. It changes no choice and tries nothing. The names of the fields are part of the
//! interface of `--json` (docs/cards.md).

use serde::{Deserialize, Serialize};

use crate::report::{fences::Owner, table};

/// One dma-buf.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BufferReport {
    /// The number of the buffer in the trace and the log.
    pub buffer: u64,
    pub width: u32,
    pub height: u32,
    /// The fourcc as text.
    pub format: String,
    /// The name of the modifier.
    pub modifier: String,
    /// `import`, `copy by another GPU` or `copy by the CPU`; absent until the current renderer has
    /// first read the buffer.
    pub drawn_by: Option<String>,
    /// The device node of the card whose GPU copies it.
    pub copied_by: Option<String>,
    /// The device nodes of the cards that scan it out.
    pub scanned_out_by: Vec<String>,
    /// The device nodes of the cards that have refused it.
    pub refused_by: Vec<String>,
    /// The commits of this buffer that are still in use.
    pub commits: Vec<Owner>,
}

/// The report as a table.
pub fn render(buffers: &[BufferReport]) -> String {
    let mut out = String::new();
    let list = |nodes: &[String]| if nodes.is_empty() { "-".to_owned() } else { nodes.join(", ") };
    let rows = buffers.iter().map(|b| {
        let drawn = match (&b.drawn_by, &b.copied_by) {
            (Some(way), Some(card)) => format!("{way} ({card})"),
            (Some(way), None) => way.clone(),
            (None, _) => "-".to_owned(),
        };
        let client = b.commits.last().and_then(|owner| owner.client_name.clone());
        vec![
            b.buffer.to_string(),
            client.unwrap_or_else(|| "-".to_owned()),
            format!("{}x{}", b.width, b.height),
            b.format.clone(),
            b.modifier.clone(),
            drawn,
            list(&b.scanned_out_by),
            list(&b.refused_by),
        ]
    });
    const COLUMNS: [&str; 8] =
        ["buffer", "client", "size", "format", "modifier", "drawn by", "scanned out by", "refused by"];
    table::table(&mut out, "dma-bufs of clients", &COLUMNS, rows.collect());
    out
}
