//! How a session begins (dossier 2.6 to 2.8): both open, both request access, each with its own key.

use std::time::{Duration, Instant};

use panel_model::Password;

use super::dialect::FirstOffer;
use super::panel::Panel;
use super::session::{Out, Phase, RX_BUFFER, Session};
use super::signal::{Client, Signal};
use crate::codec::{Encryption, KeyMaterial, SequenceMode, Side};
use crate::message::{Command, Hidden, Message, NackCode, Notice, OpenSession, ResponseCode};

/// What the panel offers, and when it thinks again.
#[derive(Debug, Default)]
pub(super) struct Offer {
    pub(super) hello: Option<OpenSession>,
    /// Type 3 was offered; at this time the type that is meant follows.
    pub(super) second_at: Option<Instant>,
    /// Type 3 was offered on the last connection.
    declined: bool,
}

/// Between the offer of type 3 and that of type 2 [impl NH#43].
const SECOND_THOUGHTS: Duration = Duration::from_millis(550);
/// How long a poll over HTTP waits for its answer.
const HTTP_WAIT: Duration = Duration::from_secs(5);
const TYPE3: Encryption = Encryption::Unknown(3);
/// What a communicator in polling mode says [impl NH#44].
const ABSIP: &str = "POST /absip HTTP/1.1\r\nHost: integration\r\nContent-Length: 0\r\n\r\n";

impl Session {
    /// Somebody answered our call.
    pub(super) fn connect(&mut self, now: Instant, panel: &mut Panel) {
        self.line.connect();
        self.reset(now);
        if self.hostile.flood > 0 {
            self.hostile.flood -= 1;
            self.line.push(now, self.id.as_bytes().to_vec(), &self.dialect, &self.hostile);
            return self.hang_up(panel, Duration::ZERO);
        }
        if self.hostile.http_absip {
            (self.phase, self.gives_up) = (Phase::Http, Some(now + HTTP_WAIT));
            return self.line.push(now, ABSIP.into(), &self.dialect, &self.hostile);
        }
        if self.hostile.stop_after == Some(0) {
            (self.is_stuck, self.gives_up) = (true, None);
            return;
        }
        let first = match self.dialect.first_offer {
            FirstOffer::Type3Same => TYPE3,
            FirstOffer::Type3New if !self.offer.declined => TYPE3,
            FirstOffer::Meant | FirstOffer::Type3New => self.encryption,
        };
        let thinks_again = first == TYPE3 && self.encryption != TYPE3;
        self.offer.second_at = thinks_again.then(|| now + SECOND_THOUGHTS);
        self.offer.declined = thinks_again;
        self.open(now, first);
        self.pump(now, panel);
    }

    /// Step 1.
    fn open(&mut self, now: Instant, encryption: Encryption) {
        let hello = OpenSession {
            device: 2,
            device_id: 0x032C,
            firmware: if self.dialect.open_session_trailer { [0x05, 0x63] } else { [0x04, 0x11] },
            protocol: [0x02, 0x11],
            tx_buffer: 0x0200,
            rx_buffer: RX_BUFFER,
            constant: 1,
            encryption,
            trailer: if self.dialect.open_session_trailer { vec![0x00, 0x01, 0x00, 0x02] } else { Vec::new() },
        };
        self.offer.hello = Some(hello.clone());
        let app = self.next_app();
        self.put(now, Message::Command(app, Command::OpenSession(hello)));
        self.enter(now, Phase::Opening);
    }

    /// The panel's own app sequence; panels were seen to begin with 91.
    fn next_app(&mut self) -> u8 {
        self.app = self.app.checked_add(1).unwrap_or(1);
        self.app
    }

    fn enter(&mut self, now: Instant, phase: Phase) {
        self.phase = phase;
        self.gives_up = Some(now + self.timings.handshake);
    }

    /// The type that is meant, after type 3.
    pub(super) fn second_offer(&mut self, now: Instant, panel: &mut Panel) {
        self.offer.second_at = None;
        match self.dialect.first_offer {
            FirstOffer::Type3New => self.hang_up(panel, Duration::ZERO),
            FirstOffer::Type3Same | FirstOffer::Meant => {
                self.drop_flight();
                self.open(now, self.encryption);
            }
        }
    }

    pub(super) fn message(&mut self, now: Instant, panel: &mut Panel, message: Message, content: &[u8]) {
        match message {
            Message::Notice(Notice::EndSession) => self.ended(now, panel),
            Message::Notice(Notice::Poll) => {}
            // What the server refuses of ours; nothing in a panel depends on it but the handshake.
            Message::Notice(Notice::CommandError { .. }) if !self.is_online() && self.phase != Phase::Ending => {
                panel.signal(Signal::Client(Client::GaveUp("refused by the server")));
                self.end(now, None);
            }
            Message::Notice(notice) if self.is_online() => self.notice(now, &notice, content),
            Message::Command(_, Command::Response(code)) => self.response(now, panel, code),
            Message::Command(app, Command::OpenSession(hello)) if self.phase == Phase::AwaitOpen => {
                self.opened_by_server(now, panel, app, &hello);
            }
            Message::Command(app, Command::RequestAccess(initializer)) if self.phase == Phase::AwaitAccess => {
                self.access_by_server(now, panel, app, &initializer);
            }
            Message::Command(app, command) if self.is_online() => self.answer(now, panel, app, &command, content),
            Message::Notice(_) | Message::Command(..) => {
                if self.phase != Phase::Ending {
                    self.nack(now, content, NackCode::BadSession);
                }
            }
        }
    }

    /// Steps 2 and 8; later responses are to nothing that a panel asks.
    fn response(&mut self, now: Instant, panel: &mut Panel, code: ResponseCode) {
        let next = match self.phase {
            Phase::Opening if self.offer.second_at.is_some() => return,
            Phase::Opening => Phase::AwaitOpen,
            Phase::Accessing => Phase::AwaitAccess,
            _ => return,
        };
        if code == ResponseCode::Success {
            self.enter(now, next);
        } else {
            panel.signal(Signal::Client(Client::GaveUp("refused by the server")));
            self.end(now, None);
        }
    }

    /// Step 4, answered with 5: every field must be ours again.
    fn opened_by_server(&mut self, now: Instant, panel: &mut Panel, app: u8, hello: &OpenSession) {
        let Some(ours) = self.offer.hello.clone() else { return };
        if hello.trailer.len() != ours.trailer.len() {
            return self.refuse_with_error(now, panel, 0x060A, NackCode::BadLength, "another length of OpenSession");
        }
        if hello.encryption != ours.encryption {
            return self.refuse(now, panel, app, ResponseCode::Unsupported, "another encryption");
        }
        if self.dialect.sequence == SequenceMode::Strict && *hello != ours {
            return self.refuse(now, panel, app, ResponseCode::OutOfRange, "an OpenSession that is not mirrored");
        }
        let due = self.soon(now);
        self.ack_at = None;
        self.put(due, Message::Command(app, Command::Response(ResponseCode::Success)));
        self.enter(now, Phase::Opened);
    }

    /// Step 7. What comes from now on is encrypted.
    pub(super) fn request_access(&mut self, now: Instant, panel: &mut Panel) {
        let made = self.keys().make(self.encryption, Side::Panel, self.line.random());
        let Ok((initializer, key)) = made else {
            panel.signal(Signal::Client(Client::GaveUp("an encryption that nobody knows")));
            return self.end(now, None);
        };
        self.rx = key;
        let (app, due) = (self.next_app(), self.soon(now));
        self.put(due, Message::Command(app, Command::RequestAccess(initializer.into())));
        self.enter(now, Phase::Accessing);
    }

    /// Step 10, answered with 11. What goes out from there on is encrypted.
    fn access_by_server(&mut self, now: Instant, panel: &mut Panel, app: u8, initializer: &Hidden) {
        let Ok(key) = self.keys().open(self.encryption, Side::Server, initializer.expose()) else {
            return self.refuse(now, panel, app, ResponseCode::OutOfRange, "an initializer that does not open");
        };
        self.next_tx = key;
        if self.hostile.swapped_keys {
            std::mem::swap(&mut self.next_tx, &mut self.rx);
        }
        if self.hostile.plain {
            self.next_tx = None;
        }
        let due = self.soon(now);
        self.ack_at = None;
        let message = Message::Command(app, Command::Response(ResponseCode::Success));
        self.put_out(Out { due, message, with_notices: false, turns_key: true });
        self.enter(now, Phase::Accessed);
    }

    /// What keys are derived from; another code's where that is asked for.
    fn keys(&self) -> KeyMaterial {
        let mut material = self.material.clone();
        if self.hostile.wrong_code {
            let another = |code: &Password| {
                let (first, rest) = code.expose().split_at(1);
                Password::new(format!("{}{rest}", if first == "0" { '1' } else { '0' }))
            };
            material.type1 = material.type1.as_ref().map(another);
            material.type2 = material.type2.as_ref().map(another);
        }
        material
    }

    fn refuse(&mut self, now: Instant, panel: &mut Panel, app: u8, code: ResponseCode, why: &'static str) {
        panel.signal(Signal::Client(Client::Refused(why)));
        self.end(now, Some(Message::Command(app, Command::Response(code))));
    }

    pub(super) fn refuse_with_error(
        &mut self,
        now: Instant,
        panel: &mut Panel,
        command: u16,
        code: NackCode,
        why: &'static str,
    ) {
        panel.signal(Signal::Client(Client::Refused(why)));
        self.end(now, Some(Message::Notice(Notice::CommandError { command, code })));
    }
}
