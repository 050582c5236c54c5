use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::listen::{Counts, Identify, Listener};
use super::wanting::Wanting;
use super::{Link, LinkConfig, open};
use crate::LinkError;

/// Opens links of all kinds. One of these serves the whole box: panels that dial the same address share its listener.
#[derive(Debug, Default)]
pub struct Links {
    // A std mutex: held to look an address up or to open its socket, never across an await.
    places: Mutex<HashMap<SocketAddr, Place>>,
    changed: watch::Sender<u64>,
}

/// An address that panels dial, open or not.
#[derive(Debug, Default)]
struct Place {
    /// The panels that were configured for it.
    known: HashSet<String>,
    listener: Option<Arc<Listener>>,
}

/// How an address stands that panels dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The address, as it was configured.
    pub listen: SocketAddr,
    /// How many panels are configured for it.
    pub known: usize,
    /// What else came; `None` while the address could not be opened.
    pub counts: Option<Counts>,
}

impl Links {
    /// Makes a panel known before its link is opened, so that it is not taken for an unknown one when it dials first.
    /// Nothing happens for a panel that does not dial.
    pub fn expect(&self, config: &LinkConfig) {
        let LinkConfig::TcpIn { listen, identifier } = config else { return };
        let mut places = self.lock();
        let place = places.entry(*listen).or_default();
        place.known.insert(identifier.clone());
        if let Some(listener) = &place.listener {
            listener.know(identifier);
        }
    }

    /// Opens a link. For [`LinkConfig::TcpIn`] it waits, for ever if need be, until the panel dials; its listener
    /// opens at the first call for its address, and the panel is known from then on.
    ///
    /// `identify` is the vendor's way to read an identifier ([`crate::DriverFactory::identify`]). Panels of one
    /// address are of one vendor: the first one's counts.
    ///
    /// # Errors
    /// As [`open`]; an address that cannot be listened on.
    ///
    /// # Cancel safety
    /// When dropped, what was opened so far is closed; a panel that dialled waits for the next call.
    pub async fn open(&self, config: &LinkConfig, identify: Option<Identify>) -> Result<Link, LinkError> {
        match (config, identify) {
            (LinkConfig::TcpIn { listen, identifier }, Some(identify)) => {
                self.expect(config);
                Ok(self.listen(*listen, identify)?.accept(identifier).await)
            }
            _ => open(config).await,
        }
    }

    /// Listens on an address from now on, whether or not a panel is configured for it yet.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub fn listen(&self, addr: SocketAddr, identify: Identify) -> Result<Arc<Listener>, LinkError> {
        let mut places = self.lock();
        let place = places.entry(addr).or_default();
        if let Some(listener) = &place.listener {
            return Ok(listener.clone());
        }
        let known = place.known.iter().cloned();
        let listener = Arc::new(Listener::bind_knowing(addr, identify, known, self.changed.clone())?);
        place.listener = Some(listener.clone());
        Ok(listener)
    }

    /// Panels that dial us and that nobody has configured, on all listeners, the latest first; at most 32 of each.
    #[must_use]
    pub fn wanting(&self) -> Vec<Wanting> {
        let mut all: Vec<_> = self.listeners().iter().flat_map(|listener| listener.wanting()).collect();
        all.sort_by_key(|wanting| std::cmp::Reverse(wanting.last));
        all
    }

    /// Changes when [`Self::wanting`] has other names than before. That one of them dialled again is no change.
    #[must_use]
    pub fn wanting_changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The addresses that panels dial, in order.
    #[must_use]
    pub fn doors(&self) -> Vec<Door> {
        let places = self.lock();
        let door = |(listen, place): (&SocketAddr, &Place)| Door {
            listen: *listen,
            known: place.known.len(),
            counts: place.listener.as_ref().map(|listener| listener.counts()),
        };
        let mut doors: Vec<_> = places.iter().map(door).collect();
        doors.sort_by_key(|door| door.listen);
        doors
    }

    /// Forgets a panel that dials us, after it was taken out of the configuration; closes its connection.
    pub fn forget(&self, config: &LinkConfig) {
        if let LinkConfig::TcpIn { listen, identifier } = config
            && let Some(place) = self.lock().get_mut(listen)
        {
            place.known.remove(identifier);
            if let Some(listener) = &place.listener {
                listener.forget(identifier);
            }
        }
    }

    fn listeners(&self) -> Vec<Arc<Listener>> {
        self.lock().values().filter_map(|place| place.listener.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
