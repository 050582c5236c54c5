//! The signed report of a commissioning as a page to print: one file, no script, nothing loaded from elsewhere.

use askama::Template;

use crate::actions::SignedReport;
use crate::payload::{AssetRow, CommissioningReport, ReportedPerson, Timestamp};
use crate::store::Place;

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'a> {
    report: &'a CommissioningReport,
    sha256: &'a str,
}

/// The page. Everything that people wrote is escaped.
///
/// # Errors
/// None that can happen: the page is written to memory.
pub(super) fn page(signed: &SignedReport) -> Result<String, askama::Error> {
    ReportPage { report: &signed.report, sha256: &signed.sha256 }.render()
}

/// A time as people read it, with the box's distance from UTC.
fn time(at: &Timestamp) -> String {
    let at: panel_model::WallTime = (*at).into();
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(time) => time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        Err(_) => "-".to_owned(),
    }
}

fn some_time(at: &Option<Timestamp>) -> String {
    at.as_ref().map_or_else(|| "-".to_owned(), time)
}

fn role(user: &ReportedPerson) -> String {
    let word = user.role.and_then(|role| serde_json::to_value(role).ok());
    word.and_then(|word| word.as_str().map(|word| word.replace('_', " "))).unwrap_or_else(|| "-".to_owned())
}

fn partitions(user: &ReportedPerson) -> String {
    user.partitions.map_or_else(|| "-".to_owned(), |partitions| partitions.to_string())
}

fn zone(asset: &AssetRow) -> String {
    match &asset.place {
        Place::Panel { zone: Some(zone), .. } => zone.to_string(),
        Place::Panel { zone: None, .. } | Place::Storage { .. } => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{PanelIdentity, Signature, WalkResult, WalkRow, WalkTest};

    #[test]
    fn what_people_wrote_is_text_and_never_markup() {
        let noon = Timestamp::from(panel_model::WallTime(1_795_342_272_345));
        let evil = "<script>alert(1)</script>&\"'";
        let zone = WalkRow {
            zone: panel_model::Zone::new(7).expect("a zone"),
            label: Some(evil.into()),
            result: WalkResult::Skipped,
            at: Some(noon),
            reason: Some(evil.into()),
            by: Some(evil.into()),
        };
        let report = CommissioningReport {
            gateway: "site-7".into(),
            version: "0.1.0".into(),
            panel: "dsc-1".parse().expect("an id"),
            identity: PanelIdentity { vendor: "dsc".into(), model: evil.into(), firmware: None, link: evil.into() },
            signed: Signature { name: evil.into(), actor: evil.into(), role: evil.into(), door: "x".into(), at: noon },
            steps: Vec::new(),
            walk_test: WalkTest { running: false, started: Some(noon), ends: None, zones: vec![zone] },
            users: Vec::new(),
            equipment: Vec::new(),
        };
        let page = page(&SignedReport { sha256: "ab".into(), json: String::new(), report }).expect("a page");
        assert!(!page.contains("<script") && !page.contains(evil), "{page}");
        assert_eq!(page.matches("alert(1)").count(), 8, "{page}");
        for foreign in ["src=", "href=", "@import", "url("] {
            assert!(!page.contains(foreign), "{foreign} loads something: {page}");
        }
        assert!(page.contains("<td>7</td>") && page.contains("skipped"), "{page}");
    }
}
