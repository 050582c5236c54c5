//! One owner task per panel: the only place that holds a panel's state, talks to its driver, opens its link.

mod snapshot;

pub use snapshot::{Answer, PanelSnapshot, PanelStatus};
