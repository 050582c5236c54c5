//! The list of vendors. The only file of the root package that names them.

use std::sync::Arc;

use panel_driver::DriverFactory;

use crate::config::{PanelConfig, Problems, nearest};

/// The vendors that this build has drivers for.
#[must_use]
pub fn vendors() -> Vec<&'static str> {
    vec![
        #[cfg(feature = "dsc")]
        "dsc",
    ]
}

/// The driver factory of a configured panel; what is wrong with the vendor's own keys is added to `problems`.
pub fn factory(panel: &PanelConfig, problems: &mut Problems) -> Option<Arc<dyn DriverFactory>> {
    match panel.vendor.as_str() {
        #[cfg(feature = "dsc")]
        "dsc" => dsc::factory(panel, problems),
        other => {
            let known = vendors();
            let hint = match nearest(other, known.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("this build has drivers for {}", known.join(", ")),
            };
            problems.error(format!("panel {}: vendor", panel.id), format!("\"{other}\" is not known"), hint);
            None
        }
    }
}
