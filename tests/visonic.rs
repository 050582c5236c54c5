//! A Visonic panel on its PowerLink port: the simulated panel, the daemon and a broker, each a process of its own.
#![cfg(all(feature = "visonic", feature = "sim"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod world;

use serde_json::{Value, json};
use world::{Answer, Daemon, Observer, PanelSpec, Sim, SimPanel, Site, panelgate};

/// A site with one panel, `visonic-1`, behind a raw serial server; online.
struct Online {
    site: Site,
    observer: Observer,
    daemon: Daemon,
    panel: SimPanel,
}

impl Online {
    fn start(sim: impl FnOnce(Sim) -> Sim, spec: impl FnOnce(PanelSpec) -> PanelSpec) -> Self {
        let panel = sim(Sim::visonic(None).with("partitions", 2)).start();
        let line = format!("host = \"{}\"\nport = {}\n", panel.addr().ip(), panel.addr().port());
        let site = Site::with_panel(spec(PanelSpec::visonic("visonic-1", &line)));
        let observer = site.observe();
        let daemon = site.start();
        observer.wait_status(0, "visonic-1", "online");
        Self { site, observer, daemon, panel }
    }

    fn of_the_factory() -> Self {
        Self::start(|sim| sim, |spec| spec)
    }

    /// Waits until a user is reported that fits.
    fn wait_user(&self, slot: u16, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let slot = slot.to_string();
        let reported =
            self.observer.wait_for(what, 0, "panels/visonic-1/reported", |body| fits(&body["users"][slot.as_str()]));
        reported["users"][slot.as_str()].clone()
    }

    fn cli(&self, words: &[&str], input: &str) -> Answer {
        self.site.cli_with(words, input)
    }
}

#[test]
fn a_panel_on_a_serial_line_comes_online_and_what_happens_there_reaches_the_broker() {
    let mut site = Site::new();
    let pty = site.path("powerlink");
    let mut panel = Sim::visonic(Some(&pty)).with("partitions", 2).start();
    site.panels.push(PanelSpec::visonic("visonic-1", &format!("device = \"{}\"\n", pty.display())));
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "visonic-1", "online");
    for zone in 1..=3 {
        panel.poke(&format!("open {zone}"));
        observer.wait_event(0, "visonic-1", "zone_opened", |event| event["zone"] == zone);
        panel.poke(&format!("close {zone}"));
        observer.wait_event(0, "visonic-1", "zone_closed", |event| event["zone"] == zone);
    }
    let info = observer
        .wait_for("its model", 0, "info", |body| body["panels"][0]["capabilities"]["model"] == "PowerMaster 30");
    assert_eq!(info["panels"][0]["capabilities"]["sections"]["codes"], "read_only", "{info}");
    assert!(daemon.stop().success());
}

#[test]
fn users_are_read_with_their_partitions_and_their_codes_are_not_told() {
    const CODE: &str = "7391";
    let mut at = Online::start(
        |sim| sim.with("users", 5).with("password", "5A5B").with("seed", 9),
        |spec| PanelSpec { password: Some("5A5B".into()), ..spec },
    );
    at.panel.poke_until(&format!("edit 4 code {CODE}"), "code_set");
    at.panel.poke("edit 4 partitions 2");
    // Nothing tells the box that somebody programmed a user: a person asks.
    at.cli(&["users", "visonic-1", "refresh"], "").ok();
    let user = at.wait_user(4, "user 4 in partition 2", |user| user["partitions"] == json!([2]));
    assert_eq!((&user["code_state"], &user["role"]), (&json!("set"), &json!("user")), "{user}");
    assert_eq!(user["evidence"]["code"], "read_back", "{user}");
    at.wait_user(6, "user 6", |user| user["code_state"] == "set" && user["partitions"] == json!([1, 2]));
    at.wait_user(7, "no user 7", |user| user["code_state"] != "set");

    at.panel.poke("edit 4 delete");
    at.cli(&["users", "visonic-1", "refresh"], "").ok();
    at.wait_user(4, "user 4 gone", |user| user["code_state"] == "none");

    let wire = at.site.cli(&["wire", "visonic-1"]).ok().out;
    assert!(!wire.trim().is_empty());
    at.daemon.stop();
    // Four digits turn up by chance among times and ids: looked for are the shapes in which codes are written.
    let (log, told) = (at.daemon.log().all(), at.observer.lines().all());
    assert!(log.iter().any(|line| line.contains("TRACE")), "searched at trace level");
    for shape in ["\"7391\"", "73 91", "0x73, 0x91", "[115, 145", "5A 5B", "5a 5b", "\"5A5B\"", "0x5a, 0x5b", "[90, 91"]
    {
        let lines = log.iter().chain(&told).map(String::as_str).chain(wire.lines());
        let found: Vec<_> = lines.filter(|line| line.contains(shape)).collect();
        assert!(found.is_empty(), "{shape}: {found:?}");
    }
}

#[test]
fn all_48_users_arrive_over_a_line_of_9600_and_of_38400_baud() {
    let arrive = |baud: u32| {
        let mut site = Site::new();
        let pty = site.path("powerlink");
        let sim = Sim::visonic(Some(&pty)).with("partitions", 2).with("users", 47).with("seed", baud);
        let mut panel = sim.set("baud", baud).start();
        let line = format!("device = \"{}\"\nbaud = {baud}\n", pty.display());
        site.panels.push(PanelSpec::visonic("visonic-1", &line));
        let observer = site.observe();
        let _daemon = site.start();
        observer.wait_status(0, "visonic-1", "online");
        let is_known = |user: &Value| user["code_state"] == "set" && user["evidence"]["code"] == "read_back";
        let reported = observer.wait_for("48 users", 0, "panels/visonic-1/reported", |body| {
            (1..=48).all(|slot: u16| is_known(&body["users"][slot.to_string().as_str()]))
        });
        assert_eq!(reported["users"].as_object().unwrap().len(), 48, "{baud} baud");
        for user in panel.users().as_array().unwrap() {
            let slot = user["slot"].to_string();
            assert_eq!(reported["users"][slot.as_str()]["partitions"], user["partitions"], "user {slot}, {baud} baud");
        }
        panel.poke("edit 48 delete");
        site.cli(&["users", "visonic-1", "refresh"]).ok();
        observer
            .wait_for("no user 48", 0, "panels/visonic-1/reported", |body| body["users"]["48"]["code_state"] == "none");
        assert_eq!(panel.state()["baud"], baud);
    };
    std::thread::scope(|scope| {
        for baud in [9_600, 38_400] {
            scope.spawn(move || arrive(baud));
        }
    });
}

#[test]
fn what_cannot_be_written_is_refused_with_what_to_do_at_the_panel() {
    let mut at = Online::start(|sim| sim.with("users", 3), |spec| spec);
    at.wait_user(2, "user 2", |user| user["code_state"] == "set");
    let before = at.panel.users();
    let set_code = at.cli(&["users", "visonic-1", "set-code", "2"], "2846\n2846\n");
    set_code.ends_with(1).complains(&["refused (unsupported)", "at the panel", "user settings"]);
    let partitions = at.cli(&["users", "visonic-1", "partitions", "2", "1"], "");
    partitions.ends_with(1).complains(&["refused (unsupported)", "then the partitions"]);
    at.cli(&["users", "visonic-1", "disable", "2", "--yes"], "").ends_with(1).complains(&["unsupported", "0000"]);
    // A name is the box's own matter.
    at.cli(&["users", "visonic-1", "label", "2", "Anna Ångström"], "").ok();
    at.wait_user(2, "her name", |user| user["label"] == "Anna Ångström");
    assert_eq!(at.panel.users(), before);

    let log = at.site.cli(&["log", "list", "--last", "9", "--json"]).ok();
    assert!(log.out.contains("unsupported") && log.out.contains("user settings"), "{}", log.out);
    // The cloud's wish is answered too, value by value.
    let push = at.site.operator(&["push", "visonic-1", "--slot", "3", "--code"], "2846\n");
    push.ends_with(1);
    let user = at.wait_user(3, "the answer", |user| user["answers"]["code"]["condition"] == "refused");
    assert_eq!(user["answers"]["code"]["refusal"], "unsupported", "{user}");
}

#[test]
fn arming_and_disarming_count_when_the_panel_shows_them() {
    let mut at = Online::of_the_factory();
    let state = |partition: &str, arm: &'static str| {
        let partition = partition.to_owned();
        move |body: &Value| body["partitions"][partition.as_str()]["arm"] == arm
    };
    let armed = at.cli(&["panels", "arm", "visonic-1", "2", "stay", "--code", "--json"], "1111\n").ok();
    assert_eq!((&armed.json()["result"], &armed.json()["evidence"]), (&json!("applied"), &json!("read_back")));
    at.observer.wait_for("armed", 0, "panels/visonic-1/state", state("2", "armed"));
    let disarmed = at.cli(&["panels", "disarm", "visonic-1", "2", "--json"], "1111\n").ok();
    assert_eq!((&disarmed.json()["result"], &disarmed.json()["evidence"]), (&json!("applied"), &json!("read_back")));
    for kind in ["armed", "disarmed"] {
        at.observer.wait_event(0, "visonic-1", kind, |event| event["partition"] == 2);
    }
    // Nothing was done with a wrong code, and the panel's own word is told.
    let wrong = at.cli(&["panels", "disarm", "visonic-1", "1"], "9876\n");
    assert_ne!(wrong.code, Some(0), "{}", wrong.out);
    let partitions = at.panel.state()["partitions"].clone();
    assert_eq!((&partitions[0]["state"], &partitions[1]["state"]), (&json!("ready"), &json!("ready")));
}

#[test]
fn the_siren_is_silenced_and_the_installer_code_is_proved() {
    let mut at = Online::of_the_factory();
    at.panel.poke("panic police");
    at.observer.wait_event(0, "visonic-1", "panic_alarm", |_| true);
    at.cli(&["panels", "silence", "visonic-1", "9"], "1111\n").ends_with(1).complains(&["partition_not_available"]);
    at.cli(&["panels", "silence", "visonic-1", "1"], "1111\n").ok();
    at.cli(&["panels", "verify-installer-code", "visonic-1"], "8888\n").ok();
    at.cli(&["panels", "verify-installer-code", "visonic-1"], "8889\n").ends_with(1);
    let change = at.cli(&["panels", "change-installer-code", "visonic-1"], "7531\n7531\n");
    change.ends_with(1).complains(&["unsupported"]);
}

#[test]
fn a_capture_is_decoded_and_keys_for_it_are_refused() {
    let decode = |more: &[&str], input: &str| {
        let mut command = panelgate();
        command.args(["decode", "visonic"]).args(more);
        Answer::of(command, input)
    };
    let arm = "> 0D A1 00 00 05 12 34 07 00 00 00 00 43 C8 0A\n";
    let capture = format!("# a remark\n{arm}< 0D A7 01 00 00 2B 01 FF 00 01 00 00 43 E6 0A\nnonsense\n");
    let rows = decode(&[], &capture).ok();
    let lines = rows.json_lines();
    let oks: Vec<_> = lines.iter().map(|line| line["ok"] == true).collect();
    assert_eq!(oks, [true, true, false], "{}", rows.out);
    assert_eq!(lines[1]["event"]["trouble"]["kind"], "ac_lost", "{}", rows.out);
    assert!(!rows.out.contains("1234"), "{}", rows.out);
    assert_eq!(decode(&["--show-codes"], arm).ok().json_lines()[0]["fields"]["code"], "1234");
    decode(&["--identifier", "1"], "").ends_with(1).complains(&["not encrypted"]);
}
