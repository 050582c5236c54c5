//! From the panel's first byte to an encrypted session (dossier 2.6 to 2.8).

use std::time::Instant;

use panel_driver::DriverError;

use super::exchange::Exchange;
use super::line::Line;
use crate::codec::{Encryption, KeyError, KeyMaterial, Side};
use crate::error::{SessionError, Step};
use crate::message::{Command, Message, NackCode, Notice, OpenSession, ResponseCode};
use crate::quirks::HANDSHAKE_STEP;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// For the panel's OpenSession.
    AwaitOpen,
    /// For the acknowledgement of our answer to it.
    AwaitOpenAck,
    /// For the answer to our OpenSession.
    AwaitOpenAnswer {
        app: u8,
    },
    /// For the panel's RequestAccess.
    AwaitAccess,
    /// For the acknowledgement of our answer to it, the first encrypted message.
    AwaitAccessAck,
    /// For the answer to our RequestAccess.
    AwaitAccessAnswer {
        app: u8,
    },
    Done,
}

/// What a handshake wants.
#[derive(Debug, PartialEq)]
pub(super) enum Turn {
    Wait,
    Connected,
    /// The session ends; what is queued (a refusal, EndSession) still goes out.
    Failed(DriverError),
}

#[derive(Debug)]
pub(super) struct Handshake {
    stage: Stage,
    material: KeyMaterial,
    encryption: Encryption,
    hello: Option<OpenSession>,
    /// An encryption type that we declined on this connection.
    declined: Option<Encryption>,
    until: Option<Instant>,
    /// The panel repeated a message since our first encrypted one: it does not understand what it got.
    deaf: bool,
}

impl Handshake {
    pub(super) fn new(material: KeyMaterial, encryption: Encryption) -> Self {
        Self { stage: Stage::AwaitOpen, material, encryption, hello: None, declined: None, until: None, deaf: false }
    }

    pub(super) fn open(&mut self, now: Instant) {
        self.until = Some(now + HANDSHAKE_STEP);
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// What the panel told of itself.
    pub(super) fn hello(&self) -> Option<&OpenSession> {
        self.hello.as_ref()
    }

    /// From our first encrypted message on, silence may mean a wrong code.
    pub(super) fn is_keyed(&self) -> bool {
        matches!(self.stage, Stage::AwaitAccessAck | Stage::AwaitAccessAnswer { .. })
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.until.filter(|_| !self.is_done())
    }

    fn go(&mut self, now: Instant, stage: Stage) -> Turn {
        self.stage = stage;
        self.until = Some(now + HANDSHAKE_STEP);
        if stage == Stage::Done { Turn::Connected } else { Turn::Wait }
    }

    /// A message of the panel's.
    pub(super) fn message(&mut self, now: Instant, message: Message, line: &mut Line, exchange: &mut Exchange) -> Turn {
        match (self.stage, message) {
            (_, Message::Command(app, Command::OpenSession(hello))) => self.opened(now, app, hello, line),
            (Stage::AwaitOpenAnswer { app }, Message::Command(answered, Command::Response(code)))
                if app == answered =>
            {
                match code {
                    ResponseCode::Success => self.go(now, Stage::AwaitAccess),
                    code => fail(line, SessionError::OpenRefused(code)),
                }
            }
            (Stage::AwaitAccess, Message::Command(app, Command::RequestAccess(initializer))) => {
                self.access_requested(now, app, initializer.expose(), line)
            }
            (Stage::AwaitAccessAnswer { app }, Message::Command(answered, Command::Response(code)))
                if app == answered =>
            {
                match code {
                    ResponseCode::Success => self.go(now, Stage::Done),
                    code => fail(line, SessionError::AccessRefused(code)),
                }
            }
            (_, Message::Notice(Notice::CommandError { command, code })) => {
                let error = match code {
                    NackCode::BadLength => SessionError::OpenTooShort(self.firmware()),
                    code => SessionError::Nacked { command, code },
                };
                Turn::Failed(error.into())
            }
            (_, Message::Notice(Notice::EndSession)) => {
                Turn::Failed(self.known_reason().unwrap_or_else(|| SessionError::EndedByPanel.into()))
            }
            // Whatever else comes early is acknowledged and waits for nobody.
            _ => Turn::Wait,
        }
        .or_acknowledged(self, now, line, exchange)
    }

    /// An acknowledgement, which may be all that a stage waits for.
    pub(super) fn acknowledged(&mut self, now: Instant, line: &mut Line, exchange: &mut Exchange) -> Turn {
        if !line.is_free() {
            return Turn::Wait;
        }
        match (self.stage, &self.hello) {
            (Stage::AwaitOpenAck, Some(hello)) => {
                // To the last byte: firmware 5.63 refuses a shorter echo [impl NH#48].
                let app = exchange.next_app();
                line.send(Message::Command(app, Command::OpenSession(hello.clone())));
                self.go(now, Stage::AwaitOpenAnswer { app })
            }
            (Stage::AwaitAccessAck, _) => self.request_access(now, line, exchange),
            _ => Turn::Wait,
        }
    }

    pub(super) fn timeout(&mut self, now: Instant) -> Turn {
        match self.until {
            Some(until) if now >= until && !self.is_done() => Turn::Failed(self.silent()),
            _ => Turn::Wait,
        }
    }

    /// Why nothing more came.
    pub(super) fn silent(&self) -> DriverError {
        let step = match self.stage {
            Stage::AwaitOpen => match self.declined {
                Some(offered) => return SessionError::OnlyOffers(offered.byte(), self.firmware()).into(),
                None => Step::Open,
            },
            Stage::AwaitOpenAck => Step::OpenAck,
            Stage::AwaitOpenAnswer { .. } => Step::OpenAnswer,
            Stage::AwaitAccess => Step::Access,
            Stage::AwaitAccessAck | Stage::AwaitAccessAnswer { .. } => {
                return SessionError::DeafSinceKeys { newer: self.is_newer(), firmware: self.firmware() }.into();
            }
            Stage::Done => Step::AccessAnswer,
        };
        SessionError::Silent(step).into()
    }

    /// What is known of why the panel hung up, or says nothing, before there was a first report. From the keys on
    /// that hints at a wrong code; if the panel repeated itself before, it is one.
    pub(super) fn known_reason(&self) -> Option<DriverError> {
        let firmware = || self.firmware();
        Some(match (self.stage, self.declined) {
            (Stage::AwaitOpen, Some(offered)) => SessionError::OnlyOffers(offered.byte(), firmware()).into(),
            (Stage::Done, _) if self.is_newer() => {
                SessionError::DeafSinceKeys { newer: true, firmware: firmware() }.into()
            }
            _ if self.is_keyed() && self.deaf => self.silent(),
            _ if self.is_keyed() => SessionError::ClosedSinceKeys.into(),
            _ => return None,
        })
    }

    /// The panel sent its last message again.
    pub(super) fn repeated(&mut self) {
        self.deaf |= self.is_keyed();
    }

    fn opened(&mut self, now: Instant, app: u8, hello: OpenSession, line: &mut Line) -> Turn {
        let offered = hello.encryption;
        self.hello = Some(hello);
        if offered != self.encryption {
            line.send(Message::Command(app, Command::Response(ResponseCode::Unsupported)));
            if matches!(offered, Encryption::Unknown(_)) {
                // The communicator falls back to type 2 by itself, on this connection or the next [impl NH#43].
                self.declined = Some(offered);
                return self.go(now, Stage::AwaitOpen);
            }
            line.send(Message::Notice(Notice::EndSession));
            return Turn::Failed(SessionError::OtherEncryption { offered, configured: self.encryption }.into());
        }
        line.send(Message::Command(app, Command::Response(ResponseCode::Success)));
        self.go(now, Stage::AwaitOpenAck)
    }

    fn access_requested(&mut self, now: Instant, app: u8, initializer: &[u8], line: &mut Line) -> Turn {
        match self.material.open(self.encryption, Side::Panel, initializer) {
            Ok(key) => {
                if let Some(key) = key {
                    line.encrypt_with(key);
                }
                line.send(Message::Command(app, Command::Response(ResponseCode::Success)));
                self.go(now, Stage::AwaitAccessAck)
            }
            Err(error) => {
                line.send(Message::Command(app, Command::Response(ResponseCode::OutOfRange)));
                fail(line, SessionError::Initializer(error))
            }
        }
    }

    fn request_access(&mut self, now: Instant, line: &mut Line, exchange: &mut Exchange) -> Turn {
        match self.material.make(self.encryption, Side::Server, line.random()) {
            Ok((initializer, key)) => {
                let app = exchange.next_app();
                line.send(Message::Command(app, Command::RequestAccess(initializer.into())));
                if let Some(key) = key {
                    line.decrypt_with(key);
                }
                self.go(now, Stage::AwaitAccessAnswer { app })
            }
            Err(error @ (KeyError::NoCode | KeyError::BadCode)) => fail(line, SessionError::Initializer(error)),
            Err(error) => fail(line, SessionError::Initializer(error)),
        }
    }

    /// Signs of the communicator firmware whose handshake is not solved: a trailer, or another type offered first.
    fn is_newer(&self) -> bool {
        self.declined.is_some() || self.hello.as_ref().is_some_and(|hello| !hello.trailer.is_empty())
    }

    fn firmware(&self) -> String {
        self.hello.as_ref().map_or_else(|| "unknown".to_owned(), firmware)
    }
}

impl Turn {
    /// A message acknowledges as well: a stage that only waits for that goes on with it.
    fn or_acknowledged(
        self,
        handshake: &mut Handshake,
        now: Instant,
        line: &mut Line,
        exchange: &mut Exchange,
    ) -> Self {
        match self {
            Self::Wait => handshake.acknowledged(now, line, exchange),
            other => other,
        }
    }
}

fn fail(line: &mut Line, error: SessionError) -> Turn {
    line.send(Message::Notice(Notice::EndSession));
    Turn::Failed(error.into())
}

/// Firmware and protocol as the communicator tells them, digits as they are.
pub(super) fn firmware(hello: &OpenSession) -> String {
    let [major, minor] = hello.firmware;
    let [p_major, p_minor] = hello.protocol;
    format!("communicator {major:x}.{minor:02x}, protocol {p_major:x}.{p_minor:02x}")
}
