//! Proof that a loop still turns, for the watchdog. A loop that waits for nothing but its own arms answers at once; one
//! that hangs does not. Costs nothing while nobody asks.

use std::future::pending;

use tokio::sync::{mpsc, oneshot};

/// The loop's end.
#[derive(Debug)]
pub struct Pulse {
    questions: mpsc::Receiver<oneshot::Sender<()>>,
    probe: PulseProbe,
}

/// The end of whoever asks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PulseProbe(mpsc::Sender<oneshot::Sender<()>>);

impl Default for Pulse {
    fn default() -> Self {
        let (questions, asked) = mpsc::channel(1);
        Self { questions: asked, probe: PulseProbe(questions) }
    }
}

impl Pulse {
    /// An end for somebody who asks.
    #[must_use]
    pub fn probe(&self) -> PulseProbe {
        self.probe.clone()
    }

    /// Answers the next question; one arm of the loop's `select!`.
    ///
    /// # Cancel safety
    /// No question is lost when the future is dropped.
    pub async fn beat(&mut self) {
        match self.questions.recv().await {
            // Who asked may have lost patience.
            Some(question) => drop(question.send(())),
            None => pending().await,
        }
    }
}

impl PulseProbe {
    /// Completes when the loop has turned once more; never, if it hangs or has ended.
    pub async fn turned(&self) {
        let (question, answer) = oneshot::channel();
        if self.0.send(question).await.is_err() || answer.await.is_err() {
            pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_turns_answers_and_one_that_hangs_does_not() {
        let mut pulse = Pulse::default();
        let probe = pulse.probe();
        tokio::join!(pulse.beat(), probe.turned());
        let patience = Duration::from_secs(5);
        assert!(timeout(patience, probe.turned()).await.is_err(), "nobody beats");
        drop(pulse);
        assert!(timeout(patience, probe.turned()).await.is_err(), "the loop is gone");
    }
}
