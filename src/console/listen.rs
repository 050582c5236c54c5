use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::actor;

/// Connections at one time; the next one waits in the socket's own queue.
const CONNECTIONS: usize = 32;
/// How long a request's head may take.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long to wait after the system could not give another connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// The unix socket of the local API. The file goes with it.
#[derive(Debug)]
pub struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// Why the socket could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody answers there already.
    #[error("another panelgate answers on {0}; stop that one or set another gateway.socket")]
    InUse(String),
    /// The group does not exist, or we may not give the socket to it.
    #[error("the socket cannot be given to the group {group}: {why}")]
    Group {
        /// The configured group.
        group: String,
        /// The reason.
        why: String,
    },
    /// The file cannot be made.
    #[error("the socket {path} cannot be made: {source}")]
    Io {
        /// The path.
        path: String,
        /// The reason.
        source: io::Error,
    },
}

impl LocalSocket {
    /// Makes the socket, for the service's own user and one group: by default the service's own group.
    ///
    /// A file that a dead daemon left behind is replaced.
    ///
    /// # Errors
    /// [`SocketError`].
    pub fn bind(path: &Path, group: Option<&str>) -> Result<Self, SocketError> {
        let fail = |source| SocketError::Io { path: path.display().to_string(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(fail)?;
        }
        if fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket()) {
            if BlockingStream::connect(path).is_ok() {
                return Err(SocketError::InUse(path.display().to_string()));
            }
            fs::remove_file(path).map_err(fail)?;
        }
        // Until the mode is set only the owner may connect: that takes write permission, which no usual umask gives
        // to others.
        let listener = UnixListener::bind(path).map_err(fail)?;
        if let Some(group) = group {
            let fail = |why: String| SocketError::Group { group: group.to_owned(), why };
            let id = actor::group_id(group).ok_or_else(|| fail("there is no such group".into()))?;
            chown(path, None, Some(id)).map_err(|error| fail(error.to_string()))?;
        }
        fs::set_permissions(path, Permissions::from_mode(0o660)).map_err(fail)?;
        Ok(Self { listener, path: path.to_owned() })
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes connections until `stop`, then lets those that are open finish their requests.
pub(super) async fn serve(socket: &LocalSocket, router: &Router, stop: &CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // All arms are cancel-safe: a place that was got is given back when it is dropped, `accept` loses nothing.
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = next(socket, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    converse(stream, router, stop).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the local API could not take a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn next(
    socket: &LocalSocket,
    places: &Arc<Semaphore>,
) -> io::Result<(UnixStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = socket.listener.accept().await?;
    Ok((stream, place))
}

async fn converse(stream: UnixStream, router: Router, stop: CancellationToken) {
    let service = TowerToHyperService::new(router.layer(Extension(actor::of_peer(&stream))));
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection of the local API ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_socket_is_for_its_group_only_and_goes_with_its_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run/panelgate.sock");
        let socket = LocalSocket::bind(&path, None).expect("made");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("panelgate.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("made"));
        let first = LocalSocket::bind(&path, None).expect("replaced");
        assert!(matches!(LocalSocket::bind(&path, None), Err(SocketError::InUse(_))));
        drop(first);
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.txt");
        fs::write(&path, "mine").expect("written");
        assert!(matches!(LocalSocket::bind(&path, None), Err(SocketError::Io { .. })));
        assert_eq!(fs::read_to_string(&path).expect("there"), "mine");
    }

    #[tokio::test]
    async fn a_group_that_is_not_there_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = LocalSocket::bind(&folder.path().join("s"), Some("no-such-group")).expect_err("refused");
        assert!(error.to_string().contains("no such group"), "{error}");
    }
}
