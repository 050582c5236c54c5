//! Panels that dial us.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use panel_driver::link::{Counts, Door, Identified, Listener};
use panel_driver::{Link, LinkConfig, Links};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::soon;

/// Panels of the test say `ID name` and a newline first.
fn identify(first: &[u8]) -> Identified {
    let text = String::from_utf8_lossy(first);
    match text.strip_prefix("ID ").map(|rest| rest.split_once('\n')) {
        Some(Some((name, _))) => Identified::Panel(name.to_owned()),
        Some(None) => Identified::More,
        None if "ID ".starts_with(text.as_ref()) => Identified::More,
        None => Identified::Stranger,
    }
}

fn listener() -> Listener {
    Listener::bind("127.0.0.1:0".parse().unwrap(), identify).unwrap()
}

async fn dial(addr: SocketAddr, words: &str) -> TcpStream {
    let mut panel = TcpStream::connect(addr).await.unwrap();
    panel.write_all(words.as_bytes()).await.unwrap();
    panel
}

fn knows(listener: &Listener, identifiers: &[&str]) {
    for identifier in identifiers {
        listener.know(identifier);
    }
}

async fn reads(link: &mut Link, words: &str) {
    let mut got = vec![0; words.len()];
    soon(words, link.read_exact(&mut got)).await.unwrap();
    assert_eq!(String::from_utf8(got).unwrap(), words);
}

async fn is_closed(panel: &mut TcpStream) {
    let end = soon("the connection to be closed", panel.read(&mut [0; 16])).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn one_listener_serves_many_panels_by_their_first_bytes() {
    let listener = listener();
    knows(&listener, &["north", "south"]);
    let mut north = dial(listener.addr(), "ID north\nhello").await;
    let mut south = dial(listener.addr(), "I").await;
    for byte in ["D", " ", "south", "\n"] {
        south.write_all(byte.as_bytes()).await.unwrap();
    }
    let mut south_link = soon("south", listener.accept("south")).await;
    let mut north_link = soon("north", listener.accept("north")).await;
    for piece in ["ID nor", "th", "\nhello"] {
        reads(&mut north_link, piece).await;
    }
    reads(&mut south_link, "ID south\n").await;
    south.write_all(b"more").await.unwrap();
    reads(&mut south_link, "more").await;
    north_link.write_all(b"welcome").await.unwrap();
    let mut got = [0; 7];
    soon("welcome", north.read_exact(&mut got)).await.unwrap();
    assert_eq!(&got, b"welcome");
}

#[tokio::test]
async fn the_newest_connection_of_a_panel_wins() {
    let listener = listener();
    knows(&listener, &["north"]);
    let _old_panel = dial(listener.addr(), "ID north\nold").await;
    let mut old = soon("the old link", listener.accept("north")).await;
    reads(&mut old, "ID north\nold").await;
    let new_panel = dial(listener.addr(), "ID north\nnew").await;
    let end = soon("the old link's end", old.read(&mut [0; 16])).await.unwrap_err();
    assert_eq!(end.kind(), ErrorKind::ConnectionAborted);
    assert!(end.to_string().contains(&new_panel.local_addr().unwrap().to_string()), "{end}");
    assert!(old.write_all(b"x").await.is_err(), "and stays ended");
    assert_eq!(listener.counts().displaced, 1);
    let mut new = soon("the new link", listener.accept("north")).await;
    reads(&mut new, "ID north\nnew").await;
    assert!(tokio::time::timeout(Duration::from_millis(50), new.read(&mut [0; 16])).await.is_err(), "it stays open");
}

#[tokio::test]
async fn of_two_that_wait_the_newer_is_taken() {
    let listener = listener();
    knows(&listener, &["north"]);
    let mut older = dial(listener.addr(), "ID north\n1").await;
    let mut one = soon("the first", listener.accept("north")).await;
    let mut second = dial(listener.addr(), "ID north\n2").await;
    assert!(soon("its end", one.read_to_end(&mut Vec::new())).await.is_err());
    drop(one);
    is_closed(&mut older).await;
    let _third = dial(listener.addr(), "ID north\n3").await;
    is_closed(&mut second).await;
    let mut link = soon("the third", listener.accept("north")).await;
    reads(&mut link, "ID north\n3").await;
}

#[tokio::test]
async fn a_panel_that_nobody_configured_is_closed_and_listed() {
    let listener = listener();
    for _ in 0..3 {
        is_closed(&mut dial(listener.addr(), "ID barn\u{7}\n").await).await;
    }
    is_closed(&mut dial(listener.addr(), "ID shed\n").await).await;
    let wanting = listener.wanting();
    let rows: Vec<_> = wanting.iter().map(|w| (w.identifier.as_str(), w.count, w.listen)).collect();
    assert_eq!(rows, [("shed", 1, listener.addr()), ("barn", 3, listener.addr())]);
    for n in 0..40 {
        is_closed(&mut dial(listener.addr(), &format!("ID {n}{}\n", "x".repeat(100))).await).await;
    }
    let wanting = listener.wanting();
    assert_eq!(wanting.len(), 32, "the list is bounded");
    assert_eq!((listener.counts().unknown, listener.counts().dropped), (44, 10));
    assert!(wanting[0].identifier.starts_with("39x") && wanting[0].identifier.len() == 64);
    assert_eq!(listener.counts().strangers, 0);
}

#[tokio::test]
async fn strangers_and_those_who_say_too_much_are_closed() {
    let listener = listener();
    is_closed(&mut dial(listener.addr(), "GET / HTTP/1.1\r\n").await).await;
    // At once, not when its time is over.
    let mut chatterer = dial(listener.addr(), &format!("ID {}", "x".repeat(2000))).await;
    tokio::time::timeout(Duration::from_secs(9), is_closed(&mut chatterer)).await.expect("closed at once");
    assert_eq!(listener.counts().strangers, 2);
    assert!(listener.wanting().is_empty());
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_closed_after_ten_seconds() {
    let listener = listener();
    let dialled = tokio::time::Instant::now();
    let mut silent = dial(listener.addr(), "ID nor").await;
    // Let the listener see it before the clock stops: the clock jumps as soon as everybody waits.
    is_closed(&mut dial(listener.addr(), "ID shed\n").await).await;
    tokio::time::pause();
    let seen = tokio::time::Instant::now();
    is_closed(&mut silent).await;
    let limit = Duration::from_secs(10);
    assert!(dialled.elapsed() >= limit, "{:?}", dialled.elapsed());
    // Timers count in whole milliseconds.
    assert!(seen.elapsed() <= limit + Duration::from_millis(1), "{:?}", seen.elapsed());
    assert_eq!(listener.counts().strangers, 1);
}

#[tokio::test]
async fn who_speaks_slowly_has_no_longer_than_who_says_nothing() {
    let listener = listener();
    let mut slow = dial(listener.addr(), "ID ").await;
    is_closed(&mut dial(listener.addr(), "ID shed\n").await).await;
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let mut said = 0;
    // The connection has ended when the other side takes no more.
    while slow.write_all(b"x").await.is_ok() && said < 100 {
        said += 1;
        tokio::time::advance(Duration::from_millis(900)).await;
    }
    assert!((9..=14).contains(&before.elapsed().as_secs()), "{:?}", before.elapsed());
    assert_eq!(listener.counts().strangers, 1);
}

#[tokio::test]
async fn a_panel_that_dials_before_anybody_waits_for_it_is_kept() {
    let listener = listener();
    is_closed(&mut dial(listener.addr(), "ID north\n").await).await;
    is_closed(&mut dial(listener.addr(), "ID south\n").await).await;
    knows(&listener, &["north"]);
    let wanting: Vec<_> = listener.wanting().into_iter().map(|w| w.identifier).collect();
    assert_eq!(wanting, ["south"], "who is known does not want in any more");
    let mut north = dial(listener.addr(), "ID north\n").await;
    // So that it has arrived before it is waited for.
    is_closed(&mut dial(listener.addr(), "ID south\n").await).await;
    let mut link = soon("north", listener.accept("north")).await;
    reads(&mut link, "ID north\n").await;
    link.write_all(b"x").await.unwrap();
    assert_eq!(soon("x", north.read_u8()).await.unwrap(), b'x');
}

#[tokio::test]
async fn two_hundred_panels_that_dial_at_once_all_come_in() {
    let links = Arc::new(Links::default());
    let addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = |n: usize| LinkConfig::TcpIn { listen: addr, identifier: n.to_string() };
    (0..200).for_each(|n| links.expect(&config(n)));
    let listener = links.listen(addr, identify).unwrap();
    let mut panels = JoinSet::new();
    for n in 0..200 {
        panels.spawn(async move { dial(addr, &format!("ID {n}\n")).await });
    }
    let panels = soon("the panels", panels.join_all()).await;
    for n in 0..200 {
        let mut link = soon("a panel", links.open(&config(n), Some(identify))).await.unwrap();
        reads(&mut link, &format!("ID {n}\n")).await;
    }
    assert_eq!(panels.len(), 200);
    assert_eq!(listener.counts(), Counts::default());
    assert_eq!(links.doors(), [Door { listen: addr, known: 200, counts: Some(Counts::default()) }]);
}

#[tokio::test]
async fn who_waits_for_those_that_want_in_is_woken_by_new_names_only() {
    let addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let links = Links::default();
    let mut changed = links.wanting_changed();
    links.listen(addr, identify).unwrap();
    is_closed(&mut dial(addr, "ID north\n").await).await;
    assert!(changed.has_changed().unwrap());
    changed.mark_unchanged();
    is_closed(&mut dial(addr, "ID north\n").await).await;
    assert!(!changed.has_changed().unwrap(), "it only dialled again");
    links.expect(&LinkConfig::TcpIn { listen: addr, identifier: "north".into() });
    assert!(changed.has_changed().unwrap() && links.wanting().is_empty());
}

#[tokio::test]
async fn many_silent_connections_do_not_keep_a_panel_out() {
    let listener = listener();
    knows(&listener, &["north"]);
    let mut silent = Vec::new();
    for _ in 0..256 {
        silent.push(dial(listener.addr(), "ID").await);
    }
    let _north = dial(listener.addr(), "ID north\n").await;
    let mut link = soon("north", listener.accept("north")).await;
    reads(&mut link, "ID north\n").await;
    is_closed(&mut silent[0]).await;
    assert_eq!(listener.counts(), Counts { strangers: 1, crowded_out: 1, ..Counts::default() });
    let newest = silent.last_mut().unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(50), newest.read(&mut [0; 1])).await.is_err());
}

#[tokio::test]
async fn an_address_in_use_is_told_as_such() {
    let taken = listener();
    let error = Listener::bind(taken.addr(), identify).unwrap_err();
    assert_eq!(error.to_string(), format!("listening on {}: another program uses this address", taken.addr()));
    let error = Listener::bind("192.0.2.1:0".parse().unwrap(), identify).unwrap_err();
    assert_eq!(error.reason, "this box has no such address");
}

#[tokio::test]
async fn links_share_a_listener_until_a_panel_is_forgotten() {
    let addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let links = Links::default();
    let config = |identifier: &str| LinkConfig::TcpIn { listen: addr, identifier: identifier.into() };
    let (north, south) = (config("north"), config("south"));
    let dial_both = async {
        // The listener opens with the first call of `open`.
        while TcpStream::connect(addr).await.is_err() {
            tokio::task::yield_now().await;
        }
        (dial(addr, "ID north\n").await, dial(addr, "ID south\n").await)
    };
    let open = |config| links.open(config, Some(identify));
    let (n, s, mut panels) = soon("both", async { tokio::join!(open(&north), open(&south), dial_both) }).await;
    let (mut n, mut s) = (n.unwrap(), s.unwrap());
    reads(&mut n, "ID north\n").await;
    reads(&mut s, "ID south\n").await;
    links.forget(&north);
    assert_eq!(soon("its end", n.read(&mut [0; 1])).await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
    drop(n);
    is_closed(&mut panels.0).await;
    is_closed(&mut dial(addr, "ID north\n").await).await;
    assert_eq!(links.wanting()[0].identifier, "north");
    s.write_all(b"still here").await.unwrap();
    assert!(links.open(&north, None).await.is_err(), "a vendor whose panels do not dial");
}
