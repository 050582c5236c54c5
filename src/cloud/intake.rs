use panel_model::{PanelId, Refusal};
use serde::Deserialize;

use super::ports::Rejected;
use crate::payload::{DesiredDocument, DocumentRefusal, read};

/// Largest desired document that is taken, in bytes.
pub const LARGEST_DOCUMENT: usize = 256 * 1024;

/// What to do with a message on a `desired` topic.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Hand it to the actions.
    Apply(DesiredDocument),
    /// It was taken before, or is empty: the retained topic was cleared.
    Nothing,
    /// It cannot be taken; the cloud is told in `reported`.
    Refuse(DocumentRefusal),
}

/// Judges a document by itself; what its values mean is the actions' matter. `taken` is the highest version that was
/// taken before.
pub(super) fn judge(payload: &[u8], taken: u64) -> Verdict {
    if payload.is_empty() {
        return Verdict::Nothing;
    }
    if payload.len() > LARGEST_DOCUMENT {
        let text = format!("{} bytes are more than the {LARGEST_DOCUMENT} that a document may have", payload.len());
        return Verdict::Refuse(DocumentRefusal { version: None, refusal: Refusal::Invalid, text });
    }
    match read::<DesiredDocument>(payload) {
        Ok(document) if document.version > taken => Verdict::Apply(document),
        // The retained document comes with every connect.
        Ok(document) if document.version == taken => Verdict::Nothing,
        Ok(document) => Verdict::Refuse(DocumentRefusal {
            version: Some(document.version),
            refusal: Refusal::VersionConflict,
            text: format!("version {} is not newer than {taken}, which was accepted already", document.version),
        }),
        Err(error) => Verdict::Refuse(DocumentRefusal {
            version: version_of(payload),
            refusal: Refusal::Invalid,
            text: error.to_string(),
        }),
    }
}

/// The answer to a document that the actions did not take.
pub(super) fn refusal(version: u64, rejected: Rejected) -> DocumentRefusal {
    DocumentRefusal { version: Some(version), refusal: rejected.refusal, text: rejected.text }
}

/// The version of a document of which nothing else need be right, so that its sender knows the answer for its own.
pub(super) fn version_of(payload: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct OnlyVersion {
        version: u64,
    }
    serde_json::from_slice::<OnlyVersion>(payload).ok().map(|document| document.version)
}

/// Names a panel that we have, or nothing.
pub(super) fn position(panels: &[super::retained::PanelView], id: &PanelId) -> Option<usize> {
    panels.iter().position(|panel| panel.id == *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(payload: &[u8], taken: u64) -> DocumentRefusal {
        match judge(payload, taken) {
            Verdict::Refuse(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_newer_documents_are_applied() {
        let document = br#"{"version":7,"users":{"4":null}}"#;
        assert!(matches!(judge(document, 6), Verdict::Apply(d) if d.version == 7));
        assert_eq!(judge(document, 7), Verdict::Nothing, "the retained one comes again with each connect");
        let answer = refused(document, 8);
        assert_eq!((answer.version, answer.refusal), (Some(7), Refusal::VersionConflict));
        assert_eq!(judge(b"", 8), Verdict::Nothing, "a cleared topic wishes nothing");
    }

    #[test]
    fn malformed_documents_are_answered_with_path_and_version_and_without_the_value() {
        let answer = refused(br#"{"version":7,"users":{"4":{"code":739182}}}"#, 0);
        assert_eq!((answer.version, answer.refusal), (Some(7), Refusal::Invalid));
        assert!(answer.text.starts_with("users.4.code: "), "{}", answer.text);
        assert!(!answer.text.contains("739182"));
        for garbage in [&b"not json"[..], b"{}", b"[]", b"\xff\xfe", b"{\"version\":-1,\"users\":{}}"] {
            assert_eq!(refused(garbage, 0).refusal, Refusal::Invalid);
        }
        let huge = vec![b' '; LARGEST_DOCUMENT + 1];
        assert!(refused(&huge, 0).text.contains("262145 bytes"));
    }

    proptest::proptest! {
        /// Whatever the order and however often: only rising versions are applied, and the newest always is.
        #[test]
        fn documents_in_any_order_leave_the_newest(versions in proptest::collection::vec(1_u64..30, 1..40)) {
            let (mut taken, mut applied) = (0, Vec::new());
            for version in &versions {
                let payload = format!(r#"{{"version":{version},"users":{{}}}}"#);
                if let Verdict::Apply(document) = judge(payload.as_bytes(), taken) {
                    taken = document.version;
                    applied.push(document.version);
                }
            }
            proptest::prop_assert!(applied.is_sorted_by(|a, b| a < b));
            proptest::prop_assert_eq!(applied.last(), versions.iter().max());
        }
    }
}
