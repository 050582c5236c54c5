//! Mail as a unit of the daemon, and how the box deals with people.

use std::sync::Arc;

use tokio::sync::Notify;

use super::StartError;
use crate::actions::{Directory, PeopleSetup};
use crate::config::{Config, MailConfig, MailSecurity, Problem, Problems};
use crate::mail::{Mailer, Post, Security, ServerConfig};
use crate::store::Store;

/// How the box deals with people, and who takes their mail to the server, if there is one.
///
/// # Errors
/// When password or certificate cannot be read.
pub(super) fn people(config: &Config, store: &Store) -> Result<(PeopleSetup, Option<Post>), StartError> {
    let bell = Arc::new(Notify::new());
    let base = config.mail.as_ref().and_then(|mail| mail.link_base.clone());
    let setup = PeopleSetup {
        mail: config.mail.as_ref().map(|_| Arc::clone(&bell)),
        link_base: base.unwrap_or_else(|| format!("https://{}.local", config.gateway_id)),
        accounts: if config.cloud.is_some() { Directory::Cloud } else { Directory::Own },
    };
    let Some(mail) = &config.mail else { return Ok((setup, None)) };
    let server = server(mail, config.gateway_id.to_string())?;
    let mailer = Mailer::new(server).map_err(|error| wrong("mail", error.to_string()))?;
    Ok((setup, Some(Post::new(store.clone(), mailer, bell))))
}

fn server(mail: &MailConfig, hello: String) -> Result<ServerConfig, StartError> {
    let login = match (&mail.username, &mail.password) {
        (Some(user), Some(source)) => {
            let password = source.read().map_err(|error| wrong("mail.password", error.to_string()))?;
            Some((user.clone(), password))
        }
        _ => None,
    };
    Ok(ServerConfig {
        host: mail.host.clone(),
        port: mail.port,
        security: match mail.security {
            MailSecurity::StartTls => Security::StartTls,
            MailSecurity::Tls => Security::Tls,
            MailSecurity::None => Security::Plain,
        },
        ca: mail.ca.clone(),
        from: mail.from.clone(),
        login,
        hello,
    })
}

fn wrong(key: &str, what: String) -> StartError {
    let hint = "let the service's user, and nobody else, read a secret; give PEM files that can be read";
    StartError::Config(Problems::one(Problem::error(key, what, hint)))
}
