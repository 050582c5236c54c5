//! The cloud's directory: people, roles, companies and installer codes that the cloud governs, enforced here while it is
//! away (I8, A7). Every entry is answered by itself: what a rule refuses does not keep the rest from being taken.

use std::collections::BTreeMap;

use panel_model::{PanelId, Refusal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{Actions, CredentialKind, Entry, Refused};
use crate::access::Actor;
use crate::payload::{
    self, DirectoryCompany, DirectoryDocument, DirectoryKind, DirectoryOutcome, DirectoryReported, DocumentRefusal,
};
use crate::secrets::SealedCode;
use crate::store::{DirectoryEntry, StoreError, Urgency};

/// The one entry of [`DirectoryKind::Company`].
const OWN: &str = "company";
/// Companies above one another; a longer chain is a circle.
const MOST_LEVELS: usize = 32;

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
        let entry = Entry::new(actor, "apply_directory", None, None);
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
        let mut entries = Vec::with_capacity(wanted.len());
        for ((kind, name), json) in wanted {
            let outcome = match before.iter().find(|old| old.kind == word(kind) && old.name == name) {
                // What was said and done before is not done again: a code that was changed since on site stays.
                Some(old) if old.entry == json && parsed(&old.outcome) == Some(DirectoryOutcome::Applied) => {
                    DirectoryOutcome::Applied
                }
                _ => self.apply_entry(&document, kind, &name, &json).await?,
            };
            let outcome = serde_json::to_string(&outcome).map_err(|_| Refused::from(Refusal::Invalid))?;
            entries.push(DirectoryEntry { kind: word(kind), name, entry: json, outcome });
        }
        let refused = entries.iter().filter(|e| parsed(&e.outcome) != Some(DirectoryOutcome::Applied)).count();
        let text = format!("directory version {version}: {} entries, {refused} refused", entries.len());
        let line = entry.line("accepted", Some(text));
        let write = move |tx: &mut crate::store::Tx<'_>| {
            tx.put_directory(version, &entries)?;
            tx.add_log_line(line)
        };
        self.0.store.write(Urgency::Now, write).await?;
        info!(version, refused, "directory accepted");
        Ok(self.read_directory().await?)
    }

    /// Does what one entry says. The seam to the stores of people and roles: one arm for each kind.
    ///
    /// # Errors
    /// [`Refused`] only where nothing can be stored at all.
    async fn apply_entry(
        &self,
        document: &DirectoryDocument,
        kind: DirectoryKind,
        name: &str,
        json: &str,
    ) -> Result<DirectoryOutcome, Refused> {
        let result = match kind {
            // The entry itself is what is enforced: see `company_covers`.
            DirectoryKind::Company => known_company(document, document.company.as_deref()),
            DirectoryKind::Companies => {
                known_company(document, document.companies.get(name).and_then(|company| company.parent.as_deref()))
            }
            DirectoryKind::InstallerCodes => self.apply_installer_code(name, json).await,
            DirectoryKind::Roles | DirectoryKind::Installers | DirectoryKind::Accounts => {
                Err(Refusal::Unsupported.into())
            }
        };
        match result {
            Ok(()) => Ok(DirectoryOutcome::Applied),
            Err(refused) if refused.refusal == Refusal::StorageFailed => Err(refused),
            Err(Refused { refusal, text }) => Ok(DirectoryOutcome::Refused { refusal, text }),
        }
    }

    async fn apply_installer_code(&self, panel: &str, json: &str) -> Result<(), Refused> {
        let panel: PanelId = panel.parse().map_err(|_| Refused::from(Refusal::PanelNotFound))?;
        let code: SealedCode = serde_json::from_str(json).map_err(|_| Refused::from(Refusal::Invalid))?;
        let handle = self.handle(&panel)?;
        self.not_a_users_code(&panel, &self.open(&code)?).await?;
        self.set_credential(&handle, &panel, CredentialKind::InstallerCode, &code).await.map(|_| ())
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

    /// Whether a company has a say over this gateway: it is the gateway's own, or one above it (P6). The directory says
    /// which these are; where it does not, the configuration.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub(super) async fn company_covers(&self, company: &str) -> Result<bool, Refused> {
        let stored = self.0.store.read(|view| view.directory()).await?;
        let says = |kind, name: &str| {
            let entry = stored.iter().find(|entry| entry.kind == word(kind) && entry.name == name)?;
            (parsed(&entry.outcome) == Some(DirectoryOutcome::Applied)).then_some(entry.entry.as_str())
        };
        let own = says(DirectoryKind::Company, OWN).and_then(parsed::<String>);
        let mut above = own.or_else(|| self.0.authority.company());
        for _ in 0..MOST_LEVELS {
            let Some(present) = above else { return Ok(false) };
            if present == company {
                return Ok(true);
            }
            let entry = says(DirectoryKind::Companies, &present).and_then(parsed::<DirectoryCompany>);
            above = entry.and_then(|entry| entry.parent);
        }
        Ok(false)
    }
}

fn known_company(document: &DirectoryDocument, name: Option<&str>) -> Result<(), Refused> {
    match name {
        Some(name) if !document.companies.contains_key(name) => {
            Err(Refused::with(Refusal::NotFound, format!("the directory has no company {name}")))
        }
        _ => Ok(()),
    }
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
