//! The least of MQTT 3.1.1 that a measurement needs: a subscriber that stamps what it sees, and a publisher at QoS 1.
//!
//! Our own, so that it shares no code with what is measured and costs next to nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// One message as the subscriber got it.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// When its bytes had come.
    pub(crate) at: Instant,
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
}

#[derive(Default)]
struct Inbox {
    messages: Mutex<Vec<Message>>,
    more: Condvar,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A subscription at QoS 1. Messages whose payload does not hold the needle are acknowledged and forgotten.
pub(crate) struct Subscriber {
    inbox: Arc<Inbox>,
    stream: TcpStream,
}

impl Subscriber {
    pub(crate) fn open(broker: SocketAddr, name: &str, filter: &str, needle: &str) -> Result<Self> {
        let mut stream = connect(broker, name)?;
        let mut packet = vec![0x82];
        let body = [&[0, 1][..], &text(filter), &[1]].concat();
        put_length(&mut packet, body.len());
        packet.extend(body);
        stream.write_all(&packet)?;
        let (kind, _) = read_packet(&mut stream)?;
        if kind != 0x90 {
            bail!("the broker did not take the subscription to {filter}");
        }
        let inbox = Arc::new(Inbox::default());
        let (theirs, needle, reader) = (Arc::clone(&inbox), needle.as_bytes().to_vec(), stream.try_clone()?);
        thread::spawn(move || serve(reader, &theirs, &needle));
        Ok(Self { inbox, stream })
    }

    /// Waits until there are `count` messages that `key` tells apart, and takes them all, duplicates left out.
    /// Gives what there is when `limit` has passed.
    pub(crate) fn collect<K: Ord>(&self, count: usize, limit: Duration, key: impl Fn(&Message) -> K) -> Vec<Message> {
        let until = Instant::now() + limit;
        let mut seen = std::collections::BTreeSet::new();
        let mut found: Vec<Message> = Vec::new();
        let mut messages = self.inbox.lock();
        loop {
            for message in messages.drain(..) {
                if seen.insert(key(&message)) {
                    found.push(message);
                }
            }
            let wait = until.saturating_duration_since(Instant::now());
            if found.len() >= count || wait.is_zero() {
                return found;
            }
            (messages, _) = self.inbox.more.wait_timeout(messages, wait).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// Reads until the connection ends. What came in one piece is acknowledged in one piece.
fn serve(mut stream: TcpStream, inbox: &Inbox, needle: &[u8]) {
    let mut buffer = Vec::with_capacity(1 << 16);
    let mut chunk = vec![0; 1 << 16];
    while let Ok(size) = stream.read(&mut chunk) {
        let at = Instant::now();
        if size == 0 {
            return;
        }
        buffer.extend_from_slice(chunk.get(..size).unwrap_or_default());
        let mut acks = Vec::new();
        let mut used = 0;
        while let Some((kind, body, length)) = whole_packet(buffer.get(used..).unwrap_or_default()) {
            if let Some((message, id)) = publish(kind, body, at) {
                if let Some(id) = id {
                    acks.extend([0x40, 2, id[0], id[1]]);
                }
                if needle.is_empty() || message.payload.windows(needle.len()).any(|part| part == needle) {
                    inbox.lock().push(message);
                    inbox.more.notify_all();
                }
            }
            used += length;
        }
        buffer.drain(..used);
        if stream.write_all(&acks).is_err() {
            return;
        }
    }
}

/// Publishes at QoS 1; acknowledgements are read and thrown away.
pub(crate) struct Publisher {
    stream: TcpStream,
    last_id: u16,
}

impl Publisher {
    pub(crate) fn open(broker: SocketAddr, name: &str) -> Result<Self> {
        let stream = connect(broker, name)?;
        let mut acks = stream.try_clone()?;
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while matches!(acks.read(&mut chunk), Ok(1..)) {}
        });
        Ok(Self { stream, last_id: 0 })
    }

    pub(crate) fn publish(&mut self, topic: &str, payload: &[u8]) -> Result<()> {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        let mut packet = vec![0x32];
        let topic = text(topic);
        put_length(&mut packet, topic.len() + 2 + payload.len());
        packet.extend(topic);
        packet.extend(self.last_id.to_be_bytes());
        packet.extend_from_slice(payload);
        Ok(self.stream.write_all(&packet)?)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

fn connect(broker: SocketAddr, name: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(broker).context("cannot reach the broker")?;
    stream.set_nodelay(true)?;
    let mut packet = vec![0x10];
    // Level 4, a clean session, no keep-alive.
    let body = [&text("MQTT")[..], &[4, 0x02, 0, 0], &text(name)].concat();
    put_length(&mut packet, body.len());
    packet.extend(body);
    stream.write_all(&packet)?;
    match read_packet(&mut stream)? {
        (0x20, body) if body.get(1) == Some(&0) => Ok(stream),
        _ => bail!("the broker refused {name}"),
    }
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

fn put_length(packet: &mut Vec<u8>, mut length: usize) {
    loop {
        let [low, ..] = (length % 128).to_le_bytes();
        length /= 128;
        packet.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            return;
        }
    }
}

/// The first packet, if all of it is there: kind with flags, body, length of the whole.
fn whole_packet(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let mut length = 0;
    for (n, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * n);
        if byte & 0x80 == 0 {
            let start = n + 2;
            return Some((*bytes.first()?, bytes.get(start..start + length)?, start + length));
        }
    }
    None
}

fn publish(kind: u8, body: &[u8], at: Instant) -> Option<(Message, Option<[u8; 2]>)> {
    if kind & 0xF0 != 0x30 {
        return None;
    }
    let (length, rest) = body.split_first_chunk::<2>()?;
    let (topic, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (id, payload) = match kind & 0x06 {
        0 => (None, rest),
        _ => rest.split_first_chunk::<2>().map(|(id, payload)| (Some(*id), payload))?,
    };
    let topic = String::from_utf8_lossy(topic).into_owned();
    Some((Message { at, topic, payload: payload.to_vec() }, id))
}

fn read_packet(stream: &mut TcpStream) -> Result<(u8, Vec<u8>)> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut bytes = Vec::new();
    let mut byte = [0];
    let packet = loop {
        stream.read_exact(&mut byte).context("the broker does not answer")?;
        bytes.extend(byte);
        if let Some((kind, body, _)) = whole_packet(&bytes) {
            break (kind, body.to_vec());
        }
    };
    stream.set_read_timeout(None)?;
    Ok(packet)
}
