//! Routes of the equipment register (S3) and of commissioning (S4).

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Json, Router};
use panel_model::Refusal;
use serde::Deserialize;

use super::routes::{Answer, PathId, QueryOf, asked, panel_id};
use super::{Api, report};
use crate::access::{Actor, Permission};
use crate::api::{Page, ReportCopy};
use crate::payload::{AssetRow, Checklist, RegisterRow};
use crate::store::RegisterKind;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/assets", get(assets))
        .route("/assets/storage", get(storage))
        .route("/assets/categories", get(categories))
        .route("/assets/models", get(models))
        .route("/panels/{id}/commissioning", get(checklist))
        .route("/panels/{id}/commissioning/report", get(signed_report))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    page: Option<usize>,
    size: Option<usize>,
}

impl PageQuery {
    fn cut<T>(self, rows: Vec<T>) -> Answer<Page<T>> {
        let (page, size) = (self.page.unwrap_or(1), self.size.unwrap_or(Page::<T>::DEFAULT_SIZE));
        Ok(Json(Page::of(rows.into_iter(), page, size)?))
    }
}

async fn assets(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<PageQuery>,
) -> Answer<Page<AssetRow>> {
    let query = asked(query)?;
    let standing = api.actions.may_view(&actor, Permission::ManageProducts, None).await?;
    query.cut(api.actions.assets(&standing).await?)
}

async fn storage(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<PageQuery>,
) -> Answer<Page<RegisterRow>> {
    entries(&api, &actor, query, RegisterKind::StorageCode).await
}

async fn categories(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<PageQuery>,
) -> Answer<Page<RegisterRow>> {
    entries(&api, &actor, query, RegisterKind::Category).await
}

async fn models(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<PageQuery>,
) -> Answer<Page<RegisterRow>> {
    entries(&api, &actor, query, RegisterKind::Model).await
}

async fn entries(api: &Api, actor: &Actor, query: QueryOf<PageQuery>, kind: RegisterKind) -> Answer<Page<RegisterRow>> {
    let query = asked(query)?;
    api.actions.may_view(actor, Permission::ManageProducts, None).await?;
    query.cut(api.actions.register(kind).await?)
}

async fn checklist(State(api): State<Api>, Extension(actor): Extension<Actor>, id: PathId) -> Answer<Checklist> {
    let panel = panel_id(id)?;
    api.actions.may_view(&actor, Permission::ViewReports, Some(&panel)).await?;
    Ok(Json(api.actions.checklist(&panel).await?))
}

async fn signed_report(State(api): State<Api>, Extension(actor): Extension<Actor>, id: PathId) -> Answer<ReportCopy> {
    let panel = panel_id(id)?;
    api.actions.may_view(&actor, Permission::ViewReports, Some(&panel)).await?;
    let signed = api.actions.commissioning_report(&panel).await?;
    let html = report::page(&signed).map_err(|_| Refusal::StorageFailed)?;
    Ok(Json(ReportCopy { sha256: signed.sha256, json: signed.json, html }))
}
