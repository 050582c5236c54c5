use std::path::Path;
use std::time::Duration;

use super::*;

const SMALLEST: &str = "[gateway]\nid = \"site-1\"\n";

const WHOLE: &str = r#"
[gateway]
id = "site-1"
data_dir = "data"
socket = "/run/x.sock"
group = "installers"
company = "acme-north"
[access]
local_role = "Operator"
[store]
outbox_max_mib = 1
[cloud]
url = "mqtt://broker:1884"
protocol = "3.1.1"
prefix = "acme/alarm"
username = "box"
password = { credential = "mqtt-password" }
keep_alive_s = 60
[mail]
host = "smtp.example.org"
port = 2525
security = "tls"
from = "box@example.org"
username = "box"
password = { file = "smtp.password" }
link_base = "https://box.example.org/"
[log]
level = "info,panelgate::cloud=debug"
format = "short"
[[listen]]
vendor = "neor"
address = "0.0.0.0:3072"
[[panel]]
id = "dsc-1"
vendor = "dsc"
label = "Main building"
authority = "cloud"
supervision = { period_s = 30, offline_after_s = 90 }
credentials = { password = { file = "evl.password" } }
[panel.dsc]
anything = 1
"#;

fn read(text: &str) -> Result<(Config, Problems), Problems> {
    parse(text, Path::new("/etc/panelgate")).check(|_| Problems::default())
}

fn errors(text: &str) -> Vec<String> {
    let problems = read(text).expect_err("refused");
    problems.iter().filter(|p| p.level == Level::Error).map(|p| format!("{}: {}", p.key, p.what)).collect()
}

/// Seconds after which a panel is late and offline, if it may be silent for `quiet` seconds.
fn timers(panel: &PanelConfig, quiet: u64) -> (u64, u64) {
    let (quiet, supervision) = (Duration::from_secs(quiet), &panel.supervision);
    (supervision.period(quiet).as_secs(), supervision.offline_after(quiet).as_secs())
}

#[test]
fn supervision_that_the_file_leaves_out_follows_the_way_to_the_panel() {
    let told = |keys: &str, quiet: u64| {
        let text =
            format!("{SMALLEST}[[panel]]\nid = \"a\"\nvendor = \"dsc\"\nsupervision = {{ {keys} }}\n[panel.dsc]\n");
        let (config, _) = read(&text).expect("valid as far as the file shows");
        let panel = config.panels.first().expect("a panel");
        let mut problems = Problems::default();
        panel.supervision.check(&panel.id, Duration::from_secs(quiet), &mut problems);
        (timers(panel, quiet), problems.iter().map(|p| format!("{} {}", p.key, p.what)).collect::<Vec<_>>())
    };
    assert_eq!(told("", 60), ((60, 180), vec![]));
    assert_eq!(told("", 120), ((120, 360), vec![]));
    assert_eq!(told("period_s = 30", 120), ((30, 90), vec![]));
    assert_eq!(told("offline_after_s = 240", 120), ((120, 240), vec![]));
    let short = "panel a: supervision.offline_after_s 239 is less than twice the period of 120 s";
    assert_eq!(told("offline_after_s = 239", 120).1, [short]);
    assert_eq!(told("offline_after_s = 239", 60), ((60, 239), vec![]));
}

#[test]
fn the_smallest_file_has_every_default() {
    let (config, problems) = read(SMALLEST).expect("valid");
    assert_eq!(config.gateway_id.as_str(), "site-1");
    assert_eq!(config.data_dir, Path::new("/var/lib/panelgate"));
    assert_eq!(config.socket, Path::new(DEFAULT_SOCKET));
    assert_eq!(config.store.outbox_max_bytes, 64 * 1024 * 1024);
    assert_eq!(config.log.level, "info");
    assert_eq!((config.access.local_role.as_str(), config.company), ("Installer", None));
    assert!(config.cloud.is_none() && config.panels.is_empty());
    let told: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(told, ["cloud", "panel"], "that there is neither cloud nor panel is said");
}

#[test]
fn every_key_arrives_where_it_belongs() {
    let (config, _) = read(WHOLE).expect("valid");
    assert_eq!(config.data_dir, Path::new("/etc/panelgate/data"));
    assert_eq!(config.group.as_deref(), Some("installers"));
    assert_eq!((config.access.local_role.as_str(), config.company.as_deref()), ("Operator", Some("acme-north")));
    let cloud = config.cloud.expect("a cloud");
    assert_eq!((cloud.host.as_str(), cloud.port, cloud.tls), ("broker", 1884, None));
    assert_eq!(cloud.protocol, MqttProtocol::V311);
    assert_eq!(cloud.prefix, "acme/alarm");
    assert_eq!(cloud.password, Some(SecretSource::Credential("mqtt-password".into())));
    assert_eq!(cloud.keep_alive.as_secs(), 60);
    assert_eq!((cloud.keys, config.company.as_deref()), (None, Some("acme-north")));
    assert_eq!(config.log.format, LogFormat::Short);
    let address = "0.0.0.0:3072".parse().expect("an address");
    assert_eq!(config.listens, [ListenConfig { vendor: "neor".into(), address }]);
    let panel = config.panels.first().expect("a panel");
    assert_eq!((panel.id.as_str(), panel.vendor.as_str()), ("dsc-1", "dsc"));
    assert_eq!(panel.authority, Authority::Cloud);
    assert_eq!(timers(panel, 60), (30, 90));
    assert_eq!(panel.credentials.password, Some(SecretSource::File("/etc/panelgate/evl.password".into())));
    assert_eq!(panel.vendor_table.get("anything"), Some(&toml::Value::Integer(1)));
}

#[test]
fn all_problems_are_told_at_once() {
    let text = r#"
[gatway]
[gateway]
id = "has blanks"
socket = 7
[cloud]
url = "http://broker"
protocl = "5"
protocol = "4"
prefix = "a/#"
keep_alive_s = "60"
password = { file = "x" }
[log]
level = "loud=noise=much"
[[listen]]
adress = "x"
[[listen]]
vendor = "neor"
address = "0.0.0.0:0"
[[panel]]
id = "dsc-1"
vendor = "dsc"
authority = "nobody"
supervision = { period_s = 60, offline_after_s = 61 }
[panel.dsc]
[[panel]]
id = "dsc-1"
vendor = "dsc"
[panel.dsc]
[[panel]]
vendor = "dsc"
"#;
    let problems = read(text).expect_err("refused");
    let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "gatway",
            "gateway.id",
            "gateway.socket",
            "cloud.protocl",
            "cloud.url",
            "cloud.protocol",
            "cloud.prefix",
            "cloud.username",
            "cloud.keep_alive_s",
            "log.level",
            "listen no. 1: adress",
            "listen no. 1: vendor",
            "listen no. 1: address",
            "listen no. 2: address",
            "panel dsc-1: authority",
            "panel dsc-1: supervision.offline_after_s",
            "panel dsc-1: id",
            "panel no. 3: id",
            "panel no. 3: dsc",
        ]
    );
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_known_one() {
    let problems = read("[gateway]\nid = \"a\"\ndatadir = \"x\"\n").expect_err("refused").to_string();
    assert!(problems.contains("gateway.datadir") && problems.contains("did you mean `data_dir`?"), "{problems}");
}

#[test]
fn a_vendor_table_of_another_vendor_is_an_unknown_key() {
    let text = format!("{SMALLEST}[[panel]]\nid = \"a\"\nvendor = \"dsc\"\n[panel.dsc]\n[panel.neor]\n");
    assert_eq!(errors(&text), ["panel a: neor: is not a key of this section"]);
}

#[test]
fn a_secret_in_the_wrong_place_is_refused_and_not_repeated() {
    let panel = "[[panel]]\nid = \"a\"\nvendor = \"dsc\"\n[panel.dsc]\n";
    for text in [
        format!("{SMALLEST}{panel}[panel.credentials]\nmaster_code = \"739182\"\n"),
        format!("{SMALLEST}{panel}[panel.credentials]\nmaster_code = 739182\n"),
        format!("{SMALLEST}{panel}[panel.credentials]\nmaster_code = {{ code = \"739182\" }}\n"),
        format!("{SMALLEST}{panel}[panel.credentials]\nmaster_code = {{ file = 739182 }}\n"),
        format!("{SMALLEST}{panel}[panel.credentials]\nmaster_code = 739182 739182\n"),
        format!("{SMALLEST}{panel}[panel.credentials]\nmastercode = \"739182\"\n"),
        format!("{SMALLEST}[cloud]\nurl = \"mqtt://box:739182@broker\"\n"),
        format!("{SMALLEST}[cloud]\nurl = \"739182\"\n"),
    ] {
        let problems = read(&text).expect_err("refused");
        assert!(!format!("{problems} {problems:?}").contains("739182"), "{problems}");
    }
}

#[test]
fn tls_files_have_to_be_there_and_to_belong_together() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("ca.pem"), "x").expect("written");
    let parsed = |keys: &str| parse(&format!("{SMALLEST}[cloud]\n{keys}"), folder.path());
    let told = |keys: &str| match parsed(keys).check(|_| Problems::default()) {
        Ok((config, _)) => config.cloud.and_then(|c| c.tls).map_or("no tls".into(), |_| "tls".to_owned()),
        Err(problems) => problems.iter().map(|p| format!("{} {}", p.key, p.what)).collect::<Vec<_>>().join("; "),
    };
    assert_eq!(told("url = \"mqtts://b\"\nca = \"ca.pem\"\n"), "tls");
    assert!(told("url = \"mqtts://b\"\n").contains("cloud.ca is missing"));
    assert!(told("url = \"mqtt://b\"\nca = \"ca.pem\"\n").contains("cloud.url has no TLS"));
    assert!(told("url = \"mqtts://b\"\nca = \"ca.pem\"\ncert = \"ca.pem\"\n").contains("cloud.key is missing"));
    assert!(told("url = \"mqtts://b\"\nca = \"nowhere.pem\"\n").contains("there is no file"));
    assert!(told("url = \"mqtt://b\"\nkeys = \"nowhere.jwks\"\n").contains("cloud.keys there is no file"));
}

#[test]
fn text_that_is_no_toml_is_told_with_its_line() {
    assert!(errors("[gateway]\nid = \n").first().is_some_and(|e| e.starts_with("line 2: is not TOML")));
}

#[test]
fn mail_goes_in_clear_to_this_machine_only() {
    let mail = |keys: &str| match read(&format!("{SMALLEST}[mail]\n{keys}")) {
        Ok((config, _)) => {
            config.mail.map_or("none".into(), |mail| format!("{}:{} {:?}", mail.host, mail.port, mail.security))
        }
        Err(problems) => {
            problems.iter().filter(|p| p.level == Level::Error).map(|p| p.key.as_str()).collect::<Vec<_>>().join(" ")
        }
    };
    let from = "from = \"box@example.org\"\n";
    for (keys, told) in [
        ("host = \"smtp.example.org\"\n", "smtp.example.org:587 StartTls"),
        ("host = \"smtp.example.org\"\nsecurity = \"tls\"\n", "smtp.example.org:465 Tls"),
        ("host = \"localhost\"\nsecurity = \"none\"\n", "localhost:25 None"),
        ("host = \"::1\"\nsecurity = \"none\"\n", "::1:25 None"),
        ("host = \"smtp.example.org\"\nsecurity = \"none\"\n", "mail.security"),
        ("host = \"localhost.example.org\"\nsecurity = \"none\"\n", "mail.security"),
        ("host = \"a b\"\n", "mail.host"),
        ("hots = \"x\"\n", "mail.hots mail.host"),
        ("host = \"h\"\nport = 0\nca = \"nowhere.pem\"\n", "mail.port mail.ca"),
        ("host = \"h\"\nusername = \"x\"\nlink_base = \"ftp://x\"\n", "mail.password mail.link_base"),
        ("host = \"h\"\nlink_base = \"https://x\\n\"\n", "mail.link_base"),
    ] {
        assert_eq!(mail(&format!("{keys}{from}")), told, "{keys}");
    }
    assert_eq!(mail("host = \"h\"\nfrom = \"b\u{f6}x@example.org\"\n"), "mail.from");
}
