//! The `syncline msg` command: asks a running compositor and prints its answer.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    buffers::{self, BufferReport},
    cli::{Message, MsgArgs, Power},
    error::{Context, Error},
    fences::{FencesReport, table},
    ipc::{Answer, Request},
};

/// Where the compositor with this Wayland socket listens.
pub fn socket_path(name: &str) -> Result<PathBuf, Error> {
    let path = if name.starts_with('/') {
        PathBuf::from(name)
    } else {
        let dir = std::env::var_os("XDG_RUNTIME_DIR").ok_or_else(|| {
            Error::setup("XDG_RUNTIME_DIR", "is not set; it names the directory of the session's sockets")
        })?;
        Path::new(&dir).join(name)
    };
    let mut path = path.into_os_string();
    path.push(".ipc");
    Ok(path.into())
}

/// Sends the message and prints the answer.
pub fn run(args: &MsgArgs) -> Result<(), Error> {
    let path = socket_path(&args.socket)?;
    let what = format!("{} (is syncline running with --socket {}?)", path.display(), args.socket);
    let mut stream = UnixStream::connect(&path).context(&what)?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).context(&what)?;
    let request = match &args.message {
        Message::Quit => Request::Quit,
        Message::Screenshot { file } => {
            let path = std::path::absolute(file).context(format!("{}", file.display()))?;
            Request::Screenshot { path }
        }
        Message::Output { name, power } => Request::Output { name: name.clone(), on: *power == Power::On },
        Message::Status { .. } => Request::Status,
        Message::Fences { .. } => Request::Fences,
        Message::Buffers { .. } => Request::Buffers,
    };
    let mut line = serde_json::to_vec(&request).map_err(|e| Error::setup("request", e))?;
    line.push(b'\n');
    stream.write_all(&line).context(&what)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).context(&what)?;
    let answer: Answer = serde_json::from_str(&answer).map_err(|e| Error::setup(&what, format!("no answer: {e}")))?;
    if let Some(error) = answer.error {
        return Err(Error::setup("syncline msg", error));
    }
    match (&args.message, answer.data) {
        (
            Message::Status { json: true } | Message::Fences { json: true } | Message::Buffers { json: true },
            Some(data),
        ) => println!("{data}"),
        (Message::Status { json: false }, Some(data)) => print_flat("", &data),
        (Message::Fences { json: false }, Some(data)) => {
            let report: FencesReport = serde_json::from_value(data)
                .map_err(|e| Error::setup(&what, format!("not a report of fences: {e}")))?;
            print!("{}", table::render(&report));
        }
        (Message::Buffers { json: false }, Some(data)) => {
            let report: Vec<BufferReport> = serde_json::from_value(data)
                .map_err(|e| Error::setup(&what, format!("not a report of buffers: {e}")))?;
            print!("{}", buffers::render(&report));
        }
        _ => {}
    }
    Ok(())
}

fn print_flat(prefix: &str, value: &serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                print_flat(&name, value);
            }
        }
        serde_json::Value::Array(items) => {
            for (i, value) in items.iter().enumerate() {
                print_flat(&format!("{prefix}[{i}]"), value);
            }
        }
        other => println!("{prefix}: {other}"),
    }
}
