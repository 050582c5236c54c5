//! Managers, installers and accounts at the command line of the whole daemon: the first start, invitations, logins, and
//! that none of their secrets is found anywhere afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod world;

use serde_json::Value;
use world::{Answer, Canary, PanelSpec, Sim, Site};

const PASSWORD: &str = "green tea at five";

/// The token of the link that an invitation shows.
fn invited(answer: &Answer) -> String {
    let link = answer.json()["link"].as_str().expect("a link").to_owned();
    assert!(link.starts_with("https://site-1.local/invitation/"), "{link}");
    link.rsplit('/').next().unwrap().to_owned()
}

fn invite(site: &Site, words: &[&str]) -> String {
    invited(&site.cli(&[words, &["--json"]].concat()).ok())
}

fn accept(site: &Site, token: &str, password: &str) -> Answer {
    site.cli_with(&["installers", "accept"], &format!("{token}\n{password}\n{password}\n"))
}

/// Memory of a process that is really there, in KiB.
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn login(site: &Site, person: &str, password: &str) -> Answer {
    site.cli_with(&["login", person], &format!("{password}\n"))
}

#[test]
fn the_first_start_leads_to_a_manager_and_an_end_of_the_init_account() {
    let site = Site::new();
    let observer = site.observe();
    let mut daemon = site.start();
    assert!(site.cli(&["status"]).ok().out.contains("sudo panelgate first-login"));
    let lost = site.cli(&["first-login"]).ok().out.trim().to_owned();
    let first = site.cli(&["first-login"]).ok().out.trim().to_owned();
    login(&site, "init", &lost).ends_with(1).complains(&["permission_denied", "the e-mail or the password is wrong"]);
    // A temporary password is changed in one go with the login; who does not, can do nothing else.
    let half = login(&site, "init", &first).ends_with(1);
    half.complains(&["has to be changed", "stdin ended before the new password"]);
    site.cli(&["managers"]).ends_with(1).complains(&["permission_denied", "panelgate set-password"]);
    site.cli_with(&["set-password"], &format!("{first}\npassword123\npassword123\n"))
        .ends_with(1)
        .complains(&["invalid"]);
    site.cli_with(&["set-password"], &format!("{first}\n{PASSWORD}\n{PASSWORD}\n")).ok();
    site.cli(&["first-login"]).ends_with(1).complains(&["was used already"]);
    let me = site.cli(&["whoami", "--json"]).ok().json();
    assert_eq!((&me["person"]["name"], &me["must_change"]), (&Value::from("init"), &Value::from(false)));
    // S2.
    let invitation = ["managers", "invite", "boss@example.org", "--name", "Ann Boss"];
    let answer = site.cli(&[&invitation[..], &["--json"]].concat()).ok();
    let token = invited(&answer.complains(&["notice: invite the first manager"]));
    site.cli(&["managers", "deactivate-init"]).ends_with(1).complains(&["in_use"]);
    accept(&site, &token, PASSWORD).ok();
    accept(&site, &token, "another good word").ends_with(1).complains(&["invitation_expired", "accepted already"]);
    site.cli(&["panels"]).ok().complains(&["notice: deactivate the init account"]);
    assert!(site.cli(&["status"]).ok().out.contains("managers deactivate-init"));
    site.cli(&["managers", "deactivate-init"]).ok();
    assert!(!site.cli(&["status"]).ok().out.contains("notice"), "done");
    login(&site, "boss@example.org", PASSWORD).ok();
    let line = &site.cli(&["log", "--last", "1", "--json"]).ok().json()[0];
    assert_eq!((&line["action"], &line["result"]), (&Value::from("login"), &Value::from("logged_in")));
    site.cli(&["logout"]).ok();
    site.cli(&["logout"]).ends_with(1).complains(&["nobody is logged in"]);
    // None of it is found again.
    assert!(daemon.stop().success());
    for secret in [&token, &first, &lost, PASSWORD] {
        let canary = Canary::new(secret);
        canary.proves_itself();
        canary.not_in_lines("the log", &daemon.log().all());
        canary.not_below(&site.data_dir());
        canary.not_in_lines("MQTT", &observer.lines().all());
    }
}

#[test]
fn passwords_are_looked_at_in_memory_that_is_given_back() {
    let mut site = Site::new();
    site.log_level = "info".into();
    let daemon = site.start();
    let first = site.cli(&["first-login"]).ok().out.trim().to_owned();
    let before = resident_kib(daemon.pid());
    for _ in 0..4 {
        login(&site, "init", &first).ends_with(1).complains(&["has to be changed"]);
    }
    // Eight hashes of 19 MiB each.
    let after = resident_kib(daemon.pid());
    assert!(after < before + 8 * 1024, "{before} KiB before, {after} KiB after");
}

#[test]
fn an_installer_changes_the_panels_assigned_and_no_others() {
    let (one, two) = (Sim::envisalink().start(), Sim::envisalink().start());
    let mut site = Site::new();
    site.panels = vec![PanelSpec::envisalink("dsc-1", one.addr()), PanelSpec::envisalink("dsc-2", two.addr())];
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    observer.wait_status(0, "dsc-2", "online");
    let anna = "anna@example.org";
    let token = invite(&site, &["installers", "invite", anna, "--name", "Anna Berg", "--panel", "dsc-1"]);
    accept(&site, &format!("https://site-1.local/invitation/{token}"), PASSWORD).ok();
    login(&site, anna, PASSWORD).ok();
    let refresh = |panel: &str| site.cli(&["panels", "refresh", panel, "state"]);
    refresh("dsc-1").ok();
    refresh("dsc-2").ends_with(1).complains(&["not_assigned"]);
    site.cli(&["installers", "assign", anna, "dsc-2"]).ends_with(1).complains(&["permission_denied"]);
    site.cli(&["installers"]).ends_with(1).complains(&["permission_denied"]);
    site.cli(&["logout"]).ok();
    site.cli(&["installers", "assign", anna, "dsc-2"]).ok();
    site.cli(&["installers", "unassign", anna, "dsc-1"]).ok();
    site.cli(&["installers", "unassign", anna, "dsc-1"]).ends_with(1).complains(&["not_assigned"]);
    site.cli(&["installers", "assign", anna, "dsc-9"]).ends_with(1).complains(&["panel_not_found"]);
    let shown = site.cli(&["installers", "show", anna]).ok().out;
    assert!(
        shown.contains("dsc-2 (1)") && shown.contains("accepted") && shown.contains("may not start them"),
        "{shown}"
    );
    login(&site, anna, PASSWORD).ok();
    refresh("dsc-1").ends_with(1).complains(&["not_assigned"]);
    refresh("dsc-2").ok();
    // A restart logs everybody out and forgets nobody.
    assert!(daemon.stop().success());
    let _daemon = site.start();
    assert_eq!(site.cli(&["whoami", "--json"]).ok().json()["person"], Value::Null);
    login(&site, anna, PASSWORD).ok();
    let list = site.cli(&["logout"]).ok();
    assert_eq!(list.out.trim(), "stored by the box");
    site.cli(&["installers", "remove", anna]).ends_with(1).complains(&["add --yes"]);
    site.cli(&["installers", "remove", anna, "--yes"]).ok();
    login(&site, anna, PASSWORD).ends_with(1).complains(&["permission_denied"]);
}

#[test]
fn an_account_belongs_to_a_user_with_a_code_until_the_user_is_gone() {
    let panel = Sim::envisalink().start();
    let mut site = Site::with_envisalink(&panel);
    site.has_cloud = false;
    let _daemon = site.start();
    let carl = "carl@example.org";
    let code = |slot: &str| site.cli_with(&["users", "dsc-1", "set-code", slot], "2846\n2846\n");
    code("4").ok();
    let assign = |who: &str, slot: &str| site.cli(&["accounts", "assign", who, "dsc-1", slot]);
    assign(carl, "4").ends_with(1).complains(&["account_not_found"]);
    site.cli(&["accounts", "add", carl]).ok();
    site.cli(&["accounts", "reset-password", carl]).ends_with(1).complains(&["mail_not_configured", "[mail]"]);
    assign(carl, "5").ends_with(1).complains(&["code_not_set"]);
    assign(carl, "99").ends_with(1).complains(&["slot_not_available"]);
    site.cli(&["accounts", "suspend", carl]).ok();
    assign(carl, "4").ends_with(1).complains(&["account_suspended"]);
    site.cli(&["accounts", "resume", carl]).ok();
    assign(carl, "4").ok();
    let user = || site.cli(&["users", "dsc-1", "--json"]).ok().json()["rows"][3].clone();
    assert_eq!((&user()["slot"], &user()["account"]["email"]), (&Value::from(4), &Value::from(carl)));
    assert_eq!(user()["account"]["status"], "not_confirmed");
    let table = site.cli(&["users", "dsc-1"]).ok().out;
    assert!(table.contains(carl) && table.contains("unknown"), "{table}");
    site.cli(&["accounts", "unassign", "dsc-1", "4"]).ok();
    site.cli(&["accounts", "unassign", "dsc-1", "4"]).ends_with(1).complains(&["this user has no account"]);
    assert_eq!(user()["account"], Value::Null);
    // U6: unlinked, not deleted.
    assign(carl, "4").ok();
    site.cli(&["users", "dsc-1", "disable", "4", "--yes"]).ok();
    code("4").ok();
    assert_eq!(user()["account"], Value::Null);
    assert_eq!(site.cli(&["accounts", "list", "--like", "ARL@", "--json"]).ok().json()["total"], 1);
    assign(carl, "4").ok();
    site.cli(&["accounts", "remove", carl, "--yes"]).ok();
    assert_eq!(user()["account"], Value::Null);
}

#[test]
fn what_is_no_email_and_what_is_no_name_is_refused_at_every_way_in() {
    let site = Site::new();
    let _daemon = site.start();
    let long = format!("{}@example.org", "a".repeat(250));
    for bad in
        ["anna", "\u{430}nna@example.org", "anna@example.org\r\nBcc: eve@example.org", long.as_str(), "a@localhost"]
    {
        // The command line says it before it asks, with the exit code of wrong usage.
        site.cli(&["installers", "invite", bad, "--name", "Anna"]).ends_with(2);
    }
    let invite = |name: &str| site.cli(&["installers", "invite", "anna@example.org", "--name", name]);
    for bad in ["", "an\u{202e}na", &"x".repeat(65)] {
        invite(bad).ends_with(1).complains(&["invalid", "1 to 64 characters"]);
    }
    assert_eq!(site.cli(&["installers", "--json"]).ok().json()["total"], 0);
    let shown = site.cli(&["accounts", "add", "carl@example.org"]).ends_with(1);
    shown.complains(&["unsupported", "belong to the cloud"]);
}
