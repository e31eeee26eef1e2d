//! Layout and transactions together, with random operations and random clients: at the end
//! everything is where the layout has it, whatever has happened on the way.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::{
    desktop::layout::{
        Layout, Placed,
        follow::Followed,
        geometry::Size,
        tests::random::{self, Op},
        transaction::{PATIENCE, Transactions},
    },
    system::id::WindowId,
};

#[derive(Debug, Clone)]
enum Step {
    /// A request, a key, an output …
    Change(Box<Op>),
    /// The clients with these bits answer what they have been asked.
    Answer(u32),
    Later(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => random::op().prop_map(|op| Step::Change(Box::new(op))),
        2 => any::<u32>().prop_map(Step::Answer),
        1 => (1..PATIENCE).prop_map(Step::Later),
    ]
}

/// A session without a screen.
struct Session {
    layout: Layout,
    followed: Followed,
    transactions: Transactions,
    /// The configure that each mapped window has not answered, and the size that it has.
    clients: BTreeMap<WindowId, (Option<(u32, Size)>, Size)>,
    serial: u32,
    now: u64,
}

impl Session {
    fn follow(&mut self) {
        let mapped: Vec<_> = self.layout.windows().filter(|(_, window)| window.mapped).map(|(id, _)| id).collect();
        let gone: Vec<_> = self.clients.keys().filter(|id| !mapped.contains(id)).copied().collect();
        for id in gone {
            self.clients.remove(&id);
            self.transactions.remove(id, self.now);
        }
        for id in mapped {
            let (transactions, now) = (&mut self.transactions, Size::default());
            self.clients.entry(id).or_insert_with(|| {
                transactions.add(id, now);
                (None, now)
            });
        }
        self.followed.follow(&mut self.layout, &mut self.transactions, self.now);
        let asked: Vec<_> = self.transactions.configures().collect();
        for configure in asked {
            self.serial += 1;
            let client = self.clients.get_mut(&configure.window).expect("only mapped windows are asked");
            assert!(client.0.is_none(), "one configure is outstanding at most");
            client.0 = Some((self.serial, configure.size));
            self.transactions.configured(configure.window, Some(self.serial), self.now);
        }
    }

    fn answer(&mut self, who: u32) {
        let answers = self.clients.iter_mut().filter(|(id, _)| who & (1 << (id.0 % 32)) != 0);
        for (id, (asked, has)) in answers {
            let Some((serial, size)) = asked.take() else { continue };
            *has = size;
            self.transactions.acked(*id, serial);
            self.transactions.committed(*id, self.now);
        }
    }

    fn later(&mut self, by: u64) {
        self.now += by;
        self.transactions.tick(self.now);
        assert!(self.transactions.deadline().is_none_or(|deadline| deadline > self.now));
    }

    fn placed(&self) -> Vec<Placed> {
        let workspaces = self.layout.workspaces().iter().filter(|workspace| workspace.output.is_some());
        workspaces.flat_map(|workspace| workspace.placed()).copied().collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_comes_to_where_the_layout_has_it(
        options in random::options(),
        steps in prop::collection::vec(step(), 0..300),
    ) {
        let mut session = Session {
            layout: Layout::new(options),
            followed: Followed::default(),
            transactions: Transactions::default(),
            clients: BTreeMap::new(),
            serial: 0,
            now: 0,
        };
        for step in steps {
            match step {
                Step::Change(op) => random::apply(&mut session.layout, *op),
                Step::Answer(who) => session.answer(who),
                Step::Later(by) => session.later(by),
            }
            session.follow();
        }
        // All answer what was asked, and what is asked then.
        for _ in 0..4 {
            session.answer(u32::MAX);
            session.follow();
        }
        prop_assert_eq!(session.transactions.deadline(), None);
        for placed in session.placed() {
            let shown = session.transactions.shown(placed.window).expect("it is shown");
            prop_assert_eq!((shown.rect, shown.held, shown.late), (placed.rect, false, false));
            prop_assert_eq!(session.clients[&placed.window].1, placed.ask, "what it was asked for last");
        }
    }
}
