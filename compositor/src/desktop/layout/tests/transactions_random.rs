//! Random clients: fast, slow, silent, dying. Places apply together, in time, and for the newest
//! wish.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::{
    desktop::layout::{
        geometry::Rect,
        transaction::{Group, PATIENCE, Transactions},
    },
    system::id::{WindowId, WorkspaceId},
};

#[derive(Debug, Clone)]
enum Step {
    Add(u32),
    Remove(u32),
    /// A wish for both groups: all places change.
    Place(i32),
    Float(u32),
    Send,
    Ack(u32),
    Commit(u32),
    Later(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let id = || 1..7u32;
    prop_oneof![
        2 => id().prop_map(Step::Add),
        1 => id().prop_map(Step::Remove),
        3 => (1..6i32).prop_map(Step::Place),
        1 => id().prop_map(Step::Float),
        5 => Just(Step::Send),
        5 => id().prop_map(Step::Ack),
        5 => id().prop_map(Step::Commit),
        2 => (1..PATIENCE / 2).prop_map(Step::Later),
    ]
}

/// What a client and the session know of a window.
#[derive(Debug, Default)]
struct Client {
    floats: bool,
    /// It came to its group from another one and brought its place along.
    guest: bool,
    /// Configures that were sent and not answered, and how many of them it has acknowledged.
    sent: Vec<u32>,
    acked: usize,
}

#[derive(Default)]
struct World {
    now: u64,
    serial: u32,
    round: i32,
    clients: BTreeMap<u32, Client>,
    transactions: Transactions,
}

fn group(id: u32, floats: bool) -> Group {
    if floats { Group::Alone(WindowId(id)) } else { Group::Tiled(WorkspaceId(id % 2)) }
}

/// The place of a window in a round: it says which round it is.
fn place(id: u32, round: i32) -> Rect {
    Rect { x: id as i32 * 1000 + round, y: 0, w: 100 + round % 3, h: 100 }
}

impl World {
    fn place_all(&mut self) {
        for (id, client) in &self.clients {
            let rect = place(*id, self.round);
            self.transactions.place(WindowId(*id), group(*id, client.floats), rect, rect.size(), self.now);
        }
        self.transactions.begin(self.now);
    }

    fn send(&mut self) {
        let asked: Vec<_> = self.transactions.configures().collect();
        for configure in asked {
            self.serial += 1;
            let client = self.clients.get_mut(&configure.window.0).expect("only windows that exist are asked");
            assert!(client.sent.is_empty(), "one configure is outstanding at most");
            client.sent.push(self.serial);
            self.transactions.configured(configure.window, Some(self.serial), self.now);
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Add(id) => {
                if let std::collections::btree_map::Entry::Vacant(entry) = self.clients.entry(id) {
                    entry.insert(Client::default());
                    self.transactions.add(WindowId(id), place(id, self.round).size());
                    self.place_all();
                }
            }
            Step::Remove(id) => {
                self.clients.remove(&id);
                self.transactions.remove(WindowId(id), self.now);
            }
            Step::Place(by) => {
                self.round += by;
                self.place_all();
            }
            Step::Float(id) => {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.floats = !client.floats;
                    client.guest = true;
                    self.place_all();
                }
            }
            Step::Send => self.send(),
            Step::Ack(id) => {
                if let Some(client) = self.clients.get_mut(&id)
                    && let Some(serial) = client.sent.get(client.acked)
                {
                    client.acked += 1;
                    self.transactions.acked(WindowId(id), *serial);
                }
            }
            Step::Commit(id) => {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.sent.drain(..client.acked);
                    client.acked = 0;
                    self.transactions.committed(WindowId(id), self.now);
                }
            }
            Step::Later(by) => {
                self.now += by;
                self.transactions.tick(self.now);
            }
        }
    }

    fn verify(&self) {
        let deadline = self.transactions.deadline();
        assert!(deadline.is_none_or(|deadline| deadline > self.now && deadline <= self.now + PATIENCE));
        for tiled in [0, 1] {
            // The windows of a group are all in the same round, except those that are not shown yet
            // or have changed their group.
            let here = |(id, client): &(&u32, &Client)| !client.floats && !client.guest && *id % 2 == tiled;
            let members = self.clients.iter().filter(here);
            let rounds = members.filter_map(|(id, _)| {
                let shown = self.transactions.shown(WindowId(*id))?;
                Some(shown.rect.x - *id as i32 * 1000)
            });
            let mut rounds: Vec<_> = rounds.collect();
            rounds.dedup();
            assert!(rounds.len() <= 1, "{rounds:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn groups_change_as_a_whole_and_in_time(steps in prop::collection::vec(step(), 0..200)) {
        let mut world = World::default();
        for step in steps {
            world.apply(step);
            world.verify();
        }
        // Clients that answer get what was wanted last.
        for _ in 0..4 {
            world.send();
            for id in 1..7 {
                world.apply(Step::Ack(id));
                world.apply(Step::Commit(id));
            }
            world.apply(Step::Later(PATIENCE));
        }
        for id in world.clients.keys() {
            let shown = world.transactions.shown(WindowId(*id)).expect("it is shown");
            prop_assert_eq!((shown.rect, shown.held, shown.late), (place(*id, world.round), false, false));
        }
        prop_assert_eq!(world.transactions.deadline(), None);
    }
}
