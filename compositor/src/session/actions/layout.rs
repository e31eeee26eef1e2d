//! Actions on the layout: windows, columns, workspaces, outputs. The model changes, and the screen
//! follows ([`crate::session::windows::arrange`]).
//!
//! An action that finds nothing to change is done; one that lacks what it acts on says what.

use crate::{
    actions::action::{self, Action, Arrangement, Number, Part, Stacking, Step, Switch, Walk},
    desktop::layout::{
        column,
        geometry::{Direction, Edges, Point, Size},
        options::Mode,
        window::{Fullscreen, Snap, WindowState},
        workspace::{Label, OutputName},
        workspaces::Target,
    },
    session::Syncline,
    system::id::{WindowId, WorkspaceId},
};

impl Syncline {
    /// Performs an action on the layout.
    pub(super) fn change_layout(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Workspace(_) | Action::MoveToWorkspace(..) | Action::MoveWorkspace(_) => self.change_shown(action),
            Action::RenameWorkspace(_) | Action::KeepWorkspace(_) | Action::Layout(_) | Action::Equalise => {
                self.change_workspace(action)
            }
            Action::Focus(_) | Action::FocusUrgent | Action::FocusLast | Action::FocusOutput(_) => {
                self.move_focus(action)
            }
            Action::SwitchWindow(walk) => self.switch_window(*walk),
            Action::FocusWindow(step) => self.focus_in_order(*step),
            Action::Columns(_) | Action::Gap(_) => self.change_options(action),
            Action::Scratchpad => {
                self.desktop.layout.toggle_scratchpad().then_some(()).ok_or("the scratchpad is empty".to_owned())
            }
            Action::Unminimise => self.unminimise(),
            _ => {
                let id = self.focused_id()?;
                self.change_window(id, action)
            }
        }?;
        self.arrange_windows();
        Ok(())
    }

    fn focused_id(&self) -> Result<WindowId, String> {
        self.desktop.layout.focused().ok_or_else(|| "no window has the focus".to_owned())
    }

    fn current_workspace(&self) -> Result<WorkspaceId, String> {
        self.desktop.layout.current().ok_or_else(|| "there is no workspace without an output".to_owned())
    }

    /// Performs an action on the window with the focus.
    fn change_window(&mut self, id: WindowId, action: &Action) -> Result<(), String> {
        let layout = &mut self.desktop.layout;
        let Some(window) = layout.window(id).cloned() else { return Err("the window is gone".to_owned()) };
        let is = |of: fn(&WindowState) -> bool, switch: &Switch| switch.of(of(&window));
        match action {
            Action::Move(to, by) => layout.move_direction(id, direction(*to), *by),
            Action::MoveTo(x, y) => layout.move_to(id, Point { x: *x, y: *y }),
            Action::MoveToOutput(output) => {
                let to = self.output_meant(output)?;
                self.desktop.layout.move_to_output(id, &to)
            }
            Action::SetSize(w, h) => layout.set_size(id, Size { w: *w, h: *h }),
            Action::Grow(dw, dh) => layout.grow(id, *dw, *dh),
            Action::MoveEdge(edge, by) => {
                let (edges, by) = outwards(direction(*edge), *by);
                layout.resize(id, edges, by)
            }
            Action::Float(switch) => layout.set_floating(id, is(|window| window.floats, switch)),
            Action::Sticky(switch) => layout.set_sticky(id, is(|window| window.sticky, switch)),
            Action::Above(switch) => layout.set_above(id, is(|window| window.above, switch)),
            Action::Minimise(switch) => layout.set_minimised(id, is(|window| window.minimised, switch)),
            Action::Maximise(switch) => layout.set_maximised(id, is(|window| window.maximised, switch)),
            Action::Fullscreen(switch, output) => {
                let on = is(WindowState::covers, switch) || output.is_some() && *switch != Switch::Off;
                let to = output.as_deref().map(|name| self.output_named(name)).transpose()?;
                self.desktop.layout.set_fullscreen(id, on.then_some(Fullscreen::Real), to.as_ref())
            }
            Action::PretendFullscreen(switch) => {
                let on = is(|window| window.fullscreen == Some(Fullscreen::Pretended), switch);
                layout.set_fullscreen(id, on.then_some(Fullscreen::Pretended), None)
            }
            Action::Snap(to) => layout.snap(id, to.map(snap)),
            Action::Urgent(switch) => layout.set_urgent(id, is(|window| window.urgent, switch)),
            Action::ToScratchpad => layout.to_scratchpad(id),
            Action::LeaveScratchpad => layout.leave_scratchpad(id),
            Action::JoinColumn(to) => layout.join_column(id, direction(*to)),
            Action::Column(stacking) => {
                let to = self.stacking_meant(id, *stacking)?;
                self.desktop.layout.set_stacking(id, to)
            }
            Action::SplitWidth(part) => match *part {
                Part::Of(numerator, denominator) => layout.set_width(id, (numerator, denominator)),
                Part::Percent(by) => layout.grow(id, percent(layout.working_of(id).w, by), 0),
                Part::Pixels(by) => layout.grow(id, by, 0),
            },
            Action::SplitHeight(part) => match *part {
                Part::Of(numerator, denominator) => layout.set_height(id, (numerator, denominator)),
                Part::Percent(by) => layout.grow(id, 0, percent(layout.working_of(id).h, by)),
                Part::Pixels(by) => layout.grow(id, 0, by),
            },
            // `perform` has the others.
            _ => false,
        };
        Ok(())
    }

    fn stacking_meant(&self, id: WindowId, stacking: Stacking) -> Result<column::Stacking, String> {
        let layout = &self.desktop.layout;
        let workspace = layout.window(id).and_then(|window| layout.workspace(window.workspace?));
        let column = workspace.and_then(|workspace| workspace.columns.get(workspace.column_of(id)?));
        let now = column.ok_or("the window is in no column: it floats")?.stacking;
        Ok(match (stacking, now) {
            (Stacking::Stacked, _) | (Stacking::Toggle, column::Stacking::Tabbed) => column::Stacking::Stacked,
            (Stacking::Tabbed, _) | (Stacking::Toggle, column::Stacking::Stacked) => column::Stacking::Tabbed,
        })
    }

    fn change_shown(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Workspace(workspace) => self.desktop.layout.show(&target(workspace)),
            Action::MoveToWorkspace(workspace, follow) => {
                let id = self.focused_id()?;
                self.desktop.layout.move_to_workspace(id, &target(workspace), *follow)
            }
            Action::MoveWorkspace(output) => {
                let (id, to) = (self.current_workspace()?, self.output_meant(output)?);
                self.desktop.layout.move_workspace(id, &to)
            }
            _ => false,
        };
        Ok(())
    }

    fn change_workspace(&mut self, action: &Action) -> Result<(), String> {
        let id = self.current_workspace()?;
        let layout = &mut self.desktop.layout;
        let Some(workspace) = layout.workspace(id) else { return Err("the workspace is gone".to_owned()) };
        let (mode, kept) = (workspace.mode, workspace.kept);
        match action {
            Action::RenameWorkspace(to) => {
                let Target::Label(label) = target(to) else {
                    return Err("a workspace is named by a number or a word".to_owned());
                };
                let name = label.to_string();
                if !layout.rename(id, label) {
                    return Err(format!("another workspace is named {name}"));
                }
                true
            }
            Action::KeepWorkspace(switch) => layout.keep(id, switch.of(kept)),
            Action::Layout(arrangement) => {
                let to = match (arrangement, mode) {
                    (Arrangement::Tiling, _) | (Arrangement::Toggle, Mode::Floating) => Mode::Tiling,
                    (Arrangement::Floating, _) | (Arrangement::Toggle, Mode::Tiling) => Mode::Floating,
                };
                layout.set_mode(id, to)
            }
            Action::Equalise => layout.equalise(id),
            _ => false,
        };
        Ok(())
    }

    fn move_focus(&mut self, action: &Action) -> Result<(), String> {
        let layout = &mut self.desktop.layout;
        match action {
            Action::Focus(to) => layout.focus_direction(direction(*to)),
            Action::FocusUrgent => {
                let urgent = layout.windows().filter(|(_, window)| window.urgent && window.mapped);
                let last = urgent.max_by_key(|(id, window)| (window.used, *id)).map(|(id, _)| id);
                layout.focus(last.ok_or("no window wants attention")?)
            }
            Action::FocusLast => {
                let last = layout.by_use().into_iter().find(|id| Some(*id) != layout.focused());
                layout.focus(last.ok_or("there is no other window")?)
            }
            Action::FocusOutput(output) => {
                let to = self.output_meant(output)?;
                self.desktop.layout.focus_output(&to)
            }
            _ => false,
        };
        Ok(())
    }

    fn switch_window(&mut self, walk: Walk) -> Result<(), String> {
        match walk {
            Walk::Next => self.desktop.layout.cycle(true),
            Walk::Previous => self.desktop.layout.cycle(false),
            Walk::Done => {
                self.desktop.layout.end_cycle();
                true
            }
        };
        Ok(())
    }

    /// Focuses the window of the current workspace that came after the one with the focus, or before it;
    /// the first after the last.
    fn focus_in_order(&mut self, step: Step) -> Result<(), String> {
        let on = self.current_workspace()?;
        let layout = &mut self.desktop.layout;
        let there = |window: &WindowState| window.is_shown() && window.workspace == Some(on);
        let windows: Vec<_> = layout.windows().filter(|(_, window)| there(window)).map(|(id, _)| id).collect();
        let count = windows.len();
        let at = layout.focused().and_then(|focused| windows.iter().position(|id| *id == focused));
        let to = match (at, step) {
            (None, Step::Next) => 0,
            (None, Step::Previous) => count.saturating_sub(1),
            (Some(at), Step::Next) => (at + 1) % count,
            (Some(at), Step::Previous) => (at + count - 1) % count,
        };
        layout.focus(*windows.get(to).ok_or("there is no window")?);
        Ok(())
    }

    /// Shows the window of the current workspace again that was minimised and used last.
    fn unminimise(&mut self) -> Result<(), String> {
        let on = self.current_workspace()?;
        let layout = &mut self.desktop.layout;
        let there = |window: &WindowState| window.mapped && window.minimised && window.workspace == Some(on);
        let hidden = layout.windows().filter(|(_, window)| there(window));
        let last = hidden.max_by_key(|(id, window)| (window.used, *id)).map(|(id, _)| id);
        layout.focus(last.ok_or("no window is minimised here")?);
        Ok(())
    }

    fn change_options(&mut self, action: &Action) -> Result<(), String> {
        let mut options = *self.desktop.layout.options();
        let changed = |now: i64, number: &Number| match *number {
            Number::Is(number) => i64::from(number),
            Number::By(by) => now + i64::from(by),
        };
        match action {
            Action::Columns(number) => {
                options.columns = changed(options.columns as i64, number).clamp(1, 1000) as usize;
            }
            Action::Gap(number) => {
                options.gap = changed(options.gap.into(), number).clamp(0, 4096) as i32;
                options.outer_gap = options.gap;
            }
            _ => {}
        }
        self.desktop.layout.set_options(options);
        Ok(())
    }

    fn output_named(&self, name: &str) -> Result<OutputName, String> {
        let found = self.desktop.layout.outputs().iter().find(|output| *output.name.0 == *name);
        found.map(|output| output.name.clone()).ok_or_else(|| format!("there is no output `{name}`"))
    }

    fn output_meant(&self, output: &action::Output) -> Result<OutputName, String> {
        let layout = &self.desktop.layout;
        let beside = |step: usize| {
            let names = layout.outputs();
            let focused = layout.focused_output()?;
            let at = names.iter().position(|output| output.name == focused.name)?;
            names.get((at + step) % names.len()).map(|output| output.name.clone())
        };
        let found = match output {
            action::Output::Named(name) => return self.output_named(name),
            action::Output::Beside(to) => layout.output_towards(direction(*to)).map(|output| output.name.clone()),
            action::Output::Next => beside(1),
            action::Output::Previous => beside(layout.outputs().len().saturating_sub(1)),
        };
        found.ok_or_else(|| "there is no output there".to_owned())
    }
}

fn direction(to: action::Direction) -> Direction {
    match to {
        action::Direction::Left => Direction::Left,
        action::Direction::Right => Direction::Right,
        action::Direction::Up => Direction::Up,
        action::Direction::Down => Direction::Down,
    }
}

/// An edge, and how far it moves to the right and down if it moves outwards by so much.
fn outwards(edge: Direction, by: i32) -> (Edges, (i32, i32)) {
    match edge {
        Direction::Left => (Edges { left: true, ..Edges::NONE }, (by.saturating_neg(), 0)),
        Direction::Right => (Edges { right: true, ..Edges::NONE }, (by, 0)),
        Direction::Up => (Edges { top: true, ..Edges::NONE }, (0, by.saturating_neg())),
        Direction::Down => (Edges { bottom: true, ..Edges::NONE }, (0, by)),
    }
}

fn percent(of: i32, by: i32) -> i32 {
    let part = i64::from(of) * i64::from(by) / 100;
    part.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

fn target(workspace: &action::Workspace) -> Target {
    match workspace {
        action::Workspace::Number(number) => Target::Label(Label::Number(*number)),
        action::Workspace::Name(name) => Target::Label(Label::Name(name.as_str().into())),
        action::Workspace::Next => Target::Next,
        action::Workspace::Previous => Target::Previous,
        action::Workspace::Last => Target::Last,
        action::Workspace::New => Target::New,
    }
}

fn snap(to: action::Snap) -> Snap {
    match to {
        action::Snap::Left => Snap::Left,
        action::Snap::Right => Snap::Right,
        action::Snap::Top => Snap::Top,
        action::Snap::Bottom => Snap::Bottom,
        action::Snap::TopLeft => Snap::TopLeft,
        action::Snap::TopRight => Snap::TopRight,
        action::Snap::BottomLeft => Snap::BottomLeft,
        action::Snap::BottomRight => Snap::BottomRight,
    }
}
