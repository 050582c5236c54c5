use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_serial::{ClearBuffer, ErrorKind, SerialPort, SerialStream};

use super::Link;
use crate::LinkError;

/// Opens a serial device or pty for us alone, raw, 8N1. Bytes that came before are thrown away: they are half a
/// frame or old news.
pub(super) fn open(path: &Path, baud: u32, what: &str) -> Result<Link, LinkError> {
    let fail = |kind, reason: &str| LinkError::because(what, kind, reason);
    let metadata = fs::metadata(path).map_err(|error| explain(what, error.kind(), error.kind().to_string()))?;
    if !metadata.file_type().is_char_device() {
        return Err(fail(io::ErrorKind::InvalidInput, "this is not a serial device"));
    }
    let name = path.to_str().ok_or_else(|| fail(io::ErrorKind::InvalidInput, "the path is not UTF-8"))?;
    let port = SerialStream::open(&tokio_serial::new(name, baud)).map_err(|error| match error.kind {
        // The library's word for a device or a lock on it that another program holds.
        ErrorKind::NoDevice => fail(io::ErrorKind::ResourceBusy, "another program uses the device"),
        ErrorKind::Io(kind) => explain(what, kind, error.description),
        ErrorKind::InvalidInput | ErrorKind::Unknown => {
            let reason = format!("cannot be set up as a serial port ({})", error.description);
            LinkError::because(what, io::ErrorKind::InvalidInput, reason)
        }
    })?;
    port.clear(ClearBuffer::Input).map_err(|error| LinkError::new(what, &error.into()))?;
    Ok(Link::new(Serial(port)))
}

fn explain(what: &str, kind: io::ErrorKind, otherwise: String) -> LinkError {
    let reason = match kind {
        io::ErrorKind::NotFound => "no such device; is it plugged in?".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied: add the service user to group dialout".to_owned(),
        _ => otherwise,
    };
    LinkError::because(what, kind, reason)
}

/// A serial port whose flush does not wait. The library's blocks the whole thread until the last bit is on the wire
/// (20 ms for 20 bytes at 9600 baud), and nobody here needs to know when that is.
struct Serial(SerialStream);

impl AsyncRead for Serial {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Serial {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_the_system_say_what_to_do() {
        let text = |kind: io::ErrorKind| explain("serial /dev/ttyUSB0 at 9600 baud", kind, "oops".into()).to_string();
        assert_eq!(
            text(io::ErrorKind::PermissionDenied),
            "serial /dev/ttyUSB0 at 9600 baud: permission denied: add the service user to group dialout"
        );
        assert_eq!(
            text(io::ErrorKind::NotFound),
            "serial /dev/ttyUSB0 at 9600 baud: no such device; is it plugged in?"
        );
        assert_eq!(text(io::ErrorKind::BrokenPipe), "serial /dev/ttyUSB0 at 9600 baud: oops");
    }
}
