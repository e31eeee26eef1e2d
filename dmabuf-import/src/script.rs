//! Random descriptions of buffers for tests and the fuzzer: bytes in, a verdict out, with what must
//! hold checked on the way.
//!
//! It follows the path of a client's requests, [`crate::Request`] and [`crate::validate::check`],
//! with numbers in the place of descriptors, and judges the verdict by a model that is written
//! differently. Not for the product.

use crate::formats::FORMATS;
use crate::request::{CompleteParams, ParamsPlane, Request};
use crate::validate::{Params, PlaneParams, Violation, check};
use crate::{Fourcc, Modifier};

/// Reads numbers off a string of bytes; zeros when it is over.
#[derive(Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// A number that is small, at an edge, or anything.
    fn number(&mut self) -> u32 {
        match self.byte() % 8 {
            0 => 0,
            1 => u32::MAX,
            2 => self.word(),
            3 => 1 << (self.byte() % 32),
            4 => i32::MAX as u32,
            _ => u32::from(self.byte()) * u32::from(self.byte()),
        }
    }
}

/// One `add`.
#[derive(Debug, Clone, Copy)]
struct Add {
    index: u32,
    offset: u32,
    stride: u32,
    modifier: u64,
    /// Bytes of its memory.
    size: u64,
}

/// Layouts worth asking for: linear, implicit, and one each whose planes are counted differently.
const MODIFIERS: [u64; 8] =
    [0, 0, 0, 0x00ff_ffff_ffff_ffff, 1 << 56 | 1, 1 << 56 | 4, 1 << 56 | 8, 2 << 56 | 4 | 1 << 13];

/// Plays a client's requests as `bytes` have them. `Ok`: what passed, after the model has agreed.
///
/// Panics where check and model differ: that is the finding.
pub fn play(bytes: &[u8]) -> Result<(), Violation> {
    let mut bytes = Bytes::new(bytes);
    let head = bytes.byte();
    let format = match head & 7 {
        0 => bytes.word(),
        _ => FORMATS[usize::from(bytes.byte()) % FORMATS.len()].format as u32,
    };
    let (width, height) = match head & 8 {
        0 => (u32::from(bytes.byte()), u32::from(bytes.byte())),
        _ => (bytes.number(), bytes.number()),
    };
    let modifier = MODIFIERS[usize::from(bytes.byte()) % MODIFIERS.len()];
    // Half of the time what fits, changed in few places: random numbers alone would hardly ever
    // pass.
    let mut adds = if head & 16 == 0 { fitting(format, width, height, modifier) } else { Vec::new() };
    for _ in 0..bytes.byte() % 5 {
        let add = Add {
            index: u32::from(bytes.byte() % 6),
            offset: bytes.number(),
            stride: bytes.number(),
            modifier: MODIFIERS[usize::from(bytes.byte()) % MODIFIERS.len()],
            size: u64::from(bytes.number()),
        };
        match bytes.byte() % 4 {
            0 => drop(adds.pop()),
            1 => adds.push(add),
            _ => {
                let at = usize::from(bytes.byte()) % adds.len().max(1);
                if let Some(known) = adds.get_mut(at) {
                    match bytes.byte() % 5 {
                        0 => known.index = add.index,
                        1 => known.offset = add.offset,
                        2 => known.stride = add.stride,
                        3 => known.modifier = add.modifier,
                        _ => known.size = add.size,
                    }
                }
            }
        }
    }
    let verdict = verdict(width, height, format, &adds);
    assert_eq!(
        verdict.is_ok(),
        model(width, height, format, &adds),
        "{width}x{height} {format:#x} {adds:?}: {verdict:?}"
    );
    verdict
}

/// What a client that knows all the rules would say; for layouts of unknown inside, a page and a
/// line.
fn fitting(format: u32, width: u32, height: u32, modifier: u64) -> Vec<Add> {
    let Some(info) = Fourcc::try_from(format).ok().and_then(crate::formats::info) else { return Vec::new() };
    let count = *crate::modifiers::memory_planes(info, Modifier::from(modifier)).start();
    let plane = |index: u8| {
        let stride = (info.min_stride(usize::from(index), width).max(1)).next_multiple_of(4);
        let lines = info.plane_height(usize::from(index), height);
        let size = stride.saturating_mul(u64::from(lines)).saturating_add(64);
        Add { index: index.into(), offset: 64, stride: u32::try_from(stride).unwrap_or(u32::MAX), modifier, size }
    };
    (0..count).map(plane).collect()
}

fn verdict(width: u32, height: u32, format: u32, adds: &[Add]) -> Result<(), Violation> {
    let mut request = Request::default();
    for add in adds {
        request.add(
            add.index,
            ParamsPlane { memory: add.size, offset: add.offset, stride: add.stride },
            add.modifier,
        )?;
    }
    let CompleteParams { modifier, planes } = request.take()?;
    assert_eq!(request.take(), Err(Violation::Used));
    let plane =
        |given: &ParamsPlane<u64>| PlaneParams { offset: given.offset, stride: given.stride, size: Some(given.memory) };
    let planes: Vec<_> = planes.iter().map(plane).collect();
    check(&Params { width, height, format, modifier, planes: &planes }).map(drop)
}

/// The same rules in other words: counts instead of a machine, 128 bits instead of care.
fn model(width: u32, height: u32, format: u32, adds: &[Add]) -> bool {
    let Some(info) = FORMATS.iter().find(|info| info.format as u32 == format) else { return false };
    let once = (0..4)
        .all(|index| adds.iter().filter(|add| add.index == index).count() == usize::from(index < adds.len() as u32));
    let Some(modifier) = adds.first().map(|add| add.modifier) else { return false };
    let sizes = [width, height].iter().all(|&n| n > 0 && n <= i32::MAX as u32);
    let planes = crate::modifiers::memory_planes(info, Modifier::from(modifier));
    let counted = planes.contains(&u8::try_from(adds.len()).unwrap_or(u8::MAX));
    let fits = |add: &Add| {
        let index = add.index as usize;
        let (line, lines) = match modifier {
            0 => (u128::from(info.min_stride(index, width)), u128::from(info.plane_height(index, height))),
            _ => (1, 1),
        };
        let (offset, stride) = (u128::from(add.offset), u128::from(add.stride));
        let last = if modifier == 0 { stride * (lines - 1) + line } else { stride };
        stride >= line && stride > 0 && offset + last <= u128::from(add.size)
    };
    sizes && once && counted && adds.iter().all(|add| add.modifier == modifier) && adds.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::*;

    /// 100 000 random descriptions, or as many as PROPTEST_CASES asks for beyond that: none panics,
    /// only valid ones pass, and enough of every kind come.
    #[test]
    fn a_hundred_thousand_descriptions() {
        let usual = ProptestConfig::default();
        let config = ProptestConfig { cases: usual.cases.max(100_000), failure_persistence: None, ..usual };
        let seen = RefCell::new(BTreeMap::<String, u32>::new());
        let run = TestRunner::new(config).run(&prop::collection::vec(any::<u8>(), 64), |bytes| {
            let kind = match play(&bytes) {
                Ok(()) => "passes".to_owned(),
                Err(violation) => {
                    let debug = format!("{violation:?}");
                    debug.split([' ', '(']).next().unwrap_or_default().to_owned()
                }
            };
            *seen.borrow_mut().entry(kind).or_default() += 1;
            Ok(())
        });
        run.expect("check and model agree");
        let seen = seen.into_inner();
        let kinds = [
            "Format",
            "Modifiers",
            "OutOfBounds",
            "PlaneCount",
            "PlaneIndex",
            "PlaneMissing",
            "PlaneTwice",
            "Size",
            "Stride",
            "passes",
        ];
        for kind in kinds {
            assert!(seen.get(kind).is_some_and(|&n| n >= 100), "{kind} is rare: {seen:?}");
        }
        println!("{seen:?}");
    }

    /// The fuzzer's corpus plays, too.
    #[test]
    fn the_corpus() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/params");
        let mut played = 0;
        for entry in std::fs::read_dir(folder).expect("corpus") {
            let _ = play(&std::fs::read(entry.expect("entry").path()).expect("read"));
            played += 1;
        }
        assert!(played >= 8, "{played}");
    }
}
