//! Makes the answer to `syncline msg buffers`.
//!
//! It only reports: it tries nothing and changes no choice.

use crate::{
    report::{buffers::BufferReport, fences::Owner},
    session::Syncline,
    surface::buffer::{Imported, PixelSource, ReadPath},
};

impl Syncline {
    /// The reports of all buffers, oldest first.
    pub fn buffers_report(&self) -> Vec<BufferReport> {
        let mut buffers: Vec<_> = self.imports.iter().map(|imported| self.describe(imported)).collect();
        buffers.sort_by_key(|buffer| buffer.buffer);
        for content in self.live.iter() {
            let PixelSource::Dmabuf(imported) = &content.source else { continue };
            if let Some(buffer) = buffers.iter_mut().find(|buffer| buffer.buffer == imported.id) {
                buffer.commits.push(Owner::of(&content, self.desktop.trees.handle(content.surface)));
            }
        }
        buffers
    }

    fn describe(&self, imported: &Imported) -> BufferReport {
        let node = |serial| self.outputs.cards.get(serial).map(|card| card.device.path().display().to_string());
        let cards = imported.scanned_out();
        let of = |takes: bool| {
            cards.iter().filter(|(_, took)| *took == takes).filter_map(|(card, _)| node(*card)).collect::<Vec<_>>()
        };
        let dmabuf = &imported.dmabuf;
        BufferReport {
            buffer: imported.id,
            width: dmabuf.width(),
            height: dmabuf.height(),
            format: dmabuf.format().to_string(),
            modifier: dmabuf_import::modifiers::name(dmabuf.modifier()),
            drawn_by: imported.read_path().map(|way| way.name().to_owned()),
            copied_by: match imported.read_path() {
                Some(ReadPath::Gpu { card }) => node(card),
                _ => None,
            },
            scanned_out_by: of(true),
            refused_by: of(false),
            commits: Vec::new(),
        }
    }
}
