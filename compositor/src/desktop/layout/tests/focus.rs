//! Focus: by direction, by order of use, and where it goes when a window goes.

use super::*;
use crate::desktop::layout::geometry::Direction::{Down, Left, Right, Up};

#[test]
fn the_focus_goes_back_to_what_was_used_before() {
    let mut layout = layout(Mode::Tiling);
    let [a, b, c] = [(); 3].map(|()| map(&mut layout));
    layout.focus(a);
    layout.focus(c);
    layout.remove(c);
    assert_eq!(layout.focused(), Some(a));
    layout.remove(a);
    assert_eq!(layout.focused(), Some(b));
    layout.remove(b);
    assert_eq!(layout.focused(), None);
}

#[test]
fn a_modal_dialog_has_the_focus_of_its_parent() {
    let mut layout = layout(Mode::Floating);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    let dialog = map_dialog(&mut layout, a, true);
    layout.focus(b);
    assert!(layout.focus(a));
    assert_eq!(layout.focused(), Some(dialog));
    layout.set_modal(dialog, false);
    layout.focus(a);
    assert_eq!(layout.focused(), Some(a));
    layout.set_modal(dialog, true);
    assert_eq!(layout.focused(), Some(dialog));
    layout.remove(dialog);
    assert_eq!(layout.focused(), Some(a), "its parent has it again");
}

#[test]
fn directions_lead_through_columns_and_to_the_next_output() {
    let mut layout = layout(Mode::Tiling);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    layout.set_options(Options { columns: 2, ..*layout.options() });
    let c = map(&mut layout);
    layout.set_output(&name("B"), rect(1200, 0, 800, 600), rect(1200, 0, 800, 600));
    for (direction, expected) in [(Up, Some(b)), (Down, Some(c)), (Left, Some(a)), (Right, Some(c)), (Right, None)] {
        assert!(layout.focus_direction(direction), "{direction:?}");
        assert_eq!(layout.focused(), expected);
    }
    assert!(layout.focus_direction(Left) && !layout.focus_direction(Down));
    assert_eq!(layout.focused(), Some(c));
}

#[test]
fn directions_find_the_nearest_floating_window() {
    let mut layout = layout(Mode::Floating);
    let [a, b, c] = [(); 3].map(|()| map(&mut layout));
    for (id, dx, dy) in [(a, -300, 0), (b, 300, 0), (c, 0, 250)] {
        layout.move_direction(id, Right, dx);
        layout.move_direction(id, Down, dy);
    }
    layout.focus(a);
    for (direction, expected) in [(Down, c), (Right, b), (Left, a), (Up, a), (Right, b)] {
        layout.focus_direction(direction);
        assert_eq!(layout.focused(), Some(expected), "{direction:?}");
    }
}

#[test]
fn alt_tab_follows_the_order_of_use_and_changes_it_at_the_end() {
    let mut layout = layout(Mode::Floating);
    let [a, b, c] = [(); 3].map(|()| map(&mut layout));
    for expected in [b, a, c, b] {
        assert!(layout.cycle(true));
        assert_eq!(layout.focused(), Some(expected));
    }
    layout.end_cycle();
    assert_eq!(layout.by_use(), [b, c, a]);
    layout.cycle(false);
    layout.remove(a);
    layout.end_cycle();
    assert_eq!(layout.by_use(), [b, c], "one that goes meanwhile is left out");
}

#[test]
fn alt_tab_leads_to_other_workspaces() {
    let mut layout = layout(Mode::Tiling);
    let a = map(&mut layout);
    layout.show(&number(2));
    let b = map(&mut layout);
    layout.set_minimised(b, true);
    layout.show(&number(3));
    layout.cycle(true);
    assert_eq!((layout.focused(), label(&layout, "A").as_str()), (Some(b), "2"), "and to minimised windows");
    layout.cycle(true);
    layout.end_cycle();
    assert_eq!((layout.focused(), label(&layout, "A").as_str()), (Some(a), "1"));
}

#[test]
fn a_window_that_comes_without_the_focus_leaves_it_where_it_is() {
    let mut layout = layout(Mode::Tiling);
    let a = map(&mut layout);
    let b = layout.add(NewWindow::default());
    layout.map(b, size(1, 1), false);
    assert_eq!(layout.focused(), Some(a));
    assert!(placed(&mut layout, a).states.activated && !placed(&mut layout, b).states.activated);
}

#[test]
fn a_click_ends_alt_tab() {
    let mut layout = layout(Mode::Floating);
    let [a, b, _] = [(); 3].map(|()| map(&mut layout));
    layout.cycle(true);
    assert_eq!(layout.focused(), Some(b));
    layout.focus(a);
    layout.cycle(true);
    assert_eq!(layout.focused(), Some(b), "the one before, in the order of use of now");
}
