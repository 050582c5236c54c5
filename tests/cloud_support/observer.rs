//! The cloud's side: sees everything, and holds it against the contract.

use bytes::Bytes;
use panelgate::cloud::session::{ConnectOptions, Memory, Message, Properties, Session};
use panelgate::cloud::topic::Prefix;
use serde_json::Value;

use super::gateway::options;
use super::{schemas, soon};

pub(crate) struct Observer {
    session: Session,
    /// Everything so far.
    pub(crate) seen: Vec<Seen>,
}

#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Below `panelgate/v1/g1/`.
    pub(crate) topic: String,
    pub(crate) retained: bool,
    pub(crate) json: Value,
}

impl Observer {
    pub(crate) async fn connect(port: u16) -> Self {
        Self::with(options(port)).await
    }

    pub(crate) async fn with(options: ConnectOptions) -> Self {
        let mut options = options;
        options.client_id = format!("observer-{}", uuid::Uuid::now_v7());
        options.memory = Memory::None;
        let session =
            soon("the observer's connection", Session::connect(&options, None)).await.expect("observer connects");
        soon("subscription", session.subscribe(&["panelgate/#".into()])).await.expect("observer may subscribe");
        Self { session, seen: Vec::new() }
    }

    /// The next message, checked against its schema.
    pub(crate) async fn next(&mut self) -> Seen {
        let message = soon("a message", self.session.next()).await.expect("the observer stays connected");
        let json = if message.payload.is_empty() || message.topic.ends_with("/desired") {
            serde_json::from_slice(&message.payload).unwrap_or(Value::Null)
        } else {
            schemas::check(&Prefix::default(), &message.topic, &message.payload)
        };
        let topic = message.topic.strip_prefix("panelgate/v1/g1/").unwrap_or(&message.topic).to_owned();
        let seen = Seen { topic, retained: message.retained, json };
        self.session.acknowledge(message).unwrap();
        self.seen.push(seen.clone());
        seen
    }

    /// Reads on until a message of `topic` fits.
    pub(crate) async fn until(&mut self, topic: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let seen = self.next().await;
            if seen.topic == topic && fits(&seen.json) {
                return seen.json;
            }
        }
    }

    pub(crate) async fn publish(&self, topic: &str, payload: impl Into<Bytes>) {
        let (topic, properties) = (format!("panelgate/v1/g1/{topic}"), Properties::default());
        let message = Message { topic, payload: payload.into(), retain: true, properties };
        soon("publication", self.session.publish(message).unwrap()).await.expect("the broker takes it");
    }

    pub(crate) async fn close(self) {
        self.session.close(std::time::Duration::from_secs(5)).await;
    }
}
