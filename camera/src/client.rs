//! The connection to the session: asks for one picture after the other, and keeps the whole of it up to date.
//!
//! One buffer is enough: what a picture has changed is read from it before the next one is asked for, and
//! the next one may be asked for before the last one is written anywhere.

use std::{
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{MemfdFlags, ftruncate, memfd_create},
    io::{Errno, pread},
};
use wayland_client::{
    Connection, Dispatch, EventQueue, Proxy,
    backend::WaylandError,
    globals::{GlobalList, registry_queue_init},
    protocol::{
        wl_buffer::WlBuffer,
        wl_output::WlOutput,
        wl_shm::{self, WlShm},
    },
};
use wayland_protocols::ext::{
    foreign_toplevel_list::v1::client::ext_foreign_toplevel_list_v1::ExtForeignToplevelListV1,
    image_capture_source::v1::client::{
        ext_foreign_toplevel_image_capture_source_manager_v1::ExtForeignToplevelImageCaptureSourceManagerV1,
        ext_image_capture_source_v1::ExtImageCaptureSourceV1,
        ext_output_image_capture_source_manager_v1::ExtOutputImageCaptureSourceManagerV1,
    },
    image_copy_capture::v1::client::{
        ext_image_copy_capture_frame_v1::ExtImageCopyCaptureFrameV1,
        ext_image_copy_capture_manager_v1::{ExtImageCopyCaptureManagerV1, Options},
        ext_image_copy_capture_session_v1::ExtImageCopyCaptureSessionV1,
    },
};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::Flags, zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};

use crate::{
    error::Error,
    heard::{End, Frame, Heard, XRGB8888},
    view::Transform,
};

/// What is captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A display, by its connector.
    Output(String),
    /// A window, by the end of its identifier in `ext_foreign_toplevel_list_v1`, after the last `-`.
    Window(u32),
}

/// Allocates memory for so many pixels of a row, and rows.
type Memory<'a> = &'a dyn Fn(u32, u32) -> Result<OwnedFd, Error>;

/// A picture that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// When it was shown first, ns of CLOCK_MONOTONIC.
    pub time: u64,
    /// How it was turned.
    pub transform: Transform,
    /// What has changed since the picture before it: x, y, width, height.
    pub damage: Vec<[u32; 4]>,
}

/// A client that captures one thing. Dropping it ends the connection.
pub struct Camera {
    connection: Connection,
    queue: EventQueue<Heard>,
    heard: Heard,
    manager: ExtImageCopyCaptureManagerV1,
    source: ExtImageCaptureSourceV1,
    options: Options,
    session: ExtImageCopyCaptureSessionV1,
    frame: Option<ExtImageCopyCaptureFrameV1>,
    /// The session has nothing in it yet.
    is_first: bool,
    /// The memory of the buffer; `None`: it is the caller's.
    file: Option<OwnedFd>,
    buffer: WlBuffer,
    size: (u32, u32),
    pixels: Vec<[u8; 4]>,
}

impl Camera {
    /// Connects to the session whose socket is `path`, to capture `of`, with the pointer or without. Errors:
    /// there is no session, it does not let this client capture, or there is nothing of that name.
    pub fn open(path: &Path, of: &Subject, pointer: bool) -> Result<Self, Error> {
        Self::open_with(path, of, pointer, None)
    }

    /// As [`Camera::open`], into the caller's dma-buf: `memory` gets width and height in pixels, and returns a
    /// linear one with `4 × width` bytes a row, XRGB8888. The caller reads the pictures from it; [`Camera::pixels`]
    /// stays empty. Errors: also that the session puts no pictures of this into such dma-bufs.
    pub fn open_into(
        path: &Path,
        of: &Subject,
        pointer: bool,
        memory: &dyn Fn(u32, u32) -> Result<OwnedFd, Error>,
    ) -> Result<Self, Error> {
        Self::open_with(path, of, pointer, Some(memory))
    }

    fn open_with(path: &Path, of: &Subject, pointer: bool, memory: Option<Memory<'_>>) -> Result<Self, Error> {
        let stream = UnixStream::connect(path).map_err(Error::io(path.display().to_string()))?;
        let connection = Connection::from_socket(stream).map_err(|error| Error::Refused(error.to_string()))?;
        let (globals, mut queue) =
            registry_queue_init::<Heard>(&connection).map_err(|error| Error::Refused(error.to_string()))?;
        let (qh, mut heard) = (queue.handle(), Heard::default());
        let manager: ExtImageCopyCaptureManagerV1 = bind(&globals, &queue)?;
        let shm: WlShm = bind(&globals, &queue)?;
        let source = match of {
            Subject::Output(name) => {
                for global in globals.contents().clone_list() {
                    if global.interface == WlOutput::interface().name {
                        globals.registry().bind::<WlOutput, _, _>(global.name, global.version.min(4), &qh, ());
                    }
                }
                let sources: ExtOutputImageCaptureSourceManagerV1 = bind(&globals, &queue)?;
                roundtrip(&mut queue, &mut heard)?;
                let found = heard.outputs.iter().find(|(_, connector)| connector == name);
                let (output, _) = found.ok_or_else(|| Error::Refused(format!("there is no display {name}")))?;
                sources.create_source(output, &qh, ())
            }
            Subject::Window(number) => {
                let sources: ExtForeignToplevelImageCaptureSourceManagerV1 = bind(&globals, &queue)?;
                bind::<ExtForeignToplevelListV1>(&globals, &queue)?;
                roundtrip(&mut queue, &mut heard)?;
                let end = format!("-{number}");
                let found = heard.windows.iter().find(|(_, identifier)| identifier.ends_with(&end));
                let (window, _) = found.ok_or(Error::Gone)?;
                sources.create_source(window, &qh, ())
            }
        };
        let options = if pointer { Options::PaintCursors } else { Options::empty() };
        let session = manager.create_session(&source, options, &qh, ());
        roundtrip(&mut queue, &mut heard)?;
        let size = heard.size.filter(|_| !heard.stopped).ok_or(Error::Gone)?;
        let (file, buffer, pixels) = match memory {
            None => {
                let (file, buffer) = buffer(&shm, size, heard.alpha, &queue)?;
                (Some(file), buffer, vec![[0; 4]; size.0 as usize * size.1 as usize])
            }
            Some(_) if !heard.linear => {
                return Err(Error::Refused("the session puts no pictures of this into linear dma-bufs".to_owned()));
            }
            Some(memory) => {
                let dmabuf = bind_newest::<ZwpLinuxDmabufV1>(&globals, &queue, 3)?;
                (None, around(&dmabuf, &memory(size.0, size.1)?, size, &queue), Vec::new())
            }
        };
        let (frame, is_first) = (None, true);
        Ok(Self {
            connection,
            queue,
            heard,
            manager,
            source,
            options,
            session,
            frame,
            is_first,
            file,
            buffer,
            size,
            pixels,
        })
    }

    /// Pixels of a row, and rows.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// The newest picture: pixels of B, G, R, and one byte that is 255 or not looked at.
    pub fn pixels(&self) -> &[[u8; 4]] {
        &self.pixels
    }

    /// Asks for a picture: the first one is what is shown now, later ones come when something has changed.
    pub fn ask(&mut self) -> Result<(), Error> {
        let frame = self.session.create_frame(&self.queue.handle(), ());
        frame.attach_buffer(&self.buffer);
        if std::mem::take(&mut self.is_first) {
            frame.damage_buffer(0, 0, self.size.0 as i32, self.size.1 as i32);
        }
        frame.capture();
        self.heard.frame = Frame::default();
        self.frame = Some(frame);
        self.flush()
    }

    /// Begins anew: the picture that is asked for next is a first one.
    pub fn begin_anew(&mut self) {
        if let Some(frame) = self.frame.take() {
            frame.destroy();
        }
        self.session.destroy();
        self.session = self.manager.create_session(&self.source, self.options, &self.queue.handle(), ());
        self.is_first = true;
    }

    /// Waits for the picture that was asked for; `None`: it is `until`, or `stop` was set by a signal.
    /// Errors: the session has refused it, or is gone.
    pub fn picture(&mut self, until: Option<Instant>, stop: &AtomicBool) -> Result<Option<Shown>, Error> {
        loop {
            self.queue.dispatch_pending(&mut self.heard).map_err(broken)?;
            if self.heard.size.is_some_and(|size| size != self.size) {
                return Err(Error::Resized);
            }
            if let Some(end) = self.heard.frame.end {
                self.frame.take().into_iter().for_each(|frame| frame.destroy());
                return self.ended(end).map(Some);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if stop.load(Ordering::Relaxed) || left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            let left = left.map(|left| Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() });
            self.hear(left.as_ref())?;
        }
    }

    fn ended(&mut self, end: End) -> Result<Shown, Error> {
        let Frame { damage, transform, time, .. } = std::mem::take(&mut self.heard.frame);
        match end {
            End::Ready => {
                damage.iter().try_for_each(|part| self.read(*part))?;
                Ok(Shown { time, transform, damage })
            }
            End::Constraints => Err(Error::Resized),
            End::Stopped => Err(Error::Gone),
            End::Unknown => Err(Error::Refused("the session could not draw it".to_owned())),
        }
    }

    /// Reads the rows around a part from the buffer.
    fn read(&mut self, [_, y, _, height]: [u32; 4]) -> Result<(), Error> {
        let Some(file) = &self.file else { return Ok(()) };
        let width = self.size.0 as usize;
        let rows = y.min(self.size.1) as usize..y.saturating_add(height).min(self.size.1) as usize;
        let first = rows.start * width;
        let into = self.pixels[first..rows.end * width].as_flattened_mut();
        let mut done = 0;
        while done < into.len() {
            match pread(file, &mut into[done..], (first * 4 + done) as u64) {
                Ok(0) => return Err(Error::Refused("the buffer has become shorter".to_owned())),
                Ok(count) => done += count,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::io("reading the picture")(errno)),
            }
        }
        Ok(())
    }

    /// Waits for events, for so long, or until a signal comes.
    fn hear(&self, left: Option<&Timespec>) -> Result<(), Error> {
        self.flush()?;
        let Some(guard) = self.queue.prepare_read() else { return Ok(()) };
        let socket = guard.connection_fd();
        match poll(&mut [PollFd::new(&socket, PollFlags::IN)], left) {
            Ok(0) | Err(Errno::INTR) => Ok(()),
            Ok(_) => match guard.read() {
                Err(WaylandError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
                other => other.map(drop).map_err(broken),
            },
            Err(errno) => Err(Error::io("waiting for the session")(errno)),
        }
    }

    fn flush(&self) -> Result<(), Error> {
        match self.connection.flush() {
            // Few requests are sent, so the rest goes with the next ones.
            Err(WaylandError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            other => other.map_err(broken),
        }
    }
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Refused(format!("the session has ended the connection: {error}"))
}

fn roundtrip(queue: &mut EventQueue<Heard>, heard: &mut Heard) -> Result<(), Error> {
    queue.roundtrip(heard).map(drop).map_err(broken)
}

fn bind<I>(globals: &GlobalList, queue: &EventQueue<Heard>) -> Result<I, Error>
where
    I: Proxy + 'static,
    Heard: Dispatch<I, ()>,
{
    bind_newest(globals, queue, 1)
}

fn bind_newest<I>(globals: &GlobalList, queue: &EventQueue<Heard>, version: u32) -> Result<I, Error>
where
    I: Proxy + 'static,
    Heard: Dispatch<I, ()>,
{
    globals.bind(&queue.handle(), version..=version, ()).map_err(|_| {
        let name = I::interface().name;
        Error::Refused(format!("the session shows this client no {name}: sandboxed clients need a [[sandbox]] rule"))
    })
}

/// A buffer of this size, and its file.
fn buffer(
    shm: &WlShm,
    (width, height): (u32, u32),
    alpha: bool,
    queue: &EventQueue<Heard>,
) -> Result<(OwnedFd, WlBuffer), Error> {
    let bytes = u64::from(width) * u64::from(height) * 4;
    let len = i32::try_from(bytes).map_err(|_| Error::Refused(format!("{width}x{height} pixels are too many")))?;
    let what = "memory for the picture";
    let file = memfd_create("syncline-camera", MemfdFlags::CLOEXEC).map_err(Error::io(what))?;
    ftruncate(&file, bytes).map_err(Error::io(what))?;
    let format = if alpha { wl_shm::Format::Argb8888 } else { wl_shm::Format::Xrgb8888 };
    let pool = shm.create_pool(file.as_fd(), len, &queue.handle(), ());
    let buffer = pool.create_buffer(0, width as i32, height as i32, (width * 4) as i32, format, &queue.handle(), ());
    pool.destroy();
    Ok((file, buffer))
}

/// A buffer over a linear dma-buf, which stays the caller's.
fn around(
    dmabuf: &ZwpLinuxDmabufV1,
    memory: &OwnedFd,
    (width, height): (u32, u32),
    queue: &EventQueue<Heard>,
) -> WlBuffer {
    let qh = queue.handle();
    let params = dmabuf.create_params(&qh, ());
    params.add(memory.as_fd(), 0, 0, width * 4, 0, 0);
    let buffer = params.create_immed(width as i32, height as i32, XRGB8888, Flags::empty(), &qh, ());
    params.destroy();
    buffer
}
