use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use panel_model::PanelId;
use serde::Serialize;

use super::SecretSource;
use super::problem::Problems;
use super::raw::{Field, RawCredentials, RawPanel, RawSecret, RawSupervision};
use super::section::Section;

/// Who wins when panel and cloud differ (design.md 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// What somebody changed at the keypad is taken over.
    #[default]
    Panel,
    /// What somebody changed at the keypad is put back.
    Cloud,
}

const OFFLINE_AFTER: &str = "offline_after_s";

/// The two timers of a panel (D7), as far as the file names them. What it leaves out depends on how the panel is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Supervision {
    period: Option<Duration>,
    offline_after: Option<Duration>,
}

impl Supervision {
    /// Silence after which the panel is late, for one that may be silent for `quiet` while it is well.
    #[must_use]
    pub fn period(&self, quiet: Duration) -> Duration {
        self.period.unwrap_or(quiet)
    }

    /// Silence after which it is offline.
    #[must_use]
    pub fn offline_after(&self, quiet: Duration) -> Duration {
        self.offline_after.unwrap_or(self.period(quiet).saturating_mul(3))
    }

    /// What is wrong with the two together, and what to give: offline is not declared on the first missed sign.
    fn problem(&self, quiet: Duration) -> Option<(String, String)> {
        let (period, offline) = (self.period(quiet).as_secs(), self.offline_after(quiet).as_secs());
        let least = period.saturating_mul(2);
        let what = || format!("{offline} is less than twice the period of {period} s");
        (offline < least).then(|| (what(), format!("give at least {least}")))
    }

    /// Adds what is wrong with it once it is known how long the panel may be silent. What the file alone shows to be
    /// wrong was told when it was read.
    pub fn check(&self, panel: &PanelId, quiet: Duration, problems: &mut Problems) {
        if self.period.is_none()
            && let Some((what, hint)) = self.problem(quiet)
        {
            problems.error(format!("panel {panel}: supervision.{OFFLINE_AFTER}"), what, hint);
        }
    }
}

/// One panel, without the vendor's own part being looked at.
#[derive(Debug, Clone)]
pub struct PanelConfig {
    /// Our name of it.
    pub id: PanelId,
    /// The vendor's name, as the daemon's registry knows it.
    pub vendor: String,
    /// Name for people.
    pub label: Option<String>,
    /// Who wins.
    pub authority: Authority,
    /// After which silence it is late, and offline.
    pub supervision: Supervision,
    /// Where its secrets are.
    pub credentials: CredentialSources,
    /// The vendor's own keys.
    pub vendor_table: toml::Table,
}

/// Where the secrets of one panel are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the file's own keys")]
pub struct CredentialSources {
    pub password: Option<SecretSource>,
    pub master_code: Option<SecretSource>,
    pub installer_code: Option<SecretSource>,
}

pub(super) fn check_panels(raw: Vec<RawPanel>, folder: &Path, problems: &mut Problems) -> Vec<PanelConfig> {
    if raw.is_empty() {
        problems.warning("panel", "there is none", "add a section [[panel]] for each panel");
    }
    let mut seen = BTreeSet::new();
    let mut panels = Vec::new();
    for (n, raw) in raw.into_iter().enumerate() {
        let Some(panel) = check_panel(n + 1, raw, folder, problems) else { continue };
        if !seen.insert(panel.id.clone()) {
            problems.error(format!("panel {}: id", panel.id), "is used twice", "give each panel its own id");
        }
        panels.push(panel);
    }
    panels
}

fn check_panel(number: usize, mut raw: RawPanel, folder: &Path, problems: &mut Problems) -> Option<PanelConfig> {
    let name = match &raw.id {
        Field::Given(id) => format!("panel {id}: "),
        _ => format!("panel no. {number}: "),
    };
    let mut section = Section::new(name.clone(), problems);
    let id: Option<PanelId> = section.parsed("id", raw.id, "a name such as \"dsc-1\"");
    let vendor = section.required("vendor", raw.vendor, "the vendor's name, such as \"dsc\"");
    let vendor_table = vendor.as_ref().and_then(|vendor| match raw.unknown.remove(vendor) {
        Some(toml::Value::Table(table)) => Some(table),
        Some(_) => {
            section.error(vendor, "has the wrong form", format!("give a section [panel.{vendor}]"));
            None
        }
        None => {
            section.error(vendor, "is missing", format!("add a section [panel.{vendor}] with the vendor's own keys"));
            None
        }
    });
    section.unknown::<RawPanel>(&raw.unknown);
    let label = section.optional("label", raw.label, "a text");
    let words = [("panel", Authority::Panel), ("cloud", Authority::Cloud)];
    let authority = section.choice("authority", raw.authority, &words).unwrap_or_default();
    let supervision = section.optional("supervision", raw.supervision, "a table").unwrap_or_default();
    let credentials = section.optional("credentials", raw.credentials, "a table").unwrap_or_default();
    let supervision = check_supervision(&name, supervision, problems);
    let credentials = check_credentials(&name, credentials, folder, problems);
    Some(PanelConfig {
        id: id?,
        vendor: vendor?,
        label,
        authority,
        supervision,
        credentials,
        vendor_table: vendor_table?,
    })
}

/// Ten seconds to 45 days, as supervising receivers take them.
fn check_supervision(panel: &str, raw: RawSupervision, problems: &mut Problems) -> Supervision {
    let mut section = Section::new(format!("{panel}supervision."), problems);
    section.unknown::<RawSupervision>(&raw.unknown);
    let range = 10..=45 * 86_400;
    let mut seconds =
        |key, field, otherwise| section.ranged(key, field, range.clone(), otherwise).map(Duration::from_secs);
    let supervision = Supervision {
        period: seconds("period_s", raw.period_s, "what suits the way to the panel"),
        offline_after: seconds(OFFLINE_AFTER, raw.offline_after_s, "three times the period"),
    };
    if let Some((what, hint)) = supervision.period.and_then(|period| supervision.problem(period)) {
        section.error(OFFLINE_AFTER, what, hint);
    }
    supervision
}

fn check_credentials(panel: &str, raw: RawCredentials, folder: &Path, problems: &mut Problems) -> CredentialSources {
    let mut section = Section::new(format!("{panel}credentials."), problems);
    section.unknown::<RawCredentials>(&raw.unknown);
    CredentialSources {
        password: secret(&mut section, "password", raw.password, folder),
        master_code: secret(&mut section, "master_code", raw.master_code, folder),
        installer_code: secret(&mut section, "installer_code", raw.installer_code, folder),
    }
}

pub(super) fn secret(
    section: &mut Section<'_>,
    key: &str,
    field: Field<RawSecret>,
    folder: &Path,
) -> Option<SecretSource> {
    let form = "the place of the secret, { file = \"…\" } or { credential = \"…\" }; it never stands in this file";
    match section.optional(key, field, form)? {
        RawSecret { file: Some(file), credential: None } => Some(SecretSource::File(folder.join(file))),
        RawSecret { file: None, credential: Some(name) } => Some(SecretSource::Credential(name)),
        _ => {
            section.error(key, "has not exactly one place", format!("give {form}"));
            None
        }
    }
}
