//! The real parts behind the [`ports`](super::ports): the store's outbox, the actions.

use std::collections::BTreeSet;

use panel_model::PanelId;
use tokio::sync::watch;

use super::ports::{DirectoryKeys, Intake, Outbox, OutboxContent, OutboxRecord, Rejected, RequestMessage, Unavailable};
use crate::access::Actor;
use crate::actions::{Actions, Refused};
use crate::payload::{
    Delta, DesiredDocument, DirectoryDocument, DirectoryReported, DocumentRefusal, Gap, GapKind, LostPriority,
};
use crate::store::{self, OutboxSeq, Priority, Store, StoreError, Urgency};

impl Outbox for Store {
    async fn next(&self, limit: usize, skip: Vec<u64>) -> Result<Vec<OutboxRecord>, Unavailable> {
        let skip: BTreeSet<_> = skip.into_iter().map(OutboxSeq).collect();
        let items = self.read(move |view| view.outbox_next(limit, &skip)).await?;
        Ok(items.into_iter().map(OutboxRecord::from).collect())
    }

    async fn acknowledge(&self, seqs: Vec<u64>) -> Result<(), Unavailable> {
        let seqs: Vec<_> = seqs.into_iter().map(OutboxSeq).collect();
        // Lost with the power, an acknowledgement costs one repetition: it need not be on the disk at once.
        Ok(self.write(Urgency::Lazy, move |tx| tx.outbox_ack(&seqs)).await?)
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.outbox_changed()
    }
}

impl From<StoreError> for Unavailable {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl From<store::OutboxItem> for OutboxRecord {
    fn from(item: store::OutboxItem) -> Self {
        let content = match item.record {
            store::OutboxRecord::Event(stored) => OutboxContent::Event(Box::new((&stored).into())),
            store::OutboxRecord::Log(stored) => OutboxContent::Log(Box::new(stored.into())),
            store::OutboxRecord::Response { id, reply, answer } => OutboxContent::Response { id, reply, answer },
            store::OutboxRecord::Delta { panel, from, to, json } => match serde_json::from_value(json) {
                Ok(users) => OutboxContent::Delta(panel, Delta { from, to, users }),
                // The cloud is told that something is missing here; `reported` has the whole.
                Err(error) => {
                    tracing::error!(%panel, from, to, %error, "a stored delta cannot be read and is sent as a gap");
                    let (priority, seq) = (LostPriority::State, item.seq.0);
                    OutboxContent::Gap(Gap { kind: GapKind::Gap, priority, count: 1, first: seq, last: seq })
                }
            },
            store::OutboxRecord::Gap { count, first, last } => {
                let priority = match item.priority {
                    Priority::Alarm | Priority::Trouble => LostPriority::Trouble,
                    Priority::State => LostPriority::State,
                    Priority::Log => LostPriority::Log,
                };
                OutboxContent::Gap(Gap { kind: GapKind::Gap, priority, count, first, last })
            }
        };
        Self { seq: item.seq.0, content }
    }
}

impl Intake for Actions {
    async fn apply(&self, panel: PanelId, document: DesiredDocument) -> Result<(), Rejected> {
        Ok(self.apply_desired(&Actor::broker(), &panel, document).await.map(|_| ())?)
    }

    async fn request(&self, message: RequestMessage) -> Result<(), Rejected> {
        Ok(self.take_request(message).await?)
    }

    async fn apply_directory(&self, document: DirectoryDocument) -> Result<(), Rejected> {
        Ok(Self::apply_directory(self, &Actor::broker(), document).await?)
    }

    async fn rotate_keys(&self, keys: DirectoryKeys) -> Result<(), Rejected> {
        Ok(Self::rotate_keys(self, &keys.signed).await.map(|_| ())?)
    }

    fn directory_refused(&self, refused: Option<DocumentRefusal>, keys: bool) {
        Self::directory_refused(self, refused, keys);
    }

    fn directory(&self) -> watch::Receiver<DirectoryReported> {
        Self::directory(self)
    }
}

impl From<Refused> for Rejected {
    fn from(Refused { refusal, text }: Refused) -> Self {
        Self { refusal, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::OutboxItem;

    #[test]
    fn a_delta_that_cannot_be_read_leaves_a_gap_and_not_an_empty_delta() {
        let delta = |json| OutboxItem {
            seq: OutboxSeq(7),
            priority: Priority::State,
            record: store::OutboxRecord::Delta { panel: "dsc-1".parse().expect("an id"), from: 3, to: 4, json },
        };
        let unreadable = OutboxRecord::from(delta(serde_json::json!({"4": {"slot": "four"}})));
        let gap = Gap { kind: GapKind::Gap, priority: LostPriority::State, count: 1, first: 7, last: 7 };
        assert_eq!(unreadable, OutboxRecord { seq: 7, content: OutboxContent::Gap(gap) });
        let readable = OutboxRecord::from(delta(serde_json::json!({"4": null})));
        assert!(matches!(readable.content, OutboxContent::Delta(_, delta) if delta.users.len() == 1));
    }
}
