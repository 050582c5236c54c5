//! What each model can do over its serial port: the dossier's table 0.3, told honestly.

use panel_model::{
    Access, ArmMode, Capabilities, Charset, CodeRules, Field, LabelRules, PanelRole, PartitionSet, RoleSlots, Sections,
    Slot,
};

use crate::config::Config;
use crate::model::{Enrolment, Family, Model};

/// The slot of the master user [doc M].
pub(crate) const MASTER_SLOT: u16 = 1;

/// Whether it is the master's slot.
pub(crate) fn is_master(slot: Slot) -> bool {
    slot.number() == MASTER_SLOT
}

/// What a panel of this configuration can do.
#[must_use]
pub fn capabilities(config: &Config) -> Capabilities {
    of_model(&config.model, config.partitions, config.zones)
}

/// The same, of the model that the panel turned out to be.
pub(crate) fn of_model(model: &Model, partitions: PartitionSet, zones: u16) -> Capabilities {
    let master = model.family == Family::PowerMaster;
    Capabilities {
        model: model.name.to_owned(),
        slots: slots(u16::from(model.users)),
        codes: CodeRules { lengths: vec![4], duress_distance: false },
        user_labels: LabelRules { max_chars: 32, charset: Charset::Any },
        zone_labels: None,
        partitions,
        zones: zones.min(u16::from(model.zones)),
        outputs: 1,
        locks: 0,
        arm_modes: vec![ArmMode::Away, ArmMode::Stay, ArmMode::AwayNoEntry, ArmMode::StayNoEntry],
        arm_without_code: true,
        bypass: true,
        set_clock: true,
        sections: Sections {
            codes: Access::ReadOnly,
            labels: Access::Cached,
            // On a PowerMax nobody knows where they stand.
            partitions: if master { Access::ReadOnly } else { Access::Unsupported },
            roles: Access::ReadOnly,
            // Whether a user has one, never its number; on a PowerMax not even that.
            tags: if master && model.tags > 0 { Access::ReadOnly } else { Access::Unsupported },
            locks: Access::Unsupported,
            installer_code: Access::ReadOnly,
        },
        notes: notes(model),
        instead: INSTEAD.into_iter().map(|(field, text)| (field, text.to_owned())).collect(),
    }
}

fn slots(last: u16) -> Vec<RoleSlots> {
    let ranges = [(MASTER_SLOT, MASTER_SLOT, PanelRole::Master), (MASTER_SLOT + 1, last, PanelRole::User)];
    let range = |(first, last, role)| {
        let slot = |n: u16| Slot::new(n.into()).ok();
        Some(RoleSlots { first: slot(first)?, last: slot(last)?, roles: vec![role] })
    };
    ranges.into_iter().filter_map(range).collect()
}

const CODES: &str = "Codes are read over this port and cannot be written: at the panel, the master user opens the user \
    settings with their own code, chooses user codes and the user's number, and types the new code; 0000 deletes it.";
pub(crate) const PARTITIONS: &str =
    "Users' partitions are set at the panel: user settings, user codes, the user's number, then the partitions.";
pub(crate) const ROLES: &str = "The role goes with the user's number: user 1 is the master, the others are users.";
/// Said beside the others while the panel's user permit is on (0x0114).
pub(crate) const USER_PERMIT: &str =
    "User permit is on: the installer menu opens only out of the master user's menu, with the master's consent.";
/// What a person does at the panel, since nothing of it can be done here.
const INSTEAD: [(Field, &str); 3] = [(Field::Code, CODES), (Field::Partitions, PARTITIONS), (Field::Role, ROLES)];

fn notes(model: &Model) -> Vec<String> {
    let mut notes = vec![
        CODES,
        PARTITIONS,
        "The installer code is checked here and changed at the panel: installer menu, 02 installer code.",
        "Proximity tags are enrolled at the panel: user settings, prox tags; tag 1 belongs to user 1 and so on.",
        "Names of users are kept on the box: the panel has none.",
        "The memory of the panel is read only while nothing is armed; its keypads show that it is busy meanwhile.",
        "Arming without a code needs quick arm in the panel.",
        "The panel has no night mode to ask for, and no door locks.",
    ];
    match model.family {
        Family::PowerMax => notes.extend([
            "Bypassing a zone needs the master code stored here; zones 1 to 30.",
            "Partitions of this model cannot be told apart over this port: the panel is one area here.",
        ]),
        Family::PowerMaster => {
            notes.push("Motion detectors report while armed; while disarmed once in a while at most.")
        }
    }
    notes.extend(match model.enrolment {
        Enrolment::Automatic => None,
        Enrolment::Menu => Some(
            "This model is enrolled from its installer menu (enrol PowerLink) while the box is connected; until then \
             it works without supervision of the link.",
        ),
        Enrolment::Never => Some("This model has a PowerLink of its own; the box listens and commands beside it."),
    });
    notes.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawConfig;

    fn of(model: &str) -> Capabilities {
        let json = format!(r#"{{"device":"/dev/null","model":"{model}"}}"#);
        capabilities(&serde_json::from_str::<RawConfig>(&json).expect("json").validate().expect("valid"))
    }

    #[test]
    fn users_are_read_and_never_written() {
        for (model, users, partitions) in [
            ("PowerMax Pro", 8, Access::Unsupported),
            ("PowerMaster 10", 8, Access::ReadOnly),
            ("PowerMaster 33", 48, Access::ReadOnly),
        ] {
            let able = of(model);
            assert_eq!(able.all_slots().count(), users, "{model}");
            assert_eq!((able.sections.codes, able.sections.partitions), (Access::ReadOnly, partitions));
            assert!(!able.sections.codes.writable() && !able.sections.installer_code.writable());
            let code = able.instead.get(&Field::Code).expect("it is said what to do");
            assert!(code.contains("user settings") && able.notes.contains(code), "{code}");
        }
    }
}
