//! `syncline msg screenshot --prove`: a picture of a display, and whether the display has shown just that.
//!
//! ```text
//!  CRCs on ─→ capture: pixels, time of the flip ─→ the frame of that time, its CRC judged ─→ Proof
//!    └─ not possible ─→ the picture, not known: why        └─ no certain CRC: capture again
//! ```
//!
//! The session judges to which frame a CRC belongs, as for every frame (`crate::crc::judge`); the picture's
//! CRC is computed here. CRCs that were off are turned off again.

use std::{
    path::Path,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use camera::{Camera, Shown, write_png};

use crate::{
    control::{args::ShotArgs, connection::Connection, pictures, request::Request},
    crc::{
        frames::{FrameRecord, Page},
        proof::{Proof, crc_of_picture, is_open},
        status::{CrcRequest, CrcStatus, OutputStatus},
    },
    system::error::{Context, Error},
};

/// How long it may take to catch a frame of which the CRC is certain.
const LIMIT: Duration = Duration::from_secs(4);
/// How often the session is asked meanwhile.
const POLL: Duration = Duration::from_millis(10);

/// Takes the picture and prints what is known of it. Returns the exit status.
pub fn screenshot(socket: &str, file: &Path, of: &ShotArgs, json: bool) -> u8 {
    let proof = match take(socket, file, of) {
        Ok(proof) => proof,
        Err(error) => {
            eprintln!("syncline: error: {error}");
            return 2;
        }
    };
    match (json, serde_json::to_string(&proof)) {
        (true, Ok(json)) => println!("{json}"),
        _ if proof.status() == 2 => eprintln!("syncline: {proof}"),
        _ => println!("{proof}"),
    }
    proof.status()
}

fn take(socket: &str, file: &Path, of: &ShotArgs) -> Result<Proof, Error> {
    let mut session = Connection::connect(socket)?;
    if of.window.is_some() || of.region.is_some() {
        let path = std::path::absolute(file).context(format!("{}", file.display()))?;
        session.ask(&Request::Screenshot { path, of: of.shot() })?;
        return Ok(Proof::unknown("a display's CRC is that of all it shows, and this is a picture of a part"));
    }
    let shot = pictures::Shot::of(of, &mut session)?;
    let camera::Subject::Output(name) = &shot.subject else {
        return Err(Error::setup("a picture", "it is not of a display"));
    };
    let mut camera = shot.camera(socket, false)?;
    let was_off = crcs(&mut session, name, |output| CrcRequest::Status { output })?.state == "off";
    let model = turn_on(&mut session, name);
    let mut proving = Proving { camera: &mut camera, session: &mut session, name };
    let proof = match model {
        Ok(model) => proving.prove(&model),
        Err(why) => proving.picture(Instant::now() + LIMIT).map(|shown| (shown, Proof::unknown(why))),
    };
    if was_off {
        crcs(&mut session, name, |output| CrcRequest::Off { output })?;
    }
    let (shown, proof) = proof.map_err(|error| shot.error(&error))?;
    let view = shot.view(camera.size(), shown.transform)?;
    write_png(file, camera.pixels(), &view).map_err(|error| Error::setup(file.display().to_string(), error))?;
    Ok(proof)
}

/// The state of a display's CRCs after a request.
fn crcs(
    session: &mut Connection,
    name: &str,
    request: impl Fn(Option<String>) -> CrcRequest,
) -> Result<OutputStatus, Error> {
    let status: CrcStatus = session.read(&Request::Crc(request(Some(name.to_owned()))))?;
    status.outputs.into_iter().next().ok_or_else(|| Error::setup("CRCs", format!("{name} is gone")))
}

/// Has the CRCs of a display read, and returns the model of its arithmetic; or why that cannot be.
fn turn_on(session: &mut Connection, name: &str) -> Result<String, String> {
    let said = |error: Error| match error {
        Error::Setup { reason, .. } => reason,
        other => other.to_string(),
    };
    let now = crcs(session, name, |output| CrcRequest::Status { output }).map_err(said)?;
    let source = now.source.clone();
    let on = match now.state.as_str() {
        "off" | "waiting" => {
            crcs(session, name, |output| CrcRequest::On { output, source: source.clone() }).map_err(said)?
        }
        _ => now,
    };
    let why = || on.why.clone().unwrap_or_else(|| format!("CRCs of {name} are {}", on.state));
    let model = on.predicted_by.clone().filter(|_| on.state == "on").ok_or_else(why)?;
    // Of which a picture has a CRC at all.
    match crc_of_picture(&model, (1, 1), &[0; 4]) {
        Some(_) => Ok(model),
        None => Err(format!("CRCs of {name} are read from a source that is not the whole display")),
    }
}

struct Proving<'a> {
    camera: &'a mut Camera,
    session: &'a mut Connection,
    name: &'a str,
}

impl Proving<'_> {
    /// Takes pictures until one is of a frame whose CRC is certain.
    fn prove(&mut self, model: &str) -> Result<(Shown, Proof), camera::Error> {
        let until = Instant::now() + LIMIT;
        loop {
            let shown = self.picture(until)?;
            let picture = crc_of_picture(model, self.camera.size(), self.camera.pixels().as_flattened());
            let proof = picture.ok_or("the picture is too short").and_then(|picture| {
                let frame = self.frame(shown.time, until).ok_or("its frame is not among the last ones with a CRC")?;
                Proof::of(&frame, picture)
            });
            match proof {
                Ok(proof) => return Ok((shown, proof)),
                Err(why) if Instant::now() >= until => return Ok((shown, Proof::unknown(why))),
                Err(_) => std::thread::sleep(POLL),
            }
            self.camera.begin_anew();
        }
    }

    fn picture(&mut self, until: Instant) -> Result<Shown, camera::Error> {
        self.camera.ask()?;
        let shown = self.camera.picture(Some(until), &AtomicBool::new(false))?;
        shown.ok_or_else(|| camera::Error::Refused("nothing was shown in time".to_owned()))
    }

    /// The frame that was shown at a time, once it is judged.
    fn frame(&mut self, time: u64, until: Instant) -> Option<FrameRecord> {
        let mut after = 0;
        loop {
            let output = Some(self.name.to_owned());
            let page: Page = self.session.read(&Request::Frames { after, output, settled: false }).ok()?;
            match page.frames.iter().find(|frame| frame.time_ns == time) {
                Some(frame) if is_open(frame) && Instant::now() < until => std::thread::sleep(POLL),
                Some(frame) => return Some(frame.clone()),
                None if page.more => after = page.frames.last()?.serial,
                None => return None,
            }
        }
    }
}
