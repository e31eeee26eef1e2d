//! The clients that are there at a time: processes that are started, killed, and counted when they
//! have ended. One that ends otherwise than it should is a failure.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use clap::ValueEnum;
use tempfile::TempDir;

use super::options::End;
use super::tally::{Deed, Tally};
use crate::compositor::Compositor;
use crate::demo::hostile::Kind;
use crate::error::{Error, Result};
use crate::time::{MS, Ns, now};
use crate::user;

struct Member {
    child: Child,
    seed: u64,
    /// When it is killed, if it is.
    doomed: Option<Ns>,
    killed: bool,
    /// Its tally; one that dies in a state of its choice has none.
    tally: Option<PathBuf>,
}

/// All of them.
pub struct Company {
    members: Vec<Member>,
    size: usize,
    folder: TempDir,
    /// What those have done that have ended.
    ended: Tally,
    next: u64,
}

impl Company {
    /// None yet, and this many later.
    pub fn new(size: usize) -> Result<Company> {
        let folder = user::folder()?;
        Ok(Company { members: Vec::new(), size, folder, ended: Tally::default(), next: 0 })
    }

    /// Counts those that have ended, kills those whose time has come, and lets others take their
    /// places.
    pub fn act(&mut self, compositor: &Compositor, rng: &mut fastrand::Rng) -> Result<()> {
        self.reap()?;
        for member in self.members.iter_mut().filter(|m| !m.killed && m.doomed.is_some_and(|at| now() >= at)) {
            kill(member)?;
        }
        while self.members.len() < self.size {
            let member = if rng.u32(0..8) == 0 { self.hostile(compositor, rng)? } else { self.start(compositor, rng)? };
            self.members.push(member);
        }
        Ok(())
    }

    fn start(&mut self, compositor: &Compositor, rng: &mut fastrand::Rng) -> Result<Member> {
        let program = std::env::current_exe().map_err(Error::io("find the running program"))?;
        self.next += 1;
        let path = self.folder.path().join(self.next.to_string());
        let (seed, commits) = (rng.u64(..), rng.u64(100..4000));
        let end = [End::Bye, End::Bye, End::Vanish, End::Vanish, End::Mute][rng.usize(0..5)];
        let doomed = match end {
            End::Mute => Some(now() + rng.u64(5_000..20_000) * MS),
            _ => rng.bool().then(|| now() + rng.u64(10..10_000) * MS),
        };
        let name = end.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        let mut command = compositor.command(program);
        command.arg("client").args(["--seed", &seed.to_string(), "--commits", &commits.to_string(), "--end", &name]);
        command.arg("--tally").arg(&path);
        self.ended.did(Deed::Client);
        Ok(Member { child: spawn(command)?, seed, doomed, killed: false, tally: Some(path) })
    }

    fn hostile(&mut self, compositor: &Compositor, rng: &mut fastrand::Rng) -> Result<Member> {
        let kind = Kind::all()[rng.usize(0..Kind::all().len())];
        let hold = rng.u64(1..400).to_string();
        let command =
            compositor.demo_client(&["--hostile", &kind.name(), "--hold-ms", &hold, "--windowed", "200x150"])?;
        Ok(Member { child: spawn(command)?, seed: 0, doomed: None, killed: false, tally: None })
    }

    /// Commits so far, those of the living included.
    pub fn commits(&self) -> u64 {
        self.tally().of(Deed::Commit)
    }

    /// What has been done so far, the living included.
    pub fn tally(&self) -> Tally {
        let mut sum = self.ended.clone();
        for path in self.members.iter().filter_map(|member| member.tally.as_ref()) {
            sum.add(&Tally::read(path));
        }
        sum
    }

    /// Kills all of them.
    pub fn dismiss(&mut self) -> Result<()> {
        for member in &mut self.members {
            kill(member)?;
        }
        for member in std::mem::take(&mut self.members) {
            self.judge(member)?;
        }
        Ok(())
    }

    fn reap(&mut self) -> Result<()> {
        for mut member in std::mem::take(&mut self.members) {
            match member.child.try_wait().map_err(Error::io("wait for a client"))? {
                Some(_) => self.judge(member)?,
                None => self.members.push(member),
            }
        }
        Ok(())
    }

    /// Counts one that has ended.
    fn judge(&mut self, mut member: Member) -> Result<()> {
        let status = member.child.wait().map_err(Error::io("wait for a client"))?;
        let Some(path) = &member.tally else {
            if status.signal().is_some() {
                self.ended.did(Deed::Hostile);
                return Ok(());
            }
            return Err(Error::Other(format!("a client that was to die: {status}: {}", last_words(&mut member.child))));
        };
        self.ended.add(&Tally::read(path));
        let _ = fs::remove_file(path);
        if member.killed {
            self.ended.did(Deed::Death);
        } else if !status.success() {
            let said = last_words(&mut member.child);
            return Err(Error::Other(format!("the client with seed {} ended with {status}: {said}", member.seed)));
        }
        Ok(())
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        for member in &mut self.members {
            let _ = member.child.kill();
            let _ = member.child.wait();
        }
    }
}

fn spawn(mut command: Command) -> Result<Child> {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(Error::io("start a client"))
}

fn kill(member: &mut Member) -> Result<()> {
    // One that has ended by itself is judged by how it did.
    if member.child.try_wait().map_err(Error::io("wait for a client"))?.is_none() {
        member.killed = true;
        member.child.kill().map_err(Error::io("kill a client"))?;
    }
    Ok(())
}

fn last_words(child: &mut Child) -> String {
    let mut said = String::new();
    if let Some(stderr) = &mut child.stderr {
        let _ = stderr.read_to_string(&mut said);
    }
    said
}
