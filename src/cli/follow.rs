//! Waits for the panel's answers to an accepted change, and shows how far it is.

use std::io::{IsTerminal, stderr, stdout};
use std::time::Duration;

use anyhow::Context;
use panel_model::{Capabilities, Field, PanelId, Slot};
use tokio::time::timeout;

use super::Exit;
use super::args::Wait;
use super::client::{Client, Updates, query};
use super::{out, qr, words};
use crate::actions::{Action, Done};
use crate::api::PanelUpdate;
use crate::payload::{Answer, PanelDetail, Progress};

/// Has a wish for one user done: accepted by the box, then answered by the panel.
pub(super) async fn wish(client: &Client, action: &Action, wait: Wait, json: bool) -> anyhow::Result<Exit> {
    // Followed from before the change, so that no answer to it can be missed.
    let panel = action.panel().cloned().context("a wish is about a panel")?;
    let slot = action.slot();
    let path = query(&format!("/panels/{panel}/follow"), [("slot", slot.map(|slot| slot.to_string()))]);
    let updates = client.follow(&path).await?;
    let done = client.perform(action).await?;
    let (Done::Accepted { version }, Some(slot), Some(field)) = (&done, slot, field(action)) else {
        return report(&done, json);
    };
    if wait.no_wait {
        if json {
            out::json_line(&done)?;
        } else {
            out::line(format_args!("accepted as version {version}; not waited for"))?;
        }
        return Ok(Exit::Pending);
    }
    let detail: PanelDetail = client.get(&format!("/panels/{panel}")).await?;
    let what = if matches!(action, Action::DisableUser { .. }) { "removal" } else { field.name() };
    let mut waiting =
        Waiting { panel, slot, field, what, version: *version, json, answer: None, shown: Shown::default() };
    let patience = Duration::from_secs(wait.timeout);
    let ended = timeout(patience, waiting.for_answers(updates, &detail.capabilities)).await;
    waiting.shown.end();
    ended.unwrap_or_else(|_| {
        waiting.tell("still pending; the box goes on by itself, see `panelgate users`");
        Ok(Exit::Pending)
    })
}

/// The value that a wish is about. A user that shall be gone is answered with its code.
fn field(action: &Action) -> Option<Field> {
    match action {
        Action::SetCode { .. } | Action::DisableUser { .. } => Some(Field::Code),
        Action::SetLabel { .. } => Some(Field::Label),
        Action::SetPartitions { .. } => Some(Field::Partitions),
        Action::SetRole { .. } => Some(Field::Role),
        _ => None,
    }
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
            Done::Changed => out::line("done")?,
            Done::Requested { request } => out::line(format_args!(
                "asked for as request {request}: somebody else decides with `panelgate requests approve {request}`"
            ))?,
            Done::AssetAdded { asset } => out::line(format_args!("stored by the box as asset {asset}"))?,
            Done::SignedOff { sha256 } => out::line(format_args!("signed off; report sha256 {sha256}"))?,
            Done::Mailed { to } => {
                out::line(format_args!("a mail to {to} is on its way; `panelgate log` tells if it fails"))?
            }
            Done::Invited { link, expires } => invited(link.expose(), &words::time(*expires))?,
            Done::InvitationAccepted { person } => {
                out::line(format_args!("accepted; log in with `panelgate login {person}`"))?;
            }
            Done::TemporaryPassword { password } => {
                out::line(password.expose())?;
                eprintln!("the temporary password of init, shown this once; `panelgate login init` asks for a new one");
            }
            Done::LoggedIn { person, role, .. } => out::line(format_args!("logged in as {person} ({role})"))?,
        }
    }
    Ok(if matches!(done, Done::Requested { .. }) { Exit::Pending } else { Exit::Ok })
}

/// Shows the link of an invitation where no mail is configured.
fn invited(link: &str, until: &str) -> anyhow::Result<()> {
    if stdout().is_terminal()
        && let Some(picture) = qr::on_terminal(link)
    {
        out::text(&picture)?;
    }
    out::line(link)?;
    eprintln!(
        "no mail is configured: hand over this link yourself; it works once, until {until}, and is not shown again"
    );
    Ok(())
}

/// Has something done that the panel answers at once, and shows how far it is.
pub(super) async fn command(client: &Client, action: &Action, json: bool) -> anyhow::Result<Exit> {
    let Some(panel) = action.panel() else { return report(&client.perform(action).await?, json) };
    // Who may control a panel and not view it is shown no progress.
    let Ok(mut updates) = client.follow::<PanelUpdate>(&format!("/panels/{panel}/follow")).await else {
        return report(&client.perform(action).await?, json);
    };
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
    field: Field,
    /// The same, for people.
    what: &'static str,
    version: u64,
    json: bool,
    /// The last answer that was shown.
    answer: Option<Answer>,
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
                self.take(user.answers.get(&self.field), capabilities)?;
            }
            if let Some(exit) = self.verdict() {
                return Ok(exit);
            }
        }
    }

    /// Shows an answer to this version, if it is news. That nothing has been tried yet is none.
    fn take(&mut self, answer: Option<&Answer>, capabilities: &Capabilities) -> anyhow::Result<()> {
        let Some(answer) = answer.filter(|answer| answer.version() >= self.version) else { return Ok(()) };
        if self.answer.as_ref() == Some(answer) {
            return Ok(());
        }
        self.answer = Some(answer.clone());
        let untried = matches!(answer, Answer::Pending { tries: 0, why: None, .. });
        if self.json {
            return out::json_line(&serde_json::json!({
                "panel": self.panel, "slot": self.slot, "field": self.field, "answer": answer,
            }));
        }
        if !untried {
            self.shown.end();
            let words = words::answer(self.field, answer, capabilities);
            out::line(format_args!("{} {} {}: {words}", self.panel, self.slot, self.what))?;
        }
        Ok(())
    }

    /// How it ended, once nothing is pending any more.
    fn verdict(&self) -> Option<Exit> {
        match self.answer.as_ref()? {
            Answer::Applied { .. } => Some(Exit::Ok),
            Answer::Pending { .. } => None,
            Answer::Refused { .. } | Answer::Failed { .. } => Some(Exit::Failed),
        }
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
