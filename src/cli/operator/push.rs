use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use panel_model::{Capabilities, GatewayId, PanelId};
use tokio::time::timeout;

use super::broker::{Broker, Told};
use super::document::{Path, paths, raised, with_user};
use super::{BrokerArgs, PushArgs, entered_code, sealed, sealing_key};
use crate::cli::follow::Shown;
use crate::cli::{Exit, out, words};
use crate::cloud::topic::Topic;
use crate::payload::{
    Answer, Delta, DesiredDocument, DesiredUser, GatewayState, GatewayStatus, PanelStatus, Reported, User, read,
};

pub(super) async fn run(args: &BrokerArgs, what: PushArgs) -> anyhow::Result<Exit> {
    let whole = whole_document(&what)?;
    let mut broker = Broker::connect(args).await?;
    let gateway = broker.gateway(args).await?;
    let known = Known::read(&mut broker, &gateway, &what.panel).await?;
    let (document, paths) = match (whole, what.slot) {
        (Some(document), _) => {
            let document = raised(document, known.newest());
            let all = document.users.iter().flat_map(|(slot, user)| paths(*slot, user.as_ref())).collect();
            (document, all)
        }
        (None, Some(slot)) => {
            let change = change_of(&what, &known)?;
            let wished = paths(slot, change.as_ref());
            (with_user(known.desired.clone(), slot, change, known.newest()), wished)
        }
        (None, None) => bail!("nothing to push"),
    };
    let mut waiting = Waiting::new(&what.panel, &known, &document, paths, args.json);
    broker.publish(&Topic::Desired(what.panel.clone()), &gateway, serde_json::to_vec(&document)?).await?;
    eprintln!("{}: document version {} published for gateway {gateway}", what.panel, document.version);
    let exit = if what.wait.no_wait {
        Exit::Pending
    } else if !known.online {
        eprintln!("gateway {gateway} is not connected: the document waits at the broker");
        Exit::Pending
    } else {
        let patience = Duration::from_secs(what.wait.timeout);
        let ended = timeout(patience, waiting.for_answers(&mut broker, &gateway)).await;
        waiting.shown.end();
        match ended {
            Ok(exit) => exit?,
            Err(_) => waiting.still_pending(),
        }
    };
    broker.close().await;
    Ok(exit)
}

/// The document from --file or stdin; `None` when one user is changed by options.
fn whole_document(what: &PushArgs) -> anyhow::Result<Option<DesiredDocument>> {
    let text = match (&what.file, what.slot) {
        (Some(path), _) => std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?,
        (None, Some(_)) => return Ok(None),
        (None, None) => {
            let mut text = Vec::new();
            std::io::stdin().read_to_end(&mut text)?;
            text
        }
    };
    let document = read(&text).context("the document cannot be used")?;
    Ok(Some(document))
}

fn change_of(what: &PushArgs, known: &Known) -> anyhow::Result<Option<DesiredUser>> {
    if what.disable {
        return Ok(None);
    }
    let code = match what.code {
        true => {
            let slot = what.slot.map(|slot| slot.to_string()).unwrap_or_default();
            let code = entered_code(&format!("new code for user {slot} of {}", what.panel))?;
            Some(sealed(&known.sealing_key, &code)?)
        }
        false => None,
    };
    let change = DesiredUser { code, label: what.label.clone(), role: what.role, partitions: what.partitions };
    if change == DesiredUser::default() {
        bail!("say what the user shall be: --code, --label, --partitions, --role, or --disable");
    }
    Ok(Some(change))
}

/// What the broker knows before anything is pushed.
struct Known {
    online: bool,
    sealing_key: [u8; 32],
    capabilities: Capabilities,
    desired: Option<DesiredDocument>,
    reported: Option<Reported>,
}

impl Known {
    async fn read(broker: &mut Broker, gateway: &GatewayId, panel: &PanelId) -> anyhow::Result<Self> {
        let name = |topic: Topic| topic.encode(broker.prefix(), gateway);
        // A broker serves one client's subscriptions in their order: when the status is there, whatever was retained of
        // the others was there before.
        let first = vec![name(Topic::Desired(panel.clone())), name(Topic::Reported(panel.clone()))];
        let then =
            vec![name(Topic::Delta(panel.clone())), name(Topic::PanelStatus(panel.clone())), name(Topic::Status)];
        let info = broker.info(gateway).await?;
        let Some(of_panel) = info.panels.iter().find(|known| known.panel == *panel) else {
            let names: Vec<_> = info.panels.iter().map(|panel| panel.panel.as_str()).collect();
            bail!("gateway {gateway} has no panel {panel}; it has: {}", names.join(", "));
        };
        let mut known = Self {
            online: false,
            sealing_key: sealing_key(&info)?,
            capabilities: of_panel.capabilities.clone(),
            desired: None,
            reported: None,
        };
        broker.subscribe(first).await?;
        broker.subscribe(then).await?;
        loop {
            let told = broker.soon("the gateway's status").await?;
            match told.topic {
                Topic::Desired(_) if !told.payload.is_empty() => {
                    let document = read(&told.payload);
                    known.desired = Some(document.context(
                        "the retained document cannot be read; replace it whole: push without --slot, from a file",
                    )?);
                }
                Topic::Reported(_) => known.reported = read(&told.payload).ok(),
                Topic::Status => {
                    let status: GatewayStatus = read(&told.payload).context("the gateway's status cannot be read")?;
                    known.online = status.state == GatewayState::Online;
                    return Ok(known);
                }
                _ => {}
            }
        }
    }

    /// The highest version that anybody used.
    fn newest(&self) -> u64 {
        let wished = self.desired.as_ref().map_or(0, |document| document.version);
        let taken = self.reported.as_ref().map_or(0, |reported| reported.cloud_version);
        wished.max(taken)
    }
}

/// Waits until the panel has answered to each value that was pushed.
struct Waiting {
    panel: PanelId,
    version: u64,
    capabilities: Capabilities,
    paths: Vec<Path>,
    json: bool,
    /// The box has taken the document: answers may be about it from then on.
    taken: bool,
    /// The box's own count of wishes before the document: answers to these are older. A delta that waited in the outbox
    /// may bring one late.
    before: u64,
    answers: BTreeMap<Path, Answer>,
    shown: Shown,
}

impl Waiting {
    fn new(panel: &PanelId, known: &Known, document: &DesiredDocument, paths: Vec<Path>, json: bool) -> Self {
        Self {
            panel: panel.clone(),
            version: document.version,
            capabilities: known.capabilities.clone(),
            paths,
            json,
            taken: false,
            before: known.reported.as_ref().map_or(0, |reported| reported.desired_version),
            answers: BTreeMap::new(),
            shown: Shown::default(),
        }
    }

    async fn for_answers(&mut self, broker: &mut Broker, gateway: &GatewayId) -> anyhow::Result<Exit> {
        loop {
            let told = broker.next().await?;
            if told.gateway != *gateway {
                continue;
            }
            if let Some(exit) = self.take(&told)? {
                return Ok(exit);
            }
        }
    }

    fn take(&mut self, told: &Told) -> anyhow::Result<Option<Exit>> {
        match &told.topic {
            Topic::Reported(panel) if *panel == self.panel => {
                let reported: Reported = read(&told.payload)?;
                if let Some(refused) = reported.refused_document.filter(|refused| refused.version == Some(self.version))
                {
                    bail!("the document was refused ({}): {}", refused.refusal, refused.text);
                }
                self.taken |= reported.cloud_version >= self.version;
                self.users(reported.users.values())
            }
            Topic::Delta(panel) if *panel == self.panel => {
                let delta: Delta = read(&told.payload)?;
                self.users(delta.users.values().flatten())
            }
            Topic::PanelStatus(panel) if *panel == self.panel => {
                let status: PanelStatus = read(&told.payload)?;
                self.shown.progress(status.progress.as_ref());
                Ok(None)
            }
            Topic::Status => {
                let status: GatewayStatus = read(&told.payload)?;
                if status.state != GatewayState::Online {
                    eprintln!("{}: the gateway is gone; it goes on with this document when it is back", self.panel);
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn users<'a>(&mut self, users: impl Iterator<Item = &'a User>) -> anyhow::Result<Option<Exit>> {
        if !self.taken {
            return Ok(None);
        }
        for user in users {
            for (field, answer) in &user.answers {
                let path = (user.slot, *field);
                let about_it = self.paths.contains(&path) && answer.version() > self.before;
                if about_it && self.answers.get(&path) != Some(answer) {
                    self.show(path, answer)?;
                    self.answers.insert(path, answer.clone());
                }
            }
        }
        Ok(self.verdict())
    }

    fn show(&mut self, (slot, field): Path, answer: &Answer) -> anyhow::Result<()> {
        self.shown.end();
        if self.json {
            return out::json_line(&serde_json::json!({
                "panel": self.panel, "slot": slot, "field": field, "answer": answer,
            }));
        }
        let words = words::answer(field, answer, &self.capabilities);
        Ok(out::line(format_args!("{} {slot} {}: {words}", self.panel, field.name()))?)
    }

    /// How it ended, once nothing is pending any more.
    fn verdict(&self) -> Option<Exit> {
        let answers: Option<Vec<_>> = self.paths.iter().map(|path| self.answers.get(path)).collect();
        let answers = answers?;
        if answers.iter().any(|answer| matches!(answer, Answer::Pending { .. })) {
            return None;
        }
        let applied = answers.iter().all(|answer| matches!(answer, Answer::Applied { .. }));
        Some(if applied { Exit::Ok } else { Exit::Failed })
    }

    fn still_pending(&self) -> Exit {
        let reason = if self.taken { "the panel has not answered to everything" } else { "the box has not taken it" };
        eprintln!("{}: still pending, {reason}; it goes on by itself", self.panel);
        Exit::Pending
    }
}

#[cfg(test)]
mod tests {
    use panel_model::{Field, Slot};

    use super::*;

    fn told(topic: Topic, body: &serde_json::Value) -> Told {
        let payload = serde_json::to_vec(body).expect("json").into();
        Told { name: String::new(), gateway: "g1".parse().expect("an id"), topic, payload, retained: false }
    }

    #[test]
    fn an_answer_to_an_older_wish_that_comes_late_does_not_count() {
        let (panel, slot) = ("dsc-1".parse::<PanelId>().expect("an id"), Slot::new(4).expect("in range"));
        let info: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/golden/info.json")).expect("json");
        let mut waiting = Waiting {
            panel: panel.clone(),
            version: 7,
            capabilities: serde_json::from_value(info["panels"][0]["capabilities"].clone()).expect("capabilities"),
            paths: vec![(slot, Field::Code)],
            json: true,
            taken: false,
            before: 3,
            answers: BTreeMap::new(),
            shown: Shown::default(),
        };
        let reported = serde_json::json!({"version": 1, "desired_version": 4, "cloud_version": 7, "users": {}});
        assert_eq!(waiting.take(&told(Topic::Reported(panel.clone()), &reported)).expect("taken"), None);
        let mut delta = |version: u64| {
            let answer = serde_json::json!({"condition": "applied", "version": version, "evidence": "read_back"});
            let user = serde_json::json!({
                "slot": 4, "label": "User 4", "code_state": "set", "stale": false, "answers": {"code": answer},
            });
            let body = serde_json::json!({"from": version, "to": version + 1, "users": {"4": user}});
            waiting.take(&told(Topic::Delta(panel.clone()), &body)).expect("taken")
        };
        assert_eq!(delta(3), None);
        assert_eq!(delta(4), Some(Exit::Ok));
    }
}
