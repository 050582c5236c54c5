//! Whatever a client sends, the simulator lives; one seed is one run.

use driver_dsc::sim::{DscSimulator, Hostile, Interface, Model, SimConfig, Timings};
use panel_driver::sim::{PanicKey, Poke, Simulator};
use panel_model::{AccessCode, Partition, Slot, Zone};

use crate::bench::{ms, sum};

/// A small generator of its own, so that the test does not depend on the simulator's.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("fits")
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.roll(choices.len())]
    }
}

const COMMANDS: [&str; 33] = [
    "000",
    "001",
    "002",
    "005user",
    "008",
    "0101435071526",
    "0201",
    "02012",
    "0301",
    "0311",
    "0321",
    "03311234",
    "0331123400",
    "04011234",
    "0401123400",
    "0551",
    "0550",
    "0561",
    "0580",
    "0581",
    "0601",
    "0711*5",
    "0711#",
    "0711*1#",
    "0711*8",
    "0721",
    "0731",
    "0741",
    "0801",
    "2001234",
    "2005555",
    "2001123400",
    "0951",
];
const KEYS: &str = "0123456789*#<>=FAPabcde^";
const FAULTS: [&str; 18] = [
    "ack_last",
    "refuse 2",
    "double_armed",
    "undefined_busy",
    "no_invalid_code",
    "slow_digits 3",
    "split_writes",
    "bare_cr",
    "timestamps",
    "unknown_codes",
    "noise",
    "bad_checksums 4",
    "stuck_alarm",
    "idle_clock",
    "split_screens",
    "installer_deadlock",
    "keybus",
    "none",
];

fn line(dice: &mut Dice) -> Vec<u8> {
    let mut body = match dice.roll(4) {
        0 => format!("070{}", char::from(KEYS.as_bytes()[dice.roll(KEYS.len())])),
        1 => {
            let keys: String = (0..=dice.roll(7)).map(|_| char::from(b"0123456789*#"[dice.roll(12)])).collect();
            format!("071{}{keys}", dice.roll(4))
        }
        _ => dice.pick(&COMMANDS).to_owned(),
    }
    .into_bytes();
    if dice.roll(5) == 0 {
        // One byte goes wrong.
        let place = dice.roll(body.len());
        body[place] = u8::try_from(dice.roll(256)).expect("a byte");
    }
    if dice.roll(10) == 0 {
        body = (0..dice.roll(700)).map(|_| u8::try_from(dice.roll(256)).expect("a byte")).collect();
    }
    let check = format!("{:02X}\r\n", sum(&body));
    body.extend_from_slice(check.as_bytes());
    if dice.roll(20) == 0 {
        body.truncate(dice.roll(body.len()));
    }
    body
}

fn poke(dice: &mut Dice) -> Poke {
    let zone = Zone::new(u32::try_from(dice.roll(12) + 1).expect("fits")).expect("a zone");
    let partition = Partition::new(u32::try_from(dice.roll(3) + 1).expect("fits")).expect("a partition");
    let slot = Slot::new(u32::try_from(dice.roll(60) + 1).expect("fits")).expect("a slot");
    let code = AccessCode::new(dice.pick(&["1234", "0000", "12", ""]).to_owned());
    match dice.roll(12) {
        0 | 1 => Poke::Open(zone),
        2 | 3 => Poke::Close(zone),
        4 => Poke::Trip(zone),
        5 => Poke::Tamper(zone),
        6 => Poke::EnterCode { code, partition },
        7 => Poke::Disarm { partition, slot: None },
        8 => Poke::Panic(PanicKey::Fire),
        9 => Poke::Edit { slot, words: vec!["code".into(), format!("{:04}", dice.roll(10_000))] },
        10 if dice.roll(8) == 0 => Poke::Reboot,
        10 => Poke::Ac { on: dice.roll(2) == 0 },
        _ => Poke::Fault(dice.pick(&FAULTS).split_whitespace().map(str::to_owned).collect()),
    }
}

/// Lives through a seed and gives everything that came out.
fn run(interface: Interface, seed: u64) -> Vec<u8> {
    let mut dice = Dice(seed * 2 + 1);
    let config = SimConfig {
        partitions: 2,
        users: 10,
        seed,
        timings: Timings { baud: None, ..Timings::default() },
        hostile: Hostile::default(),
        ..SimConfig::new(interface, Model::Pc1616)
    };
    let mut sim = DscSimulator::new(config).expect("a panel");
    let mut now = panel_driver::clock::now();
    let start = now;
    let mut out = Vec::new();
    sim.handle_connect(now);
    sim.handle_bytes(now, b"005user54\r\n");
    for _ in 0..150 {
        now += ms(u64::try_from(dice.roll(600)).expect("fits"));
        match dice.roll(8) {
            0 | 1 => drop(sim.poke(now, poke(&mut dice))),
            2 => sim.handle_timeout(now),
            3 if dice.roll(10) == 0 => {
                sim.handle_disconnect(now);
                sim.handle_connect(now);
                sim.handle_bytes(now, b"005user54\r\n");
            }
            _ => sim.handle_bytes(now, &line(&mut dice)),
        }
        while let Some(bytes) = sim.poll_transmit() {
            out.extend_from_slice(&bytes);
        }
        while let Some(event) = sim.poll_happened() {
            out.extend_from_slice(event.to_string().as_bytes());
        }
        if sim.take_hangup().is_some() {
            sim.handle_disconnect(now);
            sim.handle_connect(now);
        }
        assert!(sim.poll_timeout().is_none_or(|due| due >= start));
    }
    assert!(sim.users().is_array() && sim.state().is_object());
    out
}

#[test]
fn no_client_can_bring_the_panel_down() {
    for seed in 0..150 {
        assert!(!run(Interface::Envisalink, seed).is_empty());
        assert!(!run(Interface::It100, seed).is_empty());
    }
}

#[test]
fn one_seed_is_one_run() {
    for seed in [1, 77, 4242] {
        assert_eq!(run(Interface::Envisalink, seed), run(Interface::Envisalink, seed));
        assert_eq!(run(Interface::It100, seed), run(Interface::It100, seed));
    }
}
