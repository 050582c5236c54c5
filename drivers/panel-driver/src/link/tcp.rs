use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::LinkError;

/// How long looking up a name and connecting may take together.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Dials.
pub(super) async fn connect(host: &str, port: u16, what: &str) -> Result<TcpStream, LinkError> {
    let stream = timeout(CONNECT_LIMIT, TcpStream::connect((host, port)))
        .await
        .map_err(|_| LinkError::because(what, io::ErrorKind::TimedOut, "no answer within 10 s"))?
        .map_err(|error| explain(what, &error))?;
    prepare(&stream).map_err(|error| LinkError::new(what, &error))?;
    Ok(stream)
}

/// Frames are small and wanted at once; and a session that has nothing to say for long still keeps the way open
/// through a router's address translation.
pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive =
        TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(20)).with_retries(3);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

fn explain(what: &str, error: &io::Error) -> LinkError {
    match error.kind() {
        kind @ io::ErrorKind::ConnectionRefused => {
            LinkError::because(what, kind, "connection refused: nothing listens on that port")
        }
        _ => LinkError::new(what, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_is_quick_and_kept_alive() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let stream = connect("127.0.0.1", listener.local_addr().expect("bound").port(), "test").await.expect("open");
        assert!(stream.nodelay().expect("nodelay"));
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().expect("keepalive"));
        assert_eq!(socket.tcp_keepalive_time().expect("time"), Duration::from_secs(60));
    }
}
