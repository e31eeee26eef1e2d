//! What a client is told to allocate: a table of pairs, and tranches of it in order of preference.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};

use dmabuf_import::FormatSet;
use rustix::{
    fs::{MemfdFlags, SealFlags},
    io::Errno,
};
use smithay::wayland::compositor::SurfaceData;
use wayland_protocols::wp::linux_dmabuf::zv1::server::zwp_linux_dmabuf_feedback_v1::{
    TrancheFlags, ZwpLinuxDmabufFeedbackV1,
};
use wayland_server::{Resource, Weak};

/// Since this version a tranche says that it can be sampled, and there is no main device.
const SAMPLING_SINCE: u32 = 6;

/// Pairs of one preference, for one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tranche {
    /// `dev_t` of the device for which the buffers are.
    pub device: u64,
    /// A plane may show such a buffer.
    pub scanout: bool,
    /// The renderer reads such a buffer.
    pub sampling: bool,
    /// The pairs.
    pub formats: FormatSet,
}

/// Everything that a feedback object is told; the table is made once and shared by all.
#[derive(Debug)]
pub struct Feedback {
    main_device: u64,
    tranches: Vec<Tranche>,
    /// By tranche: indices into the table, as the wire wants them.
    indices: Vec<Vec<u8>>,
    table: OwnedFd,
    table_size: u32,
}

/// The same main device and the same tranches.
impl PartialEq for Feedback {
    fn eq(&self, other: &Self) -> bool {
        (self.main_device, &self.tranches) == (other.main_device, &other.tranches)
    }
}

impl Eq for Feedback {}

impl Feedback {
    /// Writes the table into a sealed memfd. Tranches without pairs are left out, and so is, of a later tranche for the same device
    /// and use, what an earlier one has: the protocol forbids to send it twice.
    ///
    /// Errors: EMFILE, ENOMEM; EOVERFLOW for more than 65536 pairs.
    pub fn new(main_device: u64, tranches: impl IntoIterator<Item = Tranche>) -> Result<Self, Errno> {
        let mut kept: Vec<Tranche> = Vec::new();
        for mut tranche in tranches {
            let same =
                |t: &&Tranche| (t.device, t.scanout, t.sampling) == (tranche.device, tranche.scanout, tranche.sampling);
            let said = kept.iter().filter(same).fold(FormatSet::default(), |all, t| all.union(&t.formats));
            tranche.formats = tranche.formats.difference(&said);
            if !tranche.formats.is_empty() {
                kept.push(tranche);
            }
        }
        let all = kept.iter().fold(FormatSet::default(), |all, tranche| all.union(&tranche.formats));
        let mut table = Vec::with_capacity(all.len() * 16);
        let mut at = std::collections::HashMap::with_capacity(all.len());
        for (index, format) in all.iter().enumerate() {
            at.insert(format, u16::try_from(index).map_err(|_| Errno::OVERFLOW)?);
            table.extend_from_slice(&(format.code as u32).to_ne_bytes());
            table.extend_from_slice(&[0; 4]);
            table.extend_from_slice(&u64::from(format.modifier).to_ne_bytes());
        }
        let indices = kept.iter().map(|t| t.formats.iter().flat_map(|f| at[&f].to_ne_bytes()).collect()).collect();
        let table_size = u32::try_from(table.len()).map_err(|_| Errno::OVERFLOW)?;
        Ok(Self { main_device, tranches: kept, indices, table: sealed(&table)?, table_size })
    }

    /// The tranches in order.
    pub fn tranches(&self) -> &[Tranche] {
        &self.tranches
    }

    /// Every pair of every tranche.
    pub fn formats(&self) -> FormatSet {
        self.tranches.iter().fold(FormatSet::default(), |all, tranche| all.union(&tranche.formats))
    }

    /// Sends everything.
    pub(super) fn send(&self, object: &ZwpLinuxDmabufFeedbackV1) {
        let version = object.version();
        object.format_table(self.table.as_fd(), self.table_size);
        if version < SAMPLING_SINCE {
            object.main_device(self.main_device.to_ne_bytes().to_vec());
        }
        for (tranche, indices) in self.tranches.iter().zip(&self.indices) {
            object.tranche_target_device(tranche.device.to_ne_bytes().to_vec());
            object.tranche_flags(tranche.flags(version));
            object.tranche_formats(indices.clone());
            object.tranche_done();
        }
        object.done();
    }
}

impl Tranche {
    fn flags(&self, version: u32) -> TrancheFlags {
        let mut flags = TrancheFlags::empty();
        flags.set(TrancheFlags::Scanout, self.scanout);
        flags.set(TrancheFlags::Sampling, self.sampling && version >= SAMPLING_SINCE);
        flags
    }
}

fn sealed(bytes: &[u8]) -> Result<OwnedFd, Errno> {
    let fd = rustix::fs::memfd_create("dmabuf-formats", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = std::fs::File::from(fd);
    file.write_all(bytes).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file.into())
}

/// The feedback objects of a surface, and what they were told last.
#[derive(Debug, Default)]
pub(super) struct SurfaceFeedback {
    told: Option<Arc<Feedback>>,
    objects: Vec<Weak<ZwpLinuxDmabufFeedbackV1>>,
}

type Cell = Mutex<SurfaceFeedback>;

fn with_cell<T>(states: &SurfaceData, f: impl FnOnce(&mut SurfaceFeedback) -> T) -> T {
    states.data_map.insert_if_missing_threadsafe(Cell::default);
    f(&mut states.data_map.get::<Cell>().expect("inserted above").lock().expect("no panic while locked"))
}

/// Another object of a surface: it is told at once, and so are the others if it is news.
pub(super) fn add(states: &SurfaceData, object: &ZwpLinuxDmabufFeedbackV1, feedback: &Arc<Feedback>) {
    tell_surface(states, feedback);
    with_cell(states, |cell| {
        feedback.send(object);
        cell.told = Some(feedback.clone());
        cell.objects.retain(Weak::is_alive);
        cell.objects.push(object.downgrade());
    });
}

/// An object of a surface is gone.
pub(super) fn remove(states: &SurfaceData, object: &ZwpLinuxDmabufFeedbackV1) {
    if let Some(cell) = states.data_map.get::<Cell>() {
        cell.lock().expect("no panic while locked").objects.retain(|known| known != object);
    }
}

/// Whether anybody wants to know what to allocate for the surface.
pub fn listens(states: &SurfaceData) -> bool {
    states.data_map.get::<Cell>().is_some_and(|cell| !cell.lock().expect("no panic while locked").objects.is_empty())
}

/// Tells the surface's objects, unless it is what they know; true if anybody was told.
pub fn tell_surface(states: &SurfaceData, feedback: &Arc<Feedback>) -> bool {
    // Most surfaces never ask.
    let Some(cell) = states.data_map.get::<Cell>() else { return false };
    let mut cell = cell.lock().expect("no panic while locked");
    if cell.told.as_ref().is_some_and(|told| Arc::ptr_eq(told, feedback) || **told == **feedback) {
        return false;
    }
    let mut anybody = false;
    for object in cell.objects.iter().filter_map(|object| object.upgrade().ok()) {
        feedback.send(&object);
        anybody = true;
    }
    cell.told = Some(feedback.clone());
    anybody
}

#[cfg(test)]
mod tests {
    use dmabuf_import::{Format, Fourcc, Modifier};

    use super::*;

    fn tranche(device: u64, scanout: bool, modifiers: &[u64]) -> Tranche {
        let pair = |&raw: &u64| Format { code: Fourcc::Xrgb8888, modifier: Modifier::from(raw) };
        Tranche { device, scanout, sampling: !scanout, formats: modifiers.iter().map(pair).collect() }
    }

    fn indices(feedback: &Feedback) -> Vec<Vec<u16>> {
        let words = |bytes: &Vec<u8>| bytes.as_chunks::<2>().0.iter().map(|b| u16::from_ne_bytes(*b)).collect();
        feedback.indices.iter().map(words).collect()
    }

    #[test]
    fn the_table_has_each_pair_once() {
        let tranches = [tranche(1, true, &[5, 6]), tranche(1, true, &[]), tranche(1, false, &[0, 5, 6])];
        let feedback = Feedback::new(1, tranches).unwrap();
        assert_eq!(indices(&feedback), [vec![0, 1], vec![2, 0, 1]], "the empty tranche is left out");
        assert_eq!(feedback.table_size, 48);
        let mut bytes = [0; 48];
        assert_eq!(rustix::io::pread(&feedback.table, &mut bytes, 0), Ok(48));
        assert_eq!(&bytes[..8], [b'X', b'R', b'2', b'4', 0, 0, 0, 0]);
        assert_eq!(&bytes[8..16], 5u64.to_ne_bytes());
        assert_eq!(rustix::io::pwrite(&feedback.table, &[1], 0), Err(Errno::PERM), "nobody changes it");
    }

    #[test]
    fn nothing_is_said_twice_for_the_same_use() {
        let tranches =
            [tranche(1, true, &[5]), tranche(1, true, &[6, 5]), tranche(2, true, &[5]), tranche(1, false, &[5])];
        let feedback = Feedback::new(1, tranches).unwrap();
        let expected =
            [tranche(1, true, &[5]), tranche(1, true, &[6]), tranche(2, true, &[5]), tranche(1, false, &[5])];
        assert_eq!(feedback.tranches(), expected);
    }

    #[test]
    fn the_same_tranches_are_no_news() {
        let make = |order: &[u64]| Feedback::new(1, [tranche(1, false, order)]).unwrap();
        assert_eq!(make(&[1, 2]), make(&[1, 2]));
        assert_ne!(make(&[1, 2]), make(&[2, 1]));
    }
}
