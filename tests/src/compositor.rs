//! A fixture that runs the real `syncline` binary: started, waited for, asked, and ended.
//!
//! The binary is `$SYNCLINE_BIN`, else `syncline` beside the running program. In the lab it runs as
//! the seat's user ([`crate::user`]). It lives in a runtime directory of its own when
//! XDG_RUNTIME_DIR is not set. Dropping the fixture kills it: no test leaves one behind.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::lab;
use crate::proc::Process;
use crate::time::{MS, Ns, poll_until};
use crate::user;

/// How long a compositor may take to start, and to end.
pub const START: Duration = Duration::from_secs(20);

/// The program `name`: from the environment variable `var`, else beside the running program (or one
/// folder up, where tests run in `deps/`).
pub fn program(var: &str, name: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(var) {
        return Ok(path.into());
    }
    let exe = std::env::current_exe().map_err(Error::io("find the running program"))?;
    let dirs = exe.ancestors().skip(1).take(2);
    dirs.map(|dir| dir.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| Error::Missing(format!("program {name}: build it, or name it in ${var}")))
}

/// The `syncline` binary.
pub fn binary() -> Result<PathBuf> {
    program("SYNCLINE_BIN", "syncline")
}

/// The `syncline-demo-client` binary.
pub fn demo_client() -> Result<PathBuf> {
    program("SYNCLINE_DEMO_CLIENT", "syncline-demo-client")
}

/// A running compositor.
pub struct Compositor {
    child: Child,
    /// Name of its Wayland socket.
    pub socket: String,
    /// Its XDG_RUNTIME_DIR.
    pub runtime: PathBuf,
    /// Its card.
    pub card: PathBuf,
    log: PathBuf,
    binary: PathBuf,
    /// Scratch folder of this compositor: log and trace. Removed on drop.
    scratch: TempDir,
    /// See [`Compositor::keeping`].
    kept: Option<TempDir>,
    ended: Option<ExitStatus>,
}

impl Compositor {
    /// Starts `syncline run` on the lab's card with these further arguments, and waits until it is
    /// ready.
    pub fn start(args: &[&str]) -> Result<Compositor> {
        let card = lab::find_card(std::env::var_os("SYNCLINE_DEVICE").map(PathBuf::from).as_deref())?;
        Compositor::start_on(&card, args)
    }

    /// The same on a given card.
    pub fn start_on(card: &Path, args: &[&str]) -> Result<Compositor> {
        Compositor::start_with(card, args, &[])
    }

    /// The same on every card of the seat, since none is named.
    pub fn start_on_all(args: &[&str]) -> Result<Compositor> {
        Compositor::start_on_all_with(args, &[])
    }

    /// The same with further environment variables.
    pub fn start_on_all_with(args: &[&str], env: &[(&str, &std::ffi::OsStr)]) -> Result<Compositor> {
        let card = lab::find_card(None)?;
        Compositor::launch(&card, args, env)
    }

    /// The same without any card: `args` name its displays (`--headless`). Needs no lab.
    pub fn start_headless(args: &[&str]) -> Result<Compositor> {
        Compositor::launch(Path::new("headless"), args, &[])
    }

    /// As [`Compositor::start_on`] with further environment variables.
    pub fn start_with(card: &Path, args: &[&str], env: &[(&str, &std::ffi::OsStr)]) -> Result<Compositor> {
        let name = card.to_str().ok_or_else(|| Error::Other(format!("{} is not UTF-8", card.display())))?;
        Compositor::launch(card, &[&["--device", name], args].concat(), env)
    }

    /// The same; a folder stays for as long as it lives. A configuration that goes is a mistake that is shown on
    /// the screen.
    pub fn keeping(mut self, folder: TempDir) -> Compositor {
        self.kept = Some(folder);
        self
    }

    fn launch(card: &Path, args: &[&str], env: &[(&str, &std::ffi::OsStr)]) -> Result<Compositor> {
        let scratch = user::folder()?;
        user::give_debugfs()?;
        let runtime = user::runtime().unwrap_or_else(|| scratch.path().to_owned());
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let socket = format!("syncline-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let log = scratch.path().join("log");
        let file = File::create(&log).map_err(Error::io("create the log"))?;
        let other = file.try_clone().map_err(Error::io("share the log"))?;
        let binary = binary()?;
        let child = user::command(&binary)
            .arg("run")
            .args(["--socket", &socket])
            // Most tests count planes and pixels of their clients alone. What `args` say wins.
            .args(["--set", "desktop.ring-width=0"])
            .args(args)
            .env("XDG_RUNTIME_DIR", &runtime)
            .env("RUST_BACKTRACE", "1")
            .env_remove("WAYLAND_DISPLAY")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(other)
            .spawn()
            .map_err(Error::io(format!("start {}{}", binary.display(), user::as_whom())))?;
        let card = card.to_owned();
        let mut compositor = Compositor { child, socket, runtime, card, log, binary, scratch, kept: None, ended: None };
        compositor.wait_ready()?;
        Ok(compositor)
    }

    fn wait_ready(&mut self) -> Result<()> {
        let ipc = self.runtime.join(format!("{}.ipc", self.socket));
        let mut ended = None;
        let ready = poll_until(START, || {
            ended = self.child.try_wait().ok().flatten();
            ended.is_some() || ipc.exists()
        });
        match (ready, ended) {
            (true, None) => Ok(()),
            (_, Some(status)) => Err(Error::Other(format!("syncline ended at once ({status}):\n{}", self.log()))),
            (false, None) => Err(Error::Timeout(format!("{} to appear; its log:\n{}", ipc.display(), self.log()))),
        }
    }

    /// Path of its Wayland socket.
    pub fn socket_path(&self) -> PathBuf {
        self.runtime.join(&self.socket)
    }

    /// A new client of it.
    pub fn client(&self) -> Result<Client> {
        Client::connect(&self.socket_path().to_string_lossy())
    }

    /// A program with the environment of a client of it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("XDG_RUNTIME_DIR", &self.runtime).env("WAYLAND_DISPLAY", &self.socket).stdin(Stdio::null());
        command
    }

    /// The demo client with these arguments.
    pub fn demo_client(&self, args: &[&str]) -> Result<Command> {
        let mut command = self.command(demo_client()?);
        let after = lab::stamp_after_begin(&self.card);
        command.args(args).args(["--stamp-after-ms", &(after as f64 / MS as f64).to_string()]);
        Ok(command)
    }

    /// How long after the beginning of a vblank its time stamp is, in ns.
    pub fn stamp_after_begin(&self) -> Ns {
        lab::stamp_after_begin(&self.card)
    }

    /// `syncline msg` with these arguments.
    pub fn msg(&self, args: &[&str]) -> Result<Output> {
        let mut command = self.command(&self.binary);
        command.arg("msg").args(["--socket", &self.socket]).args(args);
        command.output().map_err(Error::io("run syncline msg"))
    }

    /// `syncline msg status --json`, parsed.
    pub fn status(&self) -> Result<serde_json::Value> {
        let out = self.msg(&["status", "--json"])?;
        if !out.status.success() {
            return Err(Error::Other(format!("syncline msg status: {}", String::from_utf8_lossy(&out.stderr))));
        }
        serde_json::from_slice(&out.stdout).map_err(Error::other("status --json is no JSON"))
    }

    /// Takes a screenshot into its scratch folder and reads it: width, height, RGB or RGBA bytes,
    /// bytes a pixel.
    pub fn screenshot(&self) -> Result<Picture> {
        let path = self.scratch.path().join("screenshot.png");
        let out = self.msg(&["screenshot", &path.to_string_lossy()])?;
        if !out.status.success() {
            return Err(Error::Other(format!("syncline msg screenshot: {}", String::from_utf8_lossy(&out.stderr))));
        }
        Picture::read(&path)
    }

    /// The process.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Everything that it has printed.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A file in its scratch folder.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, timeout: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let mut ended = None;
        poll_until(timeout, || {
            ended = self.child.try_wait().ok().flatten();
            ended.is_some()
        });
        self.ended = ended;
        ended.ok_or_else(|| Error::Timeout(format!("syncline to end; its log:\n{}", self.log())))
    }

    /// Sends SIGTERM and waits for the end.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(Error::call("send SIGTERM"))?;
        self.wait(START)
    }

    /// Kills it as a crash would, and waits for the end.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.child.kill().map_err(Error::io("kill syncline"))?;
        self.wait(START)
    }

    /// Ends it and fails unless it ended well.
    pub fn stop(mut self) -> Result<()> {
        let status = self.terminate()?;
        if status.success() {
            return Ok(());
        }
        let how = status.signal().map_or_else(|| format!("{status}"), |n| format!("killed by signal {n}"));
        Err(Error::Other(format!("syncline ended with {how}; its log:\n{}", self.log())))
    }
}

impl Drop for Compositor {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("log of syncline:\n{}", self.log());
        }
    }
}

/// A picture read from a PNG file.
#[derive(PartialEq, Eq)]
pub struct Picture {
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
    bytes: Vec<u8>,
    step: usize,
}

impl Picture {
    /// Reads an 8-bit RGB or RGBA file.
    pub fn read(path: &Path) -> Result<Picture> {
        let file = File::open(path).map_err(Error::io(format!("open {}", path.display())))?;
        let mut reader =
            png::Decoder::new(std::io::BufReader::new(file)).read_info().map_err(Error::other("read a PNG"))?;
        let size = reader.output_buffer_size().ok_or_else(|| Error::Other("the PNG is too large".into()))?;
        let mut bytes = vec![0; size];
        let info = reader.next_frame(&mut bytes).map_err(Error::other("read a PNG"))?;
        let step = info.color_type.samples();
        if step < 3 || info.bit_depth != png::BitDepth::Eight {
            return Err(Error::Other(format!("{} is no 8-bit RGB picture", path.display())));
        }
        Ok(Picture { width: info.width as usize, height: info.height as usize, bytes, step })
    }

    /// Red, green, blue at a position.
    pub fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let i = (y * self.width + x) * self.step;
        [self.bytes[i], self.bytes[i + 1], self.bytes[i + 2]]
    }

    /// The frame number that the demo's pattern stamps, for a picture whose corner is at (`x`,
    /// `y`).
    pub fn stamp(&self, x: usize, y: usize) -> Option<u64> {
        crate::pattern::read_stamp(|dx, dy| {
            let (x, y) = (x + dx, y + dy);
            if x < self.width && y < self.height { self.at(x, y)[0] } else { 0x80 }
        })
    }
}
