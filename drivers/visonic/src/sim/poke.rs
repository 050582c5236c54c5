//! What somebody does at the panel itself, whatever its line is.

use std::time::Instant;

use panel_driver::sim::{Poke, PokeError};
use panel_model::Zone;

use super::panel::Panel;
use super::signal::Trouble;

impl Panel {
    /// Does it, or gives it back where it is about the line.
    pub(super) fn poke(&mut self, now: Instant, poke: Poke) -> Result<Option<Poke>, PokeError> {
        match poke {
            Poke::Open(zone) => self.known_zone(zone).map(|zone| self.open_zone(now, zone))?,
            Poke::Close(zone) => self.known_zone(zone).map(|zone| self.close_zone(now, zone))?,
            Poke::Tamper(zone) => self.known_zone(zone).map(|zone| self.tamper_zone(now, zone))?,
            Poke::Trip(zone) => self.known_zone(zone).map(|zone| self.trip_zone(now, zone))?,
            Poke::Battery { low, zone: None } => self.set_trouble(Trouble::Battery, low),
            Poke::Battery { low, zone: Some(zone) } => {
                self.known_zone(zone).map(|zone| self.set_zone_battery(zone, low))?;
            }
            Poke::Ac { on } => self.set_trouble(Trouble::AcLost, !on),
            Poke::EnterCode { code, partition } => self.enter_code(now, partition, code.expose())?,
            Poke::Arm { mode, partition, slot } => self.arm_by_person(now, partition, mode, slot)?,
            Poke::Disarm { partition, slot } => self.disarm_by_person(partition, slot)?,
            Poke::Panic(key) => self.press_panic(now, key),
            Poke::Tag { slot, partition } => self.present_tag(now, slot, partition)?,
            Poke::Edit { slot, words } => self.edit_user(slot, &words)?,
            Poke::Lock { .. } => return Err(PokeError("a Visonic panel knows no door locks".into())),
            line @ (Poke::Drop(_) | Poke::Reboot | Poke::Fault(_)) => return Ok(Some(line)),
        }
        Ok(None)
    }

    /// A zone that has a detector.
    pub(super) fn known_zone(&self, zone: Zone) -> Result<u8, PokeError> {
        let number = u8::try_from(zone.number()).ok();
        number
            .filter(|number| self.zone(*number).is_some_and(|unit| unit.enrolled))
            .ok_or_else(|| PokeError(format!("no zone {zone}: this panel has 1 to {}", self.enrolled_zones().count())))
    }
}
