//! What every list of windows was told, and what it is to be told next; the same for both protocols.
//!
//! ```text
//!  all windows, as they are now ─→ each list: what it does not know, in portions ─┬─ its client reads: the next
//!                                                                                 └─ it does not: later
//! ```
//!
//! Nothing here knows a protocol; each has its own [`Events`].

use std::{collections::HashMap, sync::Arc};

use wayland_server::{Client, Resource, backend::ClientId};

use crate::toplevels::{HandleData, Leftovers, Readers, Toplevel};

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

    /// Makes a handle for a window, and tells its list; `None`: the client is gone.
    fn introduce(&self, client: &Client, list: &Self::List, data: HandleData) -> Option<Self::Handle>;
    /// Tells a handle what differs, but for the parent. Returns whether anything does.
    fn describe(&self, of: (&Self::Handle, &mut Self::Extra), before: Option<&Toplevel>, now: &Toplevel) -> bool;
    /// The parent's handle.
    fn parent(&self, handle: &Self::Handle, parent: Option<&Self::Handle>);
    fn done(&self, handle: &Self::Handle);
    fn closed(&self, handle: &Self::Handle);
}

/// A window that a list was told of.
struct Known<E: Events> {
    told: Arc<Toplevel>,
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

    /// The clients of all lists that are there.
    pub(super) fn clients(&self) -> impl Iterator<Item = Client> {
        self.all.iter().filter_map(|listener| listener.list.client())
    }

    /// A list that hears of all windows from now on.
    pub(super) fn add(&mut self, list: E::List) {
        self.all.push(Listener { list, open: true, windows: HashMap::new() });
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

    /// Calls `enter` for the handles of a client whose windows are on an output, with what is kept with
    /// each, and tells that this is done.
    pub(super) fn on_output(
        &mut self,
        events: &E,
        client: &Client,
        output: u32,
        enter: impl Fn(&E::Handle, &mut E::Extra),
    ) {
        for listener in self.all.iter_mut().filter(|listener| listener.list.client().as_ref() == Some(client)) {
            for known in listener.windows.values_mut().filter(|known| known.told.output == Some(output)) {
                if let Some(handle) = &known.handle {
                    enter(handle, &mut known.extra);
                    events.done(handle);
                }
            }
        }
    }

    /// Tells every list what it does not know. One whose client does not
    /// read is told the rest another time.
    pub(super) fn tell(&mut self, events: &E, now: &[Arc<Toplevel>], readers: &mut dyn Readers) {
        let there: HashMap<u32, &Arc<Toplevel>> = now.iter().map(|window| (window.number, window)).collect();
        let left = &mut self.left;
        for listener in &mut self.all {
            let client = listener.windows.values().find_map(|known| known.handle.as_ref()?.client());
            if let Some(client) = listener.list.client().or(client) {
                listener.tell(events, (now, &there), &client, left, readers);
            }
        }
        self.all.retain(|listener| listener.open || !listener.windows.is_empty());
    }
}

impl<E: Events> Listener<E> {
    fn tell(
        &mut self,
        events: &E,
        (now, there): (&[Arc<Toplevel>], &HashMap<u32, &Arc<Toplevel>>),
        client: &Client,
        left: &mut Leftovers,
        readers: &mut dyn Readers,
    ) {
        self.windows.retain(|number, known| {
            let stays = there.contains_key(number);
            if let Some(handle) = known.handle.as_ref().filter(|_| !stays) {
                events.closed(handle);
                leave(left, handle);
            }
            stays
        });
        if now.iter().any(|window| self.is_news(window)) && !readers.reads(client) {
            return;
        }
        // What is told, and waits for its parent and for `done`.
        let (mut portion, mut rest) = (Vec::with_capacity(PORTION), now.iter().peekable());
        while let Some(window) = rest.next() {
            if self.is_news(window) && self.say(events, window, client, left) {
                portion.push(window.number);
            }
            let is_last = rest.peek().is_none();
            if portion.len() == PORTION || is_last {
                self.finish(events, &mut portion, is_last);
                if !is_last && !readers.send(client) {
                    return;
                }
            }
        }
    }

    /// Whether the list does not know all of a window.
    fn is_news(&self, window: &Arc<Toplevel>) -> bool {
        match self.windows.get(&window.number) {
            Some(known) => !Arc::ptr_eq(&known.told, window),
            None => self.open,
        }
    }

    /// Tells what differs. Returns whether anything was told.
    fn say(&mut self, events: &E, window: &Arc<Toplevel>, client: &Client, left: &Leftovers) -> bool {
        if let Some(known) = self.windows.get_mut(&window.number) {
            let before = std::mem::replace(&mut known.told, window.clone());
            let Some(handle) = &known.handle else { return false };
            return events.describe((handle, &mut known.extra), Some(&before), window);
        }
        if !left.may_have_more(&client.id()) {
            return false;
        }
        let Some(handle) = events.introduce(client, &self.list, HandleData::new(window.number)) else { return false };
        let mut extra = E::Extra::default();
        events.describe((&handle, &mut extra), None, window);
        let known = Known { told: window.clone(), parent: None, handle: Some(handle), extra };
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
