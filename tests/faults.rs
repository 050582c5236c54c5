//! What goes wrong on a site: wrong secrets, pulled cables, noise, a broker that is away, a disk that is full, a
//! database that is damaged. Each is told, and none is made worse.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod world;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use panel_driver::clock;
use serde_json::Value;
use world::{Cable, Direction, PanelSpec, Sim, Site, deadline};

fn code_applied(slot: &'static str) -> impl Fn(&Value) -> bool {
    move |body| body["users"][slot]["answers"]["code"]["condition"] == "applied"
}

#[test]
fn a_refused_login_is_told_once_and_not_tried_again_before_somebody_acts() {
    let locked = Sim::envisalink().with("password", "secret").start();
    let (mut site, cable) = Site::with_cable(&locked);
    // A second panel that works for a while shows that time passes and that the first one hurts nobody.
    let mut other = Sim::envisalink().start();
    site.panels.push(PanelSpec::envisalink("dsc-2", other.addr()));
    let observer = site.observe();
    let _daemon = site.start();
    let told = observer.wait_event(0, "dsc-1", "panel_needs_installer", |_| true);
    assert!(told["text"].as_str().unwrap().contains("password"), "{told}");
    observer.wait_for("what to do", 0, "panels/dsc-1/status", |body| body["needs"].is_string());
    observer.wait_status(0, "dsc-2", "online");
    site.cli_with(&["users", "dsc-2", "set-code", "4"], "2846\n2846\n").ok();
    assert_eq!(other.code(4).as_deref(), Some("2846"));
    assert_eq!(cable.connections(), 1, "nobody knocks again with a password that was refused");

    site.cli_with(&["panels", "set-credential", "dsc-1", "password"], "secret\nsecret\n").ok();
    observer.wait_status(0, "dsc-1", "online");
    assert_eq!(cable.connections(), 2);
    let seen = observer.seen();
    let events = seen.events("dsc-1");
    assert_eq!(events.iter().filter(|e| e["kind"] == "panel_needs_installer").count(), 1, "told once");
    let status = seen.last("panels/dsc-1/status").unwrap();
    assert!(status["needs"].is_null(), "{status}");
}

#[test]
fn a_wrong_master_code_is_typed_once_and_then_asked_for() {
    let mut panel = Sim::envisalink().with("master", "8642").start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    let set = |slot: &str, code: &str| {
        site.cli_with(&["users", "dsc-1", "set-code", slot, "--timeout", "60"], &format!("{code}\n{code}\n"))
    };
    let refused = set("4", "2846").ends_with(1);
    assert!(refused.out.contains("master_code_needed"), "{}\n{}", refused.out, refused.err);
    panel.wait_menus_left();
    set("5", "2847").ends_with(1);
    let wrong = |panel: &world::SimPanel| panel.count("wrong_code", |line| line["by"] == "module");
    assert_eq!(wrong(&panel), 1, "a code that the panel refused is not typed again");
    observer.wait_for("what to do", 0, "panels/dsc-1/status", |body| body["needs"].is_string());

    site.cli_with(&["panels", "set-credential", "dsc-1", "master-code"], "8642\n8642\n").ok();
    observer
        .wait_for("both users", 0, "panels/dsc-1/reported", |body| code_applied("4")(body) && code_applied("5")(body));
    assert_eq!((panel.code(4).as_deref(), panel.code(5).as_deref()), (Some("2846"), Some("2847")));
    assert_eq!(wrong(&panel), 1);
    panel.wait_menus_left();
}

#[test]
fn a_locked_panel_is_left_alone() {
    let mut panel = Sim::envisalink().set("lockout_attempts", 3).set("lockout_minutes", 10).start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    for _ in 0..3 {
        panel.poke_until("enter 9999", "wrong_code");
    }
    observer.wait_event(0, "dsc-1", "keypad_lockout", |_| true);
    site.cli_with(&["users", "dsc-1", "set-code", "4", "--no-wait"], "2846\n2846\n").ends_with(3);
    let reported = observer.wait_for("a reason", 0, "panels/dsc-1/reported", |body| {
        body["users"]["4"]["answers"]["code"]["why"].is_string()
    });
    assert_eq!(reported["users"]["4"]["answers"]["code"]["condition"], "pending", "{reported}");
    assert_eq!(panel.count("menu_opened", |_| true), 0, "no key was pressed while the keypads are locked");
    // The panel's own time is over; how long it is nobody tells, so the box waits longer than any panel.
    panel.wait(0, "keypad_lockout_over", |_| true);
    assert_eq!(panel.count("menu_opened", |_| true), 0);
    assert_eq!(panel.code(4), None);
}

#[test]
fn a_cable_pulled_in_the_middle_of_a_frame_loses_no_change() {
    let mut panel = Sim::envisalink().start();
    let (site, cable) = Site::with_cable(&panel);
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    // 609 003 and its checksum: the daemon gets `6090` and nothing more.
    cable.cut_within(Direction::FromPanel, "60900332", 4);
    panel.poke("open 3");
    cable.wait_cut();
    panel.poke_until("open 4", "zone_opened");
    observer.wait_status(0, "dsc-1", "stale");
    let stale = observer.mark();
    cable.plug_in();
    observer.wait_status(stale, "dsc-1", "online");
    for zone in [3, 4] {
        let event = observer.wait_event(0, "dsc-1", "zone_opened", |event| event["zone"] == zone);
        assert_eq!(event["origin"], "replay", "found in the report after the connection came back: {event}");
    }
    let seen = observer.seen();
    let events = seen.events("dsc-1");
    assert!(events.iter().all(|e| e["kind"] != "disarmed" && e["kind"] != "armed"), "nothing is invented: {events:?}");
}

#[test]
fn a_cable_pulled_in_the_middle_of_a_menu_leaves_the_menu_and_writes_the_code_once_more() {
    let mut panel = Sim::envisalink().start();
    let (site, cable) = Site::with_cable(&panel);
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    // Slot and code as one key string into the open menu: it breaks after the slot.
    cable.cut_within(Direction::ToPanel, "0711042846", 6);
    site.cli_with(&["users", "dsc-1", "set-code", "4", "--no-wait"], "2846\n2846\n").ends_with(3);
    cable.wait_cut();
    assert!(!panel.menus_left(), "the panel stands in its menu");
    observer.wait_status(0, "dsc-1", "stale");
    cable.plug_in();
    observer.wait_for("the user", 0, "panels/dsc-1/reported", code_applied("4"));
    panel.wait_menus_left();
    assert_eq!(panel.code(4).as_deref(), Some("2846"));
    assert_eq!(panel.count("code_set", |_| true), 1);
    assert_eq!(panel.count("menu_timed_out", |_| true), 0, "left by us, not by the panel's patience");
}

#[test]
fn a_line_that_drops_while_users_are_read_loses_none_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let pty = dir.path().join("it100");
    let mut panel = Sim::it100(&pty).start();
    let site = Site::with_panel(PanelSpec::it100("dsc-2", &pty));
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-2", "online");
    site.cli_with(&["users", "dsc-2", "set-code", "40"], "8642\n8642\n").ok();
    site.cli_with(&["users", "dsc-2", "set-code", "4"], "2846\n2846\n").ok();
    panel.wait_menus_left();

    // So slowly that it still goes on when the line drops.
    panel.poke("fault slow_ack 300");
    panel.state();
    let from = panel.mark();
    let mut reading = site.cli_beside(&["users", "dsc-2", "refresh"]);
    panel.wait(from, "menu_opened", |line| line["by"] == "module");
    let lost = observer.mark();
    panel.poke("drop 1");
    assert_eq!(reading.wait().code(), Some(1));
    panel.poke("fault none");
    reading.err.wait_for("the connection to the panel ended", 0);
    observer.wait_status(lost, "dsc-2", "online");
    panel.wait_menus_left();
    let page = site.cli(&["users", "dsc-2", "--json", "--size", "100"]).ok().json();
    for slot in [4, 40] {
        let user = page["rows"].as_array().unwrap().iter().find(|row| row["slot"] == slot).unwrap();
        assert_eq!((&user["code_state"], &user["stale"]), (&"set".into(), &false.into()), "{user}");
    }
    // The master code that was changed opens the menu, the one of the configuration does not any more.
    site.cli_with(&["users", "dsc-2", "set-code", "5"], "2848\n2848\n").ok();
    assert_eq!(panel.code(5).as_deref(), Some("2848"));
    assert_eq!(panel.count("wrong_code", |_| true), 0);
    panel.wait_menus_left();
}

#[test]
fn garbage_half_frames_wrong_checksums_and_endless_lines_are_counted_and_survived() {
    let mut panel = Sim::envisalink().start();
    let (site, cable) = Site::with_cable(&panel);
    let observer = site.observe();
    let daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    let rubbish: [&[u8]; 7] = [
        b"\r\n\r\n\n\n\r\r\n",
        b"6543\r\n",
        b"60900300\r\n",
        b"\x00\xff\xfe\x80 \x1b[31m\r\n",
        b"609\r\n12\r\n9\r\n",
        &[b'A'; 100_000],
        b"\r\n609003",
    ];
    for (n, bytes) in rubbish.iter().enumerate() {
        let zone = n + 1;
        cable.inject(bytes);
        cable.inject(b"\r\n");
        panel.poke(&format!("open {zone}"));
        observer.wait_event(0, "dsc-1", "zone_opened", |event| event["zone"] == zone);
    }
    let opened = observer.seen().zone_changes("dsc-1").len();
    assert_eq!(opened, rubbish.len(), "nothing was made up from rubbish");
    assert!(!daemon.log().all().iter().any(|line| line.contains("panicked")));
    site.cli(&["panels"]).ok();
}

#[test]
fn a_noisy_serial_line_is_lived_with() {
    let dir = tempfile::tempdir().unwrap();
    let pty = dir.path().join("it100");
    let mut panel = Sim::it100(&pty).start();
    let site = Site::with_panel(PanelSpec::it100("dsc-2", &pty));
    let observer = site.observe();
    let daemon = site.start();
    observer.wait_status(0, "dsc-2", "online");
    for fault in ["noise", "split_writes", "bad_checksums 7"] {
        panel.poke(&format!("fault {fault}"));
    }
    for zone in 1..=8 {
        panel.poke_until(&format!("open {zone}"), "zone_opened");
    }
    panel.poke("fault none");
    // What a broken frame hid is found in the next full report.
    site.cli(&["panels", "refresh", "dsc-2", "state"]).ok();
    for zone in 1..=8 {
        observer.wait_event(0, "dsc-2", "zone_opened", |event| event["zone"] == zone);
    }
    assert!(!daemon.log().all().iter().any(|line| line.contains("panicked")));
}

#[test]
fn a_panel_that_is_not_there_is_told_and_found_when_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let pty = dir.path().join("it100");
    let site = Site::with_panel(PanelSpec::it100("dsc-2", &pty));
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-2", "offline");
    site.cli_with(&["panels", "arm", "dsc-2", "1"], "").ends_with(1).complains(&["not reachable"]);
    let list = site.cli(&["panels", "--json"]).ok();
    assert!(list.out.contains("offline"), "{}", list.out);
    let _panel = Sim::it100(&pty).start();
    observer.wait_status(0, "dsc-2", "online");
    observer.wait_event(0, "dsc-2", "panel_online", |_| true);
}

/// Asks the daemon until its answer is good enough.
fn ask_until(site: &Site, words: &[&str], enough: impl Fn(&Value) -> bool) {
    let end = clock::now() + deadline();
    loop {
        let answer = site.cli(words).ok().json();
        if enough(&answer) {
            return;
        }
        assert!(clock::now() < end, "{words:?} still says {answer}");
    }
}

#[test]
fn events_wait_for_a_broker_that_is_away_and_arrive_in_order_with_alarms_first() {
    const ROUNDS: usize = 2500;
    let mut panel = Sim::envisalink().start();
    let mut site = Site::with_envisalink(&panel);
    site.log_level = "info".into();
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    site.broker.stop();

    let mut wanted = Vec::new();
    for round in 0..ROUNDS {
        if round % 200 == 0 {
            // A module hangs up on a client that lags too far behind; a busy machine makes a slow one.
            let held = |status: &Value| status["outbox"]["depth"].as_u64() >= Some(wanted.len() as u64);
            ask_until(&site, &["status", "--json"], held);
        }
        for zone in 1..=4 {
            let (word, kind) = if round % 2 == 0 { ("open", "zone_opened") } else { ("close", "zone_closed") };
            panel.poke(&format!("{word} {zone}"));
            wanted.push((kind.to_owned(), zone));
        }
    }
    panel.poke_until("panic police", "keypad_alarm");
    // Held on the box: people on site see it. Half way the box restarts, too.
    let told = |events: &Value| events.as_array().unwrap().iter().any(|event| event["kind"] == "panic_alarm");
    ask_until(&site, &["events", "--last", "100", "--json"], told);
    daemon.stop();
    let mark = observer.mark();
    let mut daemon = site.start();
    daemon.log().wait_for("panel connected", 0);
    panel.poke_until("panic fire", "keypad_alarm");
    site.broker.resume();
    observer.wait_event(mark, "dsc-1", "fire_alarm", |_| true);
    observer.until("all events", |seen| (seen.zone_changes("dsc-1").len() >= wanted.len()).then_some(()));
    assert_eq!(observer.seen().zone_changes("dsc-1"), wanted, "all of them, in their order");
    let seen = observer.seen();
    let events = seen.events("dsc-1");
    let place = |kind: &str| events.iter().position(|e| e["kind"] == kind).unwrap();
    let first_zone = events.iter().position(|e| e["class"] == "zone").unwrap();
    assert!(place("panic_alarm") < first_zone, "alarms first");
    daemon.stop();
}

#[test]
fn a_full_disk_stops_nothing_for_good() {
    let mut panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let daemon = site.start_on_small_disk(4);
    observer.wait_status(0, "dsc-1", "online");
    // The data directory as the daemon sees it.
    let inside = PathBuf::from(format!("/proc/{}/root", daemon.pid())).join(site.data_dir().strip_prefix("/").unwrap());
    let filler = inside.join("filler");
    let fill = || {
        let mut file = fs::File::options().append(true).create(true).open(&filler).unwrap();
        for size in [65_536, 4_096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    };
    fill();
    let mark = daemon.log().mark();
    let mut wanted = Vec::new();
    // The store writes into space that it has already, as long as it can.
    let told = |line: &str| line.contains("the disk is full");
    for round in 0.. {
        assert!(round < 200, "a full disk is noticed");
        for zone in 1..=8 {
            let (word, kind) = if round % 2 == 0 { ("open", "zone_opened") } else { ("close", "zone_closed") };
            panel.poke_until(&format!("{word} {zone}"), kind);
            wanted.push((kind.to_owned(), zone));
        }
        if !daemon.log().pick(mark, |line| told(line).then_some(())).is_empty() {
            break;
        }
        fill();
    }
    let refused = site.cli_with(&["users", "dsc-1", "set-code", "4"], "2846\n2846\n").ends_with(1);
    refused.complains(&["storage_failed", "nothing was changed"]);
    // What people ask of the panel needs no disk.
    for zone in 1..=8 {
        if wanted.iter().rev().find(|(_, z)| *z == zone).is_some_and(|(kind, _)| kind == "zone_opened") {
            panel.poke_until(&format!("close {zone}"), "zone_closed");
            wanted.push(("zone_closed".to_owned(), zone));
        }
    }
    panel.poke_until("arm stay 1 40", "armed");
    let from = panel.mark();
    site.cli_with(&["panels", "disarm", "dsc-1", "1"], "1234\n").ok();
    panel.wait(from, "disarmed", |_| true);
    fs::remove_file(&filler).unwrap();
    observer.until("all events", |seen| (seen.zone_changes("dsc-1").len() >= wanted.len()).then_some(()));
    assert_eq!(observer.seen().zone_changes("dsc-1"), wanted, "all of them, in their order");
    site.cli_with(&["users", "dsc-1", "set-code", "4"], "2846\n2846\n").ok();
    assert_eq!(panel.code(4).as_deref(), Some("2846"));
}

#[test]
fn a_damaged_database_is_put_aside_told_and_begun_anew() {
    let mut panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    site.cli_with(&["users", "dsc-1", "set-code", "4"], "2846\n2846\n").ok();
    daemon.stop();
    let database = site.data_dir().join("panelgate.db");
    let mut bytes = fs::read(&database).unwrap();
    for byte in bytes.iter_mut().skip(100).step_by(3) {
        *byte = !*byte;
    }
    fs::write(&database, &bytes).unwrap();

    let mark = observer.mark();
    let mut daemon = site.start();
    daemon.log().wait_for("put aside", 0);
    observer.wait_status(mark, "dsc-1", "online");
    let aside: Vec<_> = fs::read_dir(site.data_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("damaged"))
        .collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    panel.poke("open 5");
    observer.wait_event(mark, "dsc-1", "zone_opened", |event| event["zone"] == 5);
    site.cli_with(&["users", "dsc-1", "set-code", "4"], "2847\n2847\n").ok();
    assert_eq!(panel.code(4).as_deref(), Some("2847"));
    assert!(daemon.stop().success());
}

#[test]
fn a_newer_database_a_wrong_key_and_an_open_key_file_stop_the_start() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    daemon.stop();
    let files: BTreeMap<_, _> = fs::read_dir(site.data_dir())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    let (key, secret) = files.iter().find(|(_, bytes)| bytes.len() == 32).expect("a key file of 32 bytes");
    assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
    let database = site.data_dir().join("panelgate.db");

    // The number of the schema stands at byte 60 of a database.
    let mut newer = files[&database].clone();
    newer[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    fs::write(&database, &newer).unwrap();
    site.start_in_vain().ends_with(78).complains(&["schema 9999", "install the newer version"]);
    assert_eq!(fs::read(&database).unwrap(), newer, "not touched");
    fs::write(&database, &files[&database]).unwrap();

    fs::write(key, [7; 32]).unwrap();
    site.start_in_vain().ends_with(78).complains(&["master key", "put the key back"]);
    assert_eq!(fs::read(&database).unwrap(), files[&database], "not touched");
    fs::write(key, secret).unwrap();

    fs::set_permissions(key, fs::Permissions::from_mode(0o644)).unwrap();
    let open = site.start_in_vain();
    assert_ne!(open.code, Some(0));
    open.complains(&["chmod 600"]);
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();

    let mark = observer.mark();
    let _daemon = site.start();
    observer.wait_status(mark, "dsc-1", "online");
}

#[test]
fn a_module_that_somebody_else_holds_is_waited_for() {
    let panel = Sim::envisalink().start();
    let cable = Cable::to(panel.addr());
    // Another program came first: a module takes one client.
    let other = std::net::TcpStream::connect(panel.addr()).unwrap();
    panel.wait(0, "client_connected", |_| true);
    let site = Site::with_panel(PanelSpec::envisalink("dsc-1", cable.addr));
    let observer = site.observe();
    let _daemon = site.start();
    cable.wait_connection(1);
    drop(other);
    observer.wait_status(0, "dsc-1", "online");
}
