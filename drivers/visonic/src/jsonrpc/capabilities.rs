//! What a panel can do over the service: what the configuration allows and the module's list of methods has.

use std::collections::BTreeMap;

use panel_model::{Access, AccessCode, ArmMode, Capabilities, Field, InstallerCode, Partition, Sections, Slot, Zone};

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
    let output = writes == Writes::Experimental && takes(Some(sample_output()));
    let serial = crate::capabilities::of_model(&config.model, config.partitions, config.zones);
    let sections = Sections {
        codes: access(users, takes(sample_code())),
        partitions: access(users, takes(sample_partitions())),
        tags: access(takes(Some(Call::GetTagsInfo)), false),
        installer_code: access(takes(Some(Call::GetEepromItem(Item::InstallerCode))), takes(Some(sample_installer()))),
        ..serial.sections
    };
    Capabilities {
        outputs: u8::from(output),
        arm_modes: if arms { vec![ArmMode::Away, ArmMode::Stay] } else { Vec::new() },
        arm_without_code: arms,
        bypass: takes(Some(Call::SetZoneDeviceBypass { code: code(), zone: 1, bypassed: true })),
        set_clock: takes(Some(Call::SetDateTime { code: code(), time: String::new() }))
            && takes(Some(Call::GetDateTime)),
        sections,
        notes: notes(writes, found, output),
        instead: instead(writes, sections),
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

fn sample_output() -> Call {
    Call::SetPgmState { code: code(), output: 1, on: true }
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
fn instead(writes: Writes, sections: Sections) -> BTreeMap<Field, String> {
    let first = match writes {
        Writes::Never => "Users are only read unless the panel's configuration says `experimental = true`.",
        Writes::Experimental => "The module's firmware has no known method for this.",
    };
    let code = "At the panel, the master user opens the user settings with their own code, chooses user codes and the \
                user's number, and types the new code; 0000 deletes it.";
    let ways = [
        (Field::Code, sections.codes, format!("{first} {code}")),
        (Field::Partitions, sections.partitions, format!("{first} {PARTITIONS}")),
        (Field::Role, sections.roles, ROLES.to_owned()),
    ];
    ways.into_iter().filter(|(_, access, _)| !access.on_panel()).map(|(field, _, way)| (field, way)).collect()
}

fn notes(writes: Writes, found: Found<'_>, output: bool) -> Vec<String> {
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
        "The siren cannot be silenced by itself from here: disarm, or use a keypad.".to_owned(),
    ];
    if output {
        notes.push(
            "The output is switched on by a method that nobody has proved, and the module does not tell whether it is on."
                .to_owned(),
        );
    }
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
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawConfig;

    #[test]
    fn what_is_not_written_is_said_where_to_do_it() {
        let json = r#"{"transport":"jsonrpc","host":"192.168.7.2","model":"PowerMaster 30"}"#;
        let config = serde_json::from_str::<RawConfig>(json).expect("json").validate().expect("valid");
        let able = |writes| capabilities(&config, writes, Found::default());
        let fields = |writes| able(writes).instead.into_keys().collect::<Vec<_>>();
        assert_eq!(fields(Writes::Never), [Field::Code, Field::Partitions, Field::Role]);
        assert_eq!(fields(Writes::Experimental), [Field::Role], "what is written needs no other way");
        assert_eq!((able(Writes::Never).outputs, able(Writes::Experimental).outputs), (0, 1));
        let older = MethodList::of(&serde_json::json!([{"method": "PmaxService/getDate", "params": null}]));
        let found = Found { methods: older.as_ref(), ..Found::default() };
        let able = capabilities(&config, Writes::Experimental, found);
        assert!(able.instead.contains_key(&Field::Code) && able.outputs == 0);
        assert_eq!(able.sections.tags, Access::Unsupported);
    }
}
