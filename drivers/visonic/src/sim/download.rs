//! Download mode: in and out, blocks and dumps of the memory (dossier 3.3, 5.1).

use std::time::Instant;

use panel_driver::sim::later;
use serde_json::json;

use super::eeprom;
use super::hostile::{Step, spend};
use super::panel::Panel;
use super::port::{Download, Port, Timer};
use super::signal::Signal;
use crate::message::{Form, Hidden, PanelMessage};

/// Most data in one block.
const MOST_BLOCK: u16 = 0xB0;
/// What a dump tells, from and to: 224 rows of eight bytes [run NL].
const DUMP: [(u16, u16); 2] = [(0x0100, 0x0500), (0x0900, 0x0C00)];
/// Seconds after which a host may try again while somebody is in the installer menu.
const MENU_WAIT: u8 = 10;

impl Port {
    pub(super) fn enter_download(&mut self, now: Instant, panel: &mut Panel, code: [u8; 2]) {
        if panel.hostile.exit_for_download {
            return self.reply(now, panel, PanelMessage::DownloadEnded);
        }
        if let Some(delay) = busy(panel) {
            return self.reply(now, panel, PanelMessage::NotReady { head: [0, 0], delay });
        }
        let any_time = panel.eeprom.byte(eeprom::UPLOAD_OPTION) & 0x04 != 0;
        let all_disarmed = panel.partitions().all(|partition| panel.is_disarmed(partition));
        if !self.knows_download_code(panel, code) || !(any_time || all_disarmed) {
            return self.deny(now, panel, Form::Plain, Step::Download);
        }
        self.acknowledge(now, panel, Form::Plain);
        if self.download.replace(Download { blocks: 0 }).is_none() {
            panel.signal(Signal::watch(json!({"event": "download_begun"})));
        }
        self.timers.put(later(now, panel.timings.download_idle), Timer::DownloadIdle);
        let (model, panel_type) = (panel.model.model_byte(), panel.model.type_byte());
        self.reply(now, panel, PanelMessage::PanelInfo { model, panel_type });
    }

    /// Either download code of the memory, or that of the enrolled PowerLink.
    fn knows_download_code(&self, panel: &Panel, code: [u8; 2]) -> bool {
        let memory = [eeprom::CODES + 4, eeprom::CODES + 6].map(|at| panel.eeprom.code(at));
        memory.contains(&code) || self.powerlink == Some(code)
    }

    /// Whatever the host says keeps download mode alive.
    pub(super) fn touch_download(&mut self, now: Instant, panel: &Panel) {
        if self.download.is_some() {
            self.timers.put(later(now, panel.timings.download_idle), Timer::DownloadIdle);
        }
    }

    pub(super) fn read_memory(&mut self, now: Instant, panel: &mut Panel, address: u16, length: u16) {
        if self.download.is_none() {
            return self.deny(now, panel, Form::Plain, Step::Read);
        }
        self.acknowledge(now, panel, Form::Plain);
        // The clock is kept elsewhere and only looks like memory.
        let clock = super::host::clock_time(panel.clock.read(now)).bytes();
        panel.eeprom.write(eeprom::CLOCK, &clock);
        let mut left = length;
        let mut at = address;
        while left > 0 {
            let wanted = left.min(MOST_BLOCK);
            let data = panel.eeprom.slice(at, wanted).to_vec();
            let announced = u8::try_from(data.len()).unwrap_or(0);
            self.reply(now, panel, PanelMessage::Block { address: at, announced, data: Hidden::new(data) });
            let Some(next) = at.checked_add(wanted) else { break };
            (at, left) = (next, left - wanted);
        }
        self.count_block(now, panel);
    }

    fn count_block(&mut self, now: Instant, panel: &mut Panel) {
        let Some(download) = &mut self.download else { return };
        download.blocks += 1;
        let Some(left) = &mut panel.hostile.timeout_after else { return };
        if !spend(left) || *left == 0 {
            panel.hostile.timeout_after = None;
            self.take_back(|message| matches!(message, PanelMessage::Block { .. }));
            self.download_timed_out(now, panel);
        }
    }

    pub(super) fn start_dump(&mut self, now: Instant, panel: &mut Panel) {
        if self.download.is_none() {
            return self.deny(now, panel, Form::Plain, Step::Start);
        }
        self.acknowledge(now, panel, Form::Plain);
        for (from, to) in DUMP {
            for address in (from..to).step_by(8) {
                self.send_row(now, panel, address);
            }
        }
        self.reply(now, panel, PanelMessage::EndOfDump);
    }

    pub(super) fn send_row(&mut self, now: Instant, panel: &mut Panel, address: u16) {
        let data = Hidden::new(panel.eeprom.slice(address, 8));
        self.reply(now, panel, PanelMessage::Row { address, data });
    }

    /// `0F` from the host.
    pub(super) fn exit_download(&mut self, now: Instant, panel: &mut Panel) {
        let answers = |message: &PanelMessage| matches!(message, PanelMessage::Row { .. } | PanelMessage::Block { .. });
        self.take_back(answers);
        self.acknowledge(now, panel, Form::Plain);
        self.end_download(now, panel);
    }

    /// Nobody says anything: the panel goes back to work by itself.
    pub(super) fn download_timed_out(&mut self, now: Instant, panel: &mut Panel) {
        self.reply(now, panel, PanelMessage::TimedOut);
        self.end_download(now, panel);
    }

    fn end_download(&mut self, now: Instant, panel: &mut Panel) {
        self.timers.cancel(&Timer::DownloadIdle);
        if let Some(Download { blocks }) = self.download.take() {
            panel.signal(Signal::watch(json!({"event": "download_ended", "blocks": blocks})));
            self.system_status(now, panel);
        }
    }
}

/// Seconds that a host is to wait, if the panel is busy.
fn busy(panel: &mut Panel) -> Option<u8> {
    match panel.hostile.busy {
        Some((count, seconds)) if count > 0 => {
            panel.hostile.busy = Some((count - 1, seconds)).filter(|_| count > 1);
            Some(seconds)
        }
        _ => panel.installer_menu.then_some(MENU_WAIT),
    }
}
