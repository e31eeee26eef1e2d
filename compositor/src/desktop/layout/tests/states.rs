//! Maximised, fullscreen, minimised, sticky, scratchpad, urgent.

use super::*;
use crate::desktop::layout::window::Fullscreen;

const REAL: Option<Fullscreen> = Some(Fullscreen::Real);

#[test]
fn a_maximised_window_fills_the_working_area_and_returns_to_its_place() {
    let mut layout = layout(Mode::Floating);
    let working = rect(0, 40, 1200, 860);
    layout.set_output(&name("A"), AREA, working);
    let a = map(&mut layout);
    let before = rect_of(&mut layout, a);
    assert!(layout.set_maximised(a, true));
    let now = placed(&mut layout, a);
    assert_eq!((now.rect, now.ask, now.states.maximised), (working, working.size(), true));
    layout.committed(a, working.size(), true);
    assert!(layout.set_fullscreen(a, REAL, None));
    assert_eq!(rect_of(&mut layout, a), AREA);
    assert!(layout.set_fullscreen(a, None, None) && layout.set_maximised(a, false));
    let now = placed(&mut layout, a);
    assert_eq!((now.rect, now.ask), (before, before.size()));
}

#[test]
fn a_fullscreen_window_returns_to_its_own_size() {
    let mut layout = layout(Mode::Floating);
    let a = map(&mut layout);
    let before = rect_of(&mut layout, a);
    assert!(layout.set_fullscreen(a, REAL, None));
    layout.committed(a, AREA.size(), true);
    assert!(layout.set_fullscreen(a, None, None));
    assert_eq!(rect_of(&mut layout, a), before);
}

#[test]
fn nothing_shows_beside_a_fullscreen_window_but_its_dialogs() {
    for mode in [Mode::Floating, Mode::Tiling] {
        let mut layout = layout(mode);
        let [a, b] = [(); 2].map(|()| map(&mut layout));
        layout.set_above(b, true);
        layout.focus(a);
        layout.set_fullscreen(a, REAL, None);
        assert_eq!(seen(&mut layout, "A"), [a]);
        let dialog = map_dialog(&mut layout, a, true);
        assert_eq!(seen(&mut layout, "A"), [a, dialog]);
        layout.focus(b);
        assert_eq!(seen(&mut layout, "A"), [a, dialog, b], "what has the focus is seen");
        assert!(placed(&mut layout, a).states.fullscreen);
    }
}

#[test]
fn a_tiled_window_with_the_focus_lies_above_those_that_fill_the_screen() {
    let mut layout = layout(Mode::Tiling);
    let [a, b, c] = [(); 3].map(|()| map(&mut layout));
    layout.set_maximised(a, true);
    layout.set_maximised(b, true);
    layout.focus(a);
    assert_eq!(seen(&mut layout, "A"), [c, b, a]);
    layout.focus(c);
    assert_eq!(seen(&mut layout, "A"), [b, a, c]);
}

#[test]
fn a_client_can_believe_that_it_is_fullscreen() {
    let mut layout = layout(Mode::Tiling);
    let [a, _] = [(); 2].map(|()| map(&mut layout));
    layout.set_fullscreen(a, Some(Fullscreen::Pretended), None);
    let now = placed(&mut layout, a);
    assert_eq!((now.rect, now.states.fullscreen), (rect(0, 0, 600, 900), true));
}

#[test]
fn fullscreen_on_another_output_ends_where_it_began() {
    let mut layout = layout(Mode::Tiling);
    let (b_area, a) = (rect(1200, 0, 800, 600), map(&mut layout));
    layout.set_output(&name("B"), b_area, b_area);
    assert!(layout.set_fullscreen(a, REAL, Some(&name("B"))));
    assert_eq!(rect_of(&mut layout, a), b_area);
    assert!(layout.set_fullscreen(a, None, None));
    assert_eq!(rect_of(&mut layout, a), AREA);
}

#[test]
fn a_family_is_minimised_as_a_whole() {
    let mut layout = layout(Mode::Floating);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    let dialog = map_dialog(&mut layout, a, false);
    assert!(layout.set_minimised(dialog, true));
    assert_eq!((seen(&mut layout, "A"), layout.focused()), (vec![b], Some(b)));
    assert!(layout.focus(a));
    assert_eq!(seen(&mut layout, "A"), [b, a, dialog]);
}

#[test]
fn a_sticky_window_stays_in_sight() {
    let mut layout = layout(Mode::Tiling);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    layout.set_sticky(a, true);
    layout.show(&number(2));
    assert_eq!(seen(&mut layout, "A"), [a]);
    let c = map(&mut layout);
    layout.show(&number(1));
    assert_eq!((seen(&mut layout, "A"), layout.focused()), (vec![b, a], Some(b)));
    layout.set_floating(a, false);
    layout.show(&number(2));
    assert_eq!(seen(&mut layout, "A"), [c]);
}

#[test]
fn the_scratchpad_hides_a_window_and_shows_it_on_the_current_workspace() {
    let mut layout = layout(Mode::Tiling);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    assert!(layout.to_scratchpad(a));
    assert_eq!(seen(&mut layout, "A"), [b]);
    layout.show(&number(2));
    assert!(layout.toggle_scratchpad());
    assert_eq!((seen(&mut layout, "A"), layout.focused()), (vec![a], Some(a)));
    assert!(layout.toggle_scratchpad());
    assert_eq!(seen(&mut layout, "A"), []);
    assert!(layout.leave_scratchpad(a) && layout.set_floating(a, false));
    assert_eq!(rect_of(&mut layout, a), AREA);
    assert!(!layout.toggle_scratchpad(), "nothing is left in it");
}

#[test]
fn a_window_is_urgent_until_it_has_the_focus() {
    let mut layout = layout(Mode::Floating);
    let a = map(&mut layout);
    let on = active(&layout, "A");
    assert!(!layout.set_urgent(a, true), "it has the focus");
    layout.show(&number(2));
    assert!(layout.set_urgent(a, true) && layout.is_urgent(on));
    layout.focus(a);
    assert!(!layout.is_urgent(on));
}
