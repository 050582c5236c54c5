use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::Refused;
use panel_model::Refusal;

/// A secret that the box has just made up and shows once: the link of an invitation, a temporary password. It stands in
/// one answer and nowhere else; what the box keeps of it is a hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct OneTime(String);

impl OneTime {
    /// Takes the secret as it is.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The secret itself; call it only to show it to whom it is for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A password that a person can type: fifteen letters and digits that do not look alike, 75 bits.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn password() -> Result<Self, Refused> {
        const LETTERS: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
        let bytes = random::<15>()?;
        let mut text = String::with_capacity(17);
        for (n, byte) in bytes.iter().enumerate() {
            if n > 0 && n % 5 == 0 {
                text.push('-');
            }
            text.extend(LETTERS.get(usize::from(byte % 32)).map(|letter| char::from(*letter)));
        }
        Ok(Self(text))
    }
}

impl Drop for OneTime {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for OneTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTime(<redacted>)")
    }
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], Refused> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| {
        Refused::with(Refusal::StorageFailed, "the system gives no random numbers; nothing was changed")
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_passwords_can_be_typed_and_are_not_shown_by_chance() {
        let password = OneTime::password().expect("random bytes");
        let text = password.expose();
        assert_eq!((text.len(), text.split('-').count()), (17, 3));
        assert!(!text.contains(['0', '1', 'l', 'o']), "{text}");
        assert_ne!(password, OneTime::password().expect("random bytes"));
        assert_eq!(format!("{password:?}"), "OneTime(<redacted>)");
    }
}
