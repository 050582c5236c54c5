use std::fmt;
use std::str::FromStr;

use panel_model::{GatewayId, PanelId};
use uuid::Uuid;

/// What a topic name must not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// The prefix cannot begin a topic name.
    #[error(
        "`{0}` cannot begin topic names: use 1 to 128 characters, levels divided by single /, no +, # or blanks, not beginning with $"
    )]
    Prefix(String),
}

/// The beginning of every topic name, such as `panelgate/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl Default for Prefix {
    fn default() -> Self {
        Self("panelgate/v1".to_owned())
    }
}

impl FromStr for Prefix {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let showable = text.chars().all(|c| !c.is_control() && !c.is_whitespace() && c != '+' && c != '#');
        let levels = text.split('/').all(|level| !level.is_empty());
        if (1..=128).contains(&text.len()) && showable && levels && !text.starts_with('$') {
            Ok(Self(text.to_owned()))
        } else {
            Err(TopicError::Prefix(text.to_owned()))
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The topics of one gateway (design.md 5), without prefix and gateway.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Whether the gateway is connected; retained, and its will.
    Status,
    /// What the gateway is; retained.
    Info,
    /// Action log lines.
    Log,
    /// Whether a panel can be reached; retained.
    PanelStatus(PanelId),
    /// Partitions, zones, troubles, locks of a panel; retained.
    State(PanelId),
    /// What the cloud wants of a panel; retained, from the cloud.
    Desired(PanelId),
    /// What is known of a panel's users, and how wishes stand; retained.
    Reported(PanelId),
    /// What changed in `reported`.
    Delta(PanelId),
    /// What happened at a panel.
    Event(PanelId),
    /// What an operator asks for; from the cloud.
    Request,
    /// The answer to a request.
    Response(Uuid),
    /// People, roles, companies that the cloud governs; retained, from the cloud.
    DirectoryDesired,
    /// Other keys for tokens; retained, from the cloud.
    DirectoryKeys,
    /// What became of the directory; retained.
    DirectoryReported,
}

impl Topic {
    /// The topic's full name.
    #[must_use]
    pub fn encode(&self, prefix: &Prefix, gateway: &GatewayId) -> String {
        match self {
            Self::Status => format!("{prefix}/{gateway}/status"),
            Self::Info => format!("{prefix}/{gateway}/info"),
            Self::Log => format!("{prefix}/{gateway}/log"),
            Self::PanelStatus(panel) => format!("{prefix}/{gateway}/panels/{panel}/status"),
            Self::State(panel) => format!("{prefix}/{gateway}/panels/{panel}/state"),
            Self::Desired(panel) => format!("{prefix}/{gateway}/panels/{panel}/desired"),
            Self::Reported(panel) => format!("{prefix}/{gateway}/panels/{panel}/reported"),
            Self::Delta(panel) => format!("{prefix}/{gateway}/panels/{panel}/delta"),
            Self::Event(panel) => format!("{prefix}/{gateway}/panels/{panel}/event"),
            Self::Request => format!("{prefix}/{gateway}/request"),
            Self::Response(id) => format!("{prefix}/{gateway}/response/{id}"),
            Self::DirectoryDesired => format!("{prefix}/{gateway}/directory/desired"),
            Self::DirectoryKeys => format!("{prefix}/{gateway}/directory/keys"),
            Self::DirectoryReported => format!("{prefix}/{gateway}/directory/reported"),
        }
    }

    /// The gateway and topic that a full name stands for; `None` if it is not one of ours.
    #[must_use]
    pub fn parse(prefix: &Prefix, name: &str) -> Option<(GatewayId, Self)> {
        let rest = name.strip_prefix(prefix.0.as_str())?.strip_prefix('/')?;
        let (gateway, rest) = rest.split_once('/')?;
        let gateway = gateway.parse().ok()?;
        let topic = match rest {
            "status" => Self::Status,
            "info" => Self::Info,
            "log" => Self::Log,
            "request" => Self::Request,
            "directory/desired" => Self::DirectoryDesired,
            "directory/keys" => Self::DirectoryKeys,
            "directory/reported" => Self::DirectoryReported,
            _ if rest.starts_with("response/") => Self::Response(parse_id(rest.strip_prefix("response/")?)?),
            _ => Self::parse_panel(rest.strip_prefix("panels/")?)?,
        };
        Some((gateway, topic))
    }

    fn parse_panel(rest: &str) -> Option<Self> {
        let (panel, leaf) = rest.split_once('/')?;
        let panel: PanelId = panel.parse().ok()?;
        Some(match leaf {
            "status" => Self::PanelStatus(panel),
            "state" => Self::State(panel),
            "desired" => Self::Desired(panel),
            "reported" => Self::Reported(panel),
            "delta" => Self::Delta(panel),
            "event" => Self::Event(panel),
            _ => return None,
        })
    }

    /// Whether the broker keeps the last message for those who come later.
    #[must_use]
    pub fn is_retained(&self) -> bool {
        !matches!(self, Self::Log | Self::Delta(_) | Self::Event(_) | Self::Request | Self::Response(_))
    }

    /// The panel that the topic speaks of.
    #[must_use]
    pub fn panel(&self) -> Option<&PanelId> {
        match self {
            Self::Status
            | Self::Info
            | Self::Log
            | Self::Request
            | Self::Response(_)
            | Self::DirectoryDesired
            | Self::DirectoryKeys
            | Self::DirectoryReported => None,
            Self::PanelStatus(panel)
            | Self::State(panel)
            | Self::Desired(panel)
            | Self::Reported(panel)
            | Self::Delta(panel)
            | Self::Event(panel) => Some(panel),
        }
    }

    /// Name of the topic's last level that is not an id.
    #[must_use]
    pub fn leaf(&self) -> &'static str {
        match self {
            Self::Status | Self::PanelStatus(_) => "status",
            Self::Info => "info",
            Self::Log => "log",
            Self::State(_) => "state",
            Self::Desired(_) | Self::DirectoryDesired => "desired",
            Self::Reported(_) | Self::DirectoryReported => "reported",
            Self::DirectoryKeys => "keys",
            Self::Request => "request",
            Self::Response(_) => "response",
            Self::Delta(_) => "delta",
            Self::Event(_) => "event",
        }
    }
}

/// The filter for the desired documents of all panels of a gateway.
#[must_use]
pub fn desired_filter(prefix: &Prefix, gateway: &GatewayId) -> String {
    format!("{prefix}/{gateway}/panels/+/desired")
}

/// Whether an answer may go to a topic that the asker named: one that a message can be published to, and below the
/// prefix only where this gateway's answers are. Otherwise the box would write for others what they may not write.
#[must_use]
pub fn takes_answers(prefix: &Prefix, gateway: &GatewayId, name: &str) -> bool {
    let writable = name.chars().all(|c| !c.is_control() && c != '+' && c != '#') && !name.starts_with('$');
    let ours = name.strip_prefix(prefix.0.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let answers = format!("{prefix}/{gateway}/response/");
    (1..=256).contains(&name.len()) && writable && (!ours || name.starts_with(&answers))
}

/// An id in its one form: topics are compared by their letters.
fn parse_id(text: &str) -> Option<Uuid> {
    text.parse::<Uuid>().ok().filter(|id| id.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Topic> {
        let panel: PanelId = "dsc-1".parse().expect("an id");
        vec![
            Topic::Status,
            Topic::Info,
            Topic::Log,
            Topic::PanelStatus(panel.clone()),
            Topic::State(panel.clone()),
            Topic::Desired(panel.clone()),
            Topic::Reported(panel.clone()),
            Topic::Delta(panel.clone()),
            Topic::Event(panel),
            Topic::Request,
            Topic::Response(Uuid::from_u128(7)),
            Topic::DirectoryDesired,
            Topic::DirectoryKeys,
            Topic::DirectoryReported,
        ]
    }

    #[test]
    fn names_go_out_and_come_back() {
        let gateway: GatewayId = "site-7".parse().expect("an id");
        for prefix in ["panelgate/v1", "x", "customers/ä/panelgate"] {
            let prefix: Prefix = prefix.parse().expect("a prefix");
            for topic in all() {
                let name = topic.encode(&prefix, &gateway);
                assert!(name.contains(topic.leaf()), "{name}");
                assert_eq!(Topic::parse(&prefix, &name), Some((gateway.clone(), topic)), "{name}");
            }
        }
    }

    #[test]
    fn the_default_names_are_those_of_the_contract() {
        let (prefix, gateway) = (Prefix::default(), "g1".parse().expect("an id"));
        let names: Vec<_> = all().iter().map(|topic| topic.encode(&prefix, &gateway)).collect();
        assert_eq!(names[0], "panelgate/v1/g1/status");
        assert_eq!(names[8], "panelgate/v1/g1/panels/dsc-1/event");
        assert_eq!(names[10], "panelgate/v1/g1/response/00000000-0000-0000-0000-000000000007");
        assert_eq!(names[11], "panelgate/v1/g1/directory/desired");
        assert_eq!(desired_filter(&prefix, &gateway), "panelgate/v1/g1/panels/+/desired");
    }

    #[test]
    fn foreign_names_are_nobodys() {
        let prefix = Prefix::default();
        for name in [
            "",
            "panelgate/v1",
            "panelgate/v1/g1",
            "panelgate/v1/g1/",
            "panelgate/v1/g1/other",
            "panelgate/v1/G1/status",
            "panelgate/v10/g1/status",
            "panelgate/v2/g1/status",
            "panelgate/v1/g1/panels/dsc-1",
            "panelgate/v1/g1/panels/dsc-1/other",
            "panelgate/v1/g1/panels/dsc-1/state/more",
            "panelgate/v1/g1/panels/Dsc/state",
            "/panelgate/v1/g1/status",
            "panelgate/v1/g1/response/7",
            "panelgate/v1/g1/response/00000000-0000-0000-0000-00000000000A",
            "panelgate/v1/g1/directory",
        ] {
            assert_eq!(Topic::parse(&prefix, name), None, "{name}");
        }
    }

    #[test]
    fn answers_go_nowhere_where_the_asker_could_not_have_written() {
        let (prefix, gateway) = (Prefix::default(), "g1".parse().expect("an id"));
        for good in ["cloud/answers/7", "panelgate/v1/g1/response/mine", "panelgate/v10/x", "ä"] {
            assert!(takes_answers(&prefix, &gateway, good), "{good}");
        }
        for bad in [
            "",
            "a/#",
            "a/+/b",
            "$SYS/x",
            "a\u{0}b",
            "panelgate/v1",
            "panelgate/v1/g1/panels/dsc-1/desired",
            "panelgate/v1/g2/response/mine",
            &"x".repeat(257),
        ] {
            assert!(!takes_answers(&prefix, &gateway, bad), "{bad}");
        }
    }

    #[test]
    fn prefixes_that_cannot_begin_a_name_are_refused() {
        for bad in ["", "/", "a/", "/a", "a//b", "a/+/b", "a/#", "$SYS/a", "a b", "a\u{0}b", &"x".repeat(129)] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad:?}");
        }
    }
}
