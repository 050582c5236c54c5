use std::pin::pin;
use std::time::Duration;

use panel_driver::clock;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::backoff::{Backoff, Pace, random};
use super::health::Told;
use super::ports::{Intake, Outbox};
use super::retained::status;
use super::serving::Serving;
use super::session::{ConnectOptions, Memory, Session};
use super::topic::Topic;
use super::window::Window;
use super::{Cloud, CloudError, Target};
use crate::payload::GatewayState;

/// So many short connections in a row look like two clients that push each other out, or like topics that we may not
/// use. Brokers may say so; some just close.
const SUSPICIOUS: u32 = 3;
const DELETION: Duration = Duration::from_millis(200);

impl<O: Outbox, I: Intake> Cloud<O, I> {
    /// Runs until cancelled; then says goodbye within a few seconds.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut line = Line::new(self.config.pace, self.config.broker.memory);
        let mut window = Window::default();
        let mut connection = 0;
        while !cancel.is_cancelled() {
            connection += 1;
            let connected = tokio::select! {
                () = cancel.cancelled() => break,
                connected = self.connect(connection, line.memory) => connected,
            };
            let why = match connected {
                Ok(session) => {
                    self.connected(connection);
                    let why = line.hold(Serving::new(&mut self, &mut window, session, connection).run(&cancel)).await;
                    self.delete_taken(&mut window).await;
                    why
                }
                Err(error) => error,
            };
            if why == CloudError::Closed {
                break;
            }
            let wait = self.disconnected(&mut line, &why);
            tokio::select! {
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn connect(&self, connection: u64, memory: Memory) -> Result<Session, CloudError> {
        let lost = status(&self.identity, connection, GatewayState::Lost, None);
        let will = self.target(connection).message(&Topic::Status, &lost);
        let options = ConnectOptions { memory, ..self.config.broker.clone() };
        Session::connect(&options, will.as_ref()).await
    }

    pub(super) fn target(&self, connection: u64) -> Target<'_> {
        let Self { config, identity, panels, wanting, directory, .. } = self;
        Target { prefix: &config.prefix, identity, panels, wanting, directory, connection }
    }

    fn connected(&self, connection: u64) {
        let (host, port) = (&self.config.broker.host, self.config.broker.port);
        info!(%host, port, connection, "connected to the broker");
        self.health.send_modify(|health| {
            health.connected = true;
            health.since = Some(clock::wall());
            health.trouble = None;
            health.connections = connection;
        });
    }

    fn disconnected(&self, line: &mut Line, why: &CloudError) -> Duration {
        let text = line.broke(why, &self.config.broker.client_id);
        self.health.send_modify(|health| {
            health.connected = false;
            health.since = Some(clock::wall());
            health.trouble = Some(text);
        });
        let wait = line.backoff.next(why.retry(), random());
        debug!(?wait, "next try");
        wait
    }

    /// What the broker took before the connection ended need not come again. The store may take its time with the
    /// deletion, so it is not waited for: asking twice does no harm.
    async fn delete_taken(&self, window: &mut Window) {
        window.reset();
        let taken = window.begin_deletion();
        if taken.is_empty() {
            return;
        }
        match tokio::time::timeout(DELETION, self.outbox.acknowledge(taken)).await {
            Ok(Ok(())) => window.deleted(),
            Ok(Err(error)) => {
                debug!(%error, "delivered records could not be deleted yet");
                window.not_deleted();
            }
            Err(_) => window.not_deleted(),
        }
    }
}

/// What is remembered from one connection to the next.
struct Line {
    pace: Pace,
    backoff: Backoff,
    told: Told,
    /// Connections in a row that did not hold.
    short: u32,
    memory: Memory,
    usual_memory: Memory,
}

impl Line {
    fn new(pace: Pace, memory: Memory) -> Self {
        let (backoff, told) = (Backoff::new(pace), Told::default());
        Self { pace, backoff, told, short: 0, memory, usual_memory: memory }
    }

    /// Serves a connection to its end. Once it has held for a while, earlier troubles are over.
    async fn hold(&mut self, serving: impl Future<Output = CloudError>) -> CloudError {
        let mut serving = pin!(serving);
        self.short += 1;
        tokio::select! {
            why = &mut serving => return why,
            () = tokio::time::sleep(self.pace.sound) => {}
        }
        if let Some(times) = self.told.over() {
            info!(times, "the connection to the broker holds again");
        }
        self.short = 0;
        self.backoff = Backoff::new(self.pace);
        serving.await
    }

    /// Takes note of a trouble, and returns it in words.
    fn broke(&mut self, why: &CloudError, client_id: &str) -> String {
        // What the broker keeps for us and we cannot take would end every connection: it has to forget it.
        let poisoned = matches!(why, CloudError::TooLarge { .. });
        self.memory = if poisoned { Memory::None } else { self.usual_memory };
        let mut text = why.to_string();
        if self.short >= SUSPICIOUS && matches!(why, CloudError::Lost(_)) {
            text += &format!(
                "; it breaks right after each connect: does another gateway connect as `{client_id}`, or does the \
                 broker's access list forbid our topics?"
            );
        }
        if self.told.is_news(&text) {
            warn!("{text}; events wait in the outbox");
        }
        text
    }
}
