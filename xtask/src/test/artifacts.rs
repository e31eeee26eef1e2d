//! What cargo built: test binaries and programs, as its JSON messages name them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::error::{Context, Error, Result};
use crate::paths;

/// One executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Name of the target: `lab_fence`, `syncline`, …
    pub name: String,
    /// A test harness rather than a program.
    pub is_test: bool,
    /// The executable.
    pub executable: PathBuf,
    /// The folder of its package.
    pub package: PathBuf,
}

impl Artifact {
    /// Its tests are for the lab.
    pub fn is_lab_test(&self) -> bool {
        self.is_test && self.name.starts_with("lab_")
    }

    /// Its tests run in virtual time: what they say about times is exact.
    pub fn is_exact(&self) -> bool {
        self.is_test && self.name.starts_with("lab_exact_")
    }

    /// Its tests are for the lab, and need the root of programs (`cargo xtask apps`).
    pub fn is_apps_test(&self) -> bool {
        self.is_test && self.name.starts_with("apps_")
    }

    /// Package and target, for the output.
    pub fn label(&self) -> String {
        let package = self.package.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if package == self.name { package } else { format!("{package}/{}", self.name) }
    }
}

/// The executables of a build, and what failed.
#[derive(Debug, Default)]
pub struct Built {
    /// The executables.
    pub artifacts: Vec<Artifact>,
    /// The builds that failed.
    pub failures: Vec<Error>,
}

impl Built {
    /// Runs `cargo build` with `arguments` and adds the executables that it names; its progress and
    /// errors go to standard error. A target that does not build does not keep the others from
    /// being built.
    pub fn add(&mut self, arguments: &[&str]) -> Result<()> {
        let shown = format!("cargo build {}", arguments.join(" "));
        let status = build(arguments, &shown, &mut self.artifacts)?;
        if !status.success() {
            self.failures.push(Error::new(format!("{shown} failed ({status})")));
        }
        Ok(())
    }
}

fn build(arguments: &[&str], shown: &str, found: &mut Vec<Artifact>) -> Result<ExitStatus> {
    let mut child = Command::new(paths::cargo())
        .args(["build", "--quiet", "--keep-going", "--message-format=json-render-diagnostics"])
        .args(arguments)
        .current_dir(paths::workspace())
        .stdout(Stdio::piped())
        .spawn()
        .context(format_args!("run {shown}"))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            found.extend(artifact(&line.context(format_args!("read the output of {shown}"))?));
        }
    }
    child.wait().context(format_args!("wait for {shown}"))
}

/// The executable in one message of cargo's, if it has one.
fn artifact(message: &str) -> Option<Artifact> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    Some(Artifact {
        executable: PathBuf::from(message["executable"].as_str()?),
        name: message["target"]["name"].as_str()?.to_owned(),
        is_test: message["profile"]["test"].as_bool()?,
        package: PathBuf::from(message["manifest_path"].as_str()?).parent()?.to_path_buf(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_in_cargos_messages() {
        let message = r#"{"reason":"compiler-artifact","manifest_path":"/w/fence/Cargo.toml","target":{"name":"lab_fence","kind":["test"]},
            "profile":{"test":true},"executable":"/w/target/debug/deps/lab_fence-1"}"#;
        let found = artifact(message).unwrap();
        assert!(found.is_lab_test());
        assert!(!found.is_apps_test());
        let apps = artifact(&message.replace("lab_fence", "apps_lock")).unwrap();
        assert!(apps.is_apps_test() && !apps.is_lab_test());
        assert_eq!(found.label(), "fence/lab_fence");
        assert!(!found.is_exact() && artifact(&message.replace("lab_fence", "lab_exact_fence")).unwrap().is_exact());
        assert_eq!(artifact(&message.replace("\"/w/target/debug/deps/lab_fence-1\"", "null")), None);
        assert_eq!(artifact(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(artifact("warning: text"), None);
    }
}
