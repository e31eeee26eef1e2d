//! Random operations, in any order, with any arguments: the layout never contradicts itself.

use proptest::{prelude::*, sample::Index};

use crate::{
    desktop::layout::{
        Layout,
        column::Stacking,
        geometry::{Direction, Edges, Hints, Point, Rect, Size},
        opening::Opening,
        options::{Mode, Options},
        tests::name,
        window::{Fullscreen, NewWindow, Snap},
        workspace::Label,
        workspaces::Target,
    },
    system::id::{WindowId, WorkspaceId},
};

/// Operations of one case on average, and cases: 100 000 operations.
const STEPS: usize = 200;
const CASES: u32 = 500;

#[derive(Debug, Clone)]
pub(super) enum Op {
    SetOutput(u8, Rect, Rect),
    RemoveOutput(u8),
    Add(Hints, Option<bool>, Option<Index>, bool),
    Open(Index, Box<Opening>),
    Map(Index, Size, bool),
    Unmap(Index),
    Remove(Index),
    Parent(Index, Option<Index>),
    Modal(Index, bool),
    Hints(Index, Hints),
    Committed(Index, Size, bool),
    Maximised(Index, bool),
    Fullscreen(Index, Option<Fullscreen>, Option<u8>),
    Minimised(Index, bool),
    Floating(Index, bool),
    SnapTo(Index, Option<Snap>),
    Sticky(Index, bool),
    Above(Index, bool),
    Urgent(Index, bool),
    ToScratchpad(Index),
    ToggleScratchpad,
    LeaveScratchpad(Index),
    Focus(Index),
    FocusDirection(Direction),
    FocusOutput(u8),
    Cycle(bool),
    EndCycle,
    Show(Which),
    MoveWorkspace(Index, u8),
    Rename(Index, u32),
    Keep(Index, bool),
    Declare(u32, Option<u8>),
    SetMode(Index, Mode),
    MoveDirection(Index, Direction, i32),
    MoveToWorkspace(Index, Which, bool),
    MoveToOutput(Index, u8),
    JoinColumn(Index, Direction),
    Stack(Index, Stacking),
    Resize(Index, Edges, i32, i32),
    Grow(Index, i32, i32),
    Width(Index, u32, u32),
    Height(Index, u32, u32),
    SetSize(Index, Size),
    Equalise(Index),
    BeginMove(Index, Point),
    BeginResize(Index, Edges, Point),
    Drag(Point),
    DropGrab(Point),
    EndGrab,
    Options(Options),
    Preview(Index),
    Arrange,
}

#[derive(Debug, Clone)]
pub(super) enum Which {
    Id(Index),
    Number(u32),
    Next,
    Previous,
    Last,
    New,
}

fn point() -> impl Strategy<Value = Point> {
    let near = (-200..4200i32, -200..2200i32);
    prop_oneof![9 => near, 1 => (far(), far())].prop_map(|(x, y)| Point { x, y })
}

/// What nobody sends by accident.
fn far() -> impl Strategy<Value = i32> {
    prop_oneof![any::<i32>(), Just(i32::MIN), Just(i32::MAX)]
}

fn length() -> impl Strategy<Value = i32> {
    prop_oneof![4 => 0..2000i32, 3 => Just(0), 1 => far()]
}

fn size() -> impl Strategy<Value = Size> {
    (length(), length()).prop_map(|(w, h)| Size { w, h })
}

fn rect() -> impl Strategy<Value = Rect> {
    let usual =
        (0..3u8, 0..2u8).prop_map(|(x, y)| Rect { x: i32::from(x) * 1280, y: i32::from(y) * 1024, w: 1280, h: 1024 });
    prop_oneof![9 => usual, 1 => (point(), size()).prop_map(|(at, size)| Rect::new(at, size))]
}

fn working() -> impl Strategy<Value = Rect> {
    prop_oneof![3 => rect(), 1 => (point(), size()).prop_map(|(at, size)| Rect::new(at, size))]
}

fn hints() -> impl Strategy<Value = Hints> {
    prop_oneof![2 => Just(Hints::default()), 1 => (size(), size()).prop_map(|(min, max)| Hints { min, max })]
}

fn direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::Left, Direction::Right, Direction::Up, Direction::Down])
}

fn edges() -> impl Strategy<Value = Edges> {
    any::<(bool, bool, bool, bool)>().prop_map(|(left, right, top, bottom)| Edges { left, right, top, bottom })
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Tiling, Mode::Floating])
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![
        any::<Index>().prop_map(Which::Id),
        (1..6u32).prop_map(Which::Number),
        Just(Which::Next),
        Just(Which::Previous),
        Just(Which::Last),
        Just(Which::New),
    ]
}

pub(super) fn options() -> impl Strategy<Value = Options> {
    let lengths = prop::collection::vec(prop_oneof![3 => 0..40i32, 1 => far()], 6);
    (lengths, any::<bool>(), 0..5usize, mode()).prop_map(|(l, smart, columns, mode)| Options {
        gap: l[0],
        outer_gap: l[1],
        border: l[2],
        tab_bar: l[3],
        title_bar: l[4],
        snap_distance: l[5],
        smart,
        columns,
        mode,
    })
}

fn fullscreen() -> impl Strategy<Value = Option<Fullscreen>> {
    prop::sample::select(vec![None, Some(Fullscreen::Real), Some(Fullscreen::Pretended)])
}

fn opening() -> impl Strategy<Value = Opening> {
    let place =
        (prop::option::of(1..6u32), prop::option::of(0..3u8), prop::option::of(size()), prop::option::of(point()));
    let states = prop::array::uniform7(prop::option::weighted(0.3, any::<bool>()));
    (place, states).prop_map(|((workspace, output, size, position), states)| {
        let [floating, fullscreen, maximised, minimised, sticky, above, scratchpad] = states;
        Opening {
            floating,
            workspace: workspace.map(Label::Number),
            output: output.map(|number| name(&format!("output {number}"))),
            size,
            position,
            fullscreen,
            maximised,
            minimised,
            sticky,
            above,
            scratchpad,
            title_bar: None,
            focus: None,
            capture: None,
        }
    })
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    use Op::*;
    let id = any::<Index>;
    let flag = any::<bool>;
    let outside = prop_oneof![
        4 => (0..3u8, rect(), working()).prop_map(|(o, area, working)| SetOutput(o, area, working)),
        2 => (0..3u8).prop_map(RemoveOutput),
        1 => options().prop_map(Options),
        2 => Just(Arrange),
    ];
    let clients = prop_oneof![
        8 => (hints(), prop::option::weighted(0.2, flag()), prop::option::weighted(0.2, id()), flag())
            .prop_map(|(hints, floats, on, titled)| Add(hints, floats, on, titled)),
        4 => (id(), opening()).prop_map(|(i, opening)| Open(i, Box::new(opening))),
        10 => (id(), size(), flag()).prop_map(|(i, size, focus)| Map(i, size, focus)),
        2 => id().prop_map(Unmap),
        2 => id().prop_map(Remove),
        4 => (id(), prop::option::weighted(0.8, id())).prop_map(|(i, parent)| Parent(i, parent)),
        2 => (id(), flag()).prop_map(|(i, on)| Modal(i, on)),
        2 => (id(), hints()).prop_map(|(i, hints)| Hints(i, hints)),
        4 => (id(), size(), flag()).prop_map(|(i, size, settled)| Committed(i, size, settled)),
        1 => id().prop_map(Preview),
    ];
    let states = prop_oneof![
        (id(), flag()).prop_map(|(i, on)| Maximised(i, on)),
        (id(), fullscreen(), prop::option::of(0..3u8)).prop_map(|(i, how, on)| Fullscreen(i, how, on)),
        (id(), flag()).prop_map(|(i, on)| Minimised(i, on)),
        (id(), flag()).prop_map(|(i, on)| Floating(i, on)),
        (id(), prop::option::of(prop::sample::select(Snap::ALL.to_vec()))).prop_map(|(i, at)| Op::SnapTo(i, at)),
        (id(), flag()).prop_map(|(i, on)| Sticky(i, on)),
        (id(), flag()).prop_map(|(i, on)| Above(i, on)),
        (id(), flag()).prop_map(|(i, on)| Urgent(i, on)),
        id().prop_map(ToScratchpad),
        Just(ToggleScratchpad),
        id().prop_map(LeaveScratchpad),
    ];
    let focus = prop_oneof![
        3 => id().prop_map(Focus),
        2 => direction().prop_map(FocusDirection),
        1 => (0..3u8).prop_map(FocusOutput),
        2 => flag().prop_map(Cycle),
        1 => Just(EndCycle),
    ];
    let workspaces = prop_oneof![
        4 => which().prop_map(Show),
        1 => (id(), 0..3u8).prop_map(|(i, to)| MoveWorkspace(i, to)),
        1 => (id(), 1..6u32).prop_map(|(i, to)| Rename(i, to)),
        1 => (id(), flag()).prop_map(|(i, on)| Keep(i, on)),
        1 => (1..6u32, prop::option::of(0..3u8)).prop_map(|(label, home)| Declare(label, home)),
        2 => (id(), mode()).prop_map(|(i, mode)| SetMode(i, mode)),
    ];
    let moves = prop_oneof![
        (id(), direction(), prop_oneof![4 => -50..50i32, 1 => far()]).prop_map(|(i, to, by)| MoveDirection(i, to, by)),
        (id(), which(), flag()).prop_map(|(i, to, follow)| MoveToWorkspace(i, to, follow)),
        (id(), 0..3u8).prop_map(|(i, to)| MoveToOutput(i, to)),
        (id(), direction()).prop_map(|(i, to)| JoinColumn(i, to)),
        (id(), prop::sample::select(vec![Stacking::Stacked, Stacking::Tabbed])).prop_map(|(i, how)| Op::Stack(i, how)),
    ];
    let sizes = prop_oneof![
        (id(), edges(), length(), length()).prop_map(|(i, edges, x, y)| Resize(i, edges, x, y)),
        (id(), -300..300i32, -300..300i32).prop_map(|(i, w, h)| Grow(i, w, h)),
        (id(), 0..9u32, 0..9u32).prop_map(|(i, part, of)| Width(i, part, of)),
        (id(), 0..9u32, any::<u32>()).prop_map(|(i, part, of)| Height(i, part, of)),
        (id(), size()).prop_map(|(i, size)| SetSize(i, size)),
        id().prop_map(Equalise),
    ];
    let pointer = prop_oneof![
        2 => (id(), point()).prop_map(|(i, at)| BeginMove(i, at)),
        2 => (id(), edges(), point()).prop_map(|(i, edges, at)| BeginResize(i, edges, at)),
        4 => point().prop_map(Drag),
        2 => point().prop_map(DropGrab),
        1 => Just(EndGrab),
    ];
    prop_oneof![
        2 => outside, 10 => clients, 6 => states, 5 => focus, 4 => workspaces, 4 => moves, 4 => sizes, 6 => pointer,
    ]
}

/// A window that is known, or one that is not.
fn window(layout: &Layout, at: Index) -> WindowId {
    let ids: Vec<_> = layout.windows().map(|(id, _)| id).chain([WindowId(0)]).collect();
    *at.get(&ids)
}

fn workspace(layout: &Layout, at: Index) -> WorkspaceId {
    let ids: Vec<_> = layout.workspaces().iter().map(|workspace| workspace.id).chain([WorkspaceId(0)]).collect();
    *at.get(&ids)
}

fn target(layout: &Layout, which: Which) -> Target {
    match which {
        Which::Id(at) => Target::Id(workspace(layout, at)),
        Which::Number(number) => Target::Label(Label::Number(number)),
        Which::Next => Target::Next,
        Which::Previous => Target::Previous,
        Which::Last => Target::Last,
        Which::New => Target::New,
    }
}

pub(super) fn apply(layout: &mut Layout, op: Op) {
    let output = |number: u8| name(&format!("output {number}"));
    let at = |layout: &Layout, index| window(layout, index);
    match op {
        Op::SetOutput(number, area, working) => layout.set_output(&output(number), area, working),
        Op::RemoveOutput(number) => layout.remove_output(&output(number)),
        Op::Add(hints, floats, on, titled) => {
            let workspace = on.map(|on| workspace(layout, on));
            layout.add(NewWindow { hints, workspace, floats, titled });
        }
        Op::Open(i, opening) => layout.set_opening(at(layout, i), *opening),
        Op::Map(i, size, focus) => _ = layout.map(at(layout, i), size, focus),
        Op::Unmap(i) => _ = layout.unmap(at(layout, i)),
        Op::Remove(i) => _ = layout.remove(at(layout, i)),
        Op::Parent(i, parent) => {
            let parent = parent.map(|parent| at(layout, parent));
            layout.set_parent(at(layout, i), parent);
        }
        Op::Modal(i, on) => _ = layout.set_modal(at(layout, i), on),
        Op::Hints(i, hints) => _ = layout.set_hints(at(layout, i), hints),
        Op::Committed(i, size, settled) => _ = layout.committed(at(layout, i), size, settled),
        Op::Maximised(i, on) => _ = layout.set_maximised(at(layout, i), on),
        Op::Fullscreen(i, how, on) => {
            layout.set_fullscreen(at(layout, i), how, on.map(output).as_ref());
        }
        Op::Minimised(i, on) => _ = layout.set_minimised(at(layout, i), on),
        Op::Floating(i, on) => _ = layout.set_floating(at(layout, i), on),
        Op::SnapTo(i, snap) => _ = layout.snap(at(layout, i), snap),
        Op::Sticky(i, on) => _ = layout.set_sticky(at(layout, i), on),
        Op::Above(i, on) => _ = layout.set_above(at(layout, i), on),
        Op::Urgent(i, on) => _ = layout.set_urgent(at(layout, i), on),
        Op::ToScratchpad(i) => _ = layout.to_scratchpad(at(layout, i)),
        Op::ToggleScratchpad => _ = layout.toggle_scratchpad(),
        Op::LeaveScratchpad(i) => _ = layout.leave_scratchpad(at(layout, i)),
        Op::Focus(i) => {
            let id = at(layout, i);
            assert_eq!(layout.focus(id), layout.window(id).is_some_and(|window| window.mapped));
        }
        Op::FocusDirection(to) => _ = layout.focus_direction(to),
        Op::FocusOutput(to) => _ = layout.focus_output(&output(to)),
        Op::Cycle(forward) => _ = layout.cycle(forward),
        Op::EndCycle => layout.end_cycle(),
        Op::Show(which) => _ = layout.show(&target(layout, which)),
        Op::MoveWorkspace(i, to) => _ = layout.move_workspace(workspace(layout, i), &output(to)),
        Op::Rename(i, to) => _ = layout.rename(workspace(layout, i), Label::Number(to)),
        Op::Keep(i, on) => _ = layout.keep(workspace(layout, i), on),
        Op::Declare(label, home) => _ = layout.declare(&Label::Number(label), home.map(output).as_ref()),
        Op::SetMode(i, mode) => _ = layout.set_mode(workspace(layout, i), mode),
        Op::MoveDirection(i, to, by) => _ = layout.move_direction(at(layout, i), to, by),
        Op::MoveToWorkspace(i, to, follow) => {
            layout.move_to_workspace(at(layout, i), &target(layout, to), follow);
        }
        Op::MoveToOutput(i, to) => _ = layout.move_to_output(at(layout, i), &output(to)),
        Op::JoinColumn(i, to) => _ = layout.join_column(at(layout, i), to),
        Op::Stack(i, how) => _ = layout.set_stacking(at(layout, i), how),
        Op::Resize(i, edges, x, y) => _ = layout.resize(at(layout, i), edges, (x, y)),
        Op::Grow(i, w, h) => _ = layout.grow(at(layout, i), w, h),
        Op::Width(i, part, of) => _ = layout.set_width(at(layout, i), (part, of)),
        Op::Height(i, part, of) => _ = layout.set_height(at(layout, i), (part, of)),
        Op::SetSize(i, size) => _ = layout.set_size(at(layout, i), size),
        Op::Equalise(i) => _ = layout.equalise(workspace(layout, i)),
        Op::BeginMove(i, pointer) => _ = layout.begin_move(at(layout, i), pointer),
        Op::BeginResize(i, edges, pointer) => _ = layout.begin_resize(at(layout, i), edges, pointer),
        Op::Drag(pointer) => _ = layout.drag(pointer),
        Op::DropGrab(pointer) => _ = layout.drop_grab(pointer),
        Op::EndGrab => layout.end_grab(),
        Op::Options(options) => layout.set_options(options),
        Op::Preview(i) => _ = layout.preview(at(layout, i)),
        Op::Arrange => _ = layout.arrange(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_happens_makes_the_layout_contradict_itself(
        options in options(),
        ops in prop::collection::vec(op(), 0..=2 * STEPS),
    ) {
        let mut layout = Layout::new(options);
        for op in ops {
            apply(&mut layout, op);
            layout.verify_invariants();
            layout.verify_arrangement();
        }
    }
}
