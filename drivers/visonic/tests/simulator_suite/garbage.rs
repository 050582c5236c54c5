//! Whatever comes over the line, the panel stays whole and answers the next good command.

use driver_visonic::sim::{Model, SimConfig};
use panel_driver::testkit::Rng;

use crate::bench::{Bench, checksum, frame, master, max, ms, seconds};

const ALIVE: &str = "AB 03 00 00 00 00 00 00 00 00 00 43";

/// Lets what is there of a frame be forgotten, then asks something that has an answer.
fn still_answers(bench: &mut Bench, what: &str) {
    bench.wait(seconds(8));
    bench.forget();
    bench.send(ALIVE);
    bench.wait(seconds(1));
    assert!(bench.all_within(ms(1)).contains(&"02 43".to_owned()), "{what}");
}

#[test]
fn random_bytes_break_nothing() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let mut bench = Bench::new(&SimConfig { seed, ..if seed % 2 == 0 { max() } else { master() } });
        for _ in 0..40 {
            let length = rng.below(40);
            let noise: Vec<u8> = (0..length).map(|_| rng.byte()).collect();
            bench.send_raw(&noise);
            bench.wait(ms(rng.below(300)));
        }
        still_answers(&mut bench, &format!("seed {seed}"));
    }
}

#[test]
fn well_formed_nonsense_breaks_nothing() {
    const KINDS: [u8; 24] = [
        0x02, 0x06, 0x08, 0x09, 0x0A, 0x0B, 0x0F, 0x24, 0x3D, 0x3E, 0x46, 0x5A, 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA6,
        0xAA, 0xAB, 0xAC, 0xAD, 0xB0, 0xE1,
    ];
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let mut bench = Bench::new(&SimConfig { seed, ..if seed % 2 == 0 { max() } else { master() } });
        if seed % 3 == 0 {
            bench.download(if seed % 2 == 0 { "56 50" } else { "AA AA" });
        }
        for _ in 0..60 {
            let mut payload = vec![*rng.pick(&KINDS).expect("kinds")];
            let length = 10 + rng.below(6);
            payload.extend((0..length).map(|_| rng.byte()));
            if payload[0] == 0xB0 {
                payload[1] %= 6;
                payload[3] = u8::try_from(payload.len() - 4).expect("short");
                payload.push(0x43);
            }
            // The setting that never ends would never end.
            if payload.windows(2).any(|pair| pair == [0x9D, 0x01]) {
                continue;
            }
            let sum = checksum(&payload);
            bench.send_raw(&[&[0x0D], &payload[..], &[sum, 0x0A]].concat());
            bench.wait(ms(rng.below(400)));
        }
        bench.say("reboot");
        bench.wait(seconds(9));
        still_answers(&mut bench, &format!("seed {seed}"));
    }
}

#[test]
fn frames_with_a_bit_flipped_are_no_commands() {
    let arm = frame("A1 00 00 05 11 11 07 00 00 00 00 43");
    for at in 0..arm.len() * 8 {
        let mut bench = Bench::new(&max());
        let mut wrong = arm.clone();
        wrong[at / 8] ^= 1 << (at % 8);
        bench.send_raw(&wrong);
        bench.wait(seconds(3));
        // A checksum that is one too high for the sum is taken: some hosts send it so.
        let forgiven = at % 8 == 0 && arm[at / 8] & 1 == 0 && at / 8 < arm.len() - 1;
        assert_eq!(bench.count("armed_by"), usize::from(forgiven), "bit {at}");
    }
}

#[test]
fn a_host_that_never_stops_talking_is_answered_within_bounds() {
    let mut bench = Bench::new(&SimConfig::new(Model::PowerMaster10));
    for _ in 0..200 {
        bench.send("B0 01 17 06 01 FF 08 FF 01 2A 43");
    }
    bench.wait(seconds(30));
    let lost = bench.count("command_lost");
    assert!(lost > 0, "what the panel cannot hold is lost");
    still_answers(&mut bench, "afterwards");
}
