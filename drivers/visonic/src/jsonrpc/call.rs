//! What may be asked of the service, typed. What has no variant here cannot be sent: restarts, upgrades, SSH, alarms.

use std::net::Ipv4Addr;

use panel_model::{AccessCode, InstallerCode, Partition, Slot};
use serde_json::Value;

/// Setting a partition's state (dossier 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Away,
    Home,
    Disarm,
}

impl Wanted {
    fn word(self) -> &'static str {
        match self {
            Self::Away => "AWAY",
            Self::Home => "HOME",
            Self::Disarm => "DISARM",
        }
    }
}

/// The only memory items that are ever read; one of the others upsets the panel until it is re-powered (dossier 2.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    InstallerCode,
    MasterInstallerCode,
    UserPermit,
}

impl Item {
    fn number(self) -> u16 {
        match self {
            Self::InstallerCode => 84,
            Self::MasterInstallerCode => 85,
            Self::UserPermit => 120,
        }
    }
}

/// Type and number of a device (dossier 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DeviceId {
    pub(crate) kind: u16,
    pub(crate) id: u16,
}

/// Which of the panel's two installer codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InstallerKind {
    Installer,
    Master,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the service's own")]
pub(crate) enum Call {
    /// `GET`: the methods and their types.
    MethodList,
    /// `code` becomes a number: leading zeros cannot be sent [doc K].
    RegisterClient {
        ip: Ipv4Addr,
        code: AccessCode,
    },
    IsPanelConnected,
    GetPanelConfig,
    GetPanelStatuses,
    GetDevicesConfig,
    GetDeviceStatuses(DeviceId),
    GetDateTime,
    GetTagsInfo,
    GetUserCodes {
        auth: AccessCode,
    },
    GetEepromItem(Item),
    SetPanelState {
        code: AccessCode,
        wanted: Wanted,
        partition: Partition,
    },
    SetZoneDeviceBypass {
        code: AccessCode,
        zone: u16,
        bypassed: bool,
    },
    /// The last parameter may be a time in seconds: none is asked for [inferred].
    SetPgmState {
        code: AccessCode,
        output: u8,
        on: bool,
    },
    /// `time`: YYYYMMDDHHMMSS.
    SetDateTime {
        code: AccessCode,
        time: String,
    },
    SetUserCode {
        auth: AccessCode,
        slot: Slot,
        code: AccessCode,
    },
    /// Code and mask are what the third and fourth parameter are taken for [inferred].
    SetUserCodePartitions {
        auth: AccessCode,
        slot: Slot,
        code: AccessCode,
        mask: u8,
    },
    /// The current code, which of the two, the new one [inferred].
    SetInstallerCode {
        current: InstallerCode,
        kind: InstallerKind,
        new: InstallerCode,
    },
}

impl Call {
    /// The service's name of it; none for the list of methods.
    pub(crate) fn method(&self) -> Option<&'static str> {
        Some(match self {
            Self::MethodList => return None,
            Self::RegisterClient { .. } => "PmaxService/registerClient",
            Self::IsPanelConnected => "PmaxService/isPanelConnected",
            Self::GetPanelConfig => "PmaxService/getPanelConfig",
            Self::GetPanelStatuses => "PmaxService/getPanelStatuses",
            Self::GetDevicesConfig => "PmaxService/getDevicesConfig",
            Self::GetDeviceStatuses(_) => "PmaxService/getDeviceStatuses",
            Self::GetDateTime => "PmaxService/getDateTime",
            Self::GetTagsInfo => "PmaxService/getTagsInfo",
            Self::GetUserCodes { .. } => "PmaxService/getUserCodes",
            Self::GetEepromItem(_) => "PmaxService/getEepromItem",
            Self::SetPanelState { .. } => "PmaxService/setPanelState",
            Self::SetZoneDeviceBypass { .. } => "PmaxService/setZoneDeviceBypass",
            Self::SetPgmState { .. } => "PmaxService/setPgmState",
            Self::SetDateTime { .. } => "PmaxService/setDateTime",
            Self::SetUserCode { .. } => "PmaxService/setUserCode",
            Self::SetUserCodePartitions { .. } => "PmaxService/setUserCodePartitions",
            Self::SetInstallerCode { .. } => "PmaxService/setInstallerCode",
        })
    }

    /// The positional parameters. Codes are strings of four digits everywhere but in the registration [doc A].
    pub(crate) fn params(&self) -> Vec<Value> {
        let text = |code: &AccessCode| Value::from(code.expose());
        match self {
            Self::MethodList
            | Self::IsPanelConnected
            | Self::GetPanelConfig
            | Self::GetPanelStatuses
            | Self::GetDevicesConfig
            | Self::GetDateTime
            | Self::GetTagsInfo => Vec::new(),
            Self::RegisterClient { ip, code } => {
                let number = code.expose().parse::<u32>().unwrap_or(0);
                vec![ip.to_string().into(), number.into(), "user".into()]
            }
            Self::GetDeviceStatuses(device) => vec![device.kind.into(), device.id.into()],
            Self::GetUserCodes { auth } => vec![text(auth)],
            // The last one is a time in milliseconds; with less the panel does not answer in time [impl E].
            Self::GetEepromItem(item) => vec![item.number().into(), 0.into(), 2000.into()],
            // Nobody knows the last two; every client sends them so.
            Self::SetPanelState { code, wanted, partition } => {
                vec![text(code), wanted.word().into(), partition.number().into(), true.into(), true.into()]
            }
            Self::SetZoneDeviceBypass { code, zone, bypassed } => vec![text(code), (*zone).into(), (*bypassed).into()],
            Self::SetPgmState { code, output, on } => vec![text(code), (*output).into(), (*on).into(), 0.into()],
            Self::SetDateTime { code, time } => vec![text(code), time.as_str().into()],
            Self::SetUserCode { auth, slot, code } => vec![text(auth), slot.number().into(), text(code)],
            Self::SetUserCodePartitions { auth, slot, code, mask } => {
                vec![text(auth), slot.number().into(), text(code), (*mask).into()]
            }
            Self::SetInstallerCode { current, kind, new } => {
                let kind = match kind {
                    InstallerKind::Installer => "INSTALLER",
                    InstallerKind::Master => "MASTER_INSTALLER",
                };
                vec![current.expose().into(), kind.into(), new.expose().into()]
            }
        }
    }

    /// Codes are in the parameters or in the result.
    pub(crate) fn is_secret(&self) -> bool {
        match self {
            Self::MethodList
            | Self::IsPanelConnected
            | Self::GetPanelStatuses
            | Self::GetDevicesConfig
            | Self::GetDeviceStatuses(_)
            | Self::GetDateTime => false,
            Self::RegisterClient { .. }
            | Self::GetPanelConfig
            | Self::GetTagsInfo
            | Self::GetUserCodes { .. }
            | Self::GetEepromItem(_)
            | Self::SetPanelState { .. }
            | Self::SetZoneDeviceBypass { .. }
            | Self::SetPgmState { .. }
            | Self::SetDateTime { .. }
            | Self::SetUserCode { .. }
            | Self::SetUserCodePartitions { .. }
            | Self::SetInstallerCode { .. } => true,
        }
    }

    /// It changes something: never sent twice without a look between.
    pub(crate) fn is_write(&self) -> bool {
        matches!(
            self,
            Self::SetPanelState { .. }
                | Self::SetZoneDeviceBypass { .. }
                | Self::SetPgmState { .. }
                | Self::SetDateTime { .. }
                | Self::SetUserCode { .. }
                | Self::SetUserCodePartitions { .. }
                | Self::SetInstallerCode { .. }
        )
    }
}
