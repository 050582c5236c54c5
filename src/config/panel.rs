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
    /// Silence after which the panel is late (D7).
    pub period: Duration,
    /// Silence after which it is offline.
    pub offline_after: Duration,
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
    let (period, offline_after) = check_supervision(&name, supervision, problems);
    let credentials = check_credentials(&name, credentials, folder, problems);
    Some(PanelConfig {
        id: id?,
        vendor: vendor?,
        label,
        authority,
        period,
        offline_after,
        credentials,
        vendor_table: vendor_table?,
    })
}

/// Ten seconds to 45 days, as supervising receivers take them; offline is not declared on the first missed sign.
fn check_supervision(panel: &str, raw: RawSupervision, problems: &mut Problems) -> (Duration, Duration) {
    let mut section = Section::new(format!("{panel}supervision."), problems);
    section.unknown::<RawSupervision>(&raw.unknown);
    let range = 10..=45 * 86_400;
    let period = section.number("period_s", raw.period_s, 60, range.clone());
    let offline = section.number("offline_after_s", raw.offline_after_s, period.saturating_mul(3), range);
    if offline < period.saturating_mul(2) {
        let what = format!("{offline} is less than twice the period of {period} s");
        section.error("offline_after_s", what, format!("give at least {}", period.saturating_mul(2)));
    }
    (Duration::from_secs(period), Duration::from_secs(offline))
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
