//! The division of a length in proportion to shares: columns in a width, tiles in a height.
//!
//! ```text
//!  shares 1 : 2 : 1 of 1001 px, gap 0   →   250 | 500 | 251      the sum is always the length
//!  the first needs 400 at least         →   400 | 401 | 200
//! ```
//!
//! Shares are integers and have no unit. They change only when a window comes or a boundary is
//! moved, so nothing drifts when the length changes and changes back. Nothing here knows windows.

/// The share of the first part of a length.
pub const SHARE: u32 = 1 << 16;
/// A boundary that the user has moved makes shares of the lengths in pixels, so that they are
/// exact.
const PER_PIXEL: u64 = 1 << 8;
/// No share becomes greater than this by itself.
const WIDEST: u128 = 1 << 24;

/// One part of a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub share: u32,
    /// The least length that the part should have.
    pub min: i32,
}

/// What is left of a gap between `count` parts, if each of them gets at least one pixel.
pub fn gap_between(total: i32, gap: i32, count: usize) -> i32 {
    let between = count.saturating_sub(1) as i32;
    if between == 0 { 0 } else { gap.min((total - count as i32) / between).max(0) }
}

/// Divides `total` among the parts; `out` gets their lengths, whose sum is `total`.
///
/// Least lengths are kept if they leave the others at least half of an equal share each. Otherwise
/// they count up to an equal share, so that no window can push the others aside.
pub fn divide(total: i32, parts: &mut [Part], out: &mut Vec<i32>) {
    out.clear();
    let Ok(count) = i32::try_from(parts.len()) else { return };
    if count == 0 {
        return;
    }
    let total = total.max(0);
    let fits = parts.iter().map(|part| i64::from(part.min.max(total / (2 * count)))).sum::<i64>() <= i64::from(total);
    for part in parts.iter_mut() {
        part.min = part.min.clamp(0, if fits { total } else { total / count });
        part.share = part.share.max(1);
    }
    // The least lengths together are at most `total`. Who would get less than its own gets that;
    // the others divide the rest.
    out.resize(parts.len(), -1);
    let (mut rest, mut shares) = (total as u64, parts.iter().map(|part| u64::from(part.share)).sum::<u64>());
    loop {
        let (rest_now, shares_now) = (rest, shares);
        for (part, length) in parts.iter().zip(out.iter_mut()).filter(|(_, length)| **length < 0) {
            if rest_now * u64::from(part.share) < part.min as u64 * shares_now {
                *length = part.min;
                rest -= part.min as u64;
                shares -= u64::from(part.share);
            }
        }
        if shares == shares_now {
            break;
        }
    }
    let (mut before, mut end) = (0, 0);
    for (part, length) in parts.iter().zip(out.iter_mut()).filter(|(_, length)| **length < 0) {
        before += u64::from(part.share);
        let next = rest * before / shares;
        *length = (next - end) as i32;
        end = next;
    }
}

/// Moves the boundary behind part `at` by up to `delta`. No part becomes shorter than its least
/// length; one that is shorter already stays as it is. Returns whether anything has changed.
pub fn drag(lengths: &mut [i32], parts: &[Part], at: usize, delta: i32) -> bool {
    let room = |i: usize| Some((lengths.get(i)? - parts.get(i)?.min.max(1)).max(0));
    let (Some(before), Some(after)) = (room(at), room(at + 1)) else { return false };
    let delta = delta.clamp(-before, after);
    lengths[at] += delta;
    lengths[at + 1] -= delta;
    delta != 0
}

/// The share that gives a part exactly this length, if the others have theirs in the same way.
pub fn share_of(length: i32) -> u32 {
    u32::try_from(length.max(1) as u64 * PER_PIXEL).unwrap_or(u32::MAX)
}

/// A share that is to those of [`share_of`], whose sum is `new`, as it was to the sum `old`.
pub fn rescaled(share: u32, old: u64, new: u64) -> u32 {
    let scaled = u128::from(share) * u128::from(new) / u128::from(old.max(1));
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

/// The share of a part that comes to others: as much as they have on average.
pub fn share_among(others: impl Iterator<Item = u32>) -> u32 {
    let (count, sum) = others.fold((0, 0), |(count, sum), share| (count + 1, sum + u64::from(share)));
    let mean = u64::checked_div(sum, count);
    mean.map_or(SHARE, |mean| u32::try_from(mean).unwrap_or(u32::MAX).max(1))
}

/// The shares with which part `at` has `numerator / denominator` of the whole, and the others the
/// same proportions as before. `None`: there is no such part, or it would leave nothing.
pub fn with_part(shares: &[u32], at: usize, (numerator, denominator): (u32, u32)) -> Option<Vec<u32>> {
    if numerator == 0 || numerator >= denominator || at >= shares.len() || shares.len() < 2 {
        return None;
    }
    let (own, rest) = (u128::from(numerator), u128::from(denominator - numerator));
    let others: u128 = shares.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, share)| u128::from(*share)).sum();
    let exact = |(i, share): (usize, &u32)| if i == at { others * own } else { u128::from(*share) * rest };
    let exact: Vec<u128> = shares.iter().enumerate().map(exact).collect();
    // Not longer than needed, and long enough for what comes between them later.
    let common = exact.iter().fold(0, |a, b| gcd(a, *b)).max(1);
    let greatest = exact.iter().max().copied().unwrap_or(1) / common;
    let (up, down) = ((WIDEST / greatest.max(1)).max(1), greatest.div_ceil(WIDEST).max(1));
    let share = |exact: u128| u32::try_from(exact / common * up / down).unwrap_or(u32::MAX).max(1);
    Some(exact.into_iter().map(share).collect())
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(total: i32, parts: &[(u32, i32)]) -> Vec<i32> {
        let mut parts: Vec<_> = parts.iter().map(|&(share, min)| Part { share, min }).collect();
        let mut out = Vec::new();
        divide(total, &mut parts, &mut out);
        out
    }

    #[test]
    fn a_length_is_divided_by_shares_and_least_lengths() {
        type Case = (i32, &'static [(u32, i32)], &'static [i32]);
        let table: [Case; 9] = [
            (1001, &[(1, 0), (2, 0), (1, 0)], &[250, 500, 251]),
            (1000, &[(1, 0), (1, 0), (1, 0)], &[333, 333, 334]),
            (1000, &[(1, 400), (2, 0), (1, 0)], &[400, 400, 200]),
            (1000, &[(1, 700), (1, 200), (8, 0)], &[333, 200, 467]),
            (1000, &[(1, 100_000), (1, 0)], &[500, 500]),
            (1000, &[(1, 998), (1, 1)], &[500, 500]),
            (10, &[(7, 5), (7, 5)], &[5, 5]),
            (2, &[(1, 1), (1, 1), (1, 1)], &[0, 1, 1]),
            (0, &[(0, 9), (u32::MAX, 0)], &[0, 0]),
        ];
        for (total, parts, expected) in table {
            assert_eq!(lengths(total, parts), expected, "{total} among {parts:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_lengths_fill_the_whole(
            total in 0..100_000i32,
            parts in proptest::collection::vec((0..u32::MAX, 0..3000i32), 1..40),
        ) {
            let got = lengths(total, &parts);
            proptest::prop_assert_eq!(got.iter().sum::<i32>(), total);
            proptest::prop_assert!(got.iter().all(|length| *length >= 0));
            let half = total / (2 * parts.len() as i32);
            if parts.iter().map(|part| part.1.max(half)).sum::<i32>() <= total {
                proptest::prop_assert!(got.iter().zip(&parts).all(|(length, part)| *length >= part.1));
            }
        }

        #[test]
        fn a_moved_boundary_stays_where_it_was_put(
            total in 200..5000i32,
            shares in proptest::collection::vec(1..100_000u32, 2..9),
            at in 0..8usize,
            delta in -600..600i32,
        ) {
            let parts: Vec<_> = shares.iter().map(|share| Part { share: *share, min: 1 }).collect();
            let mut moved = Vec::new();
            divide(total, &mut parts.clone(), &mut moved);
            if drag(&mut moved, &parts, at, delta) {
                let kept: Vec<_> = moved.iter().map(|length| (share_of(*length), 1)).collect();
                proptest::prop_assert_eq!(lengths(total, &kept), moved);
            }
        }
    }

    #[test]
    fn a_part_of_the_whole_is_exact_and_leaves_the_others_their_proportions() {
        type Case = (&'static [u32], usize, (u32, u32), &'static [i32]);
        let table: [Case; 5] = [
            (&[SHARE, SHARE], 0, (1, 4), &[300, 900]),
            (&[SHARE, SHARE], 1, (1, 4), &[900, 300]),
            (&[SHARE, SHARE, SHARE], 1, (1, 3), &[400, 400, 400]),
            (&[1 << 31, 1 << 30, 1 << 30], 2, (2, 3), &[266, 134, 800]),
            (&[3, 1], 0, (1, u32::MAX), &[0, 1200]),
        ];
        for (shares, at, part, expected) in table {
            let new = with_part(shares, at, part).expect("it is possible");
            let new: Vec<_> = new.into_iter().map(|share| (share, 0)).collect();
            assert_eq!(lengths(1200, &new), expected, "{part:?} of {shares:?}");
        }
        assert_eq!([(0, 3), (3, 3), (1, 0)].map(|part| with_part(&[1, 1], 0, part)), [None, None, None]);
    }

    #[test]
    fn a_gap_leaves_room_for_each_part() {
        for (total, gap, count, left) in [(1000, 8, 3, 8), (1000, 8, 1, 0), (10, 8, 3, 3), (2, 8, 3, 0)] {
            assert_eq!(gap_between(total, gap, count), left);
        }
    }
}
