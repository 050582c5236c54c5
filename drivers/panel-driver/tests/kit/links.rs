//! Links that we open: serial devices and ptys, TCP.

use std::future::Future;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::task::Poll;
use std::time::Duration;

use panel_driver::link::open;
use panel_driver::{LinkConfig, LinkError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_serial::{SerialPort, SerialStream};

use crate::soon;

fn pty() -> (SerialStream, SerialStream, LinkConfig) {
    let (master, slave) = SerialStream::pair().unwrap();
    let path = PathBuf::from(slave.name().unwrap());
    (master, slave, LinkConfig::Serial { path, baud: 9600 })
}

async fn refused(config: LinkConfig) -> LinkError {
    open(&config).await.expect_err("cannot be opened")
}

#[tokio::test]
async fn every_byte_passes_a_pty_unchanged_both_ways() {
    let (mut master, _slave, config) = pty();
    let mut link = open(&config).await.unwrap();
    let all: Vec<u8> = (0..=255).collect();
    let mut got = vec![0; 256];
    link.write_all(&all).await.unwrap();
    link.flush().await.unwrap();
    soon("bytes at the panel", master.read_exact(&mut got)).await.unwrap();
    assert_eq!(got, all);
    master.write_all(&all).await.unwrap();
    soon("bytes at the driver", link.read_exact(&mut got)).await.unwrap();
    assert_eq!(got, all);
}

#[tokio::test]
async fn what_came_before_a_serial_link_was_opened_is_not_read() {
    let (mut master, _slave, config) = pty();
    drop(open(&config).await.unwrap());
    master.write_all(b"stale").await.unwrap();
    let mut link = open(&config).await.unwrap();
    master.write_all(b"fresh").await.unwrap();
    let mut got = [0; 5];
    soon("bytes", link.read_exact(&mut got)).await.unwrap();
    assert_eq!(&got, b"fresh");
}

#[tokio::test]
async fn a_serial_device_is_ours_alone() {
    let (_master, _slave, config) = pty();
    let first = open(&config).await.unwrap();
    let error = refused(config.clone()).await;
    assert_eq!((error.kind, error.reason.as_str()), (ErrorKind::ResourceBusy, "another program uses the device"));
    drop(first);
    open(&config).await.expect("free again");
}

#[tokio::test]
async fn a_pty_that_hangs_up_ends_the_link_at_once() {
    let (master, slave, config) = pty();
    let mut link = open(&config).await.unwrap();
    let mut buffer = [0; 16];
    let mut polls = 0;
    // An idle link is asked once and then sleeps: it does not spin.
    let idle = {
        let mut read = Box::pin(link.read(&mut buffer));
        let counted = std::future::poll_fn(|cx| {
            polls += 1;
            read.as_mut().poll(cx)
        });
        tokio::time::timeout(Duration::from_millis(100), counted).await
    };
    assert!(idle.is_err(), "nothing was sent: {idle:?}");
    assert!(polls < 5, "{polls} polls of an idle link");
    drop((master, slave));
    let end = soon("the end", link.read(&mut buffer)).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    assert!(link.write_all(b"x").await.is_err());
    let LinkConfig::Serial { path, .. } = &config else { unreachable!() };
    assert!(!path.exists());
    assert_eq!(refused(config).await.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_hangup_wakes_a_reader_that_already_waits() {
    let (master, slave, config) = pty();
    let mut link = open(&config).await.unwrap();
    let mut buffer = [0; 16];
    let mut read = Box::pin(link.read(&mut buffer));
    let first = std::future::poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await;
    assert!(first.is_pending());
    drop((master, slave));
    let end = soon("the end", read).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn what_is_no_serial_device_is_told_as_such() {
    let serial = |path: &str| LinkConfig::Serial { path: path.into(), baud: 9600 };
    let missing = refused(serial("/dev/no-such-tty")).await;
    assert_eq!(missing.to_string(), "serial /dev/no-such-tty at 9600 baud: no such device; is it plugged in?");
    for path in ["/etc/hostname", "/"] {
        assert_eq!(refused(serial(path)).await.reason, "this is not a serial device", "{path}");
    }
    assert!(refused(serial("/dev/null")).await.reason.starts_with("cannot be set up as a serial port ("));
}

#[tokio::test]
async fn a_tcp_link_carries_bytes_both_ways() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = LinkConfig::Tcp { host: "localhost".into(), port: listener.local_addr().unwrap().port() };
    let mut link = open(&config).await.unwrap();
    let (mut panel, _) = listener.accept().await.unwrap();
    let mut got = [0; 4];
    link.write_all(b"ping").await.unwrap();
    soon("ping", panel.read_exact(&mut got)).await.unwrap();
    panel.write_all(b"pong").await.unwrap();
    soon("pong", link.read_exact(&mut got)).await.unwrap();
    assert_eq!(&got, b"pong");
    drop(panel);
    assert_eq!(soon("the end", link.read(&mut got)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = refused(LinkConfig::Tcp { host: "127.0.0.1".into(), port }).await;
    assert_eq!(error.kind, ErrorKind::ConnectionRefused);
    let text = format!("tcp 127.0.0.1:{port}: connection refused: nothing listens on that port");
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_given_up_after_ten_seconds() {
    // A listener whose queue is full takes no more connections and refuses none either.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let addr = socket.local_addr().unwrap().as_socket().unwrap();
    let _queued: Vec<_> = (0..4)
        .map(|_| {
            let client = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            client.set_nonblocking(true).unwrap();
            let _ = client.connect(&addr.into());
            client
        })
        .collect();
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let error = refused(LinkConfig::Tcp { host: "127.0.0.1".into(), port: addr.port() }).await;
    assert_eq!((error.kind, error.reason.as_str()), (ErrorKind::TimedOut, "no answer within 10 s"));
    assert_eq!(before.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn each_request_gets_a_connection_of_its_own_where_the_peer_closes_after_its_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut link = open(&LinkConfig::TcpPerRequest { host: "127.0.0.1".into(), port }).await.unwrap();
    assert_eq!(link.local_ip(), Some("127.0.0.1".parse().unwrap()));
    let serve = async {
        for answer in [&b"one!"[..], b"two!"] {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut question = [0; 6];
            peer.read_exact(&mut question).await.unwrap();
            peer.write_all(answer).await.unwrap();
        }
        // The third connection is not answered; the fourth is.
        let (mut silent, _) = listener.accept().await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        peer.write_all(b"four").await.unwrap();
        let mut rest = Vec::new();
        silent.read_to_end(&mut rest).await.unwrap();
        drop(listener);
        (peer, rest)
    };
    let ask = async {
        let mut got = [0; 4];
        for answer in [b"one!", b"two!"] {
            // In two pieces: only the flush ends a request.
            link.write_all(b"que").await.unwrap();
            link.write_all(b"ry?").await.unwrap();
            link.flush().await.unwrap();
            link.read_exact(&mut got).await.unwrap();
            assert_eq!(&got, answer);
            let told = link.read(&mut got).await.unwrap_err();
            assert_eq!(told.to_string(), "the peer closed the request's connection");
        }
        for question in [b"silent", b"query?"] {
            link.write_all(question).await.unwrap();
            link.flush().await.unwrap();
        }
        link.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"four");
        link
    };
    let ((peer, rest), mut link) = soon("both", async { tokio::join!(serve, ask) }).await;
    assert_eq!(rest, b"silent", "the connection that was given up is closed");
    drop(peer);
    let end = async { link.write_all(b"nobody").await };
    assert_eq!(soon("the end", end).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
