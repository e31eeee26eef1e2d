//! The command line of `cargo xtask lab`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::persona::Persona;

/// Arguments of `cargo xtask lab`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// How many CPUs of this machine the guest may use. The guest itself always has one; with more
    /// than one here its system calls take several times longer, because each is a hand-over
    /// between two threads of the host
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub cpus: usize,
    /// Run in virtual time: computing takes no time, sleeping is skipped, and every timer fires
    /// exactly
    #[arg(long)]
    pub virtual_time: bool,
    /// Kill the guest after that many seconds of real time
    #[arg(long, value_name = "SECS", default_value_t = 120)]
    pub timeout: u64,
    /// Memory of the guest; the host only provides what is used
    #[arg(long, value_name = "SIZE")]
    pub mem: Option<String>,
    /// Set a variable of the command's environment
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_env)]
    pub env: Vec<(String, String)>,
    /// Add to the kernel's command line, for example vkms.enable_overlay=0
    #[arg(long, value_name = "ARG")]
    pub kernel_arg: Vec<String>,
    /// Let the displays behave as those of other hardware; may be given several times
    #[arg(long, value_enum)]
    pub persona: Vec<Persona>,
    /// Print nothing but the command's output, even when it fails
    #[arg(long, short)]
    pub quiet: bool,
    /// Working directory; by default the caller's
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// The command
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub command: Vec<String>,
}

impl Options {
    /// The defaults, for running `command` from within xtask.
    pub fn for_command(command: Vec<String>) -> Self {
        Self {
            cpus: 1,
            virtual_time: false,
            timeout: 120,
            mem: None,
            env: Vec::new(),
            kernel_arg: Vec::new(),
            persona: Vec::new(),
            quiet: false,
            cwd: None,
            command,
        }
    }

    /// The timeout.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

fn parse_env(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_setting_needs_a_name() {
        assert_eq!(parse_env("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert_eq!(parse_env("A="), Ok(("A".to_owned(), String::new())));
        assert!(parse_env("=b").is_err());
        assert!(parse_env("A").is_err());
    }
}
