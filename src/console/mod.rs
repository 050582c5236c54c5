//! The local JSON API over a unix socket: what the command line talks to, and later the browser.
//!
//! `listen.rs` owns the socket and the connections, `routes.rs` and `roles.rs` have one function per path, `follow.rs` the
//! streams.
//! It only asks [`Actions`]; it never calls a driver, writes SQL, or decides who may do what beyond naming the actor.

mod actor;
mod error;
mod follow;
mod listen;
mod people;
mod register;
mod report;
mod roles;
mod routes;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::ApiError;
pub use listen::{LocalSocket, SocketError};

use crate::actions::Actions;
use crate::api::{CloudState, UnitStates};
use crate::store::Store;

/// What the routes work with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    actions: Actions,
    store: Store,
    units: watch::Receiver<UnitStates>,
    cloud: Option<watch::Receiver<CloudState>>,
    /// Actions under way. They are not part of their connection: a client that goes away must not cut an installer
    /// code's change in half.
    performing: TaskTracker,
}

impl Api {
    /// The API to these actions.
    #[must_use]
    pub fn new(
        actions: Actions,
        store: Store,
        units: watch::Receiver<UnitStates>,
        cloud: Option<watch::Receiver<CloudState>>,
    ) -> Self {
        Self { actions, store, units, cloud, performing: TaskTracker::new() }
    }

    /// Serves the socket until `stop`: then no connection is taken any more, streams end, and actions under way are
    /// waited for.
    pub async fn serve(&self, socket: &LocalSocket, stop: &CancellationToken) {
        listen::serve(socket, &routes::router(self.clone(), stop.clone()), stop).await;
        self.performing.close();
        self.performing.wait().await;
        self.performing.reopen();
    }
}
