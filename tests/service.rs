//! What the service manager sees: ready, alive, stopping, and how the process ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod world;

use std::os::unix::net::UnixDatagram;

use world::{Program, Sim, Site, deadline, panelgate};

/// The daemon under a service manager that wants to hear of it four times a second.
struct Managed {
    process: Program,
    manager: UnixDatagram,
}

impl Managed {
    fn start(site: &Site) -> Self {
        let path = site.path("manager");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(deadline())).unwrap();
        let mut command = panelgate();
        command.arg("run").arg("--config").arg(site.config());
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "750000");
        Self { process: Program::start("panelgate run", command), manager }
    }

    /// Reads on until it is told that.
    fn hear(&self, wanted: &str) -> Vec<String> {
        let (mut heard, mut buffer) = (Vec::new(), [0; 512]);
        loop {
            let n = self.manager.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted}: {error}; heard {heard:?}"));
            heard.extend(String::from_utf8_lossy(&buffer[..n]).lines().map(str::to_owned));
            if heard.iter().any(|line| line == wanted) {
                return heard;
            }
        }
    }
}

#[test]
fn the_service_manager_hears_ready_then_alive_then_stopping() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let mut daemon = Managed::start(&site);
    assert_eq!(daemon.hear("READY=1"), ["READY=1"], "nothing before it is ready");
    site.cli(&["panels"]).ok();
    for _ in 0..3 {
        daemon.hear("WATCHDOG=1");
    }
    daemon.process.terminate();
    daemon.hear("STOPPING=1");
    assert_eq!(daemon.process.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_at_once_what_the_first_one_would_end_in_order() {
    let panel = Sim::envisalink().at_real_pace().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let mut daemon = Managed::start(&site);
    observer.wait_status(0, "dsc-1", "online");
    site.unlock();
    site.cli_with(&["users", "dsc-1", "set-code", "4", "--no-wait"], "2846\n2846\n").ends_with(3);
    panel.wait(0, "menu_opened", |line| line["by"] == "module");
    // The menu cannot be left: in order it would take as long as a driver may take at most.
    panel.freeze();
    daemon.process.terminate();
    daemon.hear("STOPPING=1");
    daemon.process.terminate();
    assert_eq!(daemon.process.wait().code(), Some(1));
    daemon.process.err.wait_for("ending at once", 0);
}

#[test]
fn a_service_manager_that_does_not_listen_holds_up_nothing() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let mut daemon = Managed::start(&site);
    daemon.hear("READY=1");
    // Its queue is full when a message more would block.
    let path = site.path("manager");
    let filler = UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    while filler.send_to(b"WATCHDOG=1", &path).is_ok() {}
    observer.wait_status(0, "dsc-1", "online");
    for _ in 0..20 {
        site.cli(&["panels"]).ok();
    }
    site.unlock();
    site.cli_with(&["users", "dsc-1", "set-code", "4"], "2846\n2846\n").ok();
    daemon.process.terminate();
    assert_eq!(daemon.process.wait().code(), Some(0));
}

#[test]
fn log_lines_for_the_journal_are_short_and_have_a_priority() {
    let panel = Sim::envisalink().start();
    let mut site = Site::with_envisalink(&panel);
    site.log_level = "info\"\nformat = \"short".into();
    let mut daemon = Managed::start(&site);
    daemon.hear("READY=1");
    daemon.process.terminate();
    daemon.process.wait();
    let lines = daemon.process.err.all();
    assert!(lines.iter().any(|line| line.starts_with("<6>") && line.contains("ready")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("<4>") && line.contains("configuration")), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "no colours: {lines:?}");
}
