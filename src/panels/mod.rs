//! One owner task per panel: the only place that holds a panel's state, talks to its driver, opens its link.

pub use panel_model::{Answer, PanelSnapshot, PanelStatus};
