//! Accounts of the customer application (A1–A7): made, linked to panel users, suspended, removed.

use std::collections::BTreeMap;

use panel_driver::clock;
use panel_model::{CodeState, PanelId, Password, Refusal, Slot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::approval::Halt;
use super::gate::source;
use super::letters;
use super::login::{Directory, allowed};
use super::people::{ONE_TIME_HOURS, one_time_until, put_mail, room_for_mail};
use super::{Actions, Done, Entry, Refused, full};
use crate::access::{AccountStatus, Actor, Email};
use crate::secrets::SealedCode;
use crate::store::{Account, Listed, StoreError, Tx, Urgency, View};

/// Something about one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfAccount {
    /// Whose.
    pub account: Email,
}

/// Give an account to a panel user (A2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignAccount {
    /// The panel.
    pub panel: PanelId,
    /// The user's place; it has a code.
    pub slot: Slot,
    /// The account.
    pub account: Email,
}

/// Take a panel user's account away (A4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnassignAccount {
    /// The panel.
    pub panel: PanelId,
    /// The user's place.
    pub slot: Slot,
}

/// Set an account's password with a one-time password, or with the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAccountPassword {
    /// Whose.
    pub account: Email,
    /// The one-time password that was mailed, or the present one.
    pub current: SealedCode,
    /// The new one.
    pub new: SealedCode,
}

impl Actions {
    /// A1. With mail a one-time password goes to the owner at once; without, the account waits for a reset.
    pub(super) async fn add_account(&self, email: Email, entry: &Entry) -> Result<Done, Refused> {
        self.directory_is_ours()?;
        let taken = "there is an account of that e-mail already";
        if self.0.people.setup.mail.is_none() {
            let work = move |tx: &mut Tx<'_>| {
                if tx.account(&email)?.is_some() {
                    return Ok(Err(Refused::with(Refusal::InUse, taken)));
                }
                if tx.is_full(Listed::Accounts)? {
                    return Ok(Err(full(Listed::Accounts)));
                }
                Ok(Ok(tx.add_account(&email, clock::wall())?))
            };
            self.0.store.write(Urgency::Now, work).await??;
            return Ok(Done::Stored);
        }
        self.mail_one_time(email, entry, move |tx, email| match tx.account(email)? {
            Some(_) => Ok(Err(Refused::with(Refusal::InUse, taken))),
            None if tx.is_full(Listed::Accounts)? => Ok(Err(full(Listed::Accounts))),
            None => Ok(Ok(tx.add_account(email, clock::wall())?)),
        })
        .await
    }

    /// A5: the old password stays valid until a new one is set with the one-time password.
    pub(super) async fn reset_account(&self, email: Email, entry: &Entry) -> Result<Done, Refused> {
        self.directory_is_ours()?;
        self.mail_one_time(email, entry, |tx, email| match tx.account(email)? {
            None => Ok(Err(Refusal::AccountNotFound.into())),
            Some(account) if account.status == AccountStatus::Suspended => Ok(Err(Refusal::AccountSuspended.into())),
            Some(_) => Ok(Ok(())),
        })
        .await
    }

    async fn mail_one_time<F>(&self, email: Email, entry: &Entry, first: F) -> Result<Done, Refused>
    where
        F: FnOnce(&mut Tx<'_>, &Email) -> Result<Result<(), Refused>, StoreError> + Send + 'static,
    {
        let password = self.password_to_mail()?;
        let hash = self.hash(Password::new(password.expose().to_owned())).await?;
        let letter = letters::account_password(self.gateway(), password.expose(), ONE_TIME_HOURS);
        let mail = self.mail(&email, letter, entry);
        let (to, until) = (email.clone(), one_time_until());
        let work = move |tx: &mut Tx<'_>| {
            if let Err(refused) = room_for_mail(tx)? {
                return Ok(Err(refused));
            }
            if let Err(refused) = first(tx, &email)? {
                return Ok(Err(refused));
            }
            tx.set_account_one_time(&email, &hash, until)?;
            put_mail(tx, mail.as_ref())?;
            Ok(Ok(()))
        };
        self.0.store.write(Urgency::Now, work).await??;
        self.ring();
        Ok(Done::Mailed { to })
    }

    pub(super) async fn set_account_password(&self, actor: &Actor, asked: SetAccountPassword) -> Result<Done, Refused> {
        self.directory_is_ours()?;
        let (current, new) = (self.open_password(&asked.current)?, self.open_password(&asked.new)?);
        allowed(&new, asked.account.as_str())?;
        let account = asked.account.clone();
        let kept = move |view: &View<'_>| view.account_passwords(&account, clock::wall());
        self.prove_against(&source(actor), &format!("account {}", asked.account), current, kept).await?;
        let hash = self.hash(new).await?;
        self.change_account(asked.account, move |tx, account| match account.status {
            AccountStatus::Suspended => Ok(Err(Refusal::AccountSuspended.into())),
            _ => Ok(Ok(tx.set_account_password(&account.email, &hash)?)),
        })
        .await
    }

    pub(super) async fn suspend_account(&self, email: Email, suspended: bool) -> Result<Done, Refused> {
        self.directory_is_ours()?;
        self.change_account(email, move |tx, account| Ok(Ok(tx.set_account_suspended(&account.email, suspended)?)))
            .await
    }

    async fn change_account<F>(&self, email: Email, change: F) -> Result<Done, Refused>
    where
        F: FnOnce(&mut Tx<'_>, &Account) -> Result<Result<(), Refused>, StoreError> + Send + 'static,
    {
        let work = move |tx: &mut Tx<'_>| match tx.account(&email)? {
            None => Ok(Err(Refusal::AccountNotFound.into())),
            Some(account) => change(tx, &account),
        };
        self.0.store.write(Urgency::Now, work).await??;
        Ok(Done::Stored)
    }

    /// A2, A3.
    pub(super) async fn assign_account(&self, asked: AssignAccount) -> Result<Done, Refused> {
        let AssignAccount { panel, slot, account } = asked;
        self.slot_is_there(&panel, slot)?;
        let picture = self.handle(&panel)?.snapshot().borrow().clone();
        if picture.users.get(&slot).is_none_or(|user| user.code.value != CodeState::Set) {
            return Err(Refusal::CodeNotSet.into());
        }
        self.change_account(account, move |tx, account| match account.status {
            AccountStatus::Suspended => Ok(Err(Refusal::AccountSuspended.into())),
            _ => Ok(Ok(tx.link_account(&panel, slot, &account.email)?)),
        })
        .await
    }

    /// A4.
    pub(super) async fn unassign_account(&self, asked: UnassignAccount) -> Result<Done, Refused> {
        self.slot_is_there(&asked.panel, asked.slot)?;
        let was = self.0.store.write(Urgency::Now, move |tx| tx.unlink_account(&asked.panel, asked.slot)).await?;
        if was { Ok(Done::Stored) } else { Err(Refused::with(Refusal::AccountNotFound, "this user has no account")) }
    }

    fn slot_is_there(&self, panel: &PanelId, slot: Slot) -> Result<(), Refused> {
        let picture = self.handle(panel)?.snapshot().borrow().clone();
        Ok(picture.capabilities.roles_of(slot).map(|_| ())?)
    }

    /// A7: with a cloud the accounts are the cloud's.
    pub(super) fn directory_is_ours(&self) -> Result<(), Refused> {
        match self.0.people.setup.accounts {
            Directory::Own => Ok(()),
            Directory::Cloud => {
                let text = "with a cloud the accounts belong to the cloud: make, reset, suspend and remove them there";
                Err(Refused::with(Refusal::Unsupported, text))
            }
        }
    }

    /// The accounts whose e-mail holds that text.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn accounts(&self, part: String) -> Result<Vec<Account>, Refused> {
        Ok(self.0.store.read(move |view| view.accounts(&part.trim().to_ascii_lowercase())).await?)
    }

    /// The accounts of a panel's users.
    ///
    /// # Errors
    /// [`Refusal::PanelNotFound`], [`Refusal::StorageFailed`].
    pub async fn accounts_of(&self, panel: &PanelId) -> Result<BTreeMap<Slot, Account>, Refused> {
        self.handle(panel)?;
        let panel = panel.clone();
        Ok(self.0.store.read(move |view| view.linked_accounts(&panel)).await?)
    }
}

/// A6: whether there is one to remove.
pub(super) fn check_remove(view: &View<'_>, of: &OfAccount) -> Result<(), Halt> {
    view.account(&of.account)?.map(|_| ()).ok_or_else(|| Refusal::AccountNotFound.into())
}

/// A6: everywhere, and for good.
pub(super) fn remove(tx: &mut Tx<'_>, of: &OfAccount) -> Result<(), Halt> {
    Ok(tx.delete_account(&of.account)?)
}
