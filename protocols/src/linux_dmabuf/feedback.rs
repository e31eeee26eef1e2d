//! Feedback: a table of formats with modifiers (pairs), and tranches of it in order of preference.

use std::{
    os::fd::AsFd,
    sync::{Arc, Mutex, MutexGuard},
};

use dmabuf_import::FormatSet;
use rustix::io::Errno;
use smithay::{utils::SealedFile, wayland::compositor::SurfaceData};
use wayland_protocols::wp::linux_dmabuf::zv1::server::zwp_linux_dmabuf_feedback_v1::{
    TrancheFlags, ZwpLinuxDmabufFeedbackV1,
};
use wayland_server::{Resource, Weak};

/// The first version whose tranches say that they can be sampled, and that has no main device.
const SAMPLING_SINCE: u32 = 6;

/// The most pairs of one event. A message may have 65535 bytes, and client libraries before
/// libwayland 1.23 take none of more than 4096.
const MOST_PAIRS: usize = 2000;

/// Pairs of one preference, for one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tranche {
    /// `dev_t` of the device that uses the buffers.
    pub device: u64,
    /// A plane can show such a buffer.
    pub scanout: bool,
    /// The renderer can read such a buffer.
    pub sampling: bool,
    /// The pairs.
    pub formats: FormatSet,
}

/// Everything that is sent to a feedback object. All objects share the table.
#[derive(Debug)]
pub struct Feedback {
    main_device: u64,
    tranches: Vec<Tranche>,
    /// Of each tranche, indices into the table, encoded for the wire.
    indices: Vec<Vec<u8>>,
    table: SealedFile,
}

/// Equal if the main device and the tranches are.
impl PartialEq for Feedback {
    fn eq(&self, other: &Self) -> bool {
        (self.main_device, &self.tranches) == (other.main_device, &other.tranches)
    }
}

impl Eq for Feedback {}

impl Feedback {
    /// Writes the table into a sealed memfd. Tranches without pairs are left out. A later tranche
    /// for the same device and use loses the pairs that an earlier one has: the protocol forbids to
    /// send them twice.
    ///
    /// Errors: EMFILE, ENOMEM; EOVERFLOW for more than 65536 pairs.
    pub fn new(main_device: u64, tranches: impl IntoIterator<Item = Tranche>) -> Result<Self, Errno> {
        let mut kept: Vec<Tranche> = Vec::new();
        for mut tranche in tranches {
            let has_same_use =
                |t: &&Tranche| (t.device, t.scanout, t.sampling) == (tranche.device, tranche.scanout, tranche.sampling);
            let earlier = kept.iter().filter(has_same_use).fold(FormatSet::default(), |all, t| all.union(&t.formats));
            tranche.formats = tranche.formats.difference(&earlier);
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
        let table = SealedFile::with_data(c"dmabuf-formats", &table)
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        Ok(Self { main_device, tranches: kept, indices, table })
    }

    /// The tranches in order of preference.
    pub fn tranches(&self) -> &[Tranche] {
        &self.tranches
    }

    /// Every pair of every tranche.
    pub fn formats(&self) -> FormatSet {
        self.tranches.iter().fold(FormatSet::default(), |all, tranche| all.union(&tranche.formats))
    }

    /// The tranches as they are sent, each with its indices. One with very many pairs becomes several
    /// for the same device and use: in a tranche there is one event for all of them.
    fn parts(&self) -> impl Iterator<Item = (&Tranche, &[u8])> {
        let tranches = self.tranches.iter().zip(&self.indices);
        tranches.flat_map(|(tranche, indices)| indices.chunks(2 * MOST_PAIRS).map(move |part| (tranche, part)))
    }

    /// Sends everything.
    pub(super) fn send(&self, object: &ZwpLinuxDmabufFeedbackV1) {
        let version = object.version();
        // At most 65536 entries of 16 bytes.
        object.format_table(self.table.as_fd(), self.table.size() as u32);
        if version < SAMPLING_SINCE {
            object.main_device(self.main_device.to_ne_bytes().to_vec());
        }
        for (tranche, indices) in self.parts() {
            object.tranche_target_device(tranche.device.to_ne_bytes().to_vec());
            object.tranche_flags(tranche.flags(version));
            object.tranche_formats(indices.to_vec());
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

/// The feedback objects of a surface, in its data map.
#[derive(Debug, Default)]
struct SurfaceFeedback {
    /// What was sent to all of them last.
    last_sent: Option<Arc<Feedback>>,
    objects: Vec<Weak<ZwpLinuxDmabufFeedbackV1>>,
}

impl SurfaceFeedback {
    /// That of a surface, if it ever had an object. Most never have.
    fn find(states: &SurfaceData) -> Option<MutexGuard<'_, Self>> {
        Some(states.data_map.get::<Mutex<Self>>()?.lock().expect("no panic while locked"))
    }
}

/// Adds an object to a surface and sends it `feedback`; the surface's others get it if it differs
/// from their last.
pub(super) fn add_object(states: &SurfaceData, object: &ZwpLinuxDmabufFeedbackV1, feedback: &Arc<Feedback>) {
    send_surface_feedback(states, feedback);
    feedback.send(object);
    let cell = states.data_map.get_or_insert_threadsafe(Mutex::<SurfaceFeedback>::default);
    let mut known = cell.lock().expect("no panic while locked");
    known.last_sent = Some(feedback.clone());
    known.objects.retain(Weak::is_alive);
    known.objects.push(object.downgrade());
}

/// Removes an object from a surface.
pub(super) fn remove_object(states: &SurfaceData, object: &ZwpLinuxDmabufFeedbackV1) {
    if let Some(mut known) = SurfaceFeedback::find(states) {
        known.objects.retain(|other| other != object);
    }
}

/// Whether a client has asked for feedback for the surface.
pub fn has_feedback_objects(states: &SurfaceData) -> bool {
    SurfaceFeedback::find(states).is_some_and(|known| !known.objects.is_empty())
}

/// Sends `feedback` to the surface's objects, unless it equals their last; true if anything was
/// sent.
pub fn send_surface_feedback(states: &SurfaceData, feedback: &Arc<Feedback>) -> bool {
    let Some(mut known) = SurfaceFeedback::find(states) else { return false };
    if known.last_sent.as_ref().is_some_and(|last| Arc::ptr_eq(last, feedback) || **last == **feedback) {
        return false;
    }
    let mut was_sent = false;
    for object in known.objects.iter().filter_map(|object| object.upgrade().ok()) {
        feedback.send(&object);
        was_sent = true;
    }
    known.last_sent = Some(feedback.clone());
    was_sent
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
        assert_eq!(feedback.table.size(), 48);
        let mut bytes = [0; 48];
        assert_eq!(rustix::io::pread(&feedback.table, &mut bytes, 0), Ok(48));
        assert_eq!(&bytes[..8], [b'X', b'R', b'2', b'4', 0, 0, 0, 0]);
        assert_eq!(&bytes[8..16], 5u64.to_ne_bytes());
        assert_eq!(rustix::io::pwrite(&feedback.table, &[1], 0), Err(Errno::PERM), "sealed");
    }

    #[test]
    fn no_pair_is_sent_twice_for_the_same_use() {
        let tranches =
            [tranche(1, true, &[5]), tranche(1, true, &[6, 5]), tranche(2, true, &[5]), tranche(1, false, &[5])];
        let feedback = Feedback::new(1, tranches).unwrap();
        let expected =
            [tranche(1, true, &[5]), tranche(1, true, &[6]), tranche(2, true, &[5]), tranche(1, false, &[5])];
        assert_eq!(feedback.tranches(), expected);
    }

    #[test]
    fn no_event_is_longer_than_a_client_takes() {
        let many: Vec<u64> = (0..65_000).collect();
        let feedback = Feedback::new(1, [tranche(1, true, &[70_000]), tranche(1, false, &many)]).unwrap();
        let parts: Vec<_> = feedback.parts().collect();
        // Object, size and opcode, length of the array.
        assert!(parts.iter().all(|(_, indices)| 12 + indices.len() <= 4096));
        assert_eq!(parts.iter().map(|(_, indices)| indices.len() / 2).sum::<usize>(), 65_001, "all pairs are sent");
        let order: Vec<_> = parts.iter().map(|(tranche, _)| tranche.scanout).collect();
        assert_eq!((order.len(), &order[..2]), (34, &[true, false][..]));
        let sent: Vec<u8> = parts[1..].iter().flat_map(|(_, indices)| indices.iter().copied()).collect();
        assert_eq!(sent, feedback.indices[1]);
    }

    #[test]
    fn feedback_with_the_same_tranches_is_equal() {
        let make = |order: &[u64]| Feedback::new(1, [tranche(1, false, order)]).unwrap();
        assert_eq!(make(&[1, 2]), make(&[1, 2]));
        assert_ne!(make(&[1, 2]), make(&[2, 1]));
    }
}
