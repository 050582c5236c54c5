//! Roles, requests and companies as people at the command line meet them: one with the box in hand, one without.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say what they left out"
)]

mod world;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use serde_json::Value;
use world::{Sim, Site};

/// A system user without any right of its own.
const NOBODY: u32 = 65534;

#[test]
fn roles_are_made_copied_edited_deleted_and_brought_back() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let _daemon = site.start();
    let roles = || -> Vec<String> {
        let rows = site.cli(&["roles", "--json"]).ok().json();
        rows.as_array().unwrap().iter().map(|row| row["role"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(roles(), ["Company Admin", "End user", "Installer", "Operator", "Super Admin"]);
    site.cli(&["roles", "add", "Night shift", "--permit", "view_devices,control_devices"]).ok();
    site.cli(&["roles", "copy", "Night shift", "Late shift"]).ok();
    site.cli(&["roles", "edit", "Late shift", "--add", "view-users", "--remove", "control_devices"]).ok();
    let late = site.cli(&["roles", "show", "late shift", "--json"]).ok().json();
    assert_eq!(late["permissions"], serde_json::json!(["view_devices", "view_users"]));
    site.cli(&["roles", "delete", "Installer", "--yes"]).ends_with(1).complains(&["in_use", "access.local_role"]);
    site.cli(&["roles", "delete", "Super Admin", "--yes"]).ends_with(1).complains(&["permission_denied"]);
    site.cli(&["roles", "delete", "Late shift", "--yes"]).ok();
    assert!(!roles().contains(&"Late shift".to_owned()));
    site.cli(&["roles", "restore", "Late shift"]).ok();
    assert_eq!(site.cli(&["roles", "show", "Late shift", "--json"]).ok().json(), late);
    site.cli(&["roles", "restore", "Late shift"]).ends_with(1).complains(&["not among what was deleted"]);
    let meanings = site.cli(&["roles", "permissions", "--json"]).ok().json();
    assert_eq!(meanings.as_array().unwrap().len(), 32);
}

#[test]
fn companies_are_a_tree_that_people_take_part_in() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let _daemon = site.start();
    site.cli(&["companies", "add", "acme", "Acme Security"]).ok();
    site.cli(&["companies", "add", "acme-north", "Acme North", "--parent", "acme"]).ok();
    site.cli(&["companies", "edit", "acme-north", "--name", "Acme Nord"]).ok();
    let rows = site.cli(&["companies", "--json"]).ok().json();
    assert_eq!(rows["shown"], "1-2 of 2");
    assert_eq!((&rows["rows"][1]["name"], &rows["rows"][1]["parent"]), (&"Acme Nord".into(), &Value::from("acme")));
    site.cli(&["companies", "delete", "acme", "--yes"]).ends_with(1).complains(&["in_use", "subsidiaries"]);
    site.cli(&["companies", "edit", "acme-north", "--top"]).ok();
    site.cli(&["companies", "join", "acme", "anna@example.com", "Operator"]).ok();
    site.cli(&["companies", "delete", "acme", "--yes"]).ends_with(1).complains(&["in_use", "participants"]);
    site.cli(&["roles", "delete", "Operator", "--yes"]).ends_with(1).complains(&["in_use"]);
    site.cli(&["companies", "move", "acme", "anna@example.com", "Installer"]).ok();
    let people = site.cli(&["companies", "people", "--json"]).ok().json();
    assert_eq!(people["rows"][0]["role"], "Installer");
    site.cli(&["companies", "leave", "acme", "anna@example.com"]).ok();
    site.cli(&["companies", "delete", "acme", "--yes"]).ok();
    site.cli(&["companies", "restore", "acme"]).ok();
}

#[test]
fn somebody_without_the_box_in_hand_has_the_configured_role_and_no_more() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("left out: only root can act as another system user");
        return;
    }
    let mut panel = Sim::envisalink().start();
    let mut site = Site::with_envisalink(&panel);
    site.extra = "[access]\nlocal_role = \"Night shift\"\n".into();
    fs::set_permissions(site.path(""), Permissions::from_mode(0o755)).unwrap();
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    let nobody = |words: &[&str]| site.cli_as(NOBODY, words);

    // Before there is such a role it permits nothing.
    nobody(&["panels"]).ends_with(1).complains(&["permission_denied", "Night shift", "view_devices"]);
    site.cli(&["roles", "add", "Night shift", "--permit", "view_devices,manage_roles,delete_roles"]).ok();
    nobody(&["panels"]).ok();
    nobody(&["events"]).ok();
    for (words, permission) in [
        (&["status"][..], "view_monitoring"),
        (&["users", "dsc-1"], "view_users"),
        (&["wire", "dsc-1"], "service_devices"),
        (&["log"], "view_action_log"),
        (&["roles"], "view_roles"),
        (&["companies"], "view_companies"),
        (&["requests"], "view_requests"),
        (&["requests", "deleted"], "restore_deleted"),
        (&["panels", "set-clock", "dsc-1"], "service_devices"),
        (&["users", "dsc-1", "label", "4", "Anna"], "manage_users"),
        (&["requests", "approve", "1"], "decide_requests"),
    ] {
        nobody(words).ends_with(1).complains(&["permission_denied", permission]);
    }

    // A stream ends for its follower once the role does not permit it any more.
    let follower = site.cli_beside_as(NOBODY, &["events", "--follow"]);
    let open = |panel: &mut world::SimPanel, zone: u32| panel.poke_until(&format!("open {zone}"), "zone_opened");
    open(&mut panel, 2);
    follower.out.wait_for("zone_opened", 0);
    site.cli(&["roles", "edit", "Night shift", "--remove", "view_devices"]).ok();
    open(&mut panel, 3);
    follower.out.wait_closed();
    assert!(!follower.out.all().iter().any(|line| line.contains("zone 3")), "{:?}", follower.out.all());
    nobody(&["panels"]).ends_with(1).complains(&["permission_denied"]);

    // What is sensitive is only asked for.
    let asked = nobody(&["roles", "delete", "End user", "--yes"]).ends_with(3);
    assert!(asked.out.contains("request 1"), "{}", asked.out);
    nobody(&["roles", "add", "Mine", "--permit", "view_users"]).ends_with(1).complains(&["do not have: view_users"]);
    let mine = nobody(&["requests", "mine", "--json"]).ok().json();
    assert_eq!((&mine["rows"][0]["state"], &mine["rows"][0]["action"]), (&"open".into(), &Value::from("delete_role")));
    site.cli(&["roles", "show", "End user"]).ok();
    site.cli(&["requests", "approve", "1"]).ok();
    site.cli(&["requests", "approve", "1"]).ends_with(1).complains(&["version_conflict"]);
    site.cli(&["roles", "show", "End user"]).ends_with(1);
    assert_eq!(nobody(&["requests", "mine", "--json"]).ok().json()["rows"][0]["state"], "carried_out");
    site.cli(&["requests", "restore", "1"]).ok();
    site.cli(&["roles", "show", "End user"]).ok();

    // All of it stands in the action log, in the role that it was tried in.
    let log = site.cli(&["log", "--last", "1000", "--json"]).ok().json();
    let has = |action: &str, role: &str, result: &str| {
        let fits = |line: &&Value| line["action"] == action && line["role"] == role && line["result"] == result;
        assert!(log.as_array().unwrap().iter().any(|line| fits(&line)), "{action} {role} {result}: {log:#}");
    };
    has("view", "Night shift", "permission_denied");
    has("set_clock", "Night shift", "permission_denied");
    has("delete_role", "Night shift", "requested");
    has("decide_request", "Super Admin", "approved");
    has("delete_role", "Night shift", "changed");
    has("restore_deleted", "Super Admin", "changed");
}
