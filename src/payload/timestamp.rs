use std::borrow::Cow;
use std::fmt;

use panel_model::WallTime;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point of time as it stands in JSON: RFC 3339, UTC, milliseconds, such as `2026-11-22T10:11:12.345Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(WallTime);

impl From<WallTime> for Timestamp {
    fn from(time: WallTime) -> Self {
        Self(time)
    }
}

impl From<Timestamp> for WallTime {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Outside the years that RFC 3339 can write, the nearest end is shown.
        let end = if self.0.0 < 0 { jiff::Timestamp::UNIX_EPOCH } else { jiff::Timestamp::MAX };
        let time = jiff::Timestamp::from_millisecond(self.0.0).unwrap_or(end);
        write!(f, "{time:.3}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let time: jiff::Timestamp = text.parse().map_err(|_| de::Error::custom("expected an RFC 3339 time"))?;
        Ok(Self(WallTime(time.as_millisecond())))
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339, UTC, milliseconds",
            "examples": ["2026-11-22T10:11:12.345Z"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_342_272_345, "2026-11-22T10:11:12.345Z"),
            (1_795_342_272_300, "2026-11-22T10:11:12.300Z"),
        ] {
            let time = Timestamp::from(WallTime(ms));
            assert_eq!(time.to_string(), text);
            assert_eq!(serde_json::from_str::<Timestamp>(&format!("\"{text}\"")).expect("a time"), time);
        }
    }

    #[test]
    fn a_clock_gone_mad_still_prints() {
        assert_eq!(Timestamp::from(WallTime(i64::MIN)).to_string(), "1970-01-01T00:00:00.000Z");
        assert!(Timestamp::from(WallTime(i64::MAX)).to_string().starts_with("9999-12-30T"));
    }
}
