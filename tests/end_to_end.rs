//! The whole house, each part a real one: simulated panels, the daemon, a broker, a stock subscriber, people at the
//! command line. What goes wrong is in `faults.rs`, sudden death in `kill.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod world;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use world::{Canary, Observer, PanelSpec, Program, Sim, Site, free_port, panelgate, without_times_and_ids};

/// A code that every test of secrets uses: long enough not to turn up by chance.
const CANARY: &str = "739182";

#[test]
fn the_demo_shows_a_stock_subscriber_everything() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = panelgate();
    command.arg("demo").arg("--data-dir").arg(dir.path()).args(["--mqtt", &format!("127.0.0.1:{port}")]);
    let demo = Program::start("panelgate demo", command);
    demo.out.wait_for(&port.to_string(), 0);
    let observer = Observer::watch(port, "panelgate", "v1");
    let topic = |end: &'static str| move |topic: &str| topic.ends_with(end);
    let info = observer.wait_where("info", topic("/info"), |body| body["panels"].is_array().then(|| body.clone()));
    let panels: Vec<_> = info["panels"].as_array().unwrap().iter().map(|p| p["panel"].as_str().unwrap()).collect();
    assert!(panels.len() >= 3, "{info}");
    for panel in panels {
        let wait = |what: &str, end: &str, fits: fn(&Value) -> bool| {
            let end = format!("/panels/{panel}/{end}");
            observer.wait_where(what, |topic| topic.ends_with(&end), |body| fits(body).then_some(()));
        };
        wait("online", "status", |body| body["state"] == "online");
        wait("zones", "state", |body| body["zones"].as_object().is_some_and(|zones| !zones.is_empty()));
        wait("a version", "reported", |body| body["version"].is_u64());
        wait("a zone that opens", "event", |body| body["kind"] == "zone_opened");
    }
}

#[test]
fn a_code_typed_at_the_command_line_reaches_the_panel_and_is_found_nowhere_else() {
    let canary = Canary::new(CANARY);
    canary.proves_itself();
    let mut panel = Sim::envisalink().with("code-length", 6).start();
    let site = Site::with_panel(PanelSpec::envisalink("dsc-1", panel.addr()).six_digits());
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");

    let mut person = site.cli_at_terminal(&["users", "dsc-1", "set-code", "4"]);
    person.expect_hidden("new code for user 4");
    person.type_line(CANARY);
    person.expect_hidden("once more");
    person.type_line(CANARY);
    let (done, screen) = person.finish();
    assert!(done, "{screen}");
    assert!(screen.contains("dsc-1 4 code: applied"), "{screen}");
    assert_eq!(panel.code(4).as_deref(), Some(CANARY));
    panel.wait_menus_left();

    let is_set = |user: &Value| user["code_state"] == "set" && user["answers"]["code"]["condition"] == "applied";
    let reported = observer.wait_for("the user", 0, "panels/dsc-1/reported", |body| is_set(&body["users"]["4"]));
    let delta = observer.wait_for("the user", 0, "panels/dsc-1/delta", |body| is_set(&body["users"]["4"]));
    let evidence = &reported["users"]["4"]["evidence"]["code"];
    assert!(*evidence == "written_blind" || *evidence == "acknowledged", "an Envisalink shows no code: {reported}");
    assert_eq!(delta["users"]["4"]["evidence"]["code"], *evidence);
    assert_eq!(delta["users"]["4"]["answers"]["code"]["evidence"], *evidence);

    let wire = site.cli(&["wire", "dsc-1"]).ok();
    daemon.stop();
    observer.wait_for("the end", 0, "status", |body| body["state"] == "disconnected");
    let seen = observer.seen();
    let lines: Vec<_> = seen.on("log").filter(|m| m.body["action"] != "unlock").collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0].body["action"], "set_code");
    assert_eq!(lines[0].body["slot"], 4);
    assert_eq!(lines[0].body["result"], "accepted");
    assert_eq!(lines[0].body["door"], "command_line");

    canary.not_in("the person's screen", screen.as_bytes());
    canary.not_in("the wire log", wire.out.as_bytes());
    assert!(!wire.out.trim().is_empty());
    canary.not_below(&site.data_dir());
    canary.not_in_lines("the log", &daemon.log().all());
    assert!(daemon.log().all().iter().any(|line| line.contains("TRACE")), "searched at trace level");
    canary.not_in_lines("MQTT", &observer.lines().all());
    canary.not_in_lines("the broker's log", &site.broker.log());
}

#[test]
fn a_sealed_code_pushed_while_the_box_is_off_is_applied_once_when_it_starts() {
    let canary = Canary::new(CANARY);
    let mut panel = Sim::envisalink().with("code-length", 6).start();
    let site = Site::with_panel(PanelSpec::envisalink("dsc-1", panel.addr()).six_digits());
    let observer = site.observe();
    // Once on, so that its sealing key is known.
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    daemon.stop();

    let sealed = site.operator(&["seal"], &format!("{CANARY}\n")).ok();
    canary.not_in("what the operator sends", sealed.out.as_bytes());
    let document = json!({"version": 1, "users": {"7": {"code": sealed.json(), "label": "Anna"}}});
    site.operator(&["push", "dsc-1"], &document.to_string()).ends_with(3).complains(&["is not connected"]);

    let mut daemon = site.start();
    let done = |user: &Value| user["answers"]["code"]["condition"] == "applied";
    let reported = observer.wait_for("the user", 0, "panels/dsc-1/reported", |body| done(&body["users"]["7"]));
    assert_eq!(reported["cloud_version"], 1);
    assert_eq!(reported["users"]["7"]["label"], "Anna");
    assert_eq!(panel.code(7).as_deref(), Some(CANARY));
    panel.wait_menus_left();
    daemon.stop();

    // The document is still there, retained; starting again does nothing again.
    let mark = observer.mark();
    let mut daemon = site.start();
    observer.wait_status(mark, "dsc-1", "online");
    observer.wait_for("the document's answer", mark, "panels/dsc-1/reported", |body| body["cloud_version"] == 1);
    site.cli(&["users", "dsc-1", "label", "7", "Berta"]).ok();
    daemon.stop();
    assert_eq!(panel.count("code_set", |line| line["slot"] == 7), 1);
    assert_eq!(panel.count("menu_opened", |line| line["by"] == "module"), 1);
    canary.not_below(&site.data_dir());
    canary.not_in_lines("MQTT", &observer.lines().all());
    canary.not_in_lines("the log", &daemon.log().all());
}

#[test]
fn over_an_it100_partitions_and_roles_are_toggled_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let pty = dir.path().join("it100");
    let mut panel = Sim::it100(&pty).with("partitions", 3).start();
    let site = Site::with_panel(PanelSpec::it100("dsc-2", &pty).with("partitions = [1, 2, 3]\n"));
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-2", "online");

    site.cli_with(&["users", "dsc-2", "set-code", "4"], "2846\n2846\n").ok();
    site.cli(&["users", "dsc-2", "partitions", "4", "1,3"]).ok();
    let role = site.cli(&["users", "dsc-2", "role", "4", "supervisor"]).ok();
    assert!(role.out.contains("read back"), "{}", role.out);
    let user = panel.user(4).expect("user 4");
    assert_eq!(user["code"], "2846");
    assert_eq!(user["partitions"], json!([1, 3]));
    panel.wait_menus_left();
    let reported = observer.wait_for("the role", 0, "panels/dsc-2/reported", |body| {
        body["users"]["4"]["answers"]["role"]["condition"] == "applied"
    });
    let told = &reported["users"]["4"];
    assert_eq!(told["role"], "supervisor");
    assert_eq!(told["partitions"], json!([1, 3]));
    assert_eq!(told["evidence"]["partitions"], "read_back", "{told}");
    assert_eq!(told["evidence"]["role"], "read_back", "{told}");

    // U5, U7: a master has all partitions and stays.
    site.cli(&["users", "dsc-2", "partitions", "40", "1"]).ends_with(1).complains(&["master_partitions_fixed"]);
    site.cli(&["users", "dsc-2", "disable", "40", "--yes"]).ends_with(1).complains(&["master_cannot_be_disabled"]);

    site.cli(&["users", "dsc-2", "disable", "4", "--yes"]).ok();
    assert_eq!(panel.code(4), None);
    let reported =
        observer.wait_for("no user", 0, "panels/dsc-2/reported", |body| body["users"]["4"]["code_state"] == "none");
    site.cli(&["users", "dsc-2", "disable", "4", "--yes"]).ends_with(1).complains(&["code_not_set"]);
    let told = &reported["users"]["4"];
    assert_eq!(told["label"], "User 4", "U6: the label falls back");
    assert!(told["partitions"].is_null() && told["role"].is_null(), "{told}");
    daemon.stop();
    panel.wait_menus_left();
}

#[test]
fn a_partition_is_armed_and_disarmed_from_the_command_line() {
    let mut panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");

    site.cli_with(&["panels", "arm", "dsc-1", "1", "away", "--code"], "1234\n").ok();
    observer.wait_event(0, "dsc-1", "armed", |event| event["mode"] == "away" && event["partition"] == 1);
    observer.wait_for("armed", 0, "panels/dsc-1/state", |body| body["partitions"]["1"]["arm"] == "armed");
    observer.wait_event(0, "dsc-1", "closing", |event| event["slot"] == 40);

    let from = panel.mark();
    let wrong = site.cli_with(&["panels", "disarm", "dsc-1", "1"], "9999\n").ends_with(1);
    assert!(wrong.err.contains("refused ("), "{}", wrong.err);
    panel.wait(from, "wrong_code", |_| true);
    assert_eq!(panel.state()["partitions"][0]["state"], "armed");

    site.cli_with(&["panels", "disarm", "dsc-1", "1"], "1234\n").ok();
    observer.wait_event(0, "dsc-1", "disarmed", |event| event["partition"] == 1);
    observer.wait_event(0, "dsc-1", "opening", |event| event["slot"] == 40);

    // Somebody at the keypad, too.
    panel.poke("arm stay 1 40");
    observer.wait_event(0, "dsc-1", "armed", |event| event["mode"] == "stay");
    panel.poke("disarm 1 40");
    let shown = site.cli(&["panels", "show", "dsc-1", "--json"]).ok().json();
    assert_eq!(shown["row"]["panel"], "dsc-1");
    let lines = site.cli(&["log", "list", "--json"]).ok();
    let text = lines.out;
    assert!(text.contains("\"disarm\"") && text.contains("\"arm\""), "{text}");
    let told = without_times_and_ids(&text);
    assert!(!told.contains("1234") && !told.contains("9999"), "{text}");
}

#[test]
fn what_happens_at_the_panel_is_told_in_order() {
    let mut panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    for zone in 1..=4 {
        panel.poke_until(&format!("open {zone}"), "zone_opened");
        panel.poke_until(&format!("close {zone}"), "zone_closed");
    }
    panel.poke("ac off");
    observer.wait_event(0, "dsc-1", "trouble", |event| event["trouble"]["kind"] == "ac_lost");
    panel.poke("ac on");
    observer.wait_event(0, "dsc-1", "trouble_restored", |event| event["trouble"]["kind"] == "ac_lost");
    panel.poke("panic police");
    let alarm = observer.wait_event(0, "dsc-1", "panic_alarm", |_| true);
    assert_eq!(alarm["signal"], json!({"contact_id": "E120", "sia": "PA"}));
    assert_eq!(alarm["severity"], "critical");

    let seen = observer.seen();
    let events = seen.events("dsc-1");
    let zones: Vec<_> = events.iter().filter(|e| e["class"] == "zone").collect();
    let wanted = (1..=4).flat_map(|zone| [("zone_opened".to_owned(), zone), ("zone_closed".to_owned(), zone)]);
    assert_eq!(seen.zone_changes("dsc-1"), wanted.collect::<Vec<_>>());
    let seqs: Vec<_> = zones.iter().map(|e| e["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
    let ids: BTreeSet<_> = events.iter().map(|e| e["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), events.len());

    // The box tells people at the site the same.
    let here = site.cli(&["events", "--panel", "dsc-1", "--last", "200", "--json"]).ok().out;
    assert!(ids.iter().all(|id| here.contains(id)), "{here}");
    let delivered = || site.cli(&["status", "--json"]).ok().json()["cloud"]["delivered"].as_u64().unwrap();
    let late = panel_driver::clock::now() + world::deadline();
    while delivered() < ids.len() as u64 {
        assert!(panel_driver::clock::now() < late, "what the broker took is counted: {}", delivered());
    }
}

#[test]
fn labels_stay_on_the_box_where_the_panel_has_none() {
    let mut panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    site.cli(&["users", "dsc-1", "label", "4", "Anna"]).ends_with(1).complains(&["code_not_set"]);
    site.cli_with(&["users", "dsc-1", "set-code", "4"], "2846\n2846\n").ok();
    let said = site.cli(&["users", "dsc-1", "label", "4", "Anna Ångström"]).ok();
    assert!(said.out.contains("kept by the box"), "{}", said.out);
    site.cli(&["users", "dsc-1", "label", "4", &"x".repeat(200)]).ends_with(1).complains(&["label_format"]);
    site.cli(&["users", "dsc-1", "label", "4", "bell\u{7}"]).ends_with(1).complains(&["label_format"]);
    daemon.stop();
    let _daemon = site.start();
    let page = site.cli(&["users", "dsc-1", "list", "--json"]).ok().json();
    assert_eq!(page["shown"], "1-15 of 95", "U15");
    let user = page["rows"].as_array().unwrap().iter().find(|row| row["slot"] == 4).unwrap();
    assert_eq!(user["label"], "Anna Ångström");
    assert_eq!(page["rows"][0]["label"], "User 1", "U2");
    assert_eq!(panel.count("code_set", |_| true), 1, "the label was no business of the panel's");
    let _ = panel.users();
}

#[test]
fn a_second_daemon_on_the_same_data_says_so_and_stops() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let daemon = site.start();
    let answer = site.start_in_vain();
    assert_ne!(answer.code, Some(0));
    assert!(answer.err.contains("another panelgate"), "{}", answer.err);
    assert!(answer.err.contains(&daemon.pid().to_string()) || answer.err.contains("data"), "{}", answer.err);
    site.cli(&["panels"]).ok();
}

#[test]
fn a_newcomer_is_told_what_is_wrong_and_what_to_do() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    site.cli(&["panels"]).ends_with(1).complains(&["no daemon answers", "panelgate run --config"]);
    site.cli(&["users"]).ends_with(2).complains(&["PANEL"]);
    assert!(site.cli(&["help", "users"]).ok().out.contains("set-code"));
    site.cli(&["simulate", "acme", "--listen", "127.0.0.1:0"]).complains(&["acme", "dsc"]);

    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    let set = |slot: &str, input: &str| site.cli_with(&["users", "dsc-1", "set-code", slot], input);
    site.cli(&["users", "dsc-9"]).ends_with(1).complains(&["panel_not_found", "panelgate panels list"]);
    set("4", "2846\n2864\n").ends_with(1).complains(&["differ", "nothing was changed"]);
    set("4", "").ends_with(1).complains(&["stdin"]);
    set("4", "28466\n28466\n").ends_with(1).complains(&["code_format"]);
    set("4", "28x6\n28x6\n").ends_with(1).complains(&["code_format"]);
    set("0", "").ends_with(2);
    set("96", "2846\n2846\n").ends_with(1).complains(&["slot_not_available"]);
    set("4", "1234\n1234\n").ends_with(1).complains(&["code_not_available"]);
    site.cli(&["users", "dsc-1", "disable", "4"]).ends_with(1).complains(&["--yes"]);
    site.cli(&["users", "dsc-1", "role", "4", "king"]).ends_with(2).complains(&["king", "supervisor"]);
    site.cli(&["users", "dsc-1", "tags", "4"]).ends_with(1).complains(&["unsupported"]);
    site.cli(&["panels", "arm", "dsc-1", "7"]).ends_with(1).complains(&["partition_not_available"]);
    site.cli(&["panels", "output", "dsc-1", "1", "9"]).ends_with(1).complains(&["not_found"]);

    // Over an Envisalink nobody sees which partitions a user has: blind toggles are not offered.
    set("4", "2846\n2846\n").ok();
    site.cli(&["users", "dsc-1", "partitions", "4", "1"]).ends_with(1).complains(&["unsupported"]);
    site.cli(&["users", "dsc-1", "role", "4", "supervisor"]).ends_with(1).complains(&["unsupported"]);
    // U9: never whose it is.
    let taken = set("5", "2846\n2846\n").ends_with(1).complains(&["code_not_available"]);
    assert!(!taken.err.contains("2846") && !taken.err.contains("user 4"), "{}", taken.err);
    assert_eq!(panel.count("code_set", |_| true), 1);
}

#[test]
fn a_configuration_that_cannot_work_is_told_with_every_error_at_once() {
    let mut site = Site::new();
    site.extra = "[stoer]\nx = 1\n".into();
    let mut panel = PanelSpec::envisalink("dsc-1", "127.0.0.1:1".parse().unwrap());
    panel.more = "code_length = 5\npartitions = [9]\ninterfase = \"x\"\n".into();
    site.panels.push(panel.clone());
    site.panels.push(panel);
    let told = site.start_in_vain().ends_with(78);
    told.complains(&["stoer", "code_length", "partitions", "interfase", "used twice"]);
    let check = site.cli(&["check", "--config", site.config().to_str().unwrap()]);
    assert_eq!(check.code, Some(78), "{}{}", check.out, check.err);
}

#[test]
fn on_sigterm_the_box_leaves_in_good_order() {
    let mut panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    let online = observer.wait_for("online", 0, "status", |body| body["state"] == "online");
    panel.poke_until("open 3", "zone_opened");
    assert!(daemon.stop().success(), "it ends by itself, and well");
    let gone = observer.wait_for("the goodbye", 0, "status", |body| body["state"] == "disconnected");
    assert_eq!(gone["boot"], online["boot"]);
    observer.wait_event(0, "dsc-1", "zone_opened", |event| event["zone"] == 3);
    panel.wait(0, "client_gone", |_| true);
    assert!(!site.socket().exists(), "the socket goes with the daemon");

    // Retained: who subscribes now learns the same.
    let late = Observer::watch(site.broker.port, "panelgate/v1/site-1/status", "x");
    late.lines().wait_for("\"state\":\"disconnected\"", 0);
    // A death without last words is another thing.
    let mark = observer.mark();
    let mut daemon = site.start();
    let again = observer.wait_for("online", mark, "status", |body| body["state"] == "online");
    assert_ne!(again["boot"], online["boot"]);
    daemon.kill();
    let lost = observer.wait_for("the will", mark, "status", |body| body["state"] == "lost");
    assert_eq!(lost["boot"], again["boot"], "the will names the start that it belongs to");
}

#[test]
fn sigterm_in_the_middle_of_a_menu_leaves_the_menu_first() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    site.cli_with(&["users", "dsc-1", "set-code", "4", "--no-wait"], "2846\n2846\n").ends_with(3);
    panel.wait(0, "menu_opened", |line| line["by"] == "module");
    daemon.stop();
    panel.wait_menus_left();
    // The wish is not forgotten.
    let _daemon = site.start();
    observer.wait_for("the user", 0, "panels/dsc-1/reported", |body| {
        body["users"]["4"]["answers"]["code"]["condition"] == "applied"
    });
    panel.wait_menus_left();
}

#[test]
fn a_change_at_the_keypad_is_told_and_by_default_stands() {
    let dir = tempfile::tempdir().unwrap();
    let pty = dir.path().join("it100");
    let mut panel = Sim::it100(&pty).start();
    let site = Site::with_panel(PanelSpec::it100("dsc-2", &pty));
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-2", "online");
    site.cli_with(&["users", "dsc-2", "set-code", "4"], "2846\n2846\n").ok();
    panel.wait_menus_left();
    panel.poke_until("edit 4 delete", "code_deleted");
    panel.wait(0, "menu_left", |line| line["by"] == "person");
    let _reading = site.cli_beside(&["users", "dsc-2", "refresh"]);
    let event = observer.wait_event(0, "dsc-2", "user_divergence", |event| event["slot"] == 4);
    assert_eq!(event["text"], "user removed");
    observer.wait_for("no user", 0, "panels/dsc-2/reported", |body| body["users"]["4"]["code_state"] == "none");
    assert_eq!(panel.count("code_set", |line| line["by"] == "module"), 1, "nobody puts it back");
}
