//! Settings, as B0 35 and B0 42 tell them: the memory in another dress (dossier 6.5). The shape of each answer is
//! written out here once more and not taken from the codec, which has the driver's.

use std::time::{Duration, Instant};

use panel_driver::sim::later;
use serde_json::json;

use super::b0::tag_partitions;
use super::eeprom;
use super::panel::Panel;
use super::port::{Port, Timer};
use super::signal::Signal;
use crate::message::{B0, B0Error, B0Kind, Chunk, ClassIndex, PanelMessage, sub};

/// The one that nobody may ask for.
const ENDLESS: u16 = 0x019D;

/// How a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Direct = 0x01,
    PaddedWithF = 0x02,
    Byte = 0x04,
    Text = 0x06,
    PaddedText = 0x08,
    TextList = 0x0A,
}

struct Content {
    kind: Kind,
    /// Bytes of one item.
    item: usize,
    data: Vec<u8>,
}

impl Port {
    pub(super) fn settings(&mut self, now: Instant, panel: &mut Panel, request: &B0) {
        for id in request.requested_settings() {
            if id == ENDLESS {
                panel.signal(Signal::watch(json!({"event": "endless_pages", "setting": "019D"})));
                self.timers.put(later(now, Duration::from_millis(1)), Timer::EndlessPage);
                continue;
            }
            let Some(content) = content_of(panel, id) else {
                self.refuse(now, panel, B0Error::UNKNOWN, request.sub);
                continue;
            };
            if request.sub == sub::SETTING {
                let (start, end) = range_of(request);
                self.tell_new_form(now, panel, id, &content, start, end);
            } else {
                self.tell_old_form(now, panel, id, &content);
            }
        }
    }

    /// `id, type, data`; texts in pages.
    fn tell_old_form(&mut self, now: Instant, panel: &mut Panel, id: u16, content: &Content) {
        let most = if content.kind == Kind::TextList { 10 * content.item } else { 240 };
        let parts: Vec<&[u8]> = content.data.chunks(most).collect();
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.into_iter().enumerate() {
            let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
            let (kind, page) = if index == last { (B0Kind::Response, 0xFF) } else { (B0Kind::Page, number) };
            let data = [&id.to_le_bytes()[..], &[content.kind as u8], part].concat();
            self.tell_setting(now, panel, sub::SETTINGS, kind, page, &data);
        }
    }

    /// `id, items in all, bits of one, 0, type, byte-size flag, first item, items, data`.
    fn tell_new_form(&mut self, now: Instant, panel: &mut Panel, id: u16, content: &Content, start: u16, end: u16) {
        let items: Vec<&[u8]> = content.data.chunks(content.item).collect();
        let all = word(items.len());
        let wanted = items.iter().skip(start.into()).take(usize::from(end.saturating_sub(start)).saturating_add(1));
        let wanted: Vec<&[u8]> = wanted.copied().collect();
        let per_page = (200 / content.item).max(1);
        let mut first = start;
        let pages: Vec<&[&[u8]]> = wanted.chunks(per_page).collect();
        let last = pages.len().saturating_sub(1);
        for (index, page) in pages.into_iter().enumerate() {
            let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
            let (kind, number) = if index == last { (B0Kind::Response, 0xFF) } else { (B0Kind::Page, number) };
            let single = u8::from(content.item == 1);
            let head = [id, all, word(content.item * 8), 0].into_iter().flat_map(u16::to_le_bytes);
            let place = [first, word(page.len())].into_iter().flat_map(u16::to_le_bytes);
            let mut data: Vec<u8> = head.chain([content.kind as u8, single]).chain(place).collect();
            data.extend(page.concat());
            self.tell_setting(now, panel, sub::SETTING, kind, number, &data);
            first = first.saturating_add(word(page.len()));
        }
    }

    fn tell_setting(&mut self, now: Instant, panel: &mut Panel, sub: u8, kind: B0Kind, page: u8, data: &[u8]) {
        let chunk = Chunk::new(0x08, ClassIndex::MIXED, data).on_page(page);
        let counter = self.count();
        self.reply(now, panel, PanelMessage::B0(B0::response(kind, sub, &[chunk], counter)));
    }
}

fn word(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// First and last item that a request in the new form wants.
fn range_of(request: &B0) -> (u16, u16) {
    match &request.body[..] {
        [_, _, _, _, _, _, _, s0, s1, e0, e1, ..] => (u16::from_le_bytes([*s0, *s1]), u16::from_le_bytes([*e0, *e1])),
        _ => (0, u16::MAX),
    }
}

fn content_of(panel: &Panel, id: u16) -> Option<Content> {
    let (model, memory) = (panel.model, &panel.eeprom);
    let direct = |item: usize, data: &[u8]| Some(Content { kind: Kind::Direct, item, data: data.to_vec() });
    let bytes = |data: Vec<u8>| Some(Content { kind: Kind::Byte, item: 1, data });
    let text = |kind: Kind, text: &str| Some(Content { kind, item: text.len(), data: text.as_bytes().to_vec() });
    let names = |from: u16, count: u16| {
        let data = memory.slice(eeprom::NAMES + from * eeprom::NAME_LENGTH, count * eeprom::NAME_LENGTH).to_vec();
        Some(Content { kind: Kind::TextList, item: 16, data })
    };
    let zones = |value: &dyn Fn(u8) -> u8| bytes((1..=64).map(value).collect());
    let codes = || (1..=model.users()).flat_map(|slot| memory.code(memory.user_code_at(slot))).collect::<Vec<_>>();
    match id {
        0x0002 | 0x0171 => {
            Some(Content { kind: Kind::PaddedWithF, item: 6, data: memory.slice(eeprom::SERIAL, 6).to_vec() })
        }
        0x0008 | 0x00E5 => direct(2, &codes()),
        0x000D | 0x0045 => names(0, 21),
        0x0042 | 0x0046 => names(21, 10),
        0x000F | 0x00AA => direct(2, &memory.code(eeprom::CODES + 4)),
        0x002C => text(Kind::Text, "JS702229 K18.050"),
        0x002D => text(Kind::Text, "JS702229 K18.022"),
        0x0030 => bytes(vec![u8::from(panel.units.len() > 1)]),
        0x0031 => zones(&|zone| memory.zone_type(zone)),
        0x0032 => zones(&|zone| memory.byte(memory.zone_name_at(zone))),
        0x0033 => zones(&|_| 0),
        0x0036 => zones(&|zone| memory.zone_partitions(zone)),
        0x0037 => bytes(tag_partitions(panel)),
        0x003C => text(Kind::PaddedText, &format!("{:15}", model.name())),
        0x004E => bytes(vec![model.partitions()]),
        0x0054 => direct(2, &memory.code(eeprom::CODES)),
        0x0055 => direct(2, &memory.code(eeprom::CODES + 2)),
        0x0056 => direct(2, &[0, 0]),
        0x0058 => bytes(vec![memory.byte(eeprom::EXIT_DELAY)]),
        0x0061 => direct(2, &memory.code(eeprom::DURESS)),
        0x0078 => bytes(vec![memory.byte(eeprom::USER_PERMIT)]),
        0x00E2 => bytes((1..=model.users()).map(|slot| panel.rights_of(slot)).collect()),
        0x0106 => bytes(vec![1]),
        _ => None,
    }
}
