//! One connection to a broker, MQTT 5 or 3.1.1, behind types of our own: nothing else in the package names the library.
//!
//! A session lives as long as its connection. What was not acknowledged when it ends is the caller's to send again;
//! the library keeps nothing across connections, so that the outbox is the only memory.

mod blank;
mod tls;
mod v4;
mod v5;

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use panel_model::Password;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::error::{CloudError, PublishError};
pub use tls::TlsFiles;

/// Messages on their way at once, in either direction. The library's defaults (65,535) cost 16 MB.
pub const IN_FLIGHT: u16 = 64;
/// Largest packet that we take: a desired document of 256 KB, and room to refuse a larger one in words.
pub const LARGEST_INCOMING: u32 = 512 * 1024;
/// Largest packet that we send to a broker that names no limit.
const LARGEST_OUTGOING: usize = 4 * 1024 * 1024;
/// Requests waiting for the library's loop: messages, acknowledgements and subscriptions never exceed it.
const REQUESTS: usize = 256;
const SESSION_EXPIRY_SECONDS: u32 = 7 * 24 * 3600;
const CONNECT_DEADLINE: Duration = Duration::from_secs(15);

/// Which MQTT the broker is spoken to with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MqttVersion {
    /// MQTT 5.
    #[default]
    V5,
    /// MQTT 3.1.1.
    V311,
}

/// Whether the broker keeps subscriptions and undelivered messages while we are away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// For seven days (with 3.1.1: as long as the broker likes).
    Kept,
    /// Not at all.
    None,
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Name or address; with TLS it must be in the broker's certificate.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protocol version.
    pub version: MqttVersion,
    /// Our name at the broker.
    pub client_id: String,
    /// Whether the broker remembers us.
    pub memory: Memory,
    /// A ping is sent after this much silence; without an answer the connection is given up.
    pub keep_alive: Duration,
    /// TLS, or plain TCP.
    pub tls: Option<TlsFiles>,
    /// User name and password, where the broker wants them.
    pub login: Option<Login>,
}

impl ConnectOptions {
    fn keep_alive_seconds(&self) -> u16 {
        u16::try_from(self.keep_alive.as_secs()).unwrap_or(u16::MAX)
    }
}

/// A user name with its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Password,
}

/// What MQTT 5 has beside topic and payload; nothing of it goes out with 3.1.1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Properties {
    /// Where the answer goes.
    pub response_topic: Option<String>,
    /// What goes back with the answer.
    pub correlation: Option<Bytes>,
    /// The broker drops it after so many seconds.
    pub expiry: Option<u32>,
}

/// A message to send; always QoS 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Full topic name.
    pub topic: String,
    /// JSON.
    pub payload: Bytes,
    /// Kept by the broker for those who come later.
    pub retain: bool,
    /// Of MQTT 5.
    pub properties: Properties,
}

/// A message that came in. With QoS 1 it stays the broker's until [`Session::acknowledge`].
#[derive(Debug)]
pub struct Incoming {
    /// Full topic name.
    pub topic: String,
    /// What the sender put in.
    pub payload: Bytes,
    /// The broker kept it from before.
    pub retained: bool,
    /// Of MQTT 5.
    pub properties: Properties,
    ack: Ack,
}

#[derive(Debug)]
enum Ack {
    None,
    V5(rumqttc_v5::ManualAck),
    V4(rumqttc_v4::ManualAck),
}

/// What the broker said of a message that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It has it.
    Yes,
    /// It has it, and knows of nobody who listens.
    NobodyListens,
}

enum Client {
    V5(rumqttc_v5::AsyncClient),
    V4(rumqttc_v4::AsyncClient),
}

/// A connection. Dropping it closes the socket without a word, upon which the broker publishes the will.
pub struct Session {
    client: Client,
    incoming: mpsc::Receiver<Incoming>,
    // Runs the library's loop, which must not wait for us. Ends with the connection, and is aborted on drop.
    driver: JoinSet<CloudError>,
    largest_outgoing: usize,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Connects, and returns when the broker has said yes. `will` is what it publishes when it loses us.
    ///
    /// # Errors
    /// [`CloudError`]: what stands in the way.
    ///
    /// # Cancel safety
    /// Dropping the future drops the connection.
    pub async fn connect(options: &ConnectOptions, will: Option<&Message>) -> Result<Self, CloudError> {
        let tls = match &options.tls {
            Some(files) => Some(tls::configuration(files).await?),
            None => None,
        };
        let connecting = async {
            match options.version {
                MqttVersion::V5 => v5::connect(options, will, tls).await,
                MqttVersion::V311 => v4::connect(options, will, tls).await,
            }
        };
        match tokio::time::timeout(CONNECT_DEADLINE, connecting).await {
            Ok(result) => result,
            Err(_) => Err(CloudError::Unreachable(format!("{}:{} does not answer", options.host, options.port))),
        }
    }

    /// Hands a message over. The future tells when the broker has it; the message is on its way even if the future is
    /// not polled. Callers keep at most [`IN_FLIGHT`] messages on their way.
    ///
    /// # Errors
    /// [`PublishError::TooLarge`] at once; the rest through the future.
    pub fn publish(&self, message: Message) -> Result<BoxFuture<'static, Result<Taken, PublishError>>, PublishError> {
        let size = message.topic.len() + message.payload.len();
        if size > self.largest_outgoing {
            return Err(PublishError::TooLarge { size, limit: self.largest_outgoing });
        }
        Ok(match &self.client {
            Client::V5(client) => v5::publish(client, message).boxed(),
            Client::V4(client) => v4::publish(client, message).boxed(),
        })
    }

    /// Subscribes with QoS 1. The future tells when the broker has agreed.
    pub fn subscribe(&self, filters: &[String]) -> BoxFuture<'static, Result<(), PublishError>> {
        match &self.client {
            Client::V5(client) => v5::subscribe(client, filters, false).boxed(),
            Client::V4(client) => v4::subscribe(client, filters).boxed(),
        }
    }

    /// The same; with MQTT 5, [`Incoming::retained`] then also says of a new message whether the broker keeps it.
    pub fn subscribe_as_published(&self, filters: &[String]) -> BoxFuture<'static, Result<(), PublishError>> {
        match &self.client {
            Client::V5(client) => v5::subscribe(client, filters, true).boxed(),
            Client::V4(client) => v4::subscribe(client, filters).boxed(),
        }
    }

    /// The next message.
    ///
    /// # Errors
    /// [`CloudError`] when the connection has ended.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Incoming, CloudError> {
        match self.incoming.recv().await {
            Some(message) => Ok(message),
            None => Err(self.ended().await),
        }
    }

    /// Tells the broker that a message is ours now; until then it would send it again after a reconnect.
    ///
    /// # Errors
    /// [`CloudError`] when the connection has ended.
    pub fn acknowledge(&self, message: Incoming) -> Result<(), CloudError> {
        let told = match (message.ack, &self.client) {
            (Ack::V5(ack), Client::V5(client)) => client.try_manual_ack(ack).is_ok(),
            (Ack::V4(ack), Client::V4(client)) => client.try_manual_ack(ack).is_ok(),
            _ => true,
        };
        if told { Ok(()) } else { Err(CloudError::Lost("an acknowledgement could not be sent".into())) }
    }

    /// Says goodbye, so that the broker does not publish the will.
    pub async fn close(mut self, deadline: Duration) {
        self.incoming.close();
        let said = async {
            let sent = match &self.client {
                Client::V5(client) => client.disconnect_now().await.is_ok(),
                Client::V4(client) => client.disconnect_now().await.is_ok(),
            };
            if sent {
                self.driver.join_next().await;
            }
        };
        // After the deadline the drop of the driver ends the connection.
        let _ = tokio::time::timeout(deadline, said).await;
    }

    fn start(
        client: Client,
        largest_outgoing: Option<u32>,
        driver: impl FnOnce(mpsc::Sender<Incoming>) -> BoxFuture<'static, CloudError>,
    ) -> Self {
        let (sender, incoming) = mpsc::channel(usize::from(IN_FLIGHT));
        let mut tasks = JoinSet::new();
        tasks.spawn(driver(sender));
        // A packet has a few bytes of its own around topic and payload.
        let limit = largest_outgoing.and_then(|n| usize::try_from(n).ok()).map(|n| n.saturating_sub(128));
        let largest_outgoing = limit.unwrap_or(LARGEST_OUTGOING).min(LARGEST_OUTGOING);
        Self { client, incoming, driver: tasks, largest_outgoing }
    }

    /// Waits for the end of the connection, whatever else comes in.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn ended(&mut self) -> CloudError {
        match self.driver.join_next().await {
            Some(Ok(why)) => why,
            Some(Err(panic)) => CloudError::Lost(format!("the MQTT client failed: {panic}")),
            None => CloudError::Closed,
        }
    }
}

/// An IO error in words. rustls tells bad certificates and alerts through the same type.
fn explain_io(error: &std::io::Error, options: &ConnectOptions) -> CloudError {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return explain_tls(&tls.to_string(), options);
    }
    let peer = format!("{}:{}", options.host, options.port);
    match error.kind() {
        std::io::ErrorKind::ConnectionAborted
        | std::io::ErrorKind::ConnectionReset
        | std::io::ErrorKind::BrokenPipe
        | std::io::ErrorKind::UnexpectedEof => CloudError::Lost(format!("{peer} closed it")),
        _ => CloudError::Unreachable(format!("{peer}: {error}")),
    }
}

fn explain_tls(error: &str, options: &ConnectOptions) -> CloudError {
    let trust = options.tls.as_ref().map(|files| files.ca.display().to_string()).unwrap_or_default();
    CloudError::Tls(format!("{}:{}: {error} (trusted certificates: {trust})", options.host, options.port))
}
