//! A panel is commissioned from end to end by command line: what is missing is told, the zones are walked, the report is
//! signed while the cloud is away and arrives when it is back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod world;

use panel_driver::clock;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use world::{Canary, Observer, PanelSpec, Sim, SimPanel, Site, deadline};

/// The installer code, and a user's: neither may be in a report.
const INSTALLER: &str = "739182";
const USER: &str = "284617";

fn checklist(site: &Site) -> Value {
    site.cli(&["commission", &site.panels[0].id, "--json"]).ok().json()
}

fn step<'a>(list: &'a Value, name: &str) -> &'a Value {
    list["steps"].as_array().unwrap().iter().find(|step| step["step"] == name).unwrap()
}

/// The steps that are missing.
fn missing(list: &Value) -> Vec<&str> {
    let steps = list["steps"].as_array().unwrap().iter();
    steps.filter(|step| step["state"] == "missing").map(|step| step["step"].as_str().unwrap()).collect()
}

/// Asks again until the checklist is so.
fn wait_for(site: &Site, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let end = clock::now() + deadline();
    loop {
        let list = checklist(site);
        if fits(&list) {
            return list;
        }
        assert!(clock::now() < end, "{what}: {list:#}");
    }
}

/// Results by zone, as in the checklist.
fn walked(list: &Value) -> Vec<(u64, String)> {
    let rows = list["walk_test"]["zones"].as_array().unwrap().iter();
    rows.map(|row| (row["zone"].as_u64().unwrap(), row["result"].as_str().unwrap().to_owned())).collect()
}

/// Asks until the panel is back: with another credential the box connects anew.
fn when_online(site: &Site, words: &[&str], input: &str) {
    let end = clock::now() + deadline();
    loop {
        let answer = site.cli_with(words, input);
        let away = answer.err.contains("panel_offline") || answer.err.contains("interrupted");
        if !away || clock::now() > end {
            answer.ok();
            return;
        }
    }
}

fn open(panel: &mut SimPanel, observer: &Observer, zones: std::ops::RangeInclusive<u64>) {
    for zone in zones {
        let from = observer.mark();
        panel.poke(&format!("open {zone}"));
        observer.wait_event(from, "dsc-1", "zone_opened", |event| event["zone"] == zone);
        panel.poke(&format!("close {zone}"));
        observer.wait_event(from, "dsc-1", "zone_closed", |event| event["zone"] == zone);
    }
}

#[test]
fn users_are_pulled_once_every_place_was_read() {
    let panel = Sim::visonic(None).with("partitions", 2).with("users", 5).start();
    let line = format!("host = \"{}\"\nport = {}\n", panel.addr().ip(), panel.addr().port());
    let site = Site::with_panel(PanelSpec::visonic("visonic-1", &line));
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "visonic-1", "online");
    when_online(&site, &["users", "visonic-1", "refresh"], "");
    let list = wait_for(&site, "users pulled", |list| step(list, "users_pulled")["state"] == "done");
    let pulled = step(&list, "users_pulled");
    assert_eq!(pulled["text"], "6 users with a code", "five and the master: {pulled}");
    assert!(pulled["since"].is_string(), "{pulled}");
}

#[test]
fn a_panel_is_commissioned_from_end_to_end() {
    let mut panel = Sim::envisalink().with("code-length", 6).with("installer", INSTALLER).start();
    let spec = PanelSpec::envisalink("dsc-1", panel.addr()).six_digits();
    let mut site = Site::with_panel(spec.with("installer_menu = \"allowed\"\n"));
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");

    // Nothing is pretended.
    let list = wait_for(&site, "identified", |list| step(list, "panel_identified")["state"] == "done");
    let open_steps = missing(&list);
    for name in ["installer_code", "walk_test", "signed_off"] {
        assert!(open_steps.contains(&name), "{name} in {open_steps:?}");
    }
    assert_eq!(step(&list, "users_pulled")["state"], "not_applicable", "an Envisalink shows no users: {list:#}");
    let refused = site.cli(&["commission", "dsc-1", "sign-off", "--name", "Anna Berg"]).ends_with(1);
    refused.complains(&["refused (incomplete)", "installer code", "8 of 8 zones are left: 1-8"]);
    site.cli(&["commission", "dsc-1", "report"]).ends_with(1).complains(&["refused (not_found)", "nobody has signed"]);
    site.cli(&["commission", "dsc-9"]).ends_with(1).complains(&["panel_not_found"]);
    site.cli(&["commission", "dsc-1", "walk-test", "stop"]).ends_with(1).complains(&["no walk test runs"]);

    // The installer code: the factory's does not do.
    let list = checklist(&site);
    assert!(step(&list, "installer_code")["text"].as_str().unwrap().contains("factory"), "{list:#}");
    when_online(&site, &["panels", "verify-installer-code", "dsc-1"], &format!("{INSTALLER}\n"));
    assert_eq!(step(&checklist(&site), "installer_code")["state"], "done");
    site.panels[0].installer = Some(INSTALLER.into());
    site.unlock();

    // Users, equipment.
    site.cli_with(&["users", "dsc-1", "set-code", "4"], &format!("{USER}\n{USER}\n")).ok();
    site.cli(&["users", "dsc-1", "label", "4", "Müller & <Söhne>"]).ok();
    site.cli(&["assets", "add", "WS4904", "A-17", "--panel", "dsc-1"])
        .ends_with(1)
        .complains(&["refused (incomplete)"]);
    for words in [
        &["assets", "storage", "add", "Van 3"][..],
        &["assets", "categories", "add", "Accessory"],
        &["assets", "models", "add", "Accessory", "WS4904"],
        &["assets", "add", "WS4904", "A-17", "--panel", "dsc-1", "--zone", "3"],
        &["assets", "add", "WS4904", "B-18", "--storage", "van 3"],
    ] {
        site.cli(words).ok();
    }
    site.cli(&["assets", "storage", "delete", "Van 3"]).ends_with(1).complains(&["refused (in_use)"]);
    let assets = site.cli(&["assets", "--json", "list", "--size", "10"]).ok().json();
    assert_eq!((assets["shown"].as_str(), assets["rows"][1]["serial"].as_str()), (Some("1-2 of 2"), Some("B-18")));
    site.cli(&["assets", "list", "--size", "7"]).ends_with(1).complains(&["10, 15, 50, 100 or 200"]);

    // The walk: dead in the middle of it, and on.
    let begun = site.cli(&["commission", "dsc-1", "walk-test", "start"]).ok();
    assert!(begun.err.contains("Alarms go on being sent") && begun.err.contains("by phone"), "{}", begun.err);
    open(&mut panel, &observer, 1..=3);
    daemon.kill();
    let mark = observer.mark();
    let mut daemon = site.start();
    observer.wait_status(mark, "dsc-1", "online");
    let list = checklist(&site);
    assert_eq!(list["walk_test"]["running"], true);
    let ticked: Vec<_> = walked(&list).into_iter().filter(|(_, result)| result == "opened").map(|(z, _)| z).collect();
    assert_eq!(ticked, [1, 2, 3]);
    open(&mut panel, &observer, 4..=6);
    let mark = observer.mark();
    panel.poke("tamper 7");
    observer.wait_event(mark, "dsc-1", "zone_tamper", |event| event["zone"] == 7);
    site.cli(&["commission", "dsc-1", "sign-off", "--name", "Anna"]).ends_with(1).complains(&["zones are left: 8"]);
    site.cli(&["commission", "dsc-1", "walk-test", "skip", "8", "--reason", ""]).ends_with(1).complains(&["reason"]);
    site.cli(&["commission", "dsc-1", "walk-test", "skip", "8", "--reason", "not <fitted>"]).ok();
    site.cli(&["commission", "dsc-1", "walk-test", "stop"]).ok();
    // After the stop nothing is ticked off any more; what was skipped stays skipped.
    open(&mut panel, &observer, 8..=8);
    let list = wait_for(&site, "the cloud reached", |list| step(list, "cloud_reached")["state"] == "done");
    assert_eq!(walked(&list).iter().map(|(_, result)| result.as_str()).collect::<Vec<_>>(), {
        ["opened", "opened", "opened", "opened", "opened", "opened", "tampered", "skipped"]
    });

    assert_eq!(missing(&list), ["signed_off"], "{list:#}");

    // On site the signature needs the installer code (I3).
    site.cli(&["lock", "dsc-1"]).ok();
    site.cli(&["commission", "dsc-1", "sign-off", "--name", "Anna"]).ends_with(1).complains(&["installer_code_wrong"]);
    site.unlock();

    // Signed while the cloud is away, and while somebody let the walk test go on: that is over then.
    site.cli(&["commission", "dsc-1", "walk-test", "start"]).ok();
    site.broker.stop();
    let mark = observer.mark();
    let signed = site.cli(&["commission", "dsc-1", "sign-off", "--name", " Anna Berg "]).ok();
    let json = site.cli(&["commission", "dsc-1", "report", "--json"]).ok().out;
    let sha256: String = Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(signed.out.contains(&sha256), "{} is not in {}", sha256, signed.out);
    let page = site.path("report.html");
    site.cli(&["commission", "dsc-1", "report", "--html", page.to_str().unwrap()]).ok();
    let html = std::fs::read_to_string(&page).unwrap();
    for text in [
        "panel dsc-1",
        "PC1864",
        "site-1",
        "Anna Berg",
        "A-17",
        "WS4904",
        "tampered",
        "not &#60;fitted&#62;",
        "M\u{fc}ller &#38; &#60;S\u{f6}hne&#62;",
        "walk test",
        &sha256,
    ] {
        assert!(html.contains(text), "`{text}` is not in:\n{html}");
    }
    for text in ["<script", "B-18", "555555", "123456", "http"] {
        assert!(!html.contains(text), "`{text}` is in:\n{html}");
    }
    for secret in [INSTALLER, USER] {
        let canary = Canary::new(secret);
        canary.not_in("the page", html.as_bytes());
        canary.not_in("the report", json.as_bytes());
    }

    site.broker.resume();
    let told =
        observer.wait_for("the report", mark, "panels/dsc-1/report", |body| body["signed"]["name"] == "Anna Berg");
    assert_eq!(told["walk_test"]["zones"][7]["reason"], "not <fitted>");
    assert_eq!((&told["walk_test"]["running"], &told["walk_test"]["ends"]), (&json!(false), &told["signed"]["at"]));
    assert_eq!(told["equipment"].as_array().unwrap().len(), 1, "{told}");
    let line = observer
        .wait_for("its line", mark, "log", |line| line["action"] == "sign_off" && line["result"] == "signed_off");
    assert!(line["text"].as_str().unwrap().contains(&sha256), "{line}");
    let messages = observer.seen();
    let message = messages.on("panels/dsc-1/report").last().unwrap();
    assert_eq!(message.text, json, "byte for byte what was signed");
    site.cli(&["log", "verify"]).ok();

    // Published again on every connect.
    daemon.stop();
    let mark = observer.mark();
    let mut daemon = site.start();
    observer.wait_for("the report again", mark, "panels/dsc-1/report", |body| body == &told);
    assert_eq!(step(&checklist(&site), "signed_off")["state"], "done");
    daemon.stop();
    for secret in [INSTALLER, USER] {
        Canary::new(secret).not_below(&site.data_dir());
        Canary::new(secret).not_in_lines("MQTT", &observer.lines().all());
    }
}
