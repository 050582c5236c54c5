//! As much of HTTP/1.1 as the service needs: one request with a whole body, one answer with a whole body.
//!
//! Bodies have a `Content-Length`, always: the module's server cannot read chunked ones [impl J]. Shared by driver
//! and simulator.

use std::fmt;

use bytes::Bytes;

/// Longest head that is read.
const MOST_HEAD: usize = 8 * 1024;
/// Longest body that is read (dossier 7 e).
const MOST_BODY: usize = 256 * 1024;
const MOST_HEADERS: usize = 32;
/// Where the service answers [doc K].
const PATH: &str = "/remote/json-rpc";
const ANSWER_BEGINS: &[u8] = b"HTTP/1.";

/// What is not HTTP as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// It does not follow the grammar.
    #[error("not HTTP")]
    Malformed,
    /// Head or body are longer than anybody needs.
    #[error("too long")]
    TooLong,
    /// The body has no length, or is chunked.
    #[error("a body without a length")]
    NoLength,
}

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Body, undecoded. Codes may be in there.
    pub body: Bytes,
}

/// A question.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` or something else.
    pub method: String,
    /// Body, undecoded. Codes may be in there.
    pub body: Bytes,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({}, {} bytes)", self.method, self.body.len())
    }
}

/// A request: `GET` without a body, else `POST` of JSON. Head and body in one piece, as the module wants it.
#[must_use]
pub fn encode_request(host: &str, body: Option<&[u8]>) -> Bytes {
    let method = if body.is_some() { "POST" } else { "GET" };
    let mut text = format!("{method} {PATH} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    if let Some(body) = body {
        text.push_str("Content-Type: application/json\r\nContent-Length: ");
        text.push_str(&body.len().to_string());
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    [text.as_bytes(), body.unwrap_or_default()].concat().into()
}

/// What becomes of the connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It is closed, and that is said. Real modules close without a word, for all we know [impl J]; clients that keep
    /// connections then run into the closing now and then.
    Close,
    /// It stays open.
    Keep,
}

/// An answer, always 200: errors are in the body [impl J].
#[must_use]
pub fn encode_response(body: &[u8], after: After) -> Bytes {
    let length = body.len();
    let close = if after == After::Close { "Connection: close\r\n" } else { "" };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{close}\r\n");
    [head.as_bytes(), body].concat().into()
}

/// Collects bytes until they are a whole message.
#[derive(Default)]
pub struct Reader(Vec<u8>);

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} bytes)", self.0.len())
    }
}

impl Reader {
    /// Bytes came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Forgets what came so far.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes the next answer, once it is whole. What stands before one is dropped: the rest of an answer that was
    /// given up, or noise.
    ///
    /// # Errors
    /// What began like an answer is none; it is dropped.
    pub fn next_response(&mut self) -> Result<Option<Response>, HttpError> {
        self.skip_to_answer();
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let parsed = head.parse(&self.0).map(|parsed| match parsed {
            httparse::Status::Partial => None,
            httparse::Status::Complete(length) => Some((length, head.code.unwrap_or(0))),
        });
        let body = parsed.ok().flatten().map(|_| length_of(head.headers).and_then(|n| n.ok_or(HttpError::NoLength)));
        match self.whole(parsed, body) {
            Ok(Some((status, body))) => Ok(Some(Response { status, body })),
            Ok(None) => Ok(None),
            Err(error) => {
                // Not the same beginning again.
                self.0.drain(..1.min(self.0.len()));
                self.skip_to_answer();
                Err(error)
            }
        }
    }

    /// Takes the next question, once it is whole.
    ///
    /// # Errors
    /// It is none; nothing that follows can be understood, and the connection is to be closed.
    pub fn next_request(&mut self) -> Result<Option<Request>, HttpError> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let parsed = head.parse(&self.0).map(|parsed| match parsed {
            httparse::Status::Partial => None,
            httparse::Status::Complete(length) => Some((length, head.method.unwrap_or_default().to_owned())),
        });
        let body = parsed.as_ref().ok().and_then(Option::as_ref).map(|_| Ok(length_of(head.headers)?.unwrap_or(0)));
        Ok(self.whole(parsed, body)?.map(|(method, body)| Request { method, body }))
    }

    /// Takes head and body out of the buffer when both are there.
    fn whole<T>(
        &mut self,
        head: Result<Option<(usize, T)>, httparse::Error>,
        body: Option<Result<usize, HttpError>>,
    ) -> Result<Option<(T, Bytes)>, HttpError> {
        let Some((head, what)) = head.map_err(|_| HttpError::Malformed)? else {
            return if self.0.len() > MOST_HEAD { Err(HttpError::TooLong) } else { Ok(None) };
        };
        let length = body.unwrap_or(Err(HttpError::NoLength))?;
        let Some(body) = self.0.get(head..head.saturating_add(length)) else { return Ok(None) };
        let body = Bytes::copy_from_slice(body);
        self.0.drain(..head + length);
        Ok(Some((what, body)))
    }

    fn skip_to_answer(&mut self) {
        let begins = |at: &usize| {
            let rest = self.0.get(*at..).unwrap_or_default();
            let length = rest.len().min(ANSWER_BEGINS.len());
            rest.get(..length) == ANSWER_BEGINS.get(..length)
        };
        let at = (0..self.0.len()).find(begins).unwrap_or(self.0.len());
        self.0.drain(..at);
    }
}

fn length_of(headers: &[httparse::Header<'_>]) -> Result<Option<usize>, HttpError> {
    let named = |name: &str| headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    if named("Transfer-Encoding").is_some() {
        return Err(HttpError::NoLength);
    }
    let Some(header) = named("Content-Length") else { return Ok(None) };
    let text = std::str::from_utf8(header.value).map_err(|_| HttpError::Malformed)?;
    match text.trim().parse::<usize>() {
        Ok(length) if length <= MOST_BODY => Ok(Some(length)),
        Ok(_) => Err(HttpError::TooLong),
        Err(_) => Err(HttpError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &[u8]) -> Bytes {
        encode_response(body, After::Close)
    }

    fn bodies(reader: &mut Reader) -> Vec<String> {
        std::iter::from_fn(|| reader.next_response().expect("http"))
            .map(|answer| String::from_utf8_lossy(&answer.body).into_owned())
            .collect()
    }

    #[test]
    fn an_answer_may_come_in_any_pieces() {
        let bytes = [answer(b"{\"a\":1}"), answer(b"")].concat();
        for size in 1..bytes.len() {
            let mut reader = Reader::default();
            let mut found = Vec::new();
            for piece in bytes.chunks(size) {
                reader.push(piece);
                found.extend(bodies(&mut reader));
            }
            assert_eq!(found, ["{\"a\":1}", ""], "in pieces of {size}");
        }
    }

    #[test]
    fn a_request_reads_back() {
        let mut reader = Reader::default();
        reader.push(&encode_request("panel:8181", Some(b"[1]")));
        reader.push(&encode_request("panel:8181", None));
        let mut next = || reader.next_request().expect("http").map(|r| (r.method, r.body.to_vec()));
        assert_eq!(next(), Some(("POST".into(), b"[1]".to_vec())));
        assert_eq!(next(), Some(("GET".into(), Vec::new())));
        assert_eq!(next(), None);
    }

    #[test]
    fn what_is_left_of_an_answer_does_not_spoil_the_next_one() {
        let mut reader = Reader::default();
        reader.push(b"1\"}]}HTTP/9 HTTP/1.");
        assert_eq!(bodies(&mut reader), [""; 0]);
        reader.clear();
        reader.push(b"\"userId\":1}]}");
        reader.push(&answer(b"next"));
        assert_eq!(bodies(&mut reader), ["next"]);
    }

    #[test]
    fn bad_answers_are_told_and_the_next_one_is_read() {
        let rows: [(&[u8], HttpError); 4] = [
            (b"HTTP/1.1 200 OK\r\nContent-Type: a\r\n\r\n", HttpError::NoLength),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", HttpError::NoLength),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", HttpError::TooLong),
            (b"HTTP/1.1 twohundred\r\n\r\n", HttpError::Malformed),
        ];
        for (bytes, error) in rows {
            let mut reader = Reader::default();
            reader.push(bytes);
            reader.push(&answer(b"next"));
            assert_eq!(reader.next_response().err(), Some(error));
            assert_eq!(bodies(&mut reader), ["next"]);
        }
        let mut reader = Reader::default();
        reader.push(b"HTTP/1.1 200 OK\r\nX: ");
        reader.push(&vec![b'x'; MOST_HEAD]);
        assert_eq!(reader.next_response().err(), Some(HttpError::TooLong));
    }

    #[test]
    fn chunked_requests_are_refused() {
        let mut reader = Reader::default();
        reader.push(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        assert_eq!(reader.next_request().err(), Some(HttpError::NoLength));
    }
}
