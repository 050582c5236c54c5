//! What must hold whatever the bytes are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use driver_dsc::codec::{ChecksumCase, Decoder, Frame, FrameError, MAX_DATA, Number};
use driver_dsc::fuzz::{fuzz_decode, fuzz_session};
use driver_dsc::message::{
    CodeForm, Key, Keys, ModuleCommand, ModuleMessage, PartitionNotice, SystemNotice, Text, Transport, ZoneAlarmNotice,
    ZoneNotice,
};
use panel_driver::clock;
use panel_driver::testkit::Rng;
use panel_model::{AccessCode, Partition, Slot, Zone};
use proptest::prelude::*;

fn frame() -> impl Strategy<Value = Frame> {
    let data = proptest::collection::vec(0x20_u8..0x7F, 0..64);
    (0_u16..1000, data).prop_map(|(number, data)| Frame::new(Number::new(number).unwrap(), data))
}

fn decode_in_chunks(bytes: &[u8], chunks: &[usize]) -> Vec<Result<Frame, FrameError>> {
    let mut decoder = Decoder::new(ChecksumCase::UpperOnly);
    let mut found = Vec::new();
    let mut rest = bytes;
    let mut sizes = chunks.iter().copied().cycle();
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(1).clamp(1, rest.len());
        let (mut chunk, after) = rest.split_at(size);
        rest = after;
        while let Some(line) = decoder.decode(&mut chunk) {
            found.push(line);
        }
    }
    found
}

proptest! {
    #[test]
    fn frames_survive_a_round_trip_in_any_chunking(
        frames in proptest::collection::vec(frame(), 0..12),
        chunks in proptest::collection::vec(1_usize..40, 1..8),
    ) {
        let bytes: Vec<u8> = frames.iter().flat_map(|f| f.encode().to_vec()).collect();
        let found = decode_in_chunks(&bytes, &chunks);
        let expected: Vec<_> = frames.into_iter().map(Ok).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn garbage_between_lines_loses_only_itself(
        frames in proptest::collection::vec(frame(), 1..8),
        garbage in proptest::collection::vec(any::<u8>(), 0..1500),
        chunks in proptest::collection::vec(1_usize..64, 1..6),
    ) {
        let mut bytes = Vec::new();
        for frame in &frames {
            bytes.extend_from_slice(&garbage);
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(&frame.encode());
        }
        let found: Vec<_> = decode_in_chunks(&bytes, &chunks).into_iter().filter_map(Result::ok).collect();
        // Garbage may be a frame by chance; every real one is there, in order.
        let mut rest = found.iter();
        for frame in &frames {
            prop_assert!(rest.any(|f| f == frame));
        }
    }

    #[test]
    fn one_changed_byte_never_passes_as_a_frame(frame in frame(), at in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let line = frame.encode();
        let mut bytes = line.to_vec();
        let at = at.index(bytes.len() - 2);
        bytes[at] ^= flip;
        for found in decode_in_chunks(&bytes, &[bytes.len()]).into_iter().flatten() {
            // Cut in two by a line end, the rest must not be the frame that was sent, and cannot be by its sum, unless
            // it is a shorter frame that stood inside.
            prop_assert_ne!(found, frame.clone());
        }
    }

    #[test]
    fn any_bytes_are_decoded_without_harm(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz_decode(&data);
    }

    #[test]
    fn data_that_is_too_long_is_cut_not_sent(length in 0_usize..2000) {
        let frame = Frame::new(Number::new(570).unwrap(), vec![b'x'; length]);
        prop_assert_eq!(frame.data().len(), length.min(MAX_DATA));
    }

    #[test]
    fn codes_are_laid_out_and_read_back(digits in "[0-9]{4}|[0-9]{6}", p in 1_u32..=8) {
        let partition = Partition::new(p).unwrap();
        let code = AccessCode::new(digits);
        for transport in [Transport::Envisalink, Transport::It100] {
            let code = ModuleCommand::padded(&code, transport);
            for command in [
                ModuleCommand::Disarm { partition, code: code.clone() },
                ModuleCommand::ArmWithCode { partition, code: code.clone() },
            ] {
                prop_assert_eq!(ModuleCommand::decode(&command.encode(), transport), Ok(command));
            }
        }
        for form in [CodeForm::Raw, CodeForm::Padded, CodeForm::PartitionRaw, CodeForm::PartitionPadded] {
            let command = ModuleCommand::SendCode(form.lay_out(partition, &code));
            prop_assert_eq!(ModuleCommand::decode(&command.encode(), Transport::It100), Ok(command));
        }
    }

    #[test]
    fn typed_messages_survive_a_round_trip(p in 1_u32..=8, z in 1_u32..=999, s in 1_u32..=9999, text in "[ -~]{1,32}") {
        let (partition, zone) = (Partition::new(p).unwrap(), Zone::new(z).unwrap());
        let mut messages = vec![
            ModuleMessage::UserClosing { partition, slot: Slot::new(s).ok() },
            ModuleMessage::UserOpening { partition, slot: None },
            ModuleMessage::Screen { line: 0, column: 0, text: Text::new(&text) },
            ModuleMessage::Label { number: 101, text: Text::new(&text) },
        ];
        messages.extend(PartitionNotice::ALL.iter().map(|n| ModuleMessage::Partition(*n, partition)));
        messages.extend(ZoneNotice::ALL.iter().map(|n| ModuleMessage::Zone(*n, zone)));
        messages.extend(ZoneAlarmNotice::ALL.iter().map(|n| ModuleMessage::ZoneAlarm(*n, partition, zone)));
        messages.extend(SystemNotice::ALL.iter().map(|n| ModuleMessage::System(*n)));
        for message in messages {
            let frame = message.encode();
            let read: Vec<_> = [Transport::Envisalink, Transport::It100]
                .into_iter()
                .filter_map(|transport| ModuleMessage::decode(&frame, transport).ok())
                .collect();
            prop_assert!(read.contains(&message), "{:?} is read as {:?}", message, read);
        }
    }

    #[test]
    fn keys_survive_a_round_trip(keys in "[0-9*#]{1,6}", key in 0x21_u8..0x7F) {
        let partition = Partition::new(1).unwrap();
        let string = ModuleCommand::KeyString { partition, keys: Keys::new(keys.as_bytes()).unwrap() };
        prop_assert_eq!(ModuleCommand::decode(&string.encode(), Transport::Envisalink), Ok(string));
        let key = ModuleCommand::Key(Key::new(key).unwrap());
        prop_assert_eq!(ModuleCommand::decode(&key.encode(), Transport::It100), Ok(key));
    }
}

/// As many seeds as `FUZZ_SEEDS` says, else a few.
fn how_many() -> u64 {
    std::env::var("FUZZ_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(400)
}

fn random_bytes(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let length = rng.below(600) + 1;
    (0..length).map(|_| u8::try_from(rng.below(256)).unwrap()).collect()
}

#[test]
fn sessions_live_through_any_script() {
    let now = clock::now();
    for seed in 0..how_many() {
        let result = std::panic::catch_unwind(|| fuzz_session(&random_bytes(seed), now));
        assert!(result.is_ok(), "seed {seed}");
    }
}

#[test]
fn decoders_live_through_any_bytes() {
    for seed in 0..how_many() {
        fuzz_decode(&random_bytes(seed));
    }
}

#[test]
fn decoders_live_through_spoilt_golden_frames() {
    let golden = [include_str!("frames/worked_checksums.frames"), include_str!("frames/captured.frames")].concat();
    let lines: Vec<&[u8]> = golden
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.get(3..)?.rsplit_once(" | ").map(|(line, _)| line.as_bytes()))
        .collect();
    for seed in 0..how_many() {
        let mut rng = Rng::new(seed);
        let mut bytes = vec![0];
        for _ in 0..10 {
            bytes.extend_from_slice(lines[usize::try_from(rng.below(lines.len() as u64)).unwrap()]);
            bytes.extend_from_slice(b"\r\n");
        }
        for _ in 0..rng.below(8) {
            let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
            bytes[at] = u8::try_from(rng.below(256)).unwrap();
        }
        fuzz_decode(&bytes);
    }
}
