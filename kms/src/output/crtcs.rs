//! Which CRTC each display gets: as many displays as can be lit at once are, and what is on stays where
//! it is as far as that allows.
//!
//! A heaviest matching of displays and CRTCs (the Hungarian method). Reads and changes nothing.

use crate::id::CrtcIndex;

/// A display that is to be lit, or is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// CRTCs that can drive it and are not in use otherwise, as bits by index.
    pub possible: u32,
    /// The CRTC that drives it now.
    pub current: Option<CrtcIndex>,
    /// Whether the session shows something there already: it goes before those that are dark.
    pub lit: bool,
}

impl Wish {
    /// What it is worth that this CRTC drives it; 0: it cannot.
    fn worth(&self, crtc: u32) -> i64 {
        // More displays go before any other wish: the sum of all others, of at most 32 displays, is
        // less than one display.
        const SHOWN: i64 = 1 << 16;
        const WAS_LIT: i64 = 1 << 8;
        const STAYS: i64 = 1;
        if self.possible & (1 << crtc) == 0 {
            return 0;
        }
        let stays = self.current.is_some_and(|current| current.raw() == crtc);
        SHOWN + if self.lit { WAS_LIT } else { 0 } + if stays { STAYS } else { 0 }
    }
}

/// The CRTC of each display; `None` for those for which none is left. The most displays are lit; of
/// those ways the one that darkens the fewest that are lit; of those the one that moves the fewest.
pub fn choose(wishes: &[Wish]) -> Vec<Option<CrtcIndex>> {
    // Row 0 and column 0 are the method's own. There are as many columns as rows at least, so that
    // every row gets one; one that is worth nothing stands for no CRTC.
    const NONE: usize = 0;
    let (rows, columns) = (wishes.len(), wishes.len().max(32));
    let cost = |row: usize, column: usize| {
        let crtc = u32::try_from(column - 1).ok().filter(|crtc| *crtc < u32::BITS);
        crtc.map_or(0, |crtc| -wishes[row - 1].worth(crtc))
    };
    let (mut of_row, mut of_column) = (vec![0i64; rows + 1], vec![0i64; columns + 1]);
    // The row that has a column, and the column before it on the way.
    let (mut owner, mut way) = (vec![NONE; columns + 1], vec![NONE; columns + 1]);
    for row in 1..=rows {
        owner[NONE] = row;
        let (mut least, mut seen) = (vec![i64::MAX; columns + 1], vec![false; columns + 1]);
        let mut at = NONE;
        while owner[at] != NONE || at == NONE {
            seen[at] = true;
            let (from, mut delta, mut next) = (owner[at], i64::MAX, NONE);
            for column in (1..=columns).filter(|column| !seen[*column]) {
                let reduced = cost(from, column) - of_row[from] - of_column[column];
                if reduced < least[column] {
                    (least[column], way[column]) = (reduced, at);
                }
                if least[column] < delta {
                    (delta, next) = (least[column], column);
                }
            }
            for column in 0..=columns {
                if seen[column] {
                    of_row[owner[column]] += delta;
                    of_column[column] -= delta;
                } else if least[column] != i64::MAX {
                    least[column] -= delta;
                }
            }
            at = next;
        }
        while at != NONE {
            owner[at] = owner[way[at]];
            at = way[at];
        }
    }
    let mut chosen = vec![None; rows];
    for (column, row) in owner.into_iter().enumerate().skip(1) {
        if row != NONE && cost(row, column) != 0 {
            chosen[row - 1] = u32::try_from(column - 1).ok().map(CrtcIndex::from_raw);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wish(possible: u32, current: Option<u32>, lit: bool) -> Wish {
        Wish { possible, current: current.map(CrtcIndex::from_raw), lit }
    }

    fn chosen(wishes: &[Wish]) -> Vec<Option<u32>> {
        choose(wishes).into_iter().map(|crtc| crtc.map(CrtcIndex::raw)).collect()
    }

    #[test]
    fn as_many_are_lit_as_can_be() {
        let (dark, lit) = (|possible| wish(possible, None, false), |possible, at| wish(possible, Some(at), true));
        let table = [
            ("nothing", vec![], vec![]),
            ("one", vec![dark(0b10)], vec![Some(1)]),
            ("one without a CRTC", vec![dark(0)], vec![None]),
            ("the last CRTC", vec![dark(1 << 31)], vec![Some(31)]),
            ("the second has no choice", vec![dark(0b11), dark(0b01)], vec![Some(1), Some(0)]),
            ("one that is lit makes room", vec![lit(0b11, 0), dark(0b01)], vec![Some(1), Some(0)]),
            ("and does not where there is room", vec![lit(0b11, 1), dark(0b11)], vec![Some(1), Some(0)]),
            ("two for one CRTC: the one that is lit", vec![dark(0b1), lit(0b1, 0)], vec![None, Some(0)]),
            ("three move along", vec![lit(0b011, 0), lit(0b110, 1), dark(0b001)], vec![Some(1), Some(2), Some(0)]),
            (
                "what the firmware has lit stays",
                vec![wish(0b11, Some(1), false), wish(0b11, Some(0), false)],
                vec![Some(1), Some(0)],
            ),
        ];
        for (name, wishes, expected) in table {
            assert_eq!(chosen(&wishes), expected, "{name}");
        }
        let many = vec![dark(u32::MAX); 40];
        assert_eq!(choose(&many).iter().flatten().count(), 32);
    }

    /// Everything, tried: how many are lit, how many of those that were, how many stay.
    fn best(wishes: &[Wish], used: u32) -> (usize, usize, usize) {
        let Some((first, rest)) = wishes.split_first() else { return (0, 0, 0) };
        let mut found = best(rest, used);
        for crtc in (0..5u32).filter(|crtc| (first.possible & !used) & (1 << crtc) != 0) {
            let (shown, lit, stay) = best(rest, used | 1 << crtc);
            let stays = first.current == Some(CrtcIndex::from_raw(crtc));
            found = found.max((shown + 1, lit + usize::from(first.lit), stay + usize::from(stays)));
        }
        found
    }

    proptest! {
        #[test]
        fn no_other_choice_is_better(
            wishes in prop::collection::vec((0u32..32, prop::option::of(0u32..5), any::<bool>()), 0..6)
        ) {
            let wishes: Vec<Wish> = wishes.into_iter().map(|(possible, at, lit)| wish(possible, at, lit)).collect();
            let (mut used, mut value) = (0u32, (0, 0, 0));
            for (wish, crtc) in wishes.iter().zip(choose(&wishes)) {
                let Some(crtc) = crtc else { continue };
                prop_assert!(wish.possible & !used & crtc.bit() != 0, "{wishes:?}");
                used |= crtc.bit();
                value.0 += 1;
                value.1 += usize::from(wish.lit);
                value.2 += usize::from(wish.current == Some(crtc));
            }
            prop_assert_eq!(value, best(&wishes, 0));
        }
    }
}
