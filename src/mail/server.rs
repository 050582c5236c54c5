//! The mail server. The only place that knows the SMTP library.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use panel_model::Password;
use tokio::time::timeout;

use crate::access::Email;
use crate::store::NewMail;

/// How long the server may take for one answer, and for a whole mail.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const MAIL_WITHIN: Duration = Duration::from_secs(60);

/// How the way to the server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte, port 465.
    Tls,
    /// STARTTLS, and nothing before it; port 587.
    StartTls,
    /// In clear: to this box itself only.
    Plain,
}

/// The mail server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Its name or address.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// How the way is kept private.
    pub security: Security,
    /// PEM file of the authority that signed its certificate, in place of the system's.
    pub ca: Option<PathBuf>,
    /// Whom our mail is from.
    pub from: Email,
    /// Where it wants a log-in.
    pub login: Option<(String, Password)>,
    /// How we call ourselves to it.
    pub hello: String,
}

/// Why mail cannot be sent at all: something of the configuration.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MailerError(String);

/// Why a mail was not taken.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another time it may be.
    ForNow(String),
    /// The server will not have it.
    ForGood(String),
}

/// A way to the mail server; each mail is a connection of its own.
#[derive(Debug)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    answer_within: Duration,
}

impl Mailer {
    /// The way to this server; connects to nothing yet.
    ///
    /// # Errors
    /// [`MailerError`] when the certificate cannot be read or the address is none.
    pub fn new(config: ServerConfig) -> Result<Self, MailerError> {
        Self::patient(config, ANSWER_WITHIN)
    }

    pub(super) fn patient(config: ServerConfig, answer_within: Duration) -> Result<Self, MailerError> {
        let tls = match config.security {
            Security::Plain => Tls::None,
            Security::StartTls => Tls::Required(tls(&config)?),
            Security::Tls => Tls::Wrapper(tls(&config)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .tls(tls)
            .hello_name(ClientId::Domain(config.hello))
            .timeout(Some(answer_within));
        if let Some((user, password)) = config.login {
            builder = builder.credentials(Credentials::new(user, password.expose().to_owned()));
        }
        let from = address(&config.from).map_err(MailerError)?;
        Ok(Self { transport: builder.build(), from, answer_within })
    }

    pub(super) async fn send(&self, mail: &NewMail) -> Result<(), Failure> {
        let message = self.message(mail).map_err(Failure::ForGood)?;
        let within = MAIL_WITHIN.min(self.answer_within * 2);
        match timeout(within, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if is_for_good(&error) => Err(Failure::ForGood(words(&error))),
            Ok(Err(error)) => Err(Failure::ForNow(words(&error))),
            Err(_) => Err(Failure::ForNow("the mail server does not answer".to_owned())),
        }
    }

    fn message(&self, mail: &NewMail) -> Result<Message, String> {
        Message::builder()
            .from(Mailbox::new(None, self.from.clone()))
            .to(Mailbox::new(None, address(&mail.recipient)?))
            .subject(&mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body.to_string())
            .map_err(|error| error.to_string())
    }
}

fn tls(config: &ServerConfig) -> Result<TlsParameters, MailerError> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.ca {
        let bad = |why: String| MailerError(format!("{} cannot be used: {why}", path.display()));
        let pem = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| bad(error.to_string()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| MailerError(format!("TLS cannot be used: {error}")))
}

fn address(email: &Email) -> Result<Address, String> {
    email.as_str().parse().map_err(|error: lettre::address::AddressError| error.to_string())
}

/// A 5xx answer is meant for good, but for those that speak of our log-in: that is mended in the configuration.
fn is_for_good(error: &SmtpError) -> bool {
    let code = error.status().map(u16::from);
    error.is_permanent() && !matches!(code, Some(530 | 534 | 535 | 538))
}

/// What the server said, as one line that can stand in a log.
fn words(error: &SmtpError) -> String {
    error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}
