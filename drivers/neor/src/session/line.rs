//! The wire as the session sees it: messages out one by one as the peer acknowledges them, messages in checked.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use panel_driver::{Direction, WireEntry};
use zeroize::Zeroizing;

use crate::codec::{
    Arrival, Decoder, FrameError, Key, Padding, RandomStream, SequenceMode, Sequences, TlinkError, TlinkPacket,
    decode_frame, encode_frame, encode_tlink,
};
use crate::config::is_identifier;
use crate::message::{CompactWidth, Message, MessageError, join_data, number, split_data};
use crate::quirks::{ACK_LIMIT, BAD_IN_A_ROW, SENDS};
use crate::show::masked;

/// What came in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Incoming {
    /// A SimpleAck.
    Ack,
    /// A message.
    Message(Message),
    /// A known command whose fields do not fit.
    Malformed(u16, MessageError),
    /// A message sent again: acknowledged, and else ignored.
    Repeated,
    /// Nothing that can be read.
    Bad(Bad),
}

/// Why a packet cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Bad {
    #[error("framing: {0}")]
    Tlink(#[from] TlinkError),
    #[error("frame: {0}")]
    Frame(#[from] FrameError),
    #[error("the identifier in the packet is another one: {0}")]
    Header(String),
}

#[derive(Debug)]
struct Unacknowledged {
    message: Message,
    numbers: (u8, u8),
    sent: Instant,
    sends: u8,
}

/// What the line counts, for diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Packets that were read.
    pub packets: u64,
    /// Packets that could not be.
    pub bad: u64,
    /// Messages out of step with their sequence.
    pub out_of_step: u64,
    /// Messages that the panel sent again.
    pub repeated: u64,
    /// Messages of ours sent again.
    pub resent: u64,
    /// Notifications that no source explains.
    pub unknown: u64,
}

#[derive(Debug)]
pub(super) struct Line {
    decoder: Decoder,
    identifier: String,
    header: Vec<u8>,
    key_in: Option<Key>,
    key_out: Option<Key>,
    /// Plain packets are taken beside encrypted ones until the first of these comes.
    plain_too: bool,
    sequences: Sequences,
    random: RandomStream,
    waiting: VecDeque<Message>,
    unacknowledged: Option<Unacknowledged>,
    owes_ack: bool,
    bad_in_a_row: u8,
    last_sent: Option<Instant>,
    pub(super) counters: Counters,
    transmit: VecDeque<Bytes>,
    wire: VecDeque<WireEntry>,
}

impl Line {
    pub(super) fn new(identifier: String, header: Vec<u8>, random: RandomStream) -> Self {
        Self {
            decoder: Decoder::default(),
            identifier,
            header,
            key_in: None,
            key_out: None,
            plain_too: false,
            sequences: Sequences::acceptor(),
            random,
            waiting: VecDeque::new(),
            unacknowledged: None,
            owes_ack: false,
            bad_in_a_row: 0,
            last_sent: None,
            counters: Counters::default(),
            transmit: VecDeque::new(),
            wire: VecDeque::new(),
        }
    }

    pub(super) fn random(&mut self) -> &mut RandomStream {
        &mut self.random
    }

    /// Everything that we send from now on is encrypted.
    pub(super) fn encrypt_with(&mut self, key: Key) {
        self.key_out = Some(key);
    }

    /// What comes from now on is encrypted; until the first packet that is, plain ones are still taken.
    pub(super) fn decrypt_with(&mut self, key: Key) {
        self.key_in = Some(key);
        self.plain_too = true;
    }

    /// The handshake is complete: nothing in clear is taken any more.
    pub(super) fn encrypted_only(&mut self) {
        self.plain_too = false;
    }

    /// The panel begins anew on the same connection: after an encryption type that we declined.
    fn begin_anew(&mut self) {
        self.sequences = Sequences::acceptor();
        self.key_in = None;
        self.key_out = None;
        self.waiting.clear();
        self.unacknowledged = None;
    }

    /// Queues a message; it goes out when the peer has acknowledged the one before. The callers keep few: one
    /// request, a poll, answers to what the panel asks.
    pub(super) fn send(&mut self, message: Message) {
        if self.waiting.len() < 16 {
            self.waiting.push_back(message);
        }
    }

    /// The session ends: an acknowledgement that is due goes out and, where they are wanted, the messages that wait,
    /// whether or not the one before was acknowledged.
    pub(super) fn last_words(&mut self, words: LastWords) {
        if words == LastWords::All {
            while let Some(message) = self.waiting.pop_front() {
                let numbers = self.sequences.next_message();
                self.emit(numbers, Some(&message));
            }
        }
        self.waiting.clear();
        if self.owes_ack {
            let numbers = self.sequences.current();
            self.emit(numbers, None);
        }
    }

    /// Whether nothing waits and the last message is acknowledged.
    pub(super) fn is_free(&self) -> bool {
        self.waiting.is_empty() && self.unacknowledged.is_none()
    }

    /// When something was sent last.
    pub(super) fn last_sent(&self) -> Option<Instant> {
        self.last_sent
    }

    /// The last packet could not be read.
    pub(super) fn is_spoilt(&self) -> bool {
        self.bad_in_a_row > 0
    }

    /// Packets in a row that could not be read are too many.
    pub(super) fn is_garbled(&self) -> bool {
        self.bad_in_a_row >= BAD_IN_A_ROW
    }

    /// Takes the next packet from `input`. `anew`: an OpenSession with sequence 0 may begin the session again.
    pub(super) fn receive(&mut self, input: &mut &[u8], anew: bool) -> Option<Incoming> {
        let incoming = match self.decoder.next(input)? {
            Ok(packet) => self.open(packet, anew).unwrap_or_else(Incoming::Bad),
            Err(error) => Incoming::Bad(error.into()),
        };
        if let Incoming::Bad(bad) = &incoming {
            self.counters.bad += 1;
            self.bad_in_a_row = self.bad_in_a_row.saturating_add(1);
            self.note(Direction::FromPanel, &format!("unreadable: {bad}"));
        } else {
            self.counters.packets += 1;
            self.bad_in_a_row = 0;
        }
        Some(incoming)
    }

    fn open(&mut self, packet: TlinkPacket, anew: bool) -> Result<Incoming, Bad> {
        if packet.header != self.identifier.as_bytes() {
            // Anything else may be a garbled something, and is not repeated.
            let found = if is_identifier(&packet.header) { packet.header } else { b"none".to_vec() };
            return Err(Bad::Header(found.into_iter().map(char::from).collect()));
        }
        let data = self.decrypt(&packet.payload)?;
        let Some((sender, receiver, content)) = split_data(&data) else {
            return Err(FrameError::BadLength(data.len()).into());
        };
        if anew && sender == 0 && content.starts_with(&number::OPEN_SESSION.to_be_bytes()) {
            self.begin_anew();
        }
        // Lenient mode takes every number; there is no fault to answer.
        let arrival = self.sequences.accept(sender, receiver, content, SequenceMode::Lenient);
        if self.sequences.is_acknowledged() {
            self.unacknowledged = None;
        }
        if content.is_empty() {
            self.note(Direction::FromPanel, &format!("{sender:02X} {receiver:02X} ack"));
            return Ok(Incoming::Ack);
        }
        self.owes_ack = true;
        match arrival {
            Ok(Arrival::Duplicate) => {
                self.counters.repeated += 1;
                return Ok(Incoming::Repeated);
            }
            Ok(Arrival::OutOfStep { .. }) => self.counters.out_of_step += 1,
            Ok(Arrival::New) | Err(_) => {}
        }
        let message = Message::decode(content);
        let shown = match &message {
            Ok(message) => masked(message),
            Err(problem) => format!("malformed: {problem}"),
        };
        self.note(Direction::FromPanel, &format!("{sender:02X} {receiver:02X} {shown}"));
        let number = content.first_chunk().map_or(0, |word| u16::from_be_bytes(*word));
        Ok(message.map_or_else(|problem| Incoming::Malformed(number, problem), Incoming::Message))
    }

    fn decrypt(&mut self, payload: &[u8]) -> Result<Zeroizing<Vec<u8>>, FrameError> {
        let plain = |payload: &[u8]| decode_frame(payload).map(|data| Zeroizing::new(data.to_vec()));
        let Some(key) = &self.key_in else { return plain(payload) };
        let opened = key.open(payload).and_then(|bytes| decode_frame(&bytes).map(|data| Zeroizing::new(data.to_vec())));
        match opened {
            Ok(data) => {
                self.plain_too = false;
                Ok(data)
            }
            Err(_) if self.plain_too => plain(payload),
            Err(error) => Err(error),
        }
    }

    /// Sends what may be sent: the next message, else an acknowledgement that is due, else the last message again.
    ///
    /// `Err`: the peer acknowledges nothing any more.
    pub(super) fn flush(&mut self, now: Instant) -> Result<(), NotAcknowledged> {
        let before = self.transmit.len();
        let flushed = self.send_due(now);
        if self.transmit.len() > before {
            self.last_sent = Some(now);
        }
        flushed
    }

    fn send_due(&mut self, now: Instant) -> Result<(), NotAcknowledged> {
        if self.unacknowledged.is_none()
            && let Some(message) = self.waiting.pop_front()
        {
            let numbers = self.sequences.next_message();
            self.emit(numbers, Some(&message));
            self.unacknowledged = Some(Unacknowledged { message, numbers, sent: now, sends: 1 });
        }
        if self.owes_ack {
            let numbers = self.sequences.current();
            self.emit(numbers, None);
        }
        self.resend(now)
    }

    fn resend(&mut self, now: Instant) -> Result<(), NotAcknowledged> {
        let Some(mut open) = self.unacknowledged.take_if(|open| now >= open.sent + ACK_LIMIT) else { return Ok(()) };
        if open.sends >= SENDS {
            return Err(NotAcknowledged);
        }
        self.counters.resent += 1;
        let numbers = (open.numbers.0, self.sequences.current().1);
        self.emit(numbers, Some(&open.message));
        open.sent = now;
        open.sends += 1;
        self.unacknowledged = Some(open);
        Ok(())
    }

    fn emit(&mut self, numbers: (u8, u8), message: Option<&Message>) {
        let data = join_data(numbers, message, CompactWidth::Minimal);
        let frame = encode_frame(&data);
        let payload = match &self.key_out {
            Some(key) => key.seal(frame, Padding::Random(&mut self.random)),
            None => frame,
        };
        self.transmit.push_back(encode_tlink(&self.header, &payload).into());
        let shown = message.map_or_else(|| "ack".to_owned(), masked);
        self.note(Direction::ToPanel, &format!("{:02X} {:02X} {shown}", numbers.0, numbers.1));
        self.owes_ack = false;
    }

    /// When a message of ours is sent again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.unacknowledged.as_ref().map(|open| open.sent + ACK_LIMIT)
    }

    fn note(&mut self, direction: Direction, text: &str) {
        self.wire.push_back(WireEntry { direction, masked: Bytes::copy_from_slice(text.as_bytes()) });
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Bytes> {
        self.transmit.pop_front()
    }

    pub(super) fn poll_wire(&mut self) -> Option<WireEntry> {
        self.wire.pop_front()
    }
}

/// What still goes out when a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastWords {
    /// Everything that waits: a refusal and its EndSession.
    All,
    /// An acknowledgement at most.
    Acknowledgement,
}

/// Three sends of a message brought no acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAcknowledged;
