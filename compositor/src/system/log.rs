//! The log on standard error: with colours on a terminal, with priorities for systemd's journal,
//! plain elsewhere.
//!
//! The journal reads a priority from the start of each line (`<3>` is an error, see sd-daemon(3))
//! and adds its own time. `JOURNAL_STREAM` names the device and inode of the journal's stream;
//! comparing them with standard error shows whether it goes there. A program below a service whose
//! standard error goes to a file inherits the variable, but not the stream. The journal's socket is
//! never opened.
//!
//! Clients cause many of the lines, some with each frame. So no place of the program writes more
//! than [`MOST`] lines in [`WINDOW`]; what is left out is counted.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{self, Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::system::recent_log::Kept;

/// So many lines come from one place of the program in [`WINDOW`] at most. Debugging and tracing
/// are not limited.
const MOST: u32 = 100;
const WINDOW: Duration = Duration::from_secs(10);

/// Where the log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sink {
    Terminal { colours: bool },
    Journal,
    File,
}

impl Sink {
    /// `stream` is the `dev:inode` of standard error; the other values are those of the
    /// environment.
    fn of(is_terminal: bool, stream: Option<&str>, journal: Option<&str>, no_color: Option<&str>) -> Self {
        if is_terminal {
            // https://no-color.org: set and not empty.
            Self::Terminal { colours: no_color.is_none_or(str::is_empty) }
        } else if stream.is_some() && stream == journal {
            Self::Journal
        } else {
            Self::File
        }
    }

    fn of_this_process() -> Self {
        let stderr = io::stderr();
        let variable = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let stream = rustix::fs::fstat(stderr.as_fd()).ok().map(|stat| format!("{}:{}", stat.st_dev, stat.st_ino));
        let (journal, no_color) = (variable("JOURNAL_STREAM"), variable("NO_COLOR"));
        Self::of(stderr.is_terminal(), stream.as_deref(), journal.as_deref(), no_color.as_deref())
    }
}

/// Sends the events of `tracing` to standard error from now on. `SYNCLINE_LOG` filters them in the
/// syntax of `tracing`, for example `debug` or `syncline=trace,warn`.
pub fn start() {
    let filter = EnvFilter::try_from_env("SYNCLINE_LOG").unwrap_or_else(|_| EnvFilter::new("info,smithay=warn"));
    let sink = Sink::of_this_process();
    let kept = Kept { stamped: sink == Sink::Journal };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || kept);
    let plain = || Limited::new(format::format().with_target(false));
    match sink {
        Sink::Terminal { colours } => log.with_ansi(colours).event_format(plain()).init(),
        Sink::File => log.with_ansi(false).event_format(plain()).init(),
        Sink::Journal => log.with_ansi(false).event_format(Limited::new(Prioritised::default())).init(),
    }
}

/// Leaves out lines of places that write very many.
#[derive(Debug)]
struct Limited<F> {
    inner: F,
    /// By file and line, which are the name of an event.
    places: Mutex<HashMap<&'static str, Place>>,
}

/// A place of the program.
#[derive(Debug)]
struct Place {
    /// When its window began.
    since: Instant,
    /// How many lines it has had in it, with those that were left out.
    lines: u32,
}

impl<F> Limited<F> {
    fn new(inner: F) -> Self {
        Self { inner, places: Mutex::default() }
    }

    fn admit(&self, event: &Event<'_>) -> (bool, Option<String>) {
        if *event.metadata().level() > Level::INFO {
            return (true, None);
        }
        let now = Instant::now();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(event.metadata().name()).or_insert(Place { since: now, lines: 0 }).admit(now)
    }
}

impl Place {
    /// Whether a line may be written now, and with which remark after it.
    fn admit(&mut self, now: Instant) -> (bool, Option<String>) {
        let mut remark = None;
        if now.saturating_duration_since(self.since) >= WINDOW {
            let left_out = self.lines.saturating_sub(MOST);
            remark = (left_out > 0).then(|| format!("{left_out} lines like this one were left out"));
            *self = Self { since: now, lines: 0 };
        }
        self.lines = self.lines.saturating_add(1);
        if self.lines == MOST {
            remark = Some(format!("more lines like this one are left out for up to {WINDOW:?}"));
        }
        (self.lines <= MOST, remark)
    }
}

impl<S, N, F> FormatEvent<S, N> for Limited<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (admitted, remark) = self.admit(event);
        if !admitted {
            return Ok(());
        }
        self.inner.format_event(context, out.by_ref(), event)?;
        remark.map_or(Ok(()), |remark| writeln!(out, "{remark}"))
    }
}

/// The format for the journal: a priority before each line, and neither level nor time in the text.
#[derive(Debug)]
struct Prioritised {
    inner: Format<format::Full, ()>,
}

impl Default for Prioritised {
    fn default() -> Self {
        Self { inner: format::format().without_time().with_level(false).with_target(false).with_ansi(false) }
    }
}

impl<S, N> FormatEvent<S, N> for Prioritised
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut text = String::new();
        self.inner.format_event(context, Writer::new(&mut text), event)?;
        // The journal makes an entry of each line.
        let priority = priority(*event.metadata().level());
        text.lines().try_for_each(|line| writeln!(out, "<{priority}>{line}"))
    }
}

/// The syslog(3) number of a level.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn journal(events: impl FnOnce()) -> String {
        let written = Written::default();
        let sink = written.clone();
        let log = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_writer(move || sink.clone())
            .with_ansi(false)
            .event_format(Prioritised::default());
        tracing::subscriber::with_default(log.finish(), events);
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn each_level_has_its_priority_and_no_time() {
        let text = journal(|| {
            tracing::error!("no display");
            tracing::warn!(output = "HDMI-A-1", "refused");
            tracing::info!("started");
            tracing::debug!("latch");
            tracing::trace!("poll");
        });
        assert_eq!(text, "<3>no display\n<4>refused output=\"HDMI-A-1\"\n<6>started\n<7>latch\n<7>poll\n");
    }

    #[test]
    fn a_place_that_writes_very_many_lines_is_cut_short_and_says_so() {
        let written = Written::default();
        let sink = written.clone();
        let log = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_writer(move || sink.clone())
            .with_ansi(false)
            .event_format(Limited::new(Prioritised::default()));
        tracing::subscriber::with_default(log.finish(), || {
            for frame in 0..3 * MOST {
                tracing::warn!("frame {frame} cannot be drawn");
                tracing::debug!("unlimited");
            }
            tracing::warn!("another place");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let count = |what: &str| text.lines().filter(|line| line.contains(what)).count() as u32;
        assert_eq!((count("cannot be drawn"), count("unlimited"), count("another place")), (MOST, 3 * MOST, 1));
        assert_eq!(count("more lines like this one are left out"), 1);
    }

    #[test]
    fn after_its_window_a_place_writes_again_and_says_how_much_was_left_out() {
        let begun = Instant::now();
        let mut place = Place { since: begun, lines: 0 };
        let written = (0..MOST + 7).filter(|_| place.admit(begun).0).count() as u32;
        assert_eq!(written, MOST);
        assert_eq!(place.admit(begun + WINDOW / 2), (false, None));
        let remark = "8 lines like this one were left out".to_owned();
        assert_eq!(place.admit(begun + WINDOW), (true, Some(remark)));
        assert_eq!(place.admit(begun + WINDOW), (true, None));
    }

    #[test]
    fn each_line_of_an_event_has_the_priority() {
        assert_eq!(journal(|| tracing::error!("first\nsecond")), "<3>first\n<3>second\n");
    }

    #[test]
    fn colours_are_for_terminals_only() {
        assert_eq!(Sink::of(true, Some("5:7"), None, None), Sink::Terminal { colours: true });
        assert_eq!(Sink::of(true, None, None, Some("")), Sink::Terminal { colours: true });
        assert_eq!(Sink::of(true, None, None, Some("1")), Sink::Terminal { colours: false });
        assert_eq!(Sink::of(false, Some("5:7"), None, None), Sink::File);
    }

    #[test]
    fn the_journal_is_known_by_its_stream() {
        assert_eq!(Sink::of(false, Some("5:7"), Some("5:7"), None), Sink::Journal);
        assert_eq!(Sink::of(false, Some("5:8"), Some("5:7"), None), Sink::File, "redirected below a service");
        assert_eq!(Sink::of(false, None, None, None), Sink::File);
    }
}
