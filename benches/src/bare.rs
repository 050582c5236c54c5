//! The yardstick: a line over loopback TCP, 256 bytes appended to a file and fdatasync'ed, published at QoS 1, seen by a
//! subscriber. Nothing else is done; no durable pipeline over this broker and this disk can be faster than this.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::figures::Sample;
use crate::mqtt::{Publisher, Subscriber};

const TOPIC: &str = "bare/event";
/// What is stored and published for one line.
const RECORD: usize = 256;

pub(crate) struct Bare {
    panel: TcpStream,
    subscriber: Subscriber,
}

impl Bare {
    pub(crate) fn open(broker: SocketAddr, folder: &Path) -> Result<Self> {
        let subscriber = Subscriber::open(broker, "bare-subscriber", TOPIC, "")?;
        let mut publisher = Publisher::open(broker, "bare-publisher")?;
        let mut file = File::create(folder.join("bare.log"))?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let panel = TcpStream::connect(listener.local_addr()?)?;
        panel.set_nodelay(true)?;
        let (driver, _) = listener.accept()?;
        thread::spawn(move || -> Result<()> {
            let mut lines = BufReader::new(driver);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line)? > 0 {
                line.resize(RECORD, b' ');
                file.write_all(&line)?;
                file.sync_data()?;
                publisher.publish(TOPIC, &line)?;
                line.clear();
            }
            Ok(())
        });
        Ok(Self { panel, subscriber })
    }

    /// Round trips at a steady pace.
    pub(crate) fn run(&mut self, count: usize, apart: Duration) -> Result<Sample> {
        let mut sent = Vec::with_capacity(count);
        let mut next = Instant::now();
        for n in 0..count {
            next += apart;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            let line = format!("{n:09}\r\n");
            sent.push(Instant::now());
            self.panel.write_all(line.as_bytes())?;
        }
        let got = self.subscriber.collect(count, Duration::from_secs(10), |m| m.payload.clone());
        let last = got.last().context("nothing came back from the broker")?;
        anyhow::ensure!(got.len() == count, "{} of {count} came back, the last {:?}", got.len(), last.topic);
        Ok(Sample::of_durations(sent.iter().zip(&got).map(|(sent, got)| got.at.saturating_duration_since(*sent))))
    }
}
