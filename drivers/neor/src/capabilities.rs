//! What the family can do over ITv2, told honestly: grades C to E of the dossier only where they are switched on.

use std::collections::BTreeMap;

use panel_model::{
    Access, ArmMode, Capabilities, Charset, CodeRules, LabelRules, PanelRole, PartitionSet, RoleSlots, Sections, Slot,
};

use crate::config::{Config, Experimental};

/// The master's slot [doc RF].
pub(crate) const MASTER_SLOT: u16 = 1;
/// Longest label of a user in UTF-16 units [impl NH].
pub(crate) const USER_LABEL: usize = 14;

/// Longest label of a zone or partition: two lines [impl NH].
pub(crate) const SECTION_LABEL: usize = 28;

/// Whether it is the master's slot.
pub(crate) fn is_master(slot: Slot) -> bool {
    slot.number() == MASTER_SLOT
}

/// What a panel tells of its size, which counts more than its model's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) zones: u16,
    pub(crate) users: u16,
    pub(crate) partitions: PartitionSet,
    pub(crate) outputs: u8,
    pub(crate) code_length: u8,
}

impl Size {
    /// As the configuration has it.
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            zones: config.zones.unwrap_or(config.model.zones),
            users: config.model.users,
            partitions: config.partitions.unwrap_or_else(|| PartitionSet::first(config.model.partitions)),
            outputs: 4,
            code_length: config.code_length,
        }
    }
}

/// What a panel of this configuration can do, before it was ever reached.
#[must_use]
pub fn capabilities(config: &Config) -> Capabilities {
    with_size(config, Size::of(config))
}

pub(crate) fn with_size(config: &Config, size: Size) -> Capabilities {
    Capabilities {
        model: config.model.name.to_owned(),
        slots: slots(size.users),
        codes: CodeRules { lengths: vec![size.code_length], duress_distance: false },
        user_labels: LabelRules { max_chars: 14, charset: Charset::Utf16 },
        zone_labels: Some(LabelRules { max_chars: 28, charset: Charset::Utf16 }),
        partitions: size.partitions,
        zones: size.zones,
        outputs: size.outputs,
        locks: 0,
        arm_modes: vec![ArmMode::Away, ArmMode::Stay, ArmMode::Night, ArmMode::AwayNoEntry, ArmMode::StayNoEntry],
        arm_without_code: true,
        bypass: true,
        set_clock: false,
        sections: Sections {
            codes: Access::ReadWrite,
            labels: Access::ReadWrite,
            partitions: Access::ReadWrite,
            roles: Access::ReadWrite,
            tags: Access::ReadOnly,
            locks: Access::Unsupported,
            installer_code: match config.experimental {
                Experimental::On => Access::WriteOnly,
                Experimental::Off => Access::ReadOnly,
            },
        },
        notes: notes(config.experimental),
        instead: BTreeMap::new(),
    }
}

fn slots(last: u16) -> Vec<RoleSlots> {
    let users = [PanelRole::User, PanelRole::Supervisor, PanelRole::OneTimeUser, PanelRole::Duress];
    let ranges = [(MASTER_SLOT, MASTER_SLOT, vec![PanelRole::Master]), (MASTER_SLOT + 1, last, users.to_vec())];
    let range = |(first, last, roles): (u16, u16, Vec<PanelRole>)| {
        let slot = |n: u16| Slot::new(n.into()).ok();
        Some(RoleSlots { first: slot(first)?, last: slot(last).filter(|l| l.number() >= first)?, roles })
    };
    ranges.into_iter().filter_map(range).collect()
}

fn notes(experimental: Experimental) -> Vec<String> {
    let mut notes = vec![
        "Users are read and written with the master code; keypads show the panel as busy meanwhile.",
        "A proximity tag belongs to its user: it is enrolled at a keypad with a reader (*5, master code, slot, 2), and \
         goes when the user is disabled. That it is there is shown; its number cannot be read.",
        "The master has all partitions and keeps its attributes: only code and label can be changed.",
        "Arming without a code needs quick arming (section 015 option 4).",
        "Bypassing a zone from here uses the master code.",
        "Labels of zones and partitions are written with the installer code; the panel is in installer programming \
         for that moment.",
        "The panel's clock cannot be set over this connection.",
    ];
    notes.push(match experimental {
        Experimental::On => {
            "Changing the installer code from here is experimental: nobody has proved it on a panel. The old code is \
             kept until the new one opened installer programming."
        }
        Experimental::Off => {
            "The installer code can be verified here; it is changed at a keypad (*8, section 006). Set \
             experimental = true to try it from here."
        }
    });
    notes.into_iter().map(str::to_owned).collect()
}
