//! How long an arrangement takes, and that it allocates nothing. The time is printed, not judged:
//! `cargo test --release -p syncline --lib layout::tests::bench -- --nocapture`.

use std::{hint::black_box, time::Instant};

use super::*;

/// A workspace with 200 windows: 100 tiled ones and as many floating ones with dialogs.
fn large() -> (Layout, Vec<WindowId>) {
    let mut layout = layout(Mode::Tiling);
    layout.set_options(Options { columns: 10, gap: 2, border: 1, ..*layout.options() });
    let mut ids = Vec::new();
    for i in 0..200 {
        let id = map(&mut layout);
        if i % 4 == 0 {
            layout.set_floating(id, true);
        } else if i % 4 == 1 {
            layout.set_parent(id, ids.last().copied());
        }
        ids.push(id);
    }
    layout.arrange();
    (layout, ids)
}

#[test]
fn benchmark_an_arrangement_of_200_windows() {
    let (mut layout, ids) = large();
    let on = active(&layout, "A");
    let mut times: Vec<_> = (0..2000)
        .map(|i| {
            // Another border changes every rectangle.
            layout.set_options(Options { border: 1 + i % 2, ..*layout.options() });
            let begin = Instant::now();
            black_box(layout.arrange());
            begin.elapsed()
        })
        .collect();
    times.sort();
    assert_eq!(layout.workspace(on).map(|on| on.placed().len()), Some(ids.len()));
    println!("200 windows placed: median {:?}, 99 % below {:?}", times[1000], times[1980]);
    let begin = Instant::now();
    for _ in 0..1000 {
        black_box(layout.arrange());
    }
    println!("nothing changed: {:?}", begin.elapsed() / 1000);
}

#[test]
fn an_arrangement_allocates_nothing_when_its_buffers_are_large_enough() {
    let (mut layout, ids) = large();
    layout.focus(ids[0]);
    layout.arrange();
    layout.focus(ids[199]);
    layout.arrange();
    layout.set_options(Options { border: 3, ..*layout.options() });
    let counted = allocation_counter::measure(|| {
        layout.arrange();
        layout.arrange();
    });
    assert_eq!(counted.count_total, 0);
}
