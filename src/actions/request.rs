//! What an operator in the cloud asks for, and the answer: the JSON of the topics `request` and `response/{id}`.

use panel_model::{Refusal, WallTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Action, Done, Refused};
use crate::access::Token;
use crate::payload::Timestamp;

/// Topic `request`, from the cloud: one action, once. Never retained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request<A = Action> {
    /// Its name, made by whoever asks. Asked again within seven days, it is not done again: the first answer comes again.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub id: Uuid,
    /// Who asks, and what they may do.
    pub token: Token,
    /// What shall be done.
    pub action: A,
    /// After this time it is not begun any more. Without it, the token's end counts. With MQTT 5 give the message the same
    /// expiry, so that the broker drops it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Where the answer goes, with MQTT 3.1.1; with MQTT 5 the message's response topic does the same. Without either:
    /// `response/{id}`. Below the gateway's own topics only those below `response/` are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

/// Topic `response/{id}`, or where the request said: the one answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Response {
    /// The request's name.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub id: Uuid,
    /// When it was answered first.
    pub at: Timestamp,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: RequestOutcome,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RequestOutcome {
    /// It was done, as far as said.
    Done {
        /// What became of it.
        done: Done,
    },
    /// Nothing was done.
    Refused {
        /// The stable code.
        refusal: Refusal,
        /// What is wrong and what to do.
        text: String,
    },
    /// It did not come to its end; what was done of it, the panel's `reported` shows.
    Failed {
        /// The stable code, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refusal: Option<Refusal>,
        /// What happened.
        text: String,
    },
}

impl Response {
    /// The answer to a request that was carried out or refused.
    pub(super) fn new(id: Uuid, at: WallTime, result: Result<Done, Refused>) -> Self {
        let outcome = match result {
            Ok(done) => RequestOutcome::Done { done },
            Err(Refused { refusal: refusal @ (Refusal::PanelFailed | Refusal::StorageFailed), text }) => {
                RequestOutcome::Failed { refusal: Some(refusal), text }
            }
            Err(Refused { refusal, text }) => RequestOutcome::Refused { refusal, text },
        };
        Self { id, at: at.into(), outcome }
    }

    /// The answer to a request of which nobody knows how far it came.
    pub(super) fn broken_off(id: Uuid, at: WallTime, text: &str) -> Self {
        Self { id, at: at.into(), outcome: RequestOutcome::Failed { refusal: None, text: text.to_owned() } }
    }

    /// For the store and the broker.
    pub(super) fn to_json(&self) -> String {
        // These types have no value that JSON cannot hold.
        serde_json::to_string(self).unwrap_or_default()
    }
}
