//! Who works with the box, and whose accounts belong to its users.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;

use super::Api;
use super::routes::{Answer, QueryOf, asked};
use crate::access::{Actor, Permission, PersonKind};
use crate::api::{AccountRow, NOTICE, Page, PersonRow, WhoAmI};

pub(super) fn paths() -> Router<Api> {
    Router::new().route("/whoami", get(whoami)).route("/people", get(people)).route("/accounts", get(accounts))
}

async fn whoami(State(api): State<Api>, Extension(actor): Extension<Actor>) -> Answer<WhoAmI> {
    let identity = api.actions.who_am_i(&actor).await?;
    let person = identity.person.map(PersonRow::from);
    Ok(Json(WhoAmI { system_user: actor.name, person, must_change: identity.must_change }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeopleQuery {
    kind: Option<PersonKind>,
    page: Option<usize>,
    size: Option<usize>,
}

async fn people(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<PeopleQuery>,
) -> Answer<Page<PersonRow>> {
    let query = asked(query)?;
    api.actions.may_view(&actor, Permission::ViewInstallers, None).await?;
    let people = api.actions.people(query.kind).await?.into_iter().map(PersonRow::from);
    Ok(Json(Page::of(people, query.page.unwrap_or(1), query.size.unwrap_or(Page::<PersonRow>::DEFAULT_SIZE))?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountsQuery {
    like: Option<String>,
    page: Option<usize>,
    size: Option<usize>,
}

async fn accounts(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    query: QueryOf<AccountsQuery>,
) -> Answer<Page<AccountRow>> {
    let query = asked(query)?;
    api.actions.may_view(&actor, Permission::ViewAccounts, None).await?;
    let accounts = api.actions.accounts(query.like.unwrap_or_default()).await?.into_iter().map(AccountRow::from);
    Ok(Json(Page::of(accounts, query.page.unwrap_or(1), query.size.unwrap_or(Page::<AccountRow>::DEFAULT_SIZE))?))
}

/// S2: every answer to whoever acts as `init` says what there is to do about that.
pub(super) async fn with_notice(State(api): State<Api>, request: Request<Body>, next: Next) -> Response {
    let actor = request.extensions().get::<Actor>().cloned();
    let mut response = next.run(request).await;
    if let Some(actor) = actor
        && let Some(notice) = api.actions.notice_for(&actor).await
    {
        response.headers_mut().insert(NOTICE, HeaderValue::from_static(notice));
    }
    response
}
