use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports below the range that the kernel deals out for outgoing connections, so that one that is free stays free while
/// its server restarts.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A TCP port of this machine that nobody listens on, another one at each call.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id().wrapping_mul(37) % u32::from(COUNT)).unwrap();
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (start + step % COUNT) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}
