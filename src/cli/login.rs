//! Who acts at the command line: logging in and out, passwords, the first login.

use clap::Args;
use zeroize::Zeroizing;

use super::args::Connect;
use super::client::Client;
use super::words::{or_dash, time, word};
use super::{Exit, ask, follow, out};
use crate::access::PersonName;
use crate::actions::{Action, Done, Login, SetPassword};
use crate::api::WhoAmI;

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate login anna@example.org       asks for the password, without showing it
  panelgate login init                   after `sudo panelgate first-login`

From then on the commands of this system user act as that person, with that person's role and panels, until
`panelgate logout`, 15 minutes without a command, or 8 hours.")]
pub(super) struct LoginArgs {
    /// E-mail, or init
    person: PersonName,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Debug, Args)]
pub(super) struct LogoutArgs {
    #[command(flatten)]
    connect: Connect,
}

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate set-password anna@example.org        asks for the present password, then for the new one twice

With the one-time password of a mail in place of the present one.")]
pub(super) struct SetPasswordArgs {
    /// E-mail, or init; without it, who is logged in
    person: Option<PersonName>,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Debug, Args)]
#[command(after_help = "\
  sudo panelgate first-login             shows the temporary password of the init account, once
  panelgate login init                   and choose a password of your own
  panelgate managers invite boss@example.org --name 'Ann Boss'
  panelgate managers deactivate-init     when the manager has accepted

For root and the service's own user. Until somebody has logged in with it, it may be drawn again; the one before ends.")]
pub(super) struct FirstLoginArgs {
    #[command(flatten)]
    connect: Connect,
}

#[derive(Debug, Args)]
pub(super) struct WhoAmIArgs {
    #[command(flatten)]
    connect: Connect,
}

pub(super) async fn login(args: LoginArgs) -> anyhow::Result<Exit> {
    let (client, json, person) = (Client::new(&args.connect), args.connect.json, args.person);
    let password = ask::secret(&format!("password of {person}"))?;
    let sealed = client.seal(&password).await?;
    let done = client.perform(&Action::Login(Login { person: person.clone(), password: sealed })).await?;
    if json {
        out::json_line(&done)?;
    }
    let Done::LoggedIn { role, must_change, last_login, .. } = &done else { return Ok(Exit::Ok) };
    if !json {
        let before = last_login.map(|at| format!(", last here {}", time(at))).unwrap_or_default();
        out::line(format_args!("logged in as {person} ({role}){before}"))?;
    }
    if *must_change {
        eprintln!("this password has to be changed before anything else");
        return change(&client, person, password, json).await;
    }
    Ok(Exit::Ok)
}

async fn change(client: &Client, person: PersonName, current: Zeroizing<String>, json: bool) -> anyhow::Result<Exit> {
    let new = ask::new_secret(&format!("new password of {person}"))?;
    let (current, new) = (client.seal(&current).await?, client.seal(&new).await?);
    let done = client.perform(&Action::SetPassword(SetPassword { person, current, new })).await?;
    follow::report(&done, json)
}

pub(super) async fn logout(args: LogoutArgs) -> anyhow::Result<Exit> {
    let client = Client::new(&args.connect);
    follow::report(&client.perform(&Action::Logout {}).await?, args.connect.json)
}

pub(super) async fn set_password(args: SetPasswordArgs) -> anyhow::Result<Exit> {
    let client = Client::new(&args.connect);
    let person = match args.person {
        Some(person) => person,
        None => {
            let me: WhoAmI = client.get("/whoami").await?;
            let person = me.person.ok_or_else(|| anyhow::anyhow!("nobody is logged in; say whose password it is"))?;
            person.name
        }
    };
    let current = ask::secret(&format!("present or one-time password of {person}"))?;
    change(&client, person, current, args.connect.json).await
}

pub(super) async fn first_login(args: FirstLoginArgs) -> anyhow::Result<Exit> {
    let client = Client::new(&args.connect);
    follow::report(&client.perform(&Action::FirstLogin {}).await?, args.connect.json)
}

pub(super) async fn whoami(args: WhoAmIArgs) -> anyhow::Result<Exit> {
    let me: WhoAmI = Client::new(&args.connect).get("/whoami").await?;
    if args.connect.json {
        out::json(&me)?;
        return Ok(Exit::Ok);
    }
    out::line(format_args!("system user {}", me.system_user))?;
    match &me.person {
        None => out::line("logged in   nobody")?,
        Some(person) => {
            out::line(format_args!("logged in   {} ({}, {})", person.name, person.full_name, word(&person.kind)))?;
            out::line(format_args!("role        {}", person.role))?;
            out::line(format_args!("last login  {}", or_dash(person.last_login.map(time))))?;
            if me.must_change {
                out::line("a new password has to be set first: panelgate set-password")?;
            }
        }
    }
    Ok(Exit::Ok)
}
