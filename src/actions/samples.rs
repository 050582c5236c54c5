//! One sample of every action, for tests that must forget none.

use std::collections::BTreeSet;

use panel_model::{ArmMode, PanelId, PanelRole, Partition, PartitionSet, Slot, Zone};

use super::{
    AcceptInvitation, Action, AddParticipation, AssignAccount, Assignment, CopyRole, CreateCompany, CreateRole,
    CredentialKind, DecideRequest, DeleteAsset, DeleteCompany, DeleteRole, EditAsset, EditCompany, EditModel,
    EditParticipation, EditRole, EndParticipation, Invite, Login, MayUpdateSoftware, MoveAsset, Named, NewAsset,
    NewModel, NewName, OfAccount, OfPerson, RefreshSection, Rename, RestoreDeleted, SetAccountPassword, SetPassword,
    SignOff, SkipZones, StartWalkTest, StopWalkTest, UnassignAccount,
};
use crate::access::{Email, Permission};
use crate::secrets::{Keys, SealedCode, seal_to};
use crate::store::Place;

/// The panel that the samples are about.
pub(super) const PANEL: &str = "dsc-1";
/// Names that the samples use; those that have to be there already are made by the tests.
pub(super) const ROLE: &str = "Night shift";
pub(super) const COMPANY: &str = "acme-south";
pub(super) const PARENT: &str = "acme";
pub(super) const PERSON: &str = "anna@example.com";
pub(super) const ACCOUNT: &str = "carl@example.com";

/// Every action once, in the order of the enum.
pub(super) fn all(keys: &Keys) -> Vec<Action> {
    let code = seal_to(&keys.sealing_public_key(), "2846").expect("sealed");
    let first = Action::SetCode { panel: panel(), slot: slot(), code: code.clone() };
    std::iter::successors(Some(first), |action| after(action, &code)).collect()
}

/// The sample after this one. A new action has to be told here or below; that every action is reached is checked where
/// the samples are counted.
fn after(action: &Action, code: &SealedCode) -> Option<Action> {
    let (panel, slot, code) = (panel(), slot(), code.clone());
    let (zone, partition) = (Zone::new(1).expect("a zone"), Partition::new(1).expect("a partition"));
    Some(match action {
        Action::SetCode { .. } => Action::SetLabel { panel, slot, label: "Anna".into() },
        Action::SetLabel { .. } => Action::SetPartitions { panel, slot, partitions: PartitionSet::first(1) },
        Action::SetPartitions { .. } => Action::SetRole { panel, slot, role: PanelRole::User },
        Action::SetRole { .. } => Action::DisableUser { panel, slot },
        Action::DisableUser { .. } => Action::Refresh { panel, section: RefreshSection::Users },
        Action::Refresh { .. } => Action::Arm { panel, partition, mode: ArmMode::Away, code: Some(code) },
        Action::Arm { .. } => Action::Disarm { panel, partition, code },
        Action::Disarm { .. } => Action::SilenceSiren { panel, partition, code },
        Action::SilenceSiren { .. } => Action::Bypass { panel, zone, bypassed: true },
        Action::Bypass { .. } => Action::Output { panel, partition, output: 1 },
        Action::Output { .. } => Action::SetZoneLabel { panel, zone, label: "Hall".into() },
        Action::SetZoneLabel { .. } => Action::SetPartitionLabel { panel, partition, label: "Shop".into() },
        Action::SetPartitionLabel { .. } => Action::SetClock { panel },
        Action::SetClock { .. } => Action::VerifyInstallerCode { panel, code: Some(code) },
        Action::VerifyInstallerCode { .. } => {
            Action::ChangeInstallerCode { panel, current: None, new: code.clone(), confirmation: code }
        }
        Action::ChangeInstallerCode { .. } => {
            Action::SetCredential { panel, credential: CredentialKind::Password, value: code }
        }
        Action::SetCredential { .. } => Action::Unlock { panel, code },
        Action::Unlock { .. } => Action::Lock { panel: Some(panel) },
        Action::Lock { .. } => Action::Unblock { panel },
        Action::Unblock { .. } => {
            Action::CreateRole(CreateRole { role: name("Day shift"), permissions: permissions() })
        }
        Action::CreateRole(_) => Action::CopyRole(CopyRole { role: name(ROLE), copy: name("Late shift") }),
        Action::CopyRole(_) => {
            Action::EditRole(EditRole { role: name(ROLE), add: permissions(), remove: BTreeSet::new() })
        }
        Action::EditRole(_) => Action::DeleteRole(DeleteRole { role: name(ROLE) }),
        Action::DeleteRole(_) => Action::CreateCompany(CreateCompany {
            company: id("acme-west"),
            name: name("Acme West"),
            parent: Some(id(PARENT)),
        }),
        Action::CreateCompany(_) => {
            Action::EditCompany(EditCompany { company: id(COMPANY), name: name("Acme Süd"), parent: Some(id(PARENT)) })
        }
        Action::EditCompany(_) => Action::DeleteCompany(DeleteCompany { company: id(COMPANY) }),
        Action::DeleteCompany(_) => Action::AddParticipation(AddParticipation {
            company: id(PARENT),
            person: "bert@example.com".into(),
            role: name(ROLE),
        }),
        Action::AddParticipation(_) => Action::EditParticipation(EditParticipation {
            company: id(PARENT),
            person: PERSON.into(),
            role: name("End user"),
        }),
        Action::EditParticipation(_) => {
            Action::EndParticipation(EndParticipation { company: id(PARENT), person: PERSON.into() })
        }
        Action::EndParticipation(_) => Action::DecideRequest(DecideRequest { request: 1, approve: true }),
        Action::DecideRequest(_) => Action::RestoreDeleted(RestoreDeleted { deleted: 1 }),
        Action::RestoreDeleted(_) => Action::FirstLogin {},
        Action::AddStorageCode(_) => Action::RenameStorageCode(rename("Van 1", "Van 2")),
        Action::RenameStorageCode(_) => Action::DeleteStorageCode(Named { name: "Van 2".into() }),
        Action::DeleteStorageCode(_) => Action::AddCategory(NewName { name: "Keypad".into() }),
        Action::AddCategory(_) => Action::RenameCategory(rename("Keypad", "Keypads")),
        Action::RenameCategory(_) => Action::DeleteCategory(Named { name: "Keypads".into() }),
        Action::DeleteCategory(_) => Action::AddModel(NewModel { category: "Keypad".into(), name: "PK5500".into() }),
        Action::AddModel(_) => Action::EditModel(EditModel { name: "PK5500".into(), new_name: None, category: None }),
        Action::EditModel(_) => Action::DeleteModel(Named { name: "PK5500".into() }),
        Action::DeleteModel(_) => {
            Action::AddAsset(NewAsset { model: "PK5500".into(), serial: "0001".into(), place: store_room() })
        }
        Action::AddAsset(_) => Action::EditAsset(EditAsset { asset: 1, model: None, serial: Some("0002".into()) }),
        Action::EditAsset(_) => Action::MoveAsset(MoveAsset { asset: 1, place: store_room() }),
        Action::MoveAsset(_) => Action::DeleteAsset(DeleteAsset { asset: 1 }),
        Action::DeleteAsset(_) => Action::StartWalkTest(StartWalkTest { panel, minutes: None, anew: false }),
        Action::StartWalkTest(_) => Action::StopWalkTest(StopWalkTest { panel }),
        Action::StopWalkTest(_) => {
            Action::SkipZones(SkipZones { panel, zones: vec![zone], reason: "not mounted yet".into() })
        }
        Action::SkipZones(_) => Action::SignOff(SignOff { panel, name: "Anna Berg".into() }),
        Action::SignOff(_) => return None,
        action => return after_of_people(action, code),
    })
}

/// The same for people and accounts.
fn after_of_people(action: &Action, code: SealedCode) -> Option<Action> {
    let (panel, slot) = (panel(), slot());
    let (person, account): (Email, Email) = (email(PERSON), email(ACCOUNT));
    let invite =
        |email| Invite { email, full_name: "Dora Dee".into(), phone: String::new(), role: None, panels: vec![] };
    let of = || OfPerson { person: person.clone() };
    let of_account = || OfAccount { account: account.clone() };
    let assignment = || Assignment { person: person.clone(), panel: panel.clone() };
    Some(match action {
        Action::FirstLogin {} => Action::Login(Login { person: person.into(), password: code }),
        Action::Login(_) => Action::Logout {},
        Action::Logout {} => {
            Action::SetPassword(SetPassword { person: person.into(), current: code.clone(), new: code })
        }
        Action::SetPassword(_) => Action::AcceptInvitation(AcceptInvitation { token: code.clone(), password: code }),
        Action::AcceptInvitation(_) => Action::InviteInstaller(invite(email("dora@example.com"))),
        Action::InviteInstaller(_) => Action::InviteManager(invite(email("emil@example.com"))),
        Action::InviteManager(_) => Action::SuspendPerson(of()),
        Action::SuspendPerson(_) => Action::ResumePerson(of()),
        Action::ResumePerson(_) => Action::RemovePerson(of()),
        Action::RemovePerson(_) => Action::ResetPassword(of()),
        Action::ResetPassword(_) => Action::AssignPanel(assignment()),
        Action::AssignPanel(_) => Action::UnassignPanel(assignment()),
        Action::UnassignPanel(_) => Action::SetMayUpdateSoftware(MayUpdateSoftware { person, may: true }),
        Action::SetMayUpdateSoftware(_) => Action::DeactivateInit {},
        Action::DeactivateInit {} => Action::AddAccount(OfAccount { account: email("frida@example.com") }),
        Action::AddAccount(_) => Action::AssignAccount(AssignAccount { panel, slot, account }),
        Action::AssignAccount(_) => Action::UnassignAccount(UnassignAccount { panel, slot }),
        Action::UnassignAccount(_) => Action::SuspendAccount(of_account()),
        Action::SuspendAccount(_) => Action::ResumeAccount(of_account()),
        Action::ResumeAccount(_) => Action::ResetAccount(of_account()),
        Action::ResetAccount(_) => Action::RemoveAccount(of_account()),
        Action::RemoveAccount(_) => {
            Action::SetAccountPassword(SetAccountPassword { account, current: code.clone(), new: code })
        }
        Action::SetAccountPassword(_) => Action::AddStorageCode(NewName { name: "Van 1".into() }),
        // The test that counts the samples finds a new action that is missing here.
        _ => return None,
    })
}

pub(super) fn email(text: &str) -> Email {
    text.parse().expect("an e-mail")
}

fn panel() -> PanelId {
    PANEL.parse().expect("a panel id")
}

fn slot() -> Slot {
    Slot::new(4).expect("a slot")
}

fn rename(name: &str, new_name: &str) -> Rename {
    Rename { name: name.into(), new_name: new_name.into() }
}

fn store_room() -> Place {
    Place::Storage { code: "Van 1".into() }
}

fn name(text: &str) -> crate::access::Name {
    text.parse().expect("a name")
}

fn id(text: &str) -> crate::access::CompanyId {
    text.parse().expect("an id")
}

/// A permission that everybody has who may edit roles.
fn permissions() -> BTreeSet<Permission> {
    [Permission::ViewDevices].into()
}
