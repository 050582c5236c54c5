//! Where the master key lives: a systemd credential, else a file that only the service may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

const LENGTH: usize = 32;
const CREDENTIAL: &str = "panelgate.key";

/// Where to look for the master key: 32 raw bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySource {
    /// Directory of systemd's credentials. When it holds `panelgate.key`, that is the key.
    pub credentials: Option<PathBuf>,
    /// The key file otherwise; made on the first start, mode 0600.
    pub file: PathBuf,
}

impl KeySource {
    /// The credential that systemd offers (`$CREDENTIALS_DIRECTORY`), else `file`.
    #[must_use]
    pub fn system(file: PathBuf) -> Self {
        Self { credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from), file }
    }
}

/// Where the master key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    /// From systemd's credentials.
    Credential(PathBuf),
    /// From the key file.
    File(PathBuf),
    /// From the key file, which was made just now.
    NewFile(PathBuf),
    /// Given by the caller.
    Given,
}

/// Why there is no master key. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Reading or making the file failed.
    #[error("the master key {} cannot be read or made: {source}", path.display())]
    Io {
        /// The key file.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// Others may read the file.
    #[error("the master key {} may be read by others (mode {mode:04o}): run `chmod 600` on it", path.display())]
    Mode {
        /// The key file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Not a key.
    #[error("the master key {} is not a file of 32 bytes: put the right one back", path.display())]
    NotAKey {
        /// The key file.
        path: PathBuf,
    },
}

pub(super) fn load(source: &KeySource) -> Result<(Zeroizing<[u8; LENGTH]>, KeyOrigin), KeyError> {
    if let Some(path) = source.credentials.as_ref().map(|dir| dir.join(CREDENTIAL))
        && let Some(key) = read(&path, Access::System)?
    {
        return Ok((key, KeyOrigin::Credential(path)));
    }
    let path = &source.file;
    if let Some(key) = read(path, Access::OwnerOnly)? {
        return Ok((key, KeyOrigin::File(path.clone())));
    }
    make(path).map_err(|source| KeyError::Io { path: path.clone(), source })?;
    match read(path, Access::OwnerOnly)? {
        Some(key) => Ok((key, KeyOrigin::NewFile(path.clone()))),
        None => Err(KeyError::NotAKey { path: path.clone() }),
    }
}

/// Who sees to it that nobody else can read the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// systemd does; its modes are its own matter.
    System,
    /// The mode has to say it.
    OwnerOnly,
}

/// The key; `None` when there is no such file.
fn read(path: &Path, access: Access) -> Result<Option<Zeroizing<[u8; LENGTH]>>, KeyError> {
    let failed = |source| KeyError::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.mode() & 0o7777;
    if access == Access::OwnerOnly && mode & 0o077 != 0 {
        return Err(KeyError::Mode { path: path.to_owned(), mode });
    }
    let mut key = Zeroizing::new([0; LENGTH]);
    if !metadata.is_file() || metadata.len() != LENGTH as u64 || (&file).read_exact(key.as_mut_slice()).is_err() {
        return Err(KeyError::NotAKey { path: path.to_owned() });
    }
    Ok(Some(key))
}

/// Makes a key file whole or not at all: a file of its own is written and synced first, then linked to its name,
/// which fails when another process was faster. Then that one's key is the key.
fn make(path: &Path) -> io::Result<()> {
    let mut key = Zeroizing::new([0; LENGTH]);
    getrandom::fill(key.as_mut_slice()).map_err(|error| io::Error::other(error.to_string()))?;
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let written = write_draft(&draft, &key).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    written?;
    removed?;
    File::open(dir)?.sync_all()
}

fn write_draft(draft: &Path, key: &[u8; LENGTH]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    file.write_all(key)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::secrets::Keys;

    fn source(dir: &Path) -> KeySource {
        KeySource { credentials: None, file: dir.join("state/panelgate.key") }
    }

    #[test]
    fn the_first_start_makes_a_key_that_only_the_owner_may_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let source = source(dir.path());
        let first = Keys::load(&source).expect("made");
        assert_eq!(first.origin(), &KeyOrigin::NewFile(source.file.clone()));
        assert_eq!(fs::metadata(&source.file).expect("there").mode() & 0o777, 0o600);
        let again = Keys::load(&source).expect("loaded");
        assert_eq!(again.origin(), &KeyOrigin::File(source.file.clone()));
        assert_eq!(first.sealing_public_key(), again.sealing_public_key());
        assert_eq!(fs::read_dir(source.file.parent().expect("a parent")).expect("listed").count(), 1, "no draft left");
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let source = source(dir.path());
        Keys::load(&source).expect("made");
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&source.file, fs::Permissions::from_mode(mode)).expect("changed");
            let error = Keys::load(&source).expect_err("refused");
            assert!(matches!(error, KeyError::Mode { mode: told, .. } if told == mode), "{error}");
        }
    }

    #[test]
    fn a_damaged_key_is_never_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("panelgate.key");
        for content in [&b""[..], &[1; 31], &[1; 33]] {
            let mut options = OpenOptions::new();
            let open = options.write(true).create(true).truncate(true).mode(0o600).open(&file);
            open.and_then(|mut file| file.write_all(content)).expect("written");
            let error = Keys::load(&KeySource { credentials: None, file: file.clone() }).expect_err("refused");
            assert!(matches!(error, KeyError::NotAKey { .. }), "{error}");
            assert_eq!(fs::read(&file).expect("still there"), content);
        }
    }

    #[test]
    fn a_credential_comes_first() {
        let dir = tempfile::tempdir().expect("a directory");
        let credentials = tempfile::tempdir().expect("a directory");
        let mut source = source(dir.path());
        source.credentials = Some(credentials.path().to_owned());
        let from_file = Keys::load(&source).expect("made");
        let credential = credentials.path().join("panelgate.key");
        fs::write(&credential, [9; 32]).expect("written");
        let keys = Keys::load(&source).expect("loaded");
        assert_eq!(keys.origin(), &KeyOrigin::Credential(credential));
        assert_eq!(keys.sealing_public_key(), Keys::from_bytes([9; 32]).sealing_public_key());
        assert_ne!(keys.sealing_public_key(), from_file.sealing_public_key());
    }
}
