use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The role of a panel user inside the panel (product rule U10). Which ones a panel has is in its capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PanelRole {
    /// Everything; all partitions; cannot be disabled (U5, U7).
    Master,
    /// May manage users with equal or fewer rights.
    Supervisor,
    /// Arms and disarms its partitions.
    User,
    /// Works once (what "once" means is the panel's matter).
    OneTimeUser,
    /// Works like a user and reports a threat.
    Duress,
    /// Qolsys: master of a dwelling.
    DwellerMaster,
    /// Qolsys: limited in time.
    Guest,
    /// Qolsys: installer menus.
    Installer,
    /// Qolsys: dealer menus.
    Dealer,
}

impl PanelRole {
    /// The stable name, as in payloads and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Supervisor => "supervisor",
            Self::User => "user",
            Self::OneTimeUser => "one_time_user",
            Self::Duress => "duress",
            Self::DwellerMaster => "dweller_master",
            Self::Guest => "guest",
            Self::Installer => "installer",
            Self::Dealer => "dealer",
        }
    }
}
