//! The installer code on site (I3): which actions need it, whether it is right, and how often it may be wrong.
//!
//! Every code that somebody shows is counted before it is answered, in the transaction that compares it: neither `kill
//! -9` nor a full disk gives a further try.

use std::time::Duration;

use panel_driver::{Command, Outcome, clock};
use panel_model::{AccessCode, Evidence, InstallerCode, PanelError, PanelId, PanelStatus, Refusal};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::orders::provable;
use super::{Action, Actions, CredentialKind, Refused};
use crate::access::{Actor, Limits, Lockout, OwnTime, Principal, Standing};
use crate::panels::{PanelHandle, secret_name};
use crate::secrets::SealedCode;
use crate::store::{StoreError, Tx, Urgency, View};

/// How a code was found to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// It is one that the box keeps.
    Kept,
    /// The box kept another one, and the panel took it; from now on the box keeps it.
    Proved(Evidence),
}

/// Whether the panel itself is asked about a code that the box does not keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PanelIs {
    Asked,
    LeftAlone,
}

/// What the box itself says of a code.
enum Verdict {
    Right,
    /// Nothing was compared.
    Closed(Lockout),
    /// Nothing was compared: there is nothing to compare with.
    NothingKept,
    Wrong {
        when: OwnTime,
        lockout: Lockout,
        /// There was something to compare with; if not, only the panel says that it is wrong.
        compared: bool,
        /// A try at the panel was taken for it; else how long to wait for one.
        at_panel: Result<PanelIs, Duration>,
    },
}

impl Actions {
    /// Whether whoever stands at the site showed the panel's installer code, or has the panel unlocked, where the action
    /// needs it.
    ///
    /// # Errors
    /// [`Refusal::InstallerCodeWrong`] also where none was shown, which is not counted; [`Refusal::LockedOut`].
    pub(super) async fn installer_code_shown(
        &self,
        actor: &Actor,
        standing: &Standing,
        action: &Action,
    ) -> Result<(), Refused> {
        let Some(panel) = needs_code(action).filter(|_| actor.door.is_on_site()) else { return Ok(()) };
        if self.has_unlocked(actor, standing, panel) {
            return Ok(());
        }
        let id = panel.clone();
        if gives_code(action) && self.0.store.read(move |view| Ok(kept_codes(view, &id)?.is_empty())).await? {
            return Ok(());
        }
        match shown(actor, action) {
            Some(code) => self.right_code(actor, panel, code).await,
            None => Err(self.code_missing(actor, panel).await?),
        }
    }

    /// Whether the code is the panel's installer code; asks the panel itself where that is possible now.
    ///
    /// # Errors
    /// As [`Actions::judge_code`].
    pub(super) async fn right_code(&self, actor: &Actor, panel: &PanelId, code: &SealedCode) -> Result<(), Refused> {
        let handle = self.handle(panel)?;
        // Before the seal is opened, which costs more than all the rest.
        if let (closed @ (Lockout::Wait(_) | Lockout::Blocked), _) = self.lockout_of(actor, panel).await? {
            return Err(locked_out(panel, closed));
        }
        let code = self.open(code)?;
        let panel_is = if can_be_asked(&handle, &code) { PanelIs::Asked } else { PanelIs::LeftAlone };
        self.judge_code(actor, &handle, panel, &code, panel_is).await.map(|_| ())
    }

    fn has_unlocked(&self, actor: &Actor, standing: &Standing, panel: &PanelId) -> bool {
        uid(actor).is_some_and(|uid| self.sessions().is_unlocked(uid, &standing.who, panel, clock::since_boot()))
    }

    /// Whether another code is looked at, and whether the box keeps one to compare it with.
    async fn lockout_of(&self, actor: &Actor, panel: &PanelId) -> Result<(Lockout, bool), Refused> {
        let (id, source, since_boot) = (panel.clone(), source(actor), clock::since_boot());
        let read = move |view: &View<'_>| {
            Ok((lockout(view, &id, &source, view.own_time(since_boot)?)?, !kept_codes(view, &id)?.is_empty()))
        };
        Ok(self.0.store.read(read).await?)
    }

    /// The refusal for somebody who showed no code: what to do, or how long to wait before it is worth while.
    async fn code_missing(&self, actor: &Actor, panel: &PanelId) -> Result<Refused, Refused> {
        Ok(match self.lockout_of(actor, panel).await? {
            (Lockout::Open, false) => nothing_kept(panel),
            (Lockout::Open, true) => {
                let text = format!(
                    "this needs the installer code of {panel}: unlock the panel with `panelgate unlock {panel}`, or \
                     give the code with --installer-code-file"
                );
                Refused::with(Refusal::InstallerCodeWrong, text)
            }
            (closed, _) => locked_out(panel, closed),
        })
    }

    /// Whether a code is the panel's installer code: one that the box keeps, else one that the panel takes.
    ///
    /// # Errors
    /// [`Refusal::InstallerCodeWrong`]: it is counted, for the source and for the panel. [`Refusal::LockedOut`]:
    /// nothing was compared.
    pub(super) async fn judge_code(
        &self,
        actor: &Actor,
        handle: &PanelHandle,
        panel: &PanelId,
        code: &AccessCode,
        panel_is: PanelIs,
    ) -> Result<Judged, Refused> {
        let source = source(actor);
        let (when, lockout, compared, at_panel) = match self.compare(panel, &source, code, panel_is).await? {
            Verdict::Right => return Ok(Judged::Kept),
            Verdict::Closed(lockout) => return Err(locked_out(panel, lockout)),
            Verdict::NothingKept => return Err(nothing_kept(panel)),
            Verdict::Wrong { when, lockout, compared, at_panel } => (when, lockout, compared, at_panel),
        };
        let why_not = match at_panel {
            Ok(PanelIs::LeftAlone) => None,
            Ok(PanelIs::Asked) => match self.asked(handle, panel, code).await? {
                Outcome::Applied(evidence) => {
                    self.was_right(panel, source, when).await?;
                    return Ok(Judged::Proved(evidence));
                }
                Outcome::Failed(PanelError { retry: false, text, .. }) => Some(text),
                other if compared => Some(format!("the panel could not be asked: {}", reason(&other))),
                other => {
                    self.was_right(panel, source, when).await?;
                    return Err(Refused::with(Refusal::Busy, format!("not now: {}", reason(&other))));
                }
            },
            Err(wait) => Some(format!("the panel itself is asked again in {}", seconds(wait))),
        };
        Err(wrong(panel, lockout, why_not))
    }

    /// Compares a code with those that the box keeps, and counts it. Both kept codes are compared always, and as keyed
    /// hashes, so that the time taken tells nothing of them.
    async fn compare(
        &self,
        panel: &PanelId,
        source: &str,
        code: &AccessCode,
        panel_is: PanelIs,
    ) -> Result<Verdict, Refused> {
        let keys = std::sync::Arc::clone(&self.0.keys);
        let shown = keys.code_hash(panel, code.expose());
        let (id, source, since_boot) = (panel.clone(), source.to_owned(), clock::since_boot());
        let work = move |tx: &mut Tx<'_>| {
            let now = tx.own_time(since_boot)?;
            let before = lockout(tx, &id, &source, now)?;
            if before != Lockout::Open {
                return Ok(Verdict::Closed(before));
            }
            let kept = kept_codes(tx, &id)?;
            if kept.is_empty() && panel_is == PanelIs::LeftAlone {
                return Ok(Verdict::NothingKept);
            }
            let right =
                kept.iter().fold(Choice::from(0), |right, kept| right | keys.code_hash(&id, kept).0.ct_eq(&shown.0));
            let (mut by_source, mut by_all) = (tx.tries(&id, Some(&source))?, tx.tries(&id, None)?);
            let verdict = if bool::from(right) {
                by_source.right();
                by_all.right();
                Verdict::Right
            } else {
                by_source.wrong(now, &Limits::OF_SOURCE);
                by_all.wrong(now, &Limits::OF_PANEL);
                let lockout = by_source.lockout(now).max(by_all.lockout(now));
                let at_panel = take_panel_try(tx, &id, now, panel_is)?;
                Verdict::Wrong { when: now, lockout, compared: !kept.is_empty(), at_panel }
            };
            // Written whatever came out: that a write fails must not tell right from wrong.
            tx.put_tries(&id, Some(&source), &by_source)?;
            tx.put_tries(&id, None, &by_all)?;
            tx.put_own_time(now)?;
            Ok(verdict)
        };
        Ok(self.0.store.write(Urgency::Now, work).await?)
    }

    /// A code was counted as wrong that the panel took, or that nobody could judge.
    async fn was_right(&self, panel: &PanelId, source: String, when: OwnTime) -> Result<(), Refused> {
        let id = panel.clone();
        let work = move |tx: &mut Tx<'_>| {
            for (source, limits) in [(Some(source.as_str()), Limits::OF_SOURCE), (None, Limits::OF_PANEL)] {
                let mut tries = tx.tries(&id, source)?;
                tries.was_right(when, &limits);
                tx.put_tries(&id, source, &tries)?;
            }
            Ok(())
        };
        Ok(self.0.store.write(Urgency::Now, work).await?)
    }

    /// Proves a code at the panel, unless too many were tried there.
    ///
    /// # Errors
    /// [`Refusal::LockedOut`]: the panel was not asked.
    pub(super) async fn prove(
        &self,
        handle: &PanelHandle,
        panel: &PanelId,
        code: &AccessCode,
    ) -> Result<Outcome, Refused> {
        self.take_try(panel).await?;
        self.asked(handle, panel, code).await
    }

    /// Takes a try at the panel itself, which [`Actions::tried`] settles.
    ///
    /// # Errors
    /// [`Refusal::LockedOut`].
    pub(super) async fn take_try(&self, panel: &PanelId) -> Result<(), Refused> {
        let (id, since_boot) = (panel.clone(), clock::since_boot());
        let take = move |tx: &mut Tx<'_>| {
            let now = tx.own_time(since_boot)?;
            tx.put_own_time(now)?;
            take_panel_try(tx, &id, now, PanelIs::Asked)
        };
        self.0.store.write(Urgency::Now, take).await?.map(|_| ()).map_err(not_asked)
    }

    /// Whether there is a try left at the panel itself.
    ///
    /// # Errors
    /// [`Refusal::LockedOut`].
    pub(super) async fn has_try(&self, panel: &PanelId) -> Result<(), Refused> {
        let (id, since_boot) = (panel.clone(), clock::since_boot());
        let look = move |view: &View<'_>| Ok(view.panel_tries(&id)?.take(view.own_time(since_boot)?));
        self.0.store.read(look).await?.map_err(not_asked)
    }

    /// Asks the panel about a code for which a try was taken. The code that the panel takes is the installer code,
    /// whatever the box kept before: that also settles what a change left open that broke off.
    async fn asked(&self, handle: &PanelHandle, panel: &PanelId, code: &AccessCode) -> Result<Outcome, Refused> {
        let code = InstallerCode::new(code.expose().to_owned());
        let outcome = handle.command(Command::VerifyInstallerCode(code.clone())).await;
        self.tried(panel, &outcome).await?;
        if let Outcome::Applied(evidence) = outcome {
            self.keep_installer_code(panel, code).await?;
            self.installer_code_proved(panel.clone(), evidence).await;
        }
        Ok(outcome)
    }

    /// Counts what became of a try at the panel.
    pub(super) async fn tried(&self, panel: &PanelId, outcome: &Outcome) -> Result<(), Refused> {
        let never_there = match outcome {
            Outcome::Refused(_) | Outcome::NotNow(_) => true,
            Outcome::Failed(error) => error.code == "offline",
            Outcome::Applied(_) => false,
        };
        let taken = matches!(outcome, Outcome::Applied(_));
        if !(never_there || taken) {
            return Ok(());
        }
        let id = panel.clone();
        let count = move |tx: &mut Tx<'_>| {
            let mut tries = tx.panel_tries(&id)?;
            if taken {
                tries.taken()
            } else {
                tries.give_back()
            }
            tx.put_panel_tries(&id, &tries)
        };
        Ok(self.0.store.write(Urgency::Now, count).await?)
    }

    /// Keeps the one installer code that the panel is known to have; its driver knows it too. If it is another one than
    /// before, who unlocked the panel has to do so again (I2).
    async fn keep_installer_code(&self, panel: &PanelId, code: InstallerCode) -> Result<(), Refused> {
        let id = panel.clone();
        let keep = move |tx: &mut Tx<'_>| {
            let same = tx.secret(&id, secret_name::INSTALLER)?.is_some_and(|kept| *kept == code.expose());
            tx.delete_secret(&id, secret_name::NEXT_INSTALLER)?;
            tx.put_secret(&id, secret_name::INSTALLER, code.expose())?;
            Ok(same)
        };
        if !self.0.store.write(Urgency::Now, keep).await? {
            self.sessions().close(panel);
        }
        Ok(())
    }
}

/// The panel, where the action needs its installer code on site: every action about a panel, but for those that are
/// named here. Arming, disarming and silencing with a user's code are the panel's own matter, reading changes nothing,
/// proving a code is the proof itself, a walk test only watches, and who may see the panel or uses the customer
/// application is nothing at it.
fn needs_code(action: &Action) -> Option<&PanelId> {
    match action {
        Action::Refresh { .. }
        | Action::Arm { code: Some(_), .. }
        | Action::Disarm { .. }
        | Action::SilenceSiren { .. }
        | Action::VerifyInstallerCode { .. }
        | Action::Unlock { .. }
        | Action::Lock { .. }
        | Action::Unblock { .. }
        | Action::AssignPanel(_)
        | Action::UnassignPanel(_)
        | Action::AssignAccount(_)
        | Action::UnassignAccount(_)
        | Action::StartWalkTest(_)
        | Action::StopWalkTest(_)
        | Action::SkipZones(_) => None,
        other => other.panel(),
    }
}

/// Whether the action gives the box the panel's installer code. The first one needs no proof: there is none.
fn gives_code(action: &Action) -> bool {
    matches!(
        action,
        Action::ChangeInstallerCode { .. } | Action::SetCredential { credential: CredentialKind::InstallerCode, .. }
    )
}

/// The installer code that was shown for this action.
fn shown<'a>(actor: &'a Actor, action: &'a Action) -> Option<&'a SealedCode> {
    let current = match action {
        Action::ChangeInstallerCode { current, .. } => current.as_ref(),
        _ => None,
    };
    actor.installer_code.as_ref().or(current)
}

/// Whether the panel can be asked about a code now. A code that no such panel can have is not worth one of its tries.
fn can_be_asked(handle: &PanelHandle, code: &AccessCode) -> bool {
    let picture = handle.snapshot().borrow().clone();
    provable(picture.capabilities.sections.installer_code).is_ok()
        && is_connected(picture.status)
        && picture.capabilities.codes.check(code).is_ok()
}

pub(super) fn is_connected(status: PanelStatus) -> bool {
    matches!(status, PanelStatus::Online | PanelStatus::Late)
}

/// The system user who has to be at the site; nobody else unlocks anything.
pub(super) fn uid(actor: &Actor) -> Option<u32> {
    match actor.principal {
        Principal::System { uid } => Some(uid),
        Principal::Broker | Principal::Token { .. } => None,
    }
}

/// Under which name an actor's wrong codes and passwords are counted.
pub(super) fn source(actor: &Actor) -> String {
    match &actor.principal {
        Principal::System { uid } => format!("uid {uid}"),
        Principal::Broker => "broker".to_owned(),
        Principal::Token { sub, .. } => format!("token {sub}"),
    }
}

/// The installer codes that the box keeps: one, or two after a change that broke off.
pub(super) fn kept_codes(view: &View<'_>, panel: &PanelId) -> Result<Vec<Zeroizing<String>>, StoreError> {
    let kept = [view.secret(panel, secret_name::INSTALLER)?, view.secret(panel, secret_name::NEXT_INSTALLER)?];
    Ok(kept.into_iter().flatten().collect())
}

fn lockout(view: &View<'_>, panel: &PanelId, source: &str, now: OwnTime) -> Result<Lockout, StoreError> {
    Ok(view.tries(panel, Some(source))?.lockout(now).max(view.tries(panel, None)?.lockout(now)))
}

fn take_panel_try(
    tx: &mut Tx<'_>,
    panel: &PanelId,
    now: OwnTime,
    panel_is: PanelIs,
) -> Result<Result<PanelIs, Duration>, StoreError> {
    if panel_is == PanelIs::LeftAlone {
        return Ok(Ok(panel_is));
    }
    let mut tries = tx.panel_tries(panel)?;
    let taken = tries.take(now);
    tx.put_panel_tries(panel, &tries)?;
    Ok(taken.map(|()| panel_is))
}

fn nothing_kept(panel: &PanelId) -> Refused {
    let text = format!(
        "the box keeps no installer code of {panel} yet: give it with `panelgate panels set-credential {panel} \
         installer-code`, or prove it with `panelgate panels verify-installer-code {panel}`"
    );
    Refused::with(Refusal::InstallerCodeWrong, text)
}

fn wrong(panel: &PanelId, lockout: Lockout, why_not: Option<String>) -> Refused {
    let why_not = why_not.map(|why| format!(" ({why})")).unwrap_or_default();
    let next = match lockout {
        Lockout::Open => String::new(),
        Lockout::Wait(left) => format!("; the next one is looked at in {}", seconds(left)),
        Lockout::Blocked => format!("; {}", until_unblocked(panel)),
    };
    Refused::with(Refusal::InstallerCodeWrong, format!("the installer code is wrong{why_not}{next}"))
}

fn locked_out(panel: &PanelId, lockout: Lockout) -> Refused {
    let next = match lockout {
        Lockout::Open => "try again".to_owned(),
        Lockout::Wait(left) => format!("the next one is looked at in {}", seconds(left)),
        Lockout::Blocked => until_unblocked(panel),
    };
    Refused::with(Refusal::LockedOut, format!("too many wrong installer codes: {next}"))
}

fn not_asked(wait: Duration) -> Refused {
    let text = format!(
        "the panel refused the last codes, and one more might lock its keypads: it is asked again in {}",
        seconds(wait)
    );
    Refused::with(Refusal::LockedOut, text)
}

fn until_unblocked(panel: &PanelId) -> String {
    format!(
        "no other one is looked at until somebody who manages installers unblocks it: `panelgate panels unblock {panel}`"
    )
}

fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Applied(_) => String::new(),
        Outcome::Refused(refusal) => refusal.hint().to_owned(),
        Outcome::NotNow(not_now) => not_now.why.clone(),
        Outcome::Failed(error) => error.text.clone(),
    }
}

/// Never too few: who waits that long gets in.
fn seconds(wait: Duration) -> String {
    format!("{} s", wait.as_millis().div_ceil(1000))
}
