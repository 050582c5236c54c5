//! Frames a second of our codec, beside pyenvisalink's parser on the same frames.

use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use driver_dsc::codec::{ChecksumCase, Decoder, Frame, Number};
use driver_dsc::message::{Keys, ModuleCommand, ModuleMessage, QuickArm, Transport};
use serde_json::Value;

use crate::figures::Sample;
use crate::house::Tools;

/// What a panel says in an hour, more or less: number and data.
const TALK: &[(u16, &str)] = &[
    (609, "003"),
    (651, "1"),
    (610, "003"),
    (650, "1"),
    (500, "000"),
    (656, "1"),
    (652, "10"),
    (700, "10001"),
    (510, "82"),
    (511, "00"),
    (601, "1017"),
    (654, "1"),
    (602, "1017"),
    (655, "1"),
    (750, "10040"),
    (849, "02"),
    (802, ""),
    (803, ""),
    (841, "1"),
    (616, "0000000000000000"),
];

/// Frames a second.
pub(crate) struct Rates {
    /// From bytes to what a frame is.
    pub(crate) decode: Sample,
    /// From bytes to what a frame means. For us the same: there is no message before its data is understood.
    pub(crate) understood: Sample,
    pub(crate) encode: Sample,
}

/// A capture of some thousand frames.
fn capture() -> Vec<u8> {
    let frames = TALK.iter().filter_map(|(number, data)| Some(Frame::new(Number::new(*number)?, *data)));
    let once: Vec<u8> = frames.flat_map(|frame| frame.encode()).collect();
    once.repeat(200)
}

/// Bytes to checked frames to typed messages, as the driver does it; and typed commands to bytes.
pub(crate) fn ours(rounds: usize, each: Duration) -> Result<Rates> {
    let capture = capture();
    let frames = TALK.len() * 200;
    let decode = || {
        let mut decoder = Decoder::new(ChecksumCase::Any);
        let mut known = 0;
        // Pieces of what one read from a socket gives.
        for piece in capture.chunks(1024) {
            let mut rest = piece;
            while let Some(frame) = decoder.decode(&mut rest) {
                let message = frame.ok().and_then(|frame| ModuleMessage::decode(&frame, Transport::Envisalink).ok());
                known += usize::from(black_box(message).is_some());
            }
        }
        known
    };
    if decode() != frames {
        bail!("{} of {frames} frames were understood", decode());
    }
    let partition = "1".parse().ok().context("a partition")?;
    let keys = Keys::new(b"*1#").context("keys")?;
    let commands = [
        ModuleCommand::Poll,
        ModuleCommand::StatusReport,
        ModuleCommand::KeyString { partition, keys },
        ModuleCommand::Arm { partition, how: QuickArm::Away },
    ];
    let encode = || {
        for _ in 0..250 {
            for command in &commands {
                black_box(command.encode().encode());
            }
        }
        1000
    };
    let rates = |once: &dyn Fn() -> usize| Sample::new((0..rounds).map(|_| rate(each, once)).collect());
    let decode = rates(&decode);
    Ok(Rates { understood: decode.clone(), decode, encode: rates(&encode) })
}

fn rate(during: Duration, once: &dyn Fn() -> usize) -> f64 {
    let began = Instant::now();
    let mut done = 0;
    while began.elapsed() < during {
        done += once();
    }
    done as f64 / began.elapsed().as_secs_f64()
}

/// The same frames through pyenvisalink, and the versions of everything in its Python.
pub(crate) fn python(tools: &Tools, rounds: usize, each: Duration) -> Result<(Rates, String)> {
    let path = tools.folder.join("capture.txt");
    fs::write(&path, capture())?;
    let (mut decode, mut understood, mut encode, mut versions) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    for _ in 0..rounds {
        let mut command = Command::new(&tools.python);
        command.arg(tools.peer.join("codec.py")).arg(&path).arg(each.as_secs_f64().to_string());
        let output = command.output().context("cannot start Python")?;
        if !output.status.success() {
            bail!("codec.py: {}", String::from_utf8_lossy(&output.stderr));
        }
        let told: Value = serde_json::from_slice(&output.stdout)?;
        let number = |name: &str| told.get(name).and_then(Value::as_f64).context("a rate");
        decode.push(number("decode")?);
        understood.push(number("handled")?);
        encode.push(number("encode")?);
        let version = |name: &str| format!("{name} {}", told.get(name).and_then(Value::as_str).unwrap_or("?"));
        versions = ["python", "pyenvisalink", "paho-mqtt"].map(version).join(", ");
    }
    let [decode, understood, encode] = [decode, understood, encode].map(Sample::new);
    Ok((Rates { decode, understood, encode }, versions))
}
