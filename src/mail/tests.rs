//! The post against a mail server of a few lines that takes, refuses, hangs or is not there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use panel_driver::clock;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::*;
use crate::secrets::Keys;
use crate::store::StoreOptions;

/// What the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Takes,
    /// Says this to `RCPT`.
    Says(&'static str),
    /// Takes connections and says nothing.
    Hangs,
}

struct Server {
    port: u16,
    mood: Arc<Mutex<Mood>>,
    /// Mails taken.
    mails: watch::Receiver<Vec<String>>,
    /// Connections seen.
    calls: watch::Receiver<u32>,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start(mood: Mood) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), mood)
    }

    fn start_on(listener: TcpListener, mood: Mood) -> Self {
        let port = listener.local_addr().unwrap().port();
        let mood = Arc::new(Mutex::new(mood));
        let (taken, mails) = watch::channel(Vec::new());
        let (count, calls) = watch::channel(0);
        let mut tasks = JoinSet::new();
        let moods = Arc::clone(&mood);
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.send_modify(|n| *n += 1);
                let mood = *moods.lock().unwrap();
                let taken = taken.clone();
                open.spawn(async move { drop(converse(stream, mood, &taken).await) });
            }
        });
        Self { port, mood, mails, calls, _tasks: tasks }
    }

    async fn called(&mut self, times: u32) {
        let wait = self.calls.wait_for(|n| *n >= times);
        tokio::time::timeout(Duration::from_secs(600), wait).await.expect("called in time").unwrap();
    }
}

async fn converse(stream: TcpStream, mood: Mood, taken: &watch::Sender<Vec<String>>) -> std::io::Result<()> {
    if mood == Mood::Hangs {
        return std::future::pending().await;
    }
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    writing.write_all(b"220 here\r\n").await?;
    let (mut data, mut mail) = (false, String::new());
    while let Some(line) = lines.next_line().await? {
        let answer = match (data, line.split(' ').next().unwrap_or_default(), mood) {
            (true, ".", _) => {
                data = false;
                taken.send_modify(|mails| mails.push(std::mem::take(&mut mail)));
                "250 taken"
            }
            (true, ..) => {
                mail.push_str(&line);
                mail.push('\n');
                continue;
            }
            (_, "RCPT", Mood::Says(answer)) => answer,
            (_, "DATA", _) => {
                data = true;
                "354 go on"
            }
            (_, "QUIT", _) => "221 bye",
            _ => "250 fine",
        };
        writing.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

fn open(dir: &TempDir) -> Store {
    Store::open(&StoreOptions::new(dir.path()), Arc::new(Keys::from_bytes([7; 32]))).expect("opened").0
}

fn mail() -> NewMail {
    NewMail {
        recipient: "anna@example.org".parse().unwrap(),
        subject: "Invitation".into(),
        body: Zeroizing::new("https://box/invitation/TOKEN-OF-TESTS\n".into()),
        actor: "boss@example.org".into(),
        role: "Company Admin".into(),
        door: "command_line".into(),
        action: "invite_installer".into(),
    }
}

/// The post of a server, running.
struct Running {
    bell: Arc<Notify>,
    stop: CancellationToken,
    tasks: JoinSet<Result<(), StoreError>>,
}

impl Running {
    fn start(store: &Store, port: u16) -> Self {
        Self::start_with(store, port, Security::Plain)
    }

    fn start_with(store: &Store, port: u16, security: Security) -> Self {
        let config = ServerConfig {
            host: "127.0.0.1".into(),
            port,
            security,
            ca: None,
            from: "box@example.org".parse().unwrap(),
            login: None,
            hello: "site-1".into(),
        };
        let (bell, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let mailer = Mailer::patient(config, Duration::from_millis(300)).expect("a mailer");
        let mut tasks = JoinSet::new();
        tasks.spawn(Post::new(store.clone(), mailer, Arc::clone(&bell)).run(stop.clone()));
        Self { bell, stop, tasks }
    }

    async fn put(&self, store: &Store) {
        store.write(Urgency::Now, |tx| tx.put_mail(&mail())).await.expect("stored");
        self.bell.notify_one();
    }

    async fn stop(mut self) {
        self.stop.cancel();
        self.tasks.join_next().await.expect("a task").expect("no panic").expect("no error");
    }
}

async fn waiting(store: &Store) -> Vec<u32> {
    let read = |view: &crate::store::View<'_>| {
        view.mails()?.into_iter().map(|id| Ok(view.mail(id)?.map_or(99, |mail| mail.tries))).collect()
    };
    store.read(read).await.expect("read")
}

/// Looks until it is so; every look waits for the store's thread.
async fn until_so<F: Future<Output = bool>>(what: &str, so: impl Fn() -> F) {
    let end = clock::now() + Duration::from_secs(60);
    while !so().await {
        assert!(clock::now() < end, "not in time: {what}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_mail_is_taken_to_the_server_and_out_of_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut server) = (open(&dir), Server::start(Mood::Takes).await);
    let post = Running::start(&store, server.port);
    post.put(&store).await;
    let mails = server.mails.wait_for(|mails| !mails.is_empty()).await.unwrap().clone();
    assert!(mails[0].contains("TOKEN-OF-TESTS") && mails[0].contains("To: anna@example.org"), "{}", mails[0]);
    until_so("the queue is empty", || async { waiting(&store).await.is_empty() }).await;
    post.stop().await;
    assert!(store.read(|view| view.log_lines(0, 10)).await.unwrap().is_empty(), "what went well is no line of its own");
}

#[tokio::test]
async fn a_refusal_for_good_is_told_at_once_and_names_who_caused_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, server) = (open(&dir), Server::start(Mood::Says("550 no such user here")).await);
    let post = Running::start(&store, server.port);
    post.put(&store).await;
    until_so("it is told", || async { !store.read(|view| view.log_lines(0, 10)).await.unwrap().is_empty() }).await;
    let lines = store.read(|view| view.log_lines(0, 10)).await.unwrap();
    let line = &lines[0].line;
    assert_eq!((line.actor.as_str(), line.action.as_str()), ("boss@example.org", "invite_installer"));
    assert_eq!(line.result, "mail_not_delivered");
    let text = line.text.clone().unwrap();
    assert_eq!(line.subject.as_deref(), Some("anna@example.org"));
    assert!(text.contains("550") && !text.contains("TOKEN"), "{text}");
    assert!(waiting(&store).await.is_empty());
    post.stop().await;
}

#[tokio::test]
async fn what_may_pass_is_kept_over_a_restart_and_sent_when_the_server_is_well_again() {
    for mood in [Mood::Says("451 try later"), Mood::Says("535 who are you"), Mood::Hangs] {
        let dir = tempfile::tempdir().unwrap();
        let (store, mut server) = (open(&dir), Server::start(mood).await);
        let post = Running::start(&store, server.port);
        post.put(&store).await;
        server.called(1).await;
        post.stop().await;
        assert_eq!(waiting(&store).await, [0], "{mood:?}: it waits");
        store.close().await;
        *server.mood.lock().unwrap() = Mood::Takes;
        let store = open(&dir);
        let post = Running::start(&store, server.port);
        server.mails.wait_for(|mails| mails.len() == 1).await.unwrap();
        until_so("the queue is empty", || async { waiting(&store).await.is_empty() }).await;
        post.stop().await;
    }
}

#[tokio::test]
async fn a_server_that_is_down_or_hangs_does_not_hold_up_the_stop() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let post = Running::start(&store, port);
    post.put(&store).await;
    post.stop().await;
    assert_eq!(waiting(&store).await.len(), 1);
    let mut server = Server::start_on(TcpListener::bind(("127.0.0.1", port)).await.unwrap(), Mood::Hangs);
    let post = Running::start(&store, port);
    server.called(1).await;
    post.stop().await;
    assert_eq!(waiting(&store).await.len(), 1, "kept");
}

/// Whoever sits on the line and takes the offer of TLS out of the server's greeting gets no mail by it.
#[tokio::test]
async fn a_server_that_offers_no_tls_gets_no_mail_in_clear() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut server) = (open(&dir), Server::start(Mood::Takes).await);
    let post = Running::start_with(&store, server.port, Security::StartTls);
    post.put(&store).await;
    server.called(1).await;
    // A second mail is only tried when the first one is done with.
    post.put(&store).await;
    server.called(2).await;
    post.stop().await;
    assert!(server.mails.borrow().is_empty());
    assert_eq!(waiting(&store).await, [0, 0], "both wait");
}

#[tokio::test]
async fn the_queue_on_disk_shows_no_link() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.write(Urgency::Now, |tx| tx.put_mail(&mail())).await.expect("stored");
    store.close().await;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(14).any(|window| window == b"TOKEN-OF-TESTS"), "{}", path.display());
    }
    assert!(!format!("{:?}", mail()).contains("TOKEN"));
}
