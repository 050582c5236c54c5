//! Logging in and out, passwords, and the first start (S1, S2).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use panel_driver::clock;
use panel_model::{Password, Refusal, WallTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};
use tracing::warn;

use super::gate::source;
use super::one_time::OneTime;
use super::{Actions, Done, Refused};
use crate::access::{
    Actor, LoggedIn, Logins, PasswordHash, PersonKind, PersonName, PersonStatus, Principal, Throttle, check_new,
    role_name, verify,
};
use crate::secrets::SealedCode;
use crate::store::{Passwords, Person, Urgency};

/// How this box deals with people: what its configuration says.
#[derive(Debug, Clone)]
pub struct PeopleSetup {
    /// Rung after a mail was put into the queue; `None`: no mail server is configured, and links are shown instead.
    pub mail: Option<Arc<Notify>>,
    /// What links of invitations begin with, without a slash at the end.
    pub link_base: String,
    /// Whose the accounts of the customer application are (A7).
    pub accounts: Directory,
}

/// Whose a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directory {
    /// The box's own: a site without a cloud.
    Own,
    /// The cloud's.
    Cloud,
}

/// What the door remembers of people between two actions. Locks are never held over an await.
#[derive(Debug)]
pub(super) struct People {
    pub(super) setup: PeopleSetup,
    logins: Mutex<Logins>,
    throttle: Mutex<Option<Throttle>>,
    /// One hash at a time: each takes 19 MiB.
    hashing: Arc<Semaphore>,
}

impl People {
    pub(super) fn new(setup: PeopleSetup) -> Self {
        let hashing = Arc::new(Semaphore::new(1));
        Self { setup, logins: Mutex::default(), throttle: Mutex::default(), hashing }
    }

    pub(super) fn logins(&self) -> MutexGuard<'_, Logins> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` until the counts were read from the store.
    fn throttle(&self) -> MutexGuard<'_, Option<Throttle>> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Log in: from then on the system user acts as that person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// E-mail, or `init`.
    pub person: PersonName,
    /// Their password, or one-time password.
    pub password: SealedCode,
}

/// Set one's own password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    /// E-mail, or `init`.
    pub person: PersonName,
    /// The present password, a temporary or a one-time password.
    pub current: SealedCode,
    /// The new one.
    pub new: SealedCode,
}

/// Which of the passwords was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Chosen,
    OneTime,
}

/// As whom somebody acts, for `panelgate whoami`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The person, where somebody logged in.
    pub person: Option<Person>,
    /// A new password has to be set before anything else.
    pub must_change: bool,
}

impl Actions {
    /// Makes what a first start needs: the `init` account, without a password (S1).
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn first_start(&self) -> Result<(), Refused> {
        let init = Person {
            name: PersonName::Init,
            kind: PersonKind::Init,
            full_name: "First start".into(),
            phone: String::new(),
            role: role_name::SUPER_ADMIN.into(),
            company: None,
            created: clock::wall(),
            last_login: None,
            status: PersonStatus::Invited,
            may_update_software: false,
            must_change: true,
            panels: Default::default(),
        };
        let there = self.0.store.read(|view| view.ever_had(&PersonName::Init)).await?;
        if !there {
            self.0.store.write(Urgency::Now, move |tx| tx.put_person(&init)).await?;
        }
        Ok(())
    }

    /// Draws the temporary password of `init`, as often as nobody has logged in with one (S1).
    pub(super) async fn first_login(&self, actor: &Actor) -> Result<Done, Refused> {
        match actor.principal {
            Principal::System { uid } if self.0.local.owns(uid) => {}
            _ => {
                let text = "only root or the service's own user may draw the first password; use sudo";
                return Err(Refused::with(Refusal::PermissionDenied, text));
            }
        }
        let init = self.0.store.read(|view| view.person(&PersonName::Init)).await?;
        if init.is_none_or(|init| init.last_login.is_some()) {
            let text = "the init account was used already or is deactivated; log in as a manager";
            return Err(Refused::with(Refusal::PermissionDenied, text));
        }
        let password = OneTime::password()?;
        let hash = self.hash(Password::new(password.expose().to_owned())).await?;
        self.0.store.write(Urgency::Now, move |tx| tx.set_password(&PersonName::Init, &hash, true)).await?;
        self.0.people.logins().end_of(&PersonName::Init);
        Ok(Done::TemporaryPassword { password })
    }

    pub(super) async fn log_in(&self, actor: &Actor, asked: Login) -> Result<Done, Refused> {
        let uid = system_user(actor)?;
        let (person, by) =
            self.prove_person(&source(actor), &asked.person, self.open_password(&asked.password)?).await?;
        let must_change = person.must_change || by == By::OneTime;
        let (name, at) = (person.name.clone(), clock::wall());
        self.0.store.write(Urgency::Now, move |tx| tx.set_last_login(&name, at)).await?;
        // What somebody else has unlocked is not theirs.
        self.sessions().lock(uid, None);
        self.0.people.logins().open(uid, person.name.clone(), must_change, clock::now());
        Ok(Done::LoggedIn {
            person: person.name,
            role: person.role,
            must_change,
            last_login: person.last_login.map(Into::into),
        })
    }

    pub(super) fn log_out(&self, actor: &Actor) -> Result<Done, Refused> {
        let uid = system_user(actor)?;
        if !self.0.people.logins().close(uid) {
            return Err(Refused::with(Refusal::Invalid, "nobody is logged in"));
        }
        self.sessions().lock(uid, None);
        Ok(Done::Stored)
    }

    pub(super) async fn set_own_password(&self, actor: &Actor, asked: SetPassword) -> Result<Done, Refused> {
        let new = self.open_password(&asked.new)?;
        let current = self.open_password(&asked.current)?;
        if new == current {
            return Err(Refused::with(
                Refusal::Invalid,
                "the new password is the one that you have; choose another one",
            ));
        }
        allowed(&new, asked.person.as_str())?;
        let (person, _) = self.prove_person(&source(actor), &asked.person, current).await?;
        let (hash, name) = (self.hash(new).await?, person.name.clone());
        self.0.store.write(Urgency::Now, move |tx| tx.set_password(&name, &hash, false)).await?;
        self.0.people.logins().password_set(&person.name, system_user(actor).ok());
        Ok(Done::Stored)
    }

    /// Whether that is the person's password. Wrong ones cost time, by who tries and by whose it is to be; who is not
    /// there takes as long as who is, and is refused in the same words.
    pub(super) async fn prove_person(
        &self,
        source: &str,
        name: &PersonName,
        password: Password,
    ) -> Result<(Person, By), Refused> {
        let reading = name.clone();
        let kept = move |view: &crate::store::View<'_>| view.passwords(&reading, clock::wall());
        let by = self.prove_against(source, &format!("person {name}"), password, kept).await?;
        let reading = name.clone();
        let person = self.0.store.read(move |view| view.person(&reading)).await?;
        match person.ok_or_else(wrong)? {
            person if person.status == PersonStatus::Suspended => {
                Err(Refused::with(Refusal::AccountSuspended, "the account is suspended; ask a manager to resume it"))
            }
            person => Ok((person, by)),
        }
    }

    /// The same for whatever has passwords. One at a time: the wait is looked at, the try counted and kept, and only
    /// then the password looked at.
    pub(super) async fn prove_against<F>(
        &self,
        source: &str,
        target: &str,
        password: Password,
        kept: F,
    ) -> Result<By, Refused>
    where
        F: FnOnce(&crate::store::View<'_>) -> Result<Passwords, crate::store::StoreError> + Send + 'static,
    {
        let turn = Arc::clone(&self.0.people.hashing).acquire_owned().await.map_err(|_| Refusal::StorageFailed)?;
        self.throttle_is_read().await?;
        let counts = {
            let mut throttle = self.0.people.throttle();
            let throttle = throttle.get_or_insert_default();
            if let Some(left) = throttle.wait(&[source, target], clock::now()) {
                let seconds = left.as_secs() + 1;
                let text = format!("too many wrong passwords; try again in {seconds} seconds");
                return Err(Refused::with(Refusal::LockedOut, text));
            }
            [source, target].map(|key| (key.to_owned(), throttle.count(key, clock::now())))
        };
        let counted = counts.clone();
        let write = move |tx: &mut crate::store::Tx<'_>| {
            counted.iter().try_for_each(|(key, wrong)| tx.put_login_tries(key, *wrong))
        };
        self.0.store.write(Urgency::Now, write).await?;
        let kept = self.0.store.read(kept).await?;
        let keys = Arc::clone(&self.0.keys);
        let verified = tokio::task::spawn_blocking(move || {
            let found = verify(&password, [kept.chosen.as_ref(), kept.one_time.as_ref()], &keys);
            drop(turn);
            found
        });
        let found = verified.await.map_err(|_| Refusal::StorageFailed)?.map_err(cannot_hash)?;
        let by = match found {
            None => return Err(wrong()),
            Some(0) => By::Chosen,
            Some(_) => By::OneTime,
        };
        counts.iter().for_each(|(key, _)| {
            if let Some(throttle) = self.0.people.throttle().as_mut() {
                throttle.forget(key);
            }
        });
        let write =
            move |tx: &mut crate::store::Tx<'_>| counts.iter().try_for_each(|(key, _)| tx.forget_login_tries(key));
        self.0.store.write(Urgency::Now, write).await?;
        Ok(by)
    }

    async fn throttle_is_read(&self) -> Result<(), Refused> {
        if self.0.people.throttle().is_none() {
            let counts = self.0.store.read(|view| view.login_tries()).await?;
            self.0.people.throttle().get_or_insert_with(|| Throttle::kept(counts, clock::now()));
        }
        Ok(())
    }

    /// Hashes a password beside the runtime, one at a time.
    pub(super) async fn hash(&self, password: Password) -> Result<PasswordHash, Refused> {
        let turn = Arc::clone(&self.0.people.hashing).acquire_owned().await.map_err(|_| Refusal::StorageFailed)?;
        let keys = Arc::clone(&self.0.keys);
        let hashing = tokio::task::spawn_blocking(move || {
            let hash = PasswordHash::of(&password, &keys);
            drop(turn);
            hash
        });
        hashing.await.map_err(|_| Refusal::StorageFailed)?.map_err(cannot_hash)
    }

    pub(super) fn open_password(&self, sealed: &SealedCode) -> Result<Password, Refused> {
        let text = self.0.keys.open_sealed(sealed).map_err(|_| Refused::from(Refusal::SealInvalid))?;
        Ok(Password::new(text.to_string()))
    }

    /// The person that a system user logged in as, if it did and the person may still act. A login of somebody who was
    /// suspended or removed ends here at the latest. `ask` says whether asking counts as use.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub(super) async fn logged_in(
        &self,
        actor: &Actor,
        ask: fn(&mut Logins, u32, Instant) -> Option<LoggedIn>,
    ) -> Result<Option<(Person, LoggedIn)>, Refused> {
        let Principal::System { uid } = actor.principal else { return Ok(None) };
        let Some(login) = ask(&mut self.0.people.logins(), uid, clock::now()) else { return Ok(None) };
        let name = login.person.clone();
        match self.0.store.read(move |view| view.person(&name)).await? {
            Some(person) if person.status == PersonStatus::Accepted => Ok(Some((person, login))),
            _ => {
                self.0.people.logins().end_of(&login.person);
                Ok(None)
            }
        }
    }

    /// As whom somebody acts.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn who_am_i(&self, actor: &Actor) -> Result<Identity, Refused> {
        Ok(match self.logged_in(actor, Logins::current).await? {
            Some((person, login)) => Identity { person: Some(person), must_change: login.must_change },
            None => Identity { person: None, must_change: false },
        })
    }

    /// What somebody should do about the first start (S1, S2), for whoever looks at the box.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn first_start_notice(&self) -> Result<Option<&'static str>, Refused> {
        let people = self.0.store.read(|view| view.people(None)).await?;
        let Some(init) = people.iter().find(|person| person.kind == PersonKind::Init) else { return Ok(None) };
        let manager = people.iter().any(is_working_manager);
        Ok(match (manager, init.last_login.is_some()) {
            (true, _) => Some("deactivate the init account: panelgate managers deactivate-init"),
            (false, true) => Some("invite the first manager: panelgate managers invite EMAIL --name NAME"),
            (false, false) => Some("nobody can log in yet: sudo panelgate first-login shows the password of init"),
        })
    }

    /// The notice for whoever acts as `init`, who hears it with every answer.
    pub async fn notice_for(&self, actor: &Actor) -> Option<&'static str> {
        let (person, _) = self.logged_in(actor, Logins::glance).await.ok().flatten()?;
        if person.kind != PersonKind::Init {
            return None;
        }
        self.first_start_notice().await.ok().flatten()
    }
}

/// A manager who can do what `init` does now.
pub(super) fn is_working_manager(person: &Person) -> bool {
    person.kind == PersonKind::Manager && person.status == PersonStatus::Accepted
}

/// Whether a person may choose that password.
pub(super) fn allowed(password: &Password, person: &str) -> Result<(), Refused> {
    check_new(password, person).map_err(|rule| Refused::with(Refusal::Invalid, rule.to_string()))
}

/// What the door says of a peer that the kernel does not name. Two such peers must not share a login.
const UNNAMED: u32 = u32::MAX;

/// Logging in is a matter of the box's own doors: elsewhere a token says who acts.
fn system_user(actor: &Actor) -> Result<u32, Refused> {
    match actor.principal {
        Principal::System { uid: UNNAMED } => Err(Refused::with(
            Refusal::PermissionDenied,
            "the system does not say who you are; nobody can log in like that",
        )),
        Principal::System { uid } => Ok(uid),
        Principal::Broker | Principal::Token { .. } => {
            Err(Refused::with(Refusal::Unsupported, "log in at the box itself"))
        }
    }
}

fn wrong() -> Refused {
    Refused::with(Refusal::PermissionDenied, "the e-mail or the password is wrong")
}

fn cannot_hash(error: crate::access::CannotHash) -> Refused {
    warn!(%error, "a password could not be looked at");
    Refused::with(Refusal::Busy, "the box has no memory for this now; try again in a moment")
}

/// Whether a time that was promised has passed.
pub(super) fn over(until: WallTime) -> bool {
    clock::wall().0 >= until.0
}
