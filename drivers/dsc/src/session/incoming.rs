//! What comes in: lines, frames, messages; who gets to see them.

use std::time::Instant;

use panel_driver::{Direction, DriverEvent, WireEntry};

use super::track::{is_emergency, verbose_troubles};
use super::{ALIVE, DscSession, HELD, HELD_ALARMS};
use crate::codec::{Counters, Frame, FrameError};
use crate::message::{ModuleMessage, ZoneNotice};

impl DscSession {
    pub(super) fn bad_line(&mut self, error: FrameError) {
        tracing::debug!(%error, "a bad line");
        self.wire.push_back(WireEntry { direction: Direction::FromPanel, masked: format!("({error})").into() });
        self.line_lost();
    }

    /// Whatever it was, it is not known now.
    pub(super) fn line_lost(&mut self) {
        self.count_noise();
        self.site.report_wanted |= self.online;
        if let Some(collect) = &mut self.collect {
            collect.spoil();
        }
    }

    pub(super) fn frame(&mut self, now: Instant, frame: &Frame) {
        self.log(Direction::FromPanel, frame);
        let message = match ModuleMessage::decode(frame, self.site.transport) {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!(%error, "a message that does not fit");
                let event = self.site.tracker.malformed(frame.number());
                if self.online {
                    self.site.happened(event);
                }
                return;
            }
        };
        let stray = self.exchange.observe(now, &message);
        self.count_noise();
        if let Some(stray) = stray {
            match &mut self.procedure {
                Some(procedure) => procedure.late_refusal(now, stray, &mut self.site),
                None => self.site.module_refused(now, stray),
            }
        }
        self.site.view.observe(now, &message);
        self.version(&message);
        self.follow(now, message);
        self.alive(now);
    }

    /// State and events, then the procedure: an outcome comes after the events that prove it.
    fn follow(&mut self, now: Instant, message: ModuleMessage) {
        let part_of_report = self.collect.as_mut().is_some_and(|collect| {
            if let ModuleMessage::VerboseTrouble(bits) = &message {
                collect.verbose_troubles(verbose_troubles(*bits));
            }
            let event = self.site.tracker.event_of(&message);
            collect.observe(now, &message, event.as_ref())
        });
        // A door may move while a report comes in, and the report's end shows only where it came to rest.
        let moves = matches!(message, ModuleMessage::Zone(ZoneNotice::Opened | ZoneNotice::Closed, _));
        if !part_of_report || (self.online && moves) {
            if self.online {
                self.live(now, &message);
            } else if self.held.len() < HELD || (is_emergency(&message) && self.held.len() < HELD_ALARMS) {
                self.held.push(message.clone());
            }
        }
        if let Some(procedure) = &mut self.procedure {
            procedure.observe(now, &message, &mut self.site);
        }
    }

    pub(super) fn live(&mut self, now: Instant, message: &ModuleMessage) {
        let menus = self.menus();
        let heard = self.site.tracker.observe(now, message, menus);
        if let Some(collect) = &mut self.collect {
            heard.events.iter().for_each(|event| collect.also(event));
        }
        self.site.happened(heard.events);
        self.site.report_wanted |= heard.doubt;
        if heard.users_stale {
            self.site.event(DriverEvent::UsersStale);
        }
    }

    fn version(&mut self, message: &ModuleMessage) {
        let ModuleMessage::Version { version, sub, .. } = message else { return };
        if self.online && self.collect.is_none() {
            // Nobody asked: the module was without power. Its keypad may be off, and anything may have happened.
            self.site.keypad_off = true;
            self.site.report_wanted = true;
            self.site.event(DriverEvent::UsersStale);
        }
        let text = format!("IT-100 {version}.{sub:02}");
        if self.firmware.as_ref() != Some(&text) {
            self.firmware = Some(text.clone());
            if self.online {
                self.site.event(DriverEvent::Firmware(text));
            }
        }
    }

    fn alive(&mut self, now: Instant) {
        // A module that answers while it does not hear the panel is no sign of the panel's life.
        let due = self.last_alive.is_none_or(|at| now >= at + ALIVE);
        if self.online && due && !self.site.tracker.panel_link_lost() {
            self.last_alive = Some(now);
            self.site.event(DriverEvent::Alive);
        }
    }

    /// How often the line was caught losing, doubling or garbling: silence and refusals prove less then.
    fn count_noise(&mut self) {
        let Counters { checksum_errors, garbage, oversize, partial, .. } = self.decoder.counters();
        self.site.noise = checksum_errors + garbage + oversize + partial + u64::from(self.exchange.oddities());
    }
}
