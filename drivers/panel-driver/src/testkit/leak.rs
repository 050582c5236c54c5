use std::fmt;

/// What stands before numbers that are times in a `Debug` text. They hold any four digits sooner or later.
const TIMES: [&str; 3] = ["tv_sec: ", "tv_nsec: ", "WallTime("];

/// The first of the secrets that stands in the `Debug` text of `told`, as text or as a list of its bytes.
///
/// Digits of an `Instant`, a `SystemTime` or a `WallTime` are left out of the search: a code of four digits is found
/// because it was told, not because of the time of day.
pub fn leak<'a>(told: &impl fmt::Debug, secrets: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = without_times(&format!("{told:?}"));
    secrets.into_iter().find(|secret| !secret.is_empty() && (text.contains(secret) || has_bytes(&text, secret)))
}

fn without_times(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = TIMES.iter().filter_map(|before| Some(rest.find(before)? + before.len())).min() {
        let (passed, time) = rest.split_at(end);
        kept.push_str(passed);
        rest = time.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    }
    kept.push_str(rest);
    kept
}

/// `[52, 50]` is how a list of bytes prints.
fn has_bytes(text: &str, secret: &str) -> bool {
    let list = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    text.match_indices(&list).any(|(at, found)| {
        let (before, after) = (text.get(..at), text.get(at + found.len()..));
        let digit_before = before.is_some_and(|text| text.ends_with(|c: char| c.is_ascii_digit()));
        let digit_after = after.is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit()));
        !digit_before && !digit_after
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use panel_model::WallTime;

    use super::leak;
    use crate::clock;

    #[derive(Debug)]
    #[allow(dead_code, reason = "printed")]
    struct Told<T> {
        since: Option<Instant>,
        wall: WallTime,
        value: T,
    }

    /// A time whose seconds or nanoseconds have the digits 4321, whatever the clock says.
    fn instant_with_4321() -> Instant {
        let mut at = clock::now();
        while !format!("{at:?}").contains("4321") {
            at += Duration::from_nanos(1);
        }
        at
    }

    fn told<T>(value: T) -> Told<T> {
        Told { since: Some(instant_with_4321()), wall: WallTime(1_794_321_000_123), value }
    }

    #[test]
    fn digits_of_a_time_are_no_leak() {
        let told = told((instant_with_4321(), SystemTime::UNIX_EPOCH + Duration::new(4321, 43_210), WallTime(-4321)));
        assert!(format!("{told:?}").matches("4321").count() >= 5, "{told:?}");
        assert_eq!(leak(&told, ["4321"]), None);
    }

    #[test]
    fn a_secret_beside_times_is_found() {
        assert_eq!(leak(&told("code 4321"), ["7391", "4321"]), Some("4321"));
        assert_eq!(leak(&told(4321), ["4321"]), Some("4321"));
        assert_eq!(leak(&(instant_with_4321(), "4321"), ["4321"]), Some("4321"));
        assert_eq!(leak(&(WallTime(1), 4321), ["4321"]), Some("4321"));
        assert_eq!(leak(&told(b"4321".to_vec()), ["4321"]), Some("4321"), "as bytes");
        assert_eq!(leak(&told(bytes::Bytes::from_static(b"x4321")), ["4321"]), Some("4321"));
    }

    #[test]
    fn numbers_that_are_not_the_bytes_of_a_secret_are_no_leak() {
        assert_eq!(leak(&[152, 51, 50, 49], ["4321"]), None);
        assert_eq!(leak(&[52, 51, 50, 490], ["4321"]), None);
        assert_eq!(leak(&"anything", [""]), None);
    }
}
