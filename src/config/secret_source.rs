use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use panel_model::Password;

/// Where a secret is kept. The secret itself never stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file that holds the secret and nothing else; blanks and line ends around it do not count.
    File(PathBuf),
    /// A credential that systemd hands to the service (`LoadCredentialEncrypted=` in the unit).
    Credential(String),
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{place} cannot be used: {why}")]
pub struct SecretUnreadable {
    /// The file or credential.
    pub place: String,
    /// What is wrong with it.
    pub why: String,
}

impl SecretSource {
    /// Reads the secret.
    ///
    /// # Errors
    /// When there is none, when it is empty, or when a file lets others read it.
    pub fn read(&self) -> Result<Password, SecretUnreadable> {
        let fail = |why: String| SecretUnreadable { place: self.to_string(), why };
        let path = self.path().ok_or_else(|| fail("systemd gave this process no credentials".into()))?;
        let text = read_private(&path, matches!(self, Self::File(_))).map_err(|error| fail(error.to_string()))?;
        let secret = text.expose().trim();
        if secret.is_empty() {
            return Err(fail("it is empty".into()));
        }
        Ok(Password::new(secret.to_owned()))
    }

    fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Credential(name) => {
                std::env::var_os("CREDENTIALS_DIRECTORY").map(|folder| PathBuf::from(folder).join(name))
            }
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Credential(name) => write!(f, "the systemd credential {name}"),
        }
    }
}

fn read_private(path: &std::path::Path, check_mode: bool) -> io::Result<Password> {
    if check_mode && fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        return Err(io::Error::other("other users may read it; `chmod 600` it"));
    }
    fs::read_to_string(path).map(Password::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_file_is_read_without_its_line_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("code");
        fs::write(&path, "4242\n").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode set");
        let secret = SecretSource::File(path).read().expect("readable");
        assert_eq!(secret.expose(), "4242");
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("code");
        fs::write(&path, "4242\n").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("mode set");
        let error = SecretSource::File(path).read().expect_err("refused").to_string();
        assert!(error.contains("chmod 600"), "{error}");
        assert!(!error.contains("4242"), "{error}");
    }

    #[test]
    fn an_empty_or_missing_secret_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("code");
        assert!(SecretSource::File(path.clone()).read().is_err());
        fs::write(&path, " \n").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode set");
        assert!(SecretSource::File(path).read().expect_err("refused").to_string().contains("empty"));
    }
}
