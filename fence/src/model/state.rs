//! What the [`Model`](super::Model) knows: fences, and what its file descriptors and handles stand
//! for.
//!
//! It follows the kernel's rules and never locks anything.

use std::{
    collections::HashMap,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::fstat,
    io::{Errno, Result, write},
    pipe::{PipeFlags, pipe_with},
};

use super::FenceId;
use crate::Name;

#[derive(Debug)]
pub(super) struct ModelFence {
    pub(super) driver: Name,
    pub(super) status: i32,
    pub(super) at: u64,
    pub(super) deadline: Option<u64>,
}

/// What the inode of one of our pipes, or of an adopted file, stands for.
#[derive(Clone, Debug)]
pub(super) enum Thing {
    Device,
    File(Vec<FenceId>),
    Syncobj(usize),
    Dmabuf(Vec<FenceId>),
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) point: u64,
    /// All that has to signal for this point, those of earlier points included.
    pub(super) fences: Vec<FenceId>,
}

#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) point: u64,
    pub(super) until_available: bool,
    pub(super) event: OwnedFd,
}

#[derive(Debug, Default)]
pub(super) struct Syncobj {
    pub(super) binary: Option<Vec<FenceId>>,
    pub(super) chain: Vec<Node>,
    pub(super) waiters: Vec<Waiter>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) fences: Vec<ModelFence>,
    pub(super) things: HashMap<Inode, Thing>,
    /// Write ends of sync_files that have not signalled, by inode.
    pub(super) writers: HashMap<Inode, OwnedFd>,
    /// Write ends of everything else: they only keep the inode taken.
    pub(super) keep: Vec<OwnedFd>,
    pub(super) objects: Vec<Syncobj>,
    pub(super) handles: HashMap<u32, usize>,
    pub(super) next_handle: u32,
}

/// What makes a file itself: the number of its file system, and its own number there.
pub(super) type Inode = (u64, u64);

pub(super) fn inode(fd: BorrowedFd<'_>) -> Inode {
    fstat(fd).map_or((0, 0), |stat| (stat.st_dev, stat.st_ino))
}

impl State {
    /// EMFILE: there are no descriptors.
    pub(super) fn keep(&mut self, thing: Thing) -> Result<OwnedFd> {
        let (read, write) = pipe()?;
        self.things.insert(inode(read.as_fd()), thing);
        self.keep.push(write);
        Ok(read)
    }

    /// A sync_file over `fences`. EMFILE: there are no descriptors.
    pub(super) fn file(&mut self, fences: Vec<FenceId>) -> Result<OwnedFd> {
        let (read, write_end) = pipe()?;
        let inode = inode(read.as_fd());
        if fences.iter().all(|fence| self.fences[fence.0].status != 0) {
            write(&write_end, &[1]).expect("an empty pipe takes a byte");
        } else {
            self.writers.insert(inode, write_end);
        }
        self.things.insert(inode, Thing::File(fences));
        Ok(read)
    }

    pub(super) fn finish(&mut self, fence: FenceId, status: i32, at: u64) {
        let fence = &mut self.fences[fence.0];
        if fence.status != 0 {
            return;
        }
        (fence.status, fence.at) = (status, at);
        let State { writers, things, fences, .. } = self;
        writers.retain(|inode, end| {
            let Some(Thing::File(waited)) = things.get(inode) else { return false };
            let done = waited.iter().all(|fence| fences[fence.0].status != 0);
            if done {
                // EPIPE: no file descriptor is left.
                let _ = write(end, &[1]);
            }
            !done
        });
        (0..self.objects.len()).for_each(|object| self.wake(object));
    }

    pub(super) fn set_deadline(&mut self, fences: &[FenceId], at: u64) {
        for fence in fences {
            let deadline = &mut self.fences[fence.0].deadline;
            *deadline = Some(deadline.map_or(at, |old| old.min(at)));
        }
    }

    pub(super) fn wake(&mut self, object: usize) {
        let waiters = std::mem::take(&mut self.objects[object].waiters);
        let (ready, waiting) = waiters.into_iter().partition(|waiter| match self.find(object, waiter.point) {
            Ok(fences) => waiter.until_available || self.pending(&fences).is_empty(),
            Err(_) => false,
        });
        self.objects[object].waiters = waiting;
        for Waiter { event, .. } in ready {
            write(&event, &1u64.to_ne_bytes()).expect("an eventfd takes an increment");
        }
    }

    pub(super) fn pending(&self, fences: &[FenceId]) -> Vec<FenceId> {
        let mut pending: Vec<_> = fences.iter().copied().filter(|fence| self.fences[fence.0].status == 0).collect();
        pending.sort_unstable();
        pending.dedup();
        pending
    }

    /// `dma_fence_unwrap_merge`: what has signalled is forgotten, errors and all.
    pub(super) fn merge(&self, fences: &[FenceId]) -> Vec<FenceId> {
        self.pending(fences)
    }

    pub(super) fn find(&self, object: usize, point: u64) -> Result<Vec<FenceId>> {
        let object = &self.objects[object];
        match (point, &object.binary) {
            (0, Some(binary)) => Ok(binary.clone()),
            (0, None) => object.chain.last().map(|node| node.fences.clone()).ok_or(Errno::INVAL),
            _ => {
                object.chain.iter().find(|node| node.point >= point).map(|node| node.fences.clone()).ok_or(Errno::INVAL)
            }
        }
    }

    pub(super) fn add(&mut self, object: usize, point: u64, fences: &[FenceId]) {
        if point == 0 {
            let object = &mut self.objects[object];
            object.chain.clear();
            object.binary = Some(fences.to_vec());
        } else {
            let earlier = match (self.objects[object].chain.last(), &self.objects[object].binary) {
                (Some(node), _) => self.pending(&node.fences),
                (None, Some(binary)) => self.pending(binary),
                (None, None) => Vec::new(),
            };
            let object = &mut self.objects[object];
            let last = object.chain.last().map_or(0, |node| node.point);
            // The new fences come first: an error of theirs is the point's.
            let fences: Vec<_> = fences.iter().copied().chain(earlier).collect();
            object.binary = None;
            if point <= last {
                object.chain.clear();
            }
            object.chain.push(Node { point: point.max(last), fences });
        }
        self.wake(object);
    }

    pub(super) fn thing(&self, fd: BorrowedFd<'_>) -> Option<&Thing> {
        self.things.get(&inode(fd))
    }

    pub(super) fn object(&self, device: BorrowedFd<'_>, handle: u32) -> Result<usize> {
        self.drm(device)?;
        self.handles.get(&handle).copied().ok_or(Errno::NOENT)
    }

    pub(super) fn drm(&self, device: BorrowedFd<'_>) -> Result<()> {
        matches!(self.thing(device), Some(Thing::Device)).then_some(()).ok_or(Errno::NOTTY)
    }

    pub(super) fn files(&self, fd: BorrowedFd<'_>, otherwise: Errno) -> Result<Vec<FenceId>> {
        match self.thing(fd) {
            Some(Thing::File(fences)) => Ok(fences.clone()),
            _ => Err(otherwise),
        }
    }

    pub(super) fn new_handle(&mut self, object: usize) -> u32 {
        self.next_handle += 1;
        self.handles.insert(self.next_handle, object);
        self.next_handle
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)
}
