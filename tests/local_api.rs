//! The local API as a stranger meets it: bytes on the socket, statuses, limits, streams.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod world;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use serde_json::Value;
use world::{Canary, Sim, Site, deadline};

/// What came back for some bytes: the status, and the body as JSON.
struct Reply {
    status: u16,
    body: Value,
}

fn connect(site: &Site) -> UnixStream {
    let stream = UnixStream::connect(site.socket()).unwrap();
    stream.set_read_timeout(Some(deadline())).unwrap();
    stream
}

fn ask(site: &Site, method: &str, path: &str, body: &str) -> Reply {
    let mut stream = connect(site);
    let length = body.len();
    let head =
        format!("{method} /api/v1{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // A body that is too long is not read to its end.
    let _ = stream.write_all(body.as_bytes());
    reply(stream)
}

fn reply(stream: UnixStream) -> Reply {
    let mut lines = BufReader::new(stream);
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    let status = first.split(' ').nth(1).unwrap_or_else(|| panic!("no status: {first}")).parse().unwrap();
    let mut text = String::new();
    lines.read_to_string(&mut text).unwrap();
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Reply { status, body: serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}")) }
}

#[test]
fn every_answer_has_a_status_and_says_what_to_do() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");

    let info = ask(&site, "GET", "/info", "");
    assert_eq!((info.status, &info.body["gateway"]), (200, &Value::from("site-1")));
    assert_eq!(info.body["units"]["panel dsc-1"]["state"], "running");
    assert_eq!(info.body["cloud"]["connected"], true);
    assert_eq!(ask(&site, "GET", "/panels", "").body[0]["panel"], "dsc-1");
    let page = ask(&site, "GET", "/panels/dsc-1/users?page=7&size=15", "");
    assert_eq!(page.body["shown"], "91-95 of 95");
    assert_eq!(page.body["rows"].as_array().unwrap().len(), 5);

    let arm = |panel: &str, partition: u8| {
        format!(r#"{{"action":{{"action":"arm","panel":"{panel}","partition":{partition},"mode":"away"}}}}"#)
    };
    for (method, path, body, status, refusal) in [
        ("GET", "/nothing", String::new(), 404, "not_found"),
        ("GET", "/panels/dsc-9", String::new(), 404, "panel_not_found"),
        ("GET", "/panels/NO%20PANEL", String::new(), 404, "panel_not_found"),
        ("GET", "/panels/dsc-1/users?size=20", String::new(), 400, "invalid"),
        ("GET", "/panels/dsc-1/users?page=8", String::new(), 400, "invalid"),
        ("GET", "/panels/dsc-1/users?pages=1", String::new(), 400, "invalid"),
        ("DELETE", "/panels", String::new(), 405, "invalid"),
        ("POST", "/actions", "{".into(), 400, "invalid"),
        ("POST", "/actions", r#"{"action":{"action":"explode","panel":"dsc-1"}}"#.into(), 400, "invalid"),
        ("POST", "/actions", arm("dsc-9", 1), 404, "panel_not_found"),
        ("POST", "/actions", arm("dsc-1", 7), 422, "partition_not_available"),
        ("POST", "/actions", "x".repeat(100_000), 413, "invalid"),
    ] {
        let reply = ask(&site, method, path, &body);
        let told = (reply.status, reply.body["refusal"].as_str().unwrap_or_default());
        assert_eq!(told, (status, refusal), "{method} {path}: {}", reply.body);
        assert!(!reply.body["text"].as_str().unwrap().is_empty(), "{method} {path}");
    }
}

#[test]
fn a_code_that_came_in_clear_is_refused_and_not_repeated() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let mut daemon = site.start();
    let canary = Canary::new("739182");
    for code in ["\"739182\"", "739182", "{\"sealed\":739182}", "{\"sealed\":\"739182\"}"] {
        let body = format!(r#"{{"action":{{"action":"set_code","panel":"dsc-1","slot":4,"code":{code}}}}}"#);
        let reply = ask(&site, "POST", "/actions", &body);
        assert!([400, 422].contains(&reply.status), "{code}: {}", reply.status);
        canary.not_in("the answer", reply.body.to_string().as_bytes());
    }
    daemon.stop();
    canary.not_in_lines("the log", &daemon.log().all());
}

#[test]
fn the_socket_is_for_the_group_and_a_silent_client_holds_up_nobody() {
    let panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let mut daemon = site.start();
    let mode = std::fs::metadata(site.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let mut silent: Vec<_> = (0..20).map(|_| connect(&site)).collect();
    silent[0].write_all(b"GET /api/v1/inf").unwrap();
    assert_eq!(ask(&site, "GET", "/info", "").status, 200);
    // Neither does the end wait for them, nor for a stream that is being followed.
    let mut follower = connect(&site);
    follower.write_all(b"GET /api/v1/events/follow HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut first = [0_u8; 15];
    follower.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    assert!(daemon.stop().success());
}

#[test]
fn a_follower_is_told_the_panel_whole_and_then_every_change() {
    let mut panel = Sim::envisalink().start();
    let site = Site::with_envisalink(&panel);
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    let mut stream = connect(&site);
    stream.write_all(b"GET /api/v1/panels/dsc-1/follow HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut updates = BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("data: ").map(|data| serde_json::from_str::<Value>(data).unwrap()));
    let first = updates.next().expect("the panel as it is");
    assert_eq!((&first["panel"], &first["status"]["state"]), (&Value::from("dsc-1"), &Value::from("online")));
    panel.poke_until("open 3", "zone_opened");
    let opened = updates.find(|update| update["state"]["zones"]["3"]["open"] == true);
    assert!(opened.is_some(), "the stream goes on until the zone is open");
}
