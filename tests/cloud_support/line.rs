//! A bad line to the broker: every connection is cut after so many bytes, in the middle of whatever goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) struct BadLine {
    pub(crate) port: u16,
    pub(crate) cuts: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl BadLine {
    /// Connection number `n` is cut after `bytes(n)` bytes to the broker.
    pub(crate) async fn to(broker: u16, bytes: fn(usize) -> usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cuts = Arc::new(AtomicUsize::new(0));
        let mut task = JoinSet::new();
        let counter = Arc::clone(&cuts);
        task.spawn(async move {
            for n in 0.. {
                let (near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(("127.0.0.1", broker)).await.unwrap();
                carry(near, far, bytes(n)).await;
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { port, cuts, _task: task }
    }
}

/// Returns when one side has closed or the bytes are used up; both ends are closed then.
async fn carry(mut near: TcpStream, mut far: TcpStream, mut left: usize) {
    let (mut up, mut down) = (vec![0; 4096], vec![0; 4096]);
    while left > 0 {
        let carried = tokio::select! {
            read = near.read(&mut up) => match read {
                Ok(n) if n > 0 => {
                    let n = n.min(left);
                    left -= n;
                    far.write_all(&up[..n]).await
                }
                _ => return,
            },
            read = far.read(&mut down) => match read {
                Ok(n) if n > 0 => near.write_all(&down[..n]).await,
                _ => return,
            },
        };
        if carried.is_err() {
            return;
        }
    }
}
