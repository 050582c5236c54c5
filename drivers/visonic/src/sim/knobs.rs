//! What of a simulated installation can be set by name, as `panelgate simulate --set NAME=VALUE` does.

use super::options::{BypassMode, SimConfig, StopAnswer, Timings};

/// Names, and what may stand behind them.
const NAMES: &str = "pace=real|fast, baud=9600|38400|off (behind pace), bypass=never|force|manual, \
    stop_answer=acknowledge|deny|nothing, exit_seconds, entry_seconds, entry_seconds_2, bell_minutes (numbers up to \
    255), enrolled, quick_arm, user_permit, download_while_armed, motion_while_disarmed, hypothetical_writes (each \
    on|off)";

impl SimConfig {
    /// Sets one thing by name.
    ///
    /// # Errors
    /// All names, when the name is not one of them or its value does not suit it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = || format!("`{name}={value}` cannot be set; known are {NAMES}");
        if let Some(number) = self.number(name) {
            *number = value.parse().map_err(|_| wrong())?;
            return Ok(());
        }
        if let Some(flag) = self.flag(name) {
            *flag = match value {
                "on" => true,
                "off" => false,
                _ => return Err(wrong()),
            };
            return Ok(());
        }
        match (name, value) {
            ("pace", "real") => self.timings = Timings::default(),
            ("pace", "fast") => self.timings = Timings::fast(),
            ("baud", "9600") => self.timings.baud = Some(9600),
            ("baud", "38400") => self.timings.baud = Some(38400),
            ("baud", "off") => self.timings.baud = None,
            ("bypass", "never") => self.options.bypass = BypassMode::Never,
            ("bypass", "force") => self.options.bypass = BypassMode::ForceArm,
            ("bypass", "manual") => self.options.bypass = BypassMode::Manual,
            ("stop_answer", "acknowledge") => self.options.stop_answer = StopAnswer::Acknowledge,
            ("stop_answer", "deny") => self.options.stop_answer = StopAnswer::Deny,
            ("stop_answer", "nothing") => self.options.stop_answer = StopAnswer::Nothing,
            _ => return Err(wrong()),
        }
        Ok(())
    }

    fn number(&mut self, name: &str) -> Option<&mut u8> {
        let options = &mut self.options;
        Some(match name {
            "exit_seconds" => &mut options.exit_seconds,
            "entry_seconds" => &mut options.entry_seconds.0,
            "entry_seconds_2" => &mut options.entry_seconds.1,
            "bell_minutes" => &mut options.bell_minutes,
            _ => return None,
        })
    }

    fn flag(&mut self, name: &str) -> Option<&mut bool> {
        let options = &mut self.options;
        Some(match name {
            "enrolled" => &mut self.enrolled,
            "quick_arm" => &mut options.quick_arm,
            "user_permit" => &mut options.user_permit,
            "download_while_armed" => &mut options.download_while_armed,
            "motion_while_disarmed" => &mut options.motion_while_disarmed,
            "hypothetical_writes" => &mut options.hypothetical_writes,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Model;

    #[test]
    fn every_name_of_the_list_can_be_set_and_another_one_lists_them() {
        let mut config = SimConfig::new(Model::PowerMaster10);
        for entry in NAMES.split(", ") {
            let entry = entry.split(" (").next().expect("a name");
            match entry.split_once('=') {
                Some((name, values)) => {
                    for value in values.split('|') {
                        assert_eq!(config.set(name, value), Ok(()), "{name}={value}");
                    }
                }
                None => assert!(config.number(entry).is_some() || config.flag(entry).is_some(), "{entry}"),
            }
        }
        for (name, value) in [("gremlins", "on"), ("exit_seconds", "256"), ("quick_arm", "maybe"), ("baud", "300")] {
            let error = config.set(name, value).expect_err(name);
            assert!(error.contains("download_while_armed") && error.contains(name), "{error}");
        }
    }

    #[test]
    fn what_is_set_is_in_the_configuration() {
        let mut config = SimConfig::new(Model::PowerMaster10);
        for (name, value) in [("exit_seconds", "2"), ("quick_arm", "on"), ("pace", "fast"), ("baud", "38400")] {
            assert_eq!(config.set(name, value), Ok(()));
        }
        assert_eq!((config.options.exit_seconds, config.options.quick_arm), (2, true));
        assert_eq!(config.timings, Timings { baud: Some(38400), ..Timings::fast() });
    }
}
