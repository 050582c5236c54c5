//! The IT-100's keypad: keys that go down and up, a display, lights [impl J100, OH].

use std::time::Instant;

use super::commands;
use super::display::{Lamps, Screen};
use super::panel::Panel;
use crate::message::{CursorStyle, Led, LedState, Lights, ModuleMessage, Switch, Text};

pub(super) struct VirtualKeypad {
    is_on: bool,
    /// The key that is down.
    held: Option<u8>,
    /// What display, cursor and lights were last told to show; `None` tells it again.
    shown: Option<Screen>,
    cursor: Option<u8>,
    leds: [Option<LedState>; 9],
}

/// What comes of a 070.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    /// The key acts at once.
    Acts(u8),
    /// It acts when it is held for a while.
    IfHeld,
    Released,
    /// Another key is down.
    Ignored,
}

impl VirtualKeypad {
    /// On, as after power-up `[doc IT]`.
    pub(super) fn new() -> Self {
        Self { is_on: true, held: None, shown: None, cursor: None, leds: [None; 9] }
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    /// 058; whether it was switched on just now.
    pub(super) fn switch(&mut self, switch: Switch) -> bool {
        let was_on = std::mem::replace(&mut self.is_on, switch == Switch::On);
        self.is_on && !was_on
    }

    pub(super) fn held(&self) -> Option<u8> {
        self.held
    }

    /// A key goes down, or the one that is down comes up. While one is down no other is.
    pub(super) fn press(&mut self, character: u8) -> Pressed {
        if character == b'^' {
            self.held = None;
            return Pressed::Released;
        }
        if self.held.is_some() {
            return Pressed::Ignored;
        }
        self.held = Some(character);
        match character {
            b'F' | b'A' | b'P' | b'a'..=b'e' => Pressed::IfHeld,
            _ => Pressed::Acts(character),
        }
    }

    pub(super) fn forget(&mut self) {
        (self.shown, self.cursor, self.leds) = (None, None, [None; 9]);
    }

    /// 901, 902 and 903, whichever changed; the lights after the text.
    pub(super) fn changes(&mut self, now: Instant, panel: &Panel) -> Vec<ModuleMessage> {
        let mut messages = Vec::new();
        let Some(partition) = commands::first(panel).filter(|_| self.is_on) else { return messages };
        let clock = panel.hostile.idle_clock.then(|| panel.clock.read(now));
        let screen = panel.screen(partition, clock);
        if self.shown.as_ref() != Some(&screen) {
            messages.extend(screen_messages(&screen, panel.hostile.split_screens));
            self.shown = Some(screen);
        }
        let cursor = panel.cursor(partition);
        if std::mem::replace(&mut self.cursor, cursor) != cursor {
            let style = if cursor.is_some() { CursorStyle::Underscore } else { CursorStyle::Off };
            let line = u8::from(cursor.is_some());
            messages.push(ModuleMessage::Cursor { style, line, column: cursor.unwrap_or(0) });
        }
        let lamps = panel.lamps(partition);
        for (last, led) in self.leds.iter_mut().zip(Led::ALL) {
            let state = led_state(lamps, led, panel);
            if last.replace(state) != Some(state) {
                messages.push(ModuleMessage::Led { led, state });
            }
        }
        messages
    }
}

fn screen_messages([upper, lower]: &Screen, split: bool) -> Vec<ModuleMessage> {
    let screen = |line, text: &str| ModuleMessage::Screen { line, column: 0, text: Text::new(text) };
    if split { vec![screen(0, upper), screen(1, lower)] } else { vec![screen(0, &format!("{upper}{lower}"))] }
}

fn led_state(lamps: Lamps, led: Led, panel: &Panel) -> LedState {
    let light = match led {
        Led::Ready => Lights::READY,
        Led::Armed => Lights::ARMED,
        Led::Memory => Lights::MEMORY,
        Led::Bypass => Lights::BYPASS,
        Led::Trouble => Lights::TROUBLE,
        Led::Program => Lights::PROGRAM,
        Led::Fire => Lights::FIRE,
        Led::Backlight => Lights::BACKLIGHT,
        Led::Ac => return if panel.ac_lamp() { LedState::On } else { LedState::Off },
    };
    if Lights(lamps.flashing).has(light) {
        LedState::Flashing
    } else if Lights(lamps.on).has(light) {
        LedState::On
    } else {
        LedState::Off
    }
}
