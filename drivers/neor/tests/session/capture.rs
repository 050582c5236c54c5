//! `decode neor`: a capture is read with the codes given, and without them as far as it is in clear.

use driver_neor::{CaptureDecoder, CaptureKeys, decode};
use panel_driver::DecodeOptions;
use panel_model::Password;
use serde_json::Value;

/// The worked session as a capture: hex lines with direction.
fn capture(file: &str) -> Vec<String> {
    let type1 = include_str!("../frames/type1.frames");
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut plain = std::collections::BTreeMap::new();
    for (which, text) in [(0, type1), (1, file)] {
        let (mut step, mut side) = (0, ' ');
        for line in text.lines().skip_while(|line| !line.starts_with(" 1 ")) {
            let (word, rest) = line.trim().split_once(' ').unwrap();
            match word {
                "frame" if which == 0 => {
                    plain.insert(step, (side, rest.to_owned()));
                }
                "frame" | "cipher" if which == 1 => lines.push((step, format!("{side} {rest}"))),
                "frame" | "cipher" | "stuffed" => {}
                number => {
                    step = number.parse().unwrap();
                    side = if rest.starts_with('P') { '<' } else { '>' };
                }
            }
        }
    }
    // A later row of the same step is the encrypted one.
    let mut all: std::collections::BTreeMap<usize, String> =
        plain.into_iter().map(|(step, (side, rest))| (step, format!("{side} {rest}"))).collect();
    all.extend(lines);
    all.into_values().collect()
}

fn kinds(decoder: &mut CaptureDecoder, lines: &[String]) -> Vec<String> {
    let found = lines.iter().flat_map(|line| decoder.line(line));
    found.map(|v| if v["ok"] == true { v["kind"].as_str().unwrap().to_owned() } else { "unreadable".into() }).collect()
}

fn keys(type1: Option<&str>, type2: Option<&str>) -> CaptureKeys {
    let password = |text: &str| Password::new(text.into());
    CaptureKeys { identifier: Some("310212345678".into()), type1: type1.map(password), type2: type2.map(password) }
}

const ALL: [&str; 20] = [
    "open_session",
    "command_response",
    "ack",
    "open_session",
    "command_response",
    "ack",
    "request_access",
    "command_response",
    "ack",
    "request_access",
    "command_response",
    "ack",
    "lifestyle_zone",
    "ack",
    "poll",
    "ack",
    "request",
    "ack",
    "system_capabilities",
    "ack",
];

#[test]
fn the_worked_sessions_are_decrypted_from_their_own_handshakes() {
    for (file, keys) in [
        (include_str!("../frames/type1.frames"), keys(Some("12345678"), None)),
        (include_str!("../frames/type2.frames"), keys(None, Some("12345678123456781234567812345678"))),
    ] {
        let mut decoder = CaptureDecoder::new(keys, DecodeOptions::default());
        assert_eq!(kinds(&mut decoder, &capture(file)), ALL);
    }
}

#[test]
fn without_codes_only_what_is_in_clear_is_read_and_the_reason_told() {
    let mut decoder = CaptureDecoder::new(keys(None, None), DecodeOptions::default());
    let lines = capture(include_str!("../frames/type2.frames"));
    let kinds = kinds(&mut decoder, &lines);
    assert_eq!(kinds[..7], ALL[..7]);
    assert_eq!(kinds[7], "unreadable");
    let error = decoder.line(&lines[7]).pop().unwrap();
    assert!(error["error"].as_str().unwrap().contains("no code"), "{error}");
}

#[test]
fn packets_may_be_cut_and_joined_and_carry_their_identifier() {
    let packet = "33 31 30 32 31 32 33 34 35 36 37 38 7E 04 00 01 00 7D 00 7F";
    let both = format!("{packet} {packet}");
    let mut decoder = CaptureDecoder::new(CaptureKeys::default(), DecodeOptions::default());
    let found = decoder.line(&both);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["identifier"], "310212345678");
    assert_eq!(found[0]["from"], "panel");
    assert!(decoder.line("< 33 31 30 32 31 32 33 34 35 36 37").is_empty());
    assert_eq!(decoder.line("< 38 7E 04 00 01 00 7D 00 7F # the rest").len(), 1);
    assert_eq!(decoder.line("7E 04 02 01 66 1F 7F")[0]["from"], "server");
}

#[test]
fn codes_are_masked_unless_asked_for() {
    // Frames of "access codes, master 1234, read/write" and of the codes 1234, 2580, two empty.
    let frame = |content: &str| {
        let bytes: Vec<u8> = format!("0505{content}")
            .as_bytes()
            .chunks(2)
            .map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap())
            .collect();
        driver_neor::codec::encode_frame(&bytes).iter().map(|b| format!("{b:02X}")).collect::<String>()
    };
    for content in ["07041101010102123401", "473601010104021234258 0AAAAAAAA", "0722261000060001123 4"] {
        let line = frame(&content.replace(' ', ""));
        let masked = decode(&line, DecodeOptions::default()).unwrap();
        assert!(!masked.to_string().contains("1234") && masked["ok"] == true, "{masked}");
        let shown = decode(&line, DecodeOptions { show_codes: true }).unwrap();
        assert!(shown.to_string().contains("1234"), "{shown}");
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    for line in ["xyz", "7F", "7E 04 00 01 00 00 7F", "123"] {
        let decoded = decode(line, DecodeOptions::default()).unwrap();
        assert_eq!(decoded["ok"], Value::Bool(false), "{line}: {decoded}");
    }
    assert_eq!(decode("# a comment", DecodeOptions::default()), None);
    assert_eq!(decode("", DecodeOptions::default()), None);
}
