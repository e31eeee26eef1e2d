//! A soak from beginning to end: a warm-up, two halves, and what the compositor holds after each of
//! them, when all clients have gone. It must be the same each time.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::company::Company;
use super::options::Run;
use super::stage::Stage;
use super::tally::{Deed, Tally};
use crate::error::{Error, Result};
use crate::held::Held;
use crate::time::{S, after, now};

/// The phases, and the percentage of all commits after which each ends.
const PHASES: [(&str, u64); 3] = [("warm-up", 20), ("first half", 60), ("second half", 100)];
/// Displays that the session has at a time.
const DISPLAYS: u64 = 4;
/// Dma-bufs of clients.
const FOREIGN: &str = "dma-bufs from elsewhere";
/// What may be more than before, since it is the session's own or replaced again and again: each
/// display has two or three targets and perhaps a cursor, and a target has two descriptors.
///
/// Clients' dma-bufs were there after one phase of one run of eight, three of them, and not after the
/// next: no descriptor, handle or framebuffer of the compositor was theirs, so who held them is not
/// known. Where it happens again, what the kernel knows of them is printed.
const SLACK: [(&str, u64); 6] = [
    ("framebuffers of ", 3 * DISPLAYS),
    ("dma-bufs", 2 * DISPLAYS),
    (FOREIGN, 4),
    ("bytes in dma-bufs", 2 * DISPLAYS * (1024 * 768 * 4)),
    ("descriptors of /dmabuf:", 4 * DISPLAYS),
    ("descriptors of /memfd:dmabuf-formats", 1),
];
/// The same with GLES: Mesa has three handles of each target.
const SLACK_OF_MESA: (&str, u64) = ("GEM handles of ", 3 * 2 * DISPLAYS);
/// So much more of the heap may be in use after a phase than was after any before it: what the
/// displays and the card that come and go have (it has been 100 KiB). Buffers are counted by themselves.
const HEAP_KIB: u64 = 512;
/// The same of all memory of its own that is resident: pages of which only a part is free stay with
/// the allocator.
const GROWTH_KIB: u64 = 4096;
/// How long everything is left alone before it is counted.
const CALM: Duration = Duration::from_secs(15);
/// How long the compositor may then take to give up what dead clients have left.
const SETTLE: Duration = Duration::from_secs(30);
/// Some client must have committed something within so much time.
const STALL: u64 = 30 * S;
/// The log's last lines, which are shown after a failure.
const LAST_LINES: usize = 40;

/// What is there after a phase.
struct Sample {
    held: Held,
    /// What the compositor's allocator has given out and not got back.
    heap_kib: u64,
    rss_kib: u64,
}

/// Runs it; whether all is well.
pub fn run(options: &Run) -> Result<bool> {
    let again = format!("again: cargo xtask soak --seed {}", options.seed);
    println!("soak: seed {}, {} clients at a time, {}", options.seed, options.clients, options.renderer);
    let mut soak = Soak::new(options)?;
    let faults = match soak.phases() {
        Ok(faults) => faults,
        Err(error) => {
            let log = soak.stage.compositor.log();
            let lines: Vec<&str> = log.lines().collect();
            println!("the last of the log:\n{}", lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"));
            vec![error.to_string()]
        }
    };
    let tally = soak.tally();
    print!("{tally}");
    for fault in &faults {
        println!("FAILED: {fault}");
    }
    if !faults.is_empty() {
        println!("seed {}; {again}", options.seed);
        return Ok(false);
    }
    soak.stage.compositor.stop()?;
    println!("soak: {} commits and nothing is left of them", tally.of(Deed::Commit));
    Ok(true)
}

struct Soak<'a> {
    options: &'a Run,
    rng: fastrand::Rng,
    company: Company,
    stage: Stage,
    events: Tally,
    marks: Option<Arc<AtomicUsize>>,
}

impl Soak<'_> {
    fn new(options: &Run) -> Result<Soak<'_>> {
        let stage = Stage::new(&options.renderer)?;
        Ok(Soak {
            options,
            rng: fastrand::Rng::with_seed(options.seed),
            company: Company::new(options.clients)?,
            stage,
            events: Tally::default(),
            marks: options.marks.then(listen),
        })
    }

    fn tally(&self) -> Tally {
        let mut tally = self.company.tally();
        tally.add(&self.events);
        tally
    }

    /// Goes through the phases; what is wrong.
    fn phases(&mut self) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        let mut before: Option<Sample> = None;
        for (at, (name, _)) in PHASES.iter().enumerate() {
            self.phase(at)?;
            let sample = self.sample(before.as_ref())?;
            println!(
                "after the {name}: {} commits, {} KiB of the heap in use, {} KiB of its own resident; {}",
                self.company.commits(),
                sample.heap_kib,
                sample.rss_kib,
                sample.held
            );
            if let Some(before) = &before {
                let grown = sample.held.growth(&before.held, |name| self.slack(name));
                if !grown.is_empty() || sample.held.get(FOREIGN) > before.held.get(FOREIGN) {
                    self.explain()?;
                }
                faults.extend(grown.into_iter().map(|change| format!("{name}: {change}")));
                let memory = [
                    ("heap in use", before.heap_kib, sample.heap_kib, HEAP_KIB),
                    ("resident memory of its own", before.rss_kib, sample.rss_kib, GROWTH_KIB),
                ];
                for (what, was, is, more) in memory.into_iter().filter(|(_, was, is, more)| *is > was + more) {
                    faults.push(format!("{name}: {what}: from {was} to {is} KiB; {more} more are allowed"));
                }
            }
            // Growth by little steps is growth, too.
            before = Some(match before {
                None => sample,
                Some(before) => {
                    let heap_kib = sample.heap_kib.max(before.heap_kib);
                    Sample {
                        held: sample.held.least(&before.held),
                        rss_kib: sample.rss_kib.max(before.rss_kib),
                        heap_kib,
                    }
                }
            });
        }
        let tally = self.tally();
        faults.extend(tally.missing().into_iter().map(|deed| format!("there were no {deed}: run it for longer")));
        Ok(faults)
    }

    /// What the compositor itself says of what it holds.
    fn explain(&self) -> Result<()> {
        for what in ["fences", "buffers", "clients"] {
            println!("{}", String::from_utf8_lossy(&self.stage.compositor.msg(&[what])?.stdout));
        }
        // And what the kernel says of it.
        for file in ["sync/info", "dma_buf/bufinfo"] {
            let path = Path::new("/sys/kernel/debug").join(file);
            let text = fs::read_to_string(&path).unwrap_or_else(|error| error.to_string());
            println!("{}:\n{text}", path.display());
        }
        Ok(())
    }

    fn is_over(&self, phase: usize, commits: u64) -> bool {
        let by_mark = self.marks.as_ref().is_some_and(|marks| marks.load(Ordering::Relaxed) > phase);
        by_mark || self.options.commits.is_some_and(|all| commits >= all / 100 * PHASES[phase].1)
    }

    fn phase(&mut self, phase: usize) -> Result<()> {
        let (mut newest, mut since) = (0, now());
        loop {
            let commits = self.company.commits();
            if self.is_over(phase, commits) {
                return Ok(());
            }
            if commits > newest {
                (newest, since) = (commits, now());
            }
            if now() - since > STALL {
                return Err(Error::Timeout(format!("any client to commit, {} s after the last one", STALL / S)));
            }
            if !self.stage.compositor.alive() {
                return Err(Error::Other("the compositor has ended".into()));
            }
            self.company.act(&self.stage.compositor, &mut self.rng)?;
            self.stage.act(&mut self.rng, &mut self.events)?;
            std::thread::sleep(Duration::from_millis(self.rng.u64(10..100)));
        }
    }

    /// What is there when all clients have gone, and what they have left is given up.
    fn sample(&mut self, before: Option<&Sample>) -> Result<Sample> {
        self.company.dismiss()?;
        self.stage.calm(&mut self.events)?;
        std::thread::sleep(CALM);
        let compositor = &self.stage.compositor;
        let mut held = Held::count(compositor)?;
        let until = after(SETTLE);
        while before.is_some_and(|before| !held.growth(&before.held, |name| self.slack(name)).is_empty())
            && now() < until
        {
            std::thread::sleep(Duration::from_secs(1));
            held = Held::count(compositor)?;
        }
        let used = compositor.status()?["heap"]["used"].as_u64();
        let heap_kib = used.ok_or_else(|| Error::Missing("heap.used in the status".into()))? / 1024;
        Ok(Sample { held, heap_kib, rss_kib: compositor.process().own_rss_kib()? })
    }

    /// How much more there may be of a thing.
    fn slack(&self, name: &str) -> u64 {
        let of_mesa = (self.options.renderer == "gles").then_some(&SLACK_OF_MESA);
        let is = |of: &str| if of.ends_with(' ') { name.starts_with(of) } else { name == of };
        SLACK.iter().chain(of_mesa).find(|(of, _)| is(of)).map_or(0, |(_, slack)| *slack)
    }
}

/// Counts the bytes on standard input, from which its end is all that were wanted.
fn listen() -> Arc<AtomicUsize> {
    let marks = Arc::new(AtomicUsize::new(0));
    let count = marks.clone();
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        while stdin.read_exact(&mut [0]).is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        }
        count.store(PHASES.len(), Ordering::Relaxed);
    });
    marks
}
