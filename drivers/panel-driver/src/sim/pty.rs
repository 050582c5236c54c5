//! A pty that stands for a panel's serial port.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serialport::{ClearBuffer, SerialPort, TTYPort};
use tokio_serial::SerialStream;

/// Our end of a pty, whose other end clients open by a symbolic link.
///
/// Its other end is kept open here too, so that clients may come and go without our end being hung up each time. The
/// price: that a client went away cannot be seen, as on a real serial line, where the module talks whether or not
/// somebody listens. So a simulator on a pty is connected from its start on. What nobody reads is thrown away after
/// a while ([`Pty::tidy`]), so that the next client does not read stale news.
#[derive(Debug)]
pub(super) struct Pty {
    kept: TTYPort,
    link: PathBuf,
    device: PathBuf,
    unread: u32,
}

impl Pty {
    /// Makes a raw pty and the link to it. A link that is there already is replaced; anything else is left alone.
    pub(super) fn open(link: &Path) -> io::Result<(Self, SerialStream)> {
        let (ours, kept) = TTYPort::pair()?;
        let device = PathBuf::from(kept.name().ok_or(io::ErrorKind::Unsupported)?);
        point(link, &device)?;
        let pty = Self { kept, link: link.to_owned(), device, unread: 0 };
        Ok((pty, SerialStream::try_from(ours)?))
    }

    /// To be called every few seconds. Throws away what lay unread since the last call, and takes back the exclusive
    /// use that a client claimed and, if it was killed, never gave up: nobody but root could open the pty again.
    /// (Clients of ours are still kept apart by their file locks.)
    pub(super) fn tidy(&mut self) {
        let unread = self.kept.bytes_to_read().unwrap_or(0);
        if unread > 0 && unread == self.unread {
            let _ = self.kept.clear(ClearBuffer::Input);
        }
        self.unread = unread;
        // Closing a port gives up exclusive use of its device.
        drop(self.kept.try_clone_native());
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Another simulator may have taken the link over.
        if fs::read_link(&self.link).is_ok_and(|device| device == self.device) {
            let _ = fs::remove_file(&self.link);
        }
    }
}

/// Points the link at the device in one step, so that it never is missing in between.
fn point(link: &Path, device: &Path) -> io::Result<()> {
    if link.symlink_metadata().is_ok_and(|found| !found.is_symlink()) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something else than a link"));
    }
    let mut fresh = link.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    symlink(device, &fresh)?;
    fs::rename(&fresh, link).inspect_err(|_| {
        let _ = fs::remove_file(&fresh);
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn what_nobody_reads_is_thrown_away() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut pty, mut ours) = Pty::open(&dir.path().join("panel")).expect("a pty");
        ours.write_all(b"stale").await.expect("room in the pty");
        // The kernel hands them over in its own time.
        while pty.kept.bytes_to_read().expect("a count") < 5 {
            tokio::task::yield_now().await;
        }
        pty.tidy();
        assert_eq!(pty.kept.bytes_to_read().ok(), Some(5), "a client may just be slow");
        pty.tidy();
        assert_eq!(pty.kept.bytes_to_read().ok(), Some(0));
        ours.write_all(b"fresh").await.expect("room in the pty");
        let mut buffer = [0; 16];
        let read = pty.kept.read(&mut buffer).expect("bytes");
        assert_eq!(buffer.get(..read), Some(&b"fresh"[..]));
    }

    #[tokio::test]
    async fn a_stale_link_is_replaced_and_anything_else_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let (link, file) = (dir.path().join("panel"), dir.path().join("letter"));
        symlink("/dev/pts/nothing", &link).expect("a link");
        let (first, _) = Pty::open(&link).expect("a pty");
        let (second, _) = Pty::open(&link).expect("another pty");
        drop(first);
        assert_eq!(fs::read_link(&link).ok(), Some(second.device.clone()), "the first one leaves the second's link");
        drop(second);
        assert!(link.symlink_metadata().is_err(), "the link goes with its pty");
        fs::write(&file, "dear").expect("a file");
        let error = Pty::open(&file).map(|_| ()).expect_err("not a link");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), Some("dear"));
    }
}
