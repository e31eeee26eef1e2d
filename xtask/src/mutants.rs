//! `cargo xtask mutants`: changes the code in small ways, one at a time, and lets the unit and
//! fixture tests find each change. What they do not find is a behaviour that no test states.
//!
//! `cargo-mutants` does the work; `.cargo/mutants.toml` names what it leaves alone, each with the
//! reason. Never runs in the lab, and never changes the working tree: it works on a copy.

use std::process::Command;

use clap::{Args, ValueEnum};

use crate::error::{Context, Error, Result};
use crate::paths;

/// What is changed together, and by which tests it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Fences: the whole library
    Fence,
    /// Assignment of planes, recovery after a refusal, times of vblanks
    Kms,
    /// Validators of Wayland protocols: points, fences, shared memory
    Protocols,
    /// Trees of surfaces: what knows no Smithay
    Surface,
}

/// A part for cargo-mutants: a package, its files, and the arguments of `cargo test`.
struct Plan {
    package: &'static str,
    files: &'static [&'static str],
    tests: &'static [&'static str],
}

impl Part {
    fn plan(self) -> Plan {
        match self {
            Part::Fence => Plan {
                package: "syncline-fence",
                files: &["fence/src/**"],
                tests: &["--lib", "--test=faults", "--test=behaviour", "--test=prop_lifecycle"],
            },
            Part::Kms => Plan {
                package: "syncline-kms",
                files: &["kms/src/assign/**", "kms/src/recover.rs", "kms/src/recover/**", "kms/src/vblank.rs"],
                tests: &["--lib", "--", "assign", "recover", "vblank", "frame"],
            },
            Part::Protocols => Plan { package: "syncline-protocols", files: &["protocols/src/**"], tests: &["--lib"] },
            Part::Surface => Plan {
                package: "syncline",
                files: &[
                    "compositor/src/surface/tree/**",
                    "compositor/src/surface/goal.rs",
                    "compositor/src/surface/limits.rs",
                    "compositor/src/surface/order.rs",
                    "compositor/src/surface/rate.rs",
                    "compositor/src/surface/transactions.rs",
                ],
                tests: &["--lib", "--", "surface::"],
            },
        }
    }
}

/// Arguments of `cargo xtask mutants`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// What is changed
    #[arg(value_enum)]
    part: Part,
    /// Only the k-th of n shares of all changes, counted from 0
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
    /// Only changes whose name matches: a file, a function, an operator
    #[arg(long, value_name = "REGEX")]
    re: Option<String>,
    /// Print the changes, and test none
    #[arg(long)]
    list: bool,
}

/// Runs cargo-mutants for one part; its exit status: 2 if a change was not found, 3 if tests hung.
pub fn main(options: &Options) -> Result<u8> {
    let Some(program) = paths::which("cargo-mutants") else {
        return Err(Error::new("cargo-mutants is not in PATH")
            .hint("install it with `cargo install --locked cargo-mutants`; 27.1 was tried"));
    };
    let status = Command::new(&program)
        .args(arguments(options))
        .current_dir(paths::workspace())
        .status()
        .context(format_args!("run {}", program.display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn arguments(options: &Options) -> Vec<String> {
    let Plan { package, files, tests } = options.part.plan();
    let mut arguments: Vec<String> = ["mutants", "--package", package].map(str::to_owned).into();
    arguments.extend(files.iter().map(|file| format!("--file={file}")));
    arguments.extend(options.shard.iter().map(|shard| format!("--shard={shard}")));
    arguments.extend(options.re.iter().map(|re| format!("--re={re}")));
    if options.list {
        arguments.push("--list".to_owned());
    } else {
        arguments.push(format!("--output={}", paths::target().join("mutants").join(package).display()));
        arguments.push("--".to_owned());
        arguments.extend(tests.iter().map(|test| (*test).to_owned()));
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_a_package_with_files_and_tests() {
        let options = Options { part: Part::Kms, shard: Some("1/4".into()), re: None, list: false };
        let arguments = arguments(&options);
        assert_eq!(arguments[..4], ["mutants", "--package", "syncline-kms", "--file=kms/src/assign/**"]);
        assert!(arguments.contains(&"--shard=1/4".to_owned()));
        let tests = arguments.iter().position(|argument| argument == "--").unwrap();
        assert_eq!(arguments[tests + 1..tests + 3], ["--lib", "--"]);
    }

    #[test]
    fn what_is_changed_and_what_judges_it_exists() {
        for part in Part::value_variants() {
            let Plan { package, files, tests } = part.plan();
            for file in files {
                let path = paths::workspace().join(file.trim_end_matches("/**"));
                assert!(path.exists(), "{package}: {file}");
                let folder = path.ancestors().find(|folder| folder.join("Cargo.toml").exists()).unwrap().to_path_buf();
                for test in tests.iter().filter_map(|test| test.strip_prefix("--test=")) {
                    let files = [format!("tests/{test}.rs"), format!("tests/{test}/main.rs")];
                    assert!(files.iter().any(|file| folder.join(file).exists()), "{package}: {test}");
                }
            }
        }
    }
}
