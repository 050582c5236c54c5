//! Waits for the panel's answers to an accepted change, and shows how far it is.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use panel_model::{Capabilities, Field, PanelId, Slot};
use tokio::time::timeout;

use super::Exit;
use super::args::Wait;
use super::client::{Client, Updates, query};
use super::{out, words};
use crate::actions::{Action, Done};
use crate::api::PanelUpdate;
use crate::payload::{Answer, PanelDetail, Progress};

/// Has a wish for one user done: accepted by the box, then answered by the panel.
pub(super) async fn wish(client: &Client, action: &Action, wait: Wait, json: bool) -> anyhow::Result<Exit> {
    // Followed from before the change, so that no answer to it can be missed.
    let (panel, slot) = (action.panel().clone(), action.slot());
    let path = query(&format!("/panels/{panel}/follow"), [("slot", slot.map(|slot| slot.to_string()))]);
    let updates = client.follow(&path).await?;
    let done = client.perform(action).await?;
    let (Done::Accepted { version }, Some(slot)) = (&done, slot) else { return report(&done, json) };
    if wait.no_wait {
        if json {
            out::json_line(&done)?;
        } else {
            out::line(format_args!("accepted as version {version}; not waited for"))?;
        }
        return Ok(Exit::Pending);
    }
    let detail: PanelDetail = client.get(&format!("/panels/{panel}")).await?;
    let mut waiting =
        Waiting { panel, slot, version: *version, json, answers: BTreeMap::new(), shown: Shown::default() };
    let patience = Duration::from_secs(wait.timeout);
    let ended = timeout(patience, waiting.for_answers(updates, &detail.capabilities)).await;
    waiting.shown.end();
    ended.unwrap_or_else(|_| {
        waiting.tell("still pending; the box goes on by itself, see `panelgate users`");
        Ok(Exit::Pending)
    })
}

/// Says how a thing ended that has no answers to wait for.
pub(super) fn report(done: &Done, json: bool) -> anyhow::Result<Exit> {
    if json {
        out::json_line(done)?;
    } else {
        match done {
            Done::Accepted { version } => out::line(format_args!("accepted as version {version}"))?,
            Done::Applied { evidence } => out::line(format_args!("done: {}", words::evidence(*evidence)))?,
            Done::Stored => out::line("stored by the box")?,
        }
    }
    Ok(Exit::Ok)
}

/// Has something done that the panel answers at once, and shows how far it is.
pub(super) async fn command(client: &Client, action: &Action, json: bool) -> anyhow::Result<Exit> {
    let mut updates = client.follow::<PanelUpdate>(&format!("/panels/{}/follow", action.panel())).await?;
    let mut shown = Shown::default();
    let mut performing = std::pin::pin!(client.perform(action));
    let done = loop {
        // Both arms are cancel-safe: `next` keeps what it has read.
        tokio::select! {
            done = performing.as_mut() => break done,
            update = updates.next() => match update? {
                Some(update) => shown.progress(update.status.progress.as_ref()),
                None => break performing.await,
            },
        }
    };
    shown.end();
    report(&done?, json)
}

struct Waiting {
    panel: PanelId,
    slot: Slot,
    version: u64,
    json: bool,
    answers: BTreeMap<Field, Answer>,
    shown: Shown,
}

impl Waiting {
    async fn for_answers(
        &mut self,
        mut updates: Updates<PanelUpdate>,
        capabilities: &Capabilities,
    ) -> anyhow::Result<Exit> {
        loop {
            let Some(update) = updates.next().await? else {
                self.tell("the daemon stops; it goes on with this change after its next start");
                return Ok(Exit::Pending);
            };
            self.shown.progress(update.status.progress.as_ref());
            if let Some(Some(user)) = update.users.get(&self.slot) {
                self.take(&user.answers, capabilities)?;
            }
            if update.desired_version >= self.version
                && let Some(exit) = self.verdict()
            {
                return Ok(exit);
            }
        }
    }

    /// Shows the answers to this version that are new.
    fn take(&mut self, answers: &BTreeMap<Field, Answer>, capabilities: &Capabilities) -> anyhow::Result<()> {
        for (field, answer) in answers.iter().filter(|(_, answer)| answer.version() >= self.version) {
            if self.answers.get(field) == Some(answer) {
                continue;
            }
            self.shown.end();
            if self.json {
                out::json_line(&serde_json::json!({
                    "panel": self.panel, "slot": self.slot, "field": field, "answer": answer,
                }))?;
            } else {
                let words = words::answer(*field, answer, capabilities);
                out::line(format_args!("{} {} {}: {words}", self.panel, self.slot, field.name()))?;
            }
            self.answers.insert(*field, answer.clone());
        }
        self.answers.retain(|field, _| answers.contains_key(field));
        Ok(())
    }

    /// How it ended, once nothing is pending any more.
    fn verdict(&self) -> Option<Exit> {
        let pending = |answer: &Answer| matches!(answer, Answer::Pending { .. });
        if self.answers.is_empty() || self.answers.values().any(pending) {
            return None;
        }
        let applied = self.answers.values().all(|answer| matches!(answer, Answer::Applied { .. }));
        Some(if applied { Exit::Ok } else { Exit::Failed })
    }

    /// Says what the answers do not say; not part of the JSON.
    fn tell(&self, text: &str) {
        eprintln!("{} {}: {text}", self.panel, self.slot);
    }
}

/// The line at the bottom of a terminal that says how far long work is; nothing where nobody looks.
#[derive(Debug, Default)]
pub(super) struct Shown {
    width: usize,
}

impl Shown {
    pub(super) fn progress(&mut self, progress: Option<&Progress>) {
        let Some(progress) = progress.filter(|_| stderr().is_terminal()) else { return self.end() };
        let line = format!("{} {}/{}", progress.what, progress.done, progress.total);
        eprint!("\r{line:width$}", width = self.width);
        self.width = line.chars().count();
    }

    pub(super) fn end(&mut self) {
        if self.width > 0 {
            eprint!("\r{:width$}\r", "", width = self.width);
            self.width = 0;
        }
    }
}
