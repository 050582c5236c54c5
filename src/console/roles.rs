//! Roles, companies, requests, and what was deleted.

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Json, Router};

use super::Api;
use super::routes::{Answer, PageQuery, QueryOf, asked};
use crate::access::{Actor, Permission, Role};
use crate::actions::{Action, KeptRole};
use crate::api::{CompanyRow, DeletedRow, Page, ParticipationRow, RequestRow, RoleRow};
use crate::store::{ChangeRequest, Deleted, DeletedKind, RequestState};

pub(super) fn paths() -> Router<Api> {
    Router::new()
        .route("/roles", get(roles))
        .route("/companies", get(companies))
        .route("/participations", get(participations))
        .route("/requests", get(requests))
        .route("/requests/mine", get(own_requests))
        .route("/deleted", get(deleted))
}

async fn roles(State(api): State<Api>, Extension(actor): Extension<Actor>) -> Answer<Vec<RoleRow>> {
    api.actions.may_view(&actor, Permission::ViewRoles, None).await?;
    let row = |KeptRole { role: Role { name, permissions }, holders }| {
        let fixed = Role::is_fixed(&name);
        RoleRow { role: name, permissions, holders, fixed }
    };
    Ok(Json(api.actions.roles().await?.into_iter().map(row).collect()))
}

async fn companies(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<PageQuery>,
) -> Answer<Page<CompanyRow>> {
    let query = asked(query)?;
    api.actions.may_view(&actor, Permission::ViewCompanies, None).await?;
    let own = api.actions.own_company();
    let rows = api.actions.companies().await?.into_iter().map(|company| CompanyRow {
        own: own == Some(&company.id),
        company: company.id,
        name: company.name,
        parent: company.parent,
    });
    Ok(Json(query.page_of(rows)?))
}

async fn participations(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<PageQuery>,
) -> Answer<Page<ParticipationRow>> {
    let query = asked(query)?;
    api.actions.may_view(&actor, Permission::ViewCompanies, None).await?;
    let rows = api.actions.participations().await?.into_iter().map(|part| ParticipationRow {
        company: part.company,
        person: part.person,
        role: part.role,
    });
    Ok(Json(query.page_of(rows)?))
}

async fn requests(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<PageQuery>,
) -> Answer<Page<RequestRow>> {
    let query = asked(query)?;
    api.actions.may_view(&actor, Permission::ViewRequests, None).await?;
    Ok(Json(query.page_of(api.actions.requests().await?.into_iter().map(request_row))?))
}

/// One's own need no permission.
async fn own_requests(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<PageQuery>,
) -> Answer<Page<RequestRow>> {
    let query = asked(query)?;
    Ok(Json(query.page_of(api.actions.own_requests(&actor).await?.into_iter().map(request_row))?))
}

async fn deleted(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<PageQuery>,
) -> Answer<Page<DeletedRow>> {
    let query = asked(query)?;
    api.actions.may_view(&actor, Permission::RestoreDeleted, None).await?;
    Ok(Json(query.page_of(api.actions.deleted_things().await?.into_iter().map(deleted_row))?))
}

fn request_row(request: ChangeRequest) -> RequestRow {
    let ChangeRequest { id, asked, state, decided, refusal } = request;
    let state = match state {
        RequestState::Open => "open",
        RequestState::CarriedOut => "carried_out",
        RequestState::Refused => "refused",
        RequestState::Failed => "failed",
    };
    let (decided_at, decided_by) = decided.map(|(at, by)| (at.into(), by)).unzip();
    RequestRow {
        request: id,
        at: asked.at.into(),
        by: asked.asker_name,
        role: asked.asker_role,
        action: asked.action,
        subject: serde_json::from_str::<Action>(&asked.body).ok().and_then(|action| action.subject()),
        state: state.to_owned(),
        decided_at,
        decided_by,
        refusal,
    }
}

fn deleted_row(Deleted { id, thing }: Deleted) -> DeletedRow {
    let kind = match thing.kind {
        DeletedKind::Role => "role",
        DeletedKind::Company => "company",
        DeletedKind::Person => "person",
    };
    DeletedRow {
        deleted: id,
        kind: kind.to_owned(),
        name: thing.name,
        at: thing.at.into(),
        by: thing.by,
        request: thing.request,
    }
}
