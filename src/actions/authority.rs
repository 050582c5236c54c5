//! By whose word cloud operators act: the keys that tokens are signed with, and the time that nobody can take back.

use std::sync::{Mutex, MutexGuard, PoisonError};

use panel_driver::clock;
use sha2::{Digest as _, Sha256};
use tracing::{info, warn};

use super::{Actions, Entry, Refused};
use crate::access::token::{self, Time};
use crate::access::{Actor, Claims, KeySet, KeySetError, Token, TokenFault};
use crate::store::{StoreError, StoredKeys, Tx, Urgency};

/// No clock is earlier than this program: the time that the build was told to use, else 1 November 2026.
const WRITTEN: i64 = 1_793_491_200;
/// A clock that is so much later than the program is broken, and nothing to remember.
const PLAUSIBLE: i64 = 20 * 365 * 24 * 3600;

/// What the configuration says of the cloud's authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityConfig {
    keys: KeySet,
    /// SHA-256 of the file.
    file: [u8; 32],
}

impl AuthorityConfig {
    /// From the text of a JWKS file.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn new(jwks: &[u8]) -> Result<Self, KeySetError> {
        Ok(Self { keys: KeySet::read(jwks)?, file: Sha256::digest(jwks).into() })
    }
}

/// Until it is told otherwise, nobody in the cloud is believed.
#[derive(Debug)]
pub(super) struct Authority(Mutex<State>);

#[derive(Debug, Clone)]
struct State {
    keys: KeySet,
    /// Hash of the configured file.
    file: [u8; 32],
    /// When the cloud made the newest set that was taken; 0: none was.
    issued_at: i64,
    /// See [`Time::from_clock`].
    floor: i64,
    /// Hash of the order that was refused last: retained, it comes with every connect, and is news only once.
    refused: Option<[u8; 32]>,
}

impl Default for Authority {
    fn default() -> Self {
        let keys = KeySet::default();
        let floor = written();
        Self(Mutex::new(State { keys, file: [0; 32], issued_at: 0, floor, refused: None }))
    }
}

impl Authority {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time by which tokens are judged.
    pub(super) fn now(&self) -> Time {
        Time::from_clock(wall(), self.state().floor)
    }

    pub(super) fn check(&self, token: &Token, gateway: &str) -> Result<Claims, TokenFault> {
        let now = self.now();
        token::check(token, &self.state().keys, gateway, now)
    }

    /// Raises the floor by what a proved token and the clock say, and tells the new one.
    pub(super) fn raise_floor(&self, proved: i64) -> i64 {
        let mut state = self.state();
        state.floor = state.floor.max(proved).max(plausible(wall()));
        state.floor
    }

    /// The names of the keys in use.
    pub(super) fn kids(&self) -> Vec<String> {
        self.state().keys.kids().map(str::to_owned).collect()
    }
}

impl Actions {
    /// Takes up what the configuration says of the cloud's authority, and settles requests that the last run left open.
    /// To be done once, before the cloud is listened to; until then no token is believed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn trust(&self, config: Option<AuthorityConfig>) -> Result<(), StoreError> {
        self.settle_requests().await?;
        let Some(config) = config else { return self.read_directory().await };
        let (stored, (proved, seen)) = self.0.store.read(|view| Ok((view.token_keys()?, view.times_seen()?))).await?;
        let (state, is_new) = State::resumed(config, stored, proved, seen);
        if is_new {
            let (keys, floor) = (state.stored(), state.floor);
            let write = move |tx: &mut Tx<'_>| {
                tx.put_token_keys(&keys)?;
                tx.set_time_floor(floor)
            };
            self.0.store.write(Urgency::Now, write).await?;
        }
        if let Time::AtLeast(_) = Time::from_clock(wall(), state.floor) {
            warn!("the clock is behind times that the box has seen: until it is set, tokens are judged by those");
        }
        info!(keys = ?state.keys.kids().collect::<Vec<_>>(), "tokens of cloud operators are checked with these keys");
        *self.0.authority.state() = state;
        self.read_directory().await
    }

    /// Takes other keys for tokens, on the word of a key in use. `false`: they are in use already.
    ///
    /// # Errors
    /// [`Refused`], with nothing changed.
    pub async fn rotate_keys(&self, signed: &str) -> Result<bool, Refused> {
        let mut state = self.0.authority.state().clone();
        // The retained message comes again with every connect.
        if state.keys.came_with(signed, state.issued_at) {
            return Ok(false);
        }
        let entry = Entry::new(&Actor::broker(), "rotate_keys", None);
        let (keys, iat) = match state.keys.next(signed, state.issued_at, self.0.authority.now()) {
            Ok(taken) => taken,
            Err(fault) => {
                let (refused, hash) = (Refused::from(fault), Sha256::digest(signed).into());
                let before = self.0.authority.state().refused.replace(hash);
                if before != Some(hash) {
                    self.log(entry, refused.refusal.code(), Some(refused.text.clone())).await;
                }
                return Err(refused);
            }
        };
        (state.keys, state.issued_at) = (keys, iat);
        let (stored, line) = (state.stored(), entry.line("applied", Some(format!("keys: {}", state.kids()))));
        self.0
            .store
            .write(Urgency::Now, move |tx| {
                tx.put_token_keys(&stored)?;
                tx.add_log_line(line)
            })
            .await?;
        info!(keys = state.kids(), "the cloud changed the keys for tokens");
        let mut present = self.0.authority.state();
        (present.keys, present.issued_at) = (state.keys, state.issued_at);
        Ok(true)
    }
}

impl State {
    /// What holds after a start, and whether that is not what is stored. `proved` and `seen`: see
    /// [`crate::store::View::times_seen`].
    fn resumed(config: AuthorityConfig, stored: Option<StoredKeys>, proved: i64, seen: i64) -> (Self, bool) {
        let AuthorityConfig { keys, file } = config;
        let issued_at = stored.as_ref().map_or(0, |stored| stored.issued_at);
        let mut state = Self { keys, file, issued_at, floor: written(), refused: None };
        let Some(stored) = stored.filter(|stored| stored.file == file) else {
            // Another file is somebody's word at the box. What the cloud put in the former one's place is over, and so is
            // what a wrong clock once made the box believe. Orders from before stay void.
            return (state, true);
        };
        // A set of ours can be read; were it damaged, the configured keys are the ones to go by.
        state.keys = KeySet::read(stored.jwks.as_bytes()).unwrap_or(state.keys);
        state.floor = written().max(proved).max(plausible(seen));
        (state, false)
    }

    fn stored(&self) -> StoredKeys {
        StoredKeys { file: self.file, jwks: self.keys.to_json().to_string(), issued_at: self.issued_at }
    }

    fn kids(&self) -> String {
        self.keys.kids().collect::<Vec<_>>().join(", ")
    }
}

impl From<TokenFault> for Refused {
    fn from(fault: TokenFault) -> Self {
        Self::with(fault.refusal(), fault.to_string())
    }
}

fn written() -> i64 {
    option_env!("SOURCE_DATE_EPOCH").and_then(|text| text.parse().ok()).unwrap_or(WRITTEN)
}

fn wall() -> i64 {
    clock::wall().0 / 1000
}

/// The same time, or none if only a broken clock can have told it.
fn plausible(seconds: i64) -> i64 {
    if seconds < written().saturating_add(PLAUSIBLE) { seconds } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Signer;

    const NOW: i64 = 1_795_342_272;

    fn keys() -> KeySet {
        Signer::from_pem(Signer::new_pem().expect("random bytes").as_bytes()).expect("a key").key_set()
    }

    fn config(keys: &KeySet) -> AuthorityConfig {
        AuthorityConfig::new(keys.to_json().to_string().as_bytes()).expect("a key set")
    }

    #[test]
    fn what_the_cloud_changed_and_what_time_it_was_survive_a_restart() {
        let (first, second) = (keys(), keys());
        let (fresh, is_new) = State::resumed(config(&first), None, 0, 0);
        assert!(is_new && fresh.keys == first && fresh.floor == written());
        let stored = StoredKeys { issued_at: NOW, jwks: second.to_json().to_string(), ..fresh.stored() };
        let (state, is_new) = State::resumed(config(&first), Some(stored.clone()), NOW, NOW - 5);
        assert!(!is_new && state.keys == second && state.issued_at == NOW && state.floor == NOW);
        let (state, _) = State::resumed(config(&first), Some(stored), NOW, NOW + 60);
        assert_eq!(state.floor, NOW + 60, "the newest line of the log counts too");
    }

    #[test]
    fn another_file_takes_back_keys_and_time_and_lets_no_old_order_in() {
        let (first, second, third) = (keys(), keys(), keys());
        let (state, _) = State::resumed(config(&first), None, 0, 0);
        let stored = StoredKeys { issued_at: NOW, jwks: second.to_json().to_string(), ..state.stored() };
        let (state, is_new) = State::resumed(config(&third), Some(stored), NOW * 2, NOW * 2);
        assert!(is_new && state.keys == third && state.floor == written());
        assert_eq!(state.issued_at, NOW);
    }

    #[test]
    fn a_clock_that_is_decades_ahead_is_not_remembered() {
        let first = keys();
        let (state, _) = State::resumed(config(&first), None, 0, 0);
        let (state, _) = State::resumed(config(&first), Some(state.stored()), 0, NOW + 2 * PLAUSIBLE);
        assert_eq!(state.floor, written());
    }
}
