//! What must hold whatever the bytes are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use driver_neor::codec::tlink::MAX_PACKET;
use driver_neor::codec::{
    Decoder, Encryption, KeyMaterial, Padding, RandomStream, Side, TlinkError, TlinkPacket, decode_frame, encode_frame,
    encode_tlink,
};
use driver_neor::fuzz::{fuzz_frame, fuzz_session};
use driver_neor::message::{
    Command, CompactWidth, Digits, Mask, Message, Notice, UserData, Wanted, ZoneStatus, utf16_padded, utf16_text,
};
use panel_driver::clock;
use panel_driver::testkit::Rng;
use panel_model::Password;
use proptest::prelude::*;

fn packet() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    // Delimiters and escapes are common, so that stuffing has work.
    let byte = prop_oneof![any::<u8>(), 0x7C_u8..=0x7F, 0_u8..=2];
    (proptest::collection::vec(byte.clone(), 0..16), proptest::collection::vec(byte, 0..200))
}

fn decode_in_chunks(bytes: &[u8], chunks: &[usize]) -> Vec<Result<TlinkPacket, TlinkError>> {
    let mut decoder = Decoder::default();
    let (mut found, mut rest) = (Vec::new(), bytes);
    let mut sizes = chunks.iter().copied().cycle();
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(1).clamp(1, rest.len());
        let (mut chunk, after) = rest.split_at(size);
        rest = after;
        while let Some(packet) = decoder.next(&mut chunk) {
            found.push(packet);
        }
    }
    found
}

proptest! {
    #[test]
    fn packets_survive_a_round_trip_in_any_chunking(
        packets in proptest::collection::vec(packet(), 0..8),
        chunks in proptest::collection::vec(1_usize..40, 1..8),
    ) {
        let bytes: Vec<u8> = packets.iter().flat_map(|(header, payload)| encode_tlink(header, payload)).collect();
        let expected: Vec<_> =
            packets.into_iter().map(|(header, payload)| Ok(TlinkPacket { header, payload })).collect();
        prop_assert_eq!(decode_in_chunks(&bytes, &chunks), expected);
    }

    #[test]
    fn garbage_loses_only_the_packet_that_it_stands_in(
        packets in proptest::collection::vec(packet(), 1..6),
        garbage in proptest::collection::vec(any::<u8>(), 0..3 * MAX_PACKET),
        chunks in proptest::collection::vec(1_usize..64, 1..6),
    ) {
        let mut bytes = Vec::new();
        for (header, payload) in &packets {
            bytes.extend(&garbage);
            bytes.push(0x7F);
            bytes.extend(encode_tlink(header, payload));
        }
        let found: Vec<_> = decode_in_chunks(&bytes, &chunks).into_iter().filter_map(Result::ok).collect();
        let mut rest = found.iter();
        for (header, payload) in packets {
            let wanted = TlinkPacket { header, payload };
            prop_assert!(rest.any(|packet| *packet == wanted));
        }
    }

    #[test]
    fn one_changed_byte_never_passes_as_a_frame(
        data in proptest::collection::vec(any::<u8>(), 4..200),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..=255,
    ) {
        let mut frame = encode_frame(&data);
        prop_assert_eq!(decode_frame(&frame), Ok(&data[..]));
        let at = at.index(frame.len());
        frame[at] ^= flip;
        // A shorter length may by chance meet a right CRC; then it is other data all the same.
        prop_assert_ne!(decode_frame(&frame), Ok(&data[..]));
    }

    #[test]
    fn both_sides_agree_on_their_keys(seed in any::<[u8; 32]>(), type1 in "[0-9A-F]{8}", type2 in "[0-9A-F]{32}") {
        let material = KeyMaterial {
            identifier: "310212345678".into(),
            type1: Some(Password::new(type1)),
            type2: Some(Password::new(type2)),
        };
        let mut random = RandomStream::new(&seed);
        for encryption in [Encryption::Type1, Encryption::Type2] {
            for side in [Side::Panel, Side::Server] {
                let (initializer, key) = material.make(encryption, side, &mut random).unwrap();
                prop_assert_eq!(material.open(encryption, side, &initializer).unwrap(), key.clone());
                let key = key.unwrap();
                let frame = encode_frame(&seed);
                let sealed = key.seal(frame.clone(), Padding::Random(&mut random));
                prop_assert!(key.open(&sealed).unwrap().starts_with(&frame));
            }
        }
    }

    #[test]
    fn messages_survive_a_round_trip(
        first in any::<u32>(),
        app in any::<u8>(),
        codes in proptest::collection::vec("[0-9]{4}", 1..40),
        zones in proptest::collection::btree_set(1_u32..1000, 0..50),
        statuses in proptest::collection::vec(any::<u8>(), 1..250),
        partition in proptest::option::of(any::<u32>()),
        label in "[ -~]{0,14}",
    ) {
        let digits = codes.iter().map(|code| Digits::parse(code).unwrap()).collect();
        let messages = [
            Message::Notice(Notice::Users(UserData::codes(first, 2, digits))),
            Message::Notice(Notice::ZoneAssignment { partition, zones: Mask::of(zones.iter().copied()) }),
            Message::Notice(Notice::ZoneStatus { first, statuses: statuses.iter().map(|s| ZoneStatus(*s)).collect() }),
            Message::Command(app, Command::Request(Wanted::Labels { option: 0xD9, range: Some((first, first)) })),
            Message::Command(app, Command::ExitProgramming { partition }),
        ];
        for width in [CompactWidth::Minimal, CompactWidth::Two] {
            for message in &messages {
                prop_assert_eq!(Message::decode(&message.encode(width)), Ok(message.clone()));
            }
            let all = Message::Notice(Notice::Multiple(messages.to_vec()));
            prop_assert_eq!(Message::decode(&all.encode(width)), Ok(all));
        }
        prop_assert_eq!(Mask::of(zones.iter().copied()).numbers().collect::<Vec<_>>(), zones.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(utf16_text(&utf16_padded(&label, 14).unwrap()), label.trim_end());
    }

    #[test]
    fn any_bytes_are_read_without_panic(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        fuzz_frame(&data);
    }
}

/// As many seeds as `FUZZ_SEEDS` says, else a few.
fn seeds() -> u64 {
    std::env::var("FUZZ_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(100)
}

/// Bytes that are likely to be messages: known numbers, then anything.
fn likely(rng: &mut Rng) -> Vec<u8> {
    let seeds = include_str!("frames/messages.frames");
    let rows: Vec<&str> = seeds.lines().filter_map(|line| line.split_once(" | ").map(|(bytes, _)| bytes)).collect();
    let row = rows[usize::try_from(rng.below(rows.len() as u64)).unwrap()];
    let mut bytes: Vec<u8> = row.split(' ').map(|b| u8::from_str_radix(b, 16).unwrap()).collect();
    for _ in 0..rng.below(4) {
        let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
        bytes[at] = rng.byte();
    }
    bytes.truncate(bytes.len() - usize::try_from(rng.below(3)).unwrap().min(bytes.len() - 1));
    bytes
}

#[test]
fn the_fuzz_bodies_hold_over_seeds() {
    for seed in 0..seeds() {
        let mut rng = Rng::new(seed);
        for _ in 0..20 {
            fuzz_frame(&likely(&mut rng));
        }
        let length = rng.below(300);
        let script: Vec<u8> = (0..length).map(|_| rng.byte()).collect();
        fuzz_session(&script, clock::now());
    }
}
