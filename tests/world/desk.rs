use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use panel_driver::clock;
use panelgate::access::Signer;
use panelgate::cloud::session::{ConnectOptions, Memory, Message, MqttVersion, Properties, Session};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::{Site, deadline};

/// An operator's desk in the cloud, which can also send what no honest operator would.
pub(crate) struct Desk {
    runtime: Runtime,
    session: Session,
    pub(crate) signer: Signer,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    /// Below `panelgate/v1/{gateway}/`, where it is one of the gateway's topics.
    pub(crate) topic: String,
    pub(crate) correlation: Option<Vec<u8>>,
    pub(crate) json: Value,
}

/// A new key for tokens.
pub(crate) fn new_signer() -> Signer {
    Signer::from_pem(Signer::new_pem().unwrap().as_bytes()).unwrap()
}

/// The name of its key.
pub(crate) fn kid(signer: &Signer) -> String {
    signer.key_set().kids().next().unwrap().to_owned()
}

pub(crate) fn seconds() -> i64 {
    clock::wall().0 / 1000
}

impl Desk {
    /// Sits down; the site trusts the desk's key from its next start on, and belongs to the company `acme`.
    pub(crate) fn at(site: &mut Site, version: MqttVersion) -> Self {
        let signer = new_signer();
        std::fs::write(site.path("cloud-keys.json"), signer.key_set().to_json().to_string()).unwrap();
        site.gateway = "company = \"acme\"\n".into();
        site.cloud = "keys = \"cloud-keys.json\"\n".into();
        if version == MqttVersion::V311 {
            site.cloud += "protocol = \"3.1.1\"\n";
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = ConnectOptions {
            host: "127.0.0.1".into(),
            port: site.broker.port,
            version,
            client_id: "desk".into(),
            memory: Memory::None,
            keep_alive: Duration::from_secs(600),
            tls: None,
            login: None,
        };
        let session = runtime.block_on(async {
            let session = Session::connect(&options, None).await.unwrap();
            let topics = [format!("panelgate/v1/{}/response/#", Site::GATEWAY), "answers/#".to_owned()];
            session.subscribe(&topics).await.unwrap();
            session
        });
        Self { runtime, session, signer }
    }

    /// What a good token says.
    pub(crate) fn claims(&self) -> Value {
        json!({
            "sub": "olga@example.org", "role": "Operator", "company": "acme", "aud": Site::GATEWAY,
            "permissions": ["control_devices", "manage_users", "delete_users", "service_devices", "manage_devices",
                "change_installer_code"],
            "iat": seconds(), "exp": seconds() + 300, "jti": Uuid::now_v7().to_string(),
        })
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "kid": kid(&self.signer), "typ": "JWT" })
    }

    /// A token that says this.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.signer.sign(&self.header(), claims)
    }

    /// A token that nobody signed.
    pub(crate) fn unsigned(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT", "kid": kid(&self.signer) })), part(claims))
    }

    pub(crate) fn send(&self, payload: &Value, retain: bool, properties: Properties) {
        let topic = format!("panelgate/v1/{}/request", Site::GATEWAY);
        let message = Message { topic, payload: payload.to_string().into(), retain, properties };
        self.runtime.block_on(async { self.session.publish(message).unwrap().await.unwrap() });
    }

    /// Asks with a token of its own; tells the request's id.
    pub(crate) fn ask(&self, token: &str, action: &Value) -> Uuid {
        let id = Uuid::now_v7();
        self.send(&json!({ "id": id, "token": token, "action": action }), false, Properties::default());
        id
    }

    /// The next answer.
    pub(crate) fn next(&mut self) -> Answered {
        let prefix = format!("panelgate/v1/{}/", Site::GATEWAY);
        self.runtime.block_on(async {
            let message = tokio::time::timeout(deadline(), self.session.next()).await.expect("an answer").unwrap();
            let topic = message.topic.strip_prefix(&prefix).unwrap_or(&message.topic).to_owned();
            let correlation = message.properties.correlation.as_ref().map(|bytes| bytes.to_vec());
            let json = serde_json::from_slice(&message.payload).unwrap();
            assert!(!message.retained, "an answer is not retained");
            self.session.acknowledge(message).unwrap();
            Answered { topic, correlation, json }
        })
    }

    /// The next answer, which has to be that request's.
    #[track_caller]
    pub(crate) fn answer(&mut self, id: Uuid) -> Value {
        let answered = self.next();
        assert_eq!((answered.topic, &answered.json["id"]), (format!("response/{id}"), &json!(id)));
        answered.json
    }
}
