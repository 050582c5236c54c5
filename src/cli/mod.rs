//! The command line: what a person at the box types. Most commands ask the running daemon over its socket
//! (`client.rs`), a few work by themselves (`check`, `simulate`, `decode`), and `run` and `demo` are the daemon.
//!
//! `args.rs` is the top of the grammar; each subject's file begins with its own part of it and help texts. Output goes to stdout, everything about
//! how it goes to stderr, so that stdout can be piped.
#![allow(clippy::print_stderr, reason = "this is the program's voice")]

mod accounts;
mod args;
mod ask;
mod assets;
mod check;
mod client;
mod commission;
mod companies;
mod decode;
#[cfg(feature = "demo")]
mod demo;
mod follow;
mod history;
mod log;
mod login;
mod operator;
mod out;
mod panels;
mod people;
mod ports;
mod qr;
mod requests;
mod roles;
mod run;
#[cfg(feature = "sim")]
mod simulate;
mod status;
mod table;
mod unlock;
mod users;
mod wanting;
mod words;

use std::future::Future;
use std::process::ExitCode;

use clap::Parser;

use crate::api::ApiProblem;
use args::{Cli, Command};

/// How a command ended; scripts may rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Done.
    Ok = 0,
    /// Refused, failed, or not possible.
    Failed = 1,
    /// Accepted by the box, not yet done by the panel.
    Pending = 3,
    /// The configuration cannot work, the database is newer, or the key is wrong.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Runs what the arguments say. Bad arguments end with 2, before anything was done.
#[must_use]
pub fn run() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(args),
        Command::Check(args) => check::run(&args),
        #[cfg(feature = "sim")]
        Command::Simulate(args) => simulate::run(args),
        Command::Decode(args) => decode::run(args),
        Command::Status(args) => asked(status::run(args)),
        Command::Panels(args) => asked(panels::run(args)),
        Command::Users(args) => asked(users::run(args)),
        Command::Unlock(args) => asked(unlock::unlock(args)),
        Command::Lock(args) => asked(unlock::lock(args)),
        Command::Installers(args) => asked(people::installers(args)),
        Command::Managers(args) => asked(people::managers(args)),
        Command::Accounts(args) => asked(accounts::run(args)),
        Command::Login(args) => asked(login::login(args)),
        Command::Logout(args) => asked(login::logout(args)),
        Command::Whoami(args) => asked(login::whoami(args)),
        Command::SetPassword(args) => asked(login::set_password(args)),
        Command::FirstLogin(args) => asked(login::first_login(args)),
        Command::Events(args) => asked(history::events(args)),
        Command::Wire(args) => asked(history::wire(args)),
        Command::Log(args) => asked(log::run(args)),
        Command::Roles(args) => asked(roles::run(args)),
        Command::Companies(args) => asked(companies::run(args)),
        Command::Requests(args) => asked(requests::run(args)),
        Command::Assets(args) => asked(assets::run(args)),
        Command::Commission(args) => asked(commission::run(args)),
        Command::Operator(args) => asked(operator::run(args)),
    };
    ended.map_or_else(|error| failed(&error), ExitCode::from)
}

fn asked(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    if out::nobody_listens(error) {
        return Exit::Ok.into();
    }
    match error.downcast_ref::<ApiProblem>() {
        Some(problem) => eprintln!("{}", words::refused(problem)),
        None => eprintln!("panelgate: {error:#}"),
    }
    Exit::Failed.into()
}
