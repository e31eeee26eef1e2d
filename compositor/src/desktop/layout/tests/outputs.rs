//! Outputs and workspaces that come, go, and come back.

use super::*;

const OTHER: Rect = Rect { x: 1200, y: 0, w: 800, h: 600 };

fn two() -> Layout {
    let mut layout = layout(Mode::Tiling);
    layout.set_output(&name("B"), OTHER, OTHER);
    layout
}

#[test]
fn workspaces_go_with_their_output_and_come_back_with_it() {
    let mut layout = two();
    let a = map(&mut layout);
    layout.focus_output(&name("B"));
    let b = map(&mut layout);
    layout.show(&number(7));
    let c = map(&mut layout);
    layout.show(&number(2));
    assert_eq!(label(&layout, "B"), "2");
    layout.remove_output(&name("B"));
    assert_eq!((label(&layout, "A"), seen(&mut layout, "A")), ("1".into(), vec![a]));
    layout.show(&number(7));
    assert_eq!((seen(&mut layout, "A"), rect_of(&mut layout, c)), (vec![c], AREA));
    layout.set_output(&name("B"), OTHER, OTHER);
    assert_eq!((label(&layout, "B"), seen(&mut layout, "B")), ("2".into(), vec![b]), "the one that was active");
    assert_eq!((rect_of(&mut layout, b), rect_of(&mut layout, c)), (OTHER, OTHER));
    assert_eq!(label(&layout, "A"), "1");
}

#[test]
fn without_any_output_windows_wait() {
    let mut layout = two();
    let a = map(&mut layout);
    layout.remove_output(&name("A"));
    layout.remove_output(&name("B"));
    let b = map(&mut layout);
    layout.verify_invariants();
    assert_eq!(layout.focused(), Some(b));
    layout.set_output(&name("B"), OTHER, OTHER);
    assert_eq!(seen(&mut layout, "B"), [b], "the workspace that was used last");
    layout.set_output(&name("A"), AREA, AREA);
    assert_eq!((seen(&mut layout, "A"), seen(&mut layout, "B")), (vec![a], vec![b]));
}

#[test]
fn windows_that_come_before_any_output_come_together() {
    let mut layout = Layout::new(Options { mode: Mode::Tiling, ..Options::default() });
    let ids = [(); 2].map(|()| layout.add(NewWindow::default()));
    for id in ids {
        layout.map(id, size(10, 10), false);
    }
    assert_eq!((layout.workspaces().len(), layout.focused()), (1, Some(ids[0])));
    layout.set_output(&name("A"), AREA, AREA);
    assert_eq!(seen(&mut layout, "A"), ids);
}

#[test]
fn a_floating_window_returns_to_its_exact_place() {
    let mut layout = two();
    let a = map(&mut layout);
    layout.set_floating(a, true);
    layout.move_direction(a, crate::desktop::layout::geometry::Direction::Right, 900);
    let before = rect_of(&mut layout, a);
    layout.remove_output(&name("A"));
    assert!(rect_of(&mut layout, a).overlaps(OTHER));
    layout.set_output(&name("A"), AREA, AREA);
    assert_eq!(rect_of(&mut layout, a), before);
}

#[test]
fn a_workspace_exists_while_it_is_shown_kept_or_not_empty() {
    let mut layout = layout(Mode::Tiling);
    let labels = |layout: &Layout| layout.workspaces().iter().map(|w| w.label.to_string()).collect::<Vec<_>>();
    layout.show(&Target::Label("web".into()));
    layout.show(&number(4));
    assert_eq!(labels(&layout), ["4"]);
    map(&mut layout);
    layout.show(&Target::Label("web".into()));
    layout.show(&Target::New);
    assert_eq!(labels(&layout), ["1", "4"]);
    let four = layout.labelled(&Label::Number(4)).map(|workspace| workspace.id).expect("it is there");
    layout.keep(active(&layout, "A"), true);
    layout.show(&Target::Id(four));
    assert_eq!(labels(&layout), ["1", "4"]);
    assert!(!layout.rename(four, Label::Number(1)) && layout.rename(four, "mail".into()));
    assert_eq!(labels(&layout), ["1", "mail"]);
}

#[test]
fn a_declared_workspace_waits_for_its_output() {
    let mut layout = layout(Mode::Tiling);
    let mail = layout.declare(&"mail".into(), Some(&name("B")));
    layout.show(&Target::Id(mail));
    let a = map(&mut layout);
    assert_eq!(seen(&mut layout, "A"), [a], "on the output that is there");
    layout.set_output(&name("B"), OTHER, OTHER);
    assert_eq!((seen(&mut layout, "A"), seen(&mut layout, "B")), (vec![], vec![a]));
    layout.declare(&"mail".into(), Some(&name("A")));
    assert_eq!(rect_of(&mut layout, a), AREA);
}

#[test]
fn next_previous_and_last_lead_around() {
    let mut layout = layout(Mode::Tiling);
    for label in [1, 3, 5] {
        layout.show(&number(label));
        map(&mut layout);
    }
    let steps = [(Target::Next, "1"), (Target::Previous, "5"), (Target::Previous, "3"), (Target::Last, "5")];
    for (target, expected) in steps {
        layout.show(&target);
        assert_eq!(label(&layout, "A"), expected);
    }
}

#[test]
fn a_workspace_is_shown_where_it_is() {
    let mut layout = two();
    map(&mut layout);
    layout.focus_output(&name("B"));
    layout.show(&number(1));
    assert_eq!(layout.focused_output().map(|output| output.name.clone()), Some(name("A")));
    let one = active(&layout, "A");
    assert!(layout.move_workspace(one, &name("B")));
    assert_eq!((active(&layout, "B"), label(&layout, "A").as_str()), (one, "2"));
    layout.remove_output(&name("B"));
    layout.set_output(&name("B"), OTHER, OTHER);
    assert_eq!(active(&layout, "B"), one, "it belongs there now");
}

#[test]
fn a_window_goes_to_a_workspace_with_or_without_the_focus() {
    let mut layout = two();
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    assert!(layout.move_to_workspace(a, &number(5), false));
    assert_eq!((seen(&mut layout, "A"), layout.focused()), (vec![b], Some(b)));
    assert!(layout.move_to_output(b, &name("B")));
    assert_eq!((layout.focused(), rect_of(&mut layout, b)), (Some(b), OTHER));
    assert!(layout.move_to_workspace(b, &number(5), true));
    assert_eq!((seen(&mut layout, "A"), layout.focused()), (vec![a, b], Some(b)));
}

#[test]
fn what_layer_surfaces_take_is_left_free() {
    let mut layout = layout(Mode::Tiling);
    let a = map(&mut layout);
    layout.set_output(&name("A"), AREA, rect(0, 30, 1200, 870));
    assert_eq!(rect_of(&mut layout, a), rect(0, 30, 1200, 870));
    layout.set_output(&name("A"), AREA, rect(5000, 0, 1, 1));
    assert_eq!(rect_of(&mut layout, a), AREA, "what is not on the output takes nothing");
}

#[test]
fn only_what_has_changed_is_placed_again() {
    let mut layout = two();
    map(&mut layout);
    layout.focus_output(&name("B"));
    let b = map(&mut layout);
    let versions = |layout: &mut Layout| layout.arrange().outputs().map(|shown| shown.version).collect::<Vec<_>>();
    let before = versions(&mut layout);
    assert_eq!(versions(&mut layout), before);
    layout.set_maximised(b, true);
    let after = versions(&mut layout);
    assert_eq!((after[0], after[1] > before[1]), (before[0], true));
}
