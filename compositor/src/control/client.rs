//! The `syncline msg` command: sends a request to a running compositor and prints the answer.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use crate::{
    control::{
        args::{CrcAction, Message, MsgArgs, Power},
        request::{Answer, Request, Shot},
        socket::socket_path,
    },
    crc::{
        frames::Page,
        status::{Compared, CrcRequest},
        text,
    },
    report::{
        buffers::{self, BufferReport},
        clients::{self, ClientReport},
        devices::{self, DeviceReport},
        fences::FencesReport,
        status, table,
        windows::{self, WindowReport, WorkspaceReport},
    },
    system::error::{Context, Error},
};

/// Sends the request and prints the answer. Returns the exit status.
pub fn run(args: &MsgArgs) -> Result<u8, Error> {
    // Closes the connection before anything is printed: the compositor does not keep a peer for a
    // slow terminal.
    let ask = |request: &Request| Connection::connect(&args.socket)?.ask(request);
    match &args.message {
        Message::Quit => drop(ask(&Request::Quit)?),
        Message::Screenshot { file, output, window, region } => {
            let path = std::path::absolute(file).context(format!("{}", file.display()))?;
            let of = Shot { output: output.clone(), window: *window, region: *region };
            ask(&Request::Screenshot { path, of })?;
        }
        Message::Action { action } => {
            let action = match action.as_slice() {
                // One word is the whole text; several are what the shell has separated.
                [one] => one.clone(),
                words => shlex::try_join(words.iter().map(String::as_str))
                    .map_err(|error| Error::setup("syncline msg", error))?,
            };
            ask(&Request::Action { action })?;
        }
        Message::Reload => drop(ask(&Request::Reload)?),
        Message::Output { name, power } => {
            ask(&Request::Output { name: name.clone(), on: *power == Power::On })?;
        }
        Message::NightLight { mode } => drop(ask(&Request::NightLight { mode: *mode })?),
        Message::Windows { json: true } => println!("{}", ask(&Request::Windows { titles: true })?),
        Message::Windows { json: false } => {
            let report: Vec<WindowReport> =
                Connection::connect(&args.socket)?.read(&Request::Windows { titles: true })?;
            print!("{}", windows::render_windows(&report));
        }
        Message::Workspaces { json: true } => println!("{}", ask(&Request::Workspaces)?),
        Message::Workspaces { json: false } => {
            let report: Vec<WorkspaceReport> = Connection::connect(&args.socket)?.read(&Request::Workspaces)?;
            print!("{}", windows::render_workspaces(&report));
        }
        Message::Devices { json: true } => println!("{}", ask(&Request::Devices)?),
        Message::Devices { json: false } => {
            let report: Vec<DeviceReport> = Connection::connect(&args.socket)?.read(&Request::Devices)?;
            print!("{}", devices::render(&report));
        }
        Message::Events => Connection::connect(&args.socket)?.follow(&Request::Events)?,
        Message::Buffers { json: true } => println!("{}", ask(&Request::Buffers)?),
        Message::Buffers { json: false } => {
            let report: Vec<BufferReport> = Connection::connect(&args.socket)?.read(&Request::Buffers)?;
            print!("{}", buffers::render(&report));
        }
        Message::Clients { json: true } => println!("{}", ask(&Request::Clients)?),
        Message::Clients { json: false } => {
            let report: Vec<ClientReport> = Connection::connect(&args.socket)?.read(&Request::Clients)?;
            print!("{}", clients::render(&report));
        }
        Message::Status { json: true } => println!("{}", ask(&Request::Status)?),
        Message::Status { json: false } => print!("{}", status::page(&ask(&Request::Status)?)),
        Message::Outputs { json: true } => println!("{}", ask(&Request::Status)?["outputs"]),
        Message::Outputs { json: false } => print!("{}", status::outputs(&ask(&Request::Status)?["outputs"])),
        Message::Fences { json: true } => println!("{}", ask(&Request::Fences)?),
        Message::Fences { json: false } => {
            let report: FencesReport = Connection::connect(&args.socket)?.read(&Request::Fences)?;
            print!("{}", table::render(&report));
        }
        Message::Crc { action } => return crc(Connection::connect(&args.socket)?, action),
        Message::Frames { output, json, follow } => {
            frames(&mut Connection::connect(&args.socket)?, output.as_ref(), *json, *follow)?;
        }
    }
    Ok(0)
}

fn crc(mut session: Connection, action: &CrcAction) -> Result<u8, Error> {
    let (request, json) = match action.clone() {
        CrcAction::On { output, source } => (CrcRequest::On { output, source }, false),
        CrcAction::Off { output } => (CrcRequest::Off { output }, false),
        CrcAction::Status { output, json } => (CrcRequest::Status { output }, json),
        CrcAction::Check { output, json } => {
            let compared = match session.ask(&Request::Crc(CrcRequest::Check { output })) {
                Ok(compared) => compared,
                // A status of its own lets scripts tell this from a difference.
                Err(error) => {
                    eprintln!("syncline: error: {error}");
                    return Ok(2);
                }
            };
            let report: Compared = serde_json::from_value(compared.clone()).map_err(|e| session.unexpected(&e))?;
            if json {
                println!("{compared}")
            } else {
                print!("{}", text::compared(&report))
            }
            return Ok(u8::from(!report.equal));
        }
    };
    let status = session.ask(&Request::Crc(request))?;
    if json {
        println!("{status}");
    } else {
        let status = serde_json::from_value(status).map_err(|e| session.unexpected(&e))?;
        print!("{}", text::status(&status));
    }
    Ok(0)
}

/// How often `--follow` asks for new frames.
const FOLLOW: Duration = Duration::from_millis(100);

fn frames(session: &mut Connection, output: Option<&String>, json: bool, follow: bool) -> Result<(), Error> {
    let mut after = 0;
    let mut out = std::io::stdout().lock();
    if !json {
        writeln!(out, "{}", text::FRAMES).context("standard output")?;
    }
    loop {
        let page: Page = session.read(&Request::Frames { after, output: output.cloned(), settled: follow })?;
        for frame in &page.frames {
            if json {
                serde_json::to_writer(&mut out, frame).map_err(|e| Error::setup("standard output", e))?;
                writeln!(out).context("standard output")?;
            } else {
                writeln!(out, "{}", text::frame(frame)).context("standard output")?;
            }
            after = frame.serial;
        }
        out.flush().context("standard output")?;
        match (page.more, follow) {
            (true, _) => {}
            (false, true) => std::thread::sleep(FOLLOW),
            (false, false) => return Ok(()),
        }
    }
}

/// A connection to a running compositor.
pub(super) struct Connection {
    stream: BufReader<UnixStream>,
    what: String,
}

impl Connection {
    pub(super) fn connect(socket: &str) -> Result<Self, Error> {
        let path = socket_path(socket)?;
        let what = format!("{} (is syncline running with --socket {socket}?)", path.display());
        let stream = UnixStream::connect(&path).context(&what)?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).context(&what)?;
        Ok(Self { stream: BufReader::new(stream), what })
    }

    /// Sends a request and waits for the answer.
    pub(super) fn ask(&mut self, request: &Request) -> Result<serde_json::Value, Error> {
        self.send(request)?;
        let mut answer = String::new();
        self.stream.read_line(&mut answer).context(&self.what)?;
        self.parse(&answer)
    }

    fn send(&mut self, request: &Request) -> Result<(), Error> {
        let mut line = serde_json::to_vec(request).map_err(|e| Error::setup("request", e))?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line).context(&self.what)
    }

    /// Sends the request and prints each answer, until the session ends.
    fn follow(&mut self, request: &Request) -> Result<(), Error> {
        self.send(request)?;
        self.stream.get_mut().set_read_timeout(None).context(&self.what)?;
        let mut out = std::io::stdout().lock();
        let mut line = String::new();
        while self.stream.read_line(&mut line).context(&self.what)? > 0 {
            writeln!(out, "{}", self.parse(&line)?).and_then(|()| out.flush()).context("standard output")?;
            line.clear();
        }
        Ok(())
    }

    fn parse(&self, answer: &str) -> Result<serde_json::Value, Error> {
        let answer: Answer = serde_json::from_str(answer)
            .map_err(|e| Error::setup(&self.what, format!("the compositor sent no valid answer: {e}")))?;
        match answer.error {
            Some(error) => Err(Error::setup("syncline msg", error)),
            None => Ok(answer.data.unwrap_or_default()),
        }
    }

    /// As [`Connection::ask`], for an answer of a known type.
    fn read<T: serde::de::DeserializeOwned>(&mut self, request: &Request) -> Result<T, Error> {
        let answer = self.ask(request)?;
        serde_json::from_value(answer).map_err(|error| self.unexpected(&error))
    }

    fn unexpected(&self, error: &serde_json::Error) -> Error {
        Error::setup(
            &self.what,
            format!("this syncline does not understand the answer ({error}); is the compositor of another version?"),
        )
    }
}
