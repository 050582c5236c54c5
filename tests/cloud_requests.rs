//! Operators in the cloud, against the whole daemon and a real broker: who is believed, what is done once, and what each
//! request is answered.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod world;

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use panelgate::access::Permission;
use panelgate::cloud::session::{MqttVersion, Properties};
use serde_json::{Value, json};
use uuid::Uuid;
use world::{Canary, Desk, PanelSpec, Sim, SimPanel, Site, kid, new_signer, seconds};

const VERSIONS: [MqttVersion; 2] = [MqttVersion::V5, MqttVersion::V311];
const CODE: &str = "739182";

fn house() -> (SimPanel, Site) {
    let panel = Sim::envisalink().with("code-length", 6).start();
    let mut spec = PanelSpec::envisalink("dsc-1", panel.addr()).six_digits();
    spec.installer = Some("555555".into());
    let site = Site::with_panel(spec);
    (panel, site)
}

/// A code, sealed to the site's key.
fn sealed(site: &Site, code: &str) -> Value {
    site.operator(&["seal"], &format!("{code}\n")).ok().json()
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[test]
fn each_bad_token_is_refused_and_logged_and_nothing_is_done() {
    for version in VERSIONS {
        let (mut panel, mut site) = house();
        let mut desk = Desk::at(&mut site, version);
        let observer = site.observe();
        let mut daemon = site.start();
        observer.wait_status(0, "dsc-1", "online");
        let set_code =
            |slot: u8| json!({ "action": "set_code", "panel": "dsc-1", "slot": slot, "code": sealed(&site, CODE) });
        let action = set_code(4);

        let good = desk.claims();
        let used = desk.token(&good);
        let id = desk.ask(&used, &json!({ "action": "refresh", "panel": "dsc-1", "section": "state" }));
        assert_eq!(desk.answer(id)["state"], "done");

        let (stranger, now) = (new_signer(), seconds());
        let fresh = || desk.claims();
        let expired = with(with(fresh(), "iat", json!(now - 900)), "exp", json!(now - 300));
        let cases = [
            ("forged with our key's name", stranger.sign(&desk.header(), &fresh()), "signature is wrong"),
            (
                "a stranger's",
                stranger.sign(&with(desk.header(), "kid", json!(kid(&stranger))), &fresh()),
                "does not know",
            ),
            ("expired", desk.token(&expired), "has expired"),
            ("from the future", desk.token(&with(fresh(), "iat", json!(now + 200))), "not good yet"),
            ("for ever", desk.token(&with(fresh(), "exp", json!(now + 90_000))), "longer than a day"),
            ("for another gateway", desk.token(&with(fresh(), "aud", json!("site-2"))), "another gateway"),
            ("of another company", desk.token(&with(fresh(), "company", json!("rival"))), "has no say"),
            ("alg none", desk.unsigned(&fresh()), "not signed with EdDSA"),
            ("replayed", used, "was used before"),
            ("without a claim", desk.token(&json!({ "sub": "olga" })), "lacks a claim"),
            ("no token", "x".to_owned(), "not a signed token"),
        ];
        for (what, token, text) in &cases {
            let mark = observer.mark();
            let id = desk.ask(token, &action);
            let answer = desk.answer(id);
            assert_eq!(
                (&answer["state"], &answer["refusal"]),
                (&json!("refused"), &json!("permission_denied")),
                "{what}"
            );
            assert!(answer["text"].as_str().unwrap().contains(text), "{what}: {answer}");
            let line = observer.wait_for(what, mark, "log", |line| {
                line["result"] == "permission_denied" && line["text"].as_str().is_some_and(|told| told.contains(text))
            });
            assert_eq!(
                (&line["action"], &line["door"], &line["slot"]),
                (&json!("set_code"), &json!("cloud"), &json!(4))
            );
        }
        // A good token that does not permit it: the log knows whose it was.
        let mark = observer.mark();
        let id = desk.ask(&desk.token(&with(desk.claims(), "permissions", json!(["view_users"]))), &action);
        assert_eq!(desk.answer(id)["refusal"], "permission_denied");
        let line = observer.wait_for("the line", mark, "log", |line| line["result"] == "permission_denied");
        assert_eq!((&line["actor"], &line["role"]), (&json!("olga@example.org"), &json!("Operator")));

        // The same door is open to a good one.
        let id = desk.ask(&desk.token(&desk.claims()), &set_code(5));
        assert_eq!(desk.answer(id)["done"]["result"], "accepted");
        panel.wait(0, "code_set", |line| line["slot"] == 5);
        assert_eq!(panel.code(4), None);
        daemon.stop();
        for (what, token, _) in cases.iter().filter(|(_, token, _)| token.len() > 60) {
            let canary = Canary::new(&token[token.len() - 40..]);
            canary.not_in_lines(what, &daemon.log().all());
            canary.not_below(&site.data_dir());
            for message in observer.seen().on("log") {
                canary.not_in(what, message.text.as_bytes());
            }
        }
    }
}

#[test]
fn a_good_request_sent_three_times_acts_once_and_is_answered_the_same_three_times() {
    for version in VERSIONS {
        let (mut panel, mut site) = house();
        let desk = Desk::at(&mut site, version);
        let observer = site.observe();
        let mut daemon = site.start();
        observer.wait_status(0, "dsc-1", "online");
        site.secret_file("token", &desk.token(&desk.claims()));
        let (id, token) = (Uuid::now_v7().to_string(), site.path("token").display().to_string());
        let action =
            json!({ "action": "set_code", "panel": "dsc-1", "slot": 4, "code": sealed(&site, CODE) }).to_string();
        let mut words = vec!["request", "--token-file", &token, "--id", &id, "--times", "3", "--json", &action];
        if version == MqttVersion::V311 {
            words.push("--v3");
        }
        let answers = site.operator(&words, "").ok().json_lines();
        assert_eq!(answers.len(), 3);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(answers[0]["done"]["result"], "accepted");
        panel.wait(0, "code_set", |line| line["slot"] == 4);
        assert_eq!(panel.code(4).as_deref(), Some(CODE));

        // Asked again after a power cut: the same answer, and still done once.
        daemon.kill();
        let mark = observer.mark();
        let mut daemon = site.start();
        observer.wait_status(mark, "dsc-1", "online");
        let later = site.operator(&words, "").ok().json_lines();
        assert_eq!(later, answers);
        // The id belongs to that request alone.
        let other = json!({ "action": "disable_user", "panel": "dsc-1", "slot": 4 }).to_string();
        words[8] = &other;
        words.extend(["--timeout", "1"]);
        site.operator(&words, "").ends_with(3);
        observer.wait_for("the line", mark, "log", |line| {
            line["result"] == "invalid" && line["text"].as_str().is_some_and(|text| text.contains("another request's"))
        });
        daemon.stop();
        let seen = observer.seen();
        let mut lines: Vec<_> = seen.on("log").filter(|line| line.body["result"] == "accepted").collect();
        lines.dedup_by_key(|line| line.body["id"].clone());
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0].body["actor"], "olga@example.org");
        assert_eq!(panel.count("code_set", |line| line["slot"] == 4), 1);
    }
}

#[test]
fn a_request_over_which_the_box_dies_ends_once_and_is_not_done_again() {
    let (panel, mut site) = house();
    let mut desk = Desk::at(&mut site, MqttVersion::V5);
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    panel.freeze();
    let (id, token) = (Uuid::now_v7(), desk.token(&desk.claims()));
    let action = json!({ "action": "arm", "panel": "dsc-1", "partition": 1, "mode": "away" });
    let request = json!({ "id": id, "token": token, "action": action });
    desk.send(&request, false, Properties::default());
    daemon.log().wait_for("request taken", 0);
    daemon.kill();

    let _daemon = site.start();
    let first = desk.answer(id);
    assert_eq!(first["state"], "failed", "{first}");
    assert!(first["text"].as_str().unwrap().contains("restarted"), "{first}");
    desk.send(&request, false, Properties::default());
    assert_eq!(desk.answer(id), first);
    let armed = observer.seen().on("log").filter(|line| line.body["action"] == "arm").count();
    assert_eq!(armed, 0, "nobody knows how it ended, and it was not tried again");
}

#[test]
fn what_is_retained_over_or_malformed_is_refused_and_answered_once() {
    for version in VERSIONS {
        let (_panel, mut site) = house();
        let mut desk = Desk::at(&mut site, version);
        let observer = site.observe();
        let mut daemon = site.start();
        observer.wait_status(0, "dsc-1", "online");
        let refresh = json!({ "action": "refresh", "panel": "dsc-1", "section": "state" });
        let request = |desk: &Desk, action: &Value| json!({ "id": Uuid::now_v7(), "token": desk.token(&desk.claims()), "action": action });

        let over = with(request(&desk, &refresh), "expires_at", json!("2026-11-22T00:00:00.000Z"));
        let unknown = request(&desk, &json!({ "action": "fly", "panel": "dsc-1" }));
        let clear = request(&desk, &json!({ "action": "set_code", "panel": "dsc-1", "slot": 4, "code": CODE }));
        let number = request(&desk, &json!({ "action": "disarm", "panel": "dsc-1", "partition": 1, "code": 739_182 }));
        let more = with(request(&desk, &refresh), "more", json!(CODE));
        let no_token = json!({ "id": Uuid::now_v7(), "action": refresh });
        for (request, text) in [
            (over, "has expired"),
            (unknown, "action: "),
            (clear, "code"),
            (number, "code"),
            (more, "unknown field `more`"),
            (no_token, "missing field `token`"),
        ] {
            desk.send(&request, false, Properties::default());
            let answer = desk.answer(request["id"].as_str().unwrap().parse().unwrap());
            assert_eq!((&answer["state"], &answer["refusal"]), (&json!("refused"), &json!("invalid")), "{answer}");
            assert!(answer["text"].as_str().unwrap().contains(text), "{answer}");
        }
        // What has no id cannot be answered; it leaves its line.
        let mark = observer.mark();
        for garbage in
            [json!("nonsense"), json!({ "id": 7, "token": CODE }), json!({ "token": "x", "action": refresh })]
        {
            desk.send(&garbage, false, Properties::default());
        }
        observer.wait_for("the line", mark, "log", |line| {
            line["result"] == "invalid" && line["text"].as_str().is_some_and(|text| text.contains("missing field `id`"))
        });

        // A retained request: MQTT 5 tells at once, 3.1.1 only of the copy that comes with the next connect.
        let retained = request(&desk, &refresh);
        desk.send(&retained, true, Properties::default());
        let answer = desk.answer(retained["id"].as_str().unwrap().parse().unwrap());
        if version == MqttVersion::V5 {
            assert_eq!(answer["refusal"], "invalid", "{answer}");
            assert!(answer["text"].as_str().unwrap().contains("retained"), "{answer}");
        }
        daemon.stop();
        let mark = observer.mark();
        let mut daemon = site.start();
        observer.wait_status(mark, "dsc-1", "online");
        let id = desk.ask(&desk.token(&desk.claims()), &refresh);
        assert_eq!(desk.answer(id)["state"], "done", "the first answer after the restart, so the copy got none");
        daemon.stop();
        let canary = Canary::new(CODE);
        canary.not_in_lines("the log", &daemon.log().all());
        for message in observer.seen().messages.iter().filter(|message| message.topic != "request") {
            canary.not_in(&message.topic, message.text.as_bytes());
        }
    }
}

#[test]
fn answers_go_where_the_asker_says_but_not_into_others_topics() {
    let (_panel, mut site) = house();
    let mut desk = Desk::at(&mut site, MqttVersion::V5);
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    let refresh = json!({ "action": "refresh", "panel": "dsc-1", "section": "state" });
    let request = |token: String| json!({ "id": Uuid::now_v7(), "token": token, "action": refresh });
    let to = |topic: &str| Properties {
        response_topic: Some(topic.to_owned()),
        correlation: Some(vec![0, 255, 7].into()),
        expiry: Some(30),
    };

    let good = request(desk.token(&desk.claims()));
    desk.send(&good, false, to("answers/olga"));
    let answered = desk.next();
    assert_eq!((answered.topic.as_str(), answered.json["id"].clone()), ("answers/olga", good["id"].clone()));
    assert_eq!(answered.correlation, Some(vec![0, 255, 7]));
    let named = with(request(desk.token(&desk.claims())), "reply_to", json!("answers/by-payload"));
    desk.send(&named, false, Properties::default());
    assert_eq!(desk.next().topic, "answers/by-payload");

    for (request, topic) in [
        (request(desk.token(&desk.claims())), "panelgate/v1/site-1/panels/dsc-1/desired"),
        (request(desk.token(&desk.claims())), "answers/#"),
        (request(desk.unsigned(&desk.claims())), "answers/olga"),
    ] {
        desk.send(&with(request.clone(), "reply_to", json!(topic)), false, Properties::default());
        assert_eq!(desk.next().topic, format!("response/{}", request["id"].as_str().unwrap()), "{topic}");
    }
}

#[test]
fn the_cloud_changes_its_keys_and_the_old_ones_are_worth_nothing() {
    let (_panel, mut site) = house();
    let mut desk = Desk::at(&mut site, MqttVersion::V5);
    let observer = site.observe();
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    let refresh = json!({ "action": "refresh", "panel": "dsc-1", "section": "state" });
    let keys =
        |pem: &str, next: &str| site.operator(&["keys", "--signing-key", &site.path(pem).display().to_string()], next);
    // The desk's own key is in no file: a first change brings one that is.
    let made = |name: &str| {
        let path = site.path(name).display().to_string();
        site.operator(&["token", "--new-key", "--signing-key", &path], "").ok().out
    };
    let (first, second) = (made("first.pem"), made("second.pem"));
    site.operator(&["token", "--new-key", "--signing-key", &site.path("first.pem").display().to_string()], "")
        .ends_with(1)
        .complains(&["cannot make"]);
    keys("second.pem", &second).ends_with(1).complains(&["permission_denied", "does not know"]);
    std::fs::write(site.path("cloud-keys.json"), &first).unwrap();
    daemon.stop();
    let mut daemon = site.start();
    let id = desk.ask(&desk.token(&desk.claims()), &refresh);
    assert_eq!(desk.answer(id)["refusal"], "permission_denied", "another file counts at once");

    let mark = observer.mark();
    keys("first.pem", &second).ok();
    let line = observer.wait_for("the line", mark, "log", |line| line["result"] == "applied");
    assert_eq!(line["action"], "rotate_keys");
    daemon.kill();
    let mark = observer.mark();
    let _daemon = site.start();
    observer.wait_status(mark, "dsc-1", "online");
    let ask = |pem: &str| {
        let pem = site.path(pem).display().to_string();
        site.operator(&["request", "--signing-key", &pem, "--company", "acme", &refresh.to_string()], "")
    };
    let refused = ask("first.pem").ends_with(1);
    assert!(refused.out.contains("refused (permission_denied)"), "{}", refused.out);
    ask("second.pem").ok();
}

/// Asks through the unix socket, with the panel's installer code shown.
fn at_the_socket(site: &Site, action: &Value, installer_code: &Value) -> String {
    let body = json!({ "action": action, "installer_code": installer_code }).to_string();
    let mut stream = UnixStream::connect(site.socket()).unwrap();
    stream.set_read_timeout(Some(world::deadline())).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /api/v1/actions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let body: Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
    body["refusal"].as_str().unwrap_or("done").to_owned()
}

#[test]
fn every_rule_refuses_alike_at_the_socket_and_over_mqtt() {
    let (panel, mut site) = house();
    let mut desk = Desk::at(&mut site, MqttVersion::V5);
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    let (code, installer) = (sealed(&site, CODE), sealed(&site, "555555"));
    let set_code =
        |slot: u16, code: &Value| json!({ "action": "set_code", "panel": "dsc-1", "slot": slot, "code": code });
    let id = desk.ask(&desk.token(&desk.claims()), &set_code(4, &code));
    assert_eq!(desk.answer(id)["state"], "done");
    panel.wait(0, "code_set", |line| line["slot"] == 4);
    let accounts = json!({ "carl@example.org": { "status": "suspended" } });
    let companies = json!({
        "acme": { "name": "Acme" },
        "acme-north": { "name": "Acme North", "parent": "acme" },
    });
    let directory =
        json!({ "version": 1, "company": "acme-north", "companies": companies, "accounts": accounts }).to_string();
    site.operator(&["directory"], &directory).ok();
    let assign = |account: &str, slot: u16| json!({ "action": "assign_account", "panel": "dsc-1", "slot": slot, "account": account });
    let person = |action: &str| json!({ "action": action, "person": "nobody@example.org" });
    let foreign = json!({ "sealed": "AAAA" });
    let short = sealed(&site, "1234");
    let cases = [
        (set_code(5, &code), "code_not_available"),
        (set_code(5, &installer), "code_not_available"),
        (set_code(5, &short), "code_format"),
        (set_code(5, &foreign), "seal_invalid"),
        (set_code(500, &code), "slot_not_available"),
        (json!({ "action": "set_label", "panel": "dsc-1", "slot": 6, "label": "Anna" }), "code_not_set"),
        (json!({ "action": "set_label", "panel": "dsc-1", "slot": 4, "label": "" }), "label_format"),
        (json!({ "action": "disable_user", "panel": "dsc-1", "slot": 40 }), "master_cannot_be_disabled"),
        (
            json!({ "action": "set_partitions", "panel": "dsc-1", "slot": 40, "partitions": [1] }),
            "master_partitions_fixed",
        ),
        (json!({ "action": "set_partitions", "panel": "dsc-1", "slot": 4, "partitions": [1] }), "unsupported"),
        (json!({ "action": "set_role", "panel": "dsc-1", "slot": 4, "role": "dealer" }), "role_not_supported"),
        (json!({ "action": "bypass", "panel": "dsc-1", "zone": 1, "bypassed": true }), "unsupported"),
        (json!({ "action": "output", "panel": "dsc-1", "partition": 1, "output": 9 }), "not_found"),
        (json!({ "action": "arm", "panel": "dsc-1", "partition": 8, "mode": "away" }), "partition_not_available"),
        (json!({ "action": "set_zone_label", "panel": "dsc-1", "zone": 1, "label": "Door" }), "unsupported"),
        (
            json!({ "action": "change_installer_code", "panel": "dsc-1", "new": code, "confirmation": short }),
            "confirmation_mismatch",
        ),
        (json!({ "action": "refresh", "panel": "dsc-9", "section": "state" }), "panel_not_found"),
        (assign("dora@example.org", 4), "account_not_found"),
        (assign("carl@example.org", 4), "account_suspended"),
        (assign("carl@example.org", 6), "code_not_set"),
        (person("reset_password"), "not_found"),
        (person("suspend_person"), "not_found"),
        (json!({ "action": "accept_invitation", "token": code, "password": code }), "invitation_expired"),
        (json!({ "action": "delete_company", "company": "acme" }), "in_use"),
        (json!({ "action": "delete_role", "role": "No such" }), "not_found"),
        (json!({ "action": "fly", "panel": "dsc-1" }), "invalid"),
        (json!({ "action": "set_label", "panel": "dsc-1", "slot": 4, "label": "A", "more": 1 }), "invalid"),
    ];
    // Both may do everything, so that it is the rules that refuse.
    let all = Permission::ALL.map(Permission::name);
    let mut different = Vec::new();
    for (action, refusal) in &cases {
        let claims = with(with(desk.claims(), "role", json!("Super Admin")), "permissions", json!(all));
        let id = desk.ask(&desk.token(&claims), action);
        let mqtt = desk.answer(id)["refusal"].as_str().unwrap_or("done").to_owned();
        let socket = at_the_socket(&site, action, &installer);
        if (mqtt.as_str(), socket.as_str()) != (*refusal, *refusal) {
            different.push(format!("{action}: {mqtt} over MQTT, {socket} at the socket, wanted {refusal}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn a_sensitive_change_asked_for_from_the_cloud_waits_for_another_person() {
    let (_panel, mut site) = house();
    let mut desk = Desk::at(&mut site, MqttVersion::V5);
    let observer = site.observe();
    let _daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    site.cli(&["roles", "copy", "Operator", "Night desk"]).ok();
    let delete = json!({ "action": "delete_role", "role": "Night desk" });
    // Within the box's own role of that name: the token alone gives nobody more.
    let claims = with(with(desk.claims(), "role", json!("Company Admin")), "permissions", json!(["delete_roles"]));
    let id = desk.ask(&desk.token(&with(claims.clone(), "role", json!("Operator"))), &delete);
    assert_eq!(desk.answer(id)["refusal"], "permission_denied");
    let id = desk.ask(&desk.token(&with(claims, "jti", json!("second"))), &delete);
    let answer = desk.answer(id);
    assert_eq!((&answer["state"], &answer["done"]["result"]), (&json!("done"), &json!("requested")), "{answer}");
    let number = answer["done"]["request"].to_string();
    assert!(site.cli(&["roles"]).ok().out.contains("Night desk"));
    site.cli(&["requests", "approve", &number]).ok();
    assert!(!site.cli(&["roles"]).ok().out.contains("Night desk"));
}

#[test]
fn the_directory_is_taken_entry_by_entry_and_enforced_while_the_cloud_is_away() {
    let (_panel, mut site) = house();
    let mut desk = Desk::at(&mut site, MqttVersion::V5);
    let observer = site.observe();
    site.unlocks = false;
    let mut daemon = site.start();
    observer.wait_status(0, "dsc-1", "online");
    let push = |document: &Value| site.operator(&["directory"], &document.to_string());
    let document = json!({
        "version": 2, "company": "acme-north",
        "companies": {
            "group": { "name": "The Group" },
            "acme": { "name": "Acme", "parent": "group" },
            "acme-north": { "name": "Acme North", "parent": "acme" },
            "lost": { "name": "Lost", "parent": "nobody" },
        },
        "roles": {
            "Night desk": { "permissions": ["service_devices", "manage_users"] },
            "Pilots": { "permissions": ["fly"] },
            "Super Admin": { "permissions": [] },
        },
        "installers": {
            "anna@example.org": { "name": "Anna Berg", "panels": ["dsc-1"] },
            "bert@example.org": { "name": "Bert", "panels": ["dsc-9"] },
            "carl": { "name": "Carl" },
            "init": { "name": "Init" },
        },
        "accounts": { "carl@example.org": { "status": "active" }, "carl": { "status": "active" } },
        "installer_codes": { "dsc-1": sealed(&site, "246802"), "dsc-9": sealed(&site, "246802") },
    });
    let told = push(&document).ends_with(1).out;
    for line in [
        "company company: applied",
        "companies acme-north: applied",
        "companies lost: refused (not_found)",
        "roles Night desk: applied",
        "roles Pilots: refused (invalid)",
        "roles Super Admin: refused (permission_denied)",
        "installers anna@example.org: applied",
        "installers bert@example.org: refused (panel_not_found)",
        "installers carl: refused (invalid)",
        "installers init: refused (invalid)",
        "accounts carl: refused (invalid)",
        "accounts carl@example.org: applied",
        "installer_codes dsc-1: applied",
        "installer_codes dsc-9: refused (panel_not_found)",
    ] {
        assert!(told.contains(line), "`{line}` is not in:\n{told}");
    }
    let anna = site.cli(&["installers", "show", "anna@example.org"]).ok().out;
    assert!(anna.contains("dsc-1 (1)") && anna.contains("invited"), "{anna}");
    let accounts = || site.cli(&["accounts", "list", "--json"]).ok().json();
    assert_eq!((&accounts()["total"], &accounts()["rows"][0]["status"]), (&json!(1), &json!("active")));
    push(&json!({ "version": 1 })).ends_with(1).complains(&["version_conflict"]);
    push(&json!({ "version": 3, "people": {} })).ends_with(1).complains(&["unknown field `people`"]);

    // P6, after a restart too: the company, those above it, and nobody else. The installer code is the one that was
    // pushed (I8), so nobody unlocks with the former one.
    daemon.kill();
    let mark = observer.mark();
    let mut daemon = site.start();
    observer.wait_status(mark, "dsc-1", "online");
    site.cli_with(&["unlock", "dsc-1"], "246802\n").ok();
    let reported = observer.wait_for("the directory", mark, "directory/reported", |body| body["version"] == 2);
    assert_eq!(reported["entries"]["companies"]["lost"]["refusal"], "not_found");
    let refresh = json!({ "action": "refresh", "panel": "dsc-1", "section": "state" });
    for (company, state) in
        [("acme-north", "done"), ("acme", "done"), ("group", "done"), ("lost", "refused"), ("nobody", "refused")]
    {
        let id = desk.ask(&desk.token(&with(desk.claims(), "company", json!(company))), &refresh);
        assert_eq!(desk.answer(id)["state"], state, "{company}");
    }
    // A role of the box says how much a token in that role can permit at most.
    let desk_role = with(desk.claims(), "role", json!("Night desk"));
    let id = desk.ask(&desk.token(&desk_role), &refresh);
    assert_eq!(desk.answer(id)["state"], "done");
    let id = desk.ask(
        &desk.token(&with(desk_role, "jti", json!("another"))),
        &json!({ "action": "arm", "panel": "dsc-1", "partition": 1, "mode": "away" }),
    );
    assert_eq!(desk.answer(id)["refusal"], "permission_denied");
    // I8: the code that was pushed is the installer code now; no user may have it.
    let taken = json!({ "action": "set_code", "panel": "dsc-1", "slot": 5, "code": sealed(&site, "246802") });
    let id = desk.ask(&desk.token(&desk.claims()), &taken);
    assert_eq!(desk.answer(id)["refusal"], "code_not_available");
    // What is not named any more is withdrawn.
    push(&json!({ "version": 4, "company": "acme", "companies": { "acme": { "name": "Acme" } } })).ok();
    assert_eq!(accounts()["total"], 0);
    assert_eq!(site.cli(&["installers", "--json"]).ok().json()["total"], 0);
    let roles = site.cli(&["roles", "--json"]).ok().out;
    assert!(roles.contains("Operator") && !roles.contains("Night desk"), "{roles}");
    let id = desk.ask(&desk.token(&with(desk.claims(), "company", json!("group"))), &refresh);
    assert_eq!(desk.answer(id)["refusal"], "permission_denied", "no company is above it now");
    daemon.stop();
    Canary::new("246802").not_below(&site.data_dir());
}
