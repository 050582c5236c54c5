use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use super::Lines;

/// A program that runs beside the test. It is killed when dropped; if the test fails, its last lines are shown.
pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    pub(crate) out: Lines,
    pub(crate) err: Lines,
    ended: Option<ExitStatus>,
}

/// The binary under test.
pub(crate) fn panelgate() -> Command {
    Command::new(env!("CARGO_BIN_EXE_panelgate"))
}

impl Program {
    pub(crate) fn start(name: &str, mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let (out, err) = (Lines::new(name), Lines::new(&format!("{name} (stderr)")));
        out.follow(child.stdout.take().unwrap());
        err.follow(child.stderr.take().unwrap());
        let stdin = child.stdin.take();
        Self { child, stdin, out, err, ended: None }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to the program.
    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("its input is open");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("the program takes input");
    }

    /// Ends its input.
    pub(crate) fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Whether it has ended by itself.
    pub(crate) fn is_over(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap();
        }
        self.ended.is_some()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Holds it still: it lives, and neither hears nor says anything.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        assert!(self.ended.is_none(), "it has ended already");
        let kill = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.pid())]).status().unwrap();
        assert!(kill.success());
    }

    /// Kills it with SIGKILL: no last words.
    pub(crate) fn kill(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
    }

    /// Waits for its end, which has to come by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.out.wait_closed();
        self.err.wait_closed();
        *self.ended.get_or_insert_with(|| self.child.wait().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            self.out.print_tail(40);
            self.err.print_tail(120);
        }
    }
}
