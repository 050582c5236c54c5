use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::SecretSource;
use super::panel;
use super::problem::Problems;
use super::raw::RawMail;
use super::section::Section;
use crate::access::Email;

/// The mail server, and what links in mails begin with.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the fields are the file's own keys")]
pub struct MailConfig {
    pub host: String,
    pub port: u16,
    pub security: MailSecurity,
    pub ca: Option<PathBuf>,
    pub from: Email,
    pub username: Option<String>,
    pub password: Option<SecretSource>,
    /// Without a slash at the end.
    pub link_base: Option<String>,
}

/// How the way to the mail server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub enum MailSecurity {
    #[default]
    StartTls,
    Tls,
    /// To this machine itself only.
    None,
}

impl MailSecurity {
    /// The port that such servers listen on.
    fn usual_port(self) -> u64 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

pub(super) fn check_mail(raw: RawMail, folder: &Path, problems: &mut Problems) -> Option<MailConfig> {
    let mut section = Section::new("mail.", problems);
    section.unknown::<RawMail>(&raw.unknown);
    let host = section.required("host", raw.host, "the name of the mail server");
    let host = host.filter(|host| {
        let good = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:_".contains(&b));
        if !good {
            section.error("host", "is no name or address", "give the name of the mail server, without a port");
        }
        good
    });
    let words = [("starttls", MailSecurity::StartTls), ("tls", MailSecurity::Tls), ("none", MailSecurity::None)];
    let security = section.choice("security", raw.security, &words).unwrap_or_default();
    if security == MailSecurity::None && host.as_deref().is_some_and(|host| !is_this_machine(host)) {
        let what = "would send links and passwords in clear over the network";
        section.error("security", what, "give \"starttls\" or \"tls\"; \"none\" is for a server on this machine");
    }
    let port = section.number("port", raw.port, security.usual_port(), 1..=65_535);
    let ca = section.optional("ca", raw.ca, "the path of a PEM file").map(|path| folder.join(path));
    if let Some(path) = ca.as_ref().filter(|path| !path.is_file()) {
        section.error("ca", format!("there is no file {}", path.display()), "give the path of a PEM file");
    }
    let from = section.parsed("from", raw.from, "the e-mail address that mails come from");
    let username = section.optional("username", raw.username, "a text");
    let password = panel::secret(&mut section, "password", raw.password, folder);
    match (&username, &password) {
        (None, Some(_)) => {
            section.error(
                "username",
                "is missing beside `password`",
                "give the user name that the password belongs to",
            );
        }
        (Some(_), None) => {
            section.error("password", "is missing beside `username`", "give the place of the password");
        }
        _ => {}
    }
    let form = "what links begin with, such as \"https://site-1.example.org\"";
    let link_base =
        section.optional("link_base", raw.link_base, form).map(|base| base.trim_end_matches('/').to_owned());
    if link_base.as_deref().is_some_and(|base| !is_link_base(base)) {
        section.error("link_base", "cannot begin a link", format!("give {form}"));
    }
    Some(MailConfig {
        host: host?,
        port: u16::try_from(port).unwrap_or_default(),
        security,
        ca,
        from: from?,
        username,
        password,
        link_base,
    })
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_link_base(base: &str) -> bool {
    let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.len() <= 200)
        && base.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b))
}
