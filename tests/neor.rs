//! Panels that dial the box: simulated PowerSeries Neo, the daemon and a broker, each a process of its own.
#![cfg(all(feature = "neor", feature = "sim"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking"
)]

mod world;

use std::fs;
use std::net::{SocketAddr, TcpStream};

use panel_driver::clock;
use serde_json::{Value, json};
use world::{Answer, Canary, Daemon, Observer, PanelSpec, Sim, SimPanel, Site, free_port, panelgate};

const ID: &str = "310212345678";

/// An address that panels dial, on a port of its own.
fn door() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

/// A site with one panel of the factory, `neor-1`, online.
struct Online {
    site: Site,
    observer: Observer,
    daemon: Daemon,
    panel: SimPanel,
    door: SocketAddr,
}

impl Online {
    fn start(sim: impl FnOnce(Sim) -> Sim, spec: impl FnOnce(PanelSpec) -> PanelSpec) -> Self {
        let door = door();
        let site = Site::with_panel(spec(PanelSpec::neor("neor-1", ID, door)));
        let observer = site.observe();
        let daemon = site.start();
        let panel = sim(Sim::neor(ID, door)).start();
        observer.wait_status(0, "neor-1", "online");
        Self { site, observer, daemon, panel, door }
    }

    fn of_the_factory() -> Self {
        Self::start(|sim| sim, |spec| spec)
    }
}

#[test]
fn a_panel_that_dials_comes_online_and_what_happens_there_reaches_the_broker() {
    for encryption in ["type1", "type2", "none"] {
        let number = ["none", "type1", "type2"].iter().position(|word| *word == encryption).unwrap();
        let spec = |mut spec: PanelSpec| {
            spec.way = spec.way.replace("\"type1\"", &format!("\"{encryption}\""));
            spec.password = Some("12345678".repeat(if encryption == "type2" { 4 } else { 1 }));
            spec
        };
        let mut at = Online::start(|sim| sim.set("encryption", number), spec);
        for zone in 1..=3 {
            at.panel.poke(&format!("open {zone}"));
            at.observer.wait_event(0, "neor-1", "zone_opened", |event| event["zone"] == zone);
            at.panel.poke(&format!("close {zone}"));
            at.observer.wait_event(0, "neor-1", "zone_closed", |event| event["zone"] == zone);
        }
        let info = at.observer.wait_for("its model", 0, "info", |body| body["panels"][0]["vendor"] == "neor");
        assert!(info["wanting"].is_null(), "a panel that is configured does not want in: {info}");
        let status = at.site.cli(&["status"]).ok().out;
        assert!(status.contains(&format!("neor on {}: 1 panels known", at.door)), "{status}");
        assert!(at.daemon.stop().success(), "{encryption}");
    }
}

#[test]
fn a_code_that_the_operator_pushes_is_written_and_read_back_and_found_nowhere_else() {
    const CODE: &str = "739182";
    let canary = Canary::new(CODE);
    let access = Canary::new("5A0C93E1");
    let mut at = Online::start(
        |sim| sim.with("code-length", 6).set("type1_code", "5A0C93E1"),
        |mut spec| {
            spec.password = Some("5A0C93E1".into());
            spec.six_digits()
        },
    );
    let push = ["push", "neor-1", "--slot", "4", "--code", "--label", "Anna Ångström"];
    at.site.operator(&push, &format!("{CODE}\n")).ok();
    assert_eq!(at.panel.code(4).as_deref(), Some(CODE));
    let reported = at.observer.wait_for("the user", 0, "panels/neor-1/reported", |body| {
        body["users"]["4"]["answers"]["code"]["condition"] == "applied"
    });
    let user = &reported["users"]["4"];
    assert_eq!(user["answers"]["code"]["evidence"], "read_back", "{user}");
    assert_eq!(user["label"], "Anna Ångström", "{user}");

    let wire = at.site.cli(&["wire", "neor-1"]).ok().out;
    assert!(!wire.trim().is_empty());
    at.daemon.stop();
    for secret in [&canary, &access] {
        secret.not_in("the wire log", wire.as_bytes());
        secret.not_below(&at.site.data_dir());
        secret.not_in_lines("the log", &at.daemon.log().all());
        secret.not_in_lines("MQTT", &at.observer.lines().all());
    }
    assert!(at.daemon.log().all().iter().any(|line| line.contains("TRACE")), "searched at trace level");
}

#[test]
fn a_panel_that_nobody_configured_is_shown_and_can_be_taken_in() {
    let door = door();
    let mut site = Site::new();
    site.extra = format!("[[listen]]\nvendor = \"neor\"\naddress = \"{door}\"\n");
    let observer = site.observe();
    let mut daemon = site.start();
    let none = site.cli(&["panels", "wanting", "--json"]).ok().json();
    assert_eq!((none["wanting"].as_array().unwrap().len(), &none["doors"][0]["open"]), (0, &json!(true)));
    site.cli(&["panels", "adopt", ID]).ends_with(1).complains(&["panels wanting"]);

    let panel = Sim::neor(ID, door).start();
    let info = observer.wait_for("that it wants in", 0, "info", |body| body["wanting"][0]["identifier"] == ID);
    assert_eq!(info["wanting"][0]["vendor"], "neor");
    panel.wait(0, "client_gone", |_| true);
    let shown = site.cli(&["panels", "wanting", "--json"]).ok().json();
    let row = &shown["wanting"][0];
    assert_eq!((&row["identifier"], &row["listen"]), (&json!(ID), &json!(door.to_string())));
    assert!(row["count"].as_u64().unwrap() >= 1 && shown["doors"][0]["unknown"].as_u64().unwrap() >= 1, "{shown}");
    let table = site.cli(&["panels", "wanting"]).ok();
    assert!(table.out.contains(ID) && table.err.contains("panels adopt"), "{} {}", table.out, table.err);
    let refused = site.cli(&["status"]).ok().out;
    assert!(refused.contains("1 want in"), "{refused}");

    // What is printed is what the file wants, but for the secrets' places.
    let stanza = site.cli(&["panels", "adopt", ID]).ok().out;
    assert!(stanza.contains("id = \"neor-1\""), "{stanza}");
    daemon.stop();
    for (file, secret) in [("neor-1.access-code", "12345678"), ("neor-1.master-code", "1234")] {
        site.secret_file(file, secret);
    }
    site.extra = stanza.replace("/etc/panelgate/", "").replace("\"type2\"", "\"type1\"");
    let mark = observer.mark();
    let _daemon = site.start();
    observer.wait_status(mark, "neor-1", "online");
    observer.wait_for("nobody", mark, "info", |body| body["wanting"].is_null());
}

#[test]
fn of_two_sessions_with_one_identifier_the_newest_wins_and_that_is_told() {
    let mut at = Online::of_the_factory();
    at.panel.poke("open 1");
    at.observer.wait_event(0, "neor-1", "zone_opened", |event| event["zone"] == 1);
    let mark = at.panel.mark();
    // It does not dial again for a while: then both would take the place from each other.
    let mut second = Sim::neor(ID, at.door).start();
    let told = at.observer.wait_event(0, "neor-1", "panel_taken_over", |_| true);
    assert!(told["text"].as_str().unwrap().contains("127.0.0.1:"), "{told}");
    at.panel.wait(mark, "client_gone", |_| true);
    at.panel.quit();
    second.poke("open 2");
    at.observer.wait_event(0, "neor-1", "zone_opened", |event| event["zone"] == 2);
    let doors = at.site.cli(&["panels", "wanting", "--json"]).ok().json();
    assert!(doors["doors"][0]["taken_over"].as_u64().unwrap() >= 1, "{doors}");
    assert!(at.daemon.stop().success());
    let log = at.daemon.log().all();
    assert!(log.iter().any(|line| line.contains("two devices have its identifier")), "the log says it");
}

#[test]
fn a_wrong_access_code_is_told_plainly_and_the_right_one_brings_the_panel_in() {
    let door = door();
    let mut spec = PanelSpec::neor("neor-1", ID, door);
    spec.password = Some("87654321".into());
    let site = Site::with_panel(spec);
    let observer = site.observe();
    let mut daemon = site.start();
    let panel = Sim::neor(ID, door).start();
    let needs =
        observer.wait_for("what to do", 0, "panels/neor-1/status", |body| body["needs"].is_string())["needs"].clone();
    assert!(needs.as_str().unwrap().contains("access code"), "{needs}");
    let row = &site.cli(&["panels", "--json"]).ok().json()[0];
    assert_eq!((&row["status"]["needs"], &row["status"]["state"]), (&needs, &json!("offline")));
    site.cli_with(&["panels", "set-credential", "neor-1", "password"], "12345678\n12345678\n").ok();
    observer.wait_status(0, "neor-1", "online");
    daemon.stop();
    drop(panel);
    let log = daemon.log().all();
    assert!(log.iter().all(|line| !line.contains("87654321")), "the wrong code is a secret too");
}

#[test]
fn an_installer_code_that_cannot_be_changed_from_here_can_still_be_verified() {
    let at = Online::of_the_factory();
    at.site.cli_with(&["panels", "verify-installer-code", "neor-1"], "5555\n").ok();
    let verify = ["panels", "verify-installer-code", "neor-1"];
    at.site.cli_with(&verify, "5556\n").ends_with(1);
    let change = ["panels", "change-installer-code", "neor-1"];
    at.site.cli_with(&change, "8642\n8642\n").ends_with(1).complains(&["unsupported"]);
    // The box keeps what the panel took.
    at.site.cli(&["panels", "verify-installer-code", "neor-1", "--kept"]).ok();
}

#[test]
fn a_panel_proves_the_first_installer_code_and_is_worked_with_at_once() {
    let mut at = Online::start(|sim| sim, |spec| spec.with_installer(None));
    let label = ["panels", "label-zone", "neor-1", "3", "Hall"];
    at.site.cli(&label).ends_with(1).complains(&["installer_code_wrong", "set-credential neor-1 installer-code"]);
    at.site.cli_with(&["unlock", "neor-1"], "5556\n").ends_with(1).complains(&["installer_code_wrong"]);
    let kept = |site: &Site| site.cli(&["panels", "--json"]).ok().json()[0]["installer_code"].clone();
    assert_eq!(kept(&at.site), "none");
    at.panel.wait_menus_left();
    at.site.cli_with(&["unlock", "neor-1"], "5555\n").ok();
    assert_eq!(kept(&at.site), "factory_default");
    at.site.cli(&label).ok();
    let zones = at.panel.state()["zones"].clone();
    assert_eq!(zones.as_array().unwrap().iter().find(|zone| zone["zone"] == 3).unwrap()["label"], "Hall");
}

#[test]
fn a_zone_and_a_partition_are_named_from_the_command_line() {
    let mut at = Online::of_the_factory();
    at.site.cli(&["panels", "label-zone", "neor-1", "3", "Küche hinten rechts"]).ok();
    at.site.cli(&["panels", "label-partition", "neor-1", "1", "Shop"]).ok();
    let panel = at.panel.state();
    let zones = panel["zones"].as_array().unwrap();
    let zone = zones.iter().find(|zone| zone["zone"] == 3).unwrap();
    assert_eq!(zone["label"], "Küche hinten rechts", "{zone}");
    assert_eq!(panel["partitions"][0]["label"], "Shop");
    at.observer.wait_for("the labels", 0, "panels/neor-1/state", |state| {
        state["zones"]["3"]["label"] == "Küche hinten rechts" && state["partitions"]["1"]["label"] == "Shop"
    });
    let shown = at.site.cli(&["panels", "show", "neor-1"]).ok().out;
    assert!(shown.contains("Shop"), "{shown}");

    // Refused rather than cut, and nothing of it reaches the panel.
    let long = "x".repeat(29);
    at.site.cli(&["panels", "label-zone", "neor-1", "3", &long]).ends_with(1).complains(&["label_format"]);
    assert_eq!(at.panel.state()["zones"], panel["zones"]);
    let log = at.site.cli(&["log", "--json"]).ok().out;
    assert!(log.contains("set_zone_label") && log.contains("set_partition_label"), "{log}");
}

#[test]
fn that_a_user_has_a_tag_is_shown_and_outlives_a_restart() {
    let mut at = Online::of_the_factory();
    let tags = |site: &Site, slot: &str| site.cli(&["users", "neor-1", "tags", slot]).ok().out;
    at.site.cli_with(&["users", "neor-1", "set-code", "4"], "2846\n2846\n").ok();
    // Keypads are busy until the box is out of programming.
    at.panel.wait(0, "programming_left", |_| true);
    at.panel.poke_until("edit 4 tag on", "tag");
    // The panel says that somebody changed the user, and the box looks; at the others it looks when it is told to.
    at.observer.wait_for("the tag", 0, "panels/neor-1/reported", |body| body["users"]["4"]["tags"] == 1);
    at.site.cli(&["users", "neor-1", "refresh"]).ok();
    assert!(tags(&at.site, "4").contains("has a tag"));
    assert!(tags(&at.site, "6").contains("none"));
    at.site.cli(&["users", "neor-1", "tags", "999"]).ends_with(1).complains(&["slot_not_available"]);

    at.daemon.stop();
    at.panel.quit();
    let _daemon = at.site.start();
    assert!(tags(&at.site, "4").contains("has a tag"));
    let json = at.site.cli(&["users", "neor-1", "tags", "6", "--json"]).ok().json();
    assert_eq!(json["tags"], 0, "{json}");
}

#[test]
fn many_who_say_nothing_keep_no_panel_out() {
    let door = door();
    let site = Site::with_panel(PanelSpec::neor("neor-1", ID, door));
    let observer = site.observe();
    let _daemon = site.start();
    let silent: Vec<_> = (0..300).map(|_| TcpStream::connect(door).unwrap()).collect();
    let _panel = Sim::neor(ID, door).start();
    observer.wait_status(0, "neor-1", "online");
    let doors = site.cli(&["panels", "wanting", "--json"]).ok().json();
    assert!(doors["doors"][0]["crowded_out"].as_u64().unwrap() >= 44, "{doors}");
    drop(silent);
}

#[test]
fn an_address_that_another_program_holds_is_told_and_opened_when_it_is_free() {
    let door = door();
    let other = std::net::TcpListener::bind(door).unwrap();
    let site = Site::with_panel(PanelSpec::neor("neor-1", ID, door));
    let observer = site.observe();
    let daemon = site.start();
    daemon.log().wait_for("another program uses this address", 0);
    let status = site.cli(&["status"]).ok().out;
    assert!(status.contains(&format!("neor on {door}: cannot be opened")), "{status}");
    let table = site.cli(&["panels", "wanting"]).ok().out;
    assert!(table.contains("cannot be opened"), "{table}");
    drop(other);
    let _panel = Sim::neor(ID, door).start();
    observer.wait_status(0, "neor-1", "online");
}

#[test]
fn a_configuration_in_which_two_panels_are_one_is_refused() {
    let mut site = Site::new();
    let door = door();
    site.panels.push(PanelSpec::neor("neor-1", ID, door));
    site.panels.push(PanelSpec::neor("neor-2", ID, door));
    site.extra = "[[listen]]\nvendor = \"dsc\"\naddress = \"127.0.0.1:4025\"\n".into();
    site.extra += &format!("[[listen]]\nvendor = \"neor\"\naddress = \"0.0.0.0:{}\"\n", door.port());
    let told = site.start_in_vain().ends_with(78);
    told.complains(&[
        "neor-2",
        "has the identifier of panel neor-1",
        ID,
        "its own identifier",
        "one port twice",
        "\"dsc\"",
    ]);
}

/// Prints what it took; best looked at alone and with `--release`: `cargo test --test neor two_hundred -- --nocapture`.
#[test]
fn two_hundred_panels_on_one_listener_all_come_online() {
    const PANELS: u64 = 200;
    const FIRST: u64 = 310_212_340_000;
    let door = door();
    let mut site = Site::new();
    site.log_level = "warn".into();
    let name = |n: u64| format!("neor-{n}");
    site.panels = (0..PANELS).map(|n| PanelSpec::neor(&name(n), &(FIRST + n).to_string(), door)).collect();
    let observer = site.observe();
    let mut daemon = site.start();
    let empty = memory_kib(daemon.pid());
    let began = clock::now();
    let mut crowd = Sim::neor(&FIRST.to_string(), door).with("count", PANELS).start();
    let online = |seen: &world::Seen| {
        let up = (0..PANELS).filter(|n| seen.last(&format!("panels/{}/status", name(*n))).is_some_and(is_online));
        (up.count() as u64 == PANELS).then_some(())
    };
    observer.until("all panels online", online);
    let took = began.elapsed();
    let full = memory_kib(daemon.pid());
    let processor = processor_seconds(daemon.pid());
    let each = full.saturating_sub(empty) / PANELS;
    println!(
        "{PANELS} panels online after {took:.2?}; {empty} KiB without them, {full} KiB with them: {each} KiB each; \
         {processor:.2} s of processor time"
    );
    assert!(each <= 150, "{each} KiB for each further panel");
    // Every one of them is heard.
    let began = clock::now();
    crowd.poke("open 1");
    observer.until("an event of each", |seen| {
        let opened = |n: &u64| seen.on(&format!("panels/{}/event", name(*n))).any(|m| m.body["kind"] == "zone_opened");
        ((0..PANELS).filter(opened).count() as u64 == PANELS).then_some(())
    });
    println!("a zone of each of them opened: told after {:.2?}", began.elapsed());
    let shown = site.cli(&["panels", "wanting", "--json"]).ok().json();
    assert!(shown["wanting"].as_array().unwrap().is_empty(), "{shown}");
    assert!(daemon.stop().success());
}

fn is_online(status: &Value) -> bool {
    status["state"] == "online"
}

/// Proportional set size of a process.
fn memory_kib(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// What a process has used of the processor, in seconds.
fn processor_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// The dossier's worked conversation as a capture: one packet a line, `<` from the panel.
fn captured() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/drivers/neor/tests/frames/type1.frames");
    let header: String = ID.bytes().map(|digit| format!("{digit:02X}")).collect();
    let (mut capture, mut from_panel, mut payload) = (String::new(), None, String::new());
    let text = fs::read_to_string(path).unwrap();
    for line in text.lines().chain(["99 P the end"]) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            // What comes last of frame, cipher and stuffed is what goes over the wire.
            ["frame" | "cipher" | "stuffed", ref bytes @ ..] => payload = bytes.concat(),
            [number, side @ ("P" | "S"), ..] if number.parse::<u8>().is_ok() => match from_panel.replace(side == "P") {
                Some(true) => capture += &format!("< {header}7E{payload}7F\n"),
                Some(false) => capture += &format!("> 7E{payload}7F\n"),
                None => {}
            },
            _ => {}
        }
    }
    capture
}

#[test]
fn a_capture_is_decrypted_with_the_code_that_is_given_and_the_code_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let code = folder.path().join("access-code");
    fs::write(&code, "12345678\n").unwrap();
    let decode = |more: &[&str]| {
        let mut command = panelgate();
        command.args(["decode", "neor"]).args(more);
        Answer::of(command, &captured())
    };
    let rows = decode(&["--access-code-file", code.to_str().unwrap()]).ok();
    let lines = rows.json_lines();
    assert_eq!(lines.len(), 20, "{}", rows.out);
    assert!(lines.iter().all(|line| line["ok"] == true), "{}", rows.out);
    let zone = &lines[12]["fields"];
    assert_eq!((&zone["command"], &zone["zone"]), (&json!("0210"), &json!(5)), "{}", rows.out);
    let said = rows.out.replace(ID, "") + &rows.err;
    assert!(!said.contains("12345678"), "{said}");

    // What goes to a type 1 panel is encrypted by its identifier, which everybody sees; what it sends, by the code.
    let readable: Vec<_> = decode(&[]).ok().json_lines().iter().map(|line| line["ok"] == true).collect();
    let unread: Vec<_> = (1..).zip(&readable).filter_map(|(step, ok)| (!ok).then_some(step)).collect();
    assert_eq!(unread, [11, 13, 16, 18, 19]);
    let mut command = panelgate();
    command.args(["decode", "dsc", "--identifier", ID]);
    Answer::of(command, "").ends_with(1).complains(&["not encrypted"]);
}
