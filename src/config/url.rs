use std::str::FromStr;

/// `mqtt://host[:port]` or `mqtts://host[:port]`; nothing else may stand in it, no password least of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    /// `mqtts://`.
    pub tls: bool,
    /// Name or address, without brackets.
    pub host: String,
    /// Port; 1883 or 8883 where none was given.
    pub port: u16,
}

impl BrokerUrl {
    /// What it looks like.
    pub const FORM: &str = "mqtts://HOST or mqtt://HOST, with :PORT where it is not 8883 or 1883";
}

/// Why a text is no broker's address. Does not quote it: it could hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum UrlError {
    #[error("does not begin with mqtt:// or mqtts://")]
    Scheme,
    #[error("holds a user name or password, which do not belong here")]
    UserInfo,
    #[error("has more than a host and a port")]
    Path,
    #[error("has no host")]
    Host,
    #[error("has no valid port")]
    Port,
}

impl FromStr for BrokerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (tls, rest) = match (text.strip_prefix("mqtts://"), text.strip_prefix("mqtt://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(UrlError::Scheme),
        };
        if rest.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(UrlError::Path);
        }
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port),
            None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or(UrlError::Port)?,
            None if port.is_empty() => {
                if tls {
                    8883
                } else {
                    1883
                }
            }
            None => return Err(UrlError::Port),
        };
        if host.is_empty() {
            return Err(UrlError::Host);
        }
        Ok(Self { tls, host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_brokers_are_read() {
        for (text, tls, host, port) in [
            ("mqtt://broker", false, "broker", 1883),
            ("mqtts://broker.example.org/", true, "broker.example.org", 8883),
            ("mqtt://127.0.0.1:18830", false, "127.0.0.1", 18830),
            ("mqtts://[fe80::1]:1", true, "fe80::1", 1),
            ("mqtt://[::1]", false, "::1", 1883),
        ] {
            assert_eq!(text.parse(), Ok(BrokerUrl { tls, host: host.into(), port }), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        for (text, error) in [
            ("tcp://broker", UrlError::Scheme),
            ("broker:1883", UrlError::Scheme),
            ("mqtt://user:secret@broker", UrlError::UserInfo),
            ("mqtt://broker/topic", UrlError::Path),
            ("mqtt://:1883", UrlError::Host),
            ("mqtt://broker:0", UrlError::Port),
            ("mqtt://broker:65536", UrlError::Port),
            ("mqtt://[::1]x", UrlError::Port),
        ] {
            assert_eq!(text.parse::<BrokerUrl>(), Err(error), "{text}");
        }
    }
}
