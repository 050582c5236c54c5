use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An identifier that is out of its range or misspelt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Panel ids are 1 to 32 characters of `a-z`, `0-9` and `-`, beginning with a letter or digit.
    #[error("`{0}` is not a panel id: use 1 to 32 characters of a-z, 0-9 and -, beginning with a letter or digit")]
    Panel(String),
    /// Gateway ids are spelt like panel ids.
    #[error("`{0}` is not a gateway id: use 1 to 32 characters of a-z, 0-9 and -, beginning with a letter or digit")]
    Gateway(String),
    /// The number is outside the kind's range.
    #[error("{kind} {value} is out of range: {min} to {max}")]
    Range {
        /// What was numbered.
        kind: &'static str,
        /// The number given.
        value: u32,
        /// Lowest number allowed.
        min: u32,
        /// Highest number allowed.
        max: u32,
    },
    /// Not a number or not a list of numbers.
    #[error("`{0}` is not a number, nor a list such as 1, 4, 6")]
    Number(String),
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $error:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = "^[a-z0-9][a-z0-9-]{0,31}$"))]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if is_short_name(text) { Ok(Self(text.to_owned())) } else { Err(IdError::$error(text.to_owned())) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_short_name(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

named! {
    /// Our stable name of one control unit, chosen in the configuration. It stands in topics and file names.
    PanelId, Panel
}
named! {
    /// The stable name of one box, chosen in the configuration. It stands in topics; spelt like a panel id.
    GatewayId, Gateway
}

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident($int:ty), $kind:literal, $min:literal..=$max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "u32", into = "u32")]
        #[schemars(extend("minimum" = $min, "maximum" = $max))]
        pub struct $name($int);

        impl $name {
            #[doc = concat!("A ", $kind, " by its number.")]
            ///
            /// # Errors
            /// [`IdError::Range`] outside the documented range.
            pub fn new(value: u32) -> Result<Self, IdError> {
                match <$int>::try_from(value) {
                    Ok(n) if ($min..=$max).contains(&n) => Ok(Self(n)),
                    _ => Err(IdError::Range { kind: $kind, value, min: $min, max: $max }),
                }
            }

            /// The number as the panel counts it.
            #[must_use]
            pub fn number(self) -> $int {
                self.0
            }
        }

        impl TryFrom<u32> for $name {
            type Error = IdError;

            fn try_from(value: u32) -> Result<Self, IdError> {
                Self::new(value)
            }
        }

        impl From<$name> for u32 {
            fn from(id: $name) -> Self {
                Self::from(id.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let value = text.trim().parse().map_err(|_| IdError::Number(text.to_owned()))?;
                Self::new(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

numbered! {
    /// A partition as the panel numbers it, 1 to 32.
    Partition(u8), "partition", 1..=32
}
numbered! {
    /// A zone as the panel numbers it, 1 to 999.
    Zone(u16), "zone", 1..=999
}
numbered! {
    /// A panel user's place in the panel, 1 to 9999 (model limits are in the capabilities).
    Slot(u16), "slot", 1..=9999
}
numbered! {
    /// A door lock of the panel, 1 to 999.
    LockId(u16), "lock", 1..=999
}

/// A set of partitions, such as the ones that a user may operate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Partition>", into = "Vec<Partition>")]
#[schemars(with = "Vec<Partition>")]
pub struct PartitionSet(u32);

impl PartitionSet {
    /// No partition.
    pub const EMPTY: Self = Self(0);

    /// Partitions 1 to `count` (at most 32).
    #[must_use]
    pub fn first(count: u8) -> Self {
        Self(u32::MAX.checked_shr(32_u32.saturating_sub(u32::from(count))).unwrap_or(0))
    }

    /// Adds a partition.
    pub fn insert(&mut self, partition: Partition) {
        self.0 |= Self::bit(partition);
    }

    /// Whether the partition belongs to the set.
    #[must_use]
    pub fn contains(self, partition: Partition) -> bool {
        self.0 & Self::bit(partition) != 0
    }

    /// Whether every partition of `self` is in `other`.
    #[must_use]
    pub fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The partitions that are in exactly one of both sets: what has to be toggled.
    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    /// Whether no partition is in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The partitions in rising order.
    pub fn iter(self) -> impl Iterator<Item = Partition> {
        (1..=32).filter_map(|n| Partition::new(n).ok()).filter(move |p| self.contains(*p))
    }

    fn bit(partition: Partition) -> u32 {
        1 << (partition.number() - 1)
    }
}

impl FromIterator<Partition> for PartitionSet {
    fn from_iter<I: IntoIterator<Item = Partition>>(iter: I) -> Self {
        let mut set = Self::EMPTY;
        iter.into_iter().for_each(|p| set.insert(p));
        set
    }
}

impl From<Vec<Partition>> for PartitionSet {
    fn from(list: Vec<Partition>) -> Self {
        list.into_iter().collect()
    }
}

impl From<PartitionSet> for Vec<Partition> {
    fn from(set: PartitionSet) -> Self {
        set.iter().collect()
    }
}

/// Parses a list such as `1, 4, 6` (product rule U11).
impl FromStr for PartitionSet {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::parse::<Partition>).collect()
    }
}

impl fmt::Display for PartitionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, partition) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(", ")?;
            }
            partition.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for PartitionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panel_ids_are_short_lowercase_words() {
        for good in ["dsc-1", "a", "0", "main-building-panel-2"] {
            assert_eq!(good.parse::<PanelId>().map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "-a", "Dsc", "a b", "a/b", "a#", "a+", "äh", "123456789012345678901234567890123"] {
            assert_eq!(bad.parse::<PanelId>(), Err(IdError::Panel(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn numbers_keep_their_range() {
        assert!(Partition::new(0).is_err());
        assert!(Partition::new(33).is_err());
        assert_eq!(Partition::new(32).map(Partition::number), Ok(32));
        assert!(Zone::new(1000).is_err());
        assert!("7x".parse::<Slot>().is_err());
    }

    #[test]
    fn partition_sets_read_and_write_as_lists() {
        let set: PartitionSet = "6, 1,4".parse().expect("a list");
        assert_eq!(set.to_string(), "1, 4, 6");
        assert_eq!(PartitionSet::first(3).to_string(), "1, 2, 3");
        assert_eq!(PartitionSet::first(0), PartitionSet::EMPTY);
        assert_eq!(PartitionSet::first(32).iter().count(), 32);
        assert_eq!(set.difference("1, 2".parse().expect("a list")).to_string(), "2, 4, 6");
        assert!("1, 40".parse::<PartitionSet>().is_err());
        assert_eq!(serde_json::to_string(&set).expect("json"), "[1,4,6]");
    }
}
