//! B0: what only PowerMasters say (dossier 6).

use std::time::{Duration, Instant};

use serde_json::json;

use super::hostile::{StateForm, spend};
use super::log::LogEntry;
use super::out::What;
use super::panel::Panel;
use super::port::{Port, Timer};
use super::signal::{Signal, Trouble};
use crate::message::{
    B0, B0Error, B0Kind, B0LogRow, Chunk, ClassIndex, EventCode, Help, Hidden, PanelMessage, PanelStatus,
    PartitionStatus, TroubleRow, sub,
};

/// Sub-types that the codec has no name for.
mod more {
    pub(super) const TEMPERATURES: u8 = 0x3D;
    pub(super) const TAMPER_MEMORY: u8 = 0x0A;
}

/// Data of one page at most, in whole items of ten bytes or five.
const PAGE: usize = 170;
const LAST_EVENTS_PAGE: usize = 180;

impl Port {
    pub(super) fn power_master(&mut self, now: Instant, panel: &mut Panel, b0: &B0) {
        if b0.sub != sub::ALIVE && spend(&mut panel.hostile.b0_busy) {
            return self.refuse(now, panel, B0Error::BUSY, b0.sub);
        }
        match b0.kind {
            B0Kind::Request => match b0.sub {
                sub::SETTINGS | sub::SETTING => self.settings(now, panel, b0),
                // Wherever a keep-alive is answered by more than its acknowledgement, nobody has written down what.
                sub::ALIVE => {}
                _ => b0.requested_subs().into_iter().for_each(|sub| self.tell_sub(now, panel, sub)),
            },
            B0Kind::Set | B0Kind::Clear => self.b0_command(now, panel, b0),
            B0Kind::Page | B0Kind::Response | B0Kind::Other => self.refuse(now, panel, B0Error::UNKNOWN, b0.sub),
        }
    }

    /// The next number of an answer, 01 to FF.
    pub(super) fn count(&mut self) -> u8 {
        self.counter = self.counter.checked_add(1).unwrap_or(1);
        self.counter
    }

    pub(super) fn refuse(&mut self, now: Instant, panel: &mut Panel, code: u8, sub: u8) {
        self.reply(now, panel, PanelMessage::B0(B0::refusal(&[B0Error { code, sub }])));
    }

    pub(super) fn respond(&mut self, now: Instant, panel: &mut Panel, sub: u8, chunks: &[Chunk]) {
        let counter = self.count();
        self.reply(now, panel, PanelMessage::B0(B0::response(B0Kind::Response, sub, chunks, counter)));
    }

    /// Items in pages of so many bytes: 02 with page 1, 2 …, and 03 with page FF at last.
    fn respond_in_pages(&mut self, now: Instant, panel: &mut Panel, sub: u8, chunk: &Chunk, most: usize) {
        let pages: Vec<&[u8]> = chunk.data.chunks(most).collect();
        let last = pages.len().saturating_sub(1);
        for (index, data) in pages.into_iter().enumerate() {
            let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
            let (kind, page) = if index == last { (B0Kind::Response, 0xFF) } else { (B0Kind::Page, number) };
            let part = Chunk { page, data: Hidden::new(data), ..chunk.clone() };
            let counter = self.count();
            self.reply(now, panel, PanelMessage::B0(B0::response(kind, sub, &[part], counter)));
        }
    }

    fn tell_sub(&mut self, now: Instant, panel: &mut Panel, asked: u8) {
        let model = panel.model;
        let zones = usize::from(model.zones());
        let bits = |mask: u64| Chunk::new(0x01, ClassIndex::ZONE, &mask.to_le_bytes());
        let per_zone = |value: &dyn Fn(u8) -> u8| {
            let data: Vec<u8> = (1..=model.zones()).map(value).collect();
            Chunk::new(0x08, ClassIndex::ZONE, &data)
        };
        let chunks = match asked {
            sub::OPEN => vec![bits(panel.zone_mask(|zone| zone.open && !zone.motion))],
            sub::BYPASS => vec![bits(panel.zone_mask(|zone| zone.bypassed))],
            sub::TRIGGERED => vec![bits(panel.zone_mask(|zone| zone.in_alarm.is_some()))],
            sub::TAMPERED => vec![bits(panel.zone_mask(|zone| zone.tampered))],
            more::TAMPER_MEMORY => vec![bits(panel.zone_mask(|zone| zone.tamper_memory))],
            sub::ENROLLED => enrolled(panel),
            sub::DEVICE_TYPES => device_types(panel),
            sub::ZONE_NAMES => vec![per_zone(&|zone| panel.eeprom.byte(panel.eeprom.zone_name_at(zone)))],
            sub::ZONE_TYPES => vec![per_zone(&|zone| panel.eeprom.zone_type(zone))],
            // No detector here measures.
            more::TEMPERATURES => vec![Chunk::new(0x08, ClassIndex::ZONE, &vec![0xFF; zones])],
            sub::CAPACITIES => vec![capacities(panel)],
            sub::PANEL_STATE => return self.reply(now, panel, What::State),
            sub::SHORT_STATE => return self.tell_short_state(now, panel),
            sub::PARTITION_ACCESS => return self.partition_access(now, panel),
            sub::LAST_EVENTS => {
                let rows: Vec<u8> = panel.zones.iter().flat_map(|zone| last_event(zone.last)).collect();
                let chunk = Chunk::new(0x28, ClassIndex::ZONE, &rows);
                return self.respond_in_pages(now, panel, asked, &chunk, LAST_EVENTS_PAGE);
            }
            sub::EVENT_LOG => {
                let rows: Vec<u8> = panel.log.entries().flat_map(log_row).collect();
                let rows = if rows.is_empty() { vec![0; 10] } else { rows };
                let chunk = Chunk::new(0x50, ClassIndex::MIXED, &rows);
                return self.respond_in_pages(now, panel, asked, &chunk, PAGE);
            }
            sub::LEGACY_LOG => {
                let row = panel.log.entries().next().map_or([0; 10], log_row);
                vec![Chunk::new(0x50, ClassIndex::MIXED, &row)]
            }
            sub::TROUBLES => vec![troubles(panel)],
            _ => return self.refuse(now, panel, B0Error::UNKNOWN, asked),
        };
        self.respond(now, panel, asked, &chunks);
    }

    /// B0 24.
    pub(super) fn state_message(&mut self, now: Instant, panel: &Panel) -> PanelMessage {
        let state = self.state(now, panel);
        let mut data = state.data();
        match panel.hostile.state_form {
            StateForm::Full => {}
            StateForm::Short if state.partitions.len() > 1 => data.truncate(data.len() - 2),
            // Payload byte 16 is the count.
            StateForm::Short | StateForm::NoCount => {
                data.remove(16);
            }
        }
        let chunk = Chunk::new(0x08, ClassIndex::MIXED, &data);
        PanelMessage::B0(B0::response(B0Kind::Response, sub::PANEL_STATE, &[chunk], self.count()))
    }

    /// One partition, or all three of which some may be inactive.
    fn state(&self, now: Instant, panel: &Panel) -> PanelStatus {
        let troubles = [
            (Trouble::Battery, PanelStatus::BATTERY),
            (Trouble::Communication, PanelStatus::COMMUNICATION),
            (Trouble::PanelTamper, PanelStatus::TAMPER),
        ];
        let bits = troubles.into_iter().filter(|(trouble, _)| panel.troubles.contains(trouble));
        let mut head = [0; 8];
        if let Some(byte) = head.get_mut(4) {
            *byte = bits.fold(0, |all, (_, bit)| all | bit);
        }
        let shown = if panel.units.len() > 1 { 3 } else { 1 };
        let partition = |index: u8| {
            let active = usize::from(index) < panel.units.len();
            let (status, flags) = if active { self.shown(panel, index) } else { (0, 0) };
            let active = if active { PartitionStatus::ACTIVE } else { 0 };
            PartitionStatus {
                // The bit for "instant" has a byte of its own here [impl HA].
                status: crate::message::SystemStatus(status & !0x10),
                flags: crate::message::Flags((flags & 0x7F) | active),
                instant: u8::from(status & 0x10 != 0),
                unknown: 0,
            }
        };
        let clock = panel.clock.read(now);
        PanelStatus {
            head,
            clock: super::host::clock_time(clock),
            weekday: clock.weekday(),
            partitions: (0..shown).map(partition).collect(),
        }
    }

    /// 0F, which has no chunks: 11 bytes for one partition, 15 for three.
    fn tell_short_state(&mut self, now: Instant, panel: &mut Panel) {
        let state = self.state(now, panel);
        let length = if state.partitions.len() == 1 { 11 } else { 15 };
        let mut body: Vec<u8> = state.clock.bytes().to_vec();
        body.push(0x14);
        body.extend(state.partitions.iter().flat_map(|p| [p.status.0, p.flags.0]));
        body.resize(length - 1, 0);
        body.push(self.count());
        let b0 = B0 { kind: B0Kind::Response, sub: sub::SHORT_STATE, body: Hidden::new(body) };
        self.reply(now, panel, PanelMessage::B0(b0));
    }

    /// 20: a page of zones, one of devices, one of people.
    fn partition_access(&mut self, now: Instant, panel: &mut Panel) {
        let model = panel.model;
        let all = (1_u8 << panel.units.len()) - 1;
        let zones: Vec<u8> = (1..=model.zones()).map(|zone| panel.mask_of(zone)).collect();
        let users: Vec<u8> = (1..=model.users()).map(|slot| panel.rights_of(slot)).collect();
        let devices = [(ClassIndex::SIREN, model.sirens()), (ClassIndex::KEYPAD, model.keypads().0)];
        let devices = devices.map(|(class, count)| Chunk::new(0x08, class, &vec![all; count.into()]));
        let keyfobs = vec![all; model.keyfobs().into()];
        let people = [
            Chunk::new(0x08, ClassIndex::KEYFOB, &keyfobs),
            Chunk::new(0x08, ClassIndex::USER, &users),
            Chunk::new(0x08, ClassIndex::TAG, &tag_partitions(panel)),
        ];
        let pages = [vec![Chunk::new(0x08, ClassIndex::ZONE, &zones)], devices.to_vec(), people.to_vec()];
        for (number, chunks) in (1..).zip(pages) {
            let last = number == 3;
            let page = if last { 0xFF } else { number };
            let kind = if last { B0Kind::Response } else { B0Kind::Page };
            let chunks: Vec<Chunk> = chunks.into_iter().map(|chunk| chunk.on_page(page)).collect();
            let counter = self.count();
            let b0 = B0::response(kind, sub::PARTITION_ACCESS, &chunks, counter);
            self.reply(now, panel, PanelMessage::B0(b0));
        }
    }

    /// Says which sub-types have news.
    pub(super) fn ask_me(&mut self, now: Instant, panel: &mut Panel, news: &[u8]) {
        let chunk = Chunk::new(0x08, ClassIndex::MIXED, news);
        let counter = self.count();
        let b0 = B0::response(B0Kind::Response, sub::ASK_ME_TOO, &[chunk], counter);
        self.tell_status(now, panel, PanelMessage::B0(b0));
    }

    /// 3B.
    pub(super) fn help(&mut self, now: Instant, panel: &mut Panel, help: Help) {
        if !panel.model.is_master() {
            return;
        }
        let all = (1_u8 << panel.units.len()) - 1;
        let chunk = Chunk::new(0x28, ClassIndex::MIXED, &help.data(all));
        let counter = self.count();
        let b0 = B0::response(B0Kind::Response, sub::HELP, &[chunk], counter);
        self.tell_status(now, panel, PanelMessage::B0(b0));
    }

    /// Kinds 00 and 04. Bypass, enrolment and the PGM ask for the download code, the rest for a user's (dossier 6.6).
    fn b0_command(&mut self, now: Instant, panel: &mut Panel, b0: &B0) {
        let Some((code, argument, chunk)) = b0.command() else {
            return self.refuse(now, panel, B0Error::REFUSED, b0.sub);
        };
        let by_download_code = matches!(b0.sub, sub::BYPASS | sub::PGM | sub::ENROL_DEVICE);
        let known = if by_download_code {
            let memory = [super::eeprom::CODES + 4, super::eeprom::CODES + 6].map(|at| panel.eeprom.code(at));
            memory.contains(&code.bytes()) || self.powerlink == Some(code.bytes())
        } else {
            panel.judge(now, code.bytes()).is_ok()
        };
        let set = b0.kind == B0Kind::Set;
        let done = known
            && match (b0.sub, set) {
                (sub::BYPASS, _) => {
                    let mask = mask_of(&chunk.data);
                    let (bypass, unbypass) = if set { (mask, 0) } else { (0, mask) };
                    panel.bypass_zones(bypass, unbypass).is_ok()
                }
                (sub::PGM, true) => {
                    panel.set_outputs(if argument & 1 != 0 { panel.outputs | 1 } else { panel.outputs & !1 });
                    true
                }
                (sub::SIREN, true) => {
                    panel.partitions().for_each(|partition| panel.ring(now, partition));
                    true
                }
                (sub::BAUD, true) => self.change_baud(panel, &chunk.data),
                _ => false,
            };
        if !done {
            let code =
                if known && !matches!(b0.sub, sub::BAUD | sub::BYPASS) { B0Error::UNKNOWN } else { B0Error::REFUSED };
            self.refuse(now, panel, code, b0.sub);
        }
    }

    /// Only a PowerLink may; the host is expected to follow.
    fn change_baud(&mut self, panel: &mut Panel, data: &[u8]) -> bool {
        let [_, _, high, low, ..] = data else { return false };
        let baud = u32::from(u16::from_be_bytes([*high, *low]));
        if self.powerlink.is_none() || !matches!(baud, 9600 | 38400) {
            return false;
        }
        // A line without a pace keeps none.
        self.line.baud = self.line.baud.map(|_| baud);
        panel.signal(Signal::watch(json!({"event": "baud_changed", "baud": baud})));
        true
    }

    /// Setting 019D: page after page without an end, until somebody takes the power away [impl PX].
    pub(super) fn endless_page(&mut self, now: Instant, panel: &mut Panel) {
        self.timers.put(now + ENDLESS_PAUSE, Timer::EndlessPage);
        let page = self.count();
        let mut data = vec![0x9D, 0x01, 0x06];
        data.resize(120, b'.');
        let chunk = Chunk::new(0x08, ClassIndex::MIXED, &data).on_page(page);
        let b0 = B0::response(B0Kind::Page, sub::SETTINGS, &[chunk], page);
        self.tell_status(now, panel, PanelMessage::B0(b0));
    }
}

const ENDLESS_PAUSE: Duration = Duration::from_millis(300);

/// 37: the user's partitions where there is a tag, none elsewhere.
pub(super) fn tag_partitions(panel: &Panel) -> Vec<u8> {
    let tags = (1..).zip(&panel.tags);
    tags.map(|(slot, tag)| if *tag { panel.rights_of(slot) } else { 0 }).collect()
}

fn enrolled(panel: &Panel) -> Vec<Chunk> {
    let model = panel.model;
    let mask = |class, count: u8, has: &dyn Fn(u8) -> bool| {
        let bytes = usize::from(count.div_ceil(8)).max(1);
        let bits = (1..=count).filter(|number| has(*number)).fold(0_u64, |all, number| all | (1 << (number - 1)));
        Chunk::new(0x01, class, bits.to_le_bytes().get(..bytes).unwrap_or_default())
    };
    let first = |number: u8| number == 1;
    vec![
        mask(ClassIndex::REPEATER, 8, &|_| false),
        mask(ClassIndex::PANIC_BUTTON, 8, &|_| false),
        mask(ClassIndex::SIREN, model.sirens(), &first),
        Chunk::new(0x01, ClassIndex::ZONE, &panel.zone_mask(|_| true).to_le_bytes()),
        mask(ClassIndex::KEYPAD, model.keypads().0, &first),
        mask(ClassIndex::KEYFOB, model.keyfobs(), &first),
        mask(ClassIndex::USER, model.users(), &|slot| panel.user_code(slot).is_some()),
        mask(ClassIndex::TAG, model.tags(), &|slot| panel.tags.get(usize::from(slot - 1)) == Some(&true)),
    ]
}

/// 1F: the device types of the memory.
fn device_types(panel: &Panel) -> Vec<Chunk> {
    let model = panel.model;
    let zone =
        |zone: u8| if panel.zone(zone).is_some_and(|unit| unit.enrolled) { panel.eeprom.sensor(zone) } else { 0 };
    let zones: Vec<u8> = (1..=model.zones()).map(zone).collect();
    let table = |class, at: u16, count: u8| {
        let types: Vec<u8> = (0..u16::from(count)).map(|index| panel.eeprom.byte(at + 10 * index + 5)).collect();
        Chunk::new(0x08, class, &types)
    };
    vec![
        Chunk::new(0x08, ClassIndex::ZONE, &zones),
        table(ClassIndex::SIREN, 0xB6E2, model.sirens()),
        table(ClassIndex::KEYPAD, 0xB732, model.keypads().0),
        table(ClassIndex::KEYFOB, 0xB502, model.keyfobs()),
    ]
}

/// 22: how many there can be of each class, in the order of the classes.
fn capacities(panel: &Panel) -> Chunk {
    let model = panel.model;
    let partitions = model.partitions();
    let counts = [
        8,
        8,
        model.sirens(),
        model.zones(),
        model.keypads().0,
        model.keyfobs(),
        model.users(),
        15,
        1,
        1,
        model.tags(),
        1,
        1,
        1,
        partitions,
        0,
    ];
    let data: Vec<u8> = counts.into_iter().flat_map(|count| u16::from(count).to_le_bytes()).collect();
    Chunk::new(0x10, ClassIndex::MIXED, &data)
}

fn last_event((time, code): (u32, u8)) -> [u8; 5] {
    let [a, b, c, d] = time.to_le_bytes();
    [a, b, c, d, code]
}

fn log_row(entry: &LogEntry) -> [u8; 10] {
    let (class, number) = entry.device.class();
    let class = ClassIndex(class);
    let (index, user) = if class == ClassIndex::USER { (0, number) } else { (number, 0) };
    let row = B0LogRow {
        time: entry.unix,
        class,
        index,
        user,
        event: EventCode(entry.code),
        partition: entry.partitions,
        number: entry.number,
    };
    row.bytes()
}

/// 54. Of the codes only those of tampers are known.
fn troubles(panel: &Panel) -> Chunk {
    let rows = panel.troubles.iter().take(20).flat_map(|trouble| {
        let (class, index) = trouble.event().0.class();
        let code = match trouble {
            Trouble::ZoneTamper(_) | Trouble::SirenTamper => TroubleRow::TAMPER,
            _ => 0,
        };
        TroubleRow { class: ClassIndex(class), device_type: 0, index, state: 2, code, name: 0 }.bytes()
    });
    Chunk::new(0x48, ClassIndex::MIXED, &rows.collect::<Vec<_>>())
}

fn mask_of(data: &[u8]) -> u64 {
    data.iter().take(8).rev().fold(0, |mask, byte| (mask << 8) | u64::from(*byte))
}
