//! What of a simulated installation can be set by name, as `panelgate simulate --set NAME=VALUE` does.

use super::options::{SimConfig, Timings};

/// Names, and what may stand behind them.
const NAMES: &str = "pace=real|fast, exit_seconds, entry_seconds, bell_minutes, lockout_attempts, lockout_minutes \
    (numbers up to 255; no lockout with 0), quick_arm, bypass_code, master_locked, blanking, unblank_code, menu_code, \
    output_code, audible_panic, clock_code, lcd_shows_codes (each on|off)";

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
            ("pace", "real") => self.timings = Timings::real(self.interface),
            ("pace", "fast") => self.timings = Timings::fast(),
            _ => return Err(wrong()),
        }
        Ok(())
    }

    fn number(&mut self, name: &str) -> Option<&mut u8> {
        let options = &mut self.options;
        Some(match name {
            "exit_seconds" => &mut options.exit_seconds,
            "entry_seconds" => &mut options.entry_seconds,
            "bell_minutes" => &mut options.bell_minutes,
            "lockout_attempts" => &mut options.lockout_attempts,
            "lockout_minutes" => &mut options.lockout_minutes,
            _ => return None,
        })
    }

    fn flag(&mut self, name: &str) -> Option<&mut bool> {
        let options = &mut self.options;
        Some(match name {
            "quick_arm" => &mut options.quick_arm,
            "bypass_code" => &mut options.bypass_code,
            "master_locked" => &mut options.master_locked,
            "blanking" => &mut options.blanking,
            "unblank_code" => &mut options.unblank_code,
            "menu_code" => &mut options.menu_code,
            "output_code" => &mut options.output_code,
            "audible_panic" => &mut options.audible_panic,
            "clock_code" => &mut options.clock_code,
            "lcd_shows_codes" => &mut options.lcd_shows_codes,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Interface, Model};

    #[test]
    fn every_name_of_the_list_can_be_set_and_another_one_lists_them() {
        let mut config = SimConfig::new(Interface::It100, Model::Pc1864);
        for entry in NAMES.replace('(', ",").replace(')', "").split(',').map(str::trim) {
            let Some((name, values)) = entry.split_once('=') else {
                let word = entry.split(' ').next().unwrap_or_default();
                let known = config.number(word).is_some() || config.flag(word).is_some();
                let aside = entry.starts_with("numbers up") || entry.starts_with("each on|off");
                assert!(known || aside, "{entry}");
                continue;
            };
            for value in values.split('|') {
                assert_eq!(config.set(name, value), Ok(()), "{name}={value}");
            }
        }
        for (name, value) in [("gremlins", "on"), ("exit_seconds", "256"), ("quick_arm", "maybe"), ("pace", "")] {
            let error = config.set(name, value).expect_err(name);
            assert!(error.contains("lockout_attempts") && error.contains(name), "{error}");
        }
    }

    #[test]
    fn what_is_set_is_in_the_configuration() {
        let mut config = SimConfig::new(Interface::It100, Model::Pc1864);
        for (name, value) in [("exit_seconds", "2"), ("quick_arm", "off"), ("pace", "fast")] {
            assert_eq!(config.set(name, value), Ok(()));
        }
        assert_eq!((config.options.exit_seconds, config.options.quick_arm), (2, false));
        assert_eq!(config.timings, Timings::fast());
        assert_eq!(config.set("pace", "real"), Ok(()));
        assert_eq!(config.timings.baud, Some(9600), "a real IT-100 has a serial line");
    }
}
