//! Requests of cloud operators (C3, C5): each is judged by its token, done once, and answered with the same answer
//! however often it is asked.
//!
//! What was taken stands in the store before the broker is told that it was. A request ends in exactly one state: a wish is
//! stored together with its answer; whatever else was being done when the box went down is answered as failed, and never
//! done again.

use std::time::Duration;

use panel_driver::clock;
use panel_model::{Refusal, WallTime};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tracing::{error, info, warn};
use uuid::Uuid;

use super::request::{Request, Response};
use super::{Action, Actions, Done, Entry, Refused};
use crate::access::{Actor, Claims, Door, Principal, TokenFault};
use crate::payload;
use crate::store::{NewRequest, ReplyTo, StoreError, Tx, Urgency};

/// Requests that may be open at once; a further one is refused as `busy`.
const MOST_OPEN: usize = 32;
/// Largest request that is looked at, in bytes.
pub const LARGEST_REQUEST: usize = 64 * 1024;
/// Between two tries to store an answer.
const PAUSE: Duration = Duration::from_secs(10);
const BROKEN_OFF: &str =
    "the box was restarted while this was being done; see the panel's `reported` for how far it came";

/// A request as it came over the broker.
#[derive(Debug, Clone, Default)]
pub struct RequestMessage {
    /// JSON.
    pub payload: Vec<u8>,
    /// The broker kept it. A request that is kept would be done again by whoever comes next.
    pub retained: bool,
    /// Where the message itself says that the answer goes.
    pub reply: ReplyTo,
}

/// What became of a request when it was taken.
enum Taken {
    /// It is to be done now.
    New,
    /// It was asked before, or refused: its answer is on its way, or will be.
    Settled,
    /// The id is another request's.
    Foreign,
}

/// A request, judged by itself.
struct Judged {
    id: Uuid,
    fingerprint: [u8; 32],
    reply: ReplyTo,
    retained: bool,
    entry: Entry,
    /// Of a token that was proved.
    claims: Option<Claims>,
    verdict: Result<(Actor, Action), Refused>,
}

impl Actions {
    /// Takes a request. Returns when it is stored, and the broker may be told; it is then done and answered by itself.
    ///
    /// # Errors
    /// [`Refused`] only when it could not be stored: the same message is to be given again.
    pub async fn take_request(&self, message: RequestMessage) -> Result<(), Refused> {
        let Some(judged) = self.judge_request(message).await? else { return Ok(()) };
        let (id, name) = (judged.id, judged.entry.action);
        let todo = judged.verdict.as_ref().ok().cloned();
        if let Err(refused) = &judged.verdict {
            warn!(%id, action = name, refusal = %refused.refusal, "a request is refused: {}", refused.text);
        }
        let floor = match &judged.claims {
            Some(claims) => self.0.authority.raise_floor(claims.iat),
            None => self.0.authority.now().seconds(),
        };
        let taken = self.0.store.write(Urgency::Now, move |tx| take(tx, judged, floor)).await?;
        match (taken, todo) {
            (Taken::New, Some((actor, action))) => {
                info!(%id, actor = actor.name, action = name, "request taken");
                self.carry_out(id, actor, action);
            }
            (Taken::Foreign, _) => warn!(%id, "a request has the id of another one, and is not answered"),
            _ => info!(%id, action = name, "request settled"),
        }
        Ok(())
    }

    /// `None`: it has no id that could be answered.
    async fn judge_request(&self, message: RequestMessage) -> Result<Option<Judged>, Refused> {
        let RequestMessage { payload, retained, reply } = message;
        let unproved = |name| Entry { door: Door::Cloud.name(), ..Entry::unproved(name) };
        let request = match read_request(&payload) {
            Ok(request) => request,
            Err((None, refused)) => {
                warn!("a request cannot be read: {}", refused.text);
                self.log(unproved("request"), refused.refusal.code(), Some(refused.text)).await;
                return Ok(None);
            }
            Err((Some(id), refused)) => {
                let fingerprint = Sha256::digest(&payload).into();
                let (entry, reply) = (unproved("request"), ReplyTo { topic: None, ..reply });
                return Ok(Some(Judged {
                    id,
                    fingerprint,
                    reply,
                    retained,
                    entry,
                    claims: None,
                    verdict: Err(refused),
                }));
            }
        };
        let fingerprint = fingerprint(&request);
        // Codes in clear that somebody put into an action by mistake are not repeated by `read`.
        let action = payload::read::<Action>(request.action.to_string().as_bytes());
        let asked = action.as_ref().ok();
        let (name, panel) = (asked.map_or("request", Action::name), asked.and_then(Action::panel).cloned());
        let (slot, subject) = (asked.and_then(Action::slot), asked.and_then(Action::subject));
        let proved = self.proved(&request).await?;
        let (entry, reply) = match &proved {
            Ok(claims) => {
                let actor = Actor::token(claims, request.id);
                let topic = request.reply_to.clone().or(reply.topic);
                (Entry { slot, subject, ..Entry::new(&actor, name, panel.as_ref()) }, ReplyTo { topic, ..reply })
            }
            Err(fault) if fault.is_signed() => {
                let topic = request.reply_to.clone().or(reply.topic);
                (Entry { panel, slot, subject, ..unproved(name) }, ReplyTo { topic, ..reply })
            }
            // Who is not known does not choose where the box writes.
            Err(_) => (Entry { panel, slot, subject, ..unproved(name) }, ReplyTo { topic: None, ..reply }),
        };
        let claims = proved.as_ref().ok().cloned();
        let over = request.expires_at.is_some_and(|end| {
            let end = WallTime::from(end).0 / 1000;
            self.0.authority.now().seconds() >= end
        });
        let verdict = match (proved, action) {
            (Err(fault), _) => Err(fault.into()),
            (Ok(_), _) if retained => {
                Err(Refused::with(Refusal::Invalid, "a request must not be retained: publish it without that flag"))
            }
            (Ok(_), _) if over => Err(Refused::with(Refusal::Invalid, "the request has expired; ask again")),
            (Ok(_), Err(error)) => Err(Refused::with(Refusal::Invalid, format!("action: {error}"))),
            (Ok(claims), Ok(action)) => Ok((Actor::token(&claims, request.id), action)),
        };
        Ok(Some(Judged { id: request.id, fingerprint, reply, retained, entry, claims, verdict }))
    }

    async fn proved(&self, request: &Request<Value>) -> Result<Result<Claims, TokenFault>, Refused> {
        let claims = match self.0.authority.check(&request.token, &self.0.gateway) {
            Ok(claims) => claims,
            Err(fault) => return Ok(Err(fault)),
        };
        let covers = self.company_covers(&claims.company).await?;
        Ok(if covers { Ok(claims) } else { Err(TokenFault::Company) })
    }

    /// Does what was asked and stores the answer. Both go on whatever happens to the connection.
    fn carry_out(&self, id: Uuid, actor: Actor, action: Action) {
        let actions = self.clone();
        self.0.tasks.spawn(async move {
            let doing = actions.clone();
            let performed = actions.0.tasks.spawn(async move { doing.perform(&actor, action).await });
            let answer = match performed.await {
                Ok(result) => Response::new(id, clock::wall(), result),
                // It panicked; the panic hook has told it.
                Err(_) => Response::broken_off(id, clock::wall(), "the box failed while this was being done"),
            };
            actions.answer(&answer).await;
        });
    }

    /// Stores an answer, unless the request has one already. While the store cannot, it is tried again: without an
    /// answer the request would stay open.
    async fn answer(&self, answer: &Response) {
        loop {
            let (id, json) = (answer.id, answer.to_json());
            match self.0.store.write(Urgency::Now, move |tx| tx.answer_request(id, &json)).await {
                Ok(_) | Err(StoreError::Closed) => return,
                Err(error) => error!(%id, %error, "the answer to a request cannot be stored yet"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Answers what the last run left open: nobody knows how far it came, and it is not done again.
    pub(super) async fn settle_requests(&self) -> Result<(), StoreError> {
        let settle = |tx: &mut Tx<'_>| {
            let open = tx.open_requests()?;
            for id in &open {
                tx.answer_request(*id, &Response::broken_off(*id, clock::wall(), BROKEN_OFF).to_json())?;
            }
            Ok(open.len())
        };
        let count = self.0.store.write(Urgency::Now, settle).await?;
        if count > 0 {
            warn!(count, "requests were open when the box went down; they are answered as failed");
        }
        Ok(())
    }
}

impl Entry {
    /// Somebody who could not prove who they are.
    fn unproved(action: &'static str) -> Self {
        Self::new(&Actor { name: "unproved".into(), role: "none".into(), ..Actor::broker() }, action, None)
    }

    /// Gives the request that this is done for its answer, in the transaction that does it.
    pub(super) fn answer_request(&self, tx: &mut Tx<'_>, done: &Done) -> Result<(), StoreError> {
        if let Some(id) = self.request {
            tx.answer_request(id, &Response::new(id, clock::wall(), Ok(done.clone())).to_json())?;
        }
        Ok(())
    }
}

/// The request of an actor in the cloud.
pub(super) fn request_of(actor: &Actor) -> Option<Uuid> {
    match &actor.principal {
        Principal::Token { request, .. } => Some(*request),
        _ => None,
    }
}

/// Everything that decides whether a request is new, and what follows from it, in one transaction.
fn take(tx: &mut Tx<'_>, judged: Judged, floor: i64) -> Result<Taken, StoreError> {
    let Judged { id, fingerprint, reply, retained, entry, claims, mut verdict } = judged;
    if let Some(known) = tx.request(id)? {
        if known.fingerprint != fingerprint {
            let text = "the id is another request's; every request needs its own".to_owned();
            tx.add_log_line(entry.line(Refusal::Invalid.code(), Some(text)))?;
            return Ok(Taken::Foreign);
        }
        // One that the broker keeps comes with every connect: it had its answer.
        match known.answered {
            _ if retained => {}
            true => drop(tx.push_response(id, reply)?),
            false => tx.add_reply(id, &reply)?,
        }
        return Ok(Taken::Settled);
    }
    if verdict.is_ok() && tx.open_requests()?.len() >= MOST_OPEN {
        verdict = Err(Refusal::Busy.into());
    }
    // A token that was used is no good for whatever is asked with it.
    if let Some(claims) = &claims {
        if tx.token_used(&claims.jti)? {
            verdict = Err(TokenFault::Replayed.into());
        }
        tx.use_token(&claims.jti, claims.exp + crate::access::token::LEEWAY, floor)?;
        tx.set_time_floor(floor)?;
    }
    tx.add_request(&NewRequest { id, at: floor, fingerprint, reply })?;
    let Err(refused) = verdict else { return Ok(Taken::New) };
    tx.add_log_line(entry.line(refused.refusal.code(), Some(refused.text.clone())))?;
    tx.answer_request(id, &Response::new(id, clock::wall(), Err(refused)).to_json())?;
    Ok(Taken::Settled)
}

/// The request without its action; where it cannot be read, its id if that can be.
fn read_request(payload: &[u8]) -> Result<Request<Value>, (Option<Uuid>, Refused)> {
    #[derive(Deserialize)]
    struct OnlyId {
        id: Uuid,
    }
    if payload.len() > LARGEST_REQUEST {
        let text = format!("{} bytes are more than the {LARGEST_REQUEST} that a request may have", payload.len());
        return Err((None, Refused::with(Refusal::Invalid, text)));
    }
    payload::read::<Request<Value>>(payload).map_err(|error| {
        let id = serde_json::from_slice::<OnlyId>(payload).ok().map(|only| only.id);
        (id, Refused::with(Refusal::Invalid, error.to_string()))
    })
}

/// What tells a request from another one under the same id.
fn fingerprint(request: &Request<Value>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(request.token.expose().as_bytes());
    hash.update([0]);
    hash.update(request.action.to_string().as_bytes());
    hash.finalize().into()
}

/// Name, panel and user for the log.
#[cfg(test)]
#[path = "requests_test.rs"]
mod tests;
