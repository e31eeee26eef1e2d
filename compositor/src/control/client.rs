//! The `syncline msg` command: sends a request to a running compositor and prints the answer.

use std::{io::Write, time::Duration};

use crate::{
    control::{
        args::{CrcAction, CreateArgs, Message, MsgArgs, OutputChange, Power},
        connection::Connection,
        pictures::{prove, record},
        request::{NewOutput, OutputWish, Request},
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

/// What is asked of a display. Error: nothing is.
fn output_request(name: Option<&str>, change: Option<&OutputChange>) -> Result<Request, Error> {
    if let Some(OutputChange::Create(CreateArgs { size, refresh, scale, name: named })) = change {
        if let Some(name) = name {
            let how = "a display that is made is named with --name";
            return Err(Error::setup(format!("syncline msg output {name} create"), how));
        }
        let (size, name) = (size.clone(), named.clone());
        return Ok(Request::OutputCreate(NewOutput { size, refresh: *refresh, scale: *scale, name }));
    }
    let which = "say which display, for example `syncline msg output DP-1 off`; `syncline msg outputs` lists them";
    let Some(name) = name else { return Err(Error::setup("syncline msg output", which)) };
    let (wish, none) = (OutputWish::default(), "say what becomes of it; `syncline msg output --help` lists it");
    let wish = match change {
        None if name == "keep" => return Ok(Request::OutputKeep),
        None => return Err(Error::setup(format!("syncline msg output {name}"), none)),
        Some(OutputChange::Remove) => return Ok(Request::OutputRemove { name: name.to_owned() }),
        Some(OutputChange::On) => return Ok(Request::Output { name: name.to_owned(), on: true }),
        Some(OutputChange::Off) => return Ok(Request::Output { name: name.to_owned(), on: false }),
        // Is made above.
        Some(OutputChange::Create(_)) => wish,
        Some(OutputChange::Mode { mode, keep }) => OutputWish { mode: Some(mode.clone()), keep: *keep, ..wish },
        Some(OutputChange::Scale { scale }) => OutputWish { scale: Some(*scale), ..wish },
        Some(OutputChange::Transform { transform }) => OutputWish { transform: Some(transform.clone()), ..wish },
        Some(OutputChange::Position { x, y }) => OutputWish { position: Some([*x, *y]), ..wish },
        Some(OutputChange::Mirror { of }) => OutputWish { mirror: Some(of.clone()), ..wish },
        Some(OutputChange::Vrr { state }) => OutputWish { vrr: Some(*state == Power::On), ..wish },
    };
    Ok(Request::OutputSet { name: name.to_owned(), wish })
}

/// Sends the request and prints the answer. Returns the exit status.
pub fn run(args: &MsgArgs) -> Result<u8, Error> {
    // Closes the connection before anything is printed: the compositor does not keep a peer for a
    // slow terminal.
    let ask = |request: &Request| Connection::connect(&args.socket)?.ask(request);
    match &args.message {
        Message::Quit => drop(ask(&Request::Quit)?),
        Message::Screenshot { file, of, prove: true, json } => {
            return Ok(prove::screenshot(&args.socket, file, of, *json));
        }
        Message::Screenshot { file, of, prove: false, .. } => {
            let path = std::path::absolute(file).context(format!("{}", file.display()))?;
            ask(&Request::Screenshot { path, of: of.shot() })?;
        }
        Message::Record(record) => record::record(&args.socket, record)?,
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
        Message::Output { name, change } => {
            let answer = ask(&output_request(name.as_deref(), change.as_ref())?)?;
            if let Some(name) = answer["created"].as_str() {
                println!("{name}");
            }
            if let Some(seconds) = answer["trial"].as_u64() {
                println!("After {seconds} seconds the mode goes back, unless you say: syncline msg output keep");
            }
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
