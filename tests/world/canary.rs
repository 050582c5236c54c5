use std::fs;
use std::path::Path;

use base64::Engine as _;

/// A secret that must not be found anywhere, in any of the shapes in which secrets leak.
pub(crate) struct Canary {
    shapes: Vec<(&'static str, Vec<u8>)>,
}

impl Canary {
    /// `secret` should be long enough not to turn up by chance: six digits or more.
    pub(crate) fn new(secret: &str) -> Self {
        assert!(secret.len() >= 6, "too short to be found by purpose only");
        let hex = |upper: bool, blank: &str| {
            let byte = |b: u8| if upper { format!("{b:02X}") } else { format!("{b:02x}") };
            secret.bytes().map(byte).collect::<Vec<_>>().join(blank).into_bytes()
        };
        let wide = |bytes: fn(u16) -> [u8; 2]| secret.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let mut shapes = vec![
            ("as it is", secret.as_bytes().to_vec()),
            ("reversed", secret.bytes().rev().collect()),
            ("as UTF-16, low byte first", wide(u16::to_le_bytes)),
            ("as UTF-16, high byte first", wide(u16::to_be_bytes)),
            ("in hex", hex(false, "")),
            ("in hex with blanks", hex(false, " ")),
            ("digits with blanks", secret.chars().map(String::from).collect::<Vec<_>>().join(" ").into_bytes()),
            ("digits with commas", secret.chars().map(String::from).collect::<Vec<_>>().join(", ").into_bytes()),
        ];
        // Digits have the same hex in both cases; passwords do not.
        for (name, blank) in [("in capital hex", ""), ("in capital hex with blanks", " ")] {
            let shape = hex(true, blank);
            if shapes.iter().all(|(_, other)| *other != shape) {
                shapes.push((name, shape));
            }
        }
        for shift in 0..3 {
            shapes.push(("in base64", base64_core(secret.as_bytes(), shift)));
        }
        Self { shapes }
    }

    /// Fails if the secret is in `bytes`. Times and ids are left out first: they are full of digits.
    pub(crate) fn not_in(&self, place: &str, bytes: &[u8]) {
        let bytes = blank_times_and_ids(bytes);
        if let Some((name, at)) = self.find(&bytes) {
            let (from, to) = (at.saturating_sub(80), (at + 80).min(bytes.len()));
            panic!("{place} has the secret {name}: …{}…", String::from_utf8_lossy(&bytes[from..to]));
        }
    }

    /// Where the secret is, and in which shape.
    fn find(&self, bytes: &[u8]) -> Option<(&'static str, usize)> {
        self.shapes.iter().find_map(|(name, shape)| {
            let at = bytes.windows(shape.len()).position(|window| window == shape)?;
            Some((*name, at))
        })
    }

    pub(crate) fn not_in_lines(&self, place: &str, lines: &[String]) {
        for line in lines {
            self.not_in(place, line.as_bytes());
        }
    }

    /// Searches all files below `dir`.
    pub(crate) fn not_below(&self, dir: &Path) {
        let mut searched = 0;
        let mut folders = vec![dir.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() {
                    let bytes = fs::read(&path).unwrap();
                    searched += bytes.len();
                    self.not_in(&path.display().to_string(), &bytes);
                }
            }
        }
        assert!(searched > 0, "{} is empty: nothing was searched", dir.display());
    }

    /// The search itself works: every shape is found where it is put.
    pub(crate) fn proves_itself(&self) {
        for (name, shape) in &self.shapes {
            let place = [b"before ".as_slice(), shape, b" after"].concat();
            assert!(self.find(&blank_times_and_ids(&place)).is_some(), "the secret {name} was not found");
        }
        assert!(self.find(b"nothing to see here").is_none());
        let secret = String::from_utf8_lossy(&self.shapes[0].1).into_owned();
        let digits: String = secret.chars().filter(char::is_ascii_digit).take(6).collect();
        for time in [format!("2026-11-22T07:16:13.{digits}Z"), format!("1234{digits}: broker")] {
            assert!(digits.len() < 6 || self.find(&blank_times_and_ids(time.as_bytes())).is_none(), "{time}");
        }
    }
}

/// What any base64 text with `secret` in it holds, if `shift` bytes modulo three stand before it.
fn base64_core(secret: &[u8], shift: usize) -> Vec<u8> {
    let mut padded = vec![0; shift];
    padded.extend_from_slice(secret);
    let whole = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&padded);
    let first = (shift * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    whole.as_bytes()[first..last].to_vec()
}

/// The text without what is full of digits by nature: where a code of four digits is looked for.
pub(crate) fn without_times_and_ids(text: &str) -> String {
    String::from_utf8(blank_times_and_ids(text.as_bytes())).unwrap()
}

/// Blanks out RFC 3339 times with their fractions, the broker's seconds since 1970, UUIDs, and the hashes of log lines.
fn blank_times_and_ids(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let skip = time_length(rest).or_else(|| uuid_length(rest)).or_else(|| seconds_length(rest));
        let skip = skip.or_else(|| hash_length(rest)).unwrap_or(0);
        if skip > 0 {
            kept.push(b'~');
            rest = &rest[skip..];
        } else {
            kept.push(*first);
            rest = &rest[1..];
        }
    }
    kept
}

fn time_length(text: &[u8]) -> Option<usize> {
    if !matches(text, b"dddd-dd-ddTdd:dd:dd") {
        return None;
    }
    let fraction = text.get(19..)?;
    if fraction.first() != Some(&b'.') {
        return Some(19);
    }
    Some(20 + fraction[1..].iter().take_while(|b| b.is_ascii_digit()).count())
}

/// `1793345739: ` as the broker's log begins its lines.
fn seconds_length(text: &[u8]) -> Option<usize> {
    matches(text, b"dddddddddd: ").then_some(10)
}

/// `"hash":"…"` of a line of the action log, with or without a blank.
fn hash_length(text: &[u8]) -> Option<usize> {
    let named = [&b"\"hash\":\""[..], b"\"hash\": \""].into_iter().find(|name| text.starts_with(name))?;
    matches(&text[named.len()..], &[b'x'; 64]).then_some(named.len() + 64)
}

fn uuid_length(text: &[u8]) -> Option<usize> {
    matches(text, b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx").then_some(36)
}

/// `d` is a digit, `x` a hex digit, everything else itself.
fn matches(text: &[u8], pattern: &[u8]) -> bool {
    text.len() >= pattern.len()
        && text.iter().zip(pattern).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            other => byte == other,
        })
}
