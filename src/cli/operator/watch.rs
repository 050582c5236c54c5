use std::collections::BTreeMap;
use std::time::Duration;

use panel_model::{GatewayId, PanelId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::broker::{Broker, Told};
use super::{BrokerArgs, WatchArgs};
use crate::cli::history::event_words;
use crate::cli::words::{time, word};
use crate::cli::{Exit, out};
use crate::cloud::topic::Topic;
use crate::payload::{
    Answer, Arm, Delta, DesiredDocument, DirectoryDocument, DirectoryOutcome, DirectoryReported, Event, Gap,
    GatewayStatus, Info, LogLine, PanelStatus, PartitionState, Reported, State, User, ZoneState, read,
};

pub(super) async fn run(args: &BrokerArgs, what: &WatchArgs) -> anyhow::Result<Exit> {
    let mut broker = Broker::connect(args).await?;
    broker.subscribe(vec![filter(args, what.panel.as_ref())]).await?;
    let end = what.seconds.map(|seconds| Instant::from_std(panel_driver::clock::now()) + Duration::from_secs(seconds));
    let mut seen = 0;
    while what.count.is_none_or(|count| seen < count) {
        let told = match end {
            Some(end) => match timeout_at(end, broker.next()).await {
                Ok(told) => told?,
                Err(_) => break,
            },
            None => broker.next().await?,
        };
        seen += 1;
        if args.json {
            let mut payload: Value = serde_json::from_slice(&told.payload).unwrap_or(Value::Null);
            if told.topic == Topic::Request
                && let Some(token) = payload.get_mut("token")
            {
                *token = Value::String("<redacted>".into());
            }
            out::json_line(&json!({ "topic": told.name, "retained": told.retained, "payload": payload }))?;
        } else {
            out::line(line(&told))?;
        }
    }
    broker.close().await;
    Ok(Exit::Ok)
}

fn filter(args: &BrokerArgs, panel: Option<&PanelId>) -> String {
    let gateway = args.gateway.as_ref().map_or("+", GatewayId::as_str);
    match panel {
        Some(panel) => format!("{}/{gateway}/panels/{panel}/#", args.prefix),
        None => format!("{}/{gateway}/#", args.prefix),
    }
}

/// One message as one line: gateway, panel, topic, and what matters of it.
fn line(told: &Told) -> String {
    let panel = told.topic.panel().map_or("-", PanelId::as_str);
    let said = said(told).unwrap_or_else(|| String::from_utf8_lossy(&told.payload).into_owned());
    format!("{}  {panel:<10} {:<9} {said}", told.gateway, told.topic.leaf())
}

/// `None` for what a newer gateway may say and this program does not understand.
fn said(told: &Told) -> Option<String> {
    let payload = &told.payload;
    if payload.is_empty() {
        return Some("cleared".to_owned());
    }
    Some(match &told.topic {
        Topic::Status => gateway_status(&parsed(payload)?),
        Topic::Info => info(&parsed(payload)?),
        Topic::Log => parsed(payload).map(|line| log_line(&line)).or_else(|| parsed(payload).map(|gap| lost(&gap)))?,
        Topic::PanelStatus(_) => panel_status(&parsed(payload)?),
        Topic::State(_) => state(&parsed(payload)?),
        Topic::Desired(_) => desired(&parsed(payload)?),
        Topic::Reported(_) => reported(&parsed(payload)?),
        Topic::Delta(_) => delta(&parsed(payload)?),
        Topic::Event(_) => event(&parsed(payload)?),
        // The token is not shown.
        Topic::Request => request(&parsed(payload)?),
        Topic::Response(_) => super::request::answer(&parsed(payload)?),
        Topic::DirectoryDesired => format!("version {}", parsed::<DirectoryDocument>(payload)?.version),
        Topic::DirectoryKeys => "other keys for tokens".to_owned(),
        Topic::DirectoryReported => directory(&parsed(payload)?),
    })
}

fn parsed<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    read(payload).ok()
}

fn gateway_status(status: &GatewayStatus) -> String {
    let since = status.since.map(|at| format!(" since {}", time(at))).unwrap_or_default();
    format!("{}{since}, panelgate {}", word(&status.state), status.version)
}

fn info(info: &Info) -> String {
    let panels: Vec<_> =
        info.panels.iter().map(|panel| format!("{} ({})", panel.panel, panel.capabilities.model)).collect();
    format!("panels: {}", list(&panels))
}

fn panel_status(status: &PanelStatus) -> String {
    let progress = status.progress.as_ref().map(|p| format!(", {} {}/{}", p.what, p.done, p.total));
    let needs = status.needs.as_ref().map(|needs| format!(", needs: {needs}"));
    format!(
        "{} since {}, {}{}{}",
        status.state.name(),
        time(status.since),
        status.link,
        progress.unwrap_or_default(),
        needs.unwrap_or_default()
    )
}

fn state(state: &State) -> String {
    let partitions = state.partitions.iter().map(|(n, partition)| format!("{n} {}", armed(partition)));
    let mut parts = vec![format!("partitions: {}", list(&partitions.collect::<Vec<_>>()))];
    let zones = |what: &str, fits: fn(&ZoneState) -> bool| {
        let numbers: Vec<_> = state.zones.iter().filter(|(_, zone)| fits(zone)).map(|(n, _)| n.to_string()).collect();
        (!numbers.is_empty()).then(|| format!("{what}: {}", numbers.join(" ")))
    };
    parts.extend(zones("open", |zone| zone.open));
    parts.extend(zones("in alarm", |zone| zone.alarm));
    parts.extend(zones("tampered", |zone| zone.tamper));
    parts.extend(zones("bypassed", |zone| zone.bypassed));
    if !state.troubles.is_empty() {
        parts.push(format!("troubles: {}", state.troubles.iter().map(|t| word(&t.kind)).collect::<Vec<_>>().join(" ")));
    }
    if state.installer_mode {
        parts.push("installer programming".to_owned());
    }
    if state.status != crate::payload::Availability::Online {
        parts.push(format!("not good: {} since {}", state.status.name(), time(state.since)));
    }
    parts.join("; ")
}

fn armed(partition: &PartitionState) -> String {
    let mut text = match (partition.arm, partition.mode) {
        (Arm::Armed, Some(mode)) => format!("armed {}", word(&mode)),
        (arm, _) => word(&arm),
    };
    if partition.alarm {
        text += " IN ALARM";
    }
    text
}

fn desired(document: &DesiredDocument) -> String {
    let slots: Vec<_> = document.users.keys().map(ToString::to_string).collect();
    format!("version {}: users {}", document.version, list(&slots))
}

fn reported(reported: &Reported) -> String {
    let set = reported.users.values().filter(|user| user.code_state == panel_model::CodeState::Set).count();
    let refused = reported.refused_document.as_ref();
    let refused = refused.map(|r| format!("; document refused ({}): {}", r.refusal, r.text)).unwrap_or_default();
    let open = wishes(reported.users.values());
    format!("version {}, document {}: {set} users{open}{refused}", reported.version, reported.cloud_version)
}

fn delta(delta: &Delta) -> String {
    let slots: Vec<_> = delta.users.keys().map(ToString::to_string).collect();
    let open = wishes(delta.users.values().flatten());
    format!("version {} to {}: users {}{open}", delta.from, delta.to, list(&slots))
}

/// How the wishes stand, counted.
fn wishes<'a>(users: impl Iterator<Item = &'a User>) -> String {
    let mut counts = BTreeMap::new();
    for answer in users.flat_map(|user| user.answers.values()) {
        let how = match answer {
            Answer::Applied { .. } => "applied",
            Answer::Pending { .. } => "pending",
            Answer::Refused { .. } => "refused",
            Answer::Failed { .. } => "failed",
        };
        *counts.entry(how).or_insert(0) += 1;
    }
    counts.iter().map(|(how, count)| format!(", {count} {how}")).collect()
}

fn event(event: &Event) -> String {
    let late = if event.origin == panel_model::Origin::Replay { " (found after a reconnect)" } else { "" };
    format!("{}  {}{late}", time(event.at), event_words(event))
}

fn log_line(line: &LogLine) -> String {
    let on = [
        line.panel.as_ref().map(ToString::to_string),
        line.slot.map(|slot| format!("user {slot}")),
        line.subject.clone(),
    ];
    let on: Vec<_> = on.into_iter().flatten().collect();
    let text = line.text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
    format!(
        "{}  {} by {}: {} {}: {}{text}",
        time(line.at),
        line.door,
        line.actor,
        line.action,
        on.join(" "),
        line.result
    )
}

fn request(request: &serde_json::Map<String, Value>) -> String {
    let word = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("?").to_owned();
    let action = request.get("action").and_then(|action| action.get("action"));
    format!("{} asks for {}", word(request.get("id")), word(action))
}

fn directory(reported: &DirectoryReported) -> String {
    let outcomes = reported.entries.values().flat_map(BTreeMap::values);
    let refused = outcomes.clone().filter(|outcome| **outcome != DirectoryOutcome::Applied).count();
    let why = [&reported.refused_document, &reported.refused_keys].into_iter().flatten();
    let why: String = why.map(|refused| format!("; refused ({}): {}", refused.refusal, refused.text)).collect();
    let keys = list(&reported.keys);
    format!("version {}: {} entries, {refused} refused; keys: {keys}{why}", reported.version, outcomes.count())
}

fn lost(gap: &Gap) -> String {
    format!("{} messages are missing here ({}), numbers {} to {}", gap.count, word(&gap.priority), gap.first, gap.last)
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
