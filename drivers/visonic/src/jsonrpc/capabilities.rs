//! What a panel can do over the service: what the configuration allows and the module's list of methods has.

use std::collections::BTreeMap;

use panel_model::{Access, AccessCode, ArmMode, Capabilities, Field, InstallerCode, Partition, Slot, Zone};

use super::call::{Call, InstallerKind, Item, Wanted};
use super::methods::MethodList;
use crate::capabilities::{PARTITIONS, ROLES};
use crate::config::{Config, Writes};

/// What was found at the module.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found<'a> {
    /// Its methods; before they are known all are taken to be there.
    pub(crate) methods: Option<&'a MethodList>,
    /// The installer menu opens only with the master user's consent.
    pub(crate) user_permit: Option<bool>,
    /// Tags that are enrolled.
    pub(crate) tags: Option<usize>,
}

/// What a panel of this configuration can do.
pub(crate) fn capabilities(config: &Config, writes: Writes, found: Found<'_>) -> Capabilities {
    let takes = |call: Option<Call>| match (call, found.methods) {
        (Some(call), Some(methods)) => methods.takes(&call),
        (Some(_), None) => true,
        (None, _) => false,
    };
    let access = |read: bool, write: bool| match (read, write && writes == Writes::Experimental) {
        (true, true) => Access::ReadWrite,
        (true, false) => Access::ReadOnly,
        (false, _) => Access::Unsupported,
    };
    let users = takes(Some(Call::GetUserCodes { auth: code() }));
    let arms = takes(sample_arm());
    let serial = crate::capabilities::of_model(&config.model, config.partitions, config.zones);
    Capabilities {
        outputs: 0,
        arm_modes: if arms { vec![ArmMode::Away, ArmMode::Stay] } else { Vec::new() },
        arm_without_code: arms,
        bypass: takes(Some(Call::SetZoneDeviceBypass { code: code(), zone: 1, bypassed: true })),
        set_clock: takes(Some(Call::SetDateTime { code: code(), time: String::new() }))
            && takes(Some(Call::GetDateTime)),
        sections: panel_model::Sections {
            codes: access(users, takes(sample_code())),
            partitions: access(users, takes(sample_partitions())),
            installer_code: access(
                takes(Some(Call::GetEepromItem(Item::InstallerCode))),
                takes(Some(sample_installer())),
            ),
            ..serial.sections
        },
        notes: notes(writes, found),
        instead: instead(writes),
        ..serial
    }
}

// The types of a call say whether it can be made; its values do not matter for that.

fn code() -> AccessCode {
    AccessCode::new(String::new())
}

fn sample_arm() -> Option<Call> {
    let partition = Partition::new(1).ok()?;
    Some(Call::SetPanelState { code: code(), wanted: Wanted::Disarm, partition })
}

fn sample_code() -> Option<Call> {
    Some(Call::SetUserCode { auth: code(), slot: Slot::new(1).ok()?, code: code() })
}

fn sample_partitions() -> Option<Call> {
    Some(Call::SetUserCodePartitions { auth: code(), slot: Slot::new(1).ok()?, code: code(), mask: 1 })
}

fn sample_installer() -> Call {
    let code = || InstallerCode::new(String::new());
    Call::SetInstallerCode { current: code(), kind: InstallerKind::Installer, new: code() }
}

/// Whether the panel has such a zone.
pub(crate) fn has_zone(capabilities: &Capabilities, zone: Zone) -> bool {
    zone.number() <= capabilities.zones
}

/// What a person does where something cannot be written from here: the configuration does not allow it, or the firmware
/// has no method for it.
fn instead(writes: Writes) -> BTreeMap<Field, String> {
    let first = match writes {
        Writes::Never => "Users are only read unless the panel's configuration says `experimental = true`.",
        Writes::Experimental => "The module's firmware has no known method for this.",
    };
    let code = "At the panel, the master user opens the user settings with their own code, chooses user codes and the \
                user's number, and types the new code; 0000 deletes it.";
    BTreeMap::from([
        (Field::Code, format!("{first} {code}")),
        (Field::Partitions, format!("{first} {PARTITIONS}")),
        (Field::Role, ROLES.to_owned()),
    ])
}

fn notes(writes: Writes, found: Found<'_>) -> Vec<String> {
    let mut notes = vec![
        "The service of the PowerLink module is asked every ten seconds: what begins and ends between two looks is \
         seen as an alarm in memory at best, and who armed is not told."
            .to_owned(),
        "Nothing is encrypted on the way to the module: keep it in a network of its own.".to_owned(),
        "The module takes one client; another one that registers takes the box's place.".to_owned(),
        "Users are read with the master user's code, which is to be stored here.".to_owned(),
        "Arming without a code, and bypassing, use the code that is stored as the panel's password.".to_owned(),
        "Names of users are kept on the box: the service has none.".to_owned(),
        "Proximity tags are enrolled at the panel: user settings, prox tags; tag 1 belongs to user 1 and so on."
            .to_owned(),
    ];
    notes.push(match writes {
        Writes::Experimental => "Codes, partitions and the installer code are written by methods whose meaning nobody \
                                 has published; nothing counts that was not read back."
            .to_owned(),
        Writes::Never => "Codes and partitions are read only; `experimental = true` tries the service's unproved \
                          methods to write them. At the panel: user settings, user codes, the user's number."
            .to_owned(),
    });
    if found.user_permit == Some(true) {
        notes.push(
            "User permit is on: the installer menu opens only out of the master user's, and the installer code is not \
             changed from here."
                .to_owned(),
        );
    }
    notes.extend(found.tags.map(|tags| format!("Proximity tags enrolled at the panel: {tags}.")));
    notes
}
