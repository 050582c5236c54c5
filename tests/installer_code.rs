//! The installer code on site (I2, I3) as people at the box meet it: the real daemon, simulated panels, `kill -9`, clocks
//! that are set, terminals. The rules themselves are tested beside the code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

mod world;

use std::time::Duration;

use world::{Answer, Canary, Daemon, Observer, PanelSpec, Sim, SimPanel, Site};

/// The panel's installer code, and a new one: long enough not to turn up by chance.
const INSTALLER: &str = "739182";
const NEW: &str = "604917";
const WRONG: &str = "518264";

/// A panel with codes of six digits whose installer menu the box may use.
struct House {
    site: Site,
    panel: SimPanel,
}

impl House {
    fn new(keeps: Option<&str>) -> Self {
        Self::with(Sim::envisalink().with("code-length", 6).with("installer", INSTALLER), keeps)
    }

    fn with(sim: Sim, keeps: Option<&str>) -> Self {
        let panel = sim.start();
        let spec = PanelSpec::envisalink("dsc-1", panel.addr()).six_digits().with("installer_menu = \"allowed\"\n");
        let mut site = Site::with_panel(spec.with_installer(keeps));
        site.unlocks = false;
        Self { site, panel }
    }

    fn set_code(&self, slot: u16, words: &[&str], input: &str) -> Answer {
        let slot = slot.to_string();
        self.site.cli_with(&[&["users", "dsc-1", "set-code", &slot], words].concat(), input)
    }

    fn unlock(&self, code: &str) -> Answer {
        self.site.cli_with(&["unlock", "dsc-1"], &format!("{code}\n"))
    }

    fn online(&self, mark: usize, observer: &Observer) {
        observer.wait_status(mark, "dsc-1", "online");
    }

    fn installer_code(&mut self) -> String {
        self.panel.state()["installer_code"].as_str().unwrap().to_owned()
    }

    fn shown(&self) -> String {
        self.site.cli(&["panels", "show", "dsc-1", "--json"]).ok().json()["row"]["installer_code"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// The seconds in `… looked at in 73 s`.
fn seconds_left(answer: &Answer) -> u64 {
    let (_, rest) = answer.err.split_once("looked at in ").unwrap_or_else(|| panic!("no seconds: {}", answer.err));
    rest.split_once(" s").unwrap().0.parse().unwrap()
}

#[test]
fn a_lock_out_holds_without_the_cloud_through_a_kill_and_a_clock_that_is_set() {
    let mut house = House::new(Some(INSTALLER));
    // Nothing answers at the broker's port.
    house.site.broker.stop();
    let mut daemon = house.site.start();
    let none = house.set_code(4, &[], "284600\n284600\n").ends_with(1);
    eprintln!("without a code: {}", none.err.trim());
    none.complains(&["installer_code_wrong", "panelgate unlock dsc-1", "--installer-code-file"]);
    for n in 1..=3 {
        let shown = format!("{WRONG}\n284600\n284600\n");
        let wrong = house.set_code(4, &["--installer-code-file", "-"], &shown).ends_with(1);
        eprintln!("wrong, {n}: {}", wrong.err.trim());
        wrong.complains(&["installer_code_wrong"]);
    }
    let locked = house.unlock(INSTALLER).ends_with(1).complains(&["locked_out"]);
    eprintln!("then the right one: {}", locked.err.trim());
    let left = seconds_left(&locked);
    assert!((1..=90).contains(&left), "{left}");
    daemon.kill();

    let mut daemon = house.site.start_with_wall_clock_ahead(Duration::from_secs(86_400));
    let locked = house.unlock(INSTALLER).ends_with(1).complains(&["locked_out"]);
    eprintln!("killed, the clock a day ahead, started again: {}", locked.err.trim());
    let still = seconds_left(&locked);
    assert!((1..=left).contains(&still), "{still} of {left}");
    let now = house.site.cli(&["log", "list", "--json", "--last", "1"]).ok();
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    assert!(!now.out.contains(&today), "the daemon believes that it is tomorrow: {}", now.out);
    daemon.kill();

    // What counts is how long the machine has run.
    let mut daemon = house.site.start_later(Duration::from_secs(still));
    house.unlock(INSTALLER).ok();
    daemon.stop();
}

#[test]
fn what_is_unlocked_stays_so_for_one_user_until_it_is_locked_or_the_daemon_ends() {
    let house = House::new(Some(INSTALLER));
    let observer = house.site.observe();
    let mut daemon = house.site.start();
    house.online(0, &observer);
    let said = house.unlock(INSTALLER).ok();
    assert!(said.out.contains("15 minutes"), "{}", said.out);
    house.set_code(4, &[], "284600\n284600\n").ok();
    house.site.cli(&["users", "dsc-1", "label", "4", "Anna"]).ok();
    house.site.cli(&["lock"]).ok();
    let label = ["users", "dsc-1", "label", "4", "Berta"];
    house.site.cli(&label).ends_with(1).complains(&["installer_code_wrong"]);

    // One code for one change, from a file.
    house.site.secret_file("installer.code", INSTALLER);
    let file = house.site.path("installer.code");
    let with_file = [&label[..], &["--installer-code-file", file.to_str().unwrap()]].concat();
    house.site.cli(&with_file).ok();
    house.site.cli(&label).ends_with(1).complains(&["installer_code_wrong"]);

    house.unlock(INSTALLER).ok();
    daemon.stop();
    let mark = observer.mark();
    let _daemon = house.site.start();
    house.online(mark, &observer);
    house.site.cli(&label).ends_with(1).complains(&["installer_code_wrong"]);
    // A user's code is the panel's matter.
    house.site.cli_with(&["panels", "arm", "dsc-1", "1", "away", "--code"], "123456\n").ok();
    house.site.cli(&["panels", "arm", "dsc-1", "1"]).ends_with(1).complains(&["installer_code_wrong"]);
    house.panel.wait_menus_left();
}

#[test]
fn ten_wrong_codes_are_the_end_until_somebody_unblocks() {
    let house = House::new(Some(INSTALLER));
    let mut later = Duration::ZERO;
    let mut daemon = house.site.start();
    let mut wrong = 0;
    loop {
        let said = house.unlock(WRONG).ends_with(1);
        if said.err.contains("panels unblock dsc-1") {
            break;
        }
        wrong += 1;
        assert!(wrong < 10, "{}", said.err);
        if said.err.contains("looked at in") {
            later += Duration::from_secs(seconds_left(&said));
            daemon.kill();
            daemon = house.site.start_later(later);
        }
    }
    assert_eq!(wrong, 9);
    house.unlock(INSTALLER).ends_with(1).complains(&["locked_out", "panels unblock dsc-1"]);
    daemon.kill();
    let _daemon = house.site.start_later(later + Duration::from_secs(30 * 86_400));
    house.unlock(INSTALLER).ends_with(1).complains(&["locked_out"]);
    house.site.cli(&["panels", "unblock", "dsc-1"]).ok();
    house.unlock(INSTALLER).ok();
}

#[test]
fn a_code_that_was_changed_at_the_keypad_is_proved_at_the_panel_which_is_never_given_three_wrong_ones() {
    let house = House::with(
        Sim::envisalink().with("code-length", 6).with("installer", NEW).set("lockout_attempts", 3),
        Some(INSTALLER),
    );
    let observer = house.site.observe();
    let mut daemon = house.site.start();
    house.online(0, &observer);
    assert_eq!(house.shown(), "kept");
    // The box's code is another one; the panel takes this one, and then the box keeps it.
    house.unlock(NEW).ok();
    house.panel.wait_menus_left();
    house.site.cli(&["lock"]).ok();
    house.unlock(INSTALLER).ends_with(1).complains(&["installer_code_wrong"]);
    for code in [WRONG, "518265", "518266"] {
        house.unlock(code).ends_with(1);
    }
    let wrong = house.panel.count("wrong_code", |line| line["by"] == "module");
    assert!((1..=2).contains(&wrong), "{wrong} wrong codes reached the panel");
    assert_eq!(house.panel.count("keypad_lockout", |_| true), 0);

    daemon.kill();
    let mark = observer.mark();
    let _daemon = house.site.start_later(Duration::from_secs(900));
    house.online(mark, &observer);
    house.unlock("518267").ends_with(1).complains(&["the panel itself is asked again in"]);
    house.unlock(NEW).ends_with(1).complains(&["locked_out"]);
    assert_eq!(house.panel.count("wrong_code", |line| line["by"] == "module"), wrong);
}

/// The daemon dies at many moments of a change; each time the box ends up knowing the code that the panel has.
#[test]
fn killed_in_the_middle_of_a_change_the_box_knows_both_codes_until_the_panel_proves_one() {
    let (mut before, mut after, mut both) = (0, 0, 0);
    let moments = ["menu_opened", "installer_mode_entered", "installer_code_changed"];
    for (n, moment) in moments.into_iter().enumerate() {
        let mut house = House::new(Some(INSTALLER));
        let observer = house.site.observe();
        let mut daemon: Daemon = house.site.start();
        house.online(0, &observer);
        house.unlock(INSTALLER).ok();
        let mut change = house.site.cli_beside(&["panels", "change-installer-code", "dsc-1"]);
        change.say(NEW);
        change.say(NEW);
        change.hang_up();
        house.panel.wait(0, moment, |_| true);
        daemon.kill();
        change.wait();
        let has = house.installer_code();
        if has == NEW {
            after += 1
        } else {
            before += 1
        }

        // In the dark both are taken; which one it is, the panel says.
        let mark = observer.mark();
        let _daemon = house.site.start();
        if house.shown() == "unsettled" {
            both += 1;
            house.unlock(INSTALLER).ok();
            house.unlock(NEW).ok();
        }
        house.online(mark, &observer);
        house.panel.wait_menus_left();
        let settled = house.site.cli(&["panels", "verify-installer-code", "dsc-1", "--kept"]);
        assert_eq!(settled.code, Some(0), "{n} {moment}: {}{}", settled.out, settled.err);
        assert_eq!(house.shown(), "kept", "{moment}");
        house.panel.wait_menus_left();
        let has = house.installer_code();
        let other = if has == NEW { INSTALLER } else { NEW };
        house.unlock(&has).ok();
        house.site.cli(&["lock"]).ok();
        house.unlock(other).ends_with(1).complains(&["installer_code_wrong"]);
    }
    eprintln!(
        "killed {} times: {before} with the old code, {after} with the new one, {both} in between",
        before + after
    );
    assert!(after >= 1 && both >= 1);
}

#[test]
fn a_factory_code_is_flagged_until_it_is_changed_and_a_change_closes_what_was_open() {
    let mut house = House::with(Sim::envisalink().with("code-length", 6), Some("555555"));
    let observer = house.site.observe();
    let _daemon = house.site.start();
    house.online(0, &observer);
    assert_eq!(house.shown(), "factory_default");
    let list = house.site.cli(&["panels"]).ok().out;
    assert!(list.contains("factory"), "{list}");
    let change = |house: &House, input: &str| house.site.cli_with(&["panels", "change-installer-code", "dsc-1"], input);
    let input = format!("{NEW}\n{NEW}\n");
    change(&house, &input).ends_with(1).complains(&["installer_code_wrong"]);
    house.unlock("555555").ok();
    change(&house, &format!("{NEW}\n{WRONG}\n")).ends_with(1).complains(&["confirmation_mismatch"]);
    change(&house, &input).ok();
    assert_eq!((house.shown().as_str(), house.installer_code().as_str()), ("kept", NEW));
    house.site.cli(&["panels", "set-clock", "dsc-1"]).ends_with(1).complains(&["installer_code_wrong"]);
    house.unlock("555555").ends_with(1).complains(&["installer_code_wrong"]);
    house.unlock(NEW).ok();
    house.panel.wait_menus_left();
}

#[test]
fn installer_codes_are_found_nowhere_but_at_the_panel() {
    let canaries = [INSTALLER, NEW, WRONG].map(Canary::new);
    let mut house = House::new(Some(INSTALLER));
    let observer = house.site.observe();
    let mut daemon = house.site.start();
    house.online(0, &observer);
    // A person at a terminal is asked when the daemon wants the code, and nothing typed is shown.
    let mut person = house.site.cli_at_terminal(&["users", "dsc-1", "set-code", "4"]);
    for (question, answer) in
        [("new code for user 4", "284600"), ("once more", "284600"), ("installer code of dsc-1", INSTALLER)]
    {
        person.expect_hidden(question);
        person.type_line(answer);
    }
    let (done, mut screens) = person.finish();
    assert!(done, "{screens}");
    house.panel.wait_menus_left();
    let mut person = house.site.cli_at_terminal(&["unlock", "dsc-1"]);
    person.expect_hidden("installer code of dsc-1");
    person.type_line(WRONG);
    let (done, screen) = person.finish();
    assert!(!done, "{screen}");
    screens.push_str(&screen);
    house.panel.wait_menus_left();
    screens.push_str(&house.unlock(INSTALLER).ok().out);
    let changed = house.site.cli_with(&["panels", "change-installer-code", "dsc-1"], &format!("{NEW}\n{NEW}\n")).ok();
    screens.push_str(&changed.out);
    house.panel.wait_menus_left();
    assert_eq!(house.installer_code(), NEW);
    for words in [&["wire", "dsc-1"][..], &["log"], &["panels", "show", "dsc-1"], &["events"]] {
        screens.push_str(&house.site.cli(words).ok().out);
    }
    daemon.stop();
    observer.wait_for("the end", 0, "status", |body| body["state"] == "disconnected");
    for canary in &canaries {
        canary.not_in("what people saw", screens.as_bytes());
        canary.not_below(&house.site.data_dir());
        canary.not_in_lines("the log", &daemon.log().all());
        canary.not_in_lines("MQTT", &observer.lines().all());
        canary.not_in_lines("the broker's log", &house.site.broker.log());
    }
    assert!(daemon.log().all().iter().any(|line| line.contains("TRACE")), "searched at trace level");
}
