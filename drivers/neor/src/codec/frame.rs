//! ITv2 frames: length, data, CRC-16/CCITT-FALSE (dossier 1.4).

/// Longest data of a frame.
pub const MAX_DATA: usize = 0x7FFF - CRC_LEN;
const CRC_LEN: usize = 2;

/// A payload that is no frame. With a wrong key nearly every payload is none. Printed without its numbers: what was
/// garbled may have been a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The payload ends before the frame does.
    #[error("a frame that is longer than its payload")]
    Short {
        /// Bytes that the length field asks for, itself included.
        wanted: usize,
        /// Bytes that are there.
        there: usize,
    },
    /// The length field is below the shortest frame, or the data is neither 2 nor at least 4 bytes.
    #[error("a frame with data of an impossible length")]
    BadLength(usize),
    /// The CRC is wrong.
    #[error("wrong CRC")]
    Crc {
        /// As received.
        found: u16,
        /// As it should be.
        computed: u16,
    },
    /// An encrypted payload that is not a multiple of 16 bytes long, or empty.
    #[error("an encrypted payload that is not made of whole blocks")]
    NotBlocks(usize),
}

/// The data of the frame at the beginning of `payload`. What follows the frame is padding and ignored.
///
/// # Errors
/// [`FrameError`].
pub fn decode_frame(payload: &[u8]) -> Result<&[u8], FrameError> {
    let there = payload.len();
    let short = |wanted| FrameError::Short { wanted, there };
    let (head, value) = match *payload {
        [first, ..] if first & 0x80 == 0 => (1, usize::from(first)),
        [first, second, ..] => (2, usize::from(u16::from_be_bytes([first & 0x7F, second]))),
        [_] => return Err(short(2)),
        [] => return Err(short(1)),
    };
    let length = value.checked_sub(CRC_LEN).ok_or(FrameError::BadLength(0))?;
    if !matches!(length, 2 | 4..) {
        return Err(FrameError::BadLength(length));
    }
    let frame = payload.get(..head + value).ok_or(short(head + value))?;
    let (checked, crc) = frame.split_at_checked(head + length).ok_or(short(head + value))?;
    let found = match *crc {
        [high, low] => u16::from_be_bytes([high, low]),
        _ => return Err(short(head + value)),
    };
    let computed = crc16(checked);
    if found != computed {
        return Err(FrameError::Crc { found, computed });
    }
    checked.get(head..).ok_or(short(head))
}

/// Length, data and CRC. Data past [`MAX_DATA`] has no frame; it is cut, and the other side refuses what is left.
#[must_use]
pub fn encode_frame(data: &[u8]) -> Vec<u8> {
    let data = data.get(..MAX_DATA).unwrap_or(data);
    let value = u16::try_from(data.len() + CRC_LEN).unwrap_or(0x7FFF);
    let mut frame = Vec::with_capacity(data.len() + 4);
    frame.extend(coded_length(value));
    frame.extend_from_slice(data);
    frame.extend(crc16(&frame).to_be_bytes());
    frame
}

/// A length as frames and the parts of 0623 have it: one byte up to 7F, else two with the top bit set.
pub(crate) fn coded_length(value: u16) -> Vec<u8> {
    match u8::try_from(value) {
        Ok(short) if short <= 0x7F => vec![short],
        _ => (value | 0x8000).to_be_bytes().to_vec(),
    }
}

/// CRC-16/CCITT-FALSE: polynomial 1021, begins with FFFF, nothing reflected.
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_has_its_check_value() {
        assert_eq!(crc16(b"123456789"), 0x29B1);
    }

    #[test]
    fn what_is_no_frame_is_told_apart() {
        let mut spoilt = encode_frame(&[0, 1]);
        spoilt[1] ^= 4;
        assert!(matches!(decode_frame(&spoilt), Err(FrameError::Crc { .. })));
        assert_eq!(decode_frame(&[]), Err(FrameError::Short { wanted: 1, there: 0 }));
        assert_eq!(decode_frame(&[0x80]), Err(FrameError::Short { wanted: 2, there: 1 }));
        assert_eq!(decode_frame(&[0x08, 1, 2]), Err(FrameError::Short { wanted: 9, there: 3 }));
        assert_eq!(decode_frame(&[1, 0, 0]), Err(FrameError::BadLength(0)));
        assert_eq!(decode_frame(&encode_frame(&[1, 2, 3])), Err(FrameError::BadLength(3)));
        assert_eq!(decode_frame(&[0xFF, 0xFF, 0, 0]), Err(FrameError::Short { wanted: 0x8001, there: 4 }));
    }

    #[test]
    fn padding_is_ignored() {
        let mut padded = encode_frame(&[1, 2, 3, 4]);
        padded.extend([0xAA; 7]);
        assert_eq!(decode_frame(&padded), Ok(&[1, 2, 3, 4][..]));
    }
}
