//! Reads the configuration: the file, the files that it includes, what the command line and the
//! environment say.
//!
//! ```text
//!  file ── includes, each read in the same way, in their order ──┐
//!    └── its own keys, which win ────────────────────────────────┴→ one table → Config ← options
//! ```
//!
//! Each file is checked alone, so that an error names its file, line and place. Tables are merged key
//! by key, `[[output]]` by name; lists of `[[sandbox]]`, `[[window]]` and `autostart` are joined;
//! other values replace each other, and so do bindings of the same chord.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

use crate::{
    actions::spelling::nearest,
    config::{
        Config, Overrides,
        bindings::{
            Bindings, Origin, read,
            set::{DEFAULT_MODE, Written},
        },
        fault::Fault,
        system_keyboard,
    },
    system::error::{Context, Error},
};

/// The longest file, in bytes.
const LENGTH: u64 = 1 << 20;
/// The most files.
const FILES: usize = 64;
/// Lists to which each file adds its own.
const JOINED: [&str; 4] = ["input", "sandbox", "window", "autostart"];
/// How deep files may include each other.
const DEPTH: usize = 8;

impl Config {
    /// Reads the file that the command line or the environment names. The command line takes
    /// precedence over the settings in it. `files` gets those that were read or looked for, also if
    /// there is an error.
    pub fn load(overrides: &Overrides, files: &mut Vec<PathBuf>) -> Result<Self, Error> {
        // Its mistakes are told first: no file can mend them.
        Self::of_options(overrides)?;
        let mut reader = Reader { files, open: Vec::new(), table: Table::new(), written: Vec::new() };
        match &overrides.config {
            Some(path) => reader.file(&std::path::absolute(path).context(path.display().to_string())?)?,
            None => {
                for path in default_paths() {
                    match reader.file(&path) {
                        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                        other => {
                            other?;
                            break;
                        }
                    }
                }
            }
        }
        reader.options(overrides)?;
        let mut config = reader.finish()?;
        config.take_precedence(overrides);
        Ok(config)
    }

    /// The defaults, with what the command line and the environment say.
    pub fn fallback(overrides: &Overrides) -> Self {
        let mut config = Self::of_options(overrides).unwrap_or_default();
        config.take_precedence(overrides);
        config
    }

    /// The defaults with the settings of the command line. Errors: theirs.
    fn of_options(overrides: &Overrides) -> Result<Self, Error> {
        let mut reader = Reader { files: &mut Vec::new(), open: Vec::new(), table: Table::new(), written: Vec::new() };
        reader.options(overrides)?;
        reader.finish()
    }

    fn take_precedence(&mut self, overrides: &Overrides) {
        if let Some(policy) = overrides.fence_policy {
            self.fences.policy = policy;
        }
        if let Some(planes) = overrides.planes {
            self.planes = planes;
        }
        self.fences.trusted.extend(overrides.trust.iter().cloned());
        if let Ok(theme) = env::var("XCURSOR_THEME") {
            self.cursor.theme = theme;
        }
        if let Some(size) = env::var("XCURSOR_SIZE").ok().and_then(|s| s.parse().ok()) {
            self.cursor.size = size;
        }
        let environment = env::var_os("XKB_DEFAULT_LAYOUT").is_some_and(|layout| !layout.is_empty());
        system_keyboard::complete(&mut self.keyboard, environment, |path| read_text(Path::new(path)).ok());
    }
}

/// The configuration of a text without includes.
#[cfg(test)]
pub fn parse(path: &Path, text: &str) -> Result<Config, Error> {
    let mut reader = Reader { files: &mut Vec::new(), open: Vec::new(), table: Table::new(), written: Vec::new() };
    reader.text(path, text)?;
    reader.finish()
}

struct Reader<'a> {
    files: &'a mut Vec<PathBuf>,
    /// Those that are being read: a file that includes itself, through others or not, is among them.
    open: Vec<PathBuf>,
    table: Table,
    written: Vec<Written>,
}

impl Reader<'_> {
    fn options(&mut self, overrides: &Overrides) -> Result<(), Error> {
        overrides.set.iter().try_for_each(|line| self.text(Path::new(Overrides::SET), line))
    }

    fn file(&mut self, path: &Path) -> Result<(), Error> {
        if !self.files.iter().any(|known| known == path) {
            self.files.push(path.to_owned());
        }
        let text = read_text(path).context(format!("cannot read {}", path.display()))?;
        self.open.push(path.to_owned());
        self.text(path, &text)?;
        self.open.pop();
        Ok(())
    }

    fn text(&mut self, path: &Path, text: &str) -> Result<(), Error> {
        let at_place = |fault: Fault| fault.of_file(path, text);
        let mut root = DeTable::parse(text).map_err(|error| at_place(Fault::of(&error, text)))?;
        let includes = includes(root.get_mut()).map_err(at_place)?;
        let file: Arc<Path> = path.into();
        let written = read::take(root.get_mut(), &file, text).map_err(at_place)?;
        // For the mistakes, with their places; the values count once all files are merged.
        let checked = Config::deserialize(toml::Deserializer::from(root.clone()));
        checked.map_err(|error| at_place(Fault::of(&error, text)))?;
        for include in includes {
            let included = expanded(include.get_ref(), path);
            let says = match () {
                () if self.open.contains(&included) => Some("the file includes itself".to_owned()),
                () if self.open.len() > DEPTH => Some(format!("files include each other in {DEPTH} levels at most")),
                () if self.files.len() >= FILES => Some(format!("{FILES} files are the most")),
                () => None,
            };
            if let Some(says) = says {
                return Err(at_place(Fault::new(include.span(), says)));
            }
            match self.file(&included) {
                Err(Error::Io { what, source }) => {
                    return Err(at_place(Fault::new(include.span(), format!("{what}: {source}"))));
                }
                other => other?,
            }
        }
        let own = Table::deserialize(toml::Deserializer::from(root));
        merge(&mut self.table, own.map_err(|error| at_place(Fault::of(&error, text)))?);
        self.written.extend(written);
        Ok(())
    }

    fn finish(self) -> Result<Config, Error> {
        let mut config: Config =
            self.table.try_into().map_err(|error: toml::de::Error| Error::setup("configuration", error.message()))?;
        config.bindings.add(self.written);
        if let Some((origin, mode)) = config.bindings.unknown_mode() {
            let message = unknown_mode(&config.bindings, mode);
            return Err(match origin {
                Origin::File(path, line) => {
                    Error::Config { path: path.to_path_buf(), line: *line, message, excerpt: String::new() }
                }
                Origin::Default => Error::setup("configuration", message),
            });
        }
        Ok(config)
    }
}

/// Says that there is no such mode, and which was probably meant.
pub fn unknown_mode(bindings: &Bindings, mode: &str) -> String {
    let names = bindings.modes().map(|(name, _)| name.as_ref());
    match nearest(mode, names) {
        Some(meant) => format!("there is no mode `{mode}`; did you mean `{meant}`?"),
        None => format!("there is no mode `{mode}`; write [mode.{mode}.bindings], or the mode `{DEFAULT_MODE}`"),
    }
}

/// Takes `include = ["…"]` out of a file's table.
fn includes<'i>(root: &mut DeTable<'i>) -> Result<Vec<Spanned<String>>, Fault> {
    let Some(value) = root.remove("include") else { return Ok(Vec::new()) };
    let says = "`include` is a list of files, for example include = [\"bindings.toml\"]";
    let wrong = |at: &Spanned<DeValue<'i>>| Fault::new(at.span(), says);
    let list = value.get_ref().as_array().ok_or_else(|| wrong(&value))?;
    let file = |value: &Spanned<DeValue<'i>>| {
        let path = value.get_ref().as_str().filter(|path| !path.is_empty() && !path.contains('\0'));
        path.map(|path| Spanned::new(value.span(), path.to_owned())).ok_or_else(|| wrong(value))
    };
    list.iter().map(file).collect()
}

/// The path of an included file: relative to the file that includes it; `~/` is the user's home.
fn expanded(include: &str, from: &Path) -> PathBuf {
    if let (Some(rest), Some(home)) = (include.strip_prefix("~/"), env::var_os("HOME")) {
        return Path::new(&home).join(rest);
    }
    from.parent().unwrap_or(Path::new("/")).join(include)
}

/// Adds the keys of a file that is read later, which win.
fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (Some(Value::Array(old)), Value::Array(new)) if key == "output" => {
                new.into_iter().for_each(|output| merge_output(old, output));
            }
            (Some(Value::Array(old)), Value::Array(new)) if JOINED.contains(&key.as_str()) => old.extend(new),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// The settings of a display that another file has, too.
fn merge_output(outputs: &mut Vec<Value>, output: Value) {
    let name = |output: &Value| output.get("name").cloned();
    let same = outputs.iter_mut().find(|other| name(other) == name(&output));
    match (same, output) {
        (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
        (_, output) => outputs.push(output),
    }
}

/// Reads a file, which is one: a FIFO would never end. The session waits meanwhile.
fn read_text(path: &Path) -> io::Result<String> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let known = fs::metadata(path)?;
    if !known.is_file() {
        return Err(wrong("it is not a file"));
    }
    if known.len() > LENGTH {
        return Err(wrong("it is longer than 1 MiB"));
    }
    String::from_utf8(fs::read(path)?).map_err(|_| wrong("it is not UTF-8"))
}

/// Where the file is looked for: the user's, then the system's.
fn default_paths() -> impl Iterator<Item = PathBuf> {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".config"));
    let own = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute()).or_else(home);
    let system = env::var("XDG_CONFIG_DIRS").ok().filter(|dirs| !dirs.is_empty()).unwrap_or("/etc/xdg".to_owned());
    let system: Vec<PathBuf> = env::split_paths(&system).filter(|path| path.is_absolute()).collect();
    own.into_iter().chain(system).map(|base| base.join("syncline/config.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Colour;

    #[test]
    fn settings_of_the_command_line_win_and_their_mistakes_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, "background = \"#000001\"\n[desktop]\ngap = 1\nouter-gap = 2\n").unwrap();
        let load = |set: &[&str], text: Option<&str>| {
            if let Some(text) = text {
                fs::write(&file, text).unwrap();
            }
            let set = set.iter().map(|line| (*line).to_owned()).collect();
            let overrides = Overrides { config: Some(file.clone()), set, ..Overrides::default() };
            (Config::load(&overrides, &mut Vec::new()), Config::fallback(&overrides))
        };
        let (loaded, fallback) = load(&["desktop.gap=8", "desktop.gap = 9", "background=\"#000002\""], None);
        let loaded = loaded.unwrap();
        assert_eq!((u32::from(loaded.desktop.gap), u32::from(loaded.desktop.outer_gap)), (9, 2));
        assert_eq!((loaded.background, fallback.background), (Colour([0, 0, 2]), Colour([0, 0, 2])));
        for (line, says) in [
            ("desktop.gpa=8", "--set:1: unknown field `gpa`"),
            ("desktop", "--set:1: "),
            ("background=red", "--set:1: "),
            ("bindings.\"Super+x\"=\"fokus left\"", "--set:1: there is no action `fokus`; did you mean `focus`?"),
        ] {
            // Also where the file is wrong, too.
            for text in ["", "nonsense"] {
                let error = load(&[line], Some(text)).0.unwrap_err().to_string();
                assert!(error.starts_with(says), "{line}: {error}");
            }
        }
    }

    /// Reads a folder of files, of which the first is the one that is named.
    fn load(files: &[(&str, &str)]) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let path = folder.path().join(files[0].0);
        let mut reader = Reader { files: &mut Vec::new(), open: Vec::new(), table: Table::new(), written: Vec::new() };
        let loaded = reader.file(&path).and_then(|()| reader.finish());
        loaded.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn the_file_that_includes_wins_and_lists_are_joined() {
        let config = load(&[
            (
                "a.toml",
                "include = [\"sub/b.toml\", \"c.toml\"]\nvrr = true\nautostart = [\"a\"]\n[keyboard]\nlayout = \"de\"\n\
                 [[output]]\nname = \"X\"\nmax-bpc = 8\n[[window]]\ndialog = true\nabove = true\n[bindings]\nF1 = \"quit\"\n",
            ),
            (
                "sub/b.toml",
                "include = [\"deep.toml\"]\nvrr = false\ntearing = true\nautostart = [\"b\"]\n\
                 [keyboard]\nlayout = \"us\"\nrepeat-rate = 5\n[[output]]\nname = \"X\"\nmax-bpc = 10\nvrr = true\n\
                 [bindings]\nF1 = \"close\"\nF2 = \"close\"\n",
            ),
            ("sub/deep.toml", "realtime = false\ntearing = false\n"),
            ("c.toml", "[[window]]\ndialog = false\nabove = true\n[[output]]\nname = \"Y\"\n[bindings]\nF2 = \"none\"\nF3 = \"mode m\"\n[mode.m.bindings]\nF1 = \"quit\"\n"),
        ])
        .unwrap();
        assert!(config.vrr && config.tearing && !config.realtime);
        assert_eq!((config.keyboard.layout.as_str(), config.keyboard.repeat_rate), ("de", 5));
        assert_eq!(config.autostart, ["b", "a"]);
        let dialogs: Vec<_> = config.windows.iter().map(|rule| rule.dialog).collect();
        assert_eq!(dialogs, [Some(false), Some(true)], "those of the file itself come last, so they win");
        let output = config.output("X").unwrap();
        assert_eq!((output.max_bpc, output.vrr, config.outputs.len()), (Some(8), Some(true), 2));
        let mode = config.bindings.mode(DEFAULT_MODE).unwrap();
        let text = |key: &str| {
            mode.get(&crate::config::bindings::Chord::parse(key).unwrap()).map(|b| b.entries[0].text.clone())
        };
        assert_eq!((text("F1").as_deref(), text("F2"), text("F3").as_deref()), (Some("quit"), None, Some("mode m")));
    }

    #[test]
    fn what_is_wrong_names_the_file_that_has_it() {
        let table: [(&[(&str, &str)], &str); 7] = [
            (
                &[("a.toml", "\ninclude = [\"b.toml\"]\n"), ("b.toml", "\n\ncolour = 1\n")],
                "b.toml:3: unknown field `colour`",
            ),
            (&[("a.toml", "\ninclude = [\"b.toml\"]\n")], "a.toml:2: cannot read b.toml: "),
            (
                &[("a.toml", "include = [\"b.toml\"]\n"), ("b.toml", "include = [\"a.toml\"]\n")],
                "b.toml:1: the file includes itself",
            ),
            (&[("a.toml", "include = \"b.toml\"\n")], "a.toml:1: `include` is a list of files"),
            (
                &[("a.toml", "include = [\"b.toml\"]\n"), ("b.toml", "[bindings]\nF1 = \"mode x\"\n")],
                "b.toml:2: there is no mode `x`",
            ),
            (&[("a.toml", "[environment]\n\"A=B\" = \"1\"\n")], "a.toml:1: `A=B` is not the name of a variable"),
            (&[("a.toml", "autostart = [\"foot\", \"a 'b\"]\n")], "a.toml:1: `a 'b` is not a command line"),
        ];
        for (files, says) in table {
            let error = load(files).expect_err(says);
            assert!(error.contains(says), "{says}: {error}");
        }
    }

    #[test]
    fn files_do_not_include_each_other_without_end() {
        let names: Vec<String> = (0..20).map(|at| format!("{at}.toml")).collect();
        let texts: Vec<String> = (1..21).map(|at| format!("include = [\"{at}.toml\"]\n")).collect();
        let files: Vec<_> = names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert!(load(&files).unwrap_err().contains("in 8 levels at most"));
    }

    #[test]
    fn a_keyboard_has_no_name_that_xkb_cannot_take() {
        let error = load(&[("a.toml", "[keyboard]\nlayout = \"a\\u0000\"\n")]).unwrap_err();
        assert!(error.contains("cannot be printed"), "{error}");
    }
}
