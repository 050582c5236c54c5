//! What must hold whatever the bytes are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use driver_visonic::codec::{Checksum, Decoder, Frame, FrameError, MAX_FRAME, plain_checksum};
use driver_visonic::fuzz::{fuzz_decode, fuzz_session};
use driver_visonic::message::{
    ArmCommand, B0, B0Kind, Chunk, ClassIndex, Form, Hidden, HostMessage, PanelMessage, WireCode, bitmap, bits,
};
use panel_driver::clock;
use panel_driver::testkit::Rng;
use proptest::prelude::*;

/// Frames of known types, as panels and hosts send them.
fn frame() -> impl Strategy<Value = Frame> {
    let eleven = proptest::array::uniform11(any::<u8>());
    let block = (any::<u16>(), proptest::collection::vec(any::<u8>(), 0..=0xB0)).prop_map(|(address, data)| {
        let announced = u8::try_from(data.len()).unwrap();
        PanelMessage::Block { address, announced, data: Hidden::new(data) }.encode()
    });
    let status = (any::<u8>(), any::<u8>(), proptest::array::uniform8(any::<u8>()))
        .prop_map(|(total, part, data)| PanelMessage::Status { total, part, data }.encode());
    let short =
        prop_oneof![Just(vec![0x02]), Just(vec![0x02, 0x43]), Just(vec![0x08]), Just(vec![0x0F])].prop_map(Frame::new);
    let b0 = (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..200)).prop_map(|(sub, data)| {
        let chunk = Chunk::new(0x08, ClassIndex::MIXED, &data);
        PanelMessage::B0(B0::response(B0Kind::Response, sub, &[chunk], 1)).encode()
    });
    let read = eleven.prop_map(|bytes| Frame::new([&[0x3E], &bytes[1..]].concat()));
    prop_oneof![block, status, short, b0, read]
}

fn checksum() -> impl Strategy<Value = Checksum> {
    prop_oneof![Just(Checksum::Plain), Just(Checksum::PlusOne), Just(Checksum::MinusOne)]
}

fn decode_in_chunks(bytes: &[u8], chunks: &[usize]) -> (Vec<Result<Frame, FrameError>>, Decoder) {
    let mut decoder = Decoder::default();
    let mut found = Vec::new();
    let mut rest = bytes;
    let mut sizes = chunks.iter().copied().cycle();
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(1).clamp(1, rest.len());
        let (chunk, after) = rest.split_at(size);
        rest = after;
        decoder.push(chunk);
        found.extend(std::iter::from_fn(|| decoder.next_frame()));
    }
    (found, decoder)
}

proptest! {
    #[test]
    fn frames_survive_a_round_trip_in_any_chunking(
        frames in proptest::collection::vec((frame(), checksum()), 0..10),
        chunks in proptest::collection::vec(1_usize..40, 1..8),
    ) {
        let frames: Vec<_> = frames.into_iter().map(|(frame, form)| frame.with_checksum(form)).collect();
        let bytes: Vec<u8> = frames.iter().flat_map(|f| f.encode().to_vec()).collect();
        let (found, decoder) = decode_in_chunks(&bytes, &chunks);
        let expected: Vec<_> = frames.into_iter().map(Ok).collect();
        prop_assert_eq!(found, expected);
        prop_assert!(!decoder.has_partial());
    }

    #[test]
    fn garbage_costs_garbage_only_once_the_line_was_silent(
        before in frame(),
        garbage in proptest::collection::vec(any::<u8>(), 0..40),
        chunks in proptest::collection::vec(1_usize..64, 1..6),
    ) {
        // What follows garbage may be taken for its data; what follows a silence may not.
        let (found, mut decoder) = decode_in_chunks(&[&before.encode()[..], &garbage].concat(), &chunks);
        prop_assert_eq!(found.first(), Some(&Ok(before.clone())));
        while decoder.after_silence().is_some() {}
        prop_assert!(!decoder.has_partial());
        decoder.push(&before.encode());
        prop_assert_eq!(decoder.next_frame(), Some(Ok(before)));
    }

    #[test]
    fn the_buffer_stays_small_whatever_comes(garbage in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let (found, mut decoder) = decode_in_chunks(&garbage, &[64]);
        let frames: usize = found.into_iter().flatten().map(|frame| frame.encode().len()).sum();
        let skipped = usize::try_from(decoder.skipped()).unwrap();
        prop_assert!(garbage.len() - frames - skipped <= MAX_FRAME);
        while decoder.after_silence().is_some() {}
        prop_assert!(!decoder.has_partial());
    }

    #[test]
    fn one_changed_byte_never_passes_as_the_same_kind_of_frame(
        data in proptest::array::uniform8(any::<u8>()),
        at in 1_usize..13,
        flip in 1_u8..=255,
    ) {
        let frame = PanelMessage::Status { total: 6, part: 4, data }.encode();
        let mut bytes = frame.encode().to_vec();
        bytes[at] ^= flip;
        // The sum is taken modulo 255 and one off is allowed either way: 00 and FF, and neighbours, look the same.
        let tolerated = bytes[at].abs_diff(frame.encode()[at]);
        prop_assume!(![1, 254, 255].contains(&tolerated));
        let found: Vec<_> = decode_in_chunks(&bytes, &[15]).0.into_iter().flatten().collect();
        prop_assert!(found.iter().all(|f| f.payload().len() != 12), "{found:?}");
    }

    #[test]
    fn the_checksum_is_never_ff(payload in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_ne!(plain_checksum(&payload), 0xFF);
    }

    #[test]
    fn masks_come_back_as_numbers(numbers in proptest::collection::btree_set(1_u16..=64, 0..20)) {
        let mask = bitmap(8, numbers.iter().copied());
        prop_assert_eq!(bits(&mask).collect::<std::collections::BTreeSet<_>>(), numbers);
    }

    #[test]
    fn a_code_travels_whole_and_never_shows(digits in "[0-9]{4}", partitions in any::<u8>()) {
        let code = WireCode::from_digits(&digits).unwrap();
        let message = HostMessage::Arm { command: ArmCommand::Away, code, partitions };
        prop_assert_eq!(HostMessage::decode(&message.encode()), Ok(message.clone()));
        prop_assert_eq!(Form::of_answer(&message.encode()), Form::PowerLink);
        let shown = format!("{message:?}");
        prop_assert!(shown.contains("WireCode(<redacted>)"), "{}", shown);
    }
}

#[test]
fn the_fuzz_bodies_hold_for_seeded_scripts() {
    let seeds = std::env::var("FUZZ_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(400_u64);
    let goldens: Vec<Vec<u8>> = include_str!("frames/worked.frames")
        .lines()
        .filter(|line| line.starts_with(['<', '>']))
        .map(|line| {
            let hex = line[2..].split(" | ").next().unwrap();
            hex.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
        })
        .collect();
    let open = clock::now();
    for seed in 1..=seeds {
        let mut rng = Rng::new(seed);
        let length = rng.below(300);
        let mut data: Vec<u8> = (0..length).map(|_| rng.byte()).collect();
        fuzz_session(&data, open);
        // Good frames between the noise, one of them damaged.
        for _ in 0..rng.below(6) {
            let pick = usize::try_from(rng.below(goldens.len() as u64)).unwrap();
            data.extend_from_slice(&goldens[pick]);
        }
        if !data.is_empty() && rng.chance(0.5) {
            let at = usize::try_from(rng.below(data.len() as u64)).unwrap();
            data[at] = rng.byte();
        }
        fuzz_decode(&data);
    }
}

#[test]
fn what_the_fuzzers_found_stays_found() {
    // A question for the second memory, cut short, was taken for one for the first.
    fuzz_decode(&[0x3E, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
    // A B0 with more behind its length than a length can say came back shorter.
    let long = [&[0xB0, 0x00, 0x0D, 0x0A][..], &[0xFC; 257], &[0x43]].concat();
    fuzz_decode(&long);
    assert!(HostMessage::decode(&Frame::new(long)).is_err());
    assert!(HostMessage::decode(&Frame::new([0x3E, 0xFF, 0xFF, 0x10, 0x00, 0xB0])).is_err());
}
