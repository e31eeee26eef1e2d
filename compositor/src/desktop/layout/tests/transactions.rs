//! Transactions: windows that are tiled together change in one frame.

use super::*;
use crate::desktop::layout::transaction::{Configure, Group, PATIENCE, Shown, Transactions};

const A: WindowId = WindowId(1);
const B: WindowId = WindowId(2);
const TILED: Group = Group::Tiled(WorkspaceId(1));
const FULL: Rect = Rect { x: 0, y: 0, w: 800, h: 600 };
const LEFT: Rect = Rect { x: 0, y: 0, w: 400, h: 600 };
const RIGHT: Rect = Rect { x: 400, y: 0, w: 400, h: 600 };

fn now_at(rect: Rect) -> Option<Shown> {
    Some(Shown { rect, held: false, late: false })
}

/// Says where windows should be, and begins.
fn place(transactions: &mut Transactions, places: &[(WindowId, Rect)], now: u64) -> bool {
    for (id, rect) in places {
        transactions.place(*id, TILED, *rect, rect.size(), now);
    }
    transactions.begin(now)
}

/// Two windows that share an area, at rest.
fn two() -> Transactions {
    let mut transactions = Transactions::default();
    transactions.add(A, LEFT.size());
    transactions.add(B, RIGHT.size());
    assert!(place(&mut transactions, &[(A, LEFT), (B, RIGHT)], 0));
    assert_eq!((transactions.shown(A), transactions.shown(B)), (now_at(LEFT), now_at(RIGHT)));
    assert_eq!(transactions.configures().count(), 0, "they have the sizes");
    transactions
}

/// Both change places and widths: A gets 300 pixels, B the rest.
fn uneven() -> [(WindowId, Rect); 2] {
    [(A, rect(0, 0, 300, 600)), (B, rect(300, 0, 500, 600))]
}

fn send(transactions: &mut Transactions, serial: u32) -> Vec<Configure> {
    let asked: Vec<_> = transactions.configures().collect();
    for (i, configure) in asked.iter().enumerate() {
        transactions.configured(configure.window, Some(serial + i as u32), 0);
    }
    asked
}

#[test]
fn places_apply_when_all_have_committed_their_new_size() {
    let mut transactions = two();
    let [(_, a), (_, b)] = uneven();
    assert!(!place(&mut transactions, &uneven(), 0));
    assert_eq!(send(&mut transactions, 10).len(), 2);
    assert_eq!(transactions.deadline(), Some(PATIENCE));
    assert!(!transactions.committed(A, 1), "a frame of the old size");
    transactions.acked(A, 10);
    assert!(!transactions.committed(A, 2));
    assert_eq!(transactions.shown(A), Some(Shown { rect: LEFT, held: true, late: false }));
    assert_eq!(transactions.shown(B), now_at(RIGHT), "it goes on presenting");
    transactions.acked(B, 11);
    assert!(transactions.committed(B, 3));
    assert_eq!((transactions.shown(A), transactions.shown(B)), (now_at(a), now_at(b)));
    assert_eq!(transactions.deadline(), None);
}

#[test]
fn a_slow_window_is_left_behind_and_never_waited_for_again() {
    let mut transactions = two();
    let [(_, a), (_, b)] = uneven();
    place(&mut transactions, &uneven(), 0);
    send(&mut transactions, 10);
    transactions.acked(A, 10);
    transactions.committed(A, 2);
    assert!(!transactions.tick(PATIENCE - 1));
    assert!(transactions.tick(PATIENCE));
    assert_eq!(transactions.shown(A), now_at(a));
    assert_eq!(transactions.shown(B), Some(Shown { rect: b, held: false, late: true }));
    // The next change asks only the other one, and waits for nobody else.
    place(&mut transactions, &[(A, LEFT), (B, RIGHT)], PATIENCE);
    assert_eq!(send(&mut transactions, 20), [Configure { window: A, size: LEFT.size() }]);
    transactions.acked(A, 20);
    assert!(transactions.committed(A, PATIENCE));
    assert_eq!(transactions.shown(B), Some(Shown { rect: RIGHT, held: false, late: true }));
    // When it answers at last, it is asked for what is wanted now.
    transactions.acked(B, 11);
    assert!(transactions.committed(B, PATIENCE));
    assert_eq!(send(&mut transactions, 30), [Configure { window: B, size: RIGHT.size() }]);
    transactions.acked(B, 30);
    transactions.committed(B, PATIENCE);
    assert_eq!(transactions.shown(B), now_at(RIGHT));
}

#[test]
fn a_window_has_one_configure_outstanding_and_then_gets_the_newest_size() {
    let mut transactions = two();
    let split = |at: i32| [(A, rect(0, 0, at, 600)), (B, rect(at, 0, 800 - at, 600))];
    place(&mut transactions, &split(410), 0);
    assert_eq!(send(&mut transactions, 10).len(), 2);
    for at in [420, 430, 440] {
        place(&mut transactions, &split(at), 1);
        assert_eq!(send(&mut transactions, 99), []);
    }
    for id in [A, B] {
        transactions.acked(id, 11);
        transactions.committed(id, 2);
    }
    assert_eq!(transactions.shown(A), now_at(rect(0, 0, 410, 600)));
    let next: Vec<_> = send(&mut transactions, 12).into_iter().map(|configure| configure.size.w).collect();
    assert_eq!(next, [440, 360]);
}

#[test]
fn a_window_that_goes_is_not_waited_for() {
    let mut transactions = two();
    place(&mut transactions, &uneven(), 0);
    send(&mut transactions, 10);
    transactions.acked(A, 10);
    transactions.committed(A, 1);
    assert!(transactions.remove(B, 2));
    assert_eq!(transactions.shown(A), now_at(uneven()[0].1));
}

#[test]
fn what_only_moves_is_not_asked_and_moves_with_the_others() {
    let mut transactions = two();
    assert!(!place(&mut transactions, &[(A, rect(0, 0, 300, 600)), (B, rect(300, 0, 400, 600))], 0));
    assert_eq!(send(&mut transactions, 10), [Configure { window: A, size: size(300, 600) }]);
    assert_eq!(transactions.shown(B), now_at(RIGHT));
    transactions.acked(A, 10);
    assert!(transactions.committed(A, 1));
    assert_eq!(transactions.shown(B), now_at(rect(300, 0, 400, 600)));
    assert!(place(&mut transactions, &[(B, RIGHT)], 2), "alone it moves at once");
}

#[test]
fn a_new_window_appears_with_the_room_that_the_others_make() {
    let mut transactions = Transactions::default();
    transactions.add(A, FULL.size());
    place(&mut transactions, &[(A, FULL)], 0);
    transactions.add(B, RIGHT.size());
    place(&mut transactions, &[(A, LEFT), (B, RIGHT)], 1);
    assert_eq!((transactions.shown(A), transactions.shown(B)), (now_at(FULL), None));
    assert_eq!(send(&mut transactions, 10).len(), 1);
    transactions.acked(A, 10);
    assert!(transactions.committed(A, 2));
    assert_eq!((transactions.shown(A), transactions.shown(B)), (now_at(LEFT), now_at(RIGHT)));
}

#[test]
fn a_floating_window_waits_for_nobody() {
    let mut transactions = two();
    place(&mut transactions, &uneven(), 0);
    send(&mut transactions, 10);
    let c = WindowId(3);
    transactions.add(c, size(100, 100));
    let at = rect(50, 50, 100, 100);
    transactions.place(c, Group::Alone(c), at, size(0, 0), 1);
    transactions.begin(1);
    assert_eq!(transactions.shown(c), None, "it is asked for another size first");
    transactions.configured(c, None, 1);
    assert_eq!(transactions.shown(c), now_at(at), "there was nothing to ask");
    // One that becomes floating while it is waited for is not waited for any more.
    transactions.acked(A, 10);
    transactions.committed(A, 2);
    transactions.place(B, Group::Alone(B), at, at.size(), 2);
    transactions.begin(2);
    assert_eq!(transactions.shown(A), now_at(uneven()[0].1));
}

#[test]
fn serials_wrap_and_later_ones_count() {
    for (sent, acked, counts) in [(u32::MAX, 3, true), (10, 9, false), (10, 12, true), (3, u32::MAX, false)] {
        let mut transactions = two();
        place(&mut transactions, &[(A, rect(0, 0, 300, 600))], 0);
        transactions.configures().for_each(drop);
        transactions.configured(A, Some(sent), 0);
        transactions.acked(A, acked);
        assert_eq!(transactions.committed(A, 1), counts, "{acked} after {sent}");
    }
}
