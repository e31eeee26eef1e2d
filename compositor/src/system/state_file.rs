//! A small file in which a session remembers something for the next one, in `$XDG_STATE_HOME/syncline`.
//!
//! It is written by a thread of its own, which exists while there is something to be written: the session waits
//! for no disk. The file is replaced as a whole. It never says what is in the file.

use std::{
    env, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The longest file that is read, in bytes.
const LENGTH: u64 = 256 * 1024;

/// The file. Dropping it lets what is being written be written.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    shared: Arc<Mutex<Shared>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// What is to be written next. Of several texts the last one counts.
    next: Option<String>,
    /// The thread is about to look for it.
    writes: bool,
}

impl StateFile {
    /// A file of this name among those of the user's state; `None`: the user has no home.
    pub fn of_user(name: &str) -> Option<Self> {
        let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
        Some(Self::new(state.join("syncline").join(name)))
    }

    /// The file with this path.
    pub fn new(path: PathBuf) -> Self {
        Self { path, shared: Arc::default(), thread: None }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; `None`: there is none. This waits for the disk. Error: it cannot be read, or is no text.
    pub fn read(&self) -> io::Result<Option<String>> {
        // A FIFO would be waited for.
        match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
            Ok(known) if !known.is_file() => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a file"));
            }
            _ => {}
        }
        let mut text = String::new();
        fs::File::open(&self.path)?.take(LENGTH).read_to_string(&mut text)?;
        Ok(Some(text))
    }

    /// Has it written, soon.
    pub fn write(&mut self, text: String) {
        let mut shared = lock(&self.shared);
        shared.next = Some(text);
        if std::mem::replace(&mut shared.writes, true) {
            return;
        }
        drop(shared);
        // The one before is at its end: it has found nothing more.
        self.thread.take().map(std::thread::JoinHandle::join);
        let (path, with) = (self.path.clone(), self.shared.clone());
        match std::thread::Builder::new().name("state".into()).spawn(move || work(&path, &with)) {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => {
                tracing::warn!("{} is not written: {error}", self.path.display());
                *lock(&self.shared) = Shared::default();
            }
        }
    }

    /// Waits until everything is written.
    pub fn wait(&mut self) {
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        self.wait();
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(path: &Path, shared: &Mutex<Shared>) {
    loop {
        let text = {
            let mut shared = lock(shared);
            let next = shared.next.take();
            shared.writes = next.is_some();
            next
        };
        let Some(text) = text else { return };
        if let Err(error) = replace(path, &text) {
            tracing::warn!("{} is not written: {error}", path.display());
        }
    }
}

/// Writes another file beside it, and puts it in its place.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, path)).inspect_err(|_| drop(fs::remove_file(&beside)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_text_is_in_the_file_and_nothing_is_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("state.toml");
        let mut file = StateFile::new(path.clone());
        assert_eq!(file.read().unwrap(), None);
        (0..100).for_each(|number| file.write(number.to_string()));
        drop(file);
        assert_eq!(StateFile::new(path.clone()).read().unwrap().as_deref(), Some("99"));
        let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1);
    }

    #[test]
    fn what_cannot_be_written_or_read_ends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = StateFile::new(folder.path().to_owned());
        assert!(file.read().is_err(), "a folder");
        file.write("text".to_owned());
        file.wait();
        assert!(folder.path().is_dir());
    }
}
