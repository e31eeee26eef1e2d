//! Commits on their way to Smithay: alone, cached until the parent commits, or as a group.
//!
//! For Smithay every surface is a root, so it knows one transaction for each surface. A group is
//! several of them, with one blocker; see [`crate::surface::gate`]. What a client has requested of
//! a surface since its cached commit is put aside while Smithay commits the cached state.
//!
//! Nothing here makes a content or raises a protocol error.

use std::sync::Arc;

use fence::AcquireState;
use protocols::ObjectObserver;
use smithay::{
    reexports::wayland_server::{
        Client, DataInit, Dispatch, DisplayHandle, Resource,
        backend::ClientId,
        protocol::wl_surface::{self, WlSurface},
    },
    wayland::compositor::{CompositorState, SurfaceUserData, add_blocker, with_states},
};

use crate::{
    config::limits::{Kind, PENDING_PER_SURFACE},
    session::{
        Syncline, checks,
        commit::{order::Barriers, wait},
    },
    surface::{
        SurfaceState,
        apply::{Attach, CommitUpdate},
        budget::Charge,
        cached::CachedState,
        content::Content,
        gate::{Gate, Group, GroupGate, Member, PendingCommit},
        id_of,
        limits::Forest,
        overtake::overtaken,
        tree::cache::Members,
    },
    system::id::SurfaceId,
};

/// What Smithay's handlers of requests are called with.
pub struct Requester<'a, 'b> {
    pub client: &'a Client,
    pub data_init: &'a mut DataInit<'b, Syncline>,
}

impl Dispatch<WlSurface, SurfaceUserData> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        surface: &WlSurface,
        request: wl_surface::Request,
        data: &SurfaceUserData,
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        state.note_creation(client, WlSurface::interface(), request.opcode());
        if !checks::surface::check_request(state, surface, &request) {
            return;
        }
        match request {
            wl_surface::Request::Commit => state.commit_requested(surface, &mut Requester { client, data_init }),
            wl_surface::Request::GetRelease { callback } => {
                protocols::surface_release::ask(surface, data_init.init(callback, ()));
            }
            request => {
                if matches!(request, wl_surface::Request::Destroy) {
                    state.leave_input(surface);
                    state.leave_orphans(surface, &mut Requester { client, data_init });
                }
                let simplify = checks::regions::simplifier(&request);
                <CompositorState as Dispatch<_, _, Self>>::request(
                    state, client, surface, request, data, display, data_init,
                );
                simplify.into_iter().for_each(|simplify| simplify(surface));
            }
        }
    }

    fn destroyed(state: &mut Self, client: ClientId, surface: &WlSurface, data: &SurfaceUserData) {
        state.note_destroyed(&client, &surface.id());
        if !state.pace.behind.is_empty() {
            let gone = with_states(surface, |states| SurfaceState::of(states).id);
            state.pace.behind.retain(|update| update.members.iter().all(|member| member.surface != gone));
        }
        <CompositorState as Dispatch<_, _, Self>>::destroyed(state, client, surface, data);
    }
}

/// An attached buffer at the moment when its commit is submitted.
enum Acquired {
    /// It may be read, or its fence has failed: `replaces` is false then.
    Resolved {
        replaces: bool,
    },
    Pending(Arc<PendingCommit>),
}

impl Syncline {
    fn commit_requested(&mut self, surface: &WlSurface, by: &mut Requester<'_, '_>) {
        if !checks::check_commit(self, surface) {
            return;
        }
        protocols::layer_shell::note_commit(surface);
        let id = id_of(surface);
        let synchronised = self.desktop.trees.is_sync(id);
        let barriers = self.prepare_commit(surface, synchronised);
        if let Some(tree) = self.desktop.trees.take_update(id) {
            with_states(surface, |states| {
                states.cached_state.get::<CommitUpdate>().pending().rare.get_or_insert_default().tree = tree;
            });
        }
        if synchronised {
            let state = with_states(surface, |states| CachedState::take(states, &self.display));
            return self.cached.hold(&mut self.desktop.trees, id, state);
        }
        let mut members = self.cached.take(&mut self.desktop.trees, id);
        if members.is_empty() {
            self.submit_alone(surface, id, barriers, by);
        } else {
            members.push((id, with_states(surface, |states| CachedState::take(states, &self.display))));
            self.submit_group(members, barriers, by);
        }
    }

    /// A surface is about to be destroyed: its children are roots from now on, and what is cached
    /// for them is applied.
    fn leave_orphans(&mut self, surface: &WlSurface, by: &mut Requester<'_, '_>) {
        let id = id_of(surface);
        let trees = &mut self.desktop.trees;
        let mut released = Vec::new();
        for child in trees.children(&id) {
            released.extend(self.cached.release_subtree(trees, child));
        }
        self.cached.forget(trees, id);
        trees.remove(id);
        released.into_iter().for_each(|members| self.submit_group(members, Barriers::new(), by));
    }

    /// Submits the pending state of a surface.
    fn submit_alone(&mut self, surface: &WlSurface, id: SurfaceId, barriers: Barriers, by: &mut Requester<'_, '_>) {
        let held = !barriers.is_empty();
        let mut waits = held;
        barriers.into_iter().for_each(|barrier| add_blocker(surface, barrier));
        let member = |content: Option<Arc<Content>>, serial, replaces| Member {
            surface: id,
            first: serial,
            end: serial + 1,
            content,
            replaces,
        };
        let (attach, acked, serial) = with_states(surface, |states| {
            let mut update = states.cached_state.get::<CommitUpdate>();
            let update = update.pending();
            let attach = match &update.attach {
                None => None,
                Some(Attach::Removed) => Some(None),
                Some(Attach::Buffer(content)) => Some(Some(content.clone())),
            };
            (attach, update.acked(), SurfaceState::of(states).serial)
        });
        if let Some(barrier) = acked.and_then(|acked| self.hold_answer(surface, acked, serial)) {
            waits = true;
            add_blocker(surface, barrier);
        }
        let (mut superseded, mut ready) = (Vec::new(), true);
        match attach {
            None => {}
            Some(None) => superseded = self.overtake(&[member(None, serial, true)]),
            Some(Some(content)) => match self.acquired(&content, false, by.client) {
                Acquired::Resolved { replaces: true } => {
                    superseded = self.overtake(&[member(Some(content), serial, true)]);
                }
                Acquired::Resolved { replaces: false } => {}
                Acquired::Pending(pending) => {
                    (waits, ready) = (true, false);
                    if held {
                        pending.keep_order();
                    }
                    superseded = self.add_pending(surface, &pending);
                    add_blocker(surface, Gate(pending.clone()));
                    self.wait_or_defer(surface, pending);
                }
            },
        }
        // Older commits that still wait for their fences: this one can be shown, or there are too
        // many.
        self.supersede(&superseded);
        self.commit_to_smithay(surface, waits, by);
        if ready {
            self.note_ready(surface, serial);
        }
        if self.queue_again {
            self.run_queue(by.client);
        }
    }

    /// Submits states of several surfaces that are to be applied in one go.
    pub fn submit_group(&mut self, mut members: Members<CachedState>, barriers: Barriers, by: &mut Requester<'_, '_>) {
        let now = self.now;
        let mut group = Group { barriers: barriers.into_vec(), ..Group::default() };
        members.retain(|(id, _)| self.desktop.trees.handle(*id).is_some());
        let surfaces: Vec<_> =
            members.iter().filter_map(|(id, _)| Some((*id, self.desktop.trees.handle(*id)?.clone()))).collect();
        let (mut superseded, mut holds) = (Vec::new(), Vec::new());
        for ((id, surface), (_, state)) in surfaces.iter().zip(&members) {
            let update = state.update();
            let serial = with_states(surface, |states| {
                let mut state = SurfaceState::of(states);
                group.predecessors.extend(state.transactions.outstanding());
                let time = update.map(|update| update.not_before).filter(|at| *at > now);
                group.barriers.extend(time.map(|at| state.order.get_or_insert_default().wait_until(at)));
                state.serial
            });
            let acked = update.and_then(CommitUpdate::acked);
            holds.extend(acked.and_then(|acked| self.hold_answer(surface, acked, serial)));
            let (mut first, mut end) = (serial + 1, serial + 1);
            let (mut content, mut replaces) = (None, false);
            match update.and_then(|update| update.attach.as_ref()) {
                None => {}
                Some(Attach::Removed) => replaces = true,
                Some(Attach::Buffer(attached)) => {
                    (first, end) = (attached.serial, attached.serial + 1);
                    content = Some(attached.clone());
                    match self.acquired(attached, true, by.client) {
                        Acquired::Resolved { replaces: ready } => replaces = ready,
                        Acquired::Pending(pending) => {
                            superseded.extend(self.add_pending(surface, &pending));
                            group.pending.push(pending);
                        }
                    }
                }
            }
            group.members.push(Member { surface: *id, first, end, content, replaces });
        }
        if !group.barriers.is_empty() {
            // Earlier commits must be shown before it.
            for (_, surface) in &surfaces {
                with_states(surface, |s| SurfaceState::of(s).pending.iter().for_each(|p| p.keep_order()));
                self.pace.watch(surface);
            }
        }
        group.barriers.extend(holds);
        if group.pending.is_empty() {
            superseded.extend(self.overtake(&group.members));
        }
        self.supersede(&superseded);
        let group = Arc::new(group);
        let waits = !group.is_ready();
        if waits {
            group.pending.iter().for_each(|pending| pending.join(&group));
            surfaces.iter().for_each(|(_, surface)| add_blocker(surface, GroupGate(group.clone())));
        }
        for ((_, surface), (_, state)) in surfaces.iter().zip(&mut members) {
            with_states(surface, |states| state.swap(states));
            self.commit_to_smithay(surface, waits, by);
            with_states(surface, |states| state.swap(states));
        }
        members.clear();
        self.cached.recycle(members);
        if group.pending.is_empty() {
            self.note_group_ready(&group);
        }
        for pending in &group.pending {
            let surface = surfaces.iter().find(|(id, _)| *id == pending.content.surface);
            surface.into_iter().for_each(|(_, surface)| self.wait_or_defer(surface, pending.clone()));
        }
        if self.queue_again || !superseded.is_empty() {
            self.run_queue(by.client);
        }
    }

    /// No fence of a group is waited for any more.
    pub fn note_group_ready(&mut self, group: &Group) {
        if self.holds.is_empty() {
            return;
        }
        for member in &group.members {
            if let Some(surface) = self.desktop.trees.handle(member.surface).cloned() {
                self.note_ready(&surface, member.end - 1);
            }
        }
    }

    /// `waits`: something blocks the commit.
    fn commit_to_smithay(&mut self, surface: &WlSurface, waits: bool, by: &mut Requester<'_, '_>) {
        let Some(data) = surface.data::<SurfaceUserData>() else { return };
        if with_states(surface, |states| SurfaceState::of(states).transactions.submit(waits)) {
            self.restrain(by.client, self.client_state(by.client).budget.take(Kind::QueuedCommits, 1));
        }
        let display = self.display.clone();
        let commit = wl_surface::Request::Commit;
        <CompositorState as Dispatch<_, _, Self>>::request(
            self,
            by.client,
            surface,
            commit,
            data,
            &display,
            by.data_init,
        );
    }

    /// The state of a content's acquire, now that its commit is submitted, alone or in a group.
    fn acquired(&self, content: &Arc<Content>, grouped: bool, client: &Client) -> Acquired {
        // Without explicit synchronisation the fences in the memory are the acquire.
        let advanced = self.advance(content, grouped && content.acquire_by.is_explicit());
        // An error here (no descriptors left, for example) leaves the acquire pending; the latch
        // checks it again.
        let resolved = advanced.unwrap_or_else(|error| {
            tracing::debug!("surface {} commit {}: acquire: {error}", content.surface, content.serial);
            content.acquire_state()
        });
        match resolved {
            AcquireState::Signalled { .. } | AcquireState::Failed(_) => {
                if content.acquire_by.is_explicit() {
                    wait::trace_acquire(content, self.now, "ready", self.now);
                }
                Acquired::Resolved { replaces: !matches!(resolved, AcquireState::Failed(_)) }
            }
            AcquireState::Unmaterialised | AcquireState::Pending => {
                let budget = &self.client_state(client).budget;
                let (charge, taken) = Charge::new(budget, Kind::PendingAcquires, 1);
                // Points are given up while their client cannot be ended.
                self.restrain(client, taken.and(budget.take(Kind::Eventfds, 0)));
                Acquired::Pending(Arc::new(PendingCommit::new(content.clone(), self.now, Some(charge))))
            }
        }
    }

    /// Adds a pending commit of a surface. Returns those that are given up for it.
    fn add_pending(&mut self, surface: &WlSurface, pending: &Arc<PendingCommit>) -> Vec<Arc<PendingCommit>> {
        self.pace.await_fence(surface);
        let oldest = with_states(surface, |states| {
            let list = &mut SurfaceState::of(states).pending;
            list.push_back(pending.clone());
            if list.len() > PENDING_PER_SURFACE { list.pop_front() } else { None }
        });
        let mut given_up: Vec<_> = oldest.into_iter().collect();
        if let Some(group) = given_up.first().and_then(|oldest| oldest.group()) {
            given_up.extend(group.pending.iter().filter(|pending| pending.is_closed()).cloned());
            given_up.dedup_by(|a, b| Arc::ptr_eq(a, b));
            self.forget_pending(&given_up);
            group.give_up();
        }
        given_up
    }

    /// Takes from their surfaces' lists the pending commits that a newer update supersedes.
    pub fn overtake(&mut self, newer: &[Member]) -> Vec<Arc<PendingCommit>> {
        if let [member] = newer
            && let Some(surface) = self.desktop.trees.handle(member.surface)
        {
            let older = with_states(surface, |states| {
                let mut state = SurfaceState::of(states);
                let first = state.pending.iter().take_while(|p| p.content.serial < member.first).count();
                // Without a group each commit stands for itself.
                state.pending.iter().all(|p| p.group().is_none()).then(|| state.overtake(first))
            });
            if let Some(older) = older {
                return older;
            }
        }
        let older = self.take_overtaken(newer);
        if older.is_empty()
            && self.is_behind(newer)
            && let Some(client) = newer.iter().find_map(|member| self.desktop.trees.handle(member.surface)?.client())
        {
            self.pace.wait_behind(client.id(), newer);
        }
        older
    }

    fn take_overtaken(&self, newer: &[Member]) -> Vec<Arc<PendingCommit>> {
        let list = |id| {
            let of = |surface| with_states(surface, |s| SurfaceState::of(s).pending.iter().cloned().collect());
            self.desktop.trees.handle(id).map_or_else(Vec::new, of)
        };
        let older = overtaken(newer, list);
        self.forget_pending(&older);
        older
    }

    /// Whether something is pending of before this update.
    fn is_behind(&self, newer: &[Member]) -> bool {
        newer.iter().any(|member| {
            self.desktop.trees.handle(member.surface).is_some_and(|surface| {
                with_states(surface, |s| SurfaceState::of(s).pending.iter().any(|p| p.content.serial < member.first))
            })
        })
    }

    /// A commit of a client's group is not pending any more: updates that waited behind the group may
    /// supersede the rest of it.
    pub fn overtake_again(&mut self, client: &Client) {
        let id = client.id();
        if !self.pace.behind.iter().any(|update| update.client == id) {
            return;
        }
        let (mut behind, mut superseded) = (std::mem::take(&mut self.pace.behind), Vec::new());
        behind.retain(|update| {
            if update.client != id {
                return true;
            }
            let older = self.take_overtaken(&update.members);
            let waits = older.is_empty() && self.is_behind(&update.members);
            superseded.extend(older);
            waits
        });
        self.pace.behind = behind;
        self.supersede(&superseded);
    }

    fn forget_pending(&self, gone: &[Arc<PendingCommit>]) {
        for commit in gone {
            let Some(surface) = self.desktop.trees.handle(commit.content.surface) else { continue };
            with_states(surface, |s| SurfaceState::of(s).pending.retain(|p| !Arc::ptr_eq(p, commit)));
        }
    }

    /// Applies what nothing blocks any more of a client's commits.
    pub fn run_queue(&mut self, client: &Client) {
        let display = self.display.clone();
        loop {
            self.queue_again = false;
            self.client_state(client).compositor.blocker_cleared(self, &display);
            // A group is let through when Smithay looks at it after its predecessors were applied.
            if !self.queue_again {
                return;
            }
        }
    }
}
