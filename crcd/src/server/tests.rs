//! The helper in a thread, on a debugfs of files.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use rustix::net::send;

use super::*;
use crate::client::{AskError, ask};
use crate::files::{Failed, Source, Step, read_control};
use crate::protocol::{DRM_MAJOR, decode_reply};

struct Helper {
    scratch: tempfile::TempDir,
}

/// The helper, and a card with the CRCs of its CRTC 0. It runs until the test program ends.
fn helper(group: u32) -> Helper {
    let scratch = tempfile::tempdir().expect("scratch");
    let dir = scratch.path().join("dri/0/crtc-0/crc");
    std::fs::create_dir_all(&dir).expect("folders");
    std::fs::write(dir.join("control"), "auto*\nplane31\n").expect("control");
    std::fs::write(dir.join("data"), "0x00000001 0x00000002\n").expect("data");
    let listener = listen_at(&scratch.path().join("socket"), group).expect("the socket");
    let server = Server::new(listener, scratch.path(), group);
    thread::spawn(move || server.run(None));
    Helper { scratch }
}

impl Helper {
    fn ask(&self, what: What, minor: u32, crtc: u32) -> Result<OwnedFd, AskError> {
        ask(&self.scratch.path().join("socket"), &Request { what, device: (DRM_MAJOR, minor), crtc })
    }

    fn connect(&self) -> OwnedFd {
        let address = SocketAddrUnix::new(self.scratch.path().join("socket")).expect("a path");
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
        let socket = socket.expect("a socket");
        connect(&socket, &address).expect("connect");
        socket
    }

    fn control(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("dri/0/crtc-0/crc/control")).expect("control")
    }
}

fn own_group() -> u32 {
    rustix::process::getegid().as_raw()
}

fn arm(source: &str) -> What {
    What::Arm(Source::new(source).expect("a source"))
}

fn text(fd: OwnedFd) -> String {
    let mut text = String::new();
    std::fs::File::from(fd).read_to_string(&mut text).expect("readable");
    text
}

#[test]
fn the_descriptor_is_that_of_the_file_and_can_only_be_read() {
    let helper = helper(own_group());
    let sources = helper.ask(What::Sources, 0, 0).expect("control");
    assert_eq!(read_control(&sources).expect("text"), "auto*\nplane31\n");
    for what in [What::Data, arm("auto")] {
        let data = helper.ask(what, 0, 0).expect("data");
        assert_eq!(text(data), "0x00000001 0x00000002\n");
    }
    assert_eq!(helper.control(), "auto*\nplane31\n", "it was set already");
    helper.ask(arm("plane31"), 0, 0).expect("data");
    assert!(helper.control().starts_with("plane31"));
    assert!(std::fs::File::from(sources).write(b"x").is_err());
}

#[test]
fn refusals_say_which_step_failed() {
    let helper = helper(own_group());
    let failed = |step, errno| Some(AskError::Refused(Refusal::Failed(Failed { step, errno })));
    assert_eq!(helper.ask(What::Data, 1, 0).err(), failed(Step::Find, Errno::NOENT));
    assert_eq!(helper.ask(What::Data, 0, 1).err(), failed(Step::Find, Errno::NOENT));
    std::fs::remove_file(helper.scratch.path().join("dri/0/crtc-0/crc/data")).expect("remove");
    assert_eq!(helper.ask(What::Data, 0, 0).err(), failed(Step::OpenData, Errno::NOENT));
    assert_eq!(helper.ask(What::Data, 0, 99).err(), Some(AskError::Refused(Refusal::BadRequest)));
}

#[test]
fn what_is_no_request_is_refused_and_others_go_on() {
    let helper = helper(own_group());
    let good = Request { what: What::Data, device: (DRM_MAJOR, 0), crtc: 0 }.encode();
    for bytes in [&good[1..], &[&good[..], b"x"].concat(), b"hello", &[0; 4096]] {
        let socket = helper.connect();
        send(&socket, bytes, SendFlags::NOSIGNAL).expect("send");
        let mut reply = [0; 64];
        let (len, _) = recv(&socket, &mut reply, RecvFlags::empty()).expect("a reply");
        assert_eq!(decode_reply(&reply[..len]), Some(Err(Refusal::BadRequest)));
    }
    assert!(helper.ask(What::Data, 0, 0).is_ok());
}

/// Who says nothing is hung up on after a while, and keeps nobody else waiting meanwhile.
#[test]
fn a_silent_client_blocks_nobody() {
    let helper = helper(own_group());
    let silent: Vec<OwnedFd> = (0..EACH - 1).map(|_| helper.connect()).collect();
    let start = Instant::now();
    assert!(helper.ask(What::Data, 0, 0).is_ok());
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    // With a few more of them the user has as many connections as a user may have.
    let mut more = Vec::new();
    while helper.ask(What::Data, 0, 0).is_ok() {
        assert!(more.len() < 2 * EACH, "without a limit");
        more.push(helper.connect());
    }
    let mut reply = [0; 64];
    let (len, _) = recv(&silent[0], &mut reply, RecvFlags::empty()).expect("the end");
    assert_eq!(len, 0, "hung up");
    assert!(start.elapsed() < LIMIT * 3, "{:?}", start.elapsed());
    while helper.ask(What::Data, 0, 0).is_err() {
        assert!(start.elapsed() < LIMIT * 10, "and the user may ask again");
    }
}

#[test]
fn the_socket_is_open_to_root_and_the_group_alone() {
    let helper = helper(own_group());
    let mode = std::fs::metadata(helper.scratch.path().join("socket")).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    // One that is in use is left alone; one that nobody listens at is replaced.
    let path = helper.scratch.path().join("socket");
    assert_eq!(listen_at(&path, own_group()).map(drop), Err(("bind", Errno::ADDRINUSE)));
    let left = helper.scratch.path().join("left");
    drop(listen_at(&left, own_group()).expect("a socket"));
    assert!(listen_at(&left, own_group()).is_ok());
}

#[test]
fn without_work_it_ends_if_it_may() {
    let scratch = tempfile::tempdir().expect("scratch");
    let listener = listen_at(&scratch.path().join("socket"), own_group()).expect("the socket");
    let server = Server::new(listener, scratch.path(), own_group());
    assert_eq!(server.run(Some(Duration::from_millis(10))), Ok(()));
}
