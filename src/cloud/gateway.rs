//! Messages about the gateway as a whole: requests, the directory, keys for tokens.

use std::time::Duration;

use panel_model::Refusal;

use super::intake::{LARGEST_DOCUMENT, version_of};
use super::ports::{DirectoryKeys, Intake, Rejected, ReplyTo, RequestMessage};
use super::session::Incoming;
use super::topic::Topic;
use crate::payload::{DirectoryDocument, DocumentRefusal, read};

/// Takes in a message on one of these topics. Returns when it is stored, or was refused for good: then the broker may be
/// told. While the box cannot store it, it is tried again after `pause`.
pub(super) async fn take_in<I: Intake>(intake: &I, topic: &Topic, message: &Incoming, pause: Duration) {
    while let Err(rejected) = try_in(intake, topic, message).await {
        tracing::warn!(topic = topic.leaf(), "a message of the cloud cannot be stored yet: {rejected}");
        tokio::time::sleep(pause).await;
    }
}

/// Fails only with what may pass.
async fn try_in<I: Intake>(intake: &I, topic: &Topic, message: &Incoming) -> Result<(), Rejected> {
    let keys = *topic == Topic::DirectoryKeys;
    let (version, result) = match topic {
        Topic::Request => return intake.request(request_message(message)).await,
        // A cleared topic wishes nothing.
        _ if message.payload.is_empty() => return Ok(()),
        Topic::DirectoryDesired => match document::<DirectoryDocument>(message) {
            // The retained document comes with every connect.
            Ok(document) if document.version == intake.directory().borrow().version => return Ok(()),
            Ok(document) if document.version < intake.directory().borrow().version => {
                let text = format!("version {} is older than the one that was accepted", document.version);
                (Some(document.version), Err(Rejected { refusal: Refusal::VersionConflict, text }))
            }
            Ok(document) => (Some(document.version), intake.apply_directory(document).await),
            Err(rejected) => (version_of(&message.payload), Err(rejected)),
        },
        Topic::DirectoryKeys => match document::<DirectoryKeys>(message) {
            Ok(keys) => (None, intake.rotate_keys(keys).await),
            Err(rejected) => (None, Err(rejected)),
        },
        _ => return Ok(()),
    };
    match result {
        Err(rejected) if rejected.may_pass() => return Err(rejected),
        Ok(()) => intake.directory_refused(None, keys),
        Err(Rejected { refusal, text }) => {
            intake.directory_refused(Some(DocumentRefusal { version, refusal, text }), keys);
        }
    }
    Ok(())
}

fn document<T: serde::de::DeserializeOwned>(message: &Incoming) -> Result<T, Rejected> {
    let invalid = |text| Rejected { refusal: Refusal::Invalid, text };
    let size = message.payload.len();
    if size > LARGEST_DOCUMENT {
        return Err(invalid(format!("{size} bytes are more than the {LARGEST_DOCUMENT} that a document may have")));
    }
    read(&message.payload).map_err(|error| invalid(error.to_string()))
}

fn request_message(message: &Incoming) -> RequestMessage {
    let properties = &message.properties;
    let correlation = properties.correlation.as_ref().map(|bytes| bytes.to_vec());
    RequestMessage {
        payload: message.payload.to_vec(),
        retained: message.retained,
        reply: ReplyTo { topic: properties.response_topic.clone(), correlation },
    }
}
