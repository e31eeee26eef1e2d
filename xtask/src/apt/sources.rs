//! The machine's own apt sources, in both formats: one line (`deb [options] uri suite components`)
//! and deb822 (`*.sources`).
//!
//! What is understood is rendered again as deb822, for a private apt. Never fails on a line that it
//! does not understand: apt itself is who complains about those.

use std::fs;
use std::path::Path;

/// One archive as the machine's sources name it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// Where it is: a URI or, with apt's `mirror` method, where the list of URIs is.
    pub uris: Vec<String>,
    /// Suites, such as `bookworm` and `bookworm-updates`.
    pub suites: Vec<String>,
    /// Components, such as `main`.
    pub components: Vec<String>,
    /// Every other field, as deb822 writes it (`Signed-By` among them; a value may have several
    /// lines).
    pub options: Vec<(String, String)>,
}

impl Source {
    /// The archive in deb822, as the machine uses it.
    pub fn render(&self) -> String {
        self.render_with(&self.suites.join(" "), &self.components.join(" "))
    }

    /// The same archive with one other suite, and of that only component `main`.
    pub fn render_suite(&self, suite: &str) -> String {
        self.render_with(suite, "main")
    }

    fn render_with(&self, suites: &str, components: &str) -> String {
        let mut text = format!("Types: deb\nURIs: {}\nSuites: {}\n", self.uris.join(" "), suites);
        if !suites.ends_with('/') {
            text.push_str(&format!("Components: {components}\n"));
        }
        for (name, value) in &self.options {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text
    }
}

/// All enabled binary sources of the machine.
pub fn of_this_machine() -> Vec<Source> {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let mut all = parse_lines(&read(Path::new("/etc/apt/sources.list")));
    let mut parts: Vec<_> =
        fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect();
    parts.sort();
    for path in parts {
        match path.extension().and_then(|e| e.to_str()) {
            Some("list") => all.extend(parse_lines(&read(&path))),
            Some("sources") => all.extend(parse_deb822(&read(&path))),
            _ => {}
        }
    }
    all
}

/// The distribution's own archive among them: the one that serves the suite named like the release.
pub fn main_archive<'a>(all: &'a [Source], codename: &str) -> Option<&'a Source> {
    all.iter().find(|s| s.suites.iter().any(|suite| suite == codename) && s.components.iter().any(|c| c == "main"))
}

/// The one-line format.
pub fn parse_lines(text: &str) -> Vec<Source> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb")?;
    let rest = rest.strip_prefix(|c: char| c.is_whitespace() || c == '[').map(|_| rest.trim_start())?;
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uri, suite) = (words.next()?, words.next()?);
    let options =
        options.split_whitespace().filter_map(|o| o.split_once('=')).map(|(n, v)| (field_name(n), v.replace(',', " ")));
    Some(Source { uris: vec![uri], suites: vec![suite], components: words.collect(), options: options.collect() })
}

/// The name in deb822 of an option of the one-line format; the two differ in case and for lists in
/// number.
fn field_name(option: &str) -> String {
    match option.trim_end_matches(['+', '-']) {
        "arch" => "Architectures".to_owned(),
        "lang" => "Languages".to_owned(),
        "target" => "Targets".to_owned(),
        "signed-by" => "Signed-By".to_owned(),
        other => other.to_owned(),
    }
}

/// The deb822 format: stanzas of `Name: value`, a value going on in lines that begin with a space.
pub fn parse_deb822(text: &str) -> Vec<Source> {
    let mut all = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            all.extend(stanza(std::mem::take(&mut fields)));
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    all
}

fn stanza(fields: Vec<(String, String)>) -> Option<Source> {
    let mut source = Source::default();
    let mut binary = false;
    for (name, value) in fields {
        let words = || value.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match name.to_ascii_lowercase().as_str() {
            "types" => binary = words().iter().any(|t| t == "deb"),
            "uris" => source.uris = words(),
            "suites" => source.suites = words(),
            "components" => source.components = words(),
            "enabled" if matches!(value.to_ascii_lowercase().as_str(), "no" | "false" | "0" | "off") => return None,
            "enabled" => {}
            _ => source.options.push((name, value)),
        }
    }
    (binary && !source.uris.is_empty() && !source.suites.is_empty()).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "\
# the archive
Types: deb deb-src
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/
Suites: bookworm
Components: main

types: deb
uris: http://key.example/
suites: ./
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb-src
URIs: http://source.example/
Suites: bookworm
";

    #[test]
    fn deb822_stanzas() {
        let all = parse_deb822(DEB822);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].suites, ["bookworm", "bookworm-updates"]);
        assert_eq!(main_archive(&all, "bookworm"), Some(&all[0]));
        assert_eq!(main_archive(&all, "trixie"), None);
        assert_eq!(
            all[0].render_suite("trixie-backports"),
            "Types: deb\nURIs: http://archive.example/debian\nSuites: trixie-backports\nComponents: main\n\
             Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        );
        let key = &all[1].options[0].1;
        assert_eq!(key, "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc");
        assert_eq!(parse_deb822(&all[1].render()), [all[1].clone()], "a key in the source survives");
    }

    #[test]
    fn one_line_sources() {
        let text = "\
deb http://a.example/debian bookworm main contrib # comment
# deb http://no.example/ bookworm main
deb-src http://a.example/debian bookworm main
deb [arch=amd64,arm64 signed-by=/k.gpg] https://b.example/ubuntu noble main
deb[trusted=yes] file:/srv/repo ./
debris http://x/ y z
deb http://short.example
";
        let all = parse_lines(text);
        assert_eq!(all.len(), 3);
        assert_eq!((all[0].uris[0].as_str(), all[0].suites[0].as_str()), ("http://a.example/debian", "bookworm"));
        assert_eq!(all[0].components, ["main", "contrib"]);
        let expected = [("Architectures", "amd64 arm64"), ("Signed-By", "/k.gpg")];
        assert_eq!(all[1].options, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert_eq!(all[2].options, [("trusted".to_owned(), "yes".to_owned())]);
        assert!(main_archive(&all, "noble").is_some());
    }
}
