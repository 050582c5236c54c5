//! Wishes about panel users: one value of one slot, or a whole document from the cloud. Rule check, desired state,
//! first answers and log line are one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use panel_driver::clock;
use panel_model::{
    AccessCode, Answer, Capabilities, Condition, DesiredUser, Field, PanelId, PanelRole, PartitionSet, Refusal,
    ReportedUser, Slot, UserWish, WallTime,
};
use tracing::info;

use super::rules::{Panel, Wanted};
use super::{Actions, Done, Entry, Refused};
use crate::access::Actor;
use crate::panels::{Accepted, PanelHandle, secret_name};
use crate::payload::DesiredDocument;
use crate::secrets::Keys;
use crate::store::{StoreError, Tx, Urgency};

/// One value wished for one slot.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Code(AccessCode),
    Label(String),
    Partitions(PartitionSet),
    Role(PanelRole),
    Gone,
}

impl Change {
    fn wanted(&self) -> Wanted<'_> {
        match self {
            Self::Code(code) => Wanted::Code(code),
            Self::Label(text) => Wanted::Label(text),
            Self::Partitions(partitions) => Wanted::Partitions(*partitions),
            Self::Role(role) => Wanted::Role(*role),
            Self::Gone => Wanted::Gone,
        }
    }

    fn field(&self) -> Field {
        match self {
            Self::Code(_) | Self::Gone => Field::Code,
            Self::Label(_) => Field::Label,
            Self::Partitions(_) => Field::Partitions,
            Self::Role(_) => Field::Role,
        }
    }
}

impl Actions {
    /// Accepts one value for one slot, on top of what is wished for it already.
    pub(super) async fn wish(
        &self,
        panel: &PanelId,
        slot: Slot,
        change: Change,
        entry: &Entry,
    ) -> Result<Done, Refused> {
        let handle = self.handle(panel)?;
        let capabilities = handle.snapshot().borrow().capabilities.clone();
        let instead = capabilities.instead.get(&change.field()).cloned();
        let (keys, id, entry) = (Arc::clone(&self.0.keys), panel.clone(), entry.clone());
        let work = move |tx: &mut Tx<'_>| {
            let mut desk = Desk::read(tx, &id, &capabilities, &keys)?;
            if let Err(refusal) = desk.accept(slot, &change) {
                return Ok(Err(refusal));
            }
            let accepted = desk.write(tx, &[slot], BTreeMap::new(), None)?;
            tx.add_log_line(entry.line("accepted", None))?;
            entry.answer_request(tx, &Done::Accepted { version: accepted.desired_version })?;
            Ok(Ok(accepted))
        };
        let version = self.store_and_tell(handle, work).await.map_err(|refused| refused.or_instead(instead))?;
        Ok(Done::Accepted { version })
    }

    /// Stores wishes and tells the panel's owner of them. Runs as a task of its own: an asker that does not wait any
    /// more, such as a connection to the cloud that broke, must not leave wishes in the store that nobody follows.
    async fn store_and_tell<F>(&self, handle: PanelHandle, work: F) -> Result<u64, Refused>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<Result<Accepted, Refusal>, StoreError> + Send + 'static,
    {
        let store = self.0.store.clone();
        let task = self.0.tasks.spawn(async move {
            let accepted = store.write(Urgency::Now, work).await??;
            let version = accepted.desired_version;
            handle.accepted(accepted).await;
            Ok(version)
        });
        // The task can only be missing because it panicked; the panic hook has told it.
        task.await.unwrap_or_else(|_| Err(Refusal::StorageFailed.into()))
    }

    /// Takes the cloud's whole document for one panel. Each path is answered by itself: what a rule refuses does not
    /// keep the rest from being done. Slots that are not named are no longer governed.
    ///
    /// # Errors
    /// [`Refusal::VersionConflict`] if the document is not newer than the last one; [`Refusal::PanelNotFound`];
    /// [`Refusal::StorageFailed`]. Nothing was changed then.
    pub async fn apply_desired(
        &self,
        actor: &Actor,
        panel: &PanelId,
        document: DesiredDocument,
    ) -> Result<Done, Refused> {
        let entry = Entry::new(actor, "apply_desired", Some(panel));
        let result = self.accept_desired(actor, panel, document, &entry).await;
        if let Err(refused) = &result {
            self.log(entry, refused.refusal.code(), Some(refused.text.clone())).await;
        }
        result
    }

    async fn accept_desired(
        &self,
        actor: &Actor,
        panel: &PanelId,
        document: DesiredDocument,
        entry: &Entry,
    ) -> Result<Done, Refused> {
        let handle = self.handle(panel)?;
        let standing = self.standing(actor).await?;
        self.permitted(&standing, crate::access::Permission::ManageUsers, Some(panel))?;
        let capabilities = handle.snapshot().borrow().capabilities.clone();
        let changes = self.changes_of(&document);
        let (keys, id) = (Arc::clone(&self.0.keys), panel.clone());
        let (version, entry) = (document.version, entry.clone());
        let work = move |tx: &mut Tx<'_>| {
            if version <= tx.versions(&id)?.cloud {
                return Ok(Err(Refusal::VersionConflict));
            }
            let mut desk = Desk::read(tx, &id, &capabilities, &keys)?;
            let ungoverned = desk.let_go(&changes);
            let (slots, refused) = desk.accept_document(&changes);
            let count = refused.len();
            let mut accepted = desk.write(tx, &slots, refused, Some(version))?;
            for slot in &ungoverned {
                tx.delete_desired_user(&id, *slot)?;
                tx.delete_answers(&id, *slot)?;
            }
            accepted.answered.extend(&ungoverned);
            accepted.dropped.extend(ungoverned);
            let text = format!("document version {version}: {} slots, {count} values refused", changes.len());
            tx.add_log_line(entry.line("accepted", Some(text)))?;
            Ok(Ok(accepted))
        };
        let desired_version = self.store_and_tell(handle, work).await?;
        info!(%panel, version, desired_version, "desired document accepted");
        Ok(Done::Accepted { version: desired_version })
    }

    /// The document as single changes, codes opened; what cannot be opened is refused at its path.
    fn changes_of(&self, document: &DesiredDocument) -> DocumentChanges {
        let mut all = BTreeMap::new();
        for (slot, user) in &document.users {
            let Some(user) = user else {
                all.insert(*slot, vec![Ok(Change::Gone)]);
                continue;
            };
            let code = user.code.as_ref().map(|sealed| match self.open(sealed) {
                Ok(code) => Ok(Change::Code(code)),
                Err(refused) => Err((Field::Code, refused.refusal)),
            });
            let label = user.label.clone().map(|text| Ok(Change::Label(text)));
            let partitions = user.partitions.map(|set| Ok(Change::Partitions(set)));
            let role = user.role.map(|role| Ok(Change::Role(role)));
            all.insert(*slot, [code, label, partitions, role].into_iter().flatten().collect());
        }
        all
    }
}

type DocumentChanges = BTreeMap<Slot, Vec<Result<Change, (Field, Refusal)>>>;

/// What lies on the desk while wishes for one panel are decided: evidence and wishes, read in the transaction that
/// will store the result.
struct Desk<'a> {
    id: &'a PanelId,
    capabilities: &'a Capabilities,
    keys: &'a Keys,
    reported: BTreeMap<Slot, ReportedUser>,
    desired: BTreeMap<Slot, DesiredUser>,
    /// The wishes as they were.
    before: BTreeMap<Slot, DesiredUser>,
    answers: BTreeMap<(Slot, Field), Answer>,
    reserved: BTreeSet<[u8; 32]>,
    master: Option<[u8; 32]>,
    now: WallTime,
}

impl<'a> Desk<'a> {
    fn read(tx: &Tx<'_>, id: &'a PanelId, capabilities: &'a Capabilities, keys: &'a Keys) -> Result<Self, StoreError> {
        let hash = |name| -> Result<Option<[u8; 32]>, StoreError> {
            Ok(tx.secret(id, name)?.map(|text| keys.code_hash(id, &text).0))
        };
        let reserved = [hash(secret_name::INSTALLER)?, hash(secret_name::NEXT_INSTALLER)?];
        let desired = tx.desired_users(id)?;
        Ok(Self {
            id,
            capabilities,
            keys,
            reported: tx.reported_users(id)?,
            before: desired.clone(),
            desired,
            answers: tx
                .answers(id)?
                .into_iter()
                .map(|(key, (version, condition))| (key, Answer { version, condition }))
                .collect(),
            reserved: reserved.into_iter().flatten().collect(),
            master: hash(secret_name::MASTER)?,
            now: clock::wall(),
        })
    }

    fn accept(&mut self, slot: Slot, change: &Change) -> Result<(), Refusal> {
        let mut reserved = self.reserved.clone();
        // The box's own master code is no code for others; the master's slot itself may be given it again.
        reserved.extend(self.master.filter(|_| !self.capabilities.is_master(slot)));
        let panel = Panel {
            capabilities: self.capabilities,
            reported: &self.reported,
            desired: &self.desired,
            reserved: &reserved,
        };
        let accepted = panel.check(slot, &change.wanted(), |text| self.keys.code_hash(self.id, text))?;
        let wish = accepted.merged_into(self.desired.remove(&slot), slot);
        self.desired.insert(slot, wish);
        Ok(())
    }

    /// Wishes for slots that the document does not name, and answers to former ones: done or given up ones go, those
    /// that are still tried (somebody on site waits for them) stay.
    fn let_go(&mut self, changes: &DocumentChanges) -> Vec<Slot> {
        let pending = |slot: Slot| {
            let answers = self.answers.range((slot, Field::Code)..=(slot, Field::Role));
            let tried = |condition: &Condition| {
                matches!(condition, Condition::Pending { .. } | Condition::Failed { next_try: Some(_), .. })
            };
            answers.into_iter().any(|(_, answer)| tried(&answer.condition))
        };
        let known: BTreeSet<Slot> = self.desired.keys().copied().chain(self.answers.keys().map(|(s, _)| *s)).collect();
        let gone: Vec<_> = known.into_iter().filter(|slot| !changes.contains_key(slot) && !pending(*slot)).collect();
        for slot in &gone {
            self.desired.remove(slot);
        }
        gone
    }

    fn accept_document(&mut self, changes: &DocumentChanges) -> (Vec<Slot>, BTreeMap<(Slot, Field), Refusal>) {
        let mut refused = BTreeMap::new();
        // What the document says of a slot is all that is wished of it.
        for slot in changes.keys() {
            self.desired.remove(slot);
        }
        for (slot, list) in changes {
            for change in list {
                let (field, result) = match change {
                    Ok(change) => (change.field(), self.accept(*slot, change)),
                    Err((field, refusal)) => (*field, Err(*refusal)),
                };
                match result {
                    Ok(()) => {}
                    // A slot that shall be empty and is: nothing to refuse.
                    Err(Refusal::CodeNotSet) if matches!(change, Ok(Change::Gone)) => {
                        let wish = DesiredUser { slot: *slot, version: 0, wish: UserWish::Disabled, code_hash: None };
                        self.desired.insert(*slot, wish);
                    }
                    Err(refusal) => {
                        refused.insert((*slot, field), refusal);
                    }
                }
            }
        }
        (changes.keys().copied().collect(), refused)
    }

    /// A value that was wished and applied already stays so; everything else begins as pending.
    fn first_condition(&self, wish: &DesiredUser, field: Field) -> Condition {
        let same = self.before.get(&wish.slot).is_some_and(|before| same_value(before, wish, field));
        let old = self.answers.get(&(wish.slot, field)).filter(|_| same).map(|answer| &answer.condition);
        match old {
            Some(applied @ Condition::Applied { .. }) => applied.clone(),
            _ => Condition::Pending { since: self.now, tries: 0, why: None },
        }
    }

    /// Stores the wishes of some slots under one new version, with their first answers.
    fn write(
        mut self,
        tx: &mut Tx<'_>,
        slots: &[Slot],
        refused: BTreeMap<(Slot, Field), Refusal>,
        cloud: Option<u64>,
    ) -> Result<Accepted, StoreError> {
        let version = tx.bump_desired(self.id)?;
        if let Some(cloud) = cloud {
            tx.set_cloud_version(self.id, cloud)?;
        }
        let mut accepted =
            Accepted { desired_version: version, cloud_version: cloud.unwrap_or(0), ..Accepted::default() };
        for slot in slots {
            tx.delete_answers(self.id, *slot)?;
            accepted.answered.push(*slot);
            let Some(mut wish) = self.desired.remove(slot) else {
                tx.delete_desired_user(self.id, *slot)?;
                accepted.dropped.push(*slot);
                continue;
            };
            wish.version = version;
            for field in wished_fields(&wish.wish) {
                let condition = self.first_condition(&wish, field);
                accepted.answers.insert((*slot, field), Answer { version, condition });
            }
            tx.put_desired_user(self.id, &wish)?;
            accepted.wishes.push(wish);
        }
        for (key, refusal) in refused {
            accepted.answers.insert(key, Answer { version, condition: Condition::Refused { refusal } });
        }
        for ((slot, field), answer) in &accepted.answers {
            tx.put_answer(self.id, *slot, *field, answer.version, &answer.condition)?;
        }
        Ok(accepted)
    }
}

fn same_value(before: &DesiredUser, wish: &DesiredUser, field: Field) -> bool {
    match (&before.wish, &wish.wish, field) {
        (UserWish::Disabled, UserWish::Disabled, _) => true,
        (UserWish::Present { code: a, .. }, UserWish::Present { code: b, .. }, Field::Code) => a == b,
        (UserWish::Present { label: a, .. }, UserWish::Present { label: b, .. }, Field::Label) => a == b,
        (UserWish::Present { partitions: a, .. }, UserWish::Present { partitions: b, .. }, Field::Partitions) => a == b,
        (UserWish::Present { role: a, .. }, UserWish::Present { role: b, .. }, Field::Role) => a == b,
        _ => false,
    }
}

fn wished_fields(wish: &UserWish) -> Vec<Field> {
    match wish {
        UserWish::Disabled => vec![Field::Code],
        UserWish::Present { code, label, role, partitions } => [
            code.is_some().then_some(Field::Code),
            label.is_some().then_some(Field::Label),
            partitions.is_some().then_some(Field::Partitions),
            role.is_some().then_some(Field::Role),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}
