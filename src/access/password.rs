//! Passwords of people: what they must be like (NIST SP 800-63B: length counts, composition does not, the worst ones are
//! refused), and how they are kept: argon2id with the box's pepper.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use panel_model::Password;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secrets::Keys;

/// Shortest password that a person may choose, in characters.
const SHORTEST: usize = 8;
/// Longest password that is looked at, in bytes.
const LONGEST: usize = 256;

/// Memory of one hash in KiB, passes over it, lanes: OWASP's first choice, and what a small box can spare once at a
/// time.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Blocks that are asked for at least, of which those that are not needed are never touched. What is larger than 32 MiB
/// glibc maps by itself and gives back at once; 19 MiB it would put on the heap of each thread that hashes, from the second
/// time on, and keep there for good.
const RESERVED: usize = 33 * 1024;

const SALT: usize = 16;
const HASH: usize = 32;
/// Names algorithm and costs of what follows; other costs get another word.
const SCHEME: &str = "argon2id/19456/2/1";

/// What somebody tries first. All in small letters; a password is refused in whatever letters it is written.
const WORST: &[&str] = &[
    "00000000",
    "11111111",
    "11223344",
    "12121212",
    "12341234",
    "12344321",
    "123123123",
    "12345678",
    "123456789",
    "1234567890",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "87654321",
    "88888888",
    "987654321",
    "99999999",
    "abc12345",
    "abcd1234",
    "abcdefgh",
    "admin123",
    "administrator",
    "alarm123",
    "asdfghjk",
    "asdfghjkl",
    "baseball",
    "changeme",
    "computer",
    "football",
    "iloveyou",
    "installer",
    "installer1",
    "internet",
    "letmein1",
    "master123",
    "panelgate",
    "panelgate1",
    "passw0rd",
    "password",
    "password1",
    "password12",
    "password123",
    "princess",
    "q1w2e3r4",
    "qwer1234",
    "qwertyui",
    "qwertyuiop",
    "qwerty12",
    "qwerty123",
    "qwertz123",
    "security",
    "security1",
    "starwars",
    "sunshine",
    "superman",
    "trustno1",
    "welcome1",
    "welcome123",
    "zaq12wsx",
];

/// Why a password may not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRule {
    /// Fewer than 8 characters.
    #[error("a password has at least 8 characters")]
    TooShort,
    /// More than 256 bytes.
    #[error("a password has at most 256 bytes")]
    TooLong,
    /// One of those that are tried first, one character again and again, or the person's own name.
    #[error("this password is one of the first that somebody would try; choose another one")]
    Guessable,
}

/// Whether a person may choose that password.
///
/// # Errors
/// [`PasswordRule`].
pub fn check_new(password: &Password, person: &str) -> Result<(), PasswordRule> {
    let text = password.expose();
    if text.len() > LONGEST {
        return Err(PasswordRule::TooLong);
    }
    if text.chars().count() < SHORTEST {
        return Err(PasswordRule::TooShort);
    }
    let lower = Zeroizing::new(text.to_lowercase());
    let plain = lower.trim();
    let name = person.split('@').next().unwrap_or(person);
    let same = text.chars().next().is_some_and(|first| text.chars().all(|c| c == first));
    if same || plain == person || plain == name || WORST.contains(&plain) {
        return Err(PasswordRule::Guessable);
    }
    Ok(())
}

/// A password as it is kept: scheme, salt and hash in words, divided by `$`. Without the box's key nobody can even try
/// passwords against it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// The hash could not be made: no memory, or no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct CannotHash;

impl PasswordHash {
    /// Hashes a password with a fresh salt. Takes 19 MiB and a tenth of a second or more: never on the runtime.
    ///
    /// # Errors
    /// [`CannotHash`].
    pub fn of(password: &Password, keys: &Keys) -> Result<Self, CannotHash> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(|_| CannotHash)?;
        let hash = derive(password, &salt, keys)?;
        Ok(Self(format!("{SCHEME}${}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash.as_slice()))))
    }

    /// The text that is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What was kept.
    #[must_use]
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    fn parts(&self) -> Option<([u8; SALT], [u8; HASH])> {
        let (salt, hash) = self.0.strip_prefix(SCHEME)?.strip_prefix('$')?.split_once('$')?;
        let salt = STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?;
        Some((salt, STANDARD_NO_PAD.decode(hash).ok()?.try_into().ok()?))
    }
}

/// Whether a password is one of those that are kept. Takes the same time whichever of `kept` it is and whether any is:
/// as many hashes are computed as there are places, against a made-up one where a place is empty. A password that is
/// longer than any may be is none of them.
///
/// # Errors
/// [`CannotHash`].
pub fn verify<const N: usize>(
    password: &Password,
    kept: [Option<&PasswordHash>; N],
    keys: &Keys,
) -> Result<Option<usize>, CannotHash> {
    let mut found = None;
    for (n, hash) in kept.into_iter().enumerate() {
        let parts = hash.and_then(PasswordHash::parts);
        let (salt, wanted) = parts.unwrap_or(([0; SALT], [0; HASH]));
        let cut = Password::new(password.expose().chars().take(LONGEST).collect());
        let got = derive(&cut, &salt, keys)?;
        let same: bool = got.as_slice().ct_eq(&wanted).into();
        if same && parts.is_some() && password.expose().len() <= LONGEST && found.is_none() {
            found = Some(n);
        }
    }
    Ok(found)
}

fn derive(password: &Password, salt: &[u8], keys: &Keys) -> Result<Zeroizing<[u8; HASH]>, CannotHash> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH)).map_err(|_| CannotHash)?;
    let blocks = params.block_count();
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks.max(RESERVED)).map_err(|_| CannotHash)?;
    memory.resize(blocks, Block::new());
    let argon = Argon2::new_with_secret(keys.password_pepper(), Algorithm::Argon2id, Version::V0x13, params)
        .map_err(|_| CannotHash)?;
    let mut hash = Zeroizing::new([0; HASH]);
    argon
        .hash_password_into_with_memory(password.expose().as_bytes(), salt, hash.as_mut_slice(), &mut memory)
        .map_err(|_| CannotHash)?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.into())
    }

    #[test]
    fn passwords_are_judged_by_length_and_by_who_would_guess_them() {
        let longest = "x y".repeat(85);
        for (text, rule) in [
            ("correct horse battery", Ok(())),
            ("Zwölf Bö", Ok(())),
            (longest.as_str(), Ok(())),
            ("seven 7", Err(PasswordRule::TooShort)),
            ("äöüäöü7", Err(PasswordRule::TooShort)),
            ("", Err(PasswordRule::TooShort)),
            (&"x y".repeat(86), Err(PasswordRule::TooLong)),
            ("Password123", Err(PasswordRule::Guessable)),
            (" 12345678 ", Err(PasswordRule::Guessable)),
            ("PANELGATE", Err(PasswordRule::Guessable)),
            ("zzzzzzzzzz", Err(PasswordRule::Guessable)),
            ("anna.berg", Err(PasswordRule::Guessable)),
            ("Anna.Berg@example.org", Err(PasswordRule::Guessable)),
        ] {
            assert_eq!(check_new(&password(text), "anna.berg@example.org"), rule, "{text}");
        }
    }

    #[test]
    fn no_word_of_the_worst_is_there_in_vain() {
        for word in WORST {
            assert!(word.len() >= SHORTEST && *word == word.to_lowercase(), "{word} would be refused without the list");
        }
    }

    #[test]
    fn a_password_is_found_among_those_kept_and_with_the_boxes_key_only() {
        let keys = Keys::from_bytes([7; 32]);
        let hash = PasswordHash::of(&password("correct horse"), &keys).expect("hashed");
        let other = PasswordHash::of(&password("one-time word"), &keys).expect("hashed");
        let kept = [Some(&hash), Some(&other)];
        assert_eq!(verify(&password("correct horse"), kept, &keys), Ok(Some(0)));
        assert_eq!(verify(&password("one-time word"), kept, &keys), Ok(Some(1)));
        assert_eq!(verify(&password("correct horsE"), kept, &keys), Ok(None));
        assert_eq!(verify(&password("correct horse"), [None, None], &keys), Ok(None));
        assert_eq!(verify(&password("correct horse"), kept, &Keys::from_bytes([8; 32])), Ok(None), "another pepper");
        let again = PasswordHash::of(&password("correct horse"), &keys).expect("hashed");
        assert_ne!(hash, again, "a fresh salt");
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
        for damaged in ["", "argon2id/19456/2/1$", "argon2id/1/1/1$AAAA$AAAA"] {
            let damaged = PasswordHash::kept(damaged.into());
            assert_eq!(verify(&password("correct horse"), [Some(&damaged)], &keys), Ok(None));
        }
    }

    /// What Python's argon2-cffi (the reference implementation in C) gives for the same secret, salt and costs.
    #[test]
    fn the_hash_is_that_of_the_reference_implementation() {
        let keys = Keys::from_bytes([7; 32]);
        let hash = derive(&password("correct horse"), &[3; SALT], &keys).expect("hashed");
        let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "e98b079f2789ac94081b6a03ca84c794d9c2b088cb4d7836f0d88e7fe6e8cb18");
    }
}
