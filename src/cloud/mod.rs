//! The way to the cloud: MQTT topics, the connection, and the task that keeps the cloud's picture true.
//!
//! Decides no policy: what may be done is the actions' matter, what happened is the store's and the panels'. Reaches
//! them through the small traits in [`ports`]. Start with [`run`].

mod backoff;
mod error;
pub mod session;
pub mod topic;

pub use backoff::Pace;
pub use error::{CloudError, PublishError, Retry};
