//! `syncline config`, `syncline bindings` and `syncline actions`: what there is to configure, and what
//! is configured. They need no session.

use std::fmt::Write;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use toml::Table;

use crate::{
    actions::table::TABLE,
    config::{
        Config, Overrides,
        bindings::{Bindings, Entry, quoted, set::Binding},
        default_file::default_file,
    },
    system::error::Error,
};

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub action: ConfigAction,
}

#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Say whether the configuration is right, and otherwise where it is wrong.
    Check(Overrides),
    /// Print a file with all settings, their meaning and their defaults.
    Default,
    /// Print the settings that hold: those of all files, of the options and of the environment.
    Show(Overrides),
}

#[derive(Debug, Args)]
pub struct BindingsArgs {
    #[command(flatten)]
    pub overrides: Overrides,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct ActionsArgs {
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// `syncline config`. Returns the text to print.
pub fn config(args: &ConfigArgs) -> Result<String, Error> {
    match &args.action {
        ConfigAction::Default => Ok(default_file()),
        ConfigAction::Check(overrides) => {
            let mut files = Vec::new();
            Config::load(overrides, &mut files)?;
            let read = files.iter().filter(|file| file.exists()).map(|file| format!("{}\n", file.display()));
            let read: String = read.collect();
            Ok(if read.is_empty() { "no file: the defaults hold\n".to_owned() } else { format!("right:\n{read}") })
        }
        ConfigAction::Show(overrides) => {
            let config = Config::load(overrides, &mut Vec::new())?;
            let table = Table::try_from(&config).map_err(|error| Error::setup("configuration", error))?;
            Ok(format!("{table}\n{}", tables(&config.bindings)))
        }
    }
}

/// `syncline bindings`. Returns the text to print.
pub fn bindings(args: &BindingsArgs) -> Result<String, Error> {
    let config = Config::load(&args.overrides, &mut Vec::new())?;
    Ok(match args.format {
        Format::Text => text(&config.bindings),
        Format::Json => format!("{}\n", as_json(&config.bindings)),
    })
}

/// `syncline actions`. Returns the text to print.
pub fn actions(args: &ActionsArgs) -> String {
    if args.format == Format::Json {
        let rows = TABLE.iter();
        let rows: Vec<_> =
            rows.map(|row| json!({ "name": row.name, "arguments": row.arguments, "help": row.help })).collect();
        return format!("{}\n", serde_json::Value::from(rows));
    }
    let width = TABLE.iter().map(|row| row.usage().chars().count()).max().unwrap_or(0).min(48);
    TABLE.iter().fold(String::new(), |mut text, row| {
        writeln!(text, "{:width$}  {}", row.usage(), row.help).ok();
        text
    })
}

/// The bindings as tables of a file.
fn tables(bindings: &Bindings) -> String {
    let mut text = String::new();
    for (name, mode) in bindings.modes() {
        let head =
            if name.as_ref() == "default" { "bindings".to_owned() } else { format!("mode.{}.bindings", bare(name)) };
        writeln!(text, "[{head}]").ok();
        for (chord, binding) in mode {
            let entries: Vec<String> = binding.entries.iter().map(Entry::written).collect();
            let value = if let [one] = entries.as_slice() { one.clone() } else { format!("[{}]", entries.join(", ")) };
            writeln!(text, "{} = {value}", quoted(&chord.to_string())).ok();
        }
        text.push('\n');
    }
    text
}

/// A key, in quotes where it needs them.
fn bare(name: &str) -> String {
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if plain { name.to_owned() } else { quoted(name) }
}

fn text(bindings: &Bindings) -> String {
    let chords = bindings.modes().flat_map(|(_, mode)| mode.keys());
    let width = chords.map(|chord| chord.to_string().chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, mode) in bindings.modes() {
        if !text.is_empty() {
            text.push('\n');
        }
        writeln!(text, "mode {name}").ok();
        for (chord, binding) in mode {
            for entry in binding.entries.iter() {
                let action = entry.with_options();
                writeln!(text, "  {:width$}  {action:40}  {}", chord.to_string(), binding.origin).ok();
            }
        }
    }
    text
}

fn as_json(bindings: &Bindings) -> serde_json::Value {
    let one = |entry: &Entry| {
        json!({
            "action": entry.text.as_ref(),
            "on_release": entry.on_release,
            "repeat": entry.repeat,
            "locked": entry.locked,
            "inhibited": entry.inhibited,
            "all_modes": entry.all_modes,
        })
    };
    let row = |mode: &str, chord: String, binding: &Binding| {
        let actions: Vec<_> = binding.entries.iter().map(one).collect();
        json!({ "mode": mode, "chord": chord, "actions": actions, "source": binding.origin.to_string() })
    };
    let modes = bindings.modes();
    modes.flat_map(|(name, mode)| mode.iter().map(|(chord, binding)| row(name, chord.to_string(), binding))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load;

    fn config_of(text: &str) -> Config {
        load::parse(Path::new("config.toml"), text).unwrap()
    }

    /// What is shown can be written into a file, and means the same.
    #[test]
    fn what_is_shown_can_be_read() {
        let config = config_of(
            "background = \"#102030\"\n[bindings]\n\"Super+é\" = { action = \"spawn 'a b'\", on-release = true }\n\
             F9 = [\"quit\", { action = \"close\", locked = true }]\n[mode.\"a b\".bindings]\nF1 = \"quit\"\n\
             [[window]]\napp-id = '^a\\.\"b\"$'\nworkspace = 3\nsize = [640, 480]\n",
        );
        let shown = format!("{}\n{}", Table::try_from(&config).unwrap(), tables(&config.bindings));
        let again = load::parse(Path::new("shown.toml"), &shown).unwrap_or_else(|error| panic!("{error}\n{shown}"));
        assert_eq!(Table::try_from(&config).unwrap(), Table::try_from(&again).unwrap());
        for ((name, mode), (other_name, other)) in config.bindings.modes().zip(again.bindings.modes()) {
            assert_eq!((name, mode.len()), (other_name, other.len()));
            assert!(mode.iter().all(|(chord, binding)| other[chord].entries == binding.entries));
        }
    }

    #[test]
    fn bindings_say_where_they_come_from() {
        let config = config_of("[bindings]\n\"Super+q\" = { action = \"quit\", locked = true }\n");
        let text = text(&config.bindings);
        let line = |chord: &str| text.lines().find(|line| line.trim_start().starts_with(chord)).unwrap().to_owned();
        assert!(line("Super+q ").contains("quit (locked)") && line("Super+q ").ends_with("config.toml:2"), "{text}");
        assert!(line("Super+Return ").ends_with("  default"), "{text}");
        let json = as_json(&config.bindings);
        let rows = json.as_array().unwrap();
        let row = rows.iter().find(|row| row["chord"] == "Super+q" && row["mode"] == "default").unwrap();
        assert_eq!((&row["actions"][0]["action"], &row["actions"][0]["locked"]), (&json!("quit"), &json!(true)));
        assert_eq!(row["source"], "config.toml:2");
    }

    #[test]
    fn every_action_is_listed() {
        let text = actions(&ActionsArgs { format: Format::Text });
        assert!(TABLE.iter().all(|row| text.contains(row.help)), "{text}");
        let json: serde_json::Value = serde_json::from_str(&actions(&ActionsArgs { format: Format::Json })).unwrap();
        assert_eq!(json.as_array().unwrap().len(), TABLE.len());
    }
}
