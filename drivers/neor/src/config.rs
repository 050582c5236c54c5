//! A panel's configuration: [`RawConfig`] as it is written, [`Config`] as it is used. All errors are told at once.

use std::net::SocketAddr;
use std::time::Duration;

use panel_driver::{ConfigError, ConfigErrors, LinkConfig};
use panel_model::{Partition, PartitionSet};
use serde::Deserialize;

use crate::codec::Encryption;
use crate::message::PartitionForm;
use crate::quirks::{Quirks, ServerHeader};

/// Where panels dial by default: section \[851\]\[429\] [doc CM].
const LISTEN: &str = "0.0.0.0:3072";
/// Panels drop a session that is silent for 120 s, section \[851\]\[711\] [doc CM].
const POLL_SECONDS: (u16, u16, u16) = (5, 30, 100);

/// The keys of a `neor` panel, unchecked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// Integration Identification Number, section \[851\]\[422\]: 12 digits. Required.
    pub identifier: Option<String>,
    /// Address that the panel dials; `0.0.0.0:3072` unless told. Panels may share it.
    pub listen: Option<String>,
    /// `type1`, `type2` or `none`; `type2` unless told. Must be what section \[851\]\[425\] option 4 says; the access
    /// code is the credential `password`.
    pub encryption: Option<String>,
    /// `HS2016`, `HS2032`, `HS2064`, `HS2128`, `HS3032`, …; `HS2128` unless told. What the panel tells counts.
    pub model: Option<String>,
    /// Digits of access codes, 4, 6 or 8; 4 unless told. What the panel tells counts.
    pub code_length: Option<u8>,
    /// Partitions in use; what the panel tells unless given.
    pub partitions: Option<Vec<u32>>,
    /// Zones in use, counted from 1; what the panel tells unless given.
    pub zones: Option<u16>,
    /// Functions that no source has proved on a panel; off unless told.
    pub experimental: Option<bool>,
    /// Quirk: `mask` or `number`, how message 0812 names partitions; `mask` unless told.
    pub partition_status: Option<String>,
    /// Quirk: `empty` or `echo`, the TLink header of our packets; `empty` unless told.
    pub server_header: Option<String>,
    /// Seconds of silence after which the panel is polled, 5 to 100; 30 unless told.
    pub poll_seconds: Option<u16>,
}

/// A valid configuration of one panel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the raw keys")]
pub struct Config {
    pub identifier: String,
    pub link: LinkConfig,
    pub encryption: Encryption,
    pub model: Model,
    pub code_length: u8,
    /// `None`: as the panel tells.
    pub partitions: Option<PartitionSet>,
    /// `None`: as the panel tells.
    pub zones: Option<u16>,
    pub experimental: Experimental,
    pub quirks: Quirks,
    pub poll: Duration,
}

/// Whether functions of grade C to E are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Experimental {
    #[default]
    Off,
    On,
}

/// A model and its capacity (dossier 4.1), until the panel tells its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// The name on the board.
    pub name: &'static str,
    /// Zones.
    pub zones: u16,
    /// Partitions.
    pub partitions: u8,
    /// User codes.
    pub users: u16,
}

const fn model(name: &'static str, zones: u16, partitions: u8, users: u16) -> Model {
    Model { name, zones, partitions, users }
}

impl Model {
    /// All models.
    pub const ALL: [Self; 9] = [
        model("HS2016", 16, 2, 48),
        model("HS2032", 32, 4, 72),
        model("HS2064", 64, 8, 95),
        model("HS2128", 128, 8, 95),
        model("HS2064E", 64, 8, 500),
        model("HS2128E", 128, 8, 1000),
        model("HS3032", 32, 4, 72),
        model("HS3128", 128, 8, 1000),
        model("HS3248", 248, 32, 1000),
    ];

    fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_uppercase();
        Self::ALL.into_iter().find(|m| m.name == name)
    }
}

impl RawConfig {
    /// Checks every key.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the keys.
    pub fn validate(self) -> Result<Config, Vec<ConfigError>> {
        let mut errors = ConfigErrors::default();
        let identifier = self.identifier(&mut errors);
        let listen = self.listen(&mut errors);
        let encryption = match self.encryption.as_deref().unwrap_or("type2") {
            "none" => Some(Encryption::Type0),
            "type1" => Some(Encryption::Type1),
            "type2" => Some(Encryption::Type2),
            other => errors.add("encryption", format!("`{other}` is unknown"), "write type1, type2 or none"),
        };
        let model = Model::parse(self.model.as_deref().unwrap_or("HS2128"));
        if model.is_none() {
            let list = Model::ALL.map(|m| m.name).join(", ");
            errors.add::<()>("model", "not a model that this driver knows", format!("write one of {list}"));
        }
        let code_length = self.code_length.unwrap_or(4);
        if !matches!(code_length, 4 | 6 | 8) {
            errors.add::<()>("code_length", format!("{code_length} is no length of this family"), "write 4, 6 or 8");
        }
        let partitions = self.partitions(&mut errors);
        if self.zones.is_some_and(|zones| !(1..=999).contains(&zones)) {
            errors.add::<()>("zones", "no such number of zones", "write 1 to 999, or leave it out");
        }
        let quirks = self.quirks(&mut errors);
        let (least, usual, most) = POLL_SECONDS;
        let poll = self.poll_seconds.unwrap_or(usual);
        if !(least..=most).contains(&poll) {
            errors.add::<()>(
                "poll_seconds",
                format!("{poll} seconds do not fit"),
                format!("write {least} to {most}: the panel drops a session that is silent for 120 s"),
            );
        }
        let experimental = if self.experimental == Some(true) { Experimental::On } else { Experimental::Off };
        match (identifier, listen, encryption, model) {
            (Some(identifier), Some(listen), Some(encryption), Some(model)) if errors.is_empty() => Ok(Config {
                link: LinkConfig::TcpIn { listen, identifier: identifier.clone() },
                identifier,
                encryption,
                model,
                code_length,
                partitions,
                zones: self.zones,
                experimental,
                quirks,
                poll: Duration::from_secs(poll.into()),
            }),
            _ => Err(errors.into_vec()),
        }
    }

    fn identifier(&self, errors: &mut ConfigErrors) -> Option<String> {
        let fix = "write the 12 digits that section [851][422] shows";
        match self.identifier.as_deref().map(str::trim) {
            Some(digits) if is_identifier(digits.as_bytes()) => Some(digits.to_owned()),
            Some(other) => errors.add("identifier", format!("`{other}` is no identification number"), fix),
            None => errors.add("identifier", "missing", fix),
        }
    }

    fn listen(&self, errors: &mut ConfigErrors) -> Option<SocketAddr> {
        let text = self.listen.as_deref().unwrap_or(LISTEN);
        match text.trim().parse() {
            Ok(address) => Some(address),
            Err(_) => errors.add(
                "listen",
                format!("`{text}` is no address"),
                "write address and port to listen on, such as 0.0.0.0:3072",
            ),
        }
    }

    fn partitions(&self, errors: &mut ConfigErrors) -> Option<PartitionSet> {
        let mut set = PartitionSet::EMPTY;
        for number in self.partitions.as_deref()? {
            match Partition::new(*number) {
                Ok(partition) => set.insert(partition),
                Err(_) => {
                    let fix = "write a list of numbers from 1 to 32, such as [1, 2], or leave it out";
                    return errors.add("partitions", format!("there is no partition {number}"), fix);
                }
            }
        }
        if set.is_empty() {
            return errors.add("partitions", "the list is empty", "write [1], or leave it out");
        }
        Some(set)
    }

    fn quirks(&self, errors: &mut ConfigErrors) -> Quirks {
        let partition_form = match self.partition_status.as_deref().unwrap_or("mask") {
            "mask" => Some(PartitionForm::Mask),
            "number" => Some(PartitionForm::Number),
            other => errors.add("partition_status", format!("`{other}` is unknown"), "write mask or number"),
        };
        let header = match self.server_header.as_deref().unwrap_or("empty") {
            "empty" => Some(ServerHeader::Empty),
            "echo" => Some(ServerHeader::Echo),
            other => errors.add("server_header", format!("`{other}` is unknown"), "write empty or echo"),
        };
        Quirks { partition_form: partition_form.unwrap_or_default(), header: header.unwrap_or_default() }
    }
}

/// Whether it looks like an Integration Identification Number.
pub(crate) fn is_identifier(bytes: &[u8]) -> bool {
    bytes.len() == IDENTIFIER_DIGITS && bytes.iter().all(u8::is_ascii_digit)
}

/// Digits of an Integration Identification Number.
pub(crate) const IDENTIFIER_DIGITS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> RawConfig {
        serde_json::from_str(json).expect("json")
    }

    #[test]
    fn the_identifier_alone_will_do() {
        let config = raw(r#"{"identifier":"310212345678"}"#).validate().expect("valid");
        assert_eq!(config.link.to_string(), "tcp from panel 310212345678, on 0.0.0.0:3072");
        assert_eq!((config.encryption, config.model.users), (Encryption::Type2, 95));
        assert_eq!((config.experimental, config.poll), (Experimental::Off, Duration::from_secs(30)));
    }

    #[test]
    fn every_error_is_told_at_once() {
        let all_wrong = r#"{"identifier":"12","listen":"here","encryption":"type3","model":"PC1864","code_length":5,
            "partitions":[33],"zones":0,"partition_status":"both","server_header":"none","poll_seconds":120}"#;
        let errors = raw(all_wrong).validate().expect_err("all wrong");
        let keys: Vec<_> = errors.iter().map(|e| e.key).collect();
        assert_eq!(
            keys,
            [
                "identifier",
                "listen",
                "encryption",
                "model",
                "code_length",
                "partitions",
                "zones",
                "partition_status",
                "server_header",
                "poll_seconds"
            ]
        );
        assert_eq!(raw("{}").validate().expect_err("missing").len(), 1);
        assert!(serde_json::from_str::<RawConfig>(r#"{"identifer":"310212345678"}"#).is_err());
    }
}
