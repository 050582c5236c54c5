//! What of a simulated service can be set by name, besides the panel's own settings.

use std::time::Duration;

use super::options::{ItemForm, Profile, ServiceConfig};

/// Names, and what may stand behind them.
const NAMES: &str = "profile=2023|2025, items=base64|numbers, register_code=checked|taken, exit_state=shown|hidden";

impl ServiceConfig {
    /// Sets one thing of the module or of the panel behind it by name. The panel's pace is the module's as well.
    ///
    /// # Errors
    /// All names, when the name is not one of them or its value does not suit it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name, value) {
            ("profile", "2023") => self.profile = Profile::Gtx2023,
            ("profile", "2025") => self.profile = Profile::Plink2025,
            ("items", "base64") => self.item_form = ItemForm::Base64,
            ("items", "numbers") => self.item_form = ItemForm::Numbers,
            ("register_code", "checked") => self.check_register_code = true,
            ("register_code", "taken") => self.check_register_code = false,
            ("exit_state", "shown") => self.no_exit_state = false,
            ("exit_state", "hidden") => self.no_exit_state = true,
            _ => {
                self.panel.set(name, value).map_err(|error| format!("{error}; of the service: {NAMES}"))?;
                if name == "pace" {
                    self.pace(value == "fast");
                }
            }
        }
        Ok(())
    }

    /// In tests on a real clock an answer takes milliseconds, but nothing takes no time.
    fn pace(&mut self, fast: bool) {
        let ms = Duration::from_millis;
        (self.latency, self.memory_latency) =
            if fast { ((ms(1), ms(3)), ms(1)) } else { ((ms(300), ms(1000)), ms(1000)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Model, SimConfig};

    #[test]
    fn every_name_of_the_list_can_be_set_and_another_one_lists_them() {
        let mut config = ServiceConfig::new(SimConfig::new(Model::PowerMaster10));
        for entry in NAMES.split(", ") {
            let (name, values) = entry.split_once('=').expect("a name and its values");
            for value in values.split('|') {
                assert_eq!(config.set(name, value), Ok(()), "{name}={value}");
            }
        }
        let error = config.set("profile", "1999").expect_err("no such profile");
        assert!(error.contains("profile=2023|2025") && error.contains("exit_seconds"), "{error}");
    }

    #[test]
    fn the_pace_is_panel_s_and_module_s() {
        let mut config = ServiceConfig::new(SimConfig::new(Model::PowerMaster10));
        let real = (config.latency, config.panel.timings.clone());
        config.set("pace", "fast").expect("known");
        assert!(config.latency.1 < Duration::from_millis(10) && config.panel.timings != real.1);
        config.set("pace", "real").expect("known");
        assert_eq!((config.latency, config.panel.timings), real);
    }
}
