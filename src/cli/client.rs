//! The client of the local API: one connection per request, over the daemon's unix socket.

use std::cell::Cell;
use std::io::{self, IsTerminal};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use panel_model::Refusal;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::args::Connect;
use super::ask;
use crate::actions::{Action, Done};
use crate::api::{ApiProblem, Asked, BoxKey, NOTICE, ROOT};
use crate::config::{self, DEFAULT_FILE, DEFAULT_SOCKET};
use crate::payload::{InstallerCodeState, PanelDetail};
use crate::secrets::{SealedCode, seal_to};

/// Overrides the place of the socket.
const SOCKET_VARIABLE: &str = "PANELGATE_SOCKET";
/// Longest message of a stream that is taken: a whole panel with a thousand users is far below.
const MESSAGE_BYTES: usize = 8 * 1024 * 1024;

/// The way to the daemon.
pub(super) struct Client {
    socket: PathBuf,
    /// Whether the daemon's notice was shown; a command asks several times and says it once.
    noticed: Cell<bool>,
    /// Shown with every action.
    installer_code: Option<Zeroizing<String>>,
}

impl Client {
    pub(super) fn new(connect: &Connect) -> Self {
        let given = connect.socket.clone().or_else(|| std::env::var_os(SOCKET_VARIABLE).map(PathBuf::from));
        Self { socket: given.unwrap_or_else(configured_socket), noticed: Cell::new(false), installer_code: None }
    }

    /// The same, with the panel's installer code shown (I3).
    pub(super) fn showing(self, installer_code: Option<Zeroizing<String>>) -> Self {
        Self { installer_code, ..self }
    }

    /// Asks for something.
    ///
    /// # Errors
    /// An [`ApiProblem`] when the daemon says no, anything else when there is no answer.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let (response, _connection) = self.send(Method::GET, path, Bytes::new()).await?;
        read(response).await
    }

    /// Has something done, and waits until it is accepted or done. If the daemon wants the panel's installer code for it
    /// and none was given, a person at a terminal is asked for it.
    pub(super) async fn perform(&self, action: &Action) -> anyhow::Result<Done> {
        let refused = match (self.ask_for(action, self.installer_code.as_ref()).await, action.panel()) {
            (Err(error), Some(panel))
                if wants_code(&error) && !(shows_code(action) || self.installer_code.is_some()) =>
            {
                (error, panel)
            }
            (answer, _) => return answer,
        };
        let (error, panel) = refused;
        let detail: PanelDetail = self.get(&format!("/panels/{panel}")).await?;
        if !io::stdin().is_terminal() || detail.row.installer_code == InstallerCodeState::None {
            return Err(error);
        }
        let code = ask::secret(&format!("installer code of {panel}"))?;
        self.ask_for(action, Some(&code)).await
    }

    async fn ask_for(&self, action: &Action, code: Option<&Zeroizing<String>>) -> anyhow::Result<Done> {
        let installer_code = match code {
            Some(code) => Some(self.seal(code).await?),
            None => None,
        };
        let body = serde_json::to_vec(&Asked { action: action.clone(), installer_code })?;
        let (response, _connection) = self.send(Method::POST, "/actions", body.into()).await?;
        read(response).await
    }

    /// Follows a stream.
    pub(super) async fn follow<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Updates<T>> {
        let (response, connection) = self.send(Method::GET, path, Bytes::new()).await?;
        if response.status() != StatusCode::OK {
            return Err(read::<ApiProblem>(response).await.map_or_else(|error| error, |_| anyhow!("no stream")));
        }
        let body = response.into_body();
        Ok(Updates { body, _connection: connection, unread: BytesMut::new(), payload: PhantomData })
    }

    /// Seals a secret to the box's key: it goes no other way, not even over the socket.
    pub(super) async fn seal(&self, secret: &str) -> anyhow::Result<SealedCode> {
        let to: BoxKey = self.get("/key").await?;
        let key = to.sealing_key.bytes().context("the daemon's sealing key cannot be read")?;
        Ok(seal_to(&key, secret)?)
    }

    fn notice(&self, text: &str) {
        if !self.noticed.replace(true) {
            eprintln!("notice: {text}");
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> anyhow::Result<(Response<Incoming>, JoinSet<hyper::Result<()>>)> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| no_daemon(&self.socket, &error))?;
        let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Drives the connection as long as the set lives.
        let mut driving = JoinSet::new();
        driving.spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(format!("{ROOT}{path}"))
            .header("host", "panelgate")
            .header("content-type", "application/json")
            .body(Full::new(body))?;
        let response = requests.send_request(request).await.context("the daemon went away before it answered")?;
        if let Some(notice) = response.headers().get(NOTICE).and_then(|notice| notice.to_str().ok()) {
            self.notice(notice);
        }
        Ok((response, driving))
    }
}

/// A stream of the daemon.
#[derive(Debug)]
pub(super) struct Updates<T> {
    body: Incoming,
    _connection: JoinSet<hyper::Result<()>>,
    unread: BytesMut,
    payload: PhantomData<T>,
}

impl<T: DeserializeOwned> Updates<T> {
    /// The next message; `None` when the daemon ends the stream.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<T>> {
        loop {
            if let Some(message) = cut_message(&mut self.unread) {
                match data_of(&message) {
                    Some(data) => return Ok(Some(serde_json::from_slice(&data)?)),
                    None => continue, // a sign of life
                }
            }
            if self.unread.len() > MESSAGE_BYTES {
                bail!("the daemon sent a message that does not end");
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(_)) => bail!("the daemon went away"),
                Some(Ok(frame)) => self.unread.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
            }
        }
    }
}

/// Takes one server-sent event, which ends with an empty line, out of the buffer.
fn cut_message(unread: &mut BytesMut) -> Option<BytesMut> {
    let end = unread.windows(2).position(|pair| pair == b"\n\n")?;
    let message = unread.split_to(end + 2);
    Some(message)
}

/// What the `data:` lines of a server-sent event hold; `None` for a comment.
fn data_of(message: &[u8]) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = message
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(b"data:"))
        .map(|data| data.strip_prefix(b" ").unwrap_or(data))
        .collect();
    (!lines.is_empty()).then(|| lines.join(&b'\n'))
}

/// Whether the code is part of the action: then another one is wanted, not one at all.
fn shows_code(action: &Action) -> bool {
    matches!(
        action,
        Action::Unlock { .. }
            | Action::VerifyInstallerCode { .. }
            | Action::ChangeInstallerCode { current: Some(_), .. }
    )
}

fn wants_code(error: &anyhow::Error) -> bool {
    error.downcast_ref::<ApiProblem>().is_some_and(|problem| problem.refusal == Refusal::InstallerCodeWrong.code())
}

async fn read<T: DeserializeOwned>(response: Response<Incoming>) -> anyhow::Result<T> {
    let status = response.status();
    let body = response.into_body().collect().await.context("the daemon went away while it answered")?.to_bytes();
    if status.is_success() {
        return serde_json::from_slice(&body).context("the daemon's answer cannot be read; is it another version?");
    }
    match serde_json::from_slice::<ApiProblem>(&body) {
        Ok(problem) => Err(problem.into()),
        Err(_) => bail!("the daemon answered {status}"),
    }
}

fn no_daemon(socket: &Path, error: &io::Error) -> anyhow::Error {
    let what_to_do = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            "start it with `systemctl start panelgate` or `panelgate run --config FILE`; \
             if it listens elsewhere, give its socket with --socket"
        }
        io::ErrorKind::PermissionDenied => "its socket is for members of the service's group; become one, or use sudo",
        _ => "look at its log: `journalctl -u panelgate`",
    };
    anyhow!("no daemon answers at {} ({error})\n    {what_to_do}", socket.display())
}

fn configured_socket() -> PathBuf {
    let configured = config::load(Path::new(DEFAULT_FILE))
        .check(|_| config::Problems::default())
        .ok()
        .map(|(config, _)| config.socket);
    configured.unwrap_or_else(|| DEFAULT_SOCKET.into())
}

/// Text as part of a query.
pub(super) fn query<const N: usize>(path: &str, pairs: [(&str, Option<String>); N]) -> String {
    let mut separator = '?';
    let mut text = path.to_owned();
    for (key, value) in pairs {
        // Ids and numbers only: nothing here has to be escaped.
        let Some(value) = value else { continue };
        text.push(separator);
        text.push_str(&format!("{key}={value}"));
        separator = '&';
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_sent_events_are_cut_out_whatever_the_chunks() {
        let text = b": alive\n\ndata: {\"a\":1}\n\ndata: x\ndata: y\n\n";
        for chunk in 1..text.len() {
            let (mut unread, mut seen) = (BytesMut::new(), Vec::new());
            for bytes in text.chunks(chunk) {
                unread.extend_from_slice(bytes);
                while let Some(message) = cut_message(&mut unread) {
                    seen.extend(data_of(&message));
                }
            }
            assert_eq!(seen, [b"{\"a\":1}".to_vec(), b"x\ny".to_vec()], "{chunk}");
        }
    }

    #[test]
    fn queries_hold_what_was_given() {
        let path = query("/events", [("panel", None), ("after", Some("7".into())), ("limit", Some("1".into()))]);
        assert_eq!(path, "/events?after=7&limit=1");
    }

    #[test]
    fn a_missing_daemon_is_told_with_what_to_do() {
        let text = no_daemon(Path::new("/run/x"), &io::Error::from(io::ErrorKind::NotFound)).to_string();
        assert!(text.contains("/run/x") && text.contains("panelgate run --config"), "{text}");
    }
}
