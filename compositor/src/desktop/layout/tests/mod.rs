//! Tests of the layout and of its transactions.

mod bench;
mod floating;
mod focus;
mod opening;
mod outputs;
mod random;
mod states;
mod tiling;
mod together;
mod transactions;
mod transactions_random;

use crate::{
    desktop::layout::{
        Layout, Placed,
        geometry::{Rect, Size},
        options::{Mode, Options},
        window::NewWindow,
        workspace::{Label, OutputName},
        workspaces::Target,
    },
    system::id::{WindowId, WorkspaceId},
};

const AREA: Rect = Rect { x: 0, y: 0, w: 1200, h: 900 };

fn size(w: i32, h: i32) -> Size {
    Size { w, h }
}

fn rect(x: i32, y: i32, w: i32, h: i32) -> Rect {
    Rect { x, y, w, h }
}

fn number(number: u32) -> Target {
    Target::Label(Label::Number(number))
}

/// A layout with one output, without gaps and borders.
fn layout(mode: Mode) -> Layout {
    let mut layout = Layout::new(Options { mode, ..Options::default() });
    layout.set_output(&name("A"), AREA, AREA);
    layout
}

fn name(name: &str) -> OutputName {
    OutputName::from(name)
}

/// A new window of 400 × 300, with the focus.
fn map(layout: &mut Layout) -> WindowId {
    let id = layout.add(NewWindow::default());
    assert!(layout.map(id, size(400, 300), true));
    id
}

/// A new dialog of 200 × 100, with the focus.
fn map_dialog(layout: &mut Layout, parent: WindowId, modal: bool) -> WindowId {
    let id = layout.add(NewWindow::default());
    layout.set_parent(id, Some(parent));
    layout.set_modal(id, modal);
    assert!(layout.map(id, size(200, 100), true));
    id
}

fn placed(layout: &mut Layout, id: WindowId) -> Placed {
    layout.verify_invariants();
    layout.verify_arrangement();
    let mut all = layout.workspaces().iter().flat_map(|workspace| workspace.placed());
    *all.find(|placed| placed.window == id).expect("the window is placed")
}

fn rect_of(layout: &mut Layout, id: WindowId) -> Rect {
    placed(layout, id).rect
}

/// The windows that an output shows and that can be seen, from bottom to top.
fn seen(layout: &mut Layout, output: &str) -> Vec<WindowId> {
    layout.verify_invariants();
    layout.verify_arrangement();
    let outputs = layout.arrange();
    let shown = outputs.outputs().find(|shown| shown.output.name == name(output)).expect("there is such an output");
    shown.windows.iter().filter(|placed| placed.visible).map(|placed| placed.window).collect()
}

fn active(layout: &Layout, output: &str) -> WorkspaceId {
    layout.output(&name(output)).expect("there is such an output").active
}

fn label(layout: &Layout, output: &str) -> String {
    layout.workspace(active(layout, output)).expect("it is there").label.to_string()
}
