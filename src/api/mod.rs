//! The local API's own shapes and paths, shared by the server (`console`) and the client (`cli`): pages, the box's
//! own state, what a follower is sent, errors. Everything that the cloud also gets is in `payload`.
//!
//! | method, path under `/api/v1` | body | answer |
//! |---|---|---|
//! | `GET key` | | [`BoxKey`], for everybody who is let in: without it nobody could seal a code |
//! | `GET info` | | [`BoxInfo`] |
//! | `GET dialling` | | [`Dialling`]: the panels that dial the box |
//! | `GET panels` | | list of `PanelRow` |
//! | `GET panels/{id}` | | `PanelDetail` |
//! | `GET panels/{id}/users?page&size` | | [`Page`] of [`UserRow`] |
//! | `GET panels/{id}/follow?slot` | | server-sent [`PanelUpdate`]s, the first one whole |
//! | `GET panels/{id}/wire` | | list of `WireRow` |
//! | `GET events?panel&after&limit&newest` | | list of `Event` |
//! | `GET events/follow?panel&after` | | server-sent `Event`s |
//! | `GET log?after&limit&newest` | | list of `LogLine` |
//! | `GET log/proof` | | [`LogProof`] |
//! | `GET roles` | | list of [`RoleRow`] |
//! | `GET companies?page&size`, `participations?page&size` | | [`Page`] of [`CompanyRow`], [`ParticipationRow`] |
//! | `GET requests?page&size`, `requests/mine?page&size` | | [`Page`] of [`RequestRow`], the newest first |
//! | `GET deleted?page&size` | | [`Page`] of [`DeletedRow`], the latest first |
//! | `GET assets?page&size` | | [`Page`] of `AssetRow` |
//! | `GET assets/storage?page&size`, `assets/categories`, `assets/models` | | [`Page`] of `RegisterRow` |
//! | `GET panels/{id}/commissioning` | | `Checklist` |
//! | `GET panels/{id}/commissioning/report` | | [`ReportCopy`] |
//! | `GET whoami` | | [`WhoAmI`] |
//! | `GET people?kind&page&size` | | [`Page`] of [`PersonRow`] |
//! | `GET accounts?like&page&size` | | [`Page`] of [`AccountRow`] |
//! | `POST actions` | [`Asked`] | `Done`, or an [`ApiProblem`] with the status of its refusal |
//!
//! Each path but `key` and `requests/mine` asks for the permission to view what it shows; lists show what the asker may
//! see of them (P1, I4).

mod roles;

mod people;

use std::collections::BTreeMap;

use panel_model::{PanelId, Slot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actions::Action;
use crate::payload::{PanelStatus, SealingKey, State, Timestamp, User};
use crate::secrets::SealedCode;
use crate::store::Proof;

pub use roles::{CompanyRow, DeletedRow, ParticipationRow, RequestRow, RoleRow};

pub use people::{AccountRow, PersonRow, UserRow, WhoAmI};

/// Header of an answer that says what the asker should do some time, such as ending the `init` account (S2).
pub const NOTICE: &str = "panelgate-notice";

/// What every path begins with.
pub const ROOT: &str = "/api/v1";

/// Body of `POST actions`: what is asked for, and what the asker shows for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The action.
    pub action: Action,
    /// The panel's installer code, where the action needs it and the asker has not unlocked the panel before (I3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installer_code: Option<SealedCode>,
}

/// Rows of one page (U15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// The rows of this page.
    pub rows: Vec<T>,
    /// Number of the page, from 1.
    pub page: usize,
    /// Rows on a full page.
    pub size: usize,
    /// Pages in all, at least 1.
    pub pages: usize,
    /// Rows in all.
    pub total: usize,
    /// What is shown, for people: `1-15 of 95`.
    pub shown: String,
}

/// A page that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// U15.
    #[error("a page has 10, 15, 50, 100 or 200 rows, not {0}")]
    Size(usize),
    /// Pages count from 1.
    #[error("there is no page {page}; the last one is {last}")]
    Number {
        /// The page asked for.
        page: usize,
        /// The last page that there is.
        last: usize,
    },
}

impl<T> Page<T> {
    /// Sizes that a page may have (U15).
    pub const SIZES: [usize; 5] = [10, 15, 50, 100, 200];
    /// The size unless told.
    pub const DEFAULT_SIZE: usize = 15;

    /// Cuts one page out of all rows.
    ///
    /// # Errors
    /// [`PageError`] for a size that is none, and for a page beyond the last one.
    pub fn of(rows: impl Iterator<Item = T>, page: usize, size: usize) -> Result<Self, PageError> {
        if !Self::SIZES.contains(&size) {
            return Err(PageError::Size(size));
        }
        let all: Vec<T> = rows.collect();
        let total = all.len();
        let pages = total.div_ceil(size).max(1);
        if !(1..=pages).contains(&page) {
            return Err(PageError::Number { page, last: pages });
        }
        let before = (page - 1) * size;
        let rows: Vec<T> = all.into_iter().skip(before).take(size).collect();
        let shown = match rows.len() {
            0 => "0 of 0".to_owned(),
            n => format!("{}-{} of {total}", before + 1, before + n),
        };
        Ok(Self { rows, page, size, pages, total, shown })
    }
}

/// The key that codes are sealed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoxKey {
    /// The box's name.
    pub gateway: String,
    /// Where codes are sealed to.
    pub sealing_key: SealingKey,
}

/// The box itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoxInfo {
    /// Its name.
    pub gateway: String,
    /// Version of panelgate.
    pub version: String,
    /// Where codes are sealed to.
    pub sealing_key: SealingKey,
    /// The units of the daemon by name.
    pub units: UnitStates,
    /// How the way to the cloud stands; absent where none is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<CloudState>,
    /// What waits for the cloud.
    pub outbox: OutboxState,
    /// What somebody should do about the box.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// How the way to the cloud stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CloudState {
    /// The broker is connected now.
    pub connected: bool,
    /// Since when it is or is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What is wrong, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Records that the broker took since the start.
    pub delivered: u64,
}

/// How the daemon's units stand, by name.
pub type UnitStates = BTreeMap<String, UnitState>;

/// How a unit of the daemon stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum UnitState {
    /// It runs.
    Running,
    /// It failed and will be started again.
    Restarting {
        /// Failures that followed closely on each other.
        failures: u32,
        /// The last failure.
        why: String,
    },
    /// It ended because it was asked to.
    Stopped,
    /// It failed too often and is left alone until the daemon is started again.
    GaveUp {
        /// The last failure.
        why: String,
    },
}

/// What waits for the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OutboxState {
    /// Messages.
    pub depth: u64,
    /// Bytes.
    pub bytes: u64,
    /// When the oldest of them happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Timestamp>,
}

/// The panels that dial the box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dialling {
    /// The addresses that they dial.
    pub doors: Vec<DoorRow>,
    /// Those that nobody configured, the latest first. They are refused.
    pub wanting: Vec<WantingRow>,
}

/// An address that panels dial, with what came there since the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoorRow {
    /// The box's address.
    pub listen: String,
    /// Whose panels dial it.
    pub vendor: String,
    /// Whether it is open; if not, the log says why.
    pub open: bool,
    /// Panels that are configured for it.
    pub known: usize,
    /// Connections of panels that nobody configured.
    pub unknown: u64,
    /// Panels that nobody configured and that were dropped from the list, because it was full.
    pub dropped: u64,
    /// Connections that ended because a newer one of the same panel came.
    pub taken_over: u64,
    /// Connections that did not say in time which panel they are.
    pub strangers: u64,
    /// Of these, how many went early because too many others had not said it either.
    pub crowded_out: u64,
}

/// A panel that dials the box and that nobody configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WantingRow {
    /// What it calls itself.
    pub identifier: String,
    /// Whose panel it is.
    pub vendor: String,
    /// The box's address that it dials.
    pub listen: String,
    /// Where it dialled from last.
    pub from: String,
    /// How often.
    pub count: u64,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
}

/// A panel as a follower is sent it, whole at first and then after each change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PanelUpdate {
    /// The panel.
    pub panel: PanelId,
    /// Whether it can be reached, and how far long work is.
    pub status: PanelStatus,
    /// Partitions, zones, troubles, locks.
    pub state: State,
    /// Rises with every accepted wish.
    pub desired_version: u64,
    /// Rises with every change of a user or of an answer.
    pub reported_version: u64,
    /// Users that changed since the update before; all in the first one. `null`: nothing is known of the slot any more.
    pub users: BTreeMap<Slot, Option<User>>,
}

/// What a look through the whole action log found (L2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogProof {
    /// Nothing was cut, edited or moved.
    pub sound: bool,
    /// Lines in the chain.
    pub lines: u64,
    /// Lines from before there was a chain; nothing proves them.
    pub unchained: u64,
    /// Number of the first line: those before it were pruned after the cloud had them.
    pub first: Option<u64>,
    /// Number of the newest line.
    pub last: Option<u64>,
    /// Hash of the newest line: compare it with the one that the cloud got under that number.
    pub head: Option<String>,
    /// What is wrong, a sentence for each thing.
    pub damage: Vec<String>,
}

impl From<Proof> for LogProof {
    fn from(proof: Proof) -> Self {
        Self {
            sound: proof.damage.is_empty(),
            lines: proof.lines,
            unchained: proof.unchained,
            first: proof.first,
            last: proof.head.map(|link| link.number),
            head: proof.head.map(|link| link.hash.to_string()),
            damage: proof.damage.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The last signed report of a panel's commissioning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportCopy {
    /// SHA-256 of `json`, in hex, as in the action log's line of the sign-off.
    pub sha256: String,
    /// The report, byte for byte as it was signed and as the cloud gets it.
    pub json: String,
    /// The same as a page to print.
    pub html: String,
}

/// Why the API did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{refusal}: {text}")]
pub struct ApiProblem {
    /// The stable code of the refusal; `not_found` and `invalid` also for requests that are none of the API's.
    pub refusal: String,
    /// What is wrong in this case.
    pub text: String,
    /// What the code means and what to do, where the text does not say it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_say_what_they_show() {
        for (total, page, size, shown, pages) in [
            (95, 1, 15, "1-15 of 95", 7),
            (95, 7, 15, "91-95 of 95", 7),
            (15, 1, 15, "1-15 of 15", 1),
            (0, 1, 10, "0 of 0", 1),
            (201, 2, 200, "201-201 of 201", 2),
        ] {
            let page = Page::of(0..total, page, size).expect("a page");
            assert_eq!((page.shown.as_str(), page.pages), (shown, pages));
        }
    }

    #[test]
    fn pages_that_are_not_there_are_refused() {
        assert_eq!(Page::of(0..95, 8, 15), Err(PageError::Number { page: 8, last: 7 }));
        assert_eq!(Page::of(0..95, 0, 15), Err(PageError::Number { page: 0, last: 7 }));
        assert_eq!(Page::of(0..95, 1, 20), Err(PageError::Size(20)));
    }
}
