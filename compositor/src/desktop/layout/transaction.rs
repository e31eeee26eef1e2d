//! Transactions: when a new place of a window applies.
//!
//! ```text
//!  place ─ begin ─→ configure ─ acked ─ committed ─→ all of the group have: their places apply
//!                                                    200 ms are over: they apply without the rest
//! ```
//!
//! Windows that are tiled together change together: until all have committed a buffer of the new
//! size, each keeps its place. One that has committed is *held*: its last content of the old size
//! is shown. The others present as they like. A window that has not answered in time is *late*: its
//! place applies, its content is cut to that, and no transaction waits for it or asks it for
//! another size before it has answered. So a client that hangs, or whose fence does, delays places
//! once, and never a frame.
//!
//! A window has one configure outstanding at most. What is wanted meanwhile is asked for
//! afterwards, the newest only. Nothing here reads a clock, sends anything or knows a buffer: times
//! come with the calls, and `committed` means a commit that may be shown, whose fences have
//! signalled.

use std::collections::BTreeMap;

use fence::Ns;

use crate::{
    desktop::layout::geometry::{Rect, Size},
    system::id::{WindowId, WorkspaceId},
};

/// How long places wait for the windows that have not answered.
pub const PATIENCE: Ns = 200_000_000;

/// The windows that change in one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The tiled windows of a workspace.
    Tiled(WorkspaceId),
    /// A floating window changes alone.
    Alone(WindowId),
}

/// Where a window is to be shown now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub rect: Rect,
    /// Its last content of the old size is to be shown, although it has committed a newer one.
    pub held: bool,
    /// Its content has an older size: it is to be cut to the rectangle.
    pub late: bool,
}

/// A size that a client is to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configure {
    pub window: WindowId,
    /// Empty if the client chooses.
    pub size: Size,
}

/// All windows that have a place, and the groups that wait.
#[derive(Debug, Default)]
pub struct Transactions {
    windows: BTreeMap<WindowId, Member>,
    open: Vec<Open>,
    configures: Vec<Configure>,
}

#[derive(Debug)]
struct Member {
    group: Group,
    /// The size that it was asked for last.
    told: Size,
    /// The size of its content; `None`: not known.
    has: Option<Size>,
    /// The configure that it has not answered by a commit.
    asked: Option<Asked>,
    /// It was not waited for.
    late: bool,
    /// It has answered in the transaction that is open.
    answered: bool,
    /// Where it is shown; `None` before its first transaction.
    shown: Option<Rect>,
    /// Where it will be when the transaction that is open applies.
    target: Option<Rect>,
    /// Where it should be.
    wanted: Option<(Rect, Size)>,
}

#[derive(Debug)]
struct Asked {
    /// `None`: not sent yet.
    serial: Option<u32>,
    acked: bool,
}

/// A group that waits.
#[derive(Debug)]
struct Open {
    group: Group,
    deadline: Ns,
    /// How many of its windows have not answered.
    waiting: usize,
}

impl Member {
    /// Whether the open transaction waits for it.
    fn is_waited_for(&self) -> bool {
        self.target.is_some() && self.asked.is_some() && !self.late
    }
}

impl Transactions {
    /// A window is mapped; `told` is the size of its first configure. It is shown from the first
    /// transaction on that it is part of.
    pub fn add(&mut self, window: WindowId, told: Size) {
        let member = Member {
            group: Group::Alone(window),
            told,
            has: None,
            asked: None,
            late: false,
            answered: false,
            shown: None,
            target: None,
            wanted: None,
        };
        self.windows.insert(window, member);
    }

    /// The content of a window that may be shown has this size: nothing is waited for that is asked
    /// for it.
    pub fn sized(&mut self, window: WindowId, size: Size) {
        if let Some(member) = self.windows.get_mut(&window) {
            member.has = Some(size);
        }
    }

    /// A window is gone. Returns whether places have changed.
    pub fn remove(&mut self, window: WindowId, now: Ns) -> bool {
        self.configures.retain(|configure| configure.window != window);
        let Some(gone) = self.windows.remove(&window) else { return false };
        gone.is_waited_for() && self.count_answer(gone.group, now)
    }

    /// Says where a window should be, and which size it should be asked for.
    /// [`Transactions::begin`] must follow when all windows of the group have been named.
    pub fn place(&mut self, window: WindowId, group: Group, rect: Rect, ask: Size, now: Ns) {
        let Some(member) = self.windows.get_mut(&window) else { return };
        member.wanted = Some((rect, ask));
        if member.group != group {
            self.leave(window, group, now);
        }
    }

    /// Windows that are hidden leave their groups: nobody waits for them. They are shown where they
    /// were until they are named again. Returns whether places have changed.
    pub fn leave_groups(&mut self, hidden: impl Fn(WindowId) -> bool, now: Ns) -> bool {
        let mut changed = false;
        let mut last = None;
        let leaves = |(id, member): &(&WindowId, &Member)| member.wanted.is_some() && hidden(**id);
        while let Some((id, _)) = self.windows.range(following(last)..).find(leaves) {
            let id = *id;
            last = Some(id);
            changed |= self.leave(id, Group::Alone(id), now);
            self.windows.entry(id).and_modify(|member| member.wanted = None);
        }
        changed
    }

    /// A window changes its group. The one that it leaves does not wait for it any more.
    fn leave(&mut self, window: WindowId, to: Group, now: Ns) -> bool {
        let Some(member) = self.windows.get_mut(&window) else { return false };
        let waited = member.is_waited_for();
        let before = std::mem::replace(&mut member.group, to);
        (member.target, member.answered, member.late) = (None, false, member.asked.is_some());
        waited && self.count_answer(before, now)
    }

    /// Begins a transaction for each group that does not wait already and has something to change.
    /// Returns whether places have changed.
    pub fn begin(&mut self, now: Ns) -> bool {
        let mut changed = false;
        let mut last = None;
        while let Some((id, group)) = self.next_to_begin(last) {
            last = Some(id);
            changed |= self.start(group, now);
        }
        changed
    }

    /// The next window after `last` whose group does not wait and that has something to change.
    fn next_to_begin(&self, last: Option<WindowId>) -> Option<(WindowId, Group)> {
        let mut later = self.windows.range(following(last)..);
        let (id, member) = later.find(|(_, member)| differs(member) && !self.is_open(member.group))?;
        Some((*id, member.group))
    }

    /// The sizes that clients are to be asked for. Each must be followed by
    /// [`Transactions::configured`].
    pub fn configures(&mut self) -> impl Iterator<Item = Configure> {
        self.configures.drain(..)
    }

    /// A configure was sent, with its serial; `None`: there was nothing to send, so the window has
    /// the size already. Returns whether places have changed.
    pub fn configured(&mut self, window: WindowId, serial: Option<u32>, now: Ns) -> bool {
        let Some(asked) = self.windows.get_mut(&window).and_then(|member| member.asked.as_mut()) else { return false };
        asked.serial = serial;
        asked.acked = serial.is_none();
        serial.is_none() && self.committed(window, now)
    }

    /// The client acknowledges a configure: this one or a later one counts.
    pub fn acked(&mut self, window: WindowId, serial: u32) {
        if let Some(asked) = self.windows.get_mut(&window).and_then(|member| member.asked.as_mut())
            && let Some(sent) = asked.serial
        {
            // Serials wrap.
            asked.acked |= serial.wrapping_sub(sent) < 1 << 31;
        }
    }

    /// A commit of the window may be shown. Returns whether places have changed, or what is shown
    /// of this window.
    pub fn committed(&mut self, window: WindowId, now: Ns) -> bool {
        let Some(member) = self.windows.get_mut(&window) else { return false };
        if !member.asked.as_ref().is_some_and(|asked| asked.acked) {
            return false;
        }
        let waited = member.is_waited_for();
        let group = member.group;
        member.asked = None;
        member.answered = waited;
        if std::mem::take(&mut member.late) {
            if differs(member) && !self.is_open(group) {
                self.start(group, now);
            }
            return true;
        }
        waited && self.count_answer(group, now)
    }

    /// The time has come to `now`: what has waited for too long applies. Returns whether places
    /// have changed.
    pub fn tick(&mut self, now: Ns) -> bool {
        let mut changed = false;
        while let Some(open) = self.open.iter().find(|open| open.deadline <= now) {
            let group = open.group;
            changed |= self.apply(group, now);
        }
        changed
    }

    /// When [`Transactions::tick`] is due.
    pub fn deadline(&self) -> Option<Ns> {
        self.open.iter().map(|open| open.deadline).min()
    }

    /// Where a window is shown now; `None`: not yet.
    pub fn shown(&self, window: WindowId) -> Option<Shown> {
        let member = self.windows.get(&window)?;
        Some(Shown { rect: member.shown?, held: member.answered, late: member.late })
    }

    /// Whether a group waits for an answer.
    pub fn is_waiting(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether a commit of the window would be the answer that its group waits for, if its client has
    /// acknowledged this configure, and others are waited for beside it.
    pub fn is_answered_before_others(&self, window: WindowId, acked: u32) -> bool {
        let Some(member) = self.windows.get(&window).filter(|member| member.is_waited_for()) else { return false };
        let answers = |asked: &Asked| asked.serial.is_some_and(|sent| acked.wrapping_sub(sent) < 1 << 31);
        member.asked.as_ref().is_some_and(answers)
            && self.open.iter().any(|open| open.group == member.group && open.waiting > 1)
    }

    /// Whether the open transaction of the window's group waits for it, or holds it.
    pub fn awaits_or_holds(&self, window: WindowId) -> bool {
        self.windows.get(&window).is_some_and(|member| member.answered || member.is_waited_for())
    }

    fn is_open(&self, group: Group) -> bool {
        self.open.iter().any(|open| open.group == group)
    }

    /// Asks the windows of a group for their sizes. Without anything to wait for, places apply at
    /// once.
    fn start(&mut self, group: Group, now: Ns) -> bool {
        let mut waiting = 0;
        for (id, member) in self.windows.iter_mut().filter(|(_, member)| member.group == group) {
            let Some((rect, size)) = member.wanted else { continue };
            member.target = Some(rect);
            if member.asked.is_none() && member.told != size {
                member.told = size;
                self.configures.push(Configure { window: *id, size });
                if member.has != Some(size) {
                    member.asked = Some(Asked { serial: None, acked: false });
                    waiting += 1;
                }
            }
        }
        self.open.push(Open { group, deadline: now.saturating_add(PATIENCE), waiting });
        waiting == 0 && self.apply(group, now)
    }

    /// One window less to wait for.
    fn count_answer(&mut self, group: Group, now: Ns) -> bool {
        let Some(open) = self.open.iter_mut().find(|open| open.group == group) else { return false };
        open.waiting = open.waiting.saturating_sub(1);
        open.waiting == 0 && self.apply(group, now)
    }

    /// The places of a group apply. What was wanted meanwhile is asked for next.
    fn apply(&mut self, group: Group, now: Ns) -> bool {
        self.open.retain(|open| open.group != group);
        let mut again = false;
        for member in self.windows.values_mut().filter(|member| member.group == group) {
            if let Some(target) = member.target.take() {
                member.shown = Some(target);
            }
            (member.answered, member.late) = (false, member.asked.is_some());
            again |= differs(member);
        }
        if again {
            self.start(group, now);
        }
        true
    }
}

/// The first window that may follow.
fn following(last: Option<WindowId>) -> WindowId {
    last.map_or(WindowId(0), |last| WindowId(last.0.saturating_add(1)))
}

/// Whether a transaction would change something for a window.
fn differs(member: &Member) -> bool {
    member
        .wanted
        .is_some_and(|(rect, size)| member.shown != Some(rect) || member.asked.is_none() && member.told != size)
}
