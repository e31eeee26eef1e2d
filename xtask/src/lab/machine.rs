//! One guest: the process of User-Mode Linux, its command line, its streams, and its certain end.
//!
//! Standard input and output of that process are the wire (the guest's first serial line); standard
//! error is the kernel's console. The guest is its own process group and dies with xtask, however
//! xtask ends ([`super::trampoline`]).

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, set_child_subreaper, waitpgid};

use super::klog::KernelLog;
use super::{Options, cpu, failure, memory};
use crate::error::{Context, Result};
use crate::paths;

/// A running guest. Dropping it kills it.
#[derive(Debug)]
pub struct Machine {
    child: Child,
    log: KernelLog,
    _claim: cpu::Claim,
}

impl Machine {
    /// Starts the kernel; returns it with the host's ends of the wire.
    pub fn start(kernel: &Path, options: &Options, log: &KernelLog) -> Result<(Self, ChildStdin, ChildStdout)> {
        // Orphans of the guest come to us to be waited for; not every container has a first process
        // that does that.
        let _ = set_child_subreaper(Some(rustix::process::getpid()));
        let cache = paths::lab_cache()?;
        let claim = cpu::claim(options.cpus, &cache)?;
        let (size, dir) = memory::choose(options.mem.as_deref(), &cache)?;
        let itself = own_path()?;

        let cpus: Vec<String> = claim.cpus.iter().map(usize::to_string).collect();
        let mut child = Command::new("/proc/self/exe")
            .args([
                "lab-exec",
                "--parent",
                &std::process::id().to_string(),
                "--cpus",
                &cpus.join(","),
                "--priority=-10",
                "--",
            ])
            .arg(kernel)
            .args(command_line(options, size, &itself)?)
            .env_clear()
            .env("TMPDIR", &dir)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context(format_args!("start the lab's kernel {}", kernel.display()))?;
        if let Some(console) = child.stderr.take() {
            log.follow(console);
        }
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failure("the guest has no wire"));
        };
        Ok((Self { child, log: log.clone(), _claim: claim }, to, from))
    }

    /// Kills it, waits for it, and returns how its process ended if that was not by our hand.
    pub fn end(&mut self) -> Option<String> {
        let by_itself = self.child.try_wait().ok().flatten();
        let group = Pid::from_child(&self.child);
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
        // The guest's processes are processes of the host, and now children of ours (see `start`).
        while let Ok(Some(_)) = waitpgid(group, WaitOptions::empty()) {}
        by_itself.map(|status| status.to_string())
    }

    /// Its kernel's log so far.
    pub fn log(&self) -> &KernelLog {
        &self.log
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
    }
}

/// Where this binary lies. Cargo may have put a new one in its place meanwhile, which serves as
/// well.
fn own_path() -> Result<PathBuf> {
    let path = std::env::current_exe().context("find the path of xtask itself")?;
    let replaced = path.to_str().and_then(|path| path.strip_suffix(" (deleted)")).map(PathBuf::from);
    Ok(replaced.filter(|path| path.exists()).unwrap_or(path))
}

/// The kernel's command line, an argument each.
fn command_line(options: &Options, memory: u64, init: &Path) -> Result<Vec<String>> {
    let init = init.to_str().filter(|path| !path.contains('"'));
    let init =
        init.ok_or_else(|| failure("the path of xtask itself is not plain text, and a kernel's command line must be"))?;
    let quote = if init.contains(char::is_whitespace) { "\"" } else { "" };
    let mut line = vec![
        format!("mem={}M", memory >> 20),
        // Processes of the guest are guarded by seccomp rather than ptrace: several times faster,
        // and strace works inside.
        "seccomp=on".to_owned(),
        "root=/dev/root".to_owned(),
        "rootfstype=hostfs".to_owned(),
        "rootflags=/".to_owned(),
        "rw".to_owned(),
        // It would keep a folder with its process id in the caller's home; here it cannot, and goes
        // on without.
        "uml_dir=/proc/".to_owned(),
        "con=null".to_owned(),
        "con0=null,fd:2".to_owned(),
        "ssl=null".to_owned(),
        "ssl0=fd:0,fd:1".to_owned(),
        "vkms.enable_overlay=1".to_owned(),
        "vkms.enable_plane_pipeline=1".to_owned(),
        // Two cameras; the second, a webcam and nothing else, has frames in several buffers.
        "vivid.n_devs=2".to_owned(),
        "vivid.multiplanar=1,2".to_owned(),
        "vivid.node_types=0xe1d3d,0x1".to_owned(),
        "vivid.num_inputs=4,1".to_owned(),
        "vivid.input_types=0xe4,0x0".to_owned(),
        // A guest that has panicked is of no use: end, so that the host sees it at once.
        "panic=-1".to_owned(),
    ];
    if options.virtual_time {
        line.push("time-travel=inf-cpu".to_owned());
    }
    line.extend(options.persona.iter().flat_map(|persona| persona.kernel_args()).map(|&arg| arg.to_owned()));
    line.extend(options.kernel_arg.iter().cloned());
    line.push(format!("init={quote}{init}{quote}"));
    line.extend(["--", "lab-guest"].map(str::to_owned));
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::persona::Persona;

    #[test]
    fn the_command_line_names_init_last_and_quotes_a_path_with_a_space() {
        let mut options = Options::for_command(vec!["true".into()]);
        options.virtual_time = true;
        options.kernel_arg.push("vkms.enable_overlay=0".into());
        options.persona.push(Persona::ScanOut);
        let line = command_line(&options, 1 << 30, Path::new("/a b/xtask")).unwrap();
        assert_eq!(line[0], "mem=1024M");
        assert!(line.contains(&"time-travel=inf-cpu".to_owned()));
        assert!(line.contains(&"vkms.scanout=1".to_owned()));
        let position = |arg: &str| line.iter().position(|a| a == arg);
        assert!(position("vkms.enable_overlay=0") > position("vkms.enable_overlay=1"), "the caller's word is the last");
        assert_eq!(line[line.len() - 3..], ["init=\"/a b/xtask\"", "--", "lab-guest"]);
        assert!(command_line(&options, 1 << 30, Path::new("/a\"b")).is_err());
    }
}
