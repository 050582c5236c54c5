use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use panel_driver::clock;
use panel_model::PanelSnapshot;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::health::Told;
use super::intake::{self, Verdict};
use super::ports::{Intake, Outbox, OutboxContent, OutboxRecord, Rejected, Unavailable};
use super::retained::{Retained, Ticket, status};
use super::session::{Incoming, Message, Properties, Session, Taken};
use super::topic::{Topic, desired_filter, takes_answers};
use super::window::Window;
use super::{Cloud, CloudError, PublishError, Target, gateway};
use crate::payload::GatewayState;

/// Records are fetched when at least this many fit, or nothing is on its way: one at a time would be slow.
const WORTH_A_FETCH: usize = Window::SENT / 2;
/// Delivered records are deleted together: at the latest after this time, or when they are this many. A crash in
/// between only means duplicates; a deletion for each record would wear the flash out.
const LINGER: Duration = Duration::from_secs(1);
const WORTH_A_DELETION: usize = 64;
/// Wait after the store or the broker refused something.
const PAUSE: Duration = Duration::from_secs(10);
/// How long the last messages may take at a clean end.
const LAST_WORDS: Duration = Duration::from_secs(2);
const GOODBYE: Duration = Duration::from_secs(1);

/// Something that was begun and has ended.
enum Finished {
    Retained(Ticket, Result<Taken, PublishError>),
    Record(u64, Result<Taken, PublishError>),
    /// With how many were asked for.
    Fetched(usize, Result<Vec<OutboxRecord>, Unavailable>),
    Deleted(usize, Result<(), Unavailable>),
    Subscribed(Result<(), PublishError>),
    Applied(usize, u64, Incoming, Result<(), Rejected>),
    /// A message about the gateway as a whole is stored, or refused for good.
    TakenIn(Incoming),
}

type Job = BoxFuture<'static, Finished>;
type NextPicture = BoxFuture<'static, (usize, Option<watch::Receiver<Arc<PanelSnapshot>>>)>;

/// One connection, from birth to end.
pub(super) struct Serving<'a, O, I> {
    cloud: &'a mut Cloud<O, I>,
    window: &'a mut Window,
    session: Session,
    connection: u64,
    retained: Retained,
    jobs: FuturesUnordered<Job>,
    pictures: FuturesUnordered<NextPicture>,
    fetching: bool,
    /// The outbox may have more than is on its way.
    more: bool,
    /// Answers on their way to topics that the askers named.
    foreign: BTreeSet<u64>,
    /// A document or request is with the actions; the next one waits.
    applying: bool,
    /// Nothing is fetched before this time.
    paused: Option<Instant>,
    /// When delivered records are deleted at the latest.
    delete_by: Option<Instant>,
    stopping: Option<Instant>,
    told: Told,
    told_nobody_listens: bool,
    /// What the broker did not take, if anything: some brokers break the connection after such a refusal.
    refusal: Option<PublishError>,
}

impl<'a, O: Outbox, I: Intake> Serving<'a, O, I> {
    pub(super) fn new(cloud: &'a mut Cloud<O, I>, window: &'a mut Window, session: Session, connection: u64) -> Self {
        let retained = Retained::new(cloud.panels.len());
        let pictures = FuturesUnordered::new();
        for (n, panel) in cloud.panels.iter().enumerate() {
            let mut picture = panel.picture.clone();
            picture.mark_unchanged();
            pictures.push(next_picture(n, picture));
        }
        Self {
            cloud,
            window,
            session,
            connection,
            retained,
            jobs: FuturesUnordered::new(),
            pictures,
            fetching: false,
            more: true,
            foreign: BTreeSet::new(),
            applying: false,
            paused: None,
            delete_by: None,
            stopping: None,
            told: Told::default(),
            told_nobody_listens: false,
            refusal: None,
        }
    }

    /// Serves until the connection ends, or until cancelled; then says goodbye and returns [`CloudError::Closed`].
    pub(super) async fn run(mut self, cancel: &CancellationToken) -> CloudError {
        match (self.serve(cancel).await, self.refusal) {
            (CloudError::Lost(_), Some(refusal)) => CloudError::Refused(refusal.to_string()),
            (CloudError::Closed, _) if self.stopping.is_some() => {
                say_goodbye(self.session, &self.cloud.target(self.connection)).await;
                CloudError::Closed
            }
            (why, _) => why,
        }
    }

    async fn serve(&mut self, cancel: &CancellationToken) -> CloudError {
        let mut outbox_changed = self.cloud.outbox.changed();
        let mut wanting = self.cloud.wanting.clone();
        let mut directory = self.cloud.directory.clone();
        let (prefix, gateway) = (&self.cloud.config.prefix, &self.cloud.identity.gateway);
        let named = [Topic::Request, Topic::DirectoryDesired, Topic::DirectoryKeys].map(|t| t.encode(prefix, gateway));
        let filters = [vec![desired_filter(prefix, gateway)], Vec::from(named)].concat();
        let subscribed = self.session.subscribe_as_published(&filters);
        // The birth goes first, then the subscription, then everything else.
        self.publish_retained();
        self.jobs.push(subscribed.map(Finished::Subscribed).boxed());
        loop {
            self.begin_what_is_due();
            if self.stopping.is_some_and(|by| self.is_done() || by <= clock::now()) {
                return CloudError::Closed;
            }
            let deadline = self.deadline();
            let listening = !self.applying && self.stopping.is_none();
            // Every arm is cancel safe: channels, watches, finished jobs and a timer.
            tokio::select! {
                () = cancel.cancelled(), if self.stopping.is_none() => {
                    self.stopping = Some(clock::now() + LAST_WORDS);
                    self.retained.hurry();
                }
                Some(finished) = self.jobs.next() => {
                    if let Err(why) = self.finish(finished) {
                        return why;
                    }
                }
                message = next_message(&mut self.session, listening) => match message {
                    Ok(message) => if let Err(why) = self.take_in(message) {
                        return why;
                    },
                    Err(why) => return why,
                },
                Some((n, picture)) = self.pictures.next() => self.new_picture(n, picture),
                Ok(()) = outbox_changed.changed() => self.more = true,
                Ok(()) = wanting.changed() => self.retained.wanting_changed(clock::now()),
                Ok(()) = directory.changed() => self.retained.directory_changed(),
                () = sleep_until(deadline), if deadline.is_some() => {}
                () = self.cloud.pulse.beat() => {}
            }
        }
    }

    /// Whether all is said that was to be said.
    fn is_done(&self) -> bool {
        self.retained.is_settled() && self.window.is_idle() && !self.fetching && !self.applying && !self.may_fetch()
    }

    fn may_fetch(&self) -> bool {
        self.more && self.paused.is_none()
    }

    fn begin_what_is_due(&mut self) {
        let now = clock::now();
        self.paused = self.paused.filter(|until| *until > now);
        self.publish_retained();
        let free = self.window.free();
        if self.may_fetch() && !self.fetching && (free >= WORTH_A_FETCH || (free > 0 && self.window.is_idle())) {
            self.fetching = true;
            self.more = false;
            let (outbox, known) = (Arc::clone(&self.cloud.outbox), self.window.known());
            self.jobs.push(async move { Finished::Fetched(free, outbox.next(free, known).await) }.boxed());
        }
        let due = self.delete_by.is_some_and(|by| by <= now) || self.window.waiting() >= WORTH_A_DELETION;
        if due {
            let taken = self.window.begin_deletion();
            self.delete_by = None;
            if !taken.is_empty() {
                let outbox = Arc::clone(&self.cloud.outbox);
                let count = taken.len();
                self.jobs.push(async move { Finished::Deleted(count, outbox.acknowledge(taken).await) }.boxed());
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        [self.retained.deadline(), self.paused, self.delete_by, self.stopping].into_iter().flatten().min()
    }

    fn publish_retained(&mut self) {
        let now = clock::now();
        while let Some((ticket, message)) = self.retained.next(now, &self.cloud.target(self.connection)) {
            match self.session.publish(message) {
                Ok(sent) => self.jobs.push(sent.map(move |result| Finished::Retained(ticket, result)).boxed()),
                Err(error) => self.retained_refused(ticket, &error),
            }
        }
    }

    fn retained_refused(&mut self, ticket: Ticket, why: &PublishError) {
        self.retained.settle(ticket);
        if self.told.is_news(&why.to_string()) {
            error!("the broker does not take a retained message: {why}");
        }
        self.refusal = Some(why.clone());
    }

    fn finish(&mut self, finished: Finished) -> Result<(), CloudError> {
        match finished {
            Finished::Retained(ticket, Ok(_)) => self.retained.settle(ticket),
            // The session's own end says why; until then there is nothing to do.
            Finished::Retained(_, Err(PublishError::Lost)) | Finished::Record(_, Err(PublishError::Lost)) => {}
            Finished::Retained(ticket, Err(why)) => self.retained_refused(ticket, &why),
            Finished::Record(seq, Ok(taken)) => self.delivered(seq, taken),
            // It would stand in the way of all others; who asks again gets it again.
            Finished::Record(seq, Err(why)) if self.foreign.contains(&seq) => {
                error!("the broker does not take an answer to the topic that the asker named: {why}");
                self.delivered(seq, Taken::Yes);
            }
            Finished::Record(seq, Err(why)) => self.not_delivered(seq, &why),
            Finished::Fetched(asked, result) => self.send_records(asked, result),
            Finished::Deleted(count, result) => self.deleted(count, result),
            Finished::Subscribed(Ok(())) => debug!("subscribed to desired documents"),
            Finished::Subscribed(Err(PublishError::Lost)) => {}
            Finished::Subscribed(Err(why)) => error!("desired documents cannot be received: {why}"),
            Finished::Applied(n, version, message, result) => {
                self.applied(n, version, result);
                self.session.acknowledge(message)?;
            }
            Finished::TakenIn(message) => {
                self.applying = false;
                self.session.acknowledge(message)?;
            }
        }
        Ok(())
    }

    fn send_records(&mut self, asked: usize, fetched: Result<Vec<OutboxRecord>, Unavailable>) {
        self.fetching = false;
        let records = match fetched {
            Ok(records) => records,
            Err(error) => {
                warn!(%error, "the outbox cannot be read; trying again soon");
                self.paused = Some(clock::now() + PAUSE);
                self.more = true;
                return;
            }
        };
        // Whatever was there beyond these is asked for when there is room again. Asking in vain is not free: a look into
        // the store ends the company in which writes wait for their commit.
        self.more |= records.len() >= asked;
        for record in records {
            self.send_record(record);
        }
    }

    fn send_record(&mut self, record: OutboxRecord) {
        let seq = record.seq;
        self.window.send(seq);
        if matches!(&record.content, OutboxContent::Response { reply, .. } if reply.topic.is_some()) {
            self.foreign.insert(seq);
        }
        let sent = match record_message(&self.cloud.target(self.connection), &record.content) {
            Some(message) => self.session.publish(message),
            None => Err(PublishError::Lost),
        };
        match sent {
            Ok(sent) => self.jobs.push(sent.map(move |result| Finished::Record(seq, result)).boxed()),
            // It will never fit, and would stand in the way of all others. `reported` has the whole picture.
            Err(why) => {
                error!(seq, "a record of the outbox cannot be sent and is dropped: {why}");
                self.delivered(seq, Taken::Yes);
            }
        }
    }

    fn delivered(&mut self, seq: u64, taken: Taken) {
        if taken == Taken::NobodyListens && !std::mem::replace(&mut self.told_nobody_listens, true) {
            warn!("the broker knows of nobody who listens to our events");
        }
        self.cloud.health.send_if_modified(|health| health.trouble.take().is_some());
        self.foreign.remove(&seq);
        self.window.acknowledge(seq);
        self.delete_some_time();
    }

    fn delete_some_time(&mut self) {
        if self.window.waiting() > 0 && self.delete_by.is_none() {
            self.delete_by = Some(clock::now() + LINGER);
        }
    }

    fn not_delivered(&mut self, seq: u64, why: &PublishError) {
        if self.told.is_news(&why.to_string()) {
            error!("the broker does not take a record of the outbox, which waits: {why}");
        }
        let text = why.to_string();
        self.cloud.health.send_modify(|health| health.trouble = Some(text));
        self.refusal = Some(why.clone());
        self.window.give_back(seq);
        self.delete_some_time();
        self.paused = Some(clock::now() + PAUSE);
        self.more = true;
    }

    fn deleted(&mut self, count: usize, result: Result<(), Unavailable>) {
        match result {
            Ok(()) => {
                self.window.deleted();
                self.delete_some_time();
                let count = u64::try_from(count).unwrap_or(0);
                self.cloud.health.send_modify(|health| health.delivered += count);
            }
            Err(error) => {
                debug!(%error, "delivered records could not be deleted yet");
                self.window.not_deleted();
                self.delete_by = Some(clock::now() + PAUSE);
            }
        }
    }

    fn new_picture(&mut self, n: usize, picture: Option<watch::Receiver<Arc<PanelSnapshot>>>) {
        self.retained.changed(n, clock::now());
        if let Some(picture) = picture {
            self.pictures.push(next_picture(n, picture));
        }
    }

    fn take_in(&mut self, message: Incoming) -> Result<(), CloudError> {
        let name = Topic::parse(&self.cloud.config.prefix, &message.topic);
        let name = name.filter(|(gateway, _)| *gateway == self.cloud.identity.gateway).map(|(_, topic)| topic);
        let id = match name {
            Some(Topic::Desired(id)) => id,
            Some(topic @ (Topic::Request | Topic::DirectoryDesired | Topic::DirectoryKeys)) => {
                self.applying = true;
                let intake = Arc::clone(&self.cloud.intake);
                let job = async move {
                    gateway::take_in(&*intake, &topic, &message, PAUSE).await;
                    Finished::TakenIn(message)
                };
                self.jobs.push(job.boxed());
                return Ok(());
            }
            _ => {
                debug!(topic = message.topic, "not for us");
                return self.session.acknowledge(message);
            }
        };
        let Some(n) = intake::position(&self.cloud.panels, &id) else {
            warn!(panel = %id, "a desired document for a panel that is not configured here");
            return self.session.acknowledge(message);
        };
        let Some(panel) = self.cloud.panels.get_mut(n) else { return Ok(()) };
        let taken = panel.taken.max(panel.picture.borrow().cloud_version);
        match intake::judge(&message.payload, taken) {
            Verdict::Nothing => {}
            Verdict::Refuse(refusal) => {
                self.refuse(n, refusal);
            }
            Verdict::Apply(document) => {
                info!(panel = %id, version = document.version, "desired document received");
                self.applying = true;
                let intake = Arc::clone(&self.cloud.intake);
                let job = async move {
                    let version = document.version;
                    let mut result = intake.apply(id.clone(), document.clone()).await;
                    // The broker keeps the document for us until the box could store it.
                    while result.as_ref().is_err_and(Rejected::may_pass) {
                        tokio::time::sleep(PAUSE).await;
                        result = intake.apply(id.clone(), document.clone()).await;
                    }
                    Finished::Applied(n, version, message, result)
                };
                self.jobs.push(job.boxed());
                return Ok(());
            }
        }
        self.session.acknowledge(message)
    }

    fn applied(&mut self, n: usize, version: u64, result: Result<(), Rejected>) {
        self.applying = false;
        match result {
            Ok(()) => {
                if let Some(panel) = self.cloud.panels.get_mut(n) {
                    panel.taken = panel.taken.max(version);
                    if panel.refused.take().is_some() {
                        self.retained.answered(n);
                    }
                }
            }
            Err(rejected) => self.refuse(n, intake::refusal(version, rejected)),
        }
    }

    fn refuse(&mut self, n: usize, refusal: crate::payload::DocumentRefusal) {
        let Some(panel) = self.cloud.panels.get_mut(n) else { return };
        if panel.refused.as_ref() != Some(&refusal) {
            let (version, why) = (refusal.version, refusal.refusal);
            warn!(panel = %panel.id, version, refusal = %why, "desired document refused: {}", refusal.text);
            self.cloud.health.send_modify(|health| health.refused_documents += 1);
            panel.refused = Some(refusal);
        }
        self.retained.answered(n);
    }
}

async fn say_goodbye(session: Session, target: &Target<'_>) {
    let gone = status(target.identity, target.connection, GatewayState::Disconnected, Some(clock::wall()));
    let message = target.message(&Topic::Status, &gone);
    if let Some(Ok(sent)) = message.map(|message| session.publish(message)) {
        // Without its acknowledgement we still go: the broker has the will.
        let _ = tokio::time::timeout(GOODBYE, sent).await;
    }
    session.close(GOODBYE).await;
    info!("said goodbye to the broker");
}

fn next_picture(n: usize, mut picture: watch::Receiver<Arc<PanelSnapshot>>) -> NextPicture {
    async move {
        let changed = picture.changed().await;
        (n, changed.is_ok().then_some(picture))
    }
    .boxed()
}

/// The next message if we are listening, and in any case the end of the connection.
async fn next_message(session: &mut Session, listening: bool) -> Result<Incoming, CloudError> {
    if listening { session.next().await } else { Err(session.ended().await) }
}

fn record_message(target: &Target<'_>, content: &OutboxContent) -> Option<Message> {
    match content {
        OutboxContent::Event(event) => target.message(&Topic::Event(event.panel.clone()), event),
        OutboxContent::Delta(panel, delta) => target.message(&Topic::Delta(panel.clone()), delta),
        OutboxContent::Log(line) => target.message(&Topic::Log, line),
        OutboxContent::Gap(gap) => target.message(&Topic::Log, gap),
        OutboxContent::Response { id, reply, answer } => {
            let (prefix, gateway) = (target.prefix, &target.identity.gateway);
            let named = reply.topic.clone().filter(|name| takes_answers(prefix, gateway, name));
            let correlation = reply.correlation.clone().map(Into::into);
            Some(Message {
                topic: named.unwrap_or_else(|| Topic::Response(*id).encode(prefix, gateway)),
                payload: answer.expose().to_owned().into(),
                retain: false,
                properties: Properties { correlation, ..Properties::default() },
            })
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
