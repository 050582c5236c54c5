use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};

use panel_driver::clock;

use super::deadline;

/// A command with a person in front of it: it runs on a terminal of its own (`script` from util-linux), so that
/// questions for secrets are asked.
pub(crate) struct Terminal {
    child: Child,
    screen: Arc<(Mutex<Screen>, Condvar)>,
    /// How far the person has read.
    read: usize,
}

#[derive(Default)]
struct Screen {
    text: String,
    over: bool,
}

impl Terminal {
    pub(crate) fn run(command: &Command) -> Self {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let quoted: Vec<_> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        let mut script = Command::new("script");
        script.args(["-q", "-f", "-e", "-c", &quoted.join(" "), "/dev/null"]);
        for (key, value) in command.get_envs() {
            script.env(key, value.unwrap_or_default());
        }
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("`script` is installed");
        let mut pipe = child.stdout.take().unwrap();
        let screen: Arc<(Mutex<Screen>, Condvar)> = Arc::default();
        let here = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = pipe.read(&mut buffer) {
                here.0.lock().unwrap().text.push_str(&String::from_utf8_lossy(&buffer[..n]));
                here.1.notify_all();
            }
            here.0.lock().unwrap().over = true;
            here.1.notify_all();
        });
        Self { child, screen, read: 0 }
    }

    /// Waits until `text` is shown, after what was waited for before.
    pub(crate) fn expect(&mut self, text: &str) {
        let end = clock::now() + deadline();
        let mut screen = self.screen.0.lock().unwrap();
        loop {
            if let Some(at) = screen.text[self.read..].find(text) {
                self.read += at + text.len();
                return;
            }
            let left = end.saturating_duration_since(clock::now());
            let shown = &screen.text;
            assert!(!left.is_zero() && !screen.over, "the terminal never showed `{text}`, but:\n{shown}");
            screen = self.screen.1.wait_timeout(screen, left).unwrap().0;
        }
    }

    /// Waits until `text` is shown and what is typed is not: programs ask first and hide then, people type later.
    pub(crate) fn expect_hidden(&mut self, text: &str) {
        self.expect(text);
        let end = clock::now() + deadline();
        while !self.hides_typing() {
            assert!(clock::now() < end, "the terminal goes on showing what is typed after `{text}`");
        }
    }

    /// Whether the terminal of the command that `script` runs has its echo switched off.
    fn hides_typing(&self) -> bool {
        let script = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{script}/task/{script}/children")).unwrap_or_default();
        children.split_whitespace().any(|child| {
            let stty = Command::new("stty").args(["-a", "-F", &format!("/proc/{child}/fd/0")]).output();
            stty.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(" -echo "))
        })
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).unwrap();
    }

    /// Waits for the command's end: whether it succeeded, and all that was shown.
    pub(crate) fn finish(mut self) -> (bool, String) {
        let screen = self.screen.0.lock().unwrap();
        let (screen, waited) = self.screen.1.wait_timeout_while(screen, deadline(), |s| !s.over).unwrap();
        let text = screen.text.clone();
        drop(screen);
        assert!(!waited.timed_out(), "the command does not end; it showed:\n{text}");
        (self.child.wait().unwrap().success(), text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
