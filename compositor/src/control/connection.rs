//! One's connection to the socket of a running compositor: a request, and its answer.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use crate::{
    control::{
        request::{Answer, Request},
        socket::socket_path,
    },
    system::error::{Context, Error},
};

/// A connection to a running compositor.
pub struct Connection {
    stream: BufReader<UnixStream>,
    what: String,
}

impl Connection {
    pub fn connect(socket: &str) -> Result<Self, Error> {
        let path = socket_path(socket)?;
        let what = format!("{} (is syncline running with --socket {socket}?)", path.display());
        let stream = UnixStream::connect(&path).context(&what)?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).context(&what)?;
        Ok(Self { stream: BufReader::new(stream), what })
    }

    /// Sends a request and waits for the answer.
    pub fn ask(&mut self, request: &Request) -> Result<serde_json::Value, Error> {
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
    pub fn follow(&mut self, request: &Request) -> Result<(), Error> {
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
    pub fn read<T: serde::de::DeserializeOwned>(&mut self, request: &Request) -> Result<T, Error> {
        let answer = self.ask(request)?;
        serde_json::from_value(answer).map_err(|error| self.unexpected(&error))
    }

    pub fn unexpected(&self, error: &serde_json::Error) -> Error {
        Error::setup(
            &self.what,
            format!("this syncline does not understand the answer ({error}); is the compositor of another version?"),
        )
    }
}
