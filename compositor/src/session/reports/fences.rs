//! Makes a [`FencesReport`] out of the live contents, the surfaces and the outputs.

use std::sync::Arc;

use fence::{Ns, Predictor};
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::compositor::with_states,
};

use crate::{
    output::holders::Holder,
    report::fences::{BufferUser, FencesReport, Owner, PendingAcquire, UnreleasedBuffer, WaitsFor},
    session::Syncline,
    surface::{
        SurfaceState,
        apply::Attach,
        client::ClientState,
        content::{Content, FenceSnapshot},
    },
};

impl Owner {
    /// The owner of a content. The client is known as long as its surface exists. Reads `/proc`.
    pub fn of(content: &Content, surface: Option<&WlSurface>) -> Self {
        let client_pid = surface.and_then(Resource::client).and_then(|c| c.get_data::<ClientState>()?.pid);
        let client_name = client_pid.and_then(process_name);
        Self { surface: content.surface, commit: content.serial, client_pid, client_name }
    }
}

/// The name of a process, from `/proc/PID/comm`.
pub fn process_name(pid: i32) -> Option<String> {
    Some(std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

/// How a surface uses one of its contents.
#[derive(Debug, Default)]
struct OnSurface {
    current: bool,
    gated: bool,
    predictor: Option<Predictor>,
}

impl OnSurface {
    fn new(content: &Arc<Content>, surface: Option<&WlSurface>) -> Self {
        let look = |surface: &WlSurface| {
            with_states(surface, |states| {
                let state = SurfaceState::of(states);
                Self {
                    current: state.current.as_ref().is_some_and(|c| Arc::ptr_eq(c, content)),
                    gated: state.pending.iter().any(|p| Arc::ptr_eq(&p.content, content)),
                    predictor: state.predictor.as_deref().cloned(),
                }
            })
        };
        surface.filter(|s| s.is_alive()).map(look).unwrap_or_default()
    }
}

impl Syncline {
    /// The answer to `syncline msg fences`.
    pub fn fences_report(&self) -> FencesReport {
        let now = self.clock.now();
        let (mut acquires, mut buffers) = (Vec::new(), Vec::new());
        for content in self.live.iter() {
            let surface = self.desktop.trees.handle(content.surface);
            let on = OnSurface::new(&content, surface);
            let Some(snapshot) = content.snapshot(now, on.predictor.as_ref()) else { continue };
            let owner = Owner::of(&content, surface);
            acquires.extend(self.pending_acquire(&content, &owner, &on, &snapshot, now));
            buffers.push(UnreleasedBuffer {
                users: self.users(&content, &on, &snapshot),
                owner,
                buffer: content.source.id(),
                kind: content.release_by.name().to_owned(),
                point: snapshot.release_point,
                age_ns: snapshot.age_ns,
            });
        }
        FencesReport {
            now_ns: now,
            acquires,
            buffers,
            watchdog_ms: self.config.fences.watchdog,
            watchdog_hits: self.counters.watchdog_hits,
            recent_hits: self.hits.iter().cloned().collect(),
        }
    }

    fn pending_acquire(
        &self,
        content: &Arc<Content>,
        owner: &Owner,
        on: &OnSurface,
        snapshot: &FenceSnapshot,
        now: Ns,
    ) -> Option<PendingAcquire> {
        let acquire = &snapshot.acquire;
        let waits_for = match acquire.state {
            "unmaterialised" => WaitsFor::Submit,
            "pending" if self.is_cached(content) => WaitsFor::Parent,
            "pending" if content.is_awaited() => WaitsFor::Signal,
            "pending" if on.gated => WaitsFor::Latch,
            "pending" => WaitsFor::Hardware,
            _ => return None,
        };
        Some(PendingAcquire {
            owner: owner.clone(),
            state: acquire.state.to_owned(),
            age_ns: acquire.age_ns,
            driver: acquire.driver.clone(),
            timeline: acquire.timeline.clone(),
            point: acquire.point,
            predicted_in_ns: acquire.predicted_ns.map(|at| at as i64 - now as i64),
            waits_for,
            taken_back: acquire.taken_back,
        })
    }

    /// Whether a content waits for the commit of its surface's parent.
    fn is_cached(&self, content: &Arc<Content>) -> bool {
        let mut attaches = self.cached.states().filter_map(|state| state.update()?.attach.as_ref());
        attaches.any(|attach| matches!(attach, Attach::Buffer(cached) if Arc::ptr_eq(cached, content)))
    }

    fn users(&self, content: &Arc<Content>, on: &OnSurface, snapshot: &FenceSnapshot) -> Vec<BufferUser> {
        let mut users = Vec::new();
        if on.gated {
            users.push(BufferUser::Acquire);
        }
        if on.current {
            users.push(BufferUser::Surface);
        }
        let mut fences = 0;
        for output in &self.outputs.list {
            let name = || output.wl.name();
            users.extend(output.holders(content).into_iter().map(|holder| match holder {
                Holder::Plane(plane, kind) => BufferUser::Plane { output: name(), plane, plane_kind: kind.to_owned() },
                Holder::UntilFlip(frame) => BufferUser::UntilFlip { output: name(), frame },
                Holder::OutFence(frame) => {
                    fences += 1;
                    BufferUser::UntilFlip { output: name(), frame }
                }
                Holder::Check(_) => BufferUser::Crc { output: Some(name()) },
            }));
        }
        // The known users, and the reference of this report. A commit behind a gate holds the
        // content twice: in the pending commit, and in the surface's state.
        let known = users.len() - fences + 1 + usize::from(on.gated);
        if Arc::strong_count(content) > known {
            // The predictor is a thread of its own and does not report what it holds.
            let queued = on.gated || self.is_cached(content);
            users.push(match self.crc.predictor.is_some() && !queued {
                true => BufferUser::Crc { output: None },
                false => BufferUser::Transaction,
            });
        }
        if snapshot.rendering {
            users.push(if snapshot.captured { BufferUser::Capture } else { BufferUser::Render });
        }
        users
    }
}
