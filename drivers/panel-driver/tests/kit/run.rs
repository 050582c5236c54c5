//! The loop that runs a session, with a session that does as the far end of its link says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::link::{Identified, Listener};
use panel_driver::{
    Busy, Command, CommandId, CommandRequest, DriverError, DriverEvent, DriverPort, LinkError, Outcome, Reply, Residue,
    Retry, Section, Session, SessionOutput, Stamped, WireEntry, WireLog, run_session,
};
use panel_model::{Evidence, NotNow};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::soon;

/// Obeys lines: `events N`, `send N`, `note`, `timer MS`, `busy`, `free`, `done`, `done N`, `stubborn`, `end`.
#[derive(Default)]
struct Puppet {
    text: String,
    busy: bool,
    stubborn: bool,
    timer: Option<Instant>,
    open: VecDeque<CommandId>,
    out: VecDeque<Bytes>,
    outputs: VecDeque<SessionOutput>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Puppet {
    fn called(&self, call: impl Into<String>) {
        self.calls.lock().unwrap().push(call.into());
    }

    fn obey(&mut self, now: Instant, line: &str) {
        let (word, number) = line.split_once(' ').unwrap_or((line, "0"));
        let number: u64 = number.parse().unwrap();
        match word {
            "events" => {
                self.outputs.extend((0..number).map(|n| SessionOutput::Event(DriverEvent::Firmware(n.to_string()))))
            }
            "send" => self.out.extend((0..number).map(|n| Bytes::from(format!("{n:03} ")))),
            "note" => {
                let note = Residue("menu".into());
                self.outputs.push_back(SessionOutput::Event(DriverEvent::Residue(Some(note))));
                self.out.push_back(Bytes::from_static(b"key "));
            }
            "timer" => self.timer = Some(now + Duration::from_millis(number)),
            "busy" => self.busy = true,
            "free" => self.busy = false,
            "stubborn" => self.stubborn = true,
            "done" if number > 0 => self.done(CommandId(number)),
            "done" => {
                let id = self.open.pop_front().unwrap();
                self.done(id);
            }
            "end" => self.outputs.push_back(SessionOutput::End(DriverError::Protocol("as told".into()))),
            _ => panic!("no such word: {word}"),
        }
    }

    fn done(&mut self, id: CommandId) {
        self.outputs.push_back(SessionOutput::Done(id, Outcome::Applied(Evidence::ReadBack)));
    }
}

impl Session for Puppet {
    fn handle_open(&mut self, _now: Instant) {
        self.called("open");
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.text.push_str(std::str::from_utf8(bytes).unwrap());
        while let Some(end) = self.text.find('\n') {
            let line: String = self.text.drain(..=end).collect();
            if !line.trim().is_empty() {
                self.called(line.trim());
                self.obey(now, line.trim());
            }
        }
    }

    fn handle_command(&mut self, _now: Instant, id: CommandId, command: Command) -> Result<(), Busy> {
        self.called(format!("command {id}"));
        if self.busy {
            return Err(Busy(command));
        }
        self.open.push_back(id);
        Ok(())
    }

    fn handle_timeout(&mut self, _now: Instant) {
        self.called("timeout");
        self.timer = None;
    }

    fn handle_closed(&mut self, _now: Instant) -> Option<DriverError> {
        self.busy.then_some(DriverError::Occupied)
    }

    fn handle_shutdown(&mut self, _now: Instant) {
        self.called("shutdown");
        if !self.stubborn {
            self.out.push_back(Bytes::from_static(b"bye"));
            self.outputs.push_back(SessionOutput::End(DriverError::Shutdown));
        }
    }

    fn poll_output(&mut self) -> Option<SessionOutput> {
        self.outputs.pop_front()
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.out.pop_front()
    }

    fn poll_wire(&mut self) -> Option<WireEntry> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timer
    }
}

/// A running loop with everything around it.
struct Stage {
    panel: DuplexStream,
    events: mpsc::Receiver<Stamped>,
    commands: mpsc::Sender<CommandRequest>,
    cancel: CancellationToken,
    keep: watch::Sender<u64>,
    calls: Arc<Mutex<Vec<String>>>,
    run: JoinSet<DriverError>,
    began: tokio::time::Instant,
}

impl Stage {
    /// The link and the queue of events hold so much.
    fn new(link_bytes: usize, events: usize) -> Self {
        let (panel, link) = duplex(link_bytes);
        Self::over(link, panel, events, Puppet::default())
    }

    fn over<L>(link: L, panel: DuplexStream, events: usize, puppet: Puppet) -> Self
    where
        L: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (events_in, events) = mpsc::channel(events);
        let (commands, commands_out) = mpsc::channel(4);
        let cancel = CancellationToken::new();
        let (keep, kept) = watch::channel(0);
        let wire = WireLog::default();
        let port = DriverPort { commands: commands_out, events: events_in, cancel: cancel.clone(), wire, kept };
        let calls = puppet.calls.clone();
        let mut run = JoinSet::new();
        run.spawn(run_session(puppet, link, port));
        Self { panel, events, commands, cancel, keep, calls, run, began: tokio::time::Instant::now() }
    }

    async fn say(&mut self, line: &str) {
        self.panel.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn hears(&mut self, words: &str) {
        let mut got = vec![0; words.len()];
        soon(words, self.panel.read_exact(&mut got)).await.unwrap();
        assert_eq!(String::from_utf8(got).unwrap(), words);
    }

    async fn ask(&self, id: u64) -> oneshot::Receiver<Outcome> {
        let (reply, outcome) = Reply::new();
        let request = CommandRequest { id: CommandId(id), command: Command::Refresh(Section::State), reply };
        self.commands.send(request).await.unwrap();
        outcome
    }

    /// Waits until the session was called so. Without a timer: a paused clock must not jump here.
    async fn called(&self, call: &str) {
        for _ in 0..100_000 {
            if self.calls().iter().any(|made| made == call) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("the session was never called: {call}");
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    async fn end(&mut self) -> DriverError {
        soon("the loop's end", self.run.join_next()).await.unwrap().unwrap()
    }

    fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }
}

fn applied() -> Outcome {
    Outcome::Applied(Evidence::ReadBack)
}

#[tokio::test(start_paused = true)]
async fn output_goes_out_whole_through_a_link_that_takes_little_at_a_time() {
    let mut stage = Stage::new(7, 1);
    stage.say("send 300").await;
    let whole: String = (0..300).map(|n| format!("{n:03} ")).collect();
    stage.hears(&whole).await;
}

#[tokio::test(start_paused = true)]
async fn events_wait_for_the_owner_and_keep_their_order() {
    let mut stage = Stage::new(64, 2);
    stage.say("events 10").await;
    stage.say("send 1").await;
    for n in 0..10 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let event = stage.events.recv().await.unwrap().event;
        assert_eq!(event, DriverEvent::Firmware(n.to_string()));
    }
    stage.hears("000 ").await;
}

#[tokio::test(start_paused = true)]
async fn an_event_has_the_time_at_which_its_bytes_were_handled() {
    let mut stage = Stage::new(64, 1);
    stage.say("events 3").await;
    stage.called("events 3").await;
    let handled = tokio::time::Instant::now().into_std();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(stage.events.recv().await.unwrap().at, handled);
    }
}

#[tokio::test(start_paused = true)]
async fn each_command_is_answered_once() {
    let mut stage = Stage::new(64, 1);
    let (first, second) = (stage.ask(1).await, stage.ask(2).await);
    stage.called("command 2").await;
    stage.say("done").await;
    assert_eq!(first.await, Ok(applied()));
    // Answers to nobody are passed over.
    stage.say("done 1").await;
    stage.say("done 77").await;
    stage.say("done").await;
    assert_eq!(second.await, Ok(applied()));
}

#[tokio::test(start_paused = true)]
async fn a_busy_session_is_offered_the_command_again() {
    let mut stage = Stage::new(64, 1);
    stage.say("busy").await;
    stage.called("busy").await;
    let outcome = stage.ask(1).await;
    stage.called("command 1").await;
    stage.say("free").await;
    stage.called("free").await;
    stage.say("done").await;
    assert_eq!(outcome.await, Ok(applied()));
    assert!(stage.calls().iter().filter(|call| *call == "command 1").count() >= 2);
}

#[tokio::test(start_paused = true)]
async fn cancelling_lets_the_session_say_its_last_words() {
    let mut stage = Stage::new(64, 1);
    stage.say("busy").await;
    stage.called("busy").await;
    let (waiting, unheard) = (stage.ask(1).await, stage.ask(2).await);
    stage.called("command 1").await;
    stage.cancel.cancel();
    assert_eq!(stage.end().await, DriverError::Shutdown);
    stage.hears("bye").await;
    let not_now = Outcome::NotNow(NotNow { why: "the driver is stopping".into() });
    assert_eq!((waiting.await, unheard.await), (Ok(not_now.clone()), Ok(not_now)));
    assert_eq!(stage.seconds(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_never_ends_is_cut_after_ten_seconds() {
    let mut stage = Stage::new(64, 1);
    stage.say("stubborn").await;
    let open = stage.ask(1).await;
    stage.called("command 1").await;
    stage.called("stubborn").await;
    stage.cancel.cancel();
    assert_eq!(stage.end().await, DriverError::Shutdown);
    assert_eq!(stage.seconds(), 10);
    assert_eq!(open.await, Ok(Outcome::interrupted()));
}

#[tokio::test(start_paused = true)]
async fn a_stubborn_session_goes_on_working_until_it_is_cut() {
    let mut stage = Stage::new(64, 1);
    stage.say("stubborn").await;
    let open = stage.ask(1).await;
    stage.called("command 1").await;
    stage.called("stubborn").await;
    stage.cancel.cancel();
    stage.called("shutdown").await;
    stage.say("done").await;
    assert_eq!(open.await, Ok(applied()));
    stage.say("end").await;
    assert_eq!(stage.end().await, DriverError::Protocol("as told".into()));
    assert_eq!(stage.seconds(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_while_the_owner_takes_no_events() {
    let mut stage = Stage::new(64, 1);
    stage.say("events 5").await;
    stage.called("events 5").await;
    stage.cancel.cancel();
    assert_eq!(stage.end().await, DriverError::Shutdown);
    assert_eq!(stage.seconds(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_goes_away_counts_as_cancelling() {
    let mut stage = Stage::new(64, 1);
    let (commands, _) = mpsc::channel(1);
    stage.commands = commands;
    assert_eq!(stage.end().await, DriverError::Shutdown);
    stage.hears("bye").await;

    let mut stage = Stage::new(64, 1);
    let (_, events) = mpsc::channel(1);
    stage.events = events;
    stage.say("events 3").await;
    assert_eq!(stage.end().await, DriverError::Shutdown);
    stage.hears("bye").await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_takes_no_bytes_is_given_up() {
    let mut stage = Stage::new(64, 1);
    stage.say("send 100").await;
    let end = stage.end().await;
    let expected = LinkError::new("writing", &std::io::ErrorKind::TimedOut.into());
    assert_eq!(end, DriverError::Link(expected));
    assert_eq!(stage.seconds(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_ends_in_mid_command_interrupts_it() {
    let stage = Stage::new(64, 1);
    let open = stage.ask(1).await;
    stage.called("command 1").await;
    let Stage { panel, mut run, .. } = stage;
    drop(panel);
    assert_eq!(run.join_next().await.unwrap().unwrap(), DriverError::Link(LinkError::closed()));
    assert_eq!(open.await, Ok(Outcome::interrupted()));
}

#[tokio::test(start_paused = true)]
async fn a_session_may_know_better_why_the_link_closed() {
    let mut stage = Stage::new(64, 1);
    stage.say("busy").await;
    stage.called("busy").await;
    let Stage { panel, mut run, .. } = stage;
    drop(panel);
    assert_eq!(run.join_next().await.unwrap().unwrap(), DriverError::Occupied);
}

#[tokio::test]
async fn a_link_that_a_newer_connection_of_the_panel_took_over_is_told_as_such_whatever_the_session_thinks() {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), |_| Identified::Panel("north".into())).unwrap();
    listener.know("north");
    let mut old = TcpStream::connect(listener.addr()).await.unwrap();
    old.write_all(b"busy\n").await.unwrap();
    let link = soon("the old link", listener.accept("north")).await;
    let mut stage = Stage::over(link, duplex(1).0, 1, Puppet::default());
    stage.called("busy").await;
    let mut new = TcpStream::connect(listener.addr()).await.unwrap();
    new.write_all(b"x").await.unwrap();
    let end = soon("the old run's end", stage.run.join_next()).await.unwrap().unwrap();
    assert_eq!(end, DriverError::TakenOver(new.local_addr().unwrap()));
    assert_eq!(end.retry(), Retry::Now);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_by_itself_leaves_no_command_unanswered() {
    let mut stage = Stage::new(64, 1);
    let open = stage.ask(1).await;
    stage.called("command 1").await;
    stage.say("send 2\nend").await;
    assert_eq!(stage.end().await, DriverError::Protocol("as told".into()));
    stage.hears("000 001 ").await;
    assert_eq!(open.await, Ok(Outcome::interrupted()));
    assert!(stage.commands.is_closed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_lay_waiting_is_read_before_the_timer_expires() {
    let mut stage = Stage::new(64, 1);
    stage.say("timer 100").await;
    stage.called("timer 100").await;
    stage.say("events 2").await;
    stage.called("events 2").await;
    stage.say("free").await;
    // The loop waits for us to take an event, and its timer runs out meanwhile.
    tokio::time::sleep(Duration::from_secs(1)).await;
    while stage.events.try_recv().is_ok() {
        tokio::task::yield_now().await;
    }
    stage.called("timeout").await;
    assert_eq!(stage.calls(), ["open", "timer 100", "events 2", "free", "timeout"]);
}

#[tokio::test]
async fn a_panel_that_never_stops_talking_holds_up_neither_timers_nor_commands() {
    // There always is something more to read.
    let link = tokio::io::join(tokio::io::repeat(b'\n'), tokio::io::sink());
    let soon_due = tokio::time::Instant::now().into_std() + Duration::from_millis(5);
    let puppet = Puppet { timer: Some(soon_due), ..Puppet::default() };
    let mut stage = Stage::over(link, duplex(1).0, 1, puppet);
    let _outcome = stage.ask(1).await;
    stage.called("command 1").await;
    stage.called("timeout").await;
    stage.cancel.cancel();
    assert_eq!(stage.end().await, DriverError::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn bytes_that_a_note_speaks_of_wait_until_it_is_kept() {
    let mut stage = Stage::new(64, 4);
    stage.say("note").await;
    let told = soon("the note", stage.events.recv()).await.unwrap();
    assert!(matches!(told.event, DriverEvent::Residue(Some(_))));
    let mut key = [0; 4];
    let early = tokio::time::timeout(Duration::from_secs(4), stage.panel.read_exact(&mut key)).await;
    assert!(early.is_err(), "nothing is begun at the panel before the note is on the disk");
    stage.keep.send_replace(1);
    stage.hears("key ").await;
}

#[tokio::test(start_paused = true)]
async fn a_note_that_cannot_be_kept_does_not_hold_the_panel_for_ever() {
    let mut stage = Stage::new(64, 4);
    stage.say("note").await;
    soon("the note", stage.events.recv()).await.unwrap();
    stage.hears("key ").await;
    assert!(stage.began.elapsed() >= Duration::from_secs(5));
}
