use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::{Broker, Lines, Program};

/// A stock `mosquitto_sub` with a session of its own: it misses nothing while the broker restarts.
pub(crate) struct Observer {
    process: Program,
    prefix: String,
}

/// One message as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// A copy that the broker kept, sent at the beginning of the subscription.
    pub(crate) retained: bool,
    pub(crate) qos: u8,
    /// Without the prefix and the gateway's name: `panels/dsc-1/event`.
    pub(crate) topic: String,
    /// `Null` if it is not JSON.
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Observer {
    /// Watches all topics of `gateway` from here on.
    pub(crate) fn start(broker: &Broker, gateway: &str) -> Self {
        Self::watch(broker.port, "panelgate/v1", gateway)
    }

    pub(crate) fn watch(port: u16, prefix: &str, gateway: &str) -> Self {
        // Into a pipe it would print in blocks.
        let mut command = Command::new("stdbuf");
        command.args(["-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", &port.to_string(), "-d", "-c", "-q", "1"]);
        command.args(["-i", &format!("observer-{port}"), "-k", "5"]);
        command.args(["-t", &format!("{prefix}/#"), "-F", "MESSAGE %r %q %t %p"]);
        let process = Program::start("mosquitto_sub", command);
        process.out.wait_for("Subscribed", 0);
        Self { process, prefix: format!("{prefix}/{gateway}/") }
    }

    pub(crate) fn lines(&self) -> &Lines {
        &self.process.out
    }

    /// The place from which to wait for what comes next.
    pub(crate) fn mark(&self) -> usize {
        self.process.out.mark()
    }

    /// Everything so far.
    pub(crate) fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        seen.take_in(&self.prefix, &self.process.out.all());
        seen
    }

    /// Waits until `enough` makes something of everything so far.
    pub(crate) fn until<T>(&self, what: &str, mut enough: impl FnMut(&Seen) -> Option<T>) -> T {
        let mut seen = Seen::default();
        self.process.out.until(what, |lines| {
            seen.take_in(&self.prefix, lines);
            enough(&seen)
        })
    }

    /// Waits for the first message on any topic for which `topic` holds that `pick` makes something of.
    pub(crate) fn wait_where<T>(
        &self,
        what: &str,
        topic: impl Fn(&str) -> bool,
        pick: impl Fn(&Value) -> Option<T>,
    ) -> T {
        self.process.out.wait(what, 0, |line| {
            let message = self.parse(line).filter(|m| topic(&m.topic))?;
            pick(&message.body)
        })
    }

    /// Waits for the first message on `topic` from `from` on that `pick` makes something of.
    pub(crate) fn wait<T>(&self, what: &str, from: usize, topic: &str, pick: impl Fn(&Value) -> Option<T>) -> T {
        self.process.out.wait(&format!("{what} on {topic}"), from, |line| {
            let message = self.parse(line).filter(|m| m.topic == topic)?;
            pick(&message.body)
        })
    }

    /// Waits for a message on `topic` from `from` on for which `fits` holds.
    pub(crate) fn wait_for(&self, what: &str, from: usize, topic: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait(what, from, topic, |body| fits(body).then(|| body.clone()))
    }

    /// Waits for an event of a panel.
    pub(crate) fn wait_event(&self, from: usize, panel: &str, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let topic = format!("panels/{panel}/event");
        self.wait_for(kind, from, &topic, |event| event["kind"] == kind && fits(event))
    }

    /// Waits until the panel is said to be in that state of availability.
    pub(crate) fn wait_status(&self, from: usize, panel: &str, state: &str) -> Value {
        let topic = format!("panels/{panel}/status");
        self.wait_for(state, from, &topic, |body| body["state"] == state)
    }

    fn parse(&self, line: &str) -> Option<Message> {
        Message::parse(&self.prefix, line)
    }
}

impl Message {
    fn parse(prefix: &str, line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("MESSAGE ")?.splitn(4, ' ');
        let (retained, qos, topic) = (words.next()?, words.next()?, words.next()?);
        let text = words.next().unwrap_or_default().to_owned();
        let topic = topic.strip_prefix(prefix).unwrap_or(topic).to_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Some(Self { retained: retained == "1", qos: qos.parse().ok()?, topic, body, text })
    }
}

/// What an observer has seen up to a moment.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) messages: Vec<Message>,
    lines: usize,
}

impl Seen {
    fn take_in(&mut self, prefix: &str, lines: &[String]) {
        self.messages.extend(lines.iter().skip(self.lines).filter_map(|line| Message::parse(prefix, line)));
        self.lines = lines.len();
    }

    pub(crate) fn on(&self, topic: &str) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |m| m.topic == topic)
    }

    /// The last message on a topic.
    pub(crate) fn last(&self, topic: &str) -> Option<&Value> {
        self.on(topic).last().map(|m| &m.body)
    }

    /// All events of a panel in the order in which they first came, duplicates by id left out.
    pub(crate) fn events(&self, panel: &str) -> Vec<&Value> {
        let topic = format!("panels/{panel}/event");
        let mut ids = BTreeSet::new();
        let events = self.messages.iter().filter(|m| m.topic == topic).map(|m| &m.body);
        events.filter(|event| ids.insert(event["id"].as_str().unwrap_or_default())).collect()
    }

    /// What the zones of a panel did, in the order in which it was first told: `zone_opened` or `zone_closed`, and the
    /// zone.
    pub(crate) fn zone_changes(&self, panel: &str) -> Vec<(String, u64)> {
        zone_changes(self.events(panel), "kind")
    }
}

/// What zones did, from lines that call it `name`.
pub(crate) fn zone_changes<'a>(lines: impl IntoIterator<Item = &'a Value>, name: &str) -> Vec<(String, u64)> {
    let change = |line: &Value| {
        let kind = line[name].as_str().filter(|kind| ["zone_opened", "zone_closed"].contains(kind))?;
        Some((kind.to_owned(), line["zone"].as_u64()?))
    };
    lines.into_iter().filter_map(change).collect()
}
