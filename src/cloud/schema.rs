//! The machine-readable description of the cloud contract (C1): JSON Schemas and an AsyncAPI document, made from the
//! payload types. The files under `config/` are this module's output; a test fails when they drift.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::topic::Topic;
use crate::actions::{Request, Response};
use crate::payload::{
    Delta, DesiredDocument, DirectoryDocument, DirectoryKeys, DirectoryReported, Event, Gap, GatewayStatus, Info,
    LogLine, PanelStatus, Reported, State,
};

/// Version of the contract, not of the program: its first number is in the topics.
const CONTRACT: &str = "1.0.0";

struct MessageKind {
    name: &'static str,
    title: &'static str,
    schema: fn() -> Schema,
}

const MESSAGES: [MessageKind; 15] = [
    MessageKind { name: "status", title: "Status of a gateway", schema: sent::<GatewayStatus> },
    MessageKind { name: "info", title: "What a gateway is and has", schema: sent::<Info> },
    MessageKind { name: "panel_status", title: "Status of a panel", schema: sent::<PanelStatus> },
    MessageKind { name: "state", title: "State of a panel", schema: sent::<State> },
    MessageKind { name: "desired", title: "What the cloud wants of a panel", schema: received::<DesiredDocument> },
    MessageKind { name: "reported", title: "Users of a panel and answers to wishes", schema: sent::<Reported> },
    MessageKind { name: "delta", title: "Change of reported users", schema: sent::<Delta> },
    MessageKind { name: "event", title: "Something happened", schema: sent::<Event> },
    MessageKind { name: "gap", title: "Records are missing here", schema: sent::<Gap> },
    MessageKind { name: "log_line", title: "Line of the action log", schema: sent::<LogLine> },
    MessageKind { name: "request", title: "What an operator asks for", schema: received::<Request> },
    MessageKind { name: "response", title: "Answer to a request", schema: sent::<Response> },
    MessageKind { name: "directory", title: "People, roles and companies", schema: received::<DirectoryDocument> },
    MessageKind { name: "directory_keys", title: "Other keys for tokens", schema: received::<DirectoryKeys> },
    MessageKind { name: "directory_reported", title: "State of the directory", schema: sent::<DirectoryReported> },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    FromGateway,
    ToGateway,
}

struct Channel {
    name: &'static str,
    /// Below prefix and gateway.
    address: &'static str,
    messages: &'static [&'static str],
    direction: Direction,
    retained: bool,
    about: &'static str,
}

const CHANNELS: [Channel; 14] = [
    Channel {
        name: "status",
        address: "status",
        messages: &["status"],
        direction: Direction::FromGateway,
        retained: true,
        about: "Whether the gateway is connected. The will says `lost` with the same boot id and connection number; \
                one that names older ones is late and means nothing.",
    },
    Channel {
        name: "info",
        address: "info",
        messages: &["info"],
        direction: Direction::FromGateway,
        retained: true,
        about: "What the gateway is: panels, their capabilities, and the key that codes are sealed to.",
    },
    Channel {
        name: "log",
        address: "log",
        messages: &["log_line", "gap"],
        direction: Direction::FromGateway,
        retained: false,
        about: "Every attempt to change something. At least once, in order; `id` tells duplicates.",
    },
    Channel {
        name: "request",
        address: "request",
        messages: &["request"],
        direction: Direction::ToGateway,
        retained: false,
        about: "One action, once, at most 64 KB. QoS 1, never retained, with a message expiry. With MQTT 5 the answer goes to \
                the message's response topic, with its correlation data.",
    },
    Channel {
        name: "response",
        address: "response/{id}",
        messages: &["response"],
        direction: Direction::FromGateway,
        retained: false,
        about: "The one answer to a request, here unless the request named another topic. At least once; asked again \
                within seven days, a request gets it again.",
    },
    Channel {
        name: "directory_desired",
        address: "directory/desired",
        messages: &["directory"],
        direction: Direction::ToGateway,
        retained: true,
        about: "People, roles, companies and installer codes that the cloud governs, whole, at most 256 KB.",
    },
    Channel {
        name: "directory_keys",
        address: "directory/keys",
        messages: &["directory_keys"],
        direction: Direction::ToGateway,
        retained: true,
        about: "The keys that tokens are signed with from now on, on the word of a key in use.",
    },
    Channel {
        name: "directory_reported",
        address: "directory/reported",
        messages: &["directory_reported"],
        direction: Direction::FromGateway,
        retained: true,
        about: "What became of the directory, entry by entry, and of the keys.",
    },
    Channel {
        name: "panel_status",
        address: "panels/{panel}/status",
        messages: &["panel_status"],
        direction: Direction::FromGateway,
        retained: true,
        about: "Whether the panel can be reached.",
    },
    Channel {
        name: "state",
        address: "panels/{panel}/state",
        messages: &["state"],
        direction: Direction::FromGateway,
        retained: true,
        about: "Partitions, zones, troubles and locks. Quick changes may share a message.",
    },
    Channel {
        name: "desired",
        address: "panels/{panel}/desired",
        messages: &["desired"],
        direction: Direction::ToGateway,
        retained: true,
        about: "Everything that the cloud wants of the panel, whole, at most 256 KB. Publish it retained with QoS 1.",
    },
    Channel {
        name: "reported",
        address: "panels/{panel}/reported",
        messages: &["reported"],
        direction: Direction::FromGateway,
        retained: true,
        about: "The panel's users as far as proved, and the answer to every wish. After each connect and when quiet.",
    },
    Channel {
        name: "delta",
        address: "panels/{panel}/delta",
        messages: &["delta"],
        direction: Direction::FromGateway,
        retained: false,
        about: "What changed in `reported` from one version to a later one. At least once, in order.",
    },
    Channel {
        name: "event",
        address: "panels/{panel}/event",
        messages: &["event"],
        direction: Direction::FromGateway,
        retained: false,
        about: "What happened. Never coalesced; at least once, alarms first, otherwise in order; `id` tells duplicates.",
    },
];

/// All generated files: path below the repository's root, and text.
#[must_use]
pub fn generate() -> Vec<(String, String)> {
    let schemas = MESSAGES.iter().map(|message| {
        let mut schema = (message.schema)();
        schema.insert("$id".to_owned(), json!(format!("urn:panelgate:v1:{}", message.name)));
        (format!("config/schemas/{}.json", message.name), text(schema.as_value()))
    });
    schemas.chain([("config/asyncapi.json".to_owned(), text(&asyncapi()))]).collect()
}

/// Names of the messages that may come on a topic, as in `config/schemas/NAME.json`.
#[must_use]
pub fn messages_of(topic: &Topic) -> &'static [&'static str] {
    let name = match topic {
        Topic::PanelStatus(_) => "panel_status",
        Topic::DirectoryDesired => "directory_desired",
        Topic::DirectoryKeys => "directory_keys",
        Topic::DirectoryReported => "directory_reported",
        other => other.leaf(),
    };
    CHANNELS.iter().find(|channel| channel.name == name).map_or(&[], |channel| channel.messages)
}

fn sent<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

fn received<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>()
}

fn text(value: &Value) -> String {
    // A `Value` always has a JSON form.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn asyncapi() -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "panelgate",
            "version": CONTRACT,
            "description": "A gateway's MQTT contract: MQTT 5, or 3.1.1 with the same topics and payloads. QoS 1 \
                throughout. The prefix `panelgate/v1` is a setting of the gateway. Payloads are JSON; receivers ignore \
                fields that they do not know, except that the gateway refuses documents and requests with any."
        },
        "defaultContentType": "application/json",
        "channels": CHANNELS.iter().map(|c| (c.name.to_owned(), channel(c))).collect::<Map<_, _>>(),
        "operations": CHANNELS.iter().map(|c| (operation_name(c), operation(c))).collect::<Map<_, _>>(),
        "components": {
            "messages": MESSAGES.iter().map(|m| (m.name.to_owned(), message(m))).collect::<Map<_, _>>()
        }
    })
}

fn channel(channel: &Channel) -> Value {
    let messages = channel.messages.iter();
    let messages: Map<_, _> =
        messages.map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/messages/{name}") }))).collect();
    let mut parameters = Map::new();
    parameters.insert("gateway".into(), json!({ "description": "The gateway's id: a-z, 0-9 and -, at most 32." }));
    if channel.address.contains("{panel}") {
        parameters.insert("panel".into(), json!({ "description": "The panel's id: a-z, 0-9 and -, at most 32." }));
    }
    if channel.address.contains("{id}") {
        parameters.insert("id".into(), json!({ "description": "The request's id: a UUID in lower case." }));
    }
    json!({
        "address": format!("panelgate/v1/{{gateway}}/{}", channel.address),
        "description": channel.about,
        "parameters": parameters,
        "messages": messages
    })
}

fn operation_name(channel: &Channel) -> String {
    let verb = if channel.direction == Direction::FromGateway { "send" } else { "receive" };
    format!("{verb}_{}", channel.name)
}

fn operation(channel: &Channel) -> Value {
    // Actions are named from the gateway's side.
    let action = if channel.direction == Direction::FromGateway { "send" } else { "receive" };
    let (name, mut binding) = (channel.name, Map::new());
    binding.insert("qos".into(), json!(1));
    if channel.direction == Direction::FromGateway {
        binding.insert("retain".into(), json!(channel.retained));
    }
    binding.insert("bindingVersion".into(), json!("0.2.0"));
    let messages: Vec<_> = channel
        .messages
        .iter()
        .map(|message| json!({ "$ref": format!("#/channels/{name}/messages/{message}") }))
        .collect();
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{name}") },
        "messages": messages,
        "bindings": { "mqtt": binding }
    })
}

fn message(message: &MessageKind) -> Value {
    json!({
        "name": message.name,
        "title": message.title,
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=2020-12",
            "schema": { "$ref": format!("./schemas/{}.json", message.name) }
        }
    })
}
