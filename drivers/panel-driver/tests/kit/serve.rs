//! Simulators served for real, with a real driver at the other end.

use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use panel_driver::sim::{Input, Player, Poke, ServeOn, SimServer, serve, serve_all};
use panel_driver::{
    Credentials, DriverError, DriverEvent, DriverPort, DriverStart, Link, LinkConfig, Stamped, WireLog, link,
    run_session,
};
use panel_model::{EventKind, Password};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::soon;
use crate::toy::{Bug, PASSWORD, ToyPanel, ToySession, line};

struct Served {
    server: SimServer,
    happened: mpsc::Receiver<Value>,
}

impl Served {
    async fn new(on: ServeOn) -> Self {
        let (sender, happened) = mpsc::channel(64);
        let server = SimServer::start(Box::new(ToyPanel::default()), on, sender).await.unwrap();
        Self { server, happened }
    }

    async fn listening() -> Self {
        Self::new(ServeOn::Listen("127.0.0.1:0".into())).await
    }

    async fn next(&mut self, event: &str) -> Value {
        let wanted = async {
            loop {
                let value = self.happened.recv().await.unwrap();
                if value["event"] == event {
                    return value;
                }
            }
        };
        soon(event, wanted).await
    }

    async fn poke(&self, words: &str) {
        self.server.handle().poke(Poke::parse(words).unwrap()).await.unwrap();
    }

    async fn dial(&self) -> TcpStream {
        TcpStream::connect(self.server.addr().unwrap()).await.unwrap()
    }
}

/// A driver over a link, as `panels/` would run it.
struct Driver {
    events: mpsc::Receiver<Stamped>,
    cancel: CancellationToken,
    run: JoinSet<DriverError>,
    _commands: mpsc::Sender<panel_driver::CommandRequest>,
}

impl Driver {
    fn new(link: Link) -> Self {
        let password = Some(Password::new(PASSWORD.into()));
        let start = DriverStart { credentials: Credentials { password, ..Credentials::default() }, residue: None };
        let (events_in, events) = mpsc::channel(16);
        let (commands_in, commands) = mpsc::channel(4);
        let cancel = CancellationToken::new();
        let kept = watch::channel(0).1;
        let port = DriverPort { commands, events: events_in, cancel: cancel.clone(), wire: WireLog::default(), kept };
        let mut run = JoinSet::new();
        run.spawn(run_session(ToySession::new(start, Bug::None), link, port));
        Self { events, cancel, run, _commands: commands_in }
    }

    async fn until(&mut self, what: &str, wanted: impl Fn(&DriverEvent) -> bool) {
        let search = async { while !wanted(&self.events.recv().await.expect("the driver runs").event) {} };
        soon(what, search).await;
    }

    async fn snapshot(&mut self) {
        self.until("the snapshot", |event| matches!(event, DriverEvent::Snapshot(_))).await;
    }

    async fn zone_opened(&mut self) {
        let opened = |event: &DriverEvent| match event {
            DriverEvent::Happened(event) => event.kind == EventKind::ZoneOpened,
            _ => false,
        };
        self.until("an open zone", opened).await;
    }

    async fn end(&mut self) -> DriverError {
        soon("the driver's end", self.run.join_next()).await.unwrap().unwrap()
    }
}

async fn connects(panel: &Served) -> Driver {
    let config = LinkConfig::Tcp { host: "127.0.0.1".into(), port: panel.server.addr().unwrap().port() };
    Driver::new(link::open(&config).await.unwrap())
}

/// Lets a time go by that is far too long to be waited for.
async fn goes_by(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn is_closed(stream: &mut TcpStream) {
    let end = soon("the connection to be closed", stream.read(&mut [0; 16])).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn a_driver_hears_what_is_poked_over_tcp() {
    let mut panel = Served::listening().await;
    let listening = panel.next("listening").await;
    assert_eq!(listening["addr"], panel.server.addr().unwrap().to_string());
    let mut driver = connects(&panel).await;
    driver.snapshot().await;
    panel.poke("open 3").await;
    driver.zone_opened().await;
    assert_eq!(panel.server.handle().state().await["zones"][2], true);
    assert_eq!(panel.next("zone").await["zone"], 3);
    let error = panel.server.handle().poke(Poke::Reboot).await.unwrap_err();
    assert_eq!(error.to_string(), "the toy has zones and a line");
    driver.cancel.cancel();
    assert_eq!(driver.end().await, DriverError::Shutdown);
    panel.next("client_gone").await;
    panel.next("disconnected").await;
}

#[tokio::test]
async fn one_client_at_a_time() {
    let mut panel = Served::listening().await;
    let mut driver = connects(&panel).await;
    driver.snapshot().await;
    is_closed(&mut panel.dial().await).await;
    panel.next("client_turned_away").await;
    panel.poke("open 1").await;
    driver.zone_opened().await;
    driver.cancel.cancel();
    driver.end().await;
    panel.next("client_gone").await;
    connects(&panel).await.snapshot().await;
}

#[tokio::test]
async fn a_dropped_line_stays_down_and_comes_back() {
    let mut panel = Served::listening().await;
    let mut driver = connects(&panel).await;
    driver.snapshot().await;
    panel.poke("open 2").await;
    panel.poke("drop 60").await;
    driver.zone_opened().await;
    assert!(matches!(driver.end().await, DriverError::Link(_)), "the last bytes came before the end");
    panel.next("client_gone").await;
    is_closed(&mut panel.dial().await).await;
    panel.next("client_turned_away").await;
    goes_by(Duration::from_secs(61)).await;
    connects(&panel).await.snapshot().await;
}

#[tokio::test]
async fn a_hangup_comes_after_the_last_bytes() {
    let panel = Served::listening().await;
    let mut client = panel.dial().await;
    client.write_all(&line("Lwrong")).await.unwrap();
    let mut heard = Vec::new();
    soon("the end", client.read_to_end(&mut heard)).await.unwrap();
    assert_eq!(heard, line("LNO"));
}

#[tokio::test]
async fn stopping_hangs_up_and_frees_the_address() {
    let panel = Served::listening().await;
    let addr = panel.server.addr().unwrap();
    let handle = panel.server.handle();
    let mut driver = connects(&panel).await;
    driver.snapshot().await;
    soon("the stop", panel.server.stop()).await;
    assert!(matches!(driver.end().await, DriverError::Link(_)));
    TcpListener::bind(addr).await.expect("the address is free");
    assert_eq!(handle.poke(Poke::Reboot).await.unwrap_err().to_string(), "the simulator has ended");
    assert_eq!(handle.users().await, Value::Null);
}

#[tokio::test]
async fn an_address_in_use_is_told_as_such() {
    let panel = Served::listening().await;
    let addr = panel.server.addr().unwrap().to_string();
    let (happened, _) = mpsc::channel(1);
    let error = SimServer::start(Box::new(ToyPanel::default()), ServeOn::Listen(addr.clone()), happened).await;
    let text = error.unwrap_err().to_string();
    assert!(text.starts_with(&format!("cannot listen on {addr}: ")) && text.ends_with("with --listen"), "{text}");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_nobody() {
    let mut panel = Served::listening().await;
    let mut deaf = panel.dial().await;
    panel.next("connected").await;
    // Forty thousand questions at once make 440 kB of answers.
    let questions = line("Q").repeat(40_000);
    deaf.write_all(&line(&format!("L{PASSWORD}"))).await.unwrap();
    let ask = async {
        loop {
            if deaf.write_all(&questions).await.is_err() {
                return;
            }
        }
    };
    soon("being cut off", ask).await;
    panel.next("client_gone").await;
    connects(&panel).await.snapshot().await;
}

#[tokio::test]
async fn a_simulator_dials_and_dials_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap().to_string();
    let mut panel = Served::new(ServeOn::Connect(to.clone())).await;
    assert_eq!(panel.next("listening").await["connect"], to);
    for _ in 0..2 {
        let (stream, _) = soon("the panel's call", listener.accept()).await.unwrap();
        let mut driver = Driver::new(Link::new(stream));
        driver.snapshot().await;
        panel.poke("drop 0.01").await;
        assert!(matches!(driver.end().await, DriverError::Link(_)));
    }
}

#[tokio::test]
async fn a_simulator_that_is_hung_up_on_at_once_does_not_spin() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let panel = Served::new(ServeOn::Connect(listener.local_addr().unwrap().to_string())).await;
    drop(soon("the first call", listener.accept()).await.unwrap());
    let begun = panel_driver::clock::now();
    for _ in 0..3 {
        drop(soon("the next call", listener.accept()).await.unwrap());
    }
    assert!(panel_driver::clock::now() - begun >= Duration::from_millis(150));
    panel.server.stop().await;
}

#[tokio::test]
async fn a_simulator_that_nobody_answers_keeps_dialling() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = free.local_addr().unwrap();
    drop(free);
    let mut panel = Served::new(ServeOn::Connect(addr.to_string())).await;
    panel.next("listening").await;
    // Its first try has failed by now or fails soon; either way another one follows.
    let listener = TcpListener::bind(addr).await.unwrap();
    drop(soon("a later call", listener.accept()).await.unwrap());
}

async fn opens(path: &Path) -> Driver {
    let config = LinkConfig::Serial { path: path.into(), baud: 9600 };
    Driver::new(link::open(&config).await.unwrap())
}

#[tokio::test]
async fn clients_of_a_pty_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("panel");
    let mut panel = Served::new(ServeOn::Pty(path.clone())).await;
    assert_eq!(panel.next("listening").await["pty"], path.to_str().unwrap());
    for _ in 0..3 {
        let mut driver = opens(&path).await;
        driver.snapshot().await;
        panel.poke("open 3").await;
        driver.zone_opened().await;
        panel.poke("close 3").await;
        driver.cancel.cancel();
        assert_eq!(driver.end().await, DriverError::Shutdown);
    }
    panel.server.stop().await;
    assert!(path.symlink_metadata().is_err(), "the link goes with the simulator");
}

#[tokio::test]
async fn a_pty_that_drops_hangs_up_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("panel");
    let mut panel = Served::new(ServeOn::Pty(path.clone())).await;
    panel.next("client_connected").await;
    let mut driver = opens(&path).await;
    driver.snapshot().await;
    panel.poke("drop 60").await;
    assert!(matches!(driver.end().await, DriverError::Link(_)));
    panel.next("client_gone").await;
    assert!(path.symlink_metadata().is_err(), "the link goes with the pty");
    goes_by(Duration::from_secs(61)).await;
    panel.next("client_connected").await;
    opens(&path).await.snapshot().await;
}

#[tokio::test]
async fn a_pty_path_that_is_taken_is_told_as_such() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (happened, _) = mpsc::channel(1);
    let on = ServeOn::Pty(file.path().into());
    let text = SimServer::start(Box::new(ToyPanel::default()), on, happened).await.unwrap_err().to_string();
    assert!(text.contains("there is something else than a link") && text.ends_with("with --pty"), "{text}");
}

fn input(text: &'static str) -> Input {
    Box::new(BufReader::new(Cursor::new(text)))
}

#[tokio::test(start_paused = true)]
async fn a_script_drives_a_simulator_and_its_output_is_json_lines() {
    let (output, reader) = tokio::io::duplex(64 * 1024);
    let script = "# the door\nopen 3\nwait 0.01\nstate # all of it\nusers\nopn 3\nreboot\n\nwait 0.1\nquit\nopen 8\n";
    let typed = "wait 0.02\nopen 5\n";
    let on = ServeOn::Listen("127.0.0.1:0".into());
    let inputs = vec![input(script), input(typed)];
    let run = serve(Box::new(ToyPanel::default()), on, inputs, output, CancellationToken::new());
    soon("the end", run).await.unwrap();
    let mut lines = Vec::new();
    let mut reader = BufReader::new(reader).lines();
    while let Some(line) = reader.next_line().await.unwrap() {
        assert!(line.starts_with("{\"event\":"), "{line}");
        lines.push(serde_json::from_str::<Value>(&line).unwrap());
    }
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["listening", "zone", "state", "users", "line_refused", "line_refused", "zone"]);
    assert_eq!(lines[2]["state"]["zones"][2], true);
    assert_eq!((&lines[4]["line"], &lines[5]["line"]), (&6.into(), &7.into()));
    assert!(lines[4]["error"].as_str().unwrap().starts_with("`opn` is not known; type one of: open ZONE"));
    assert_eq!(lines[6]["zone"], 5, "the second input goes on beside the first");
}

#[tokio::test]
async fn a_simulator_goes_on_after_its_inputs_ended_until_cancelled() {
    let (output, reader) = tokio::io::duplex(64 * 1024);
    let cancel = CancellationToken::new();
    let on = ServeOn::Listen("127.0.0.1:0".into());
    let mut run = JoinSet::new();
    run.spawn(serve(Box::new(ToyPanel::default()), on, vec![input("open 1\n")], output, cancel.clone()));
    let mut lines = BufReader::new(reader).lines();
    let listening: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert!(lines.next_line().await.unwrap().unwrap().contains("\"zone\":1"));
    let port = listening["addr"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
    let mut driver = Driver::new(link::open(&LinkConfig::Tcp { host: "127.0.0.1".into(), port }).await.unwrap());
    driver.snapshot().await;
    cancel.cancel();
    soon("the end", run.join_next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(driver.end().await, DriverError::Link(_)));
}

#[tokio::test]
async fn several_are_told_apart_by_name_in_what_they_say_and_what_they_are_told() {
    let player = |name: &str| Player {
        name: Some(name.into()),
        simulator: Box::new(ToyPanel::default()),
        on: ServeOn::Listen("127.0.0.1:0".into()),
        beside: None,
    };
    let lines = "@north open 1\nopen 2\n@west open 1\nnonsense\n@south state\nquit\n";
    let mut output = Vec::new();
    let players = vec![player("north"), player("south")];
    let run = serve_all(players, vec![input(lines)], &mut output, CancellationToken::new());
    soon("the end", run).await.unwrap();
    let told: Vec<Value> = output.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let of = |panel: &str, event: &str| told.iter().filter(|t| t["panel"] == panel && t["event"] == event).count();
    assert_eq!((of("north", "listening"), of("south", "listening")), (1, 1));
    assert_eq!((of("north", "state"), of("south", "state")), (0, 1));
    let refused: Vec<_> = told.iter().filter(|t| t["event"] == "line_refused").map(|t| t["line"].clone()).collect();
    assert_eq!(refused, [3, 4], "{told:?}");
    assert!(told.iter().any(|t| t["error"] == "there is no panel west"), "{told:?}");
}
