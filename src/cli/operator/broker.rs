use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, bail};
use panel_model::{GatewayId, Password};
use tokio::time::timeout;
use uuid::Uuid;

use super::BrokerArgs;
use crate::cloud::session::{ConnectOptions, Login, Memory, Message, MqttVersion, Properties, Session, TlsFiles};
use crate::cloud::topic::{Prefix, Topic};
use crate::config::BrokerUrl;
use crate::payload::{Info, read};

/// How long is waited for what should be there at once.
const AT_ONCE: Duration = Duration::from_secs(5);
/// After the first gateway was seen, others may follow for so long.
const COMPANY: Duration = Duration::from_millis(300);

/// A connection to the broker in the cloud's place.
pub(super) struct Broker {
    session: Session,
    prefix: Prefix,
    name: String,
}

/// One message of the contract.
pub(super) struct Told {
    /// Full name of the topic.
    pub(super) name: String,
    pub(super) gateway: GatewayId,
    pub(super) topic: Topic,
    pub(super) payload: bytes::Bytes,
    pub(super) retained: bool,
}

impl Broker {
    pub(super) async fn connect(args: &BrokerArgs) -> anyhow::Result<Self> {
        let options = options(args)?;
        let session = Session::connect(&options, None).await?;
        let name = format!("{}:{}", options.host, options.port);
        Ok(Self { session, prefix: args.prefix.clone(), name })
    }

    /// The gateway that is meant: the one that was named, else the only one that the broker knows.
    pub(super) async fn gateway(&mut self, args: &BrokerArgs) -> anyhow::Result<GatewayId> {
        if let Some(gateway) = &args.gateway {
            return Ok(gateway.clone());
        }
        self.subscribe(vec![format!("{}/+/info", self.prefix)]).await?;
        let mut found = BTreeMap::new();
        let first = self.soon("a gateway's `info`").await.with_context(|| {
            format!("the broker {} knows no gateway under {}; is one connected to it?", self.name, self.prefix)
        })?;
        found.insert(first.gateway, ());
        // Retained messages come together.
        while let Ok(more) = timeout(COMPANY, self.next()).await {
            found.insert(more?.gateway, ());
        }
        let names: Vec<_> = found.keys().map(ToString::to_string).collect();
        match found.pop_first() {
            Some((gateway, ())) if found.is_empty() => Ok(gateway),
            _ => bail!("there are several gateways: {}; choose one with --gateway", names.join(", ")),
        }
    }

    /// What the gateway is and has.
    pub(super) async fn info(&mut self, gateway: &GatewayId) -> anyhow::Result<Info> {
        self.subscribe(vec![Topic::Info.encode(&self.prefix, gateway)]).await?;
        loop {
            let told = self.soon("`info`").await.with_context(|| {
                format!("the broker {} has no `info` of gateway {gateway}; was it ever connected to it?", self.name)
            })?;
            if told.topic == Topic::Info && told.gateway == *gateway && !told.payload.is_empty() {
                return read(&told.payload).with_context(|| format!("`info` of gateway {gateway} cannot be read"));
            }
        }
    }

    pub(super) async fn subscribe(&self, filters: Vec<String>) -> anyhow::Result<()> {
        let agreed = timeout(AT_ONCE, self.session.subscribe(&filters)).await;
        agreed
            .context("the broker does not answer")?
            .with_context(|| format!("cannot subscribe to {}", filters.join(", ")))
    }

    pub(super) async fn publish(&self, topic: &Topic, gateway: &GatewayId, payload: Vec<u8>) -> anyhow::Result<()> {
        self.publish_with(topic, gateway, payload, Properties::default()).await
    }

    /// The same, with what MQTT 5 has beside topic and payload.
    pub(super) async fn publish_with(
        &self,
        topic: &Topic,
        gateway: &GatewayId,
        payload: Vec<u8>,
        properties: Properties,
    ) -> anyhow::Result<()> {
        let name = topic.encode(&self.prefix, gateway);
        let message = Message { topic: name.clone(), payload: payload.into(), retain: topic.is_retained(), properties };
        let taken = timeout(AT_ONCE, self.session.publish(message)?).await;
        taken.context("the broker does not answer")?.with_context(|| format!("cannot publish to {name}"))?;
        Ok(())
    }

    /// The next message of the contract; others are passed over.
    pub(super) async fn next(&mut self) -> anyhow::Result<Told> {
        loop {
            let message = self.session.next().await?;
            let (name, payload, retained) = (message.topic.clone(), message.payload.clone(), message.retained);
            self.session.acknowledge(message)?;
            if let Some((gateway, topic)) = Topic::parse(&self.prefix, &name) {
                return Ok(Told { name, gateway, topic, payload, retained });
            }
        }
    }

    /// The next message, which should be there already.
    pub(super) async fn soon(&mut self, what: &str) -> anyhow::Result<Told> {
        let waited = timeout(AT_ONCE, self.next()).await;
        waited.with_context(|| format!("waited {} s in vain for {what}", AT_ONCE.as_secs()))?
    }

    pub(super) fn close(self) -> impl Future<Output = ()> {
        self.session.close(Duration::from_secs(2))
    }

    pub(super) fn prefix(&self) -> &Prefix {
        &self.prefix
    }
}

fn options(args: &BrokerArgs) -> anyhow::Result<ConnectOptions> {
    let text = if args.mqtt.contains("://") { args.mqtt.clone() } else { format!("mqtt://{}", args.mqtt) };
    let url: BrokerUrl = text.parse().with_context(|| format!("--mqtt takes HOST:PORT or {}", BrokerUrl::FORM))?;
    let identity = args.cert.clone().zip(args.key.clone());
    let tls = match (&args.ca, url.tls || identity.is_some()) {
        (Some(ca), _) => Some(TlsFiles { ca: ca.clone(), identity }),
        (None, true) => bail!("TLS needs --ca: the certificates to trust"),
        (None, false) => None,
    };
    let login = match (&args.user, &args.password_file) {
        (Some(user), Some(path)) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let password = Password::new(text.lines().next().unwrap_or_default().to_owned());
            Some(Login { user: user.clone(), password })
        }
        _ => None,
    };
    Ok(ConnectOptions {
        host: url.host,
        port: url.port,
        version: if args.v3 { MqttVersion::V311 } else { MqttVersion::V5 },
        client_id: format!("panelgate-operator-{}", Uuid::now_v7().simple()),
        memory: Memory::None,
        keep_alive: Duration::from_secs(30),
        tls,
        login,
    })
}
