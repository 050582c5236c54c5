//! Actions on the site's equipment register (S3). Rule check, change and log line are one transaction.

use panel_model::{Charset, LabelRules, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Actions, Done, Entry, Refused, full};
use crate::access::{Permission, Standing};
use crate::payload::{AssetRow, RegisterRow};
use crate::store::{Asset, Listed, Place, PlaceKey, RegisterId, RegisterKind, StoreError, Tx, Urgency, View, folded};

/// What a name or a serial number must look like.
const NAME: LabelRules = LabelRules { max_chars: 64, charset: Charset::Any };

/// A new storage code or product category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewName {
    /// Its name, at most 64 characters; capitals make no other one.
    pub name: String,
}

/// Another name for a storage code or product category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// Its name.
    pub name: String,
    /// Its new name.
    pub new_name: String,
}

/// A storage code, product category or product model to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its name.
    pub name: String,
}

/// A new product model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewModel {
    /// Its category.
    pub category: String,
    /// Its name.
    pub name: String,
}

/// Changes of a product model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditModel {
    /// Its name.
    pub name: String,
    /// Its new name, if it gets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_name: Option<String>,
    /// Its new category, if it gets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// A new asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAsset {
    /// Its product model.
    pub model: String,
    /// Its serial number, at most 64 characters; no two of one model have the same.
    pub serial: String,
    /// Where it is.
    pub place: Place,
}

/// Corrections of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditAsset {
    /// Its number in the register.
    pub asset: u64,
    /// Its product model, if that was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its serial number, if that was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
}

/// Another place for an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveAsset {
    /// Its number in the register.
    pub asset: u64,
    /// Where it is now.
    pub place: Place,
}

/// An asset to take out of the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteAsset {
    /// Its number in the register.
    pub asset: u64,
}

/// A change of the register.
#[derive(Debug)]
pub(super) enum Change {
    Add(RegisterKind, String),
    Rename(RegisterKind, Rename),
    Delete(RegisterKind, String),
    AddModel(NewModel),
    EditModel(EditModel),
    AddAsset(NewAsset),
    EditAsset(EditAsset),
    MoveAsset(MoveAsset),
    DeleteAsset(u64),
}

impl Change {
    /// The change that an action asks for; the action again if it is about something else.
    pub(super) fn of(action: Action) -> Result<Self, Action> {
        use RegisterKind as K;
        Ok(match action {
            Action::AddStorageCode(of) => Self::Add(K::StorageCode, of.name),
            Action::RenameStorageCode(of) => Self::Rename(K::StorageCode, of),
            Action::DeleteStorageCode(of) => Self::Delete(K::StorageCode, of.name),
            Action::AddCategory(of) => Self::Add(K::Category, of.name),
            Action::RenameCategory(of) => Self::Rename(K::Category, of),
            Action::DeleteCategory(of) => Self::Delete(K::Category, of.name),
            Action::AddModel(of) => Self::AddModel(of),
            Action::EditModel(of) => Self::EditModel(of),
            Action::DeleteModel(of) => Self::Delete(K::Model, of.name),
            Action::AddAsset(of) => Self::AddAsset(of),
            Action::EditAsset(of) => Self::EditAsset(of),
            Action::MoveAsset(of) => Self::MoveAsset(of),
            Action::DeleteAsset(of) => Self::DeleteAsset(of.asset),
            other => return Err(other),
        })
    }

    /// Where an asset shall be, if the change is about that.
    fn place(&self) -> Option<&Place> {
        match self {
            Self::AddAsset(of) => Some(&of.place),
            Self::MoveAsset(of) => Some(&of.place),
            _ => None,
        }
    }

    /// Checks the rules and makes the change; tells the number of an asset that is new.
    fn make(self, tx: &mut Tx<'_>, by: &Standing) -> Result<Result<Option<u64>, Refused>, StoreError> {
        // A refusal leaves the transaction as it is: every rule is looked at before anything is written.
        match self.write(tx, by) {
            Ok(asset) => Ok(Ok(asset)),
            Err(No::Refused(refused)) => Ok(Err(refused)),
            Err(No::Store(error)) => Err(error),
        }
    }

    fn write(self, tx: &mut Tx<'_>, by: &Standing) -> Result<Option<u64>, No> {
        match self {
            Self::Add(kind, name) => {
                let name = free_name(tx, kind, &name, None)?;
                room(tx, Listed::Register)?;
                tx.add_register_entry(kind, &name, None)?;
            }
            Self::Rename(kind, Rename { name, new_name }) => {
                let id = entry(tx, kind, &name)?;
                let name = free_name(tx, kind, &new_name, Some(id))?;
                tx.rename_register_entry(id, &name)?;
            }
            Self::Delete(kind, name) => {
                let id = entry(tx, kind, &name)?;
                unused(tx, kind, id, &name)?;
                tx.delete_register_entry(id)?;
            }
            Self::AddModel(NewModel { category, name }) => {
                let category = entry(tx, RegisterKind::Category, &category)?;
                let name = free_name(tx, RegisterKind::Model, &name, None)?;
                room(tx, Listed::Register)?;
                tx.add_register_entry(RegisterKind::Model, &name, Some(category))?;
            }
            Self::EditModel(of) => edit_model(tx, of)?,
            Self::AddAsset(NewAsset { model, serial, place }) => {
                begun(tx)?;
                let model = entry(tx, RegisterKind::Model, &model)?;
                let serial = free_serial(tx, model, &serial, None)?;
                room(tx, Listed::Assets)?;
                let place = place_key(tx, place)?;
                return Ok(Some(tx.add_asset(model, &serial, &place)?));
            }
            Self::EditAsset(of) => edit_asset(tx, by, of)?,
            Self::MoveAsset(MoveAsset { asset, place }) => {
                known(tx, by, asset)?;
                let place = place_key(tx, place)?;
                tx.move_asset(asset, &place)?;
            }
            Self::DeleteAsset(asset) => {
                known(tx, by, asset)?;
                tx.delete_asset(asset)?;
            }
        }
        Ok(None)
    }
}

/// Why a change was not made.
enum No {
    Refused(Refused),
    Store(StoreError),
}

impl From<StoreError> for No {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn no(refusal: Refusal, text: String) -> No {
    No::Refused(Refused::with(refusal, text))
}

impl RegisterKind {
    /// What people call it.
    fn title(self) -> &'static str {
        match self {
            Self::StorageCode => "storage code",
            Self::Category => "product category",
            Self::Model => "product model",
        }
    }

    /// How one is made.
    fn command(self) -> &'static str {
        match self {
            Self::StorageCode => "panelgate assets storage add CODE",
            Self::Category => "panelgate assets categories add NAME",
            Self::Model => "panelgate assets models add CATEGORY NAME",
        }
    }
}

/// A name or serial number without blanks around it.
fn text(text: &str) -> Result<String, No> {
    match NAME.check(text.trim()) {
        Ok(label) => Ok(label.as_str().to_owned()),
        Err(refusal) => {
            let text = "names and serial numbers have 1 to 64 characters, all of them visible";
            Err(no(refusal, text.to_owned()))
        }
    }
}

fn entry(view: &View<'_>, kind: RegisterKind, name: &str) -> Result<RegisterId, No> {
    view.register_entry(kind, name.trim())?.ok_or_else(|| {
        let (title, command) = (kind.title(), kind.command());
        no(Refusal::NotFound, format!("there is no {title} \"{}\"; `{command}` adds one", name.trim()))
    })
}

/// The text of a new name, which nothing else of its kind has; `own` may have it already, in other capitals.
fn free_name(view: &View<'_>, kind: RegisterKind, name: &str, own: Option<RegisterId>) -> Result<String, No> {
    let name = text(name)?;
    match view.register_entry(kind, &name)? {
        Some(other) if Some(other) != own => {
            Err(no(Refusal::InUse, format!("there is a {} of that name already: {name}", kind.title())))
        }
        _ => Ok(name),
    }
}

fn unused(view: &View<'_>, kind: RegisterKind, id: RegisterId, name: &str) -> Result<(), No> {
    match view.register_uses(id)? {
        0 => Ok(()),
        uses => {
            let (title, of) = (kind.title(), if kind == RegisterKind::Category { "models" } else { "assets" });
            let text = format!("the {title} \"{}\" has {uses} {of}: move or delete them first", name.trim());
            Err(no(Refusal::InUse, text))
        }
    }
}

fn room(view: &View<'_>, list: Listed) -> Result<(), No> {
    if view.is_full(list)? { Err(No::Refused(full(list))) } else { Ok(()) }
}

/// S3: at least one of each is needed before the first asset.
fn begun(view: &View<'_>) -> Result<(), No> {
    let mut missing = Vec::new();
    for kind in RegisterKind::ALL {
        if view.register_entries(kind)?.is_empty() {
            missing.push(format!("no {} is registered yet (`{}`)", kind.title(), kind.command()));
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(no(Refusal::Incomplete, missing.join("; "))) }
}

fn free_serial(view: &View<'_>, model: RegisterId, serial: &str, own: Option<u64>) -> Result<String, No> {
    let serial = text(serial)?;
    match view.asset_of(model, &serial)? {
        Some(other) if Some(other) != own => {
            Err(no(Refusal::InUse, format!("asset {other} is of that model and has that serial number")))
        }
        _ => Ok(serial),
    }
}

/// An asset that somebody may change: one that is not at a panel which they do not see (I4).
fn known(view: &View<'_>, by: &Standing, asset: u64) -> Result<Asset, No> {
    let unknown = || no(Refusal::NotFound, format!("there is no asset {asset}; `panelgate assets list` shows them"));
    let asset = view.asset(asset)?.ok_or_else(unknown)?;
    if is_seen(by, &asset) { Ok(asset) } else { Err(No::Refused(Refusal::NotAssigned.into())) }
}

fn is_seen(by: &Standing, asset: &Asset) -> bool {
    match &asset.place {
        Place::Storage { .. } => true,
        Place::Panel { panel, .. } => by.sees(panel),
    }
}

/// That the panel and the zone are there was looked at before.
fn place_key(view: &View<'_>, place: Place) -> Result<PlaceKey, No> {
    Ok(match place {
        Place::Storage { code } => PlaceKey::Storage(entry(view, RegisterKind::StorageCode, &code)?),
        Place::Panel { panel, zone } => PlaceKey::Panel(panel, zone),
    })
}

fn edit_model(tx: &mut Tx<'_>, of: EditModel) -> Result<(), No> {
    let id = entry(tx, RegisterKind::Model, &of.name)?;
    let name = of.new_name.map(|name| free_name(tx, RegisterKind::Model, &name, Some(id))).transpose()?;
    let category = of.category.map(|name| entry(tx, RegisterKind::Category, &name)).transpose()?;
    if let Some(name) = name {
        tx.rename_register_entry(id, &name)?;
    }
    if let Some(category) = category {
        tx.set_model_category(id, category)?;
    }
    Ok(())
}

fn edit_asset(tx: &mut Tx<'_>, by: &Standing, of: EditAsset) -> Result<(), No> {
    let old = known(tx, by, of.asset)?;
    let model = entry(tx, RegisterKind::Model, of.model.as_ref().unwrap_or(&old.model))?;
    let serial = free_serial(tx, model, of.serial.as_ref().unwrap_or(&old.serial), Some(of.asset))?;
    Ok(tx.edit_asset(of.asset, model, &serial)?)
}

/// What an action on the register is about, for the action log.
pub(super) fn subject(action: &Action) -> Option<String> {
    let place = |place: &Place| match place {
        Place::Storage { code } => format!("storage code {code}"),
        Place::Panel { panel, zone: None } => format!("panel {panel}"),
        Place::Panel { panel, zone: Some(zone) } => format!("panel {panel} zone {zone}"),
    };
    Some(match action {
        Action::AddStorageCode(of) | Action::AddCategory(of) => of.name.clone(),
        Action::RenameStorageCode(of) | Action::RenameCategory(of) => format!("{}: now {}", of.name, of.new_name),
        Action::DeleteStorageCode(of) | Action::DeleteCategory(of) | Action::DeleteModel(of) => of.name.clone(),
        Action::AddModel(of) => format!("{} ({})", of.name, of.category),
        Action::EditModel(of) => {
            let changes = [of.new_name.as_ref(), of.category.as_ref().filter(|c| folded(c) != folded(&of.name))];
            let changes: Vec<_> = changes.into_iter().flatten().cloned().collect();
            format!("{}: now {}", of.name, changes.join(", "))
        }
        Action::AddAsset(of) => format!("{} {} at {}", of.model, of.serial, place(&of.place)),
        Action::EditAsset(of) => {
            let changes: Vec<_> = [of.model.as_ref(), of.serial.as_ref()].into_iter().flatten().cloned().collect();
            format!("asset {}: now {}", of.asset, changes.join(" "))
        }
        Action::MoveAsset(of) => format!("asset {} to {}", of.asset, place(&of.place)),
        Action::DeleteAsset(of) => format!("asset {}", of.asset),
        _ => return None,
    })
}

impl Actions {
    /// Changes the register.
    pub(super) async fn change_register(
        &self,
        standing: &Standing,
        change: Change,
        entry: &Entry,
    ) -> Result<Done, Refused> {
        if let Some(Place::Panel { panel, zone }) = change.place() {
            // Who may not see a panel may not fit anything there either.
            self.permitted(standing, Permission::ManageProducts, Some(panel))?;
            if let Some(zone) = zone {
                super::orders::has_zone(&self.handle(panel)?.snapshot().borrow().capabilities, *zone)
                    .map_err(|refusal| Refused::with(refusal, format!("the panel {panel} has no zone {zone}")))?;
            }
        }
        let (entry, by) = (entry.clone(), standing.clone());
        let made = self.0.store.write(Urgency::Now, move |tx| {
            let made =
                change.make(tx, &by)?.map(|asset| asset.map_or(Done::Changed, |asset| Done::AssetAdded { asset }));
            if let Ok(done) = &made {
                tx.add_log_line(entry.line(done.word(), None))?;
                entry.answer_request(tx, done)?;
            }
            Ok(made)
        });
        made.await?
    }

    /// Everything of one kind in the register, by name.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn register(&self, kind: RegisterKind) -> Result<Vec<RegisterRow>, Refused> {
        let entries = self.0.store.read(move |view| view.register_entries(kind)).await?;
        Ok(entries.into_iter().map(RegisterRow::from).collect())
    }

    /// All assets by number; those at a panel that somebody may not see are left out for them.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn assets(&self, standing: &Standing) -> Result<Vec<AssetRow>, Refused> {
        let assets = self.0.store.read(|view| view.assets()).await?;
        Ok(assets.into_iter().filter(|asset| is_seen(standing, asset)).map(AssetRow::from).collect())
    }
}
