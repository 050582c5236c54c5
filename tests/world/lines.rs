use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use panel_driver::clock;

use super::deadline;

/// The lines that a program prints, as they come, kept for as long as the test runs.
#[derive(Clone)]
pub(crate) struct Lines {
    name: Arc<str>,
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    /// Pipes that may still bring lines.
    open: usize,
}

impl Lines {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into(), shared: Arc::default() }
    }

    /// Takes in everything from `pipe` until it ends.
    pub(crate) fn follow(&self, pipe: impl Read + Send + 'static) {
        self.lock().open += 1;
        let here = self.clone();
        std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                here.push(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned());
                line.clear();
            }
            here.lock().open -= 1;
            here.shared.1.notify_all();
        });
    }

    fn push(&self, line: String) {
        self.lock().lines.push(line);
        self.shared.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }

    /// How many lines there are: the place from which to wait for what comes next.
    pub(crate) fn mark(&self) -> usize {
        self.lock().lines.len()
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    /// What `pick` makes of the lines from `from` on, leaving out those that it makes nothing of.
    pub(crate) fn pick<T>(&self, from: usize, pick: impl Fn(&str) -> Option<T>) -> Vec<T> {
        self.lock().lines.iter().skip(from).filter_map(|line| pick(line)).collect()
    }

    /// Waits until `enough` says yes about all lines so far, and gives back what it said.
    ///
    /// # Panics
    /// When it takes too long or the program ends; tells the last lines.
    pub(crate) fn until<T>(&self, what: &str, mut enough: impl FnMut(&[String]) -> Option<T>) -> T {
        let end = clock::now() + deadline();
        let mut state = self.lock();
        loop {
            if let Some(found) = enough(&state.lines) {
                return found;
            }
            let left = end.saturating_duration_since(clock::now());
            if left.is_zero() || state.open == 0 {
                let ended = if state.open == 0 { " (it has ended)" } else { "" };
                let tail = tail(&state.lines, 60);
                drop(state);
                panic!("{}{ended}: no sign of {what}. Its last lines:\n{tail}", self.name);
            }
            state = self.shared.1.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Waits for the first line from `from` on that `pick` makes something of.
    pub(crate) fn wait<T>(&self, what: &str, from: usize, pick: impl Fn(&str) -> Option<T>) -> T {
        let mut seen = from;
        self.until(what, |lines| {
            let fresh = lines.get(seen..).unwrap_or_default();
            seen = lines.len().max(from);
            fresh.iter().find_map(|line| pick(line))
        })
    }

    /// Waits for a line from `from` on that holds `text`.
    pub(crate) fn wait_for(&self, text: &str, from: usize) -> String {
        self.wait(text, from, |line| line.contains(text).then(|| line.to_owned()))
    }

    /// Waits until `count` more lines came than `from`, but not longer than `at_most`. For choosing a moment, not for
    /// knowing anything.
    pub(crate) fn some_more(&self, from: usize, count: usize, at_most: Duration) {
        let state = self.lock();
        let few = |state: &mut State| state.lines.len() < from + count && state.open > 0;
        drop(self.shared.1.wait_timeout_while(state, at_most, few).unwrap());
    }

    /// Waits until no line can come any more: the program has ended.
    pub(crate) fn wait_closed(&self) {
        let state = self.lock();
        let (state, waited) = self.shared.1.wait_timeout_while(state, deadline(), |state| state.open > 0).unwrap();
        let tail = tail(&state.lines, 60);
        drop(state);
        assert!(!waited.timed_out(), "{} does not end. Its last lines:\n{tail}", self.name);
    }

    pub(crate) fn print_tail(&self, count: usize) {
        eprintln!("--- the last lines of {}:\n{}", self.name, tail(&self.all(), count));
    }
}

fn tail(lines: &[String], count: usize) -> String {
    let mut kept = VecDeque::from_iter(lines.iter().rev().take(count).map(String::as_str));
    kept.make_contiguous().reverse();
    kept.make_contiguous().join("\n")
}
