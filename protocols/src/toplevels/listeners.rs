//! What every list of windows was told, and what it is to be told next; the same for both protocols.
//!
//! ```text
//!  all windows, as they are now ─→ each list: what it does not know, in portions ─┬─ its client reads: the next
//!                                                                                 └─ it does not: later
//! ```
//!
//! Nothing here knows a protocol; each has its own [`Events`].

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use wayland_server::{Client, Resource, backend::ClientId, protocol::wl_output::WlOutput};

use crate::toplevels::{AllToplevels, HandleData, Leftovers, Readers, Toplevel};

/// So many windows are told without a look whether the client reads.
const PORTION: usize = 32;

/// The events of one protocol.
pub(super) trait Events {
    type List: Resource + PartialEq;
    type Handle: Resource + PartialEq + Clone;
    /// What is kept with each handle.
    type Extra: Default;
    /// Whether it knows parents.
    const PARENTS: bool;
    /// Whether it knows outputs.
    const OUTPUTS: bool;

    /// Makes a handle for a window, and tells its list; `None`: the client is gone.
    fn introduce(&self, client: &Client, list: &Self::List, data: HandleData) -> Option<Self::Handle>;
    /// Tells a handle what differs, but for parent and outputs. Returns whether anything does.
    fn describe(&self, handle: &Self::Handle, before: Option<&Toplevel>, now: &Toplevel) -> bool;
    /// Tells a handle which objects of outputs its window is on now. Returns whether that differs.
    fn on_outputs(&self, _: (&Self::Handle, &mut Self::Extra), _: Vec<WlOutput>) -> bool {
        false
    }
    /// The parent's handle.
    fn parent(&self, handle: &Self::Handle, parent: Option<&Self::Handle>);
    fn done(&self, handle: &Self::Handle);
    fn closed(&self, handle: &Self::Handle);
}

/// A window that a list was told of.
struct Known<E: Events> {
    told: Arc<Toplevel>,
    /// Which version of its client's objects of outputs it was told.
    outputs: u32,
    /// The parent whose handle it was told, if it has one; `None`: nothing yet.
    parent: Option<Option<u32>>,
    /// `None`: its client has destroyed it.
    handle: Option<E::Handle>,
    extra: E::Extra,
}

/// One list, which may be gone while its handles are still there.
struct Listener<E: Events> {
    list: E::List,
    /// It hears of new windows.
    open: bool,
    windows: HashMap<u32, Known<E>>,
    /// The versions of the windows and of its client's objects of outputs of which it knows everything.
    complete: Option<(u64, u32)>,
}

/// All lists of one protocol.
pub(super) struct Listeners<E: Events> {
    all: Vec<Listener<E>>,
    left: Leftovers,
}

impl<E: Events> Default for Listeners<E> {
    fn default() -> Self {
        Self { all: Vec::new(), left: Leftovers::default() }
    }
}

impl<E: Events> std::fmt::Debug for Listeners<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} lists", self.all.len())
    }
}

impl<E: Events> Listeners<E> {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A list that hears of all windows from now on.
    pub(super) fn add(&mut self, list: E::List) {
        self.all.push(Listener { list, open: true, windows: HashMap::new(), complete: None });
    }

    /// A list hears of no new windows any more; `false`: it did not before. Those that it has may go on.
    pub(super) fn stop(&mut self, list: &E::List) -> bool {
        let Some(at) = self.all.iter().position(|listener| listener.list == *list) else { return false };
        let stopped = std::mem::take(&mut self.all[at].open);
        for handle in self.all[at].windows.values().filter_map(|known| known.handle.as_ref()) {
            leave(&mut self.left, handle);
        }
        self.all[at].windows.retain(|_, known| known.handle.is_some());
        if self.all[at].windows.is_empty() {
            self.all.swap_remove(at);
        }
        stopped
    }

    /// A handle is destroyed. Returns whether its client may hear of new windows again.
    pub(super) fn handle_destroyed(&mut self, client: &ClientId, handle: &E::Handle, data: &HandleData) -> bool {
        for listener in &mut self.all {
            let Some(known) = listener.windows.get_mut(&data.number) else { continue };
            if known.handle.take_if(|own| own == handle).is_some() && !listener.open {
                listener.windows.remove(&data.number);
            }
        }
        self.all.retain(|listener| listener.open || !listener.windows.is_empty());
        self.left.destroyed(client, &data.left)
    }

    /// Tells every list what it does not know. One whose client does not read is told the rest another
    /// time.
    pub(super) fn tell(&mut self, events: &E, now: &AllToplevels, readers: &mut dyn Readers) {
        self.tell_from(0, events, now, readers);
        self.all.retain(|listener| listener.open || !listener.windows.is_empty());
    }

    /// The same for the list that was added last.
    pub(super) fn tell_newest(&mut self, events: &E, now: &AllToplevels, readers: &mut dyn Readers) {
        self.tell_from(self.all.len().saturating_sub(1), events, now, readers);
    }

    fn tell_from(&mut self, first: usize, events: &E, now: &AllToplevels, readers: &mut dyn Readers) {
        let mut numbers = None;
        for listener in &mut self.all[first..] {
            let client = listener.windows.values().find_map(|known| known.handle.as_ref()?.client());
            let Some(client) = listener.list.client().or(client) else { continue };
            let outputs = if E::OUTPUTS { readers.outputs_version(&client) } else { 0 };
            if listener.complete == Some((now.version, outputs)) {
                continue;
            }
            let numbers =
                numbers.get_or_insert_with(|| now.list.iter().map(|window| window.number).collect::<HashSet<u32>>());
            let all = listener.tell(events, (now, numbers, outputs), &client, &mut self.left, readers);
            listener.complete = all.then_some((now.version, outputs));
        }
    }
}

impl<E: Events> Listener<E> {
    /// Returns whether it knows everything afterwards. `there` are the windows' numbers, `outputs` is the
    /// version of the client's objects of outputs.
    fn tell(
        &mut self,
        events: &E,
        (now, there, outputs): (&AllToplevels, &HashSet<u32>, u32),
        client: &Client,
        left: &mut Leftovers,
        readers: &mut dyn Readers,
    ) -> bool {
        let now = &now.list;
        self.windows.retain(|number, known| {
            let stays = there.contains(number);
            if let Some(handle) = known.handle.as_ref().filter(|_| !stays) {
                events.closed(handle);
                leave(left, handle);
            }
            stays
        });
        if !now.iter().any(|window| self.is_news(window, outputs)) {
            return true;
        }
        if !readers.reads(client) {
            return false;
        }
        // What is told, and waits for its parent and for `done`.
        let (mut portion, mut rest) = (Vec::with_capacity(PORTION), now.iter().peekable());
        while let Some(window) = rest.next() {
            if self.is_news(window, outputs) && self.say(events, (window, outputs), client, (left, readers)) {
                portion.push(window.number);
            }
            let is_last = rest.peek().is_none();
            if portion.len() == PORTION || is_last {
                self.finish(events, &mut portion, is_last);
                if !is_last && !readers.send(client) {
                    return false;
                }
            }
        }
        // Those that it may not hear of are told when it has destroyed others.
        now.len() == self.windows.len() || !self.open
    }

    /// Whether the list does not know all of a window.
    fn is_news(&self, window: &Arc<Toplevel>, outputs: u32) -> bool {
        match self.windows.get(&window.number) {
            Some(known) => known.outputs != outputs || !Arc::ptr_eq(&known.told, window),
            None => self.open,
        }
    }

    /// Tells what differs. Returns whether anything was told.
    fn say(
        &mut self,
        events: &E,
        (window, outputs): (&Arc<Toplevel>, u32),
        client: &Client,
        (left, readers): (&Leftovers, &dyn Readers),
    ) -> bool {
        let on = || window.output.map(|number| readers.outputs(client, number)).unwrap_or_default();
        if let Some(known) = self.windows.get_mut(&window.number) {
            let before = std::mem::replace(&mut known.told, window.clone());
            let moved = std::mem::replace(&mut known.outputs, outputs) != outputs || before.output != window.output;
            let Some(handle) = &known.handle else { return false };
            let told = events.describe(handle, Some(&before), window);
            return told | (E::OUTPUTS && moved && events.on_outputs((handle, &mut known.extra), on()));
        }
        if !left.may_have_more(&client.id()) {
            return false;
        }
        let Some(handle) = events.introduce(client, &self.list, HandleData::new(window.number)) else { return false };
        let mut extra = E::Extra::default();
        events.describe(&handle, None, window);
        if E::OUTPUTS {
            events.on_outputs((&handle, &mut extra), on());
        }
        let known = Known { told: window.clone(), outputs, parent: None, handle: Some(handle), extra };
        self.windows.insert(window.number, known);
        true
    }

    /// Parents, and then `done`, of what was told; of everything if it is the `last` portion: a parent
    /// may have come after its dialog.
    fn finish(&mut self, events: &E, portion: &mut Vec<u32>, last: bool) {
        let is_told = |parent: &u32| self.windows.get(parent).is_some_and(|known| known.handle.is_some());
        let wanted = |known: &Known<E>| E::PARENTS.then(|| known.told.parent.filter(is_told));
        let differs = |number: &u32| self.windows.get(number).is_some_and(|known| known.parent != wanted(known));
        let others = self.windows.keys().filter(|number| last && differs(number));
        let mut changed: Vec<u32> = others.copied().filter(|number| !portion.contains(number)).collect();
        let of_portion = portion.iter().copied().filter(differs);
        let parents: Vec<(u32, Option<Option<u32>>)> = changed
            .iter()
            .copied()
            .chain(of_portion)
            .filter_map(|number| Some((number, wanted(self.windows.get(&number)?))))
            .collect();
        changed.append(portion);
        for (number, parent) in parents {
            let of_parent = parent.flatten().and_then(|parent| self.windows.get(&parent)?.handle.clone());
            if let Some(known) = self.windows.get_mut(&number) {
                known.parent = parent;
                known.handle.iter().for_each(|handle| events.parent(handle, of_parent.as_ref()));
            }
        }
        for number in changed {
            self.windows
                .get(&number)
                .and_then(|known| known.handle.as_ref())
                .into_iter()
                .for_each(|it| events.done(it));
        }
    }
}

fn leave<H: Resource>(left: &mut Leftovers, handle: &H) {
    if let (Some(client), Some(data)) = (handle.client(), handle.data::<HandleData>()) {
        left.leave(&client.id(), &data.left);
    }
}
