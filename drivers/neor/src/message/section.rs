//! Addresses of installer programming sections (dossier 3.5).

use super::MessageError;
use super::value::{Reader, Writer};

const INDEX: u8 = 0x01;
const COUNT: u8 = 0x02;
const MODULE: u8 = 0x04;
/// Flags whose effect on the layout is not known.
const UNKNOWN: u8 = 0x88;
const MOST_SUB_SECTIONS: usize = 7;

/// Where data is: `[000][001][5]` is main section 0, sub-sections 1 and 5.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the fields are the dossier's")]
pub struct SectionAddress {
    pub module: Option<u8>,
    pub main: u16,
    /// Seven at most.
    pub subs: Vec<u16>,
    pub index: Option<u8>,
    /// How many sections in a row.
    pub count: Option<u8>,
}

impl SectionAddress {
    /// One section.
    #[must_use]
    pub fn new(main: u16, subs: &[u16]) -> Self {
        Self { main, subs: subs.to_vec(), ..Self::default() }
    }

    /// That many sections from this one on.
    #[must_use]
    pub fn count(self, count: u8) -> Self {
        Self { count: Some(count), ..self }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, MessageError> {
        let flags = r.u8()?;
        if flags & UNKNOWN != 0 {
            return Err(MessageError::Value("section flags"));
        }
        let module = if flags & MODULE != 0 { Some(r.u8()?) } else { None };
        let main = r.u16()?;
        let subs = (0..flags >> 4 & 7).map(|_| r.u16()).collect::<Result<_, _>>()?;
        let index = if flags & INDEX != 0 { Some(r.u8()?) } else { None };
        let count = if flags & COUNT != 0 { Some(r.u8()?) } else { None };
        Ok(Self { module, main, subs, index, count })
    }

    pub(super) fn encode(&self, w: &mut Writer) {
        let subs = self.subs.get(..MOST_SUB_SECTIONS).unwrap_or(&self.subs);
        let mut flags = u8::try_from(subs.len()).unwrap_or(0) << 4;
        for (there, flag) in [(self.index, INDEX), (self.count, COUNT), (self.module, MODULE)] {
            flags |= there.map_or(0, |_| flag);
        }
        w.u8(flags);
        if let Some(module) = self.module {
            w.u8(module);
        }
        w.u16(self.main);
        for sub in subs {
            w.u16(*sub);
        }
        for value in [self.index, self.count].into_iter().flatten() {
            w.u8(value);
        }
    }
}
