//! What rules want of windows that appear.

use super::*;
use crate::desktop::layout::{geometry::Point, opening::Opening, window::Fullscreen};

/// A new window of 400 × 300 of which rules want this, without the focus.
fn open(layout: &mut Layout, opening: Opening) -> WindowId {
    let id = layout.add(NewWindow::default());
    layout.set_opening(id, opening);
    assert!(layout.map(id, size(400, 300), false));
    layout.arrange();
    layout.verify_invariants();
    id
}

fn label_of(layout: &Layout, id: WindowId) -> Option<String> {
    Some(layout.workspace(layout.window(id)?.workspace?)?.label.to_string())
}

#[test]
fn a_workspace_is_made_where_it_should_be() {
    let mut layout = layout(Mode::Floating);
    layout.set_output(&name("B"), Rect { x: 1200, ..AREA }, Rect { x: 1200, ..AREA });
    let to = |workspace: Option<&str>, output: Option<&str>| Opening {
        workspace: workspace.map(Label::from),
        output: output.map(OutputName::from),
        ..Opening::default()
    };
    let on = |layout: &mut Layout, opening: Opening| {
        let id = open(layout, opening);
        let at = layout.window(id).unwrap().workspace.unwrap();
        (label_of(layout, id).unwrap(), layout.output_of(at).unwrap().name.0.to_string())
    };
    let table = [
        (to(None, None), ("1", "A")),
        (to(None, Some("B")), ("2", "B")),
        (to(None, Some("C")), ("1", "A")),
        (to(Some("mail"), None), ("mail", "A")),
        (to(Some("7"), Some("B")), ("7", "B")),
        // It is there already, so it stays where it is.
        (to(Some("7"), Some("A")), ("7", "B")),
        (to(Some("8"), Some("C")), ("8", "A")),
    ];
    for (opening, (label, output)) in table {
        assert_eq!(on(&mut layout, opening.clone()), (label.to_owned(), output.to_owned()), "{opening:?}");
    }
    assert_eq!(layout.current().and_then(|on| layout.workspace(on)).unwrap().label, Label::Number(1));
}

#[test]
fn states_are_those_of_the_rule_whatever_the_client_has_requested() {
    let mut layout = layout(Mode::Tiling);
    let some = |change: fn(&mut Opening)| {
        let mut opening = Opening::default();
        change(&mut opening);
        opening
    };
    let full = open(&mut layout, some(|opening| opening.fullscreen = Some(true)));
    assert_eq!(layout.window(full).unwrap().fullscreen, Some(Fullscreen::Real));
    let id = layout.add(NewWindow::default());
    layout.set_fullscreen(id, Some(Fullscreen::Real), None);
    layout.set_maximised(id, true);
    layout.set_opening(id, some(|opening| opening.fullscreen = Some(false)));
    layout.map(id, size(1, 1), false);
    assert!(layout.window(id).is_some_and(|window| window.fullscreen.is_none() && window.maximised));
    layout.set_fullscreen(id, Some(Fullscreen::Real), None);
    assert!(layout.window(id).is_some_and(|window| window.covers()), "later it is as the client requests");

    let floating = open(&mut layout, some(|opening| opening.floating = Some(true)));
    let tiled = open(&mut layout, some(|opening| opening.floating = Some(false)));
    let sticky = open(&mut layout, some(|opening| (opening.sticky, opening.floating) = (Some(true), Some(false))));
    let above = open(&mut layout, some(|opening| opening.above = Some(true)));
    let floats = [floating, tiled, sticky, above].map(|id| layout.window(id).unwrap().floats);
    assert_eq!(floats, [true, false, true, true]);

    let minimised = open(&mut layout, some(|opening| opening.minimised = Some(true)));
    assert!(layout.window(minimised).is_some_and(|window| window.minimised && window.workspace.is_some()));
    let scratchpad = open(&mut layout, some(|opening| opening.scratchpad = Some(true)));
    assert_eq!(label_of(&layout, scratchpad), None);
    layout.toggle_scratchpad();
    assert_eq!(layout.focused(), Some(scratchpad));
    layout.verify_invariants();
}

/// The size that it has when the user calls it.
#[test]
fn what_rules_hide_is_asked_for_their_size() {
    let hidden = Opening { size: Some(size(600, 500)), ..Opening::default() };
    for opening in
        [Opening { scratchpad: Some(true), ..hidden.clone() }, Opening { minimised: Some(true), ..hidden.clone() }]
    {
        let mut layout = layout(Mode::Floating);
        let id = layout.add(NewWindow::default());
        layout.set_opening(id, opening.clone());
        assert_eq!(layout.preview(id).map(|preview| preview.ask), Some(size(600, 500)), "{opening:?}");
        layout.map(id, size(600, 500), false);
        layout.arrange();
        layout.verify_invariants();
        assert!(!layout.window(id).unwrap().is_shown());
    }
}

#[test]
fn the_preview_is_what_the_window_gets() {
    let mut layout = layout(Mode::Floating);
    let id = layout.add(NewWindow::default());
    let opening = Opening {
        size: Some(size(600, 500)),
        position: Some(Point { x: 30, y: 40 }),
        workspace: Some(Label::Number(5)),
        ..Opening::default()
    };
    layout.set_opening(id, opening);
    let preview = layout.preview(id).unwrap();
    assert_eq!((preview.ask, preview.rect), (size(600, 500), rect(30, 40, 600, 500)));
    assert!(layout.labelled(&Label::Number(5)).is_none(), "it is made with the window");
    layout.map(id, size(600, 500), false);
    layout.arrange();
    assert_eq!(layout.rect_of(id), Some(rect(30, 40, 600, 500)));
    layout.unmap(id);
    assert_eq!(layout.window(id).unwrap().opening, Opening::default(), "it begins anew");
}

#[test]
fn a_dialog_is_where_its_parent_is() {
    let mut layout = layout(Mode::Floating);
    let parent = map(&mut layout);
    let id = layout.add(NewWindow::default());
    layout.set_parent(id, Some(parent));
    let opening = Opening {
        workspace: Some(Label::Number(9)),
        scratchpad: Some(true),
        sticky: Some(true),
        above: Some(true),
        maximised: Some(true),
        ..Opening::default()
    };
    layout.set_opening(id, opening);
    assert!(layout.map(id, size(10, 10), false));
    layout.verify_invariants();
    let (dialog, parent) = (layout.window(id).unwrap(), layout.window(parent).unwrap());
    assert_eq!(dialog.workspace, parent.workspace);
    assert!(dialog.maximised && !dialog.sticky && !parent.sticky && !parent.above && !parent.scratchpad);
    assert!(layout.labelled(&Label::Number(9)).is_none());
}

#[test]
fn of_a_window_that_is_there_nothing_changes() {
    let mut layout = layout(Mode::Tiling);
    let id = map(&mut layout);
    let before = layout.window(id).cloned();
    layout.set_opening(id, Opening { floating: Some(true), ..Opening::default() });
    assert_eq!(layout.window(id).cloned(), before);
}
