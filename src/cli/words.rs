//! What stable codes mean, in words.

use panel_model::{Access, Capabilities, Evidence, Field};

use crate::api::ApiProblem;
use crate::payload::{Answer, Timestamp};

/// How well something is proved.
pub(super) fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::ReadBack => "read back from the panel",
        Evidence::Acknowledged => "acknowledged by the panel",
        Evidence::WrittenBlind => "written, without an answer from the panel",
    }
}

/// How one wished value stands.
pub(super) fn answer(field: Field, answer: &Answer, capabilities: &Capabilities) -> String {
    match answer {
        Answer::Applied { .. } if access(field, capabilities) == Access::Cached => {
            "applied: kept by the box, this panel has no such thing".to_owned()
        }
        Answer::Applied { evidence: proof, .. } => format!("applied: {}", evidence(*proof)),
        Answer::Pending { tries, why, .. } => {
            let tried = if *tries > 0 { format!(" after {tries} tries") } else { String::new() };
            let waits = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            format!("pending{tried}{waits}")
        }
        Answer::Refused { refusal, text, .. } => format!("refused ({}): {text}", refusal.code()),
        Answer::Failed { error, next_try, .. } => {
            let next = match next_try {
                Some(at) => format!("; next try at {}", time(*at)),
                None => "; not tried again before somebody changes something".to_owned(),
            };
            format!("failed ({}): {}{next}", error.code, error.text)
        }
    }
}

fn access(field: Field, capabilities: &Capabilities) -> Access {
    let sections = &capabilities.sections;
    match field {
        Field::Code => sections.codes,
        Field::Label => sections.labels,
        Field::Partitions => sections.partitions,
        Field::Role => sections.roles,
    }
}

/// A refusal, as it is shown wherever something was refused.
pub(super) fn refused(problem: &ApiProblem) -> String {
    let hint = problem.hint.as_ref().map(|hint| format!("\n    {hint}")).unwrap_or_default();
    format!("refused ({}): {}{hint}", problem.refusal, problem.text)
}

/// A time as people at the box read it: local, to the second.
pub(super) fn time(at: Timestamp) -> String {
    let at: panel_model::WallTime = at.into();
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(time) => time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => "-".to_owned(),
    }
}

/// What is there, or `-`.
pub(super) fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

/// A serde word, such as `one_time_user`.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_else(|| "-".to_owned())
}
