//! What each model can do over each module: the dossier's table, told honestly.

use std::collections::BTreeMap;

use panel_model::{
    Access, ArmMode, Capabilities, Charset, CodeRules, LabelRules, PanelRole, RoleSlots, Sections, Slot,
};

use crate::config::{Config, InstallerMenu};
use crate::message::Transport;

/// The slot of the master code [doc PS].
pub(crate) const MASTER_SLOT: u16 = 40;

/// Whether it is the master's slot.
pub(crate) fn is_master(slot: Slot) -> bool {
    slot.number() == MASTER_SLOT
}

/// What a panel of this configuration can do.
#[must_use]
pub fn capabilities(config: &Config) -> Capabilities {
    let (_, _, last_slot) = config.model.limits();
    let transport = config.interface.transport();
    Capabilities {
        model: config.model.name().to_owned(),
        slots: slots(last_slot),
        codes: CodeRules { lengths: vec![config.code_length.digits()], duress_distance: true },
        user_labels: LabelRules { max_chars: 32, charset: Charset::Any },
        zone_labels: None,
        partitions: config.partitions,
        zones: config.zones,
        outputs: 4,
        locks: 0,
        arm_modes: vec![ArmMode::Away, ArmMode::Stay, ArmMode::AwayNoEntry],
        arm_without_code: true,
        bypass: false,
        set_clock: true,
        sections: sections(transport, config.installer_menu),
        notes: notes(transport, config.installer_menu),
        instead: BTreeMap::new(),
    }
}

fn slots(last: u16) -> Vec<RoleSlots> {
    let users = [PanelRole::User, PanelRole::Supervisor, PanelRole::OneTimeUser, PanelRole::Duress];
    let ranges = [
        (1, MASTER_SLOT - 1, users.to_vec()),
        (MASTER_SLOT, MASTER_SLOT, vec![PanelRole::Master]),
        (MASTER_SLOT + 1, last, users.to_vec()),
    ];
    let range = |(first, last, roles): (u16, u16, Vec<PanelRole>)| {
        let slot = |n: u16| Slot::new(n.into()).ok();
        Some(RoleSlots { first: slot(first)?, last: slot(last)?, roles })
    };
    ranges.into_iter().filter_map(range).collect()
}

fn sections(transport: Transport, installer_menu: InstallerMenu) -> Sections {
    let (users, installer) = match transport {
        // Nothing typed can be read back, and 98/99 toggle: without reading, a toggle is a guess.
        Transport::Envisalink => (Access::Unsupported, Access::WriteOnly),
        Transport::It100 => (Access::ReadWrite, Access::ReadWrite),
    };
    Sections {
        codes: Access::WriteOnly,
        labels: Access::Cached,
        partitions: users,
        roles: users,
        tags: Access::Unsupported,
        locks: Access::Unsupported,
        installer_code: match installer_menu {
            InstallerMenu::Allowed => installer,
            InstallerMenu::Forbidden => Access::Unsupported,
        },
    }
}

fn notes(transport: Transport, installer_menu: InstallerMenu) -> Vec<String> {
    let mut notes = vec![
        "Codes cannot be read from the panel; what is shown is what was written from here.",
        "Names of users are kept on the box: the panel has none.",
        "Users can be changed only while every partition is disarmed; keypads show \"busy\" meanwhile.",
        "Slots 17 to 32 may belong to key fobs (section 017 option 1): changing them changes the fob's user.",
        "Zones are bypassed at a keypad with *1: from here it could not be seen whether it worked.",
        "There are no proximity tags and no door locks on this panel family.",
        "Arming without a code needs quick arm (section 015 option 4).",
    ];
    match transport {
        Transport::Envisalink => notes.extend([
            "Partitions and roles of a user cannot be set over an Envisalink: at a keypad use *5, master code, 98 or \
             99, the slot, and toggle the digits.",
            "Which slots have a code cannot be read over an Envisalink: scroll through *5 at an LCD keypad.",
            "Labels of zones cannot be read over an Envisalink.",
        ]),
        Transport::It100 => {
            notes.push("Labels of zones and partitions are read; change them at an LCD keypad (*8, *).")
        }
    }
    notes.push(match installer_menu {
        InstallerMenu::Allowed => {
            "Verifying or changing the installer code enters *8: it may be reported to the central station, and nobody \
             can arm meanwhile."
        }
        InstallerMenu::Forbidden => {
            "The installer code is changed at a keypad (*8, section 006); set installer_menu = \"allowed\" to do it \
             from here."
        }
    });
    notes.into_iter().map(str::to_owned).collect()
}
