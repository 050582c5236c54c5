//! A host at a simulated panel: sends payloads, collects payloads, acknowledges them, moves the clock. Checksums are
//! summed up and frames are measured here once more, so that the codec has a witness.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use driver_visonic::sim::{Model, SimConfig, Timings, VisonicSimulator};
use panel_driver::sim::{Hangup, Poke, PokeError, Simulator};

use serde_json::Value;

pub(crate) struct Bench {
    pub(crate) sim: VisonicSimulator,
    pub(crate) now: Instant,
    /// Every frame is acknowledged at once, as other hosts do.
    pub(crate) acks: bool,
    half: Vec<u8>,
    frames: VecDeque<(Instant, Vec<u8>)>,
    /// What was no frame, byte by byte.
    pub(crate) garbage: Vec<u8>,
    /// Every byte that came.
    pub(crate) raw: Vec<u8>,
    /// How the bytes came: when, and how many at a time.
    pub(crate) pieces: Vec<(Instant, usize)>,
    pub(crate) events: Vec<Value>,
    pub(crate) hangup: Option<Hangup>,
}

/// A panel of that model whose line takes no time.
pub(crate) fn quick(model: Model) -> SimConfig {
    SimConfig { timings: Timings { baud: None, ..Timings::default() }, ..SimConfig::new(model) }
}

pub(crate) fn max() -> SimConfig {
    quick(Model::PowerMaxCompletePart)
}

pub(crate) fn master() -> SimConfig {
    quick(Model::PowerMaster10)
}

pub(crate) fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("hex")).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

/// Sums up to a multiple of 255, as documents say it.
pub(crate) fn checksum(payload: &[u8]) -> u8 {
    let rest = payload.iter().map(|byte| u32::from(*byte)).sum::<u32>() % 255;
    u8::try_from((255 - rest) % 255).expect("below 255")
}

pub(crate) fn frame(payload: &str) -> Vec<u8> {
    frame_of(&bytes(payload), 0)
}

fn frame_of(payload: &[u8], more: u8) -> Vec<u8> {
    let mut frame = vec![0x0D];
    frame.extend_from_slice(payload);
    frame.push(checksum(payload).wrapping_add(more));
    frame.push(0x0A);
    frame
}

/// Whether a frame is as the pattern says: bytes, `??` for any byte, `..` at the end for the rest.
fn fits(frame: &[u8], pattern: &str) -> bool {
    let (head, open) = match pattern.strip_suffix("..") {
        Some(head) => (head, true),
        None => (pattern, false),
    };
    let wanted: Vec<&str> = head.split_whitespace().collect();
    let long_enough = if open { frame.len() >= wanted.len() } else { frame.len() == wanted.len() };
    long_enough && wanted.iter().zip(frame).all(|(word, byte)| *word == "??" || *word == format!("{byte:02X}"))
}

impl Bench {
    /// A panel that nobody is connected to yet.
    pub(crate) fn idle(config: &SimConfig) -> Self {
        Self {
            sim: VisonicSimulator::new(config.clone()).expect("a panel"),
            now: panel_driver::clock::now(),
            acks: true,
            half: Vec::new(),
            frames: VecDeque::new(),
            garbage: Vec::new(),
            raw: Vec::new(),
            pieces: Vec::new(),
            events: Vec::new(),
            hangup: None,
        }
    }

    /// A host at the panel.
    pub(crate) fn new(config: &SimConfig) -> Self {
        let mut bench = Self::idle(config);
        bench.connect();
        bench
    }

    /// A host that is enrolled and has heard the panel's state.
    pub(crate) fn powerlink(config: &SimConfig) -> Self {
        let mut bench = Self::new(config);
        let code = if config.model.type_byte() < 7 { "56 50" } else { "AA AA" };
        bench.send(&format!("AB 0A 00 00 {code} 00 00 00 00 00 43"));
        bench.expect(&["02 43"]);
        bench.send("AB 06 00 00 00 00 00 00 00 00 00 43");
        bench.wait(seconds(6));
        bench.forget();
        bench
    }

    pub(crate) fn connect(&mut self) {
        self.hangup = None;
        self.half.clear();
        self.sim.handle_connect(self.now);
        self.collect();
    }

    pub(crate) fn disconnect(&mut self) {
        self.sim.handle_disconnect(self.now);
        self.collect();
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.sim.handle_bytes(self.now, bytes);
        self.collect();
    }

    /// Sends a payload with its checksum.
    pub(crate) fn send(&mut self, payload: &str) {
        self.send_raw(&frame(payload));
    }

    /// The same with a checksum that is so much higher.
    pub(crate) fn send_summed(&mut self, payload: &str, more: u8) {
        self.send_raw(&frame_of(&bytes(payload), more));
    }

    pub(crate) fn poke(&mut self, poke: Poke) -> Result<(), PokeError> {
        let done = self.sim.poke(self.now, poke);
        self.collect();
        done
    }

    /// A line of a script, which must be understood and done.
    pub(crate) fn say(&mut self, line: &str) {
        self.poke(Poke::parse(line).expect("a poke")).expect("done");
    }

    pub(crate) fn fault(&mut self, words: &str) {
        self.say(&format!("fault {words}"));
    }

    /// Lets time pass; what is due happens at its own time.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
        self.sim.handle_timeout(end);
        self.collect();
    }

    /// Moves to the next thing that is due, if it is due before `end`.
    fn step(&mut self, end: Instant) -> bool {
        let Some(due) = self.sim.poll_timeout().filter(|due| *due <= end) else { return false };
        self.now = self.now.max(due);
        self.sim.handle_timeout(self.now);
        self.collect();
        true
    }

    fn collect(&mut self) {
        loop {
            while let Some(bytes) = self.sim.poll_transmit() {
                self.pieces.push((self.now, bytes.len()));
                self.half.extend_from_slice(&bytes);
                self.raw.extend_from_slice(&bytes);
            }
            while let Some(event) = self.sim.poll_happened() {
                self.events.push(event);
            }
            self.hangup = self.sim.take_hangup().or(self.hangup.take());
            let acks = self.read();
            if acks.is_empty() || !self.acks {
                return;
            }
            self.sim.handle_bytes(self.now, &acks);
        }
    }

    /// Takes whole frames out of what came; the acknowledgements that they want.
    fn read(&mut self) -> Vec<u8> {
        let mut acks = Vec::new();
        while let Some(start) = self.half.iter().position(|byte| *byte == 0x0D) {
            self.garbage.extend(self.half.drain(..start));
            let Some(length) = self.length() else { break };
            if self.half.len() < length {
                break;
            }
            let payload = self.half.get(1..length.saturating_sub(2)).unwrap_or_default().to_vec();
            let good = length > 3 && self.half[length - 1] == 0x0A && self.half[length - 2] == checksum(&payload);
            if !good {
                self.garbage.push(self.half.remove(0));
                continue;
            }
            self.half.drain(..length);
            if let Some(ack) = ack_for(&payload) {
                acks.extend(frame(ack));
            }
            self.frames.push_back((self.now, payload));
        }
        acks
    }

    /// Length of the frame that begins here, as chapter 2.2 has it.
    fn length(&self) -> Option<usize> {
        Some(match self.half.get(1)? {
            0x02 | 0x08 if self.half.get(2)? == &0x43 => 5,
            0x02 | 0x06..=0x0B | 0x0F | 0x1F => 4,
            0x22 | 0x25 | 0x33 | 0x3C => 14,
            0xA0..=0xAD => 15,
            0x3F => 7 + usize::from(*self.half.get(4)?),
            0xB0 => 8 + usize::from(*self.half.get(4)?),
            _ => 1,
        })
    }

    /// The next payload, waiting for it at most so long.
    pub(crate) fn within(&mut self, time: Duration) -> Option<Vec<u8>> {
        let end = self.now + time;
        while self.frames.is_empty() && self.step(end) {}
        self.frames.pop_front().map(|(_, payload)| payload)
    }

    /// All payloads of that time, as hex.
    pub(crate) fn all_within(&mut self, time: Duration) -> Vec<String> {
        self.wait(time);
        self.frames.drain(..).map(|(_, payload)| hex(&payload)).collect()
    }

    /// All payloads of that time with when they came.
    pub(crate) fn timed_within(&mut self, time: Duration) -> Vec<(Instant, Vec<u8>)> {
        self.wait(time);
        self.frames.drain(..).collect()
    }

    /// Payloads come next that fit these patterns, each within ten seconds.
    pub(crate) fn expect(&mut self, patterns: &[&str]) {
        for pattern in patterns {
            match self.within(seconds(10)) {
                Some(frame) => assert!(fits(&frame, pattern), "`{pattern}` was to come, not {}", hex(&frame)),
                None => panic!("`{pattern}` did not come"),
            }
        }
    }

    /// A payload comes that fits, within two minutes, whatever comes before it.
    pub(crate) fn await_frame(&mut self, pattern: &str) -> Vec<u8> {
        let end = self.now + seconds(120);
        while let Some(left) = end.checked_duration_since(self.now) {
            match self.within(left) {
                Some(frame) if fits(&frame, pattern) => return frame,
                Some(_) => {}
                None => break,
            }
        }
        panic!("`{pattern}` did not come");
    }

    pub(crate) fn silent(&mut self, time: Duration) {
        assert_eq!(self.all_within(time), [""; 0]);
    }

    /// Forgets what came so far.
    pub(crate) fn forget(&mut self) {
        self.frames.clear();
        self.events.clear();
        self.pieces.clear();
        self.garbage.clear();
        self.raw.clear();
    }

    pub(crate) fn count(&self, event: &str) -> usize {
        self.events.iter().filter(|line| line["event"] == event).count()
    }

    pub(crate) fn event(&self, event: &str) -> &Value {
        let found = self.events.iter().rev().find(|line| line["event"] == event);
        found.unwrap_or_else(|| panic!("no `{event}` among {:?}", self.events))
    }

    pub(crate) fn state(&self) -> Value {
        self.sim.state()
    }

    /// Status and flags, as the panel says when asked.
    pub(crate) fn status(&mut self) -> (u8, u8) {
        self.wait(seconds(3));
        self.frames.clear();
        self.send("A2 00 00 08 00 00 00 00 00 00 00 43");
        let frame = self.await_frame("A5 ?? 04 ..");
        (frame[3], frame[4])
    }

    /// Enters download mode, which must be granted.
    pub(crate) fn download(&mut self, code: &str) {
        self.send(&format!("24 00 00 {code} 00 00 00 00 00 00"));
        self.expect(&["02", "3C FD 0A 00 00 .."]);
    }

    /// Reads memory in download mode, whatever else comes.
    pub(crate) fn memory(&mut self, address: u16, length: u16) -> Vec<u8> {
        let ([index, page], [low, high]) = (address.to_le_bytes(), length.to_le_bytes());
        self.send(&format!("3E {index:02X} {page:02X} {low:02X} {high:02X} B0 00 00 00 00 00"));
        let mut data = Vec::new();
        while data.len() < length.into() {
            data.extend_from_slice(&self.await_frame("3F ..")[4..]);
        }
        data
    }
}

/// The rule of most hosts (2.6); B0 is left out, as by openHAB.
fn ack_for(payload: &[u8]) -> Option<&'static str> {
    match payload {
        [0x02 | 0x06 | 0x0B | 0xB0 | 0xF1 | 0xF4, ..] => None,
        [0xAB, kind, ..] => (*kind == 3).then_some("02 43"),
        [0x80..=0xFF, ..] | [0x08, 0x43] => Some("02 43"),
        _ => Some("02"),
    }
}
