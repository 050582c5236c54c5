//! Regions of memory, block by block: what is short is completed, what is missing is asked for again.

use std::collections::VecDeque;
use std::fmt;

use zeroize::Zeroizing;

use crate::eeprom::{MAX_BLOCK, Memory};
use crate::message::{Hidden, HostMessage};

/// Times that one block is asked for.
const TRIES: u8 = 3;

/// A region that is being read. It may hold codes.
struct Region {
    address: u16,
    length: u16,
    got: Zeroizing<Vec<u8>>,
    tries: u8,
    /// A block that was shorter than asked for, until it came twice.
    short: Option<Hidden>,
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region").field("address", &self.address).field("tries", &self.tries).finish_non_exhaustive()
    }
}

impl Region {
    /// What is still missing: its address and how much of it fits one block.
    fn rest(&self) -> (u16, u16) {
        let got = u16::try_from(self.got.len()).unwrap_or(u16::MAX);
        (self.address.wrapping_add(got), self.length.saturating_sub(got).min(MAX_BLOCK))
    }
}

/// Whether a block came after the question for it was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    Early,
    Acknowledged,
}

/// Regions that are to be read, and what was read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    regions: VecDeque<Region>,
    memory: Memory,
}

impl Reading {
    /// To read these: address and length.
    pub(super) fn new(regions: impl Iterator<Item = (u16, u16)>) -> Self {
        let region = |(address, length)| Region { address, length, got: Zeroizing::default(), tries: 0, short: None };
        Self { regions: regions.map(region).collect(), memory: Memory::default() }
    }

    /// What was read whole.
    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The next block to ask for; `None` when all is read.
    pub(super) fn next(&mut self) -> Option<HostMessage> {
        while let Some(region) = self.regions.front() {
            let (address, length) = region.rest();
            if length > 0 {
                return Some(HostMessage::ReadEeprom { address, length });
            }
            if let Some(Region { address, mut got, .. }) = self.regions.pop_front() {
                self.memory.store(address, Hidden::new(std::mem::take(&mut *got)));
            }
        }
        None
    }

    /// Takes a block; returns whether it is the one that was asked for. Others are older ones, sent again.
    ///
    /// Some panels send less than they were asked for, always the same. A line that loses a zero byte makes a block
    /// look like that too, with everything behind the loss at the wrong place: a short block counts when the same
    /// came as the answer to the same question asked again.
    pub(super) fn take(&mut self, found: u16, data: &[u8], arrival: Arrival) -> bool {
        let Some(region) = self.regions.front_mut() else { return false };
        let (address, length) = region.rest();
        if found != address || data.is_empty() {
            return false;
        }
        let data = data.get(..usize::from(length)).unwrap_or(data);
        if data.len() < usize::from(length) {
            let again = region.short.as_deref() == Some(data);
            if again && arrival == Arrival::Early {
                // The line may have doubled the first one.
                return false;
            }
            if !again {
                region.short = Some(Hidden::new(data));
                return true;
            }
        }
        region.got.extend_from_slice(data);
        (region.tries, region.short) = (0, None);
        true
    }

    /// A block did not come. Returns whether it was asked for often enough.
    pub(super) fn is_given_up(&mut self) -> bool {
        self.regions.front_mut().is_none_or(|region| {
            region.tries += 1;
            region.tries >= TRIES
        })
    }
}
