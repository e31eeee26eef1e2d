//! A debugfs of files, and a helper in a thread.

use super::*;

const FIRST: CrtcIndex = CrtcIndex::from_raw(0);
/// No helper listens here.
const NOBODY: &str = "/nonexistent/crcd.sock";

/// A debugfs of files: directories of `dri` with the text of `name`, each with CRTC 0.
fn debugfs(dirs: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("scratch");
    for (dir, name) in dirs {
        let dir = root.path().join("dri").join(dir);
        std::fs::create_dir_all(dir.join("crtc-0/crc")).expect("mkdir");
        std::fs::write(dir.join("name"), name).expect("name");
        std::fs::write(dir.join("crtc-0/crc/control"), "auto*\nplane31\n").expect("control");
        std::fs::write(dir.join("crtc-0/crc/data"), "").expect("data");
    }
    root
}

#[test]
fn found_by_minor_by_directory_and_by_name() {
    let find = |dirs: &[(&str, &str)]| {
        let root = debugfs(dirs);
        let found = CrcReader::find(root.path(), 3, Some("0000:00:02.0"), FIRST, "card3", NOBODY.as_ref());
        found.map(|reader| reader.dir().strip_prefix(root.path().join("dri")).expect("inside").to_owned())
    };
    let place = |dir: &str| Ok(PathBuf::from(dir).join("crtc-0/crc"));
    assert_eq!(find(&[("3", "i915 dev=0000:00:02.0 unique=0000:00:02.0"), ("0", "vgem dev=vgem")]), place("3"));
    assert_eq!(find(&[("0000:00:02.0", ""), ("vkms", "vkms dev=vkms")]), place("0000:00:02.0"));
    assert_eq!(find(&[("7", "i915 dev=0000:00:02.0 unique=x"), ("8", "vkms dev=vkms")]), place("7"));
    let none = Err(CrcError::Unsupported { device: "card3".to_owned(), crtc: FIRST });
    assert_eq!(find(&[("8", "vkms dev=vkms")]), none);
}

#[test]
fn without_debugfs_or_crtc() {
    let empty = tempfile::tempdir().expect("scratch");
    let find = |root: &Path, crtc| CrcReader::find(root, 0, None, crtc, "card0", NOBODY.as_ref()).map(drop);
    assert_eq!(find(empty.path(), FIRST), Err(CrcError::NoDebugfs(empty.path().to_owned())));
    let root = debugfs(&[("0", "vkms dev=vkms")]);
    assert_eq!(find(root.path(), FIRST), Ok(()));
    let second = CrtcIndex::from_raw(1);
    assert_eq!(find(root.path(), second), Err(CrcError::Unsupported { device: "card0".to_owned(), crtc: second }));
}

#[test]
fn sources_with_the_current_one_marked() {
    let root = debugfs(&[("0", "vkms dev=vkms")]);
    let reader = CrcReader::find(root.path(), 0, None, FIRST, "card0", NOBODY.as_ref()).expect("reader");
    let source = |name: &str, current| CrcSource { name: name.to_owned(), current };
    assert_eq!(reader.sources(), Ok(vec![source("auto", true), source("plane31", false)]));
}

/// The helper in a thread, for the debugfs at `root`.
fn helper(root: &Path) -> PathBuf {
    let socket = root.join("socket");
    let group = rustix::process::getegid().as_raw();
    let listener = crcd::server::listen_at(&socket, group).expect("the socket");
    let server = crcd::server::Server::new(listener, root, group);
    std::thread::spawn(move || server.run(None));
    socket
}

/// A reader for whom debugfs is closed.
fn closed(root: &Path, socket: PathBuf, minor: u32) -> CrcReader {
    let helper = Helper { socket, device: (DRM_MAJOR, minor), crtc: FIRST };
    CrcReader { dir: root.join(format!("dri/{minor}/crtc-0/crc")), crtc: FIRST, helper, is_closed: true }
}

#[test]
fn where_debugfs_is_closed_the_helper_opens_the_files() {
    let root = debugfs(&[("0", "vkms dev=vkms")]);
    let unsupported = || CrcError::Unsupported { device: "card0".to_owned(), crtc: FIRST };
    let socket = helper(root.path());
    let reader = closed(root.path(), socket.clone(), 0).checked(unsupported).expect("reader");
    assert_eq!(reader.sources().expect("sources").len(), 2);
    let text = reader.arm("no/path").map(drop).expect_err("that is no name").to_string();
    assert_eq!(text, "unknown CRC source no/path; this driver has auto, plane31");
    assert!(reader.arm("plane31").is_ok());
    let control = root.path().join("dri/0/crtc-0/crc/control");
    assert!(std::fs::read_to_string(control).expect("control").starts_with("plane31"));
    let other = closed(root.path(), socket, 1).checked(unsupported);
    assert_eq!(other.map(drop), Err(unsupported()));
}

#[test]
fn without_a_helper_the_error_says_how_to_get_one() {
    let root = debugfs(&[("0", "vkms dev=vkms")]);
    let unsupported = || CrcError::Unsupported { device: "card0".to_owned(), crtc: FIRST };
    let error = closed(root.path(), NOBODY.into(), 0).checked(unsupported).map(drop).expect_err("nobody listens");
    let text = error.to_string();
    assert!(text.starts_with("no permission for ") && text.contains("CAP_DAC_OVERRIDE"), "{text}");
    assert!(text.contains("systemctl enable --now syncline-crcd.socket"), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn each_refusal_of_the_kernel_has_its_name() {
    let reader = CrcReader::nowhere();
    let failed = |step, errno, helper| reader.failed(Failed { step, errno }, helper).to_string();
    for (text, words) in [
        (failed(Step::OpenData, Errno::BUSY, None), "nowhere/data is busy"),
        (failed(Step::OpenData, Errno::IO, None), "CRTC 0 is off"),
        (failed(Step::OpenData, Errno::NODEV, None), "open on nowhere/data"),
        (
            failed(Step::WriteControl, Errno::ACCESS, Some(NoHelper::NotAllowed("sock".into()))),
            "no permission for nowhere/control: display CRCs need CAP_DAC_OVERRIDE or the helper syncline-crcd, which does not serve this user: join the group",
        ),
    ] {
        assert!(text.contains(words), "{text}");
    }
    assert!(CrcError::Lockdown("control".into()).to_string().contains("Secure Boot"));
}
