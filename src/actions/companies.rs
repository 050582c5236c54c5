//! The tree of companies (P6) and who takes part in which (P7). Judged on what is stored, then written, in one
//! transaction (`approval.rs`).

use panel_model::Refusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::approval::{By, Halt, keep_deleted};
use super::{Actions, Refused, roles};
use crate::access::{Company, CompanyId, Name, reaches};
use crate::store::{DeletedKind, Participation, StoreError, Tx, View};

/// Companies that a box keeps.
const MOST_COMPANIES: usize = 1000;
/// Participations that a box keeps.
const MOST_PARTICIPATIONS: usize = 5000;

/// Makes a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCompany {
    /// Its stable name, as tokens say it.
    pub company: CompanyId,
    /// Its name for people.
    pub name: Name,
    /// The company that it is a subsidiary of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CompanyId>,
}

/// Names a company anew, or moves it in the tree. What is not given here is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditCompany {
    /// The company.
    pub company: CompanyId,
    /// Its name for people.
    pub name: Name,
    /// The company that it is a subsidiary of; absent: of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CompanyId>,
}

/// Deletes a company that has neither devices nor participants nor subsidiaries (P7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteCompany {
    /// The company.
    pub company: CompanyId,
}

/// Lets somebody take part in a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddParticipation {
    /// The company.
    pub company: CompanyId,
    /// The person's e-mail.
    pub person: String,
    /// The role in which they take part.
    pub role: Name,
}

/// Gives somebody who takes part in a company another role there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditParticipation {
    /// The company.
    pub company: CompanyId,
    /// The person's e-mail.
    pub person: String,
    /// The new role.
    pub role: Name,
}

/// Ends somebody's part in a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndParticipation {
    /// The company.
    pub company: CompanyId,
    /// The person's e-mail.
    pub person: String,
}

pub(super) fn check_create(view: &View<'_>, by: &By, new: &CreateCompany) -> Result<(), Halt> {
    let company = Company { id: new.company.clone(), name: new.name.clone(), parent: new.parent.clone() };
    check_new(view, by, &company)
}

/// Whether a company may be added to the tree: a new one, or one that was deleted.
pub(super) fn check_new(view: &View<'_>, by: &By, new: &Company) -> Result<(), Halt> {
    let tree = view.companies()?;
    if tree.iter().any(|company| company.id == new.id) {
        return Err(Refused::with(Refusal::InUse, format!("there is a company {} already", new.id)).into());
    }
    if tree.len() >= MOST_COMPANIES {
        let text = format!("a box keeps {MOST_COMPANIES} companies; delete one first");
        return Err(Refused::with(Refusal::Busy, text).into());
    }
    match &new.parent {
        Some(parent) => {
            find(&tree, parent)?;
            by.reaches(&tree, parent)
        }
        None => by.acts_for_all(),
    }
}

pub(super) fn check_edit(view: &View<'_>, by: &By, edit: &EditCompany) -> Result<(), Halt> {
    let tree = view.companies()?;
    let before = find(&tree, &edit.company)?;
    by.reaches(&tree, &edit.company)?;
    if before.parent == edit.parent {
        return Ok(());
    }
    let Some(parent) = &edit.parent else { return by.acts_for_all() };
    find(&tree, parent)?;
    by.reaches(&tree, parent)?;
    if reaches(&tree, &edit.company, parent) {
        let text = format!("{parent} is {} itself or one of its subsidiaries; choose another parent", edit.company);
        return Err(Refused::with(Refusal::Invalid, text).into());
    }
    Ok(())
}

pub(super) fn check_delete(view: &View<'_>, by: &By, delete: &DeleteCompany) -> Result<(), Halt> {
    let tree = view.companies()?;
    let id = &delete.company;
    find(&tree, id)?;
    by.reaches(&tree, id)?;
    let subsidiaries = tree.iter().filter(|company| company.parent.as_ref() == Some(id)).count();
    let participants = view.participations()?.iter().filter(|part| part.company == *id).count();
    let devices = by.local.company.as_ref() == Some(id);
    let has = match (devices, subsidiaries, participants) {
        (true, _, _) => "this gateway and its panels".to_owned(),
        (false, 0, 0) => return Ok(()),
        (false, 0, n) => format!("{n} participants"),
        (false, n, _) => format!("{n} subsidiaries"),
    };
    Err(Refused::with(Refusal::InUse, format!("{id} has {has}; move them first")).into())
}

pub(super) fn check_add_part(view: &View<'_>, by: &By, add: &AddParticipation) -> Result<(), Halt> {
    let parts = view.participations()?;
    is_address(&add.person)?;
    may_place(view, by, &add.company, &add.role)?;
    if parts.iter().any(|part| part.company == add.company && part.person == add.person) {
        let text = format!("{} takes part in {} already; edit that", add.person, add.company);
        return Err(Refused::with(Refusal::InUse, text).into());
    }
    if parts.len() >= MOST_PARTICIPATIONS {
        let text = format!("a box keeps {MOST_PARTICIPATIONS} participations; end one first");
        return Err(Refused::with(Refusal::Busy, text).into());
    }
    Ok(())
}

pub(super) fn check_edit_part(view: &View<'_>, by: &By, edit: &EditParticipation) -> Result<(), Halt> {
    part(view, &edit.company, &edit.person)?;
    may_place(view, by, &edit.company, &edit.role)
}

pub(super) fn check_end_part(view: &View<'_>, by: &By, end: &EndParticipation) -> Result<(), Halt> {
    part(view, &end.company, &end.person)?;
    by.reaches(&view.companies()?, &end.company)
}

fn may_place(view: &View<'_>, by: &By, company: &CompanyId, role: &Name) -> Result<(), Halt> {
    let tree = view.companies()?;
    find(&tree, company)?;
    by.reaches(&tree, company)?;
    by.may_give(&roles::there(view, role)?.permissions)
}

pub(super) fn put(tx: &mut Tx<'_>, company: &CompanyId, name: &Name, parent: Option<&CompanyId>) -> Result<(), Halt> {
    let company = Company { id: company.clone(), name: name.clone(), parent: parent.cloned() };
    Ok(tx.put_company(&company)?)
}

pub(super) fn delete(tx: &mut Tx<'_>, by: &By, delete: &DeleteCompany) -> Result<(), Halt> {
    let tree = tx.companies()?;
    let company = find(&tree, &delete.company)?;
    keep_deleted(tx, by, DeletedKind::Company, company.id.as_str(), company)?;
    Ok(tx.delete_company(&company.id)?)
}

pub(super) fn put_part(tx: &mut Tx<'_>, company: &CompanyId, person: &str, role: &Name) -> Result<(), Halt> {
    // The role's own spelling, not the one that was typed.
    let role = roles::there(tx, role)?.name;
    Ok(tx.put_participation(&Participation { company: company.clone(), person: person.to_owned(), role })?)
}

pub(super) fn end_part(tx: &mut Tx<'_>, end: &EndParticipation) -> Result<(), StoreError> {
    tx.delete_participation(&end.company, &end.person)
}

fn find<'a>(tree: &'a [Company], id: &CompanyId) -> Result<&'a Company, Halt> {
    tree.iter().find(|company| company.id == *id).ok_or_else(|| {
        Refused::with(Refusal::NotFound, format!("there is no company {id}; `panelgate companies` lists them")).into()
    })
}

fn part(view: &View<'_>, company: &CompanyId, person: &str) -> Result<Participation, Halt> {
    let found = view.participations()?.into_iter().find(|part| part.company == *company && part.person == person);
    found.ok_or_else(|| Refused::with(Refusal::NotFound, format!("{person} does not take part in {company}")).into())
}

/// A plain e-mail address in small letters: its letters are ASCII, so none only looks like another.
fn is_address(person: &str) -> Result<(), Halt> {
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"@.+-_".contains(&b);
    let halves = person.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.contains('@') && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
    });
    if halves && person.len() <= 254 && person.bytes().all(known) {
        return Ok(());
    }
    Err(Refused::with(Refusal::Invalid, "give the person's e-mail in small letters, such as anna@example.com").into())
}

impl Actions {
    /// All companies by id.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn companies(&self) -> Result<Vec<Company>, Refused> {
        Ok(self.0.store.read(|view| view.companies()).await?)
    }

    /// Who takes part in which company.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn participations(&self) -> Result<Vec<Participation>, Refused> {
        Ok(self.0.store.read(|view| view.participations()).await?)
    }

    /// The company that the gateway belongs to.
    #[must_use]
    pub fn own_company(&self) -> Option<&CompanyId> {
        self.0.local.company.as_ref()
    }
}
