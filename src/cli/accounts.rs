//! Accounts of the customer application.

use clap::{Args, Subcommand};
use panel_model::{PanelId, Slot};

use super::args::Connect;
use super::client::{Client, query};
use super::people::PageArgs;
use super::table::table;
use super::words::time;
use super::{Exit, ask, follow, out};
use crate::access::Email;
use crate::actions::{Action, AssignAccount, OfAccount, SetAccountPassword, UnassignAccount};
use crate::api::{AccountRow, Page};

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate accounts                                     the first 15
  panelgate accounts list --like ber                     those whose e-mail holds `ber`
  panelgate accounts add carl@example.org                mails a one-time password, where mail is configured
  panelgate accounts assign carl@example.org dsc-1 4     gives it to user 4, who has a code
  panelgate accounts unassign dsc-1 4                    the account lives on
  panelgate accounts remove carl@example.org --yes

On a site with a cloud the accounts belong to the cloud, and are made and changed there.")]
pub(super) struct AccountsArgs {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    list: ListArgs,
    #[command(subcommand)]
    what: Option<AccountsCommand>,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only those whose e-mail holds this text
    #[arg(long, value_name = "TEXT")]
    like: Option<String>,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Subcommand)]
enum AccountsCommand {
    /// All of them
    List(ListArgs),
    /// Make an account
    Add { email: Email },
    /// Give an account to a panel user who has a code
    Assign { email: Email, panel: PanelId, slot: Slot },
    /// Take a panel user's account away; the account lives on
    Unassign { panel: PanelId, slot: Slot },
    /// Keep an account from being used
    Suspend { email: Email },
    /// Let an account be used again
    Resume { email: Email },
    /// Mail a one-time password; the present one stays until a new one is set
    ResetPassword { email: Email },
    /// Set a password: asks for the one-time or present one, then for the new one twice
    SetPassword { email: Email },
    /// Delete an account everywhere; this cannot be undone
    Remove {
        email: Email,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(args: AccountsArgs) -> anyhow::Result<Exit> {
    let AccountsArgs { connect, list: first, what } = args;
    let client = Client::new(&connect);
    let of = |account: Email| OfAccount { account };
    let action = match what {
        None => return list(&client, first, connect.json).await,
        Some(AccountsCommand::List(args)) => return list(&client, args, connect.json).await,
        Some(AccountsCommand::Add { email }) => Action::AddAccount(of(email)),
        Some(AccountsCommand::Assign { email, panel, slot }) => {
            Action::AssignAccount(AssignAccount { panel, slot, account: email })
        }
        Some(AccountsCommand::Unassign { panel, slot }) => Action::UnassignAccount(UnassignAccount { panel, slot }),
        Some(AccountsCommand::Suspend { email }) => Action::SuspendAccount(of(email)),
        Some(AccountsCommand::Resume { email }) => Action::ResumeAccount(of(email)),
        Some(AccountsCommand::ResetPassword { email }) => Action::ResetAccount(of(email)),
        Some(AccountsCommand::SetPassword { email }) => {
            let current = ask::secret(&format!("one-time or present password of {email}"))?;
            let new = ask::new_secret(&format!("new password of {email}"))?;
            let (current, new) = (client.seal(&current).await?, client.seal(&new).await?);
            Action::SetAccountPassword(SetAccountPassword { account: email, current, new })
        }
        Some(AccountsCommand::Remove { email, yes }) => {
            if !yes && !ask::sure(&format!("delete the account {email} everywhere? this cannot be undone"))? {
                out::line("nothing was changed")?;
                return Ok(Exit::Failed);
            }
            Action::RemoveAccount(of(email))
        }
    };
    follow::report(&client.perform(&action).await?, connect.json)
}

async fn list(client: &Client, args: ListArgs, json: bool) -> anyhow::Result<Exit> {
    let like = args.like.as_deref().map(escaped);
    let (page, size) = (Some(args.page.page.to_string()), Some(args.page.size.to_string()));
    let path = query("/accounts", [("like", like), ("page", page), ("size", size)]);
    let accounts: Page<AccountRow> = client.get(&path).await?;
    if json {
        out::json(&accounts)?;
        return Ok(Exit::Ok);
    }
    let row =
        |account: &AccountRow| [account.email.to_string(), account.status.name().to_owned(), time(account.created)];
    out::text(&table(["E-MAIL", "STATUS", "CREATED"], accounts.rows.iter().map(row)))?;
    out::line(&accounts.shown)?;
    Ok(Exit::Ok)
}

/// Text as it may stand in a query.
fn escaped(text: &str) -> String {
    let byte = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_arrives_as_it_was_typed() {
        assert_eq!(escaped("a+b@c.d & é"), "a%2Bb%40c.d%20%26%20%C3%A9");
    }
}
