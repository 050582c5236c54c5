use std::collections::BTreeSet;

use panel_model::{ArmMode, PanelId, PanelRole, Partition, PartitionSet, Slot, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accounts::{AssignAccount, OfAccount, SetAccountPassword, UnassignAccount};
use super::approval::{DecideRequest, RestoreDeleted};
use super::commissioning::{SignOff, SkipZones, StartWalkTest, StopWalkTest};
use super::companies::{
    AddParticipation, CreateCompany, DeleteCompany, EditCompany, EditParticipation, EndParticipation,
};
use super::login::{Login, SetPassword};
use super::people::{AcceptInvitation, Assignment, Invite, MayUpdateSoftware, OfPerson};
use super::register::{DeleteAsset, EditAsset, EditModel, MoveAsset, Named, NewAsset, NewModel, NewName, Rename};
use super::roles::{CopyRole, CreateRole, DeleteRole, EditRole};
use super::{commissioning, register};
use crate::access::{CompanyId, Permission};
use crate::secrets::SealedCode;

/// One thing that somebody can ask for. Its JSON is the body of the local API and, later, of an MQTT request.
///
/// Codes are always sealed to the box's key: JSON numbers and clear text are refused by the type (C4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// U3: set or replace the code of a user; creates the user on an empty slot.
    SetCode {
        /// The panel.
        panel: PanelId,
        /// The user's place.
        slot: Slot,
        /// The new code.
        code: SealedCode,
    },
    /// U12: name a user.
    SetLabel {
        /// The panel.
        panel: PanelId,
        /// The user's place.
        slot: Slot,
        /// The new label.
        label: String,
    },
    /// U11: choose the partitions of a user.
    SetPartitions {
        /// The panel.
        panel: PanelId,
        /// The user's place.
        slot: Slot,
        /// All partitions that the user may operate.
        partitions: PartitionSet,
    },
    /// U10: choose the role of a user.
    SetRole {
        /// The panel.
        panel: PanelId,
        /// The user's place.
        slot: Slot,
        /// The new role.
        role: PanelRole,
    },
    /// U6: remove a user.
    DisableUser {
        /// The panel.
        panel: PanelId,
        /// The user's place.
        slot: Slot,
    },
    /// Read a part of the panel again.
    Refresh {
        /// The panel.
        panel: PanelId,
        /// What to read.
        section: RefreshSection,
    },
    /// Arm a partition.
    Arm {
        /// The panel.
        panel: PanelId,
        /// The partition.
        partition: Partition,
        /// How.
        mode: ArmMode,
        /// A user's code, where the panel asks for one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        code: Option<SealedCode>,
    },
    /// Disarm a partition.
    Disarm {
        /// The panel.
        panel: PanelId,
        /// The partition.
        partition: Partition,
        /// A user's code.
        code: SealedCode,
    },
    /// Silence the siren; the partition stays as it is armed.
    SilenceSiren {
        /// The panel.
        panel: PanelId,
        /// The partition.
        partition: Partition,
        /// A user's code.
        code: SealedCode,
    },
    /// Bypass a zone or take the bypass back.
    Bypass {
        /// The panel.
        panel: PanelId,
        /// The zone.
        zone: Zone,
        /// Bypassed or not.
        bypassed: bool,
    },
    /// Activate an output.
    Output {
        /// The panel.
        panel: PanelId,
        /// The partition that the output belongs to.
        partition: Partition,
        /// The output, 1-based.
        output: u8,
    },
    /// Name a zone, with the installer code that the box keeps.
    SetZoneLabel {
        /// The panel.
        panel: PanelId,
        /// The zone.
        zone: Zone,
        /// The new label.
        label: String,
    },
    /// Name a partition, with the installer code that the box keeps.
    SetPartitionLabel {
        /// The panel.
        panel: PanelId,
        /// The partition.
        partition: Partition,
        /// The new label.
        label: String,
    },
    /// Set the panel's clock to the box's local time.
    SetClock {
        /// The panel.
        panel: PanelId,
    },
    /// Prove the installer code at the panel.
    VerifyInstallerCode {
        /// The panel.
        panel: PanelId,
        /// The code; without it the one that the box keeps is proved.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        code: Option<SealedCode>,
    },
    /// I2: write a new installer code to the panel.
    ChangeInstallerCode {
        /// The panel.
        panel: PanelId,
        /// The code that the panel has now; without it the one that the box keeps.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        current: Option<SealedCode>,
        /// The new code.
        new: SealedCode,
        /// The new code once more.
        confirmation: SealedCode,
    },
    /// Give the box a secret that it needs to be let in by the panel.
    SetCredential {
        /// The panel.
        panel: PanelId,
        /// Which one.
        credential: CredentialKind,
        /// The secret.
        value: SealedCode,
    },
    // Installer code and its lock-out (installer_code.rs).
    /// I3: show the panel's installer code once, for all changes that follow.
    Unlock {
        /// The panel.
        panel: PanelId,
        /// Its installer code.
        code: SealedCode,
    },
    /// End that.
    Lock {
        /// The panel; without it, all of them.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        panel: Option<PanelId>,
    },
    /// Let people show installer codes again after too many wrong ones.
    Unblock {
        /// The panel.
        panel: PanelId,
    },
    // Roles, companies, requests (roles.rs, companies.rs, approval.rs).
    /// P3: make a role.
    CreateRole(CreateRole),
    /// P3: make a role like another one.
    CopyRole(CopyRole),
    /// P3: change what a role permits.
    EditRole(EditRole),
    /// P3, P7: delete a role that nobody holds.
    DeleteRole(DeleteRole),
    /// P6: make a company.
    CreateCompany(CreateCompany),
    /// P6: name a company anew, or move it in the tree.
    EditCompany(EditCompany),
    /// P7: delete a company that nothing belongs to.
    DeleteCompany(DeleteCompany),
    /// Let somebody take part in a company.
    AddParticipation(AddParticipation),
    /// P4: give somebody another role in a company.
    EditParticipation(EditParticipation),
    /// End somebody's part in a company.
    EndParticipation(EndParticipation),
    /// P4: decide what somebody else asked for.
    DecideRequest(DecideRequest),
    /// P5: bring back what was deleted.
    RestoreDeleted(RestoreDeleted),
    // Installers, managers, accounts (people.rs, accounts.rs).
    /// S1: draw the temporary password of the `init` account. For root and the service's own user alone.
    FirstLogin {},
    /// Act as a person from now on.
    Login(Login),
    /// Act as a person no longer.
    Logout {},
    /// Set one's own password.
    SetPassword(SetPassword),
    /// I6: choose a password behind an invitation's link.
    AcceptInvitation(AcceptInvitation),
    /// I6: invite an installer.
    InviteInstaller(Invite),
    /// S2: invite a manager.
    InviteManager(Invite),
    /// I1: somebody may not log in any more, until resumed.
    SuspendPerson(OfPerson),
    /// I1: somebody may log in again.
    ResumePerson(OfPerson),
    /// I5: remove somebody; their sessions end at once.
    RemovePerson(OfPerson),
    /// I5: mail a one-time password.
    ResetPassword(OfPerson),
    /// I4: give a panel to an installer.
    AssignPanel(Assignment),
    /// I4: take a panel from an installer.
    UnassignPanel(Assignment),
    /// I7: let somebody start software updates, or no more.
    SetMayUpdateSoftware(MayUpdateSoftware),
    /// S2: end the `init` account.
    DeactivateInit {},
    /// A1: make an account of the customer application.
    AddAccount(OfAccount),
    /// A2: give an account to a panel user.
    AssignAccount(AssignAccount),
    /// A4: take a panel user's account away.
    UnassignAccount(UnassignAccount),
    /// A3: an account may not be used any more, until resumed.
    SuspendAccount(OfAccount),
    /// A3: an account may be used again.
    ResumeAccount(OfAccount),
    /// A5: mail a one-time password for an account.
    ResetAccount(OfAccount),
    /// A6: delete an account everywhere.
    RemoveAccount(OfAccount),
    /// A5: set an account's password with a one-time password.
    SetAccountPassword(SetAccountPassword),
    // Equipment register and commissioning (register.rs, commissioning.rs).
    /// S3: register a storage code.
    AddStorageCode(NewName),
    /// S3: name a storage code anew.
    RenameStorageCode(Rename),
    /// S3: delete a storage code under which nothing lies.
    DeleteStorageCode(Named),
    /// S3: register a product category.
    AddCategory(NewName),
    /// S3: name a product category anew.
    RenameCategory(Rename),
    /// S3: delete a product category without models.
    DeleteCategory(Named),
    /// S3: register a product model.
    AddModel(NewModel),
    /// S3: name a product model anew, or put it into another category.
    EditModel(EditModel),
    /// S3: delete a product model of which there are no assets.
    DeleteModel(Named),
    /// S3: register an asset.
    AddAsset(NewAsset),
    /// S3: correct an asset's model or serial number.
    EditAsset(EditAsset),
    /// S3: an asset is somewhere else now.
    MoveAsset(MoveAsset),
    /// S3: take an asset out of the register.
    DeleteAsset(DeleteAsset),
    /// S4: tick zones off that open from now on. Alarms go on being sent meanwhile.
    StartWalkTest(StartWalkTest),
    /// S4: end a walk test before its time.
    StopWalkTest(StopWalkTest),
    /// S4: leave zones out of the walk test.
    SkipZones(SkipZones),
    /// S4: sign a commissioning off of which nothing is missing. On site it needs the installer code.
    SignOff(SignOff),
}

impl Action {
    /// The stable name, as in JSON and in the action log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.row().0
    }

    /// The one permission that it needs (P1); `None` for what proves who somebody is, such as a login.
    #[must_use]
    pub fn permission(&self) -> Option<Permission> {
        self.row().1
    }

    /// The panel that it is about, if it is about one.
    #[must_use]
    pub fn panel(&self) -> Option<&PanelId> {
        self.row().2
    }

    /// The panel user that it is about.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        match self {
            Self::SetCode { slot, .. }
            | Self::SetLabel { slot, .. }
            | Self::SetPartitions { slot, .. }
            | Self::SetRole { slot, .. }
            | Self::DisableUser { slot, .. } => Some(*slot),
            Self::AssignAccount(of) => Some(of.slot),
            Self::UnassignAccount(of) => Some(of.slot),
            _ => None,
        }
    }

    /// P4: whether somebody who is not Super Admin can only ask for it, and another person decides.
    #[must_use]
    pub fn needs_approval(&self) -> bool {
        // Deletions of devices belong here too.
        matches!(
            self,
            Self::EditRole(_)
                | Self::DeleteRole(_)
                | Self::DeleteCompany(_)
                | Self::EditParticipation(_)
                | Self::RemovePerson(_)
                | Self::RemoveAccount(_)
        )
    }

    /// What else it is about, for the action log and for who decides on it: a zone, a credential, a role, a person,
    /// an account. Never a secret.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        let list = |set: &BTreeSet<Permission>| set.iter().map(|p| p.name()).collect::<Vec<_>>().join(" ");
        let under = |parent: &Option<CompanyId>| parent.as_ref().map_or("at the top".into(), |p| format!("under {p}"));
        Some(match self {
            Self::Arm { partition, mode, .. } => format!("partition {partition}, {}", word(mode)),
            Self::Disarm { partition, .. }
            | Self::SilenceSiren { partition, .. }
            | Self::SetPartitionLabel { partition, .. } => format!("partition {partition}"),
            Self::Bypass { zone, bypassed: false, .. } => format!("zone {zone}, taken back"),
            Self::Bypass { zone, .. } | Self::SetZoneLabel { zone, .. } => format!("zone {zone}"),
            Self::Output { partition, output, .. } => format!("output {output} of partition {partition}"),
            Self::Refresh { section, .. } => word(section),
            Self::SetCredential { credential, .. } => word(credential),
            Self::CreateRole(new) => format!("\"{}\": {}", new.role, list(&new.permissions)),
            Self::CopyRole(new) => format!("\"{}\" as \"{}\"", new.role, new.copy),
            Self::EditRole(edit) => {
                format!("\"{}\": added [{}], removed [{}]", edit.role, list(&edit.add), list(&edit.remove))
            }
            Self::DeleteRole(delete) => format!("\"{}\"", delete.role),
            Self::CreateCompany(new) => format!("{} \"{}\" {}", new.company, new.name, under(&new.parent)),
            Self::EditCompany(edit) => format!("{} \"{}\" {}", edit.company, edit.name, under(&edit.parent)),
            Self::DeleteCompany(delete) => delete.company.to_string(),
            Self::AddParticipation(AddParticipation { company, person, role })
            | Self::EditParticipation(EditParticipation { company, person, role }) => {
                format!("{person} in {company} as \"{role}\"")
            }
            Self::EndParticipation(end) => format!("{} in {}", end.person, end.company),
            Self::DecideRequest(decision) => format!("request {}", decision.request),
            Self::RestoreDeleted(restored) => format!("deleted thing {}", restored.deleted),
            Self::Login(of) => of.person.to_string(),
            Self::SetPassword(of) => of.person.to_string(),
            Self::InviteInstaller(of) | Self::InviteManager(of) => of.email.to_string(),
            Self::SuspendPerson(of) | Self::ResumePerson(of) | Self::RemovePerson(of) | Self::ResetPassword(of) => {
                of.person.to_string()
            }
            Self::AssignPanel(of) | Self::UnassignPanel(of) => of.person.to_string(),
            Self::SetMayUpdateSoftware(of) => format!("{} {}", of.person, if of.may { "may" } else { "may not" }),
            Self::AssignAccount(of) => of.account.to_string(),
            Self::AddAccount(of)
            | Self::SuspendAccount(of)
            | Self::ResumeAccount(of)
            | Self::ResetAccount(of)
            | Self::RemoveAccount(of) => of.account.to_string(),
            Self::SetAccountPassword(of) => of.account.to_string(),
            other => return register::subject(other).or_else(|| commissioning::subject(other)),
        })
    }

    /// The panel whose installer code is proved by the panel itself when this is applied.
    pub(super) fn proves_installer_code(&self) -> Option<&PanelId> {
        match self {
            Self::VerifyInstallerCode { panel, .. } | Self::ChangeInstallerCode { panel, .. } => Some(panel),
            _ => None,
        }
    }

    fn row(&self) -> (&'static str, Option<Permission>, Option<&PanelId>) {
        use Permission as P;
        let (name, permission, panel) = match self {
            Self::SetCode { panel, .. } => ("set_code", P::ManageUsers, panel),
            Self::SetLabel { panel, .. } => ("set_label", P::ManageUsers, panel),
            Self::SetPartitions { panel, .. } => ("set_partitions", P::ManageUsers, panel),
            Self::SetRole { panel, .. } => ("set_role", P::ManageUsers, panel),
            Self::DisableUser { panel, .. } => ("disable_user", P::DeleteUsers, panel),
            Self::Refresh { panel, .. } => ("refresh", P::ServiceDevices, panel),
            Self::Arm { panel, .. } => ("arm", P::ControlDevices, panel),
            Self::Disarm { panel, .. } => ("disarm", P::ControlDevices, panel),
            Self::SilenceSiren { panel, .. } => ("silence_siren", P::ControlDevices, panel),
            Self::Bypass { panel, .. } => ("bypass", P::ControlDevices, panel),
            Self::Output { panel, .. } => ("output", P::ControlDevices, panel),
            Self::SetZoneLabel { panel, .. } => ("set_zone_label", P::ServiceDevices, panel),
            Self::SetPartitionLabel { panel, .. } => ("set_partition_label", P::ServiceDevices, panel),
            Self::SetClock { panel } => ("set_clock", P::ServiceDevices, panel),
            Self::VerifyInstallerCode { panel, .. } => ("verify_installer_code", P::ChangeInstallerCode, panel),
            Self::ChangeInstallerCode { panel, .. } => ("change_installer_code", P::ChangeInstallerCode, panel),
            Self::SetCredential { panel, .. } => ("set_credential", P::ManageDevices, panel),
            // Installer code and its lock-out.
            Self::Unlock { panel, .. } => ("unlock", P::ControlDevices, panel),
            Self::Lock { panel } => return ("lock", Some(P::ControlDevices), panel.as_ref()),
            Self::Unblock { panel } => ("unblock", P::ManageInstallers, panel),
            // Roles, companies, requests.
            Self::CreateRole(_) => return ("create_role", Some(P::ManageRoles), None),
            Self::CopyRole(_) => return ("copy_role", Some(P::ManageRoles), None),
            Self::EditRole(_) => return ("edit_role", Some(P::ManageRoles), None),
            Self::DeleteRole(_) => return ("delete_role", Some(P::DeleteRoles), None),
            Self::CreateCompany(_) => return ("create_company", Some(P::ManageCompanies), None),
            Self::EditCompany(_) => return ("edit_company", Some(P::ManageCompanies), None),
            Self::DeleteCompany(_) => return ("delete_company", Some(P::DeleteCompanies), None),
            Self::AddParticipation(_) => return ("add_participation", Some(P::ManageParticipation), None),
            Self::EditParticipation(_) => return ("edit_participation", Some(P::ManageParticipation), None),
            Self::EndParticipation(_) => return ("end_participation", Some(P::DeleteParticipation), None),
            Self::DecideRequest(_) => return ("decide_request", Some(P::DecideRequests), None),
            Self::RestoreDeleted(_) => return ("restore_deleted", Some(P::RestoreDeleted), None),
            // Installers, managers, accounts. Who proves who they are needs no permission for it.
            Self::FirstLogin {} => return ("first_login", None, None),
            Self::Login(_) => return ("login", None, None),
            Self::Logout {} => return ("logout", None, None),
            Self::SetPassword(_) => return ("set_password", None, None),
            Self::AcceptInvitation(_) => return ("accept_invitation", None, None),
            Self::SetAccountPassword(_) => return ("set_account_password", None, None),
            Self::InviteInstaller(_) => return ("invite_installer", Some(P::ManageInstallers), None),
            Self::InviteManager(_) => return ("invite_manager", Some(P::ManageInstallers), None),
            Self::SuspendPerson(_) => return ("suspend_person", Some(P::ManageInstallers), None),
            Self::ResumePerson(_) => return ("resume_person", Some(P::ManageInstallers), None),
            Self::RemovePerson(_) => return ("remove_person", Some(P::DeleteInstallers), None),
            Self::ResetPassword(_) => return ("reset_password", Some(P::ManageInstallers), None),
            Self::AssignPanel(of) => return ("assign_panel", Some(P::ManageInstallers), Some(&of.panel)),
            Self::UnassignPanel(of) => return ("unassign_panel", Some(P::ManageInstallers), Some(&of.panel)),
            Self::SetMayUpdateSoftware(_) => return ("set_may_update_software", Some(P::ManageInstallers), None),
            Self::DeactivateInit {} => return ("deactivate_init", Some(P::ManageInstallers), None),
            Self::AddAccount(_) => return ("add_account", Some(P::ManageAccounts), None),
            Self::AssignAccount(of) => return ("assign_account", Some(P::ManageAccounts), Some(&of.panel)),
            Self::UnassignAccount(of) => return ("unassign_account", Some(P::ManageAccounts), Some(&of.panel)),
            Self::SuspendAccount(_) => return ("suspend_account", Some(P::ManageAccounts), None),
            Self::ResumeAccount(_) => return ("resume_account", Some(P::ManageAccounts), None),
            Self::ResetAccount(_) => return ("reset_account", Some(P::ManageAccounts), None),
            Self::RemoveAccount(_) => return ("remove_account", Some(P::ManageAccounts), None),
            // Equipment register and commissioning. Where an asset is to be is looked at beside the rules.
            Self::AddStorageCode(_) => return ("add_storage_code", Some(P::ManageProducts), None),
            Self::RenameStorageCode(_) => return ("rename_storage_code", Some(P::ManageProducts), None),
            Self::DeleteStorageCode(_) => return ("delete_storage_code", Some(P::ManageProducts), None),
            Self::AddCategory(_) => return ("add_category", Some(P::ManageProducts), None),
            Self::RenameCategory(_) => return ("rename_category", Some(P::ManageProducts), None),
            Self::DeleteCategory(_) => return ("delete_category", Some(P::ManageProducts), None),
            Self::AddModel(_) => return ("add_model", Some(P::ManageProducts), None),
            Self::EditModel(_) => return ("edit_model", Some(P::ManageProducts), None),
            Self::DeleteModel(_) => return ("delete_model", Some(P::ManageProducts), None),
            Self::AddAsset(_) => return ("add_asset", Some(P::ManageProducts), None),
            Self::EditAsset(_) => return ("edit_asset", Some(P::ManageProducts), None),
            Self::MoveAsset(_) => return ("move_asset", Some(P::ManageProducts), None),
            Self::DeleteAsset(_) => return ("delete_asset", Some(P::ManageProducts), None),
            Self::StartWalkTest(of) => ("start_walk_test", P::ServiceDevices, &of.panel),
            Self::StopWalkTest(of) => ("stop_walk_test", P::ServiceDevices, &of.panel),
            Self::SkipZones(of) => ("skip_zones", P::ServiceDevices, &of.panel),
            Self::SignOff(of) => ("sign_off", P::ManageReports, &of.panel),
        };
        (name, Some(permission), Some(panel))
    }
}

/// A plain enum's stable name.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What [`Action::Refresh`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefreshSection {
    /// Partitions, zones, troubles.
    State,
    /// Users, as far as the panel shows them.
    Users,
    /// Labels of zones, partitions, outputs.
    Labels,
}

/// Secrets that the box keeps for a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// Password of the communication module.
    Password,
    /// The panel's master code.
    MasterCode,
    /// The panel's installer code.
    InstallerCode,
}
