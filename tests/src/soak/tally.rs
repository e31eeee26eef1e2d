//! What has been done, and how often. A client writes its tally into a file from time to time, so
//! that it counts also if the client is killed.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::{Error, Result};

macro_rules! deeds {
    ($($deed:ident: $name:literal,)*) => {
        /// What can be done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Deed {
            $($deed,)*
        }

        const NAMES: &[&str] = &[$($name),*];
    };
}

deeds! {
    Commit: "commits",
    Client: "clients",
    Bye: "clients that destroyed everything",
    Vanish: "clients that vanished",
    Mute: "clients that fell silent",
    Death: "clients killed",
    Hostile: "clients that died in a state of their choice",
    Plug: "displays plugged or pulled",
    Card: "cards plugged or pulled",
    Terminal: "changes of the terminal",
    Power: "displays turned on or off",
    Input: "movements and clicks of the pointer",
    Question: "questions answered by syncline msg",
    Ready: "ready fences",
    Late: "late fences",
    Failed: "failed fences",
    Never: "fences that never came",
    Implicit: "fences in memory",
    Message: "fences in messages",
    Shm: "buffers of shared memory",
    Dmabuf: "dma-bufs",
    Torn: "buffers destroyed",
    Window: "windows",
    Screen: "changes of a window's size",
    Child: "sub-surfaces",
    Move: "sub-surfaces moved",
    Popup: "popups",
    Cursor: "cursors",
    Timed: "commits that wait for a latch or a time",
    View: "viewports set",
}

/// A count of each deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally(Vec<u64>);

impl Default for Tally {
    fn default() -> Self {
        Self(vec![0; NAMES.len()])
    }
}

impl Tally {
    /// One more.
    pub fn did(&mut self, deed: Deed) {
        self.0[deed as usize] += 1;
    }

    /// How often.
    pub fn of(&self, deed: Deed) -> u64 {
        self.0[deed as usize]
    }

    /// Adds another's.
    pub fn add(&mut self, other: &Tally) {
        for (sum, more) in self.0.iter_mut().zip(&other.0) {
            *sum += more;
        }
    }

    /// What has never been done.
    pub fn missing(&self) -> Vec<&'static str> {
        self.0.iter().zip(NAMES).filter(|(count, _)| **count == 0).map(|(_, name)| *name).collect()
    }

    /// Writes it into a file, over what was there.
    pub fn write(&self, file: &File) -> Result<()> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|count| count.to_le_bytes()).collect();
        file.write_all_at(&bytes, 0).map_err(Error::io("write a tally"))
    }

    /// Reads one from a file. One that has not been written yet is empty.
    pub fn read(path: &Path) -> Tally {
        let bytes = fs::read(path).unwrap_or_default();
        let mut tally = Tally::default();
        for (count, bytes) in tally.0.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *count = u64::from_le_bytes(*bytes);
        }
        tally
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, name) in self.0.iter().zip(NAMES) {
            writeln!(f, "{count:>10} {name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_survives_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tally");
        assert_eq!(Tally::read(&path), Tally::default());
        let file = File::create(&path).unwrap();
        let mut tally = Tally::default();
        for _ in 0..3 {
            tally.did(Deed::Commit);
            tally.did(Deed::View);
            tally.write(&file).unwrap();
        }
        let mut sum = Tally::read(&path);
        sum.add(&tally);
        assert_eq!((sum.of(Deed::Commit), sum.of(Deed::View), sum.of(Deed::Plug)), (6, 6, 0));
        assert_eq!(sum.missing().len(), NAMES.len() - 2);
    }
}
