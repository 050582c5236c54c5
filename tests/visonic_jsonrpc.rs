//! A Visonic panel behind the service of its PowerLink 3 module: the simulated module, the daemon and a broker, each a
//! process of its own.
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
use world::{Answer, Daemon, Observer, PanelSpec, Sim, SimPanel, Site, without_times_and_ids};

const PANEL: &str = "visonic-1";
const EXPERIMENTAL: &str = "experimental = true\n";

/// A site with one panel behind a module; online, its users read.
struct Online {
    site: Site,
    observer: Observer,
    daemon: Daemon,
    panel: SimPanel,
}

impl Online {
    fn start(sim: impl FnOnce(Sim) -> Sim, keys: &str) -> Self {
        let panel = sim(Sim::powerlink().with("partitions", 2).with("users", 3)).start();
        Self::with(panel, keys)
    }

    fn with(panel: SimPanel, keys: &str) -> Self {
        let site = Site::with_panel(PanelSpec::powerlink(PANEL, panel.addr()).with(keys));
        let observer = site.observe();
        let daemon = site.start();
        observer.wait_status(0, PANEL, "online");
        let at = Self { site, observer, daemon, panel };
        at.wait_user(0, 4, "the users", |user| user["code_state"] == "set");
        at
    }

    /// A panel whose users may be written.
    fn experimental() -> Self {
        Self::start(|sim| sim, EXPERIMENTAL)
    }

    /// Waits until a user is reported that fits.
    fn wait_user(&self, from: usize, slot: u16, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let slot = slot.to_string();
        let topic = format!("panels/{PANEL}/reported");
        let reported = self.observer.wait_for(what, from, &topic, |body| fits(&body["users"][slot.as_str()]));
        reported["users"][slot.as_str()].clone()
    }

    /// The action log's line of that result for a slot, as the cloud gets it.
    fn wait_logged(&self, action: &str, slot: u16, result: &str) -> Value {
        let fits = |line: &Value| line["action"] == action && line["slot"] == slot && line["result"] == result;
        self.observer.wait_for(action, 0, "log", fits)
    }

    fn users(&self, words: &[&str], input: &str) -> Answer {
        self.site.cli_with(&[&["users", PANEL], words].concat(), input)
    }

    fn set_code(&self, slot: u16, code: &str) -> Answer {
        self.users(&["set-code", &slot.to_string()], &format!("{code}\n{code}\n"))
    }

    /// How often the module wrote a code into a slot.
    fn written(&self, slot: u16) -> usize {
        self.panel.count("code_set", |line| line["slot"] == slot && line["by"] == "service")
    }
}

fn answered(user: &Value, field: &str, condition: &str) -> bool {
    user["answers"][field]["condition"] == condition
}

#[test]
fn a_code_is_set_changed_and_disabled_and_each_step_is_read_back_from_the_module() {
    let mut at = Online::experimental();
    let applied = |user: &Value| answered(user, "code", "applied") && user["code_state"] == "set";
    for code in ["4739", "5068"] {
        let mark = at.observer.mark();
        let told = at.set_code(7, code).ok();
        assert!(told.out.contains("applied") && told.out.contains("read back"), "{}", told.out);
        assert_eq!(at.panel.code(7).as_deref(), Some(code));
        let user = at.wait_user(mark, 7, "her code", applied);
        assert_eq!(user["evidence"]["code"], "read_back", "{user}");
        assert_eq!(user["answers"]["code"]["evidence"], "read_back", "{user}");
    }
    // The action log on MQTT.
    assert_eq!(at.wait_logged("set_code", 7, "accepted")["door"], "command_line");

    at.users(&["partitions", "7", "2"], "").ok();
    let user = at.wait_user(0, 7, "her partition", |user| answered(user, "partitions", "applied"));
    assert_eq!((&user["partitions"], &user["evidence"]["partitions"]), (&json!([2]), &json!("read_back")), "{user}");
    assert_eq!(at.panel.user(7).unwrap()["partitions"], json!([2]));
    at.wait_logged("set_partitions", 7, "accepted");
    at.users(&["label", "7", "Anna Ångström"], "").ok();
    let user = at.wait_user(0, 7, "her name", |user| user["label"] == "Anna Ångström");
    assert_eq!(user["code_state"], "set", "{user}");

    let mark = at.observer.mark();
    at.users(&["disable", "7", "--yes"], "").ok();
    assert_eq!(at.panel.code(7), None);
    let user = at.wait_user(mark, 7, "that she is gone", |user| user["code_state"] == "none");
    assert_eq!(user["evidence"]["code"], "read_back", "{user}");
    at.wait_logged("disable_user", 7, "accepted");
    assert_eq!(at.panel.count("code_deleted", |line| line["slot"] == 7), 1);

    // The module was told the codes in clear, nobody else was.
    let wire = at.site.cli(&["wire", PANEL]).ok().out;
    assert!(wire.contains("setUserCode"), "{wire}");
    at.daemon.stop();
    let (log, told) = (at.daemon.log().all(), at.observer.lines().all());
    assert!(log.iter().any(|line| line.contains("TRACE")), "searched at trace level");
    for code in ["\"4739\"", "\"5068\""] {
        let lines = log.iter().chain(&told).map(String::as_str).chain(wire.lines());
        let found: Vec<_> = lines.map(without_times_and_ids).filter(|line| line.contains(code)).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn a_code_that_another_user_has_is_refused_and_nothing_is_sent() {
    let mut at = Online::experimental();
    let theirs = at.panel.code(3).expect("user 3 has a code");
    at.set_code(7, &theirs).ends_with(1).complains(&["refused (code_not_available)"]);
    at.wait_logged("set_code", 7, "code_not_available");
    assert_eq!((at.panel.code(7), at.written(7)), (None, 0));
    // What the operator pushes is judged alike.
    at.site.operator(&["push", PANEL, "--slot", "8", "--code"], &format!("{theirs}\n")).ends_with(1);
    let user = at.wait_user(0, 8, "the answer", |user| answered(user, "code", "refused"));
    assert_eq!(user["answers"]["code"]["refusal"], "code_not_available", "{user}");
}

#[test]
fn without_experimental_writes_are_refused_with_what_to_do() {
    let mut at = Online::start(|sim| sim, "");
    let before = at.panel.users();
    let hints = ["refused (unsupported)", "`experimental = true`", "user settings"];
    at.set_code(2, "4739").ends_with(1).complains(&hints).complains(&["types the new code"]);
    at.users(&["partitions", "2", "1"], "").ends_with(1).complains(&hints).complains(&["then the partitions"]);
    at.users(&["disable", "2", "--yes"], "").ends_with(1).complains(&hints).complains(&["0000 deletes it"]);
    let line = at.wait_logged("set_code", 2, "unsupported");
    assert!(line["text"].as_str().unwrap().contains("user settings"), "{line}");
    // A name is the box's own matter.
    at.users(&["label", "2", "Berta"], "").ok();
    at.wait_user(0, 2, "her name", |user| user["label"] == "Berta");
    assert_eq!(at.panel.users(), before);
    let info = at.observer.wait_for("its model", 0, "info", |body| !body["panels"][0]["capabilities"].is_null());
    let sections = &info["panels"][0]["capabilities"]["sections"];
    assert_eq!((&sections["codes"], &sections["labels"]), (&json!("read_only"), &json!("cached")), "{info}");
}

#[test]
fn what_the_firmware_has_no_method_for_is_refused_and_the_rest_works() {
    // The older firmware lists no method for users' partitions.
    let mut at = Online::start(|sim| sim.set("profile", "2023"), EXPERIMENTAL);
    at.users(&["partitions", "2", "1"], "").ends_with(1).complains(&["refused (unsupported)", "firmware has no"]);
    at.wait_logged("set_partitions", 2, "unsupported");
    at.set_code(7, "4739").ok();
    assert_eq!(at.panel.code(7).as_deref(), Some("4739"));

    // And one without any method that writes users.
    let mut panel = Sim::powerlink().with("partitions", 2).with("users", 3).start();
    panel.poke("fault without setUserCode");
    let at = Online::with(panel, EXPERIMENTAL);
    let info = at.observer.wait_for("what it can do", 0, "info", |body| {
        body["panels"][0]["capabilities"]["sections"]["codes"] == "read_only"
    });
    assert_eq!(info["panels"][0]["capabilities"]["sections"]["partitions"], "read_write", "{info}");
    at.set_code(7, "4739").ends_with(1).complains(&["refused (unsupported)", "firmware has no", "user settings"]);
    at.wait_logged("set_code", 7, "unsupported");
    assert_eq!(at.written(7), 0);
}

#[test]
fn a_module_that_says_success_and_does_nothing_is_not_believed() {
    let mut at = Online::experimental();
    at.panel.poke("fault ignore_writes");
    let told = at.set_code(7, "4739").ends_with(1);
    assert!(told.out.contains("failed") && told.out.contains("the module took it but"), "{} {}", told.out, told.err);
    let user = at.wait_user(0, 7, "that it failed", |user| answered(user, "code", "failed"));
    assert_eq!(user["code_state"], "none", "{user}");
    assert_eq!(user["answers"]["code"]["error"]["code"], "not_confirmed", "{user}");
    assert_eq!(at.panel.code(7), None);

    // One that says no is told in its own words.
    at.panel.poke("fault ignore_writes off");
    at.panel.poke("fault refuse_writes");
    at.set_code(8, "5068").ends_with(1);
    let user = at.wait_user(0, 8, "that it failed", |user| answered(user, "code", "failed"));
    assert_eq!(user["answers"]["code"]["error"]["text"], "Programming is not allowed", "{user}");
    let seen = at.observer.seen();
    let applied = seen
        .on("panels/visonic-1/reported")
        .any(|m| ["7", "8"].iter().any(|slot| answered(&m.body["users"][*slot], "code", "applied")));
    assert!(!applied, "nothing was ever told as applied");
}

#[test]
fn a_box_that_is_killed_before_it_wrote_writes_once_after_its_start() {
    let mut at = Online::experimental();
    // The module hears nothing of it: accepted is accepted all the same.
    at.panel.freeze();
    let words = ["set-code", "7", "--no-wait"];
    at.users(&words, "4739\n4739\n").ends_with(3);
    at.daemon.kill();
    at.panel.thaw();
    assert_eq!((at.panel.code(7), at.written(7)), (None, 0));
    let mark = at.observer.mark();
    let mut daemon = at.site.start();
    let user = at.wait_user(mark, 7, "her code", |user| answered(user, "code", "applied"));
    assert_eq!(user["answers"]["code"]["evidence"], "read_back", "{user}");
    assert_eq!((at.panel.code(7).as_deref(), at.written(7)), (Some("4739"), 1));

    // Killed right after the module wrote it: the table of users shows it at the next start.
    let from = at.panel.mark();
    at.users(&["set-code", "8", "--no-wait"], "5068\n5068\n").ends_with(3);
    at.panel.wait(from, "code_set", |line| line["slot"] == 8);
    daemon.kill();
    let mark = at.observer.mark();
    let _daemon = at.site.start();
    at.wait_user(mark, 8, "her code", |user| answered(user, "code", "applied"));
    assert_eq!((at.panel.code(8).as_deref(), at.written(8), at.written(7)), (Some("5068"), 1, 1));
    at.wait_logged("set_code", 7, "accepted");
}

#[test]
fn what_happens_at_the_panel_and_what_is_done_to_it_reaches_the_broker() {
    let mut at = Online::start(|sim| sim.set("exit_seconds", 1), "");
    let done = |words: &[&str], input: &str| {
        let words = [&["panels"], words, &["--json"]].concat();
        let done = at.site.cli_with(&words, input).ok().json();
        assert_eq!((&done["result"], &done["evidence"]), (&json!("applied"), &json!("read_back")), "{words:?}");
    };
    let state = |what: &str, fits: &dyn Fn(&Value) -> bool| {
        at.observer.wait_for(what, 0, "panels/visonic-1/state", fits);
    };
    done(&["bypass", PANEL, "3"], "");
    state("bypassed", &|body| body["zones"]["3"]["bypassed"] == true);
    at.observer.wait_event(0, PANEL, "zone_bypassed", |event| event["zone"] == 3);
    done(&["bypass", PANEL, "3", "--off"], "");
    at.observer.wait_event(0, PANEL, "zone_unbypassed", |event| event["zone"] == 3);
    // With a typed code, and with the one that is stored for it.
    done(&["arm", PANEL, "2", "stay", "--code"], "1111\n");
    state("armed", &|body| body["partitions"]["2"]["arm"] != "disarmed");
    done(&["disarm", PANEL, "2"], "1111\n");
    done(&["arm", PANEL, "1", "away"], "");
    done(&["disarm", PANEL, "1"], "1111\n");
    for partition in [2, 1] {
        at.observer.wait_event(0, PANEL, "disarmed", |event| event["partition"] == partition);
    }
    at.site.cli_with(&["panels", "disarm", PANEL, "1"], "9876\n").ends_with(1).complains(&["refused the code"]);
    // A look every ten seconds shows what nobody asked about.
    at.panel.poke("open 2");
    at.observer.wait_event(0, PANEL, "zone_opened", |event| event["zone"] == 2);
}

#[test]
fn a_panel_is_watched_over_as_slowly_as_it_is_asked() {
    let panel = Sim::powerlink().start();
    let mut site = Site::with_panel(PanelSpec::powerlink(PANEL, panel.addr()));
    // A serial panel that does not enrol the box is asked once a minute.
    site.panels.push(PanelSpec::visonic("visonic-2", "device = \"/dev/ttyS9\"\n"));
    let check = |site: &Site| {
        let config = site.config();
        site.cli(&["check", "--config", config.to_str().unwrap()])
    };
    let told = check(&site).ok().out;
    let silences = told.lines().filter(|line| line.starts_with("visonic-") && line.contains("120s, 360s"));
    assert_eq!(silences.count(), 2, "{told}");
    let with = |general: &str| {
        let mut site = Site::new();
        let mut spec = PanelSpec::powerlink(PANEL, panel.addr());
        spec.general = format!("supervision = {{ {general} }}\n");
        site.panels.push(spec);
        check(&site)
    };
    assert!(with("period_s = 300").ok().out.contains("300s, 900s"));
    let short = with("offline_after_s = 200").ends_with(78);
    assert!(short.out.contains("less than twice the period of 120 s"), "{}", short.out);
}
