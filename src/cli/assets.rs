use clap::{Args, Subcommand};
use panel_model::{PanelId, Zone};

use super::args::Connect;
use super::client::{Client, query};
use super::table::table;
use super::words::or_dash;
use super::{Exit, ask, follow, out};
use crate::actions::{
    Action, DeleteAsset, EditAsset, EditModel, MoveAsset, Named, NewAsset, NewModel, NewName, Rename,
};
use crate::api::Page;
use crate::payload::{AssetRow, RegisterRow};
use crate::store::Place;

#[derive(Debug, Args)]
#[command(after_help = "\
Begin with one of each, then register equipment:
  panelgate assets storage add 'Van 3'
  panelgate assets categories add 'Main component'
  panelgate assets models add 'Main component' PC1864
  panelgate assets add PC1864 0123456789 --panel dsc-1
  panelgate assets add PC1864 0123456790 --storage 'Van 3'
  panelgate assets move 2 --panel dsc-1 --zone 4
  panelgate assets list --size 50

What others refer to cannot be deleted.")]
pub(super) struct AssetsArgs {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    what: Option<AssetsCommand>,
}

#[derive(Debug, Clone, Copy, Args)]
struct PageArgs {
    /// Page to show, from 1
    #[arg(long, default_value_t = 1)]
    page: usize,
    /// Rows on a page: 10, 15, 50, 100 or 200
    #[arg(long, default_value_t = 15)]
    size: usize,
}

#[derive(Debug, Subcommand)]
enum AssetsCommand {
    /// All assets (what `assets` does by itself)
    List(PageArgs),
    /// Register an asset
    Add {
        model: String,
        serial: String,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// An asset is somewhere else now
    Move {
        asset: u64,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Correct an asset's model or serial number
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
    Edit {
        asset: u64,
        #[arg(long, group = "what")]
        model: Option<String>,
        #[arg(long, group = "what")]
        serial: Option<String>,
    },
    /// Take an asset out of the register
    Delete {
        asset: u64,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Storage codes: where equipment lies
    Storage {
        #[command(subcommand)]
        what: Option<NameCommand>,
    },
    /// Product categories
    Categories {
        #[command(subcommand)]
        what: Option<NameCommand>,
    },
    /// Product models, each of a category
    Models {
        #[command(subcommand)]
        what: Option<ModelCommand>,
    },
}

/// Either a storage code, or a panel with or without a zone.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct PlaceArgs {
    /// It lies under this storage code
    #[arg(long, value_name = "CODE", conflicts_with_all = ["panel", "zone"])]
    storage: Option<String>,
    /// It is fitted at this panel
    #[arg(long)]
    panel: Option<PanelId>,
    /// It is this zone of the panel
    #[arg(long, requires = "panel")]
    zone: Option<Zone>,
}

#[derive(Debug, Subcommand)]
enum NameCommand {
    /// All of them
    List(PageArgs),
    /// Register one
    Add { name: String },
    /// Name one anew
    Edit { name: String, new_name: String },
    /// Delete one that nothing refers to
    Delete { name: String },
}

#[derive(Debug, Subcommand)]
enum ModelCommand {
    /// All of them
    List(PageArgs),
    /// Register one
    Add { category: String, name: String },
    /// Name one anew, or put it into another category
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
    Edit {
        name: String,
        #[arg(long, value_name = "NAME", group = "what")]
        new_name: Option<String>,
        #[arg(long, group = "what")]
        category: Option<String>,
    },
    /// Delete one of which there are no assets
    Delete { name: String },
}

impl PageArgs {
    const FIRST: Self = Self { page: 1, size: 15 };

    fn of(self, path: &str) -> String {
        query(path, [("page", Some(self.page.to_string())), ("size", Some(self.size.to_string()))])
    }
}

/// What a command comes to.
enum Asked {
    /// All assets, or so many of them.
    Assets(PageArgs),
    /// Storage codes or categories, under their path.
    Names(&'static str, PageArgs),
    Models(PageArgs),
    Action(Action),
}

pub(super) async fn run(args: AssetsArgs) -> anyhow::Result<Exit> {
    let (client, json) = (Client::new(&args.connect), args.connect.json);
    let what = args.what.unwrap_or(AssetsCommand::List(PageArgs::FIRST));
    if let AssetsCommand::Delete { asset, yes: false } = &what
        && !ask::sure(&format!("take asset {asset} out of the register?"))?
    {
        out::line("nothing was changed")?;
        return Ok(Exit::Failed);
    }
    match asked(what) {
        Asked::Assets(page) => assets(&client.get(&page.of("/assets")).await?, json),
        Asked::Names(path, page) => names(&client.get(&page.of(path)).await?, json),
        Asked::Models(page) => models(&client.get(&page.of("/assets/models")).await?, json),
        Asked::Action(action) => follow::report(&client.perform(&action).await?, json),
    }
}

fn asked(what: AssetsCommand) -> Asked {
    use AssetsCommand as C;
    Asked::Action(match what {
        C::List(page) => return Asked::Assets(page),
        C::Add { model, serial, place } => Action::AddAsset(NewAsset { model, serial, place: place.place() }),
        C::Move { asset, place } => Action::MoveAsset(MoveAsset { asset, place: place.place() }),
        C::Edit { asset, model, serial } => Action::EditAsset(EditAsset { asset, model, serial }),
        C::Delete { asset, .. } => Action::DeleteAsset(DeleteAsset { asset }),
        C::Storage { what } => match what.unwrap_or(NameCommand::List(PageArgs::FIRST)) {
            NameCommand::List(page) => return Asked::Names("/assets/storage", page),
            NameCommand::Add { name } => Action::AddStorageCode(NewName { name }),
            NameCommand::Edit { name, new_name } => Action::RenameStorageCode(Rename { name, new_name }),
            NameCommand::Delete { name } => Action::DeleteStorageCode(Named { name }),
        },
        C::Categories { what } => match what.unwrap_or(NameCommand::List(PageArgs::FIRST)) {
            NameCommand::List(page) => return Asked::Names("/assets/categories", page),
            NameCommand::Add { name } => Action::AddCategory(NewName { name }),
            NameCommand::Edit { name, new_name } => Action::RenameCategory(Rename { name, new_name }),
            NameCommand::Delete { name } => Action::DeleteCategory(Named { name }),
        },
        C::Models { what } => match what.unwrap_or(ModelCommand::List(PageArgs::FIRST)) {
            ModelCommand::List(page) => return Asked::Models(page),
            ModelCommand::Add { category, name } => Action::AddModel(NewModel { category, name }),
            ModelCommand::Edit { name, new_name, category } => {
                Action::EditModel(EditModel { name, new_name, category })
            }
            ModelCommand::Delete { name } => Action::DeleteModel(Named { name }),
        },
    })
}

impl PlaceArgs {
    fn place(self) -> Place {
        match self.panel {
            Some(panel) => Place::Panel { panel, zone: self.zone },
            None => Place::Storage { code: self.storage.unwrap_or_default() },
        }
    }
}

fn assets(page: &Page<AssetRow>, json: bool) -> anyhow::Result<Exit> {
    if json {
        out::json(page)?;
        return Ok(Exit::Ok);
    }
    let rows = page.rows.iter().map(|asset| {
        let place = match &asset.place {
            Place::Storage { code } => format!("storage {code}"),
            Place::Panel { panel, zone: None } => panel.to_string(),
            Place::Panel { panel, zone: Some(zone) } => format!("{panel} zone {zone}"),
        };
        [asset.asset.to_string(), asset.category.clone(), asset.model.clone(), asset.serial.clone(), place]
    });
    out::text(&table(["ASSET", "CATEGORY", "MODEL", "SERIAL", "WHERE"], rows))?;
    out::line(&page.shown)?;
    Ok(Exit::Ok)
}

fn names(page: &Page<RegisterRow>, json: bool) -> anyhow::Result<Exit> {
    if json {
        out::json(page)?;
        return Ok(Exit::Ok);
    }
    out::text(&table(["NAME", "USED BY"], page.rows.iter().map(|row| [row.name.clone(), row.uses.to_string()])))?;
    out::line(&page.shown)?;
    Ok(Exit::Ok)
}

fn models(page: &Page<RegisterRow>, json: bool) -> anyhow::Result<Exit> {
    if json {
        out::json(page)?;
        return Ok(Exit::Ok);
    }
    let rows = page.rows.iter().map(|row| [row.name.clone(), or_dash(row.category.as_ref()), row.uses.to_string()]);
    out::text(&table(["NAME", "CATEGORY", "ASSETS"], rows))?;
    out::line(&page.shown)?;
    Ok(Exit::Ok)
}
