//! Clients that send or take very much: requests, rectangles, objects, descriptors.

use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use wayland_client::Proxy;

use super::bad::{AT_ONCE, Bad, Stop, TICK, is_end};
use crate::client::dmabuf::{Params, Plane};
use crate::client::shm::{Memory, Place, memory};
use crate::client::{Client, PATIENCE};
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::time::{after, left};

/// How long a client waits for the compositor to notice that the last one has gone.
const GONE: Duration = Duration::from_millis(100);
/// Requests of a flood that are written at once.
const BLOCK: usize = 2000;

/// What a client takes so many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// `wl_surface.damage`, sent without reading an answer. After so many comes a pause.
    Requests,
    /// Rectangles of one region.
    RegionRects,
    /// `wl_buffer`s of one pool.
    Objects,
    /// Surfaces.
    Surfaces,
    /// `zwp_linux_buffer_params_v1` with four descriptors each.
    Params,
}

/// A client that connects, takes so many of something, and disconnects; again and again.
pub struct Amount {
    socket: PathBuf,
    thing: Thing,
    count: usize,
}

impl Amount {
    /// A client that has not connected yet.
    pub fn new(compositor: &Compositor, thing: Thing, count: usize) -> Amount {
        Amount { socket: compositor.socket_path(), thing, count }
    }

    fn once(&self, stop: &Stop) -> Result<()> {
        let mut client = Client::connect(&self.socket.to_string_lossy())?;
        match self.thing {
            Thing::Requests => flood(&mut client, self.count, stop)?,
            Thing::RegionRects => region_rects(&mut client, self.count)?,
            Thing::Objects => objects(&mut client, self.count)?,
            Thing::Surfaces => surfaces(&mut client, self.count)?,
            Thing::Params => params(&mut client, self.count)?,
        }
        // All of it has been handled.
        client.roundtrip()
    }
}

impl Bad for Amount {
    fn act(&mut self, stop: &Stop) -> Result<()> {
        loop {
            let result = self.once(stop);
            std::thread::sleep(GONE);
            if stop.is_set() {
                return result;
            }
            match result {
                // Whoever is ended comes back.
                Err(error) if !is_end(&error) => return Err(error),
                _ => {}
            }
        }
    }
}

/// Sends requests as fast as they are read, and pauses after every `count` of them; without one (`usize::MAX`)
/// until it is to stop.
fn flood(client: &mut Client, count: usize, stop: &Stop) -> Result<()> {
    let surface = client.state.bound.compositor()?.create_surface(&client.qh(), ());
    client.roundtrip()?;
    let damage = [surface.id().protocol_id(), 24 << 16 | 2, 0, 0, 1, 1];
    let block: Vec<u8> = damage.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>().repeat(BLOCK);
    loop {
        for _ in 0..count / BLOCK {
            write(client, &block)?;
            if stop.is_set() && count == usize::MAX {
                break;
            }
        }
        client.roundtrip()?;
        if stop.is_set() {
            return Ok(());
        }
    }
}

/// Writes to the socket, past the Wayland library. If the compositor has hung up, its last words are
/// the error.
fn write(client: &mut Client, mut bytes: &[u8]) -> Result<()> {
    let deadline = after(PATIENCE);
    while !bytes.is_empty() {
        let backend = client.connection().backend();
        let socket = backend.poll_fd();
        match rustix::io::write(socket, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::AGAIN) => {
                let ready = poll(&mut [PollFd::new(&socket, PollFlags::OUT)], Some(&left(deadline)));
                if ready.is_ok_and(|count| count == 0) {
                    return Err(Error::Timeout("the compositor to read what a bad client sends".into()));
                }
            }
            Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => return client.roundtrip(),
            Err(errno) => return Err(Error::Call { what: "write to a Wayland socket".into(), errno }),
        }
    }
    Ok(())
}

fn region_rects(client: &mut Client, count: usize) -> Result<()> {
    let qh = client.qh();
    let compositor = client.state.bound.compositor()?;
    let (surface, region) = (compositor.create_surface(&qh, ()), compositor.create_region(&qh, ()));
    for at in 0..count {
        // No two of them touch.
        region.add(at as i32 % 1000 * 2, at as i32 / 1000 * 2, 1, 1);
        flush_at(client, at)?;
    }
    surface.set_input_region(Some(&region));
    surface.set_opaque_region(Some(&region));
    surface.commit();
    Ok(())
}

fn objects(client: &mut Client, count: usize) -> Result<()> {
    const SIDE: i32 = 8;
    let len = SIDE * SIDE * 4;
    let pool = client.pool(memory(Memory::Sealable, len as usize)?, len)?;
    let Place { offset, width, height, stride, format } = Place::packed(0, SIDE, SIDE);
    let qh = client.qh();
    for at in 0..count {
        pool.wl.create_buffer(offset, width, height, stride, format, &qh, 0);
        flush_at(client, at)?;
    }
    Ok(())
}

fn surfaces(client: &mut Client, count: usize) -> Result<()> {
    let (compositor, qh) = (client.state.bound.compositor()?, client.qh());
    for at in 0..count {
        compositor.create_surface(&qh, ());
        flush_at(client, at)?;
    }
    Ok(())
}

fn params(client: &mut Client, count: usize) -> Result<()> {
    let manager = client.state.bound.dmabuf()?;
    let file = memory(Memory::Sealable, 4096)?;
    for _ in 0..count {
        let params = Params::new(client, &manager);
        (0..4).for_each(|index| params.add(&file, Plane { index, offset: 0, stride: 256, modifier: 0 }));
        client.flush()?;
    }
    client.idle(TICK)
}

fn flush_at(client: &mut Client, at: usize) -> Result<()> {
    if at.is_multiple_of(AT_ONCE) { client.flush() } else { Ok(()) }
}
