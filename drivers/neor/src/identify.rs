//! Who dials: the identifier at the beginning of a panel's first packet.

use panel_driver::link::Identified;

use crate::config::{IDENTIFIER_DIGITS, is_identifier};

/// How a panel begins that is set to HTTP polling instead [impl NH#44].
pub(crate) const HTTP: &[u8] = b"POST /absip";
const POLLS_OVER_HTTP: &str = "a panel polls over HTTP: set section [851][426] to option 3 only and [851][425] option 5 \
                               on, then restart its communicator with [851][999] 55";
const END_OF_HEADER: u8 = 0x7E;

/// What the first bytes of a connection say of who it is: 12 digits and the end of the TLink header.
#[must_use]
pub fn identify(bytes: &[u8]) -> Identified {
    if bytes.starts_with(HTTP) {
        return Identified::Misfit(POLLS_OVER_HTTP);
    }
    if HTTP.starts_with(bytes) {
        return Identified::More;
    }
    let (digits, rest) = bytes.split_at(bytes.len().min(IDENTIFIER_DIGITS));
    match rest.first() {
        _ if !digits.iter().all(u8::is_ascii_digit) => Identified::Stranger,
        None => Identified::More,
        Some(&END_OF_HEADER) if is_identifier(digits) => {
            Identified::Panel(digits.iter().map(|digit| char::from(*digit)).collect())
        }
        Some(_) => Identified::Stranger,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_is_known_by_its_first_packet() {
        let panel = Identified::Panel("310212345678".into());
        for (bytes, who) in [
            (&b""[..], Identified::More),
            (b"3102", Identified::More),
            (b"310212345678", Identified::More),
            (b"310212345678\x7E", panel.clone()),
            (b"310212345678\x7E\x15\x00", panel),
            (b"3102123456789\x7E", Identified::Stranger),
            (b"\x7E\x15", Identified::Stranger),
            (b"GET / HTTP/1.1", Identified::Stranger),
            (b"POST", Identified::More),
            (b"POST /absip HTTP/1.1", Identified::Misfit(POLLS_OVER_HTTP)),
            (b"POST /other", Identified::Stranger),
            (b"\x16\x03\x01", Identified::Stranger),
        ] {
            assert_eq!(identify(bytes), who, "{bytes:?}");
        }
    }
}
