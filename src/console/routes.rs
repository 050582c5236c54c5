use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use panel_model::{PanelId, Refusal};
use serde::Deserialize;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Api, ApiError, follow, people, register, roles};
use crate::access::{Actor, Permission};
use crate::actions::Done;
use crate::api::{
    Asked, BoxInfo, BoxKey, Dialling, DoorRow, LogProof, OutboxState, Page, PageError, ROOT, UserRow, WantingRow,
};
use crate::payload::{self, Event, InstallerCodeState, LogLine, PanelDetail, PanelRow, SealingKey, User, WireRow};
use crate::store::EventQuery;

/// Longest body of an action.
const BODY_BYTES: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Rows of a list without pages, unless told, and at most.
const ROWS: usize = 100;
const MOST_ROWS: usize = 1000;

pub(super) type Answer<T> = Result<Json<T>, ApiError>;

pub(super) fn router(api: Api, stop: CancellationToken) -> Router {
    let paths = Router::new()
        .route("/key", get(key))
        .route("/info", get(info))
        .route("/dialling", get(dialling))
        .route("/panels", get(panels))
        .route("/panels/{id}", get(panel))
        .route("/panels/{id}/users", get(users))
        .route("/panels/{id}/follow", get(follow::panel))
        .route("/panels/{id}/wire", get(wire))
        .route("/events", get(events))
        .route("/events/follow", get(follow::events))
        .route("/log", get(log))
        .route("/log/proof", get(log_proof))
        .route("/actions", post(perform))
        .merge(people::paths())
        .merge(roles::paths())
        .merge(register::routes())
        .layer(from_fn_with_state(api.clone(), people::with_notice))
        .with_state(api)
        .layer(Extension(stop));
    Router::new()
        .nest(ROOT, paths)
        .fallback(async || ApiError::no_such_path())
        .method_not_allowed_fallback(async || ApiError::no_such_method())
}

/// For everybody who is let in: a code that is to be shown has to be sealed first.
async fn key(State(api): State<Api>) -> Answer<BoxKey> {
    let sealing_key = SealingKey::new(&api.actions.sealing_key());
    Ok(Json(BoxKey { gateway: api.actions.gateway().to_owned(), sealing_key }))
}

async fn info(State(api): State<Api>, Extension(actor): Extension<Actor>) -> Answer<BoxInfo> {
    api.actions.may_view(&actor, Permission::ViewMonitoring, None).await?;
    let outbox = api.store.read(|view| view.outbox_stats()).await.map_err(|_| Refusal::StorageFailed)?;
    let notices = api.actions.first_start_notice().await?.map(str::to_owned).into_iter().collect();
    Ok(Json(BoxInfo {
        gateway: api.actions.gateway().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sealing_key: SealingKey::new(&api.actions.sealing_key()),
        units: api.units.borrow().clone(),
        cloud: api.cloud.as_ref().map(|cloud| cloud.borrow().clone()),
        outbox: OutboxState { depth: outbox.depth, bytes: outbox.bytes, oldest: outbox.oldest.map(Into::into) },
        notices,
    }))
}

async fn dialling(State(api): State<Api>, Extension(actor): Extension<Actor>) -> Answer<Dialling> {
    api.actions.may_view(&actor, Permission::ViewDevices, None).await?;
    let dialling = api.actions.dialling();
    let doors = dialling.doors().into_iter().map(|of| {
        let counts = of.door.counts.unwrap_or_default();
        DoorRow {
            listen: of.door.listen.to_string(),
            vendor: of.vendor.to_owned(),
            open: of.door.counts.is_some(),
            known: of.door.known,
            unknown: counts.unknown,
            dropped: counts.dropped,
            taken_over: counts.displaced,
            strangers: counts.strangers,
            crowded_out: counts.crowded_out,
        }
    });
    let wanting = dialling.wanting().into_iter().map(|of| WantingRow {
        identifier: of.wanting.identifier,
        vendor: of.vendor.to_owned(),
        listen: of.wanting.listen.to_string(),
        from: of.wanting.from.to_string(),
        count: of.wanting.count,
        first: of.wanting.first.into(),
        last: of.wanting.last.into(),
    });
    Ok(Json(Dialling { doors: doors.collect(), wanting: wanting.collect() }))
}

async fn panels(State(api): State<Api>, Extension(actor): Extension<Actor>) -> Answer<Vec<PanelRow>> {
    let viewer = api.actions.may_view(&actor, Permission::ViewDevices, None).await?;
    let codes = api.actions.installer_codes().await?;
    let code = |id| codes.get(id).copied().unwrap_or(InstallerCodeState::None);
    let panels = api.actions.panels();
    let seen = panels.iter().filter(|panel| viewer.sees(&panel.id));
    Ok(Json(seen.map(|panel| PanelRow::new(panel, code(&panel.id))).collect()))
}

async fn panel(State(api): State<Api>, Extension(actor): Extension<Actor>, id: PathId) -> Answer<PanelDetail> {
    let id = panel_id(id)?;
    api.actions.may_view(&actor, Permission::ViewDevices, Some(&id)).await?;
    let picture = api.actions.panel(&id)?.borrow().clone();
    let codes = api.actions.installer_codes().await?;
    let code = codes.get(&picture.id).copied().unwrap_or(InstallerCodeState::None);
    Ok(Json(PanelDetail::new(&picture, code)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    page: Option<usize>,
    size: Option<usize>,
}

impl PageQuery {
    pub(super) fn page_of<T>(&self, rows: impl Iterator<Item = T>) -> Result<Page<T>, PageError> {
        Page::of(rows, self.page.unwrap_or(1), self.size.unwrap_or(Page::<T>::DEFAULT_SIZE))
    }
}

async fn users(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    id: PathId,
    query: QueryOf<PageQuery>,
) -> Answer<Page<UserRow>> {
    let (query, id) = (asked(query)?, panel_id(id)?);
    let viewer = api.actions.may_view(&actor, Permission::ViewUsers, Some(&id)).await?;
    let picture = api.actions.panel(&id)?.borrow().clone();
    let mut accounts = match viewer.permissions.contains(&Permission::ViewAccounts) {
        true => api.actions.accounts_of(&id).await?,
        false => BTreeMap::new(),
    };
    let rows = User::rows(&picture).map(|user| UserRow { account: accounts.remove(&user.slot).map(Into::into), user });
    Ok(Json(query.page_of(rows)?))
}

async fn wire(State(api): State<Api>, Extension(actor): Extension<Actor>, id: PathId) -> Answer<Vec<WireRow>> {
    let id = panel_id(id)?;
    api.actions.may_view(&actor, Permission::ServiceDevices, Some(&id)).await?;
    let entries = api.actions.wire(&id)?;
    Ok(Json(entries.iter().map(WireRow::from).collect()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    panel: Option<PanelId>,
    after: Option<u64>,
    limit: Option<usize>,
    newest: Option<bool>,
}

async fn events(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<EventsQuery>,
) -> Answer<Vec<Event>> {
    let query = asked(query)?;
    // Events of a panel that is gone from the configuration stay readable.
    let viewer = api.actions.may_view(&actor, Permission::ViewDevices, None).await?;
    let events = api
        .actions
        .events(EventQuery {
            panel: query.panel,
            after_seq: query.after,
            before_seq: None,
            limit: query.limit.unwrap_or(ROWS).min(MOST_ROWS),
            newest_first: query.newest.unwrap_or(false),
        })
        .await?;
    Ok(Json(events.iter().filter(|event| viewer.sees(&event.panel)).map(Event::from).collect()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogQuery {
    after: Option<u64>,
    limit: Option<usize>,
    newest: Option<bool>,
}

async fn log(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<LogQuery>,
) -> Answer<Vec<LogLine>> {
    let query = asked(query)?;
    let viewer = api.actions.may_view(&actor, Permission::ViewActionLog, None).await?;
    let limit = query.limit.unwrap_or(ROWS).min(MOST_ROWS);
    let lines = match query.newest {
        Some(true) => api.actions.newest_log_lines(limit).await?,
        _ => api.actions.log_lines(query.after.unwrap_or(0), limit).await?,
    };
    let seen = lines.into_iter().filter(|line| line.line.panel.as_ref().is_none_or(|panel| viewer.sees(panel)));
    Ok(Json(seen.map(LogLine::from).collect()))
}

async fn log_proof(State(api): State<Api>, Extension(actor): Extension<Actor>) -> Answer<LogProof> {
    api.actions.may_view(&actor, Permission::ViewActionLog, None).await?;
    Ok(Json(api.actions.prove_log().await?.into()))
}

/// The action runs as a task of its own: it goes on when the client does not wait for it.
async fn perform(State(api): State<Api>, Extension(actor): Extension<Actor>, body: Body) -> Answer<Done> {
    let Asked { action, installer_code } = payload::read(&read_body(body).await?)?;
    let (actions, actor) = (api.actions.clone(), actor.showing(installer_code));
    let performed = api.performing.spawn(async move { actions.perform(&actor, action).await });
    // The task can only be missing because it panicked; the panic hook has told it.
    Ok(Json(performed.await.map_err(|_| Refusal::StorageFailed)??))
}

async fn read_body(body: Body) -> Result<bytes::Bytes, ApiError> {
    match timeout(BODY_WITHIN, Limited::new(body, BODY_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::too_long()),
        Ok(Err(_)) => Err(ApiError::malformed("the body broke off")),
        Err(_) => Err(ApiError::too_slow()),
    }
}

pub(super) type PathId = Result<Path<PanelId>, PathRejection>;
pub(super) type QueryOf<T> = Result<Query<T>, QueryRejection>;

/// A name that no panel can have is a panel that is not there.
pub(super) fn panel_id(id: PathId) -> Result<PanelId, ApiError> {
    id.map(|Path(id)| id).map_err(|_| Refusal::PanelNotFound.into())
}

pub(super) fn asked<T>(query: QueryOf<T>) -> Result<T, ApiError> {
    query.map(|Query(query)| query).map_err(|error| ApiError::malformed(error.body_text()))
}

/// For the streams, whose answers are no JSON.
pub(super) type Streamed = Result<Response, ApiError>;
