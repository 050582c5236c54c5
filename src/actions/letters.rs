//! What the box writes to people. Pure. The text is a secret: it holds a link or a password.

use zeroize::Zeroizing;

/// Subject and text of a mail.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) body: Zeroizing<String>,
}

/// I6.
pub(super) fn invitation(gateway: &str, full_name: &str, link: &str, days: i64) -> Letter {
    Letter {
        subject: format!("Invitation to {gateway}"),
        body: Zeroizing::new(format!(
            "Hello {full_name},\n\n\
             you are invited to work with the alarm gateway {gateway}. Choose a password here:\n\n\
             {link}\n\n\
             or, at the gateway itself, type `panelgate installers accept` and paste the link.\n\
             The link works once, for {days} days. If you do not expect it, ignore it.\n"
        )),
    }
}

/// A5 for those who work with the box.
pub(super) fn person_reset(gateway: &str, password: &str, hours: i64) -> Letter {
    Letter {
        subject: format!("One-time password for {gateway}"),
        body: Zeroizing::new(format!(
            "Hello,\n\n\
             somebody asked for a new password of yours at the alarm gateway {gateway}. Your one-time password:\n\n\
             {password}\n\n\
             Log in with it within {hours} hours (`panelgate login`) and choose a new one. Until then your old password\n\
             stays as it is. If you did not ask for this, tell your manager.\n"
        )),
    }
}

/// A1 and A5 for accounts of the customer application.
pub(super) fn account_password(gateway: &str, password: &str, hours: i64) -> Letter {
    Letter {
        subject: format!("One-time password for your alarm system {gateway}"),
        body: Zeroizing::new(format!(
            "Hello,\n\n\
             your one-time password for the alarm system {gateway}:\n\n\
             {password}\n\n\
             Set a password of your own with it within {hours} hours. A password that you have already stays as it is\n\
             until then. If you do not expect this, ask your installer.\n"
        )),
    }
}
