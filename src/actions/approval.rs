//! Changes of the box's own records: judged on what is stored, then written with their line of the action log, all in one
//! transaction. A sensitive one by somebody who is not Super Admin waits for another person (P4); because its decision is
//! part of the same transaction, it is carried out exactly once, whoever decides at the same time and whenever the
//! power goes. What was deleted can be restored (P5).
//!
//! A new kind of record has its arms in [`check`] and [`write`], and in [`restore`] where it can come back.

use std::collections::BTreeSet;

use panel_driver::clock;
use panel_model::{Refusal, WallTime};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::gate::uid;
use super::{Action, Actions, Done, Entry, Refused, accounts, companies, people, roles};
use crate::access::{
    Actor, Company, CompanyId, Door, LOGGED_IN, LocalAccess, Permission, PersonStatus, Role, Standing, reaches, within,
};
use crate::store::{
    ChangeRequest, Deleted, DeletedKind, NewChangeRequest, NewDeleted, NewLogLine, RequestState, StoreError, Tx,
    Urgency, View,
};

/// Requests that may wait, of one person and in all.
const MOST_OPEN_OF_ONE: usize = 20;
const MOST_OPEN: usize = 200;

/// Decides what somebody else asked for (P4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideRequest {
    /// The request's number.
    pub request: u64,
    /// Whether it is carried out; else it is refused.
    pub approve: bool,
}

/// Brings back what was deleted (P5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreDeleted {
    /// The number under which the deleted thing is kept.
    pub deleted: u64,
}

/// Why a transaction goes no further.
pub(super) enum Halt {
    /// A rule says no; nothing was written yet.
    Refused(Refused),
    /// The store failed; what was written is rolled back.
    Store(StoreError),
}

impl From<Refused> for Halt {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// For the store, a refusal is a result like any other.
fn settled<T>(result: Result<T, Halt>) -> Result<Result<T, Refused>, StoreError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Halt::Refused(refused)) => Ok(Err(refused)),
        Err(Halt::Store(error)) => Err(error),
    }
}

/// In whose name records are changed.
#[derive(Debug, Clone)]
pub(super) struct By {
    /// For people.
    pub(super) name: String,
    /// What they may do themselves: they can give nobody more.
    pub(super) permissions: BTreeSet<Permission>,
    /// The company in whose name they act.
    pub(super) company: Option<CompanyId>,
    /// The request that is carried out.
    pub(super) request: Option<u64>,
    pub(super) at: WallTime,
    pub(super) local: LocalAccess,
}

impl By {
    fn new(standing: &Standing, local: &LocalAccess) -> Self {
        Self {
            name: standing.name.clone(),
            permissions: standing.permissions.clone(),
            company: standing.company.clone(),
            request: None,
            at: clock::wall(),
            local: local.clone(),
        }
    }

    /// Somebody whose request is carried out now.
    fn asker(request: &ChangeRequest, permissions: BTreeSet<Permission>, decider: &Self) -> Self {
        let asked = &request.asked;
        Self {
            name: asked.asker_name.clone(),
            permissions,
            company: asked.company.clone(),
            request: Some(request.id),
            at: decider.at,
            local: decider.local.clone(),
        }
    }

    /// Nobody gives, by way of a role, what they do not have themselves.
    pub(super) fn may_give(&self, permissions: &BTreeSet<Permission>) -> Result<(), Halt> {
        let more: Vec<_> = permissions.difference(&self.permissions).map(|p| p.name()).collect();
        if more.is_empty() {
            return Ok(());
        }
        let text = format!("nobody can give permissions that they do not have: {}", more.join(", "));
        Err(Refused::with(Refusal::PermissionDenied, text).into())
    }

    /// P6: whether a company is their own or one of its subsidiaries.
    pub(super) fn reaches(&self, tree: &[Company], company: &CompanyId) -> Result<(), Halt> {
        match &self.company {
            Some(own) if !reaches(tree, own, company) => {
                let text = format!("{company} is neither {own} nor one of its subsidiaries");
                Err(Refused::with(Refusal::PermissionDenied, text).into())
            }
            _ => Ok(()),
        }
    }

    /// P6: the top of the tree belongs to no company.
    pub(super) fn acts_for_all(&self) -> Result<(), Halt> {
        match &self.company {
            Some(own) => {
                let text = format!("name a parent: {own} or one of its subsidiaries");
                Err(Refused::with(Refusal::PermissionDenied, text).into())
            }
            None => Ok(()),
        }
    }
}

/// Whether a change can be made, on what is stored now. Writes nothing.
fn check(view: &View<'_>, by: &By, action: &Action) -> Result<(), Halt> {
    match action {
        Action::CreateRole(new) => roles::check_create(view, by, new),
        Action::CopyRole(new) => roles::check_copy(view, by, new),
        Action::EditRole(edit) => roles::check_edit(view, by, edit),
        Action::DeleteRole(delete) => roles::check_delete(view, by, delete),
        Action::CreateCompany(new) => companies::check_create(view, by, new),
        Action::EditCompany(edit) => companies::check_edit(view, by, edit),
        Action::DeleteCompany(delete) => companies::check_delete(view, by, delete),
        Action::AddParticipation(add) => companies::check_add_part(view, by, add),
        Action::EditParticipation(edit) => companies::check_edit_part(view, by, edit),
        Action::EndParticipation(end) => companies::check_end_part(view, by, end),
        Action::RemovePerson(of) => people::check_remove(view, by, of),
        Action::RemoveAccount(of) => accounts::check_remove(view, of),
        // No record of the box's own.
        _ => Err(Refusal::Invalid.into()),
    }
}

/// Makes a change that was checked in the same transaction.
fn write(tx: &mut Tx<'_>, by: &By, action: &Action) -> Result<(), Halt> {
    match action {
        Action::CreateRole(new) => Ok(roles::create(tx, new)?),
        Action::CopyRole(new) => roles::copy(tx, new),
        Action::EditRole(edit) => roles::edit(tx, edit),
        Action::DeleteRole(delete) => roles::delete(tx, by, delete),
        Action::CreateCompany(new) => companies::put(tx, &new.company, &new.name, new.parent.as_ref()),
        Action::EditCompany(edit) => companies::put(tx, &edit.company, &edit.name, edit.parent.as_ref()),
        Action::DeleteCompany(delete) => companies::delete(tx, by, delete),
        Action::AddParticipation(add) => companies::put_part(tx, &add.company, &add.person, &add.role),
        Action::EditParticipation(edit) => companies::put_part(tx, &edit.company, &edit.person, &edit.role),
        Action::EndParticipation(end) => Ok(companies::end_part(tx, end)?),
        Action::RemovePerson(of) => people::remove(tx, by, of),
        Action::RemoveAccount(of) => accounts::remove(tx, of),
        _ => Err(Refusal::Invalid.into()),
    }
}

/// Brings one kind of thing back.
fn restore(tx: &mut Tx<'_>, by: &By, thing: &NewDeleted) -> Result<(), Halt> {
    match thing.kind {
        DeletedKind::Role => {
            let role: Role = kept(&thing.body)?;
            roles::check_restore(tx, by, &role)?;
            tx.put_role(&role)?;
        }
        DeletedKind::Company => {
            let company: Company = kept(&thing.body)?;
            companies::check_new(tx, by, &company)?;
            tx.put_company(&company)?;
        }
        DeletedKind::Person => people::restore(tx, by, &kept(&thing.body)?)?,
    }
    Ok(())
}

/// Keeps what is about to be deleted.
pub(super) fn keep_deleted(
    tx: &mut Tx<'_>,
    by: &By,
    kind: DeletedKind,
    name: &str,
    thing: &impl Serialize,
) -> Result<(), Halt> {
    let (name, body) = (name.to_owned(), json(thing)?);
    tx.add_deleted_thing(&NewDeleted { kind, name, body, at: by.at, by: by.name.clone(), request: by.request })?;
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String, Halt> {
    serde_json::to_string(value).map_err(|error| StoreError::Row(error.to_string()).into())
}

fn kept<T: DeserializeOwned>(body: &str) -> Result<T, Halt> {
    serde_json::from_str(body).map_err(|_| {
        Refused::with(Refusal::Invalid, "another version of panelgate kept this; it cannot be read any more").into()
    })
}

impl Actions {
    /// Makes a change of the box's own records at once.
    pub(super) async fn change(&self, standing: &Standing, action: Action, entry: &Entry) -> Result<Done, Refused> {
        let (by, entry) = (By::new(standing, &self.0.local), entry.clone());
        let work = move |tx: &mut Tx<'_>| {
            settled((|| {
                check(tx, &by, &action)?;
                write(tx, &by, &action)?;
                tx.add_log_line(entry.line(Done::Changed.word(), None))?;
                entry.answer_request(tx, &Done::Changed)?;
                Ok(Done::Changed)
            })())
        };
        self.0.store.write(Urgency::Now, work).await?
    }

    /// Keeps a sensitive change until another person decides it (P4). What could not be done anyway is refused now.
    pub(super) async fn request(
        &self,
        standing: &Standing,
        actor: &Actor,
        action: Action,
        entry: &Entry,
    ) -> Result<Done, Refused> {
        let (by, entry) = (By::new(standing, &self.0.local), entry.clone());
        let (who, role, door) = (standing.who.clone(), standing.role.clone(), actor.door.name().to_owned());
        let asker_uid = uid(actor);
        let work = move |tx: &mut Tx<'_>| {
            settled((|| {
                check(tx, &by, &action)?;
                room_for_one(tx, &who)?;
                let request = tx.add_change_request(&NewChangeRequest {
                    at: by.at,
                    asker: who,
                    asker_uid,
                    asker_name: by.name,
                    asker_role: role,
                    door,
                    company: by.company,
                    permissions: by.permissions,
                    action: action.name().to_owned(),
                    body: json(&action)?,
                })?;
                let done = Done::Requested { request };
                tx.add_log_line(entry.line(done.word(), Some(format!("request {request}"))))?;
                entry.answer_request(tx, &done)?;
                Ok(done)
            })())
        };
        self.0.store.write(Urgency::Now, work).await?
    }

    /// Decides a request of somebody else (P4). Two lines: the decider's, and the asker's with what became of it.
    pub(super) async fn decide_request(
        &self,
        standing: &Standing,
        actor: &Actor,
        decision: DecideRequest,
        entry: &Entry,
    ) -> Result<Done, Refused> {
        let (decider, entry) = (By::new(standing, &self.0.local), entry.clone());
        let who = (standing.who.clone(), uid(actor));
        let work = move |tx: &mut Tx<'_>| {
            settled((|| {
                let told = decide(tx, &decider, &who, &decision, &entry)?;
                if let Ok(done) = &told {
                    entry.answer_request(tx, done)?;
                }
                Ok(told)
            })())
        };
        self.0.store.write(Urgency::Now, work).await??
    }

    /// Brings back what was deleted (P5).
    pub(super) async fn restore(
        &self,
        standing: &Standing,
        restored: RestoreDeleted,
        entry: &Entry,
    ) -> Result<Done, Refused> {
        let (by, entry) = (By::new(standing, &self.0.local), entry.clone());
        let work = move |tx: &mut Tx<'_>| {
            settled((|| {
                let id = restored.deleted;
                let missing = || Refused::with(Refusal::NotFound, format!("nothing that was deleted has number {id}"));
                let thing = tx.deleted_thing(id)?.ok_or_else(missing)?.thing;
                restore(tx, &by, &thing)?;
                tx.forget_deleted_thing(id)?;
                let text = format!("{} {}", kind_word(thing.kind), thing.name);
                tx.add_log_line(entry.line(Done::Changed.word(), Some(text)))?;
                entry.answer_request(tx, &Done::Changed)?;
                Ok(Done::Changed)
            })())
        };
        self.0.store.write(Urgency::Now, work).await?
    }

    /// Everybody's requests, the newest first.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn requests(&self) -> Result<Vec<ChangeRequest>, Refused> {
        Ok(self.0.store.read(|view| view.change_requests()).await?)
    }

    /// What somebody asked for themselves, the newest first (My requests). Needs no permission.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn own_requests(&self, actor: &Actor) -> Result<Vec<ChangeRequest>, Refused> {
        let who = self.standing(actor).await?.who;
        let mut all = self.requests().await?;
        all.retain(|request| request.asked.asker == who);
        Ok(all)
    }

    /// What was deleted and can come back, the latest first.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn deleted_things(&self) -> Result<Vec<Deleted>, Refused> {
        Ok(self.0.store.read(|view| view.deleted_things()).await?)
    }
}

fn room_for_one(view: &View<'_>, who: &str) -> Result<(), Halt> {
    let open = |request: &ChangeRequest| request.state == RequestState::Open;
    let waiting: Vec<_> = view.change_requests()?.into_iter().filter(open).collect();
    let own = waiting.iter().filter(|request| request.asked.asker == who).count();
    if waiting.len() >= MOST_OPEN || own >= MOST_OPEN_OF_ONE {
        return Err(
            Refused::with(Refusal::Busy, "too many requests wait for a decision; have some decided first").into()
        );
    }
    Ok(())
}

/// The inner result is what the decider is told: a request that was approved and could not be carried out any more is
/// closed, and that is no reason to roll back.
fn decide(
    tx: &mut Tx<'_>,
    decider: &By,
    (who, uid): &(String, Option<u32>),
    decision: &DecideRequest,
    entry: &Entry,
) -> Result<Result<Done, Refused>, Halt> {
    let id = decision.request;
    let missing = || Refused::with(Refusal::NotFound, format!("there is no request {id}"));
    let request = tx.change_request(id)?.ok_or_else(missing)?;
    if request.state != RequestState::Open {
        return Err(Refused::with(Refusal::VersionConflict, format!("request {id} is decided already")).into());
    }
    if may_be_one(&request.asked, who, *uid) {
        let text = "nobody decides what they asked for themselves";
        return Err(Refused::with(Refusal::PermissionDenied, text).into());
    }
    let action: Action = kept(&request.asked.body)?;
    let about = about(id, &action);
    let decided = (decider.at, decider.name.as_str());
    if !decision.approve {
        tx.decide_change_request(id, RequestState::Refused, decided, None)?;
        tx.add_log_line(entry.line("refused", Some(about.clone())))?;
        tx.add_log_line(line_of_asker(&request, &action, decider, "request_refused"))?;
        entry.answer_request(tx, &Done::Changed)?;
        return Ok(Ok(Done::Changed));
    }
    match carry_out(tx, &request, decider, &action) {
        Ok(()) => {
            tx.decide_change_request(id, RequestState::CarriedOut, decided, None)?;
            tx.add_log_line(entry.line("approved", Some(about.clone())))?;
            tx.add_log_line(line_of_asker(&request, &action, decider, Done::Changed.word()))?;
            entry.answer_request(tx, &Done::Changed)?;
            Ok(Ok(Done::Changed))
        }
        Err(Halt::Refused(refused)) => {
            let code = refused.refusal.code();
            tx.decide_change_request(id, RequestState::Failed, decided, Some(code))?;
            tx.add_log_line(line_of_asker(&request, &action, decider, code))?;
            let text = format!("{about} was approved, but is not possible any more: {}", refused.text);
            Ok(Err(Refused::with(refused.refusal, text)))
        }
        Err(Halt::Store(error)) => Err(error.into()),
    }
}

/// Whether who decides may be who asked. The same person may come logged in, logged out, or with a token; two who both
/// logged in have proved that they are two, even at one system user.
fn may_be_one(asked: &NewChangeRequest, who: &str, uid: Option<u32>) -> bool {
    let person = |who: &str| match who.split_once(':') {
        Some(("person" | "token", name)) => Some(name.to_lowercase()),
        _ => None,
    };
    let both_logged_in = [&asked.asker, who].iter().all(|who| who.starts_with(LOGGED_IN));
    let same_person = person(who).is_some_and(|name| person(&asked.asker) == Some(name));
    let same_user = uid.is_some() && asked.asker_uid == uid && !both_logged_in;
    asked.asker == who || same_person || same_user
}

/// What an asker may still ask for: of what they might do then, what their role permits now. Somebody who was suspended
/// or removed meanwhile may ask for nothing; the roles of tokens need not be known here (C5).
fn still_permitted(view: &View<'_>, asked: &NewChangeRequest) -> Result<BTreeSet<Permission>, Halt> {
    let role = match asked.asker.strip_prefix(LOGGED_IN).map(str::parse) {
        None => view.role(&asked.asker_role)?,
        Some(name) => {
            let person = name.ok().map(|name| view.person(&name)).transpose()?.flatten();
            let person = person.filter(|person| person.status == PersonStatus::Accepted);
            person.map(|person| view.role(&person.role)).transpose()?.flatten()
        }
    };
    match role {
        None if asked.door != Door::Cloud.name() => Ok(BTreeSet::new()),
        role => Ok(within(&asked.permissions, role.as_ref())),
    }
}

fn carry_out(tx: &mut Tx<'_>, request: &ChangeRequest, decider: &By, action: &Action) -> Result<(), Halt> {
    let asker = By::asker(request, still_permitted(tx, &request.asked)?, decider);
    if action.permission().is_none_or(|permission| !asker.permissions.contains(&permission)) {
        let text = format!("{} may not ask for this any more", asker.name);
        return Err(Refused::with(Refusal::PermissionDenied, text).into());
    }
    check(tx, &asker, action)?;
    write(tx, &asker, action)
}

/// What became of what somebody asked for, in their name.
fn line_of_asker(request: &ChangeRequest, action: &Action, decider: &By, result: &str) -> NewLogLine {
    let asked = &request.asked;
    NewLogLine {
        at: decider.at,
        actor: asked.asker_name.clone(),
        role: asked.asker_role.clone(),
        door: asked.door.clone(),
        action: asked.action.clone(),
        panel: action.panel().cloned(),
        slot: action.slot(),
        subject: action.subject(),
        result: result.to_owned(),
        text: Some(format!("request {}, decided by {}", request.id, decider.name)),
    }
}

fn about(request: u64, action: &Action) -> String {
    let subject = action.subject().map(|subject| format!(" {subject}")).unwrap_or_default();
    format!("request {request}: {}{subject}", action.name())
}

fn kind_word(kind: DeletedKind) -> &'static str {
    match kind {
        DeletedKind::Role => "role",
        DeletedKind::Company => "company",
        DeletedKind::Person => "person",
    }
}
