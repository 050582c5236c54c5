//! The cloud's directory: people, roles, companies and installer codes that the cloud governs, enforced here while it is
//! away (I8, A7). Every entry is answered by itself: what a rule refuses does not keep the rest from being taken.

use std::collections::BTreeMap;

use panel_driver::clock;
use panel_model::{PanelId, Refusal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tracing::{info, warn};

use super::people::{name_for_people, phone_number};
use super::{Actions, CredentialKind, Entry, Refused};
use crate::access::{
    AccountStatus, Actor, Company, CompanyId, CompanyIdError, Email, EmailError, Name, NameError, PersonKind,
    PersonName, PersonStatus, Role, UnknownPermission, default_roles, reaches, role_name,
};
use crate::payload::{
    self, DirectoryAccountStatus, DirectoryDocument, DirectoryKind, DirectoryOutcome, DirectoryReported,
    DocumentRefusal,
};
use crate::secrets::SealedCode;
use crate::store::{Account, DirectoryEntry, Person, StoreError, Tx, Urgency};

/// The one entry of [`DirectoryKind::Company`].
const OWN: &str = "company";

/// What the cloud is told of its directory, as it changes.
#[derive(Debug, Default)]
pub(super) struct Directory(watch::Sender<DirectoryReported>);

/// One entry of a document: kind, name, and what it says as JSON.
type Wanted = BTreeMap<(DirectoryKind, String), String>;

impl Actions {
    /// What became of the directory, now and as it changes.
    #[must_use]
    pub fn directory(&self) -> watch::Receiver<DirectoryReported> {
        self.0.directory.0.subscribe()
    }

    /// Takes the cloud's directory, whole.
    ///
    /// # Errors
    /// [`Refusal::VersionConflict`] if it is older than the last one; [`Refusal::StorageFailed`]. Nothing was changed then.
    pub async fn apply_directory(&self, actor: &Actor, document: DirectoryDocument) -> Result<(), Refused> {
        let entry = Entry::new(actor, "apply_directory", None);
        let result = self.take_directory(document, &entry).await;
        if let Err(refused) = &result {
            self.log(entry, refused.refusal.code(), Some(refused.text.clone())).await;
        }
        result
    }

    async fn take_directory(&self, document: DirectoryDocument, entry: &Entry) -> Result<(), Refused> {
        let (taken, before) = self.0.store.read(|view| Ok((view.directory_version()?, view.directory()?))).await?;
        if document.version <= taken {
            return Err(Refusal::VersionConflict.into());
        }
        let version = document.version;
        let wanted = entries_of(&document).map_err(|_| Refused::from(Refusal::Invalid))?;
        let mut withdrawn = withdrawn(&before, &wanted);
        withdrawn.retain(|effect| !matches!(effect, Effect::NoRole(name) if self.needs_role(name)));
        let (mut entries, mut effects) = (Vec::with_capacity(wanted.len()), Vec::new());
        for ((kind, name), json) in wanted {
            let done = before.iter().any(|old| {
                let same = old.kind == word(kind) && old.name == name && old.entry == json;
                same && parsed(&old.outcome) == Some(DirectoryOutcome::Applied)
            });
            // A code that was changed on site since it was pushed stays; everything else is what the cloud says.
            let outcome = match done && kind == DirectoryKind::InstallerCodes {
                true => DirectoryOutcome::Applied,
                false => self.apply_entry(&document, kind, &name, &json, &mut effects).await?,
            };
            let outcome = serde_json::to_string(&outcome).map_err(|_| Refused::from(Refusal::Invalid))?;
            entries.push(DirectoryEntry { kind: word(kind), name, entry: json, outcome });
        }
        let refused = entries.iter().filter(|e| parsed(&e.outcome) != Some(DirectoryOutcome::Applied)).count();
        let text = format!("directory version {version}: {} entries, {refused} refused", entries.len());
        let line = entry.line("accepted", Some(text));
        let ended: Vec<_> = withdrawn.iter().chain(&effects).filter_map(Effect::ends).collect();
        let write = move |tx: &mut Tx<'_>| {
            for effect in withdrawn.into_iter().chain(effects) {
                effect.write(tx)?;
            }
            tx.put_directory(version, &entries)?;
            tx.add_log_line(line)
        };
        self.0.store.write(Urgency::Now, write).await?;
        ended.iter().for_each(|person| self.0.people.logins().end_of(person));
        info!(version, refused, "directory accepted");
        Ok(self.read_directory().await?)
    }

    /// What becomes of one entry; what it changes in the store is added to `effects`.
    ///
    /// # Errors
    /// [`Refused`] only where nothing can be stored at all.
    async fn apply_entry(
        &self,
        document: &DirectoryDocument,
        kind: DirectoryKind,
        name: &str,
        json: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<DirectoryOutcome, Refused> {
        let result = match kind {
            DirectoryKind::InstallerCodes => self.apply_installer_code(name, json).await.map(|()| None),
            DirectoryKind::Installers => self.installer(document, name).await,
            kind => effect_of(document, kind, name),
        };
        match result {
            Ok(effect) => {
                effects.extend(effect);
                Ok(DirectoryOutcome::Applied)
            }
            Err(refused) if refused.refusal == Refusal::StorageFailed => Err(refused),
            Err(Refused { refusal, text }) => Ok(DirectoryOutcome::Refused { refusal, text }),
        }
    }

    /// Whether the box itself goes by that role: its own users have it, or people are invited in it. The cloud may say
    /// what it permits, and not take it away.
    fn needs_role(&self, name: &Name) -> bool {
        name.reads_like(self.0.local.role.as_str())
            || default_roles().iter().any(|role| name.reads_like(role.name.as_str()))
    }

    async fn apply_installer_code(&self, panel: &str, json: &str) -> Result<(), Refused> {
        let panel: PanelId = panel.parse().map_err(|_| Refused::from(Refusal::PanelNotFound))?;
        let code: SealedCode = serde_json::from_str(json).map_err(|_| Refused::from(Refusal::Invalid))?;
        let handle = self.handle(&panel)?;
        self.not_a_users_code(&panel, &self.open(&code)?).await?;
        self.set_credential(&handle, &panel, CredentialKind::InstallerCode, &code).await?;
        self.sessions().close(&panel);
        Ok(())
    }

    /// An installer as the cloud has them: somebody new is invited, and chooses a password behind an invitation's link.
    async fn installer(&self, document: &DirectoryDocument, name: &str) -> Result<Option<Effect>, Refused> {
        let Some(entry) = document.installers.get(name) else { return Ok(None) };
        let email: Email = name.parse().map_err(|error: EmailError| invalid(&error))?;
        for panel in &entry.panels {
            self.handle(panel)?;
        }
        let name = PersonName::from(email);
        let asked = name.clone();
        let there = self.0.store.read(move |view| view.person(&asked)).await?;
        if there.is_some_and(|person| person.kind != PersonKind::Installer) {
            return Err(Refused::with(Refusal::InUse, "a manager of this box has that e-mail"));
        }
        Ok(Some(Effect::Installer(Person {
            name,
            kind: PersonKind::Installer,
            full_name: name_for_people(&entry.name)?,
            phone: phone_number(entry.phone.as_deref().unwrap_or_default())?,
            role: role_name::INSTALLER.into(),
            company: None,
            created: clock::wall(),
            last_login: None,
            status: if entry.suspended { PersonStatus::Suspended } else { PersonStatus::Invited },
            may_update_software: entry.may_update_software,
            must_change: false,
            panels: entry.panels.clone(),
        })))
    }

    /// Tells the cloud that its directory, or its keys, were not taken; `None`: the keys were.
    pub fn directory_refused(&self, refused: Option<DocumentRefusal>, keys: bool) {
        let kids = self.0.authority.kids();
        self.0.directory.0.send_if_modified(|reported| {
            let before = reported.clone();
            reported.keys = kids;
            let place = if keys { &mut reported.refused_keys } else { &mut reported.refused_document };
            *place = refused;
            let changed = *reported != before;
            let why = if keys { &reported.refused_keys } else { &reported.refused_document };
            if let Some(refused) = why.as_ref().filter(|_| changed) {
                warn!(refusal = %refused.refusal, keys, "the cloud's directory is not taken: {}", refused.text);
            }
            changed
        });
    }

    /// Reads what is stored of the directory into what the cloud is told.
    pub(super) async fn read_directory(&self) -> Result<(), StoreError> {
        let (version, stored) = self.0.store.read(|view| Ok((view.directory_version()?, view.directory()?))).await?;
        let mut entries: BTreeMap<DirectoryKind, BTreeMap<String, DirectoryOutcome>> = BTreeMap::new();
        for DirectoryEntry { kind, name, outcome, .. } in stored {
            let kind = serde_json::from_value(serde_json::Value::String(kind));
            if let (Ok(kind), Some(outcome)) = (kind, parsed(&outcome)) {
                entries.entry(kind).or_default().insert(name, outcome);
            }
        }
        let keys = self.0.authority.kids();
        self.0.directory.0.send_modify(|reported| {
            *reported = DirectoryReported { version, keys, entries, refused_document: None, ..reported.clone() };
        });
        Ok(())
    }

    /// The company that the gateway belongs to: the one that the directory names, else the configured one.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub(super) async fn gateway_company(&self) -> Result<Option<CompanyId>, Refused> {
        let stored = self.0.store.read(|view| view.directory()).await?;
        let own = stored.iter().find(|entry| entry.kind == word(DirectoryKind::Company));
        let own = own.filter(|entry| parsed(&entry.outcome) == Some(DirectoryOutcome::Applied));
        Ok(own.and_then(|entry| parsed(&entry.entry)).or_else(|| self.0.local.company.clone()))
    }

    /// Whether a company has a say over this gateway: it is the gateway's own, or one above it (P6).
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub(super) async fn company_covers(&self, company: &str) -> Result<bool, Refused> {
        let (Ok(company), Some(own)) = (company.parse(), self.gateway_company().await?) else { return Ok(false) };
        let tree = self.0.store.read(|view| view.companies()).await?;
        Ok(reaches(&tree, &company, &own))
    }
}

/// What an entry changes among the box's own records.
#[derive(Debug)]
enum Effect {
    Company(Company),
    Role(Role),
    Installer(Person),
    Account(Account),
    NoCompany(CompanyId),
    NoRole(Name),
    NoInstaller(Email),
    NoAccount(Email),
}

impl Effect {
    fn write(self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        match self {
            Self::Company(company) => tx.put_company(&company),
            Self::Role(role) => tx.put_role(&role),
            Self::Installer(person) => match tx.person(&person.name)? {
                Some(_) => tx.edit_person(&person),
                None => tx.put_person(&person),
            },
            Self::Account(account) => tx.put_account(&account),
            // Who still takes part in it, or holds it, is the box's own record, and keeps it (P7).
            Self::NoCompany(id) if tx.participations()?.iter().any(|part| part.company == id) => Ok(()),
            Self::NoCompany(id) => tx.delete_company(&id),
            Self::NoRole(name) if tx.role_holders(name.as_str())? > 0 => Ok(()),
            Self::NoRole(name) => tx.delete_role(&name),
            Self::NoInstaller(email) => match tx.person(&email.into())? {
                Some(person) if person.kind == PersonKind::Installer => tx.remove_person(&person.name, clock::wall()),
                _ => Ok(()),
            },
            Self::NoAccount(email) => tx.delete_account(&email),
        }
    }

    /// Whose logins end with it.
    fn ends(&self) -> Option<PersonName> {
        match self {
            Self::Installer(person) if person.status == PersonStatus::Suspended => Some(person.name.clone()),
            Self::NoInstaller(email) => Some(email.clone().into()),
            _ => None,
        }
    }
}

/// What one entry asks of the store; one arm for each kind.
fn effect_of(document: &DirectoryDocument, kind: DirectoryKind, name: &str) -> Result<Option<Effect>, Refused> {
    match kind {
        // The entry itself is what is read: see `gateway_company`.
        DirectoryKind::Company => known_company(document, document.company.as_deref()).map(|_| None),
        DirectoryKind::Companies => {
            let Some(entry) = document.companies.get(name) else { return Ok(None) };
            let parent = known_company(document, entry.parent.as_deref())?;
            let id = name.parse().map_err(|error: CompanyIdError| invalid(&error))?;
            let name = entry.name.parse().map_err(|error: NameError| invalid(&error))?;
            Ok(Some(Effect::Company(Company { id, name, parent })))
        }
        DirectoryKind::Roles => {
            let Some(entry) = document.roles.get(name) else { return Ok(None) };
            let name: Name = name.parse().map_err(|error: NameError| invalid(&error))?;
            if Role::is_fixed(&name) {
                return Err(Refused::with(Refusal::PermissionDenied, format!("{name} has all permissions, always")));
            }
            let permissions = entry.permissions.iter().map(|permission| permission.parse()).collect::<Result<_, _>>();
            let permissions = permissions.map_err(|error: UnknownPermission| invalid(&error))?;
            Ok(Some(Effect::Role(Role { name, permissions })))
        }
        DirectoryKind::Accounts => {
            let Some(entry) = document.accounts.get(name) else { return Ok(None) };
            let email = name.parse().map_err(|error: EmailError| invalid(&error))?;
            let status = match entry.status {
                DirectoryAccountStatus::NotConfirmed => AccountStatus::NotConfirmed,
                DirectoryAccountStatus::Active => AccountStatus::Active,
                DirectoryAccountStatus::Suspended => AccountStatus::Suspended,
            };
            Ok(Some(Effect::Account(Account { email, created: clock::wall(), status })))
        }
        // These ask the box for more than the document: see `apply_entry`.
        DirectoryKind::Installers | DirectoryKind::InstallerCodes => Err(Refusal::Invalid.into()),
    }
}

/// What was applied of the directory before and is not named in it any more.
fn withdrawn(before: &[DirectoryEntry], wanted: &Wanted) -> Vec<Effect> {
    let gone = before.iter().filter(|old| {
        let named = wanted.keys().any(|(kind, name)| word(*kind) == old.kind && *name == old.name);
        !named && parsed(&old.outcome) == Some(DirectoryOutcome::Applied)
    });
    let effect = |old: &DirectoryEntry| match old.kind.as_str() {
        "companies" => old.name.parse().ok().map(Effect::NoCompany),
        "roles" => old.name.parse().ok().map(Effect::NoRole),
        "installers" => old.name.parse().ok().map(Effect::NoInstaller),
        "accounts" => old.name.parse().ok().map(Effect::NoAccount),
        _ => None,
    };
    gone.filter_map(effect).collect()
}

fn invalid(error: &dyn std::fmt::Display) -> Refused {
    Refused::with(Refusal::Invalid, error.to_string())
}

fn known_company(document: &DirectoryDocument, name: Option<&str>) -> Result<Option<CompanyId>, Refused> {
    let Some(name) = name else { return Ok(None) };
    let known = document.companies.contains_key(name).then(|| name.parse().ok()).flatten();
    let missing = || Refused::with(Refusal::NotFound, format!("the directory has no company {name}"));
    known.map(Some).ok_or_else(missing)
}

/// The document as single entries.
fn entries_of(document: &DirectoryDocument) -> Result<Wanted, serde_json::Error> {
    let mut all = Wanted::new();
    let own = document.company.as_ref().map(|company| (OWN.to_owned(), company));
    add(&mut all, DirectoryKind::Company, own)?;
    add(&mut all, DirectoryKind::Companies, &document.companies)?;
    add(&mut all, DirectoryKind::Roles, &document.roles)?;
    add(&mut all, DirectoryKind::Installers, &document.installers)?;
    add(&mut all, DirectoryKind::Accounts, &document.accounts)?;
    add(&mut all, DirectoryKind::InstallerCodes, &document.installer_codes)?;
    Ok(all)
}

fn add<N: ToString, T: Serialize>(
    all: &mut Wanted,
    kind: DirectoryKind,
    entries: impl IntoIterator<Item = (N, T)>,
) -> Result<(), serde_json::Error> {
    for (name, entry) in entries {
        all.insert((kind, name.to_string()), serde_json::to_string(&entry)?);
    }
    Ok(())
}

fn word(kind: DirectoryKind) -> String {
    match kind {
        DirectoryKind::Company => "company",
        DirectoryKind::Companies => "companies",
        DirectoryKind::Roles => "roles",
        DirectoryKind::Installers => "installers",
        DirectoryKind::Accounts => "accounts",
        DirectoryKind::InstallerCodes => "installer_codes",
    }
    .to_owned()
}

fn parsed<T: DeserializeOwned>(json: &str) -> Option<T> {
    payload::read(json.as_bytes()).ok()
}
