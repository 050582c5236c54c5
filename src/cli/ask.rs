//! Secrets from a person: typed without being shown, or piped in, one a line.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Asks for a secret once.
pub(super) fn secret(what: &str) -> anyhow::Result<Zeroizing<String>> {
    let quiet = Quiet::begin().context("the terminal cannot be kept from showing what is typed")?;
    if quiet.is_some() {
        eprint!("{what}: ");
        io::stderr().flush()?;
    }
    let text = piped(&mut io::stdin().lock(), what)?;
    if text.is_empty() {
        bail!("nothing was entered for the {what}");
    }
    Ok(text)
}

/// Asks for a new secret twice.
pub(super) fn new_secret(what: &str) -> anyhow::Result<Zeroizing<String>> {
    // Held over both: nothing that is typed ahead is shown either.
    let _quiet = Quiet::begin()?;
    let first = secret(what)?;
    let again = secret(&format!("{what} once more"))?;
    if first != again {
        bail!("the two entries differ; nothing was changed");
    }
    Ok(first)
}

/// Asks whether to go on. Without a terminal nobody can be asked, and the answer is no.
pub(super) fn sure(question: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("nobody can be asked here; add --yes");
    }
    eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// While it lives, the terminal does not show what is typed. Begun before the prompt, so that not even the fastest typist
/// sees a digit.
struct Quiet(Termios);

impl Quiet {
    /// `None` where stdin is no terminal.
    fn begin() -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() {
            return Ok(None);
        }
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        quiet.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Now, &quiet)?;
        Ok(Some(Self(before)))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

fn piped(input: &mut impl BufRead, what: &str) -> anyhow::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    if input.read_line(&mut line)? == 0 {
        bail!("stdin ended before the {what}: give one line for each thing that is asked for");
    }
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piped_secrets_come_one_a_line() {
        let mut input = io::Cursor::new("2846\r\n0042\n");
        assert_eq!(piped(&mut input, "code").expect("a line").as_str(), "2846");
        assert_eq!(piped(&mut input, "code").expect("a line").as_str(), "0042");
        assert!(piped(&mut input, "code").is_err());
    }
}
