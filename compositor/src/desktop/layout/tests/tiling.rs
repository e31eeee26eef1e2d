//! Columns, tiles, and the boundaries between them.

use super::*;
use crate::desktop::layout::{
    column::Stacking,
    geometry::{Direction, Edges, Hints, Point},
};

fn edge(right: bool, bottom: bool) -> Edges {
    Edges { right, bottom, ..Edges::NONE }
}

#[test]
fn windows_become_columns_until_there_are_enough_of_them() {
    let mut layout = layout(Mode::Tiling);
    let [a, b, c] = [(); 3].map(|()| map(&mut layout));
    assert_eq!(rect_of(&mut layout, a), rect(0, 0, 400, 900));
    assert_eq!(rect_of(&mut layout, b), rect(400, 0, 400, 900));
    assert_eq!(rect_of(&mut layout, c), rect(800, 0, 400, 900));
    layout.focus(a);
    let d = map(&mut layout);
    assert_eq!(rect_of(&mut layout, a), rect(0, 0, 400, 450));
    assert_eq!(rect_of(&mut layout, d), rect(0, 450, 400, 450), "below the one that had the focus");
    layout.remove(b);
    assert_eq!(rect_of(&mut layout, c), rect(600, 0, 600, 900));
}

#[test]
fn gaps_and_borders_lie_around_what_is_not_alone() {
    let mut layout = layout(Mode::Tiling);
    layout.set_options(Options { gap: 10, outer_gap: 20, border: 3, ..*layout.options() });
    let a = map(&mut layout);
    assert_eq!(rect_of(&mut layout, a), AREA);
    let b = map(&mut layout);
    let (one, other) = (placed(&mut layout, a), placed(&mut layout, b));
    assert_eq!((one.frame, one.rect), (rect(20, 20, 575, 860), rect(23, 23, 569, 854)));
    assert_eq!(other.frame, rect(605, 20, 575, 860));
    assert_eq!((one.ask, one.states.tiled), (one.rect.size(), Edges::ALL));
}

#[test]
fn the_tab_that_has_the_focus_is_shown_and_all_tabs_have_its_size() {
    let mut layout = layout(Mode::Tiling);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    assert!(layout.join_column(b, Direction::Left));
    assert_eq!(rect_of(&mut layout, b), rect(0, 450, 1200, 450));
    assert!(layout.set_stacking(b, Stacking::Tabbed));
    assert_eq!(seen(&mut layout, "A"), [b]);
    assert_eq!((rect_of(&mut layout, a), rect_of(&mut layout, b)), (rect(0, 24, 1200, 876), rect(0, 24, 1200, 876)));
    assert!(layout.focus_direction(Direction::Up));
    assert_eq!(seen(&mut layout, "A"), [a]);
}

#[test]
fn a_boundary_moves_its_two_neighbours_and_keeps_their_least_sizes() {
    let mut layout = layout(Mode::Tiling);
    let [a, b, c] = [(); 3].map(|()| map(&mut layout));
    layout.set_hints(b, Hints { min: size(300, 0), max: size(0, 0) });
    assert!(layout.resize(a, edge(true, false), (77, 0)));
    assert_eq!([a, b, c].map(|id| rect_of(&mut layout, id).w), [477, 323, 400]);
    assert!(layout.resize(a, edge(true, false), (100, 0)));
    assert_eq!([a, b, c].map(|id| rect_of(&mut layout, id).w), [500, 300, 400], "not below its least width");
    assert!(!layout.resize(a, Edges { left: true, ..Edges::NONE }, (10, 0)), "nothing is there");
    assert!(layout.grow(a, -40, 0) && layout.grow(c, 30, 0));
    assert_eq!([a, b, c].map(|id| rect_of(&mut layout, id).w), [460, 310, 430], "the last one grows to the left");
}

#[test]
fn what_is_dragged_back_is_where_it_was() {
    let mut layout = layout(Mode::Tiling);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    assert!(layout.begin_resize(a, edge(true, true), Point { x: 600, y: 100 }));
    for x in [700, 5000, -5000, 640] {
        layout.drag(Point { x, y: 0 });
        layout.verify_arrangement();
    }
    assert!(placed(&mut layout, a).states.resizing);
    assert_eq!([a, b].map(|id| rect_of(&mut layout, id).w), [640, 560]);
    layout.drag(Point { x: 600, y: 0 });
    layout.drop_grab(Point { x: 600, y: 0 });
    assert_eq!([a, b].map(|id| rect_of(&mut layout, id).w), [600, 600]);
    assert!(!placed(&mut layout, a).states.resizing && layout.grab().is_none());
}

#[test]
fn shares_survive_other_sizes_of_the_output() {
    let mut layout = layout(Mode::Tiling);
    let [a, b, c] = [(); 3].map(|()| map(&mut layout));
    assert!(layout.set_width(a, (1, 2)));
    let before = [a, b, c].map(|id| rect_of(&mut layout, id));
    assert_eq!(before.map(|rect| rect.w), [600, 300, 300]);
    for w in 1..400 {
        layout.set_output(&name("A"), rect(0, 0, w, 900), rect(0, 0, w, 900));
        layout.verify_arrangement();
    }
    layout.set_output(&name("A"), AREA, AREA);
    assert_eq!([a, b, c].map(|id| rect_of(&mut layout, id)), before);
}

#[test]
fn a_window_moves_out_of_its_column_and_into_others() {
    let mut layout = layout(Mode::Tiling);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    assert!(layout.move_direction(a, Direction::Right, 0));
    assert!(rect_of(&mut layout, a).x > rect_of(&mut layout, b).x, "they have changed places");
    assert!(layout.join_column(a, Direction::Left));
    assert!(layout.move_direction(a, Direction::Up, 0));
    assert!(rect_of(&mut layout, a).y < rect_of(&mut layout, b).y);
    assert!(layout.move_direction(b, Direction::Left, 0), "leaves the column");
    assert_eq!(rect_of(&mut layout, b), rect(0, 0, 600, 900));
    assert!(!layout.move_direction(b, Direction::Left, 0), "no output is there");
}

#[test]
fn a_minimised_window_keeps_its_place_and_share() {
    let mut layout = layout(Mode::Tiling);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    layout.set_width(a, (1, 4));
    assert!(layout.set_minimised(a, true));
    assert_eq!((rect_of(&mut layout, b), layout.focused()), (AREA, Some(b)));
    assert!(layout.focus(a));
    assert_eq!(rect_of(&mut layout, a), rect(0, 0, 300, 900));
}

#[test]
fn a_window_that_is_smaller_than_its_cell_is_in_the_middle_of_it() {
    let mut layout = layout(Mode::Tiling);
    let [a, _] = [(); 2].map(|()| map(&mut layout));
    layout.set_hints(a, Hints { min: size(0, 0), max: size(200, 100) });
    assert_eq!(rect_of(&mut layout, a), rect(200, 400, 200, 100));
}

#[test]
fn the_first_configure_can_have_the_size_that_the_window_will_get() {
    let mut layout = layout(Mode::Tiling);
    map(&mut layout);
    let id = layout.add(NewWindow::default());
    let preview = layout.preview(id).expect("it would be placed");
    assert_eq!(preview.ask, size(600, 900));
    layout.map(id, size(600, 900), true);
    assert_eq!(rect_of(&mut layout, id), preview.rect);
    let fixed = Hints { min: size(300, 200), max: size(300, 200) };
    let dialog = layout.add(NewWindow { hints: fixed, ..NewWindow::default() });
    assert_eq!(layout.preview(dialog).map(|placed| placed.ask), Some(size(0, 0)), "it has one size, and floats");
}

#[test]
fn the_floating_window_with_the_focus_stays_on_top_when_the_others_float_too() {
    let mut layout = layout(Mode::Tiling);
    let windows = [map(&mut layout), map(&mut layout), map(&mut layout)];
    layout.set_floating(windows[2], true);
    layout.set_mode(active(&layout, "A"), Mode::Floating);
    let top = layout.arrange().outputs().next().and_then(|output| output.windows.last().map(|placed| placed.window));
    assert_eq!((top, layout.focused()), (Some(windows[2]), Some(windows[2])));
}

#[test]
fn the_mode_of_a_workspace_can_change() {
    let mut layout = layout(Mode::Tiling);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    let dialog = map_dialog(&mut layout, a, false);
    let before = [a, b].map(|id| rect_of(&mut layout, id));
    let on = active(&layout, "A");
    assert!(layout.set_mode(on, Mode::Floating));
    assert_eq!([a, b].map(|id| rect_of(&mut layout, id)), before, "they float where they were tiled");
    assert!(!layout.set_floating(a, false), "nothing is tiled here");
    layout.set_floating(a, true);
    assert!(layout.set_mode(on, Mode::Tiling));
    assert_eq!(
        [a, b, dialog].map(|id| layout.window(id).map(|window| window.floats)),
        [Some(true), Some(false), Some(true)]
    );
}

#[test]
fn a_boundary_is_not_dragged_any_more_when_tiles_change() {
    type Change = fn(&mut Layout, WindowId) -> bool;
    let changes: [Change; 4] = [
        |layout, id| layout.set_above(id, true),
        |layout, id| layout.set_minimised(id, true),
        |layout, id| layout.unmap(id),
        |layout, _| map(layout) != WindowId(0),
    ];
    for change in changes {
        let mut layout = layout(Mode::Tiling);
        let [a, b] = [(); 2].map(|()| map(&mut layout));
        layout.begin_resize(a, edge(true, false), Point { x: 600, y: 100 });
        assert!(layout.is_dragging() && change(&mut layout, b));
        assert!(!layout.is_dragging() && !layout.drag(Point { x: 700, y: 100 }));
    }
}

#[test]
fn a_window_that_was_tiled_floats_in_its_own_size_again() {
    let mut layout = layout(Mode::Tiling);
    let fixed = Hints { min: size(300, 200), max: size(300, 200) };
    let a = layout.add(NewWindow { hints: fixed, ..NewWindow::default() });
    layout.map(a, size(300, 200), true);
    layout.set_hints(a, Hints::default());
    let before = rect_of(&mut layout, a);
    assert!(layout.set_floating(a, false));
    layout.committed(a, AREA.size(), true);
    assert!(layout.set_floating(a, true));
    assert_eq!(rect_of(&mut layout, a), before);
}

#[test]
fn a_window_that_was_tiled_elsewhere_floats_in_its_own_size_again() {
    let mut layout = layout(Mode::Floating);
    let a = map(&mut layout);
    let two = layout.declare(&Label::Number(2), None);
    layout.set_mode(two, Mode::Tiling);
    layout.move_to_workspace(a, &number(2), true);
    assert_eq!(rect_of(&mut layout, a), AREA);
    layout.committed(a, AREA.size(), true);
    layout.move_to_workspace(a, &number(1), true);
    assert_eq!(rect_of(&mut layout, a), rect(400, 300, 400, 300));
}

#[test]
fn whatever_else_is_done_ends_a_drag() {
    type Action = fn(&mut Layout, WindowId) -> bool;
    let actions: [Action; 13] = [
        |layout, id| layout.move_direction(id, Direction::Right, 0),
        |layout, id| layout.join_column(id, Direction::Right),
        |layout, id| layout.set_stacking(id, Stacking::Tabbed),
        |layout, id| layout.move_to_workspace(id, &number(2), false),
        |layout, id| layout.resize(id, edge(true, false), (5, 0)),
        |layout, id| layout.set_width(id, (1, 3)),
        |layout, id| layout.set_height(id, (1, 3)) || !layout.is_dragging(),
        |layout, id| layout.set_maximised(id, true),
        |layout, id| layout.set_minimised(id, true),
        |layout, _| layout.show(&number(2)),
        |layout, _| layout.set_mode(active(layout, "A"), Mode::Floating),
        |layout, _| layout.equalise(active(layout, "A")),
        |layout, _| {
            layout.remove_output(&name("A"));
            true
        },
    ];
    for (i, action) in actions.into_iter().enumerate() {
        let mut layout = layout(Mode::Tiling);
        let [a, _] = [(); 2].map(|()| map(&mut layout));
        assert!(layout.begin_resize(a, edge(true, false), Point { x: 600, y: 100 }));
        assert!(action(&mut layout, a), "action {i}");
        assert!(!layout.is_dragging(), "action {i}");
    }
}
