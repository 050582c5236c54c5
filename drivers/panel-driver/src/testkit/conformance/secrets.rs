use std::time::Duration;

use panel_model::{AccessCode, InstallerCode};

use super::{Failure, Subject, pair, secrets_of, set_code, work};
use crate::testkit::{NetFaults, seeds};
use crate::{Command, DriverStart};

/// No code and no password is found in any output or in the wire log: not while logging in, working, being refused,
/// or over a line that garbles what it carries.
///
/// # Errors
/// One is.
pub fn secrets_are_not_shown<S: Subject>(subject: &S) -> Result<(), Failure> {
    let code = subject.facts().code;
    seeds(20, |seed| {
        let start = subject.start();
        let mut pair = pair(subject, seed).with_faults(NetFaults::nasty()).with_secrets(secrets(&start, &code));
        pair.command(work(subject));
        // Refused ones may not repeat what they were given either.
        pair.command(set_code(subject.facts().slot, AccessCode::new(format!("{}x", code.expose()))));
        pair.command(Command::VerifyInstallerCode(InstallerCode::new(code.expose().to_owned())));
        pair.run_for(Duration::from_secs(60))?;
        pair.set_faults(NetFaults::perfect());
        pair.settle()
    })?;
    let Some(wrong) = subject.wrong_start() else { return Ok(()) };
    let mut pair = pair(subject, 1).with_secrets(secrets(&wrong, &code)).with_start(wrong);
    pair.run_for(Duration::from_secs(60))
}

/// Shorter ones are left out: they stand everywhere by chance.
fn secrets(start: &DriverStart, code: &AccessCode) -> Vec<String> {
    let mut secrets = secrets_of(&start.credentials);
    secrets.push(code.expose().to_owned());
    secrets.retain(|secret| secret.len() >= 4);
    secrets
}
