//! The action log of the whole daemon: written, proved, and shown to be broken when somebody was at the database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod world;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use world::{Sim, Site};

/// Has five lines written: who reads a panel again is logged too.
fn fill(site: &Site) {
    for section in ["state", "users", "labels", "state", "users"] {
        let answer = site.cli(&["panels", "refresh", "dsc-1", section]);
        assert!(answer.code.is_some_and(|code| code < 2), "{}", answer.err);
    }
}

#[test]
fn a_log_that_somebody_edited_is_told_where() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    for (what, sql, told) in [
        ("a line removed", "DELETE FROM log WHERE number = 2", "line 2 is missing"),
        ("the end removed", "DELETE FROM log WHERE number > 3", "lines 4 to "),
        ("a line edited", "UPDATE log SET actor = 'nobody' WHERE number = 3", "line 3 was altered"),
        (
            "two lines swapped",
            "UPDATE log SET seq = -1 WHERE number = 3; \
             CREATE TEMP TABLE place AS SELECT number, seq FROM log WHERE number = 4; \
             UPDATE log SET seq = (SELECT max(seq) FROM log WHERE number = 2) + 1 WHERE number = 4; \
             UPDATE log SET seq = (SELECT seq FROM place) WHERE number = 3",
            "line 3 stands in the wrong place",
        ),
    ] {
        let from = observer.mark();
        let mut daemon = site.start();
        observer.wait_status(from, "dsc-1", "online");
        fill(&site);
        let sound = site.cli(&["log", "verify"]).ok();
        assert!(sound.out.starts_with("sound: "), "{}", sound.out);
        daemon.stop();

        let file = Connection::open_with_flags(site.data_dir().join("panelgate.db"), OpenFlags::SQLITE_OPEN_READ_WRITE)
            .unwrap();
        file.execute_batch(sql).unwrap();
        drop(file);

        let mut daemon = site.start();
        let broken = site.cli(&["log", "verify"]).ends_with(1);
        assert!(broken.out.contains("NOT SOUND") && broken.out.contains(told), "{what}: {}", broken.out);
        let proof = site.cli(&["log", "verify", "--json"]).ends_with(1).json();
        assert_eq!(proof["sound"], false, "{what}");
        daemon.stop();
        std::fs::remove_dir_all(site.data_dir()).unwrap();
    }
}

#[test]
fn exported_lines_prove_each_other_and_are_those_that_the_cloud_gets() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    fill(&site);
    let exported = site.cli(&["log", "list", "--after", "0", "--json"]).ok();
    let lines = exported.json();
    assert_eq!(lines.as_array().unwrap().len(), 5);
    for line in lines.as_array().unwrap() {
        observer.wait_for("the line", 0, "log", |body| body == line);
    }
    let verify = |lines: &Value| site.cli_with(&["log", "verify", "--file", "-"], &lines.to_string());
    verify(&lines).ok();
    let mut edited = lines.clone();
    edited[2]["result"] = json!("refused");
    assert!(verify(&edited).ends_with(1).out.contains("line 3 was altered"));
    let mut cut = lines.clone();
    cut.as_array_mut().unwrap().remove(2);
    assert!(verify(&cut).ends_with(1).out.contains("line 3 is missing"));
    site.cli_with(&["log", "verify", "--file", "-"], "{}").ends_with(1).complains(&["log list --json"]);
    daemon.stop();
}
