//! Managers and installers: invited, suspended, removed, assigned to panels (I1, I4–I7).

use panel_driver::clock;
use panel_model::{PanelId, Password, Refusal, WallTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::approval::{By, Halt, keep_deleted};
use super::letters::{self, Letter};
use super::login::{allowed, is_working_manager, over};
use super::one_time::{OneTime, random};
use super::{Actions, Done, Entry, Refused, full};
use crate::access::{
    Assigned, Door, Email, PersonKind, PersonName, PersonStatus, Role, Standing, is_hidden, role_name,
};
use crate::secrets::SealedCode;
use crate::store::{DeletedKind, Listed, NewMail, Person, StoreError, TokenHash, Tx, Urgency, View};

/// How long an invitation may be accepted.
const INVITATION_DAYS: i64 = 7;
/// How long a one-time password may be used.
pub(super) const ONE_TIME_HOURS: i64 = 24;

const HOUR_MS: i64 = 3_600_000;
const LONGEST_NAME: usize = 64;
const LONGEST_PHONE: usize = 32;

/// Invite somebody, or send another invitation to who has not accepted yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// Whom. The identity: it never changes (I1).
    pub email: Email,
    /// Name for people, up to 64 characters.
    pub full_name: String,
    /// Telephone number: up to 32 digits, blanks and `+ - / ( )`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phone: String,
    /// Name of the role; without it `Installer` for installers and `Company Admin` for managers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Panels of an installer (I4).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub panels: Vec<PanelId>,
}

/// Something about one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfPerson {
    /// About whom.
    pub person: Email,
}

/// One panel of one installer (I4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The installer.
    pub person: Email,
    /// The panel.
    pub panel: PanelId,
}

/// Whether somebody may start a software update (I7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MayUpdateSoftware {
    /// Who.
    pub person: Email,
    /// Whether.
    pub may: bool,
}

/// Accept an invitation (I6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// The token, which is the last part of the link.
    pub token: SealedCode,
    /// The password that the person chose.
    pub password: SealedCode,
}

impl Actions {
    pub(super) async fn invite(
        &self,
        standing: &Standing,
        kind: PersonKind,
        asked: Invite,
        entry: &Entry,
    ) -> Result<Done, Refused> {
        let Invite { email, full_name, phone, role, panels } = asked;
        let full_name = name_for_people(&full_name)?;
        let phone = phone_number(&phone)?;
        let usual = if kind == PersonKind::Installer { role_name::INSTALLER } else { role_name::COMPANY_ADMIN };
        let role = role.unwrap_or_else(|| usual.to_owned());
        let role = self.may_give(standing, &role).await?.name.to_string();
        // Another invitation replaces the first: not by somebody who could not have given that one.
        let name = PersonName::from(email.clone());
        if let Some(before) = self.0.store.read(move |view| view.person(&name)).await? {
            self.may_give(standing, &before.role).await?;
        }
        if kind != PersonKind::Installer && !panels.is_empty() {
            return Err(Refused::with(
                Refusal::Invalid,
                "managers see every panel; only installers are assigned to some",
            ));
        }
        // I4: nobody lets others see what they do not see themselves.
        if kind != PersonKind::Installer && standing.panels != Assigned::All {
            let text = "managers see every panel; only somebody who sees every panel invites one";
            return Err(Refused::with(Refusal::NotAssigned, text));
        }
        for panel in &panels {
            self.handle(panel)?;
            if !standing.sees(panel) {
                return Err(Refusal::NotAssigned.into());
            }
        }
        if self.0.people.setup.mail.is_none() && entry.door == Door::Cloud.name() {
            // The link would cross the broker in clear.
            return Err(Refusal::MailNotConfigured.into());
        }
        let token = URL_SAFE_NO_PAD.encode(random::<32>()?);
        let link = format!("{}/invitation/{token}", self.0.people.setup.link_base);
        let (hash, now) = (token_hash(&token), clock::wall());
        let expires = WallTime(now.0 + INVITATION_DAYS * 24 * HOUR_MS);
        let mail = self.mail(&email, letters::invitation(self.gateway(), &full_name, &link, INVITATION_DAYS), entry);
        let person = Person {
            name: email.clone().into(),
            kind,
            full_name,
            phone,
            role,
            // Who acts for a company invites its people (P6).
            company: standing.company.as_ref().map(ToString::to_string),
            created: now,
            last_login: None,
            status: PersonStatus::Invited,
            may_update_software: false,
            must_change: false,
            panels: panels.into_iter().collect(),
        };
        let work = move |tx: &mut Tx<'_>| {
            if let Err(refused) = room_for_mail(tx)? {
                return Ok(Err(refused));
            }
            match tx.person(&person.name)? {
                Some(before) if before.status != PersonStatus::Invited || before.kind != person.kind => {
                    let text =
                        "somebody of that e-mail is there already; reset the password instead, or remove them first";
                    return Ok(Err(Refused::with(Refusal::InUse, text)));
                }
                None if tx.is_full(Listed::People)? => return Ok(Err(full(Listed::People))),
                _ => {}
            }
            tx.put_person(&person)?;
            tx.put_invitation(&hash, &person.name, expires)?;
            put_mail(tx, mail.as_ref())?;
            Ok(Ok(()))
        };
        self.0.store.write(Urgency::Now, work).await??;
        Ok(match self.ring() {
            true => Done::Mailed { to: email },
            false => Done::Invited { link: OneTime::new(link), expires: expires.into() },
        })
    }

    pub(super) async fn accept_invitation(&self, asked: AcceptInvitation) -> Result<Done, Refused> {
        let token = self.open_password(&asked.token)?;
        let hash = token_hash(token.expose());
        let password = self.open_password(&asked.password)?;
        let invited = self.0.store.read(move |view| Ok(open_invitation(view.invitation(&hash)?))).await??;
        allowed(&password, invited.as_str())?;
        let password = self.hash(password).await?;
        let work = move |tx: &mut Tx<'_>| {
            // Looked at again: somebody else may have been faster.
            let invited = match open_invitation(tx.invitation(&hash)?) {
                Ok(invited) => invited,
                Err(refused) => return Ok(Err(refused)),
            };
            match tx.person(&invited)? {
                Some(person) if person.status == PersonStatus::Suspended => {
                    return Ok(Err(Refusal::AccountSuspended.into()));
                }
                Some(_) => {}
                None => return Ok(Err(Refusal::InvitationExpired.into())),
            }
            tx.set_password(&invited, &password, false)?;
            tx.use_invitation(&hash, clock::wall())?;
            Ok(Ok(invited))
        };
        let person = self.0.store.write(Urgency::Now, work).await??;
        // Logins of who was removed and invited again are not theirs.
        self.0.people.logins().end_of(&person);
        Ok(Done::InvitationAccepted { person })
    }

    pub(super) async fn suspend_person(
        &self,
        standing: &Standing,
        email: Email,
        suspended: bool,
    ) -> Result<Done, Refused> {
        let name = self.person_to_change(standing, email).await?.name;
        let changed = name.clone();
        self.0.store.write(Urgency::Now, move |tx| tx.set_suspended(&changed, suspended)).await?;
        if suspended {
            self.0.people.logins().end_of(&name);
        }
        Ok(Done::Stored)
    }

    /// A5 for those who work with the box: the old password stays until a new one is set.
    pub(super) async fn reset_password(
        &self,
        standing: &Standing,
        email: Email,
        entry: &Entry,
    ) -> Result<Done, Refused> {
        let person = self.person_to_change(standing, email.clone()).await?;
        match person.status {
            PersonStatus::Accepted => {}
            PersonStatus::Invited => {
                return Err(Refused::with(Refusal::Invalid, "they have no password yet; invite them again instead"));
            }
            PersonStatus::Suspended => return Err(Refusal::AccountSuspended.into()),
        }
        let password = self.password_to_mail()?;
        let hash = self.hash(Password::new(password.expose().to_owned())).await?;
        let mail = self.mail(&email, letters::person_reset(self.gateway(), password.expose(), ONE_TIME_HOURS), entry);
        let until = one_time_until();
        let work = move |tx: &mut Tx<'_>| {
            if let Err(refused) = room_for_mail(tx)? {
                return Ok(Err(refused));
            }
            tx.set_one_time(&person.name, &hash, until)?;
            put_mail(tx, mail.as_ref())?;
            Ok(Ok(()))
        };
        self.0.store.write(Urgency::Now, work).await??;
        self.ring();
        Ok(Done::Mailed { to: email })
    }

    pub(super) async fn assign_panel(
        &self,
        standing: &Standing,
        asked: Assignment,
        assigned: bool,
    ) -> Result<Done, Refused> {
        let person = self.person_to_change(standing, asked.person).await?;
        if person.kind != PersonKind::Installer {
            return Err(Refused::with(
                Refusal::Invalid,
                "only installers are assigned to panels; managers see all of them",
            ));
        }
        if !assigned && !person.panels.contains(&asked.panel) {
            return Err(Refusal::NotAssigned.into());
        }
        let work = move |tx: &mut Tx<'_>| match assigned {
            true => tx.assign(&person.name, &asked.panel),
            false => tx.unassign(&person.name, &asked.panel),
        };
        self.0.store.write(Urgency::Now, work).await?;
        Ok(Done::Stored)
    }

    pub(super) async fn set_may_update_software(
        &self,
        standing: &Standing,
        asked: MayUpdateSoftware,
    ) -> Result<Done, Refused> {
        let name = self.person_to_change(standing, asked.person).await?.name;
        self.0.store.write(Urgency::Now, move |tx| tx.set_may_update_software(&name, asked.may)).await?;
        Ok(Done::Stored)
    }

    /// S2. Not before somebody else can do what `init` does.
    pub(super) async fn deactivate_init(&self) -> Result<Done, Refused> {
        let people = self.0.store.read(|view| view.people(None)).await?;
        if !people.iter().any(|person| person.kind == PersonKind::Init) {
            return Err(Refused::with(Refusal::NotFound, "the init account is deactivated already"));
        }
        if !people.iter().any(is_working_manager) {
            let text = "no manager has accepted an invitation yet; nobody could manage the box without init";
            return Err(Refused::with(Refusal::InUse, text));
        }
        self.0.store.write(Urgency::Now, |tx| tx.remove_person(&PersonName::Init, clock::wall())).await?;
        self.0.people.logins().end_of(&PersonName::Init);
        Ok(Done::Stored)
    }

    /// Everybody of a kind.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn people(&self, kind: Option<PersonKind>) -> Result<Vec<Person>, Refused> {
        Ok(self.0.store.read(move |view| view.people(kind)).await?)
    }

    /// The person whom an action is about. Nobody manages those who may do more than they themselves: that would be a way
    /// to what they may not.
    async fn person_to_change(&self, standing: &Standing, email: Email) -> Result<Person, Refused> {
        let name = PersonName::from(email);
        let person = self.0.store.read(move |view| view.person(&name)).await?;
        let person = person.ok_or_else(nobody)?;
        self.may_give(standing, &person.role).await?;
        Ok(person)
    }

    /// The role of that name, if it allows nothing that they may not do themselves.
    async fn may_give(&self, standing: &Standing, role: &str) -> Result<Role, Refused> {
        let name = role.to_owned();
        let given = self.0.store.read(move |view| view.role(&name)).await?;
        let given = given.ok_or_else(no_such_role)?;
        if given.permissions.is_subset(&standing.permissions) {
            return Ok(given);
        }
        let text = format!("the role {role} may do more than yours; ask somebody who has it");
        Err(Refused::with(Refusal::PermissionDenied, text))
    }

    /// A password that reaches its owner by mail only.
    pub(super) fn password_to_mail(&self) -> Result<OneTime, Refused> {
        if self.0.people.setup.mail.is_none() {
            return Err(Refusal::MailNotConfigured.into());
        }
        OneTime::password()
    }

    /// A mail for the queue; none where no server is configured.
    pub(super) fn mail(&self, recipient: &Email, letter: Letter, entry: &Entry) -> Option<NewMail> {
        self.0.people.setup.mail.as_ref().map(|_| NewMail {
            recipient: recipient.clone(),
            subject: letter.subject,
            body: letter.body,
            actor: entry.actor.clone(),
            role: entry.role.clone(),
            door: entry.door.to_owned(),
            action: entry.action.to_owned(),
        })
    }

    /// Wakes who sends the mail; tells whether there is anybody.
    pub(super) fn ring(&self) -> bool {
        let bell = self.0.people.setup.mail.as_ref();
        bell.inspect(|bell| bell.notify_one()).is_some()
    }
}

/// What is kept of who was removed; the rest stays in their row.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Removed {
    person: PersonName,
    role: String,
}

/// Whether somebody can be removed: not who may do more than who asks.
pub(super) fn check_remove(view: &View<'_>, by: &By, of: &OfPerson) -> Result<(), Halt> {
    let person = view.person(&of.person.clone().into())?.ok_or_else(nobody)?;
    let role = view.role(&person.role)?;
    by.may_give(&role.map(|role| role.permissions).unwrap_or_default())
}

/// I5: they are logged out with the next thing they do; what they were can come back (P5).
pub(super) fn remove(tx: &mut Tx<'_>, by: &By, of: &OfPerson) -> Result<(), Halt> {
    let person = tx.person(&of.person.clone().into())?.ok_or_else(nobody)?;
    let removed = Removed { person: person.name.clone(), role: person.role };
    keep_deleted(tx, by, DeletedKind::Person, person.name.as_str(), &removed)?;
    Ok(tx.remove_person(&person.name, by.at)?)
}

/// P5: as invited, without password and panels; another invitation lets them in.
pub(super) fn restore(tx: &mut Tx<'_>, by: &By, removed: &Removed) -> Result<(), Halt> {
    let role = tx.role(&removed.role)?.ok_or_else(no_such_role)?;
    by.may_give(&role.permissions)?;
    if tx.restore_person(&removed.person)? {
        return Ok(());
    }
    Err(Refused::with(Refusal::InUse, "somebody of that e-mail is there already").into())
}

fn nobody() -> Refused {
    Refused::with(Refusal::NotFound, "there is nobody of that e-mail")
}

fn no_such_role() -> Refused {
    Refused::with(Refusal::NotFound, "there is no such role; `panelgate roles` lists them")
}

/// Asked before anything is written: what was written before a refusal would stay.
pub(super) fn room_for_mail(tx: &Tx<'_>) -> Result<Result<(), Refused>, StoreError> {
    let text = "too much mail waits for the mail server already; nothing was changed";
    Ok(if tx.mail_is_full()? { Err(Refused::with(Refusal::Busy, text)) } else { Ok(()) })
}

pub(super) fn put_mail(tx: &mut Tx<'_>, mail: Option<&NewMail>) -> Result<(), StoreError> {
    mail.map_or(Ok(()), |mail| tx.put_mail(mail).map(|_| ()))
}

pub(super) fn one_time_until() -> WallTime {
    WallTime(clock::wall().0 + ONE_TIME_HOURS * HOUR_MS)
}

pub(super) fn token_hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

fn open_invitation(invitation: Option<crate::store::Invitation>) -> Result<PersonName, Refused> {
    let refuse = |text: &str| Err(Refused::with(Refusal::InvitationExpired, text));
    match invitation {
        None => refuse("there is no such invitation; it was replaced by a newer one, or the link is not whole"),
        Some(invitation) if invitation.used.is_some() => refuse("the invitation was accepted already; log in instead"),
        Some(invitation) if over(invitation.expires) => refuse("the invitation is too old; ask for a new one"),
        Some(invitation) => Ok(invitation.person),
    }
}

/// A name as people write it: no control characters, and none that are not seen or turn the text around.
pub(super) fn name_for_people(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_NAME || text.chars().any(is_hidden) {
        let text = "a name has 1 to 64 characters that can be seen";
        return Err(Refused::with(Refusal::Invalid, text));
    }
    Ok(text.to_owned())
}

pub(super) fn phone_number(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.len() > LONGEST_PHONE || !text.chars().all(|c| c.is_ascii_digit() || " +-/()".contains(c)) {
        let text = "a telephone number has at most 32 digits, blanks and + - / ( )";
        return Err(Refused::with(Refusal::Invalid, text));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_are_seen_as_they_are() {
        for name in ["Anna Berg", "Žofie Čapková", "王小明", "O'Brien-Ñ", &"x".repeat(64)] {
            assert_eq!(name_for_people(&format!(" {name}\n")).map_err(|r| r.text), Ok(name.to_owned()));
        }
        for name in ["", " ", "a\u{202e}nna", "a\u{200b}nna", "a\nb", "a\0", "\u{feff}", &"x".repeat(65)] {
            assert_eq!(name_for_people(name).map_err(|r| r.refusal), Err(Refusal::Invalid), "{name:?}");
        }
        for (phone, good) in [("+44 (0)20 1234-567/8", true), ("", true), ("call me", false), (&"1".repeat(33), false)]
        {
            assert_eq!(phone_number(phone).is_ok(), good, "{phone}");
        }
    }
}
