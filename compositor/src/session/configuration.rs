//! The configuration of a running session: it is read again when its files change, and when it is asked
//! for. A file with an error changes nothing.
//!
//! ```text
//!  a file is saved ─ inotify ─→ 100 ms later ─┐
//!  the action `reload`, `syncline msg reload`, SIGHUP without a terminal ─┴→ load ─┬─ wrong: log, kept for status
//!                                                                                  └─ right: apply the difference
//! ```

use std::path::{Path, PathBuf};

use fence::Ns;
use kms::inventory::Connector;
use toml::Table;

use crate::{
    config::{Config, KeyboardConfig, OutputConfig, Overrides, bindings::DEFAULT_MODE},
    desktop::layout::options::Options,
    output::{choices::Place, outputs::hand_off},
    session::Syncline,
    system::{error::Error, inotify::Watch, reactor::EventSource},
};

/// How long after a change the files are read: an editor writes in several steps.
const DELAY: Ns = 100_000_000;

/// What takes effect when the session starts, and not before.
const AT_START: [&str; 5] = ["realtime", "shm", "cec", "mem2mem", "desktop.primary-selection"];

/// An error with the lines that show its place.
pub fn with_excerpt(error: &Error) -> String {
    match error.excerpt() {
        Some(excerpt) => format!("{error}\n{excerpt}"),
        None => error.to_string(),
    }
}

/// The files as a session reads them before it begins.
#[derive(Debug)]
pub struct FirstReading {
    /// Those that were read or looked for.
    pub(super) files: Vec<PathBuf>,
    /// Why they were not taken: the defaults hold.
    pub(super) error: Option<String>,
    /// What happens to them from before they were read.
    pub(super) watch: Option<Watch>,
}

impl FirstReading {
    /// Reads the files that `overrides` name. With a mistake in the user's own file the defaults hold, so
    /// that it can be mended in the session; one that is named on the command line, and settings there, are
    /// wanted as they are.
    /// Errors: that, or a file cannot be read.
    pub fn of(overrides: &Overrides) -> Result<(Config, Self), Error> {
        let mut files = Vec::new();
        // Which files there are is known when they have been read: once for that, and once while they
        // are watched.
        match Config::load(overrides, &mut files) {
            Ok(_) | Err(Error::Config { .. }) => {}
            Err(error) => return Err(error),
        }
        let watch = Watch::new(&files).ok();
        files.clear();
        match Config::load(overrides, &mut files) {
            Ok(config) => Ok((config, Self { files, error: None, watch })),
            Err(error) if overrides.config.is_none() && is_of_a_file(&error) => {
                let error = with_excerpt(&error);
                tracing::error!("the defaults hold: {error}");
                Ok((Config::fallback(overrides), Self { files, error: Some(error), watch }))
            }
            Err(error) => Err(error),
        }
    }
}

fn is_of_a_file(error: &Error) -> bool {
    matches!(error, Error::Config { path, .. } if *path != Path::new(Overrides::SET))
}

impl Syncline {
    /// The configuration comes from these files: follows them from now on, and reads them again soon if
    /// they have changed since.
    pub fn follow_configuration(&mut self, overrides: Overrides, read: FirstReading) {
        let FirstReading { files, error, watch } = read;
        self.configuration.overrides = overrides;
        self.configuration.files = files;
        self.configuration.error = error;
        self.configuration.watch = watch;
        self.watch_configuration();
        self.set_environment(&Config::default());
        self.tell_fault();
    }

    fn watch_configuration(&mut self) {
        let before = self.configuration.watch.take();
        let watched = Watch::new(&self.configuration.files).and_then(|watch| {
            self.reactor.add(&watch, EventSource::Configuration)?;
            Ok(watch)
        });
        match watched {
            Ok(watch) => self.configuration.watch = Some(watch),
            Err(error) => {
                tracing::warn!("changes of the configuration are not noticed: {error}; `syncline msg reload` reads it");
            }
        }
        // Files that have changed since they were read, and before they were watched anew.
        if before.is_some_and(|mut before| before.changed()) {
            self.configuration.due = Some(self.now + DELAY);
        }
    }

    /// Something has happened in a folder with files of the configuration.
    pub fn configuration_changed(&mut self) {
        if self.configuration.watch.as_mut().is_some_and(Watch::changed) {
            self.configuration.due = Some(self.now + DELAY);
        }
    }

    /// When the files are to be read: while another session is on the screen, they wait.
    pub fn next_configuration(&self) -> Option<Ns> {
        self.configuration.due.filter(|_| self.outputs.active)
    }

    /// The timer fired: reads the files, if it is time.
    pub fn configuration_timer(&mut self) {
        if self.next_configuration().is_some_and(|due| due <= self.now) {
            // The log has the error.
            self.reload().ok();
        }
    }

    /// Reads the configuration again. Errors: why it was not taken, with the place; the log has it,
    /// too.
    pub fn reload(&mut self) -> Result<(), String> {
        if !self.outputs.active {
            // Displays could not be lit anew.
            self.configuration.due = Some(self.now);
            return Err("the session is not on the screen; the configuration is read when it is again".to_owned());
        }
        self.configuration.due = None;
        self.configuration.reloads += 1;
        // What has changed so far is about to be read.
        self.configuration.watch.as_mut().map(Watch::changed);
        let mut files = Vec::new();
        let loaded = Config::load(&self.configuration.overrides, &mut files);
        self.configuration.files = files;
        // Also of files with an error: they are watched until they are right.
        self.watch_configuration();
        let taken = loaded.map_err(|error| with_excerpt(&error)).and_then(|config| self.apply(config));
        if let Err(error) = &taken {
            tracing::error!("the configuration stays as it was: {error}");
        }
        self.configuration.error = taken.as_ref().err().cloned();
        self.tell_fault();
        taken
    }

    /// Takes a configuration: what differs takes effect now, or with the next client, display or start.
    fn apply(&mut self, config: Config) -> Result<(), String> {
        self.apply_keyboard(&config.keyboard)?;
        let old = std::mem::replace(&mut self.config, config);
        let config = &self.config;
        if (&old.cursor.theme, old.cursor.size) != (&config.cursor.theme, config.cursor.size) {
            self.desktop.cursor.set_theme(&self.config.cursor);
            self.redraw_pointer(self.pointer_location());
        }
        if self.config.bindings.mode(&self.keys.mode).is_none() {
            self.keys.mode = DEFAULT_MODE.into();
        }
        if old.desktop != self.config.desktop {
            self.desktop.layout.set_options(Options::from(&self.config.desktop));
            self.desktop.rings.set_colours(&self.config.desktop);
            self.desktop.bars.set_look(&self.config.desktop);
            self.decide_all_titles();
            (self.layout_stale, self.bars.stale) = (true, true);
        }
        if old.inputs != self.config.inputs {
            self.configure_inputs();
        }
        if old.night_light != self.config.night_light {
            self.refresh_night();
        }
        self.outputs.policy = hand_off(&self.config.fences);
        self.set_environment(&old);
        self.light_anew(&old);
        self.renew_bindings();
        self.tell_handled();
        self.redraw_all();
        let later = differing(&old, &self.config, &AT_START);
        match later.as_slice() {
            [] => tracing::info!("the configuration was read again"),
            later => tracing::info!(
                "the configuration was read again; when the session starts again, this takes effect: {}",
                later.join(", ")
            ),
        }
        Ok(())
    }

    fn apply_keyboard(&mut self, new: &KeyboardConfig) -> Result<(), String> {
        let Some(keyboard) = self.seat.get_keyboard() else { return Ok(()) };
        let old = &self.config.keyboard;
        let names = |of: &KeyboardConfig| (of.layout.clone(), of.variant.clone(), of.model.clone(), of.options.clone());
        let repeats = (old.repeat_rate, old.repeat_delay) != (new.repeat_rate, new.repeat_delay);
        if names(old) != names(new) {
            let set = keyboard.set_xkb_config(self, new.xkb());
            set.map_err(|error| format!("keyboard: {error}; check [keyboard]"))?;
            self.forget_own_keymap();
        }
        if repeats {
            keyboard.change_repeat_info(new.repeat_rate.max(0), new.repeat_delay.max(0));
        }
        Ok(())
    }

    /// Displays whose settings have changed are lit anew, as if they were plugged in again: windows stay
    /// on them.
    fn light_anew(&mut self, old: &Config) {
        // What the user writes now counts more than what was chosen before.
        let differs = |connector: &Connector| {
            old.output_of(&connector.name, connector.edid.as_ref()) != self.configured(connector)
        };
        let written = self.displays().filter(|(_, connector)| differs(connector));
        let written: Vec<_> = written.map(|(card, of)| Place { card: card.serial(), name: of.name.clone() }).collect();
        written.iter().for_each(|place| drop(self.displays.choices.set(place, None)));
        let config = &self.config;
        let changed = self.outputs.list.take(|output| {
            let (name, monitor) = (output.kms.name(), output.monitor.edid());
            let vrr = output.kms.vrr_capable() && old.vrr(name, monitor) != config.vrr(name, monitor);
            let settings = |config: &Config| {
                config.output_of(name, monitor).map(|output| OutputConfig { vrr: None, ..output.clone() })
            };
            vrr || settings(old) != settings(config)
        });
        if changed.is_empty() && written.is_empty() {
            return;
        }
        let cards: Vec<kms::CardSerial> = self.outputs.cards.iter().map(|card| card.serial()).collect();
        for output in changed {
            tracing::info!("{}: its settings have changed", output.wl.name());
            self.remove_output(output);
        }
        self.arrange();
        cards.into_iter().for_each(|card| self.light_up(card, self.mode, false).unwrap_or_default());
        self.displays_changed();
    }

    /// For `syncline msg status`.
    pub fn configuration_status(&self) -> serde_json::Value {
        let configuration = &self.configuration;
        serde_json::json!({
            "files": configuration.files.iter().filter(|file| file.exists()).collect::<Vec<_>>(),
            "reloads": configuration.reloads,
            "error": configuration.error,
            "mode": self.keys.mode.as_ref(),
        })
    }
}

/// Those of these keys whose values differ.
fn differing<'a>(old: &Config, new: &Config, keys: &[&'a str]) -> Vec<&'a str> {
    let table = |config: &Config| Table::try_from(config).unwrap_or_default();
    let (old, new) = (table(old), table(new));
    keys.iter().copied().filter(|key| value_at(&old, key) != value_at(&new, key)).collect()
}

/// The value of a key, with the names of its tables before it.
fn value_at<'a>(table: &'a Table, key: &str) -> Option<&'a toml::Value> {
    let mut names = key.split('.');
    let first = table.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}
