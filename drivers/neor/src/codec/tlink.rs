//! TLink: `stuff(header) 7E stuff(payload) 7F` (dossier 1.3).

/// Longest packet taken, in stuffed bytes. The longest legal one is what the peer's buffer takes (512) `[inferred]`.
pub const MAX_PACKET: usize = 4096;

const ESCAPE: u8 = 0x7D;
const END_OF_HEADER: u8 = 0x7E;
const END_OF_PACKET: u8 = 0x7F;

/// One packet, not stuffed any more.
#[derive(Clone, PartialEq, Eq)]
pub struct TlinkPacket {
    /// The 12 ASCII digits of the integration identifier from a panel; empty or the same from a server.
    pub header: Vec<u8>,
    /// A frame, encrypted or not.
    pub payload: Vec<u8>,
}

impl std::fmt::Debug for TlinkPacket {
    /// Payloads may hold codes: their length only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let header = String::from_utf8_lossy(&self.header);
        f.debug_struct("TlinkPacket").field("header", &header).field("payload", &self.payload.len()).finish()
    }
}

/// Bytes that are no packet. Everything up to the next end of packet is lost with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlinkError {
    /// 7D is followed by something else than 00, 01 or 02.
    #[error("an escape that is none")]
    Escape(u8),
    /// 7E inside the payload.
    #[error("a second end of header")]
    SecondHeader,
    /// 7F before 7E.
    #[error("a packet without payload")]
    NoPayload,
    /// More than [`MAX_PACKET`] bytes.
    #[error("a packet of more than {MAX_PACKET} bytes")]
    TooLong,
}

/// Finds packets in a stream of bytes, in any chunking. Holds one packet at most.
#[derive(Default)]
pub struct Decoder {
    header: Vec<u8>,
    payload: Vec<u8>,
    in_payload: bool,
    escaped: bool,
    /// The rest of the packet is worthless.
    skipping: bool,
    taken: usize,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("taken", &self.taken).field("skipping", &self.skipping).finish_non_exhaustive()
    }
}

impl Decoder {
    /// Takes bytes from the front of `input` until a packet or an error is complete. `None`: all bytes are taken.
    ///
    /// # Errors
    /// [`TlinkError`], once for each spoilt packet; the decoder goes on behind its end.
    pub fn next(&mut self, input: &mut &[u8]) -> Option<Result<TlinkPacket, TlinkError>> {
        while let Some((byte, rest)) = input.split_first() {
            *input = rest;
            if let Some(result) = self.take(*byte) {
                return Some(result);
            }
        }
        None
    }

    /// Whether part of a packet is held.
    #[must_use]
    pub fn has_partial(&self) -> bool {
        self.taken > 0
    }

    fn take(&mut self, byte: u8) -> Option<Result<TlinkPacket, TlinkError>> {
        self.taken += 1;
        if byte == END_OF_PACKET {
            return self.end();
        }
        if self.skipping {
            return None;
        }
        if self.taken >= MAX_PACKET {
            return self.spoilt(TlinkError::TooLong);
        }
        match (byte, std::mem::take(&mut self.escaped)) {
            (0..=2, true) => self.store(ESCAPE + byte),
            (_, true) => return self.spoilt(TlinkError::Escape(byte)),
            (ESCAPE, false) => self.escaped = true,
            (END_OF_HEADER, false) if self.in_payload => return self.spoilt(TlinkError::SecondHeader),
            (END_OF_HEADER, false) => self.in_payload = true,
            (_, false) => self.store(byte),
        }
        None
    }

    fn store(&mut self, byte: u8) {
        if self.in_payload { self.payload.push(byte) } else { self.header.push(byte) }
    }

    fn spoilt(&mut self, error: TlinkError) -> Option<Result<TlinkPacket, TlinkError>> {
        self.skipping = true;
        Some(Err(error))
    }

    fn end(&mut self) -> Option<Result<TlinkPacket, TlinkError>> {
        let done = std::mem::take(self);
        match (done.skipping, done.escaped, done.in_payload) {
            (true, ..) => None,
            (false, true, _) => Some(Err(TlinkError::Escape(END_OF_PACKET))),
            (false, false, false) => Some(Err(TlinkError::NoPayload)),
            (false, false, true) => Some(Ok(TlinkPacket { header: done.header, payload: done.payload })),
        }
    }
}

/// A whole packet, stuffed and delimited.
#[must_use]
pub fn encode_tlink(header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(header.len() + payload.len() + 8);
    stuff(header, &mut bytes);
    bytes.push(END_OF_HEADER);
    stuff(payload, &mut bytes);
    bytes.push(END_OF_PACKET);
    bytes
}

fn stuff(plain: &[u8], out: &mut Vec<u8>) {
    for byte in plain {
        match byte {
            ESCAPE..=END_OF_PACKET => out.extend([ESCAPE, byte - ESCAPE]),
            _ => out.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_all(bytes: &[u8]) -> Vec<Result<TlinkPacket, TlinkError>> {
        let (mut decoder, mut input) = (Decoder::default(), bytes);
        std::iter::from_fn(|| decoder.next(&mut input)).collect()
    }

    fn packet(header: &[u8], payload: &[u8]) -> Result<TlinkPacket, TlinkError> {
        Ok(TlinkPacket { header: header.to_vec(), payload: payload.to_vec() })
    }

    #[test]
    fn errors_cost_one_packet_each() {
        let good = packet(&[], &[1]);
        for (bytes, error) in [
            (&b"\x7E\x01\x7D\x03\x02\x7F\x7E\x01\x7F"[..], TlinkError::Escape(3)),
            (b"\x7E\x01\x7D\x7F\x7E\x01\x7F", TlinkError::Escape(0x7F)),
            (b"\x7E\x01\x7E\x05\x7F\x7E\x01\x7F", TlinkError::SecondHeader),
            (b"12345\x7F\x7E\x01\x7F", TlinkError::NoPayload),
        ] {
            assert_eq!(decode_all(bytes), [Err(error), good.clone()], "{bytes:02X?}");
        }
    }

    #[test]
    fn an_endless_packet_costs_itself_only_and_no_memory() {
        let mut decoder = Decoder::default();
        let mut errors = 0;
        for _ in 0..1000 {
            let mut input = &[0x11; 1000][..];
            errors += std::iter::from_fn(|| decoder.next(&mut input)).count();
        }
        assert_eq!(errors, 1, "told once");
        assert!(decoder.header.capacity() <= 2 * MAX_PACKET);
        let mut input = &b"\x7F\x7E\x01\x7F"[..];
        assert_eq!(decoder.next(&mut input), Some(packet(&[], &[1])));
        assert!(!decoder.has_partial());
    }
}
