use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{self, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use panel_model::{PanelId, PanelSnapshot, Slot};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Api;
use super::routes::{PathId, QueryOf, Streamed, asked, panel_id};
use crate::access::{Actor, Permission};
use crate::actions::Actions;
use crate::api::PanelUpdate;
use crate::payload::{Event, Reported, User, changed_users};
use crate::store::EventQuery;

/// Events read from the store in one go.
const BATCH: usize = 200;
/// How often a silent stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PanelQuery {
    /// Only this user; everything else of the panel is told all the same.
    slot: Option<Slot>,
}

/// A panel, whole at first, then after each change; changes that follow each other quickly may come as one.
pub(super) async fn panel(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    Extension(stop): Extension<CancellationToken>,
    id: PathId,
    query: QueryOf<PanelQuery>,
) -> Streamed {
    let (only, id) = (asked(query)?.slot, panel_id(id)?);
    api.actions.may_view(&actor, Permission::ViewDevices, Some(&id)).await?;
    let picture = api.actions.panel(&id)?;
    let follower = Follower { actions: api.actions, actor, picture, told: None };
    let updates = stream::unfold(follower, move |mut follower| async move {
        let update = follower.next(only).await?;
        Some((message(&update), follower))
    });
    Ok(streamed(updates, stop))
}

struct Follower {
    actions: Actions,
    actor: Actor,
    picture: watch::Receiver<Arc<PanelSnapshot>>,
    told: Option<Arc<PanelSnapshot>>,
}

impl Follower {
    /// The next update; `None` when the panel's owner is gone, or the follower may not see the panel any more.
    async fn next(&mut self, only: Option<Slot>) -> Option<PanelUpdate> {
        if self.told.is_some() {
            self.picture.changed().await.ok()?;
        }
        let now = self.picture.borrow_and_update().clone();
        // Streams are long: whether somebody may see what comes is asked each time.
        let viewer = self.actions.may_still_view(&self.actor, Permission::ViewDevices, Some(&now.id)).await.ok()?;
        let sees_users = viewer.permissions.contains(&Permission::ViewUsers);
        let mut users: BTreeMap<Slot, Option<User>> = match &self.told {
            Some(told) => changed_users(told, &now),
            None => Reported::new(&now, None).users.into_iter().map(|(slot, user)| (slot, Some(user))).collect(),
        };
        users.retain(|slot, _| sees_users && only.is_none_or(|only| *slot == only));
        self.told = Some(Arc::clone(&now));
        Some(PanelUpdate {
            panel: now.id.clone(),
            status: now.as_ref().into(),
            state: now.as_ref().into(),
            desired_version: now.desired_version,
            reported_version: now.reported_version,
            users,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    panel: Option<PanelId>,
    /// Sequence number of the last event that is known already; without it only new ones are told.
    after: Option<u64>,
}

/// Events as they come.
pub(super) async fn events(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    Extension(stop): Extension<CancellationToken>,
    query: QueryOf<EventsQuery>,
) -> Streamed {
    let query = asked(query)?;
    api.actions.may_view(&actor, Permission::ViewDevices, None).await?;
    // Taken before the newest event is looked up: a commit in between wakes us once too often, never too seldom.
    let commits = api.store.outbox_changed();
    let after = match query.after {
        Some(after) => after,
        None => newest(&api.actions).await?,
    };
    let reader = Reader { actions: api.actions, actor, commits, panel: query.panel, after, read: VecDeque::new() };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((message(&event), reader))
    });
    Ok(streamed(events, stop))
}

async fn newest(actions: &Actions) -> Result<u64, super::ApiError> {
    let query = EventQuery { limit: 1, ..EventQuery::default() };
    Ok(actions.events(query).await?.first().map_or(0, |event| event.seq))
}

/// Reads events from the store, which has each of them before anybody hears of it.
struct Reader {
    actions: Actions,
    actor: Actor,
    commits: watch::Receiver<u64>,
    panel: Option<PanelId>,
    after: u64,
    read: VecDeque<Event>,
}

impl Reader {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Some(event);
            }
            self.commits.mark_unchanged();
            let query = EventQuery {
                panel: self.panel.clone(),
                after_seq: Some(self.after),
                before_seq: None,
                limit: BATCH,
                newest_first: false,
            };
            let events = self.actions.events(query).await.ok()?;
            let Some(last) = events.last() else {
                self.commits.changed().await.ok()?;
                continue;
            };
            self.after = last.seq;
            // The stream ends for somebody who may not see events any more.
            let viewer = self.actions.may_still_view(&self.actor, Permission::ViewDevices, None).await.ok()?;
            self.read.extend(events.iter().filter(|event| viewer.sees(&event.panel)).map(Event::from));
        }
    }
}

fn message(payload: &impl Serialize) -> Result<sse::Event, Infallible> {
    Ok(sse::Event::default().json_data(payload).unwrap_or_default())
}

fn streamed(
    messages: impl Stream<Item = Result<sse::Event, Infallible>> + Send + 'static,
    stop: CancellationToken,
) -> axum::response::Response {
    let messages = messages.take_until(stop.cancelled_owned());
    Sse::new(messages).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}
