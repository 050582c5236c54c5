//! Whatever comes in, the simulator neither panics nor spins, and takes the next good session.

use driver_neor::codec::RandomStream;
use driver_neor::message::{Command, Message, Notice, Wanted};
use panel_driver::sim::Simulator;

use crate::bench::{Bench, hs2016, ms, seconds, set};

#[test]
fn noise_at_any_step_is_survived() {
    for seed in 0..60 {
        let mut random = RandomStream::new(&[seed; 32]);
        let mut bench = Bench::idle(&set(hs2016(), "sequence=lenient"));
        bench.connect();
        if seed % 2 == 0 {
            bench.handshake();
        }
        for _ in 0..20 {
            let bytes: [u8; 40] = random.bytes();
            bench.send_raw(&bytes);
            bench.send_raw(&[0x7F]);
            bench.wait(ms(200));
        }
        bench.disconnect();
        bench.connect();
        bench.handshake();
        assert_eq!(bench.client(), "online", "seed {seed}");
    }
}

#[test]
fn any_content_in_a_good_frame_is_survived() {
    for seed in 0..60 {
        let mut random = RandomStream::new(&[seed; 32]);
        let mut bench = Bench::online(&set(hs2016(), "sequence=lenient"));
        for round in 0..40_u8 {
            let noise: [u8; 24] = random.bytes();
            let length = usize::from(noise[0] % 20) + 2;
            bench.own = if bench.own == 255 { 1 } else { bench.own + 1 };
            let mut content = noise[1..=length].to_vec();
            // Half of them are commands that mean something.
            if round % 2 == 0 {
                let known = [[0x08, 0x00], [0x07, 0x04], [0x07, 0x46], [0x07, 0x22], [0x09, 0x00], [0x07, 0x21]];
                content[..2].copy_from_slice(&known[usize::from(noise[23]) % known.len()]);
            }
            let data = [&[bench.own, bench.peer][..], &content].concat();
            bench.send_data(&data);
            bench.wait(ms(300));
        }
        bench.disconnect();
        bench.connect();
        bench.handshake();
        bench.say(&Message::Notice(Notice::Poll));
        bench.wait(seconds(1));
        assert!(bench.hangup.is_none(), "seed {seed}");
    }
}

#[test]
fn a_server_that_asks_and_never_acknowledges_costs_no_memory() {
    for pattern in ["A", "B", "C", "D2"] {
        let config = set(set(hs2016(), "sequence=lenient"), &format!("answer_pattern={pattern}"));
        let mut bench = Bench::online(&config);
        bench.acknowledges = false;
        for _ in 0..500 {
            bench.command(Command::Request(Wanted::Plain(0x0613)));
            let exit = Command::ExitProgramming { partition: Some(1) };
            bench.command(exit);
        }
        bench.acknowledges = true;
        bench.acknowledge();
        let answers = bench.messages_within(seconds(30)).len();
        assert!((2..=70).contains(&answers), "{pattern}: {answers}");
    }
}

#[test]
fn time_outs_make_progress() {
    for words in ["fault mute", "fault stop_after 5", "fault slow_loris 100", "fault http_absip", "arm away", "trip 8"]
    {
        let mut bench = Bench::idle(&hs2016());
        bench.does(words);
        bench.acknowledges = false;
        bench.connect();
        let end = bench.now + seconds(600);
        let mut steps = 0;
        while let Some(due) = bench.sim.poll_timeout().filter(|due| *due <= end) {
            bench.now = bench.now.max(due);
            bench.sim.handle_timeout(bench.now);
            while bench.sim.poll_transmit().is_some() {}
            if bench.sim.take_hangup().is_some() {
                bench.sim.handle_disconnect(bench.now);
            }
            steps += 1;
            assert!(steps < 10_000, "{words} spins");
        }
    }
}

#[test]
fn one_seed_is_one_run() {
    let run = |seed| {
        let config = driver_neor::sim::SimConfig { seed, users: 20, ..set(hs2016(), "split=on") };
        let mut bench = Bench::online(&set(config, "answer_pattern=any"));
        for words in ["open 1", "trip 7", "enter 1234", "ac off", "panic fire"] {
            bench.does(words);
            bench.wait(seconds(1));
        }
        (bench.raw.clone(), bench.events.clone())
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).0, run(4).0);
}
