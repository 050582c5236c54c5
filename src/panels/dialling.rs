use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use panel_driver::link::{Door, Identify, Listener, Wanting};
use panel_driver::{LinkConfig, LinkError, Links};
use tokio::sync::watch;
use tracing::debug;

use super::PanelSetup;

/// An address on which panels of one vendor dial us, whether or not one of them is configured yet.
#[derive(Debug, Clone, Copy)]
pub struct ListenSetup {
    /// Whose panels.
    pub vendor: &'static str,
    /// Where they dial.
    pub addr: SocketAddr,
    /// How they are told apart.
    pub identify: Identify,
}

/// A panel that dials us and that nobody configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantingPanel {
    /// Whose panel it is.
    pub vendor: &'static str,
    /// What the listener knows of it.
    pub wanting: Wanting,
}

/// How an address stands that panels dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelDoor {
    /// Whose panels.
    pub vendor: &'static str,
    /// What the listener tells of itself.
    pub door: Door,
}

/// The panels that dial us: one set of listeners for the whole box. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Dialling {
    links: Arc<Links>,
    /// All addresses.
    doors: Arc<BTreeMap<SocketAddr, ListenSetup>>,
    /// Those that no configured panel opens.
    extra: Arc<Vec<ListenSetup>>,
}

impl Dialling {
    /// Every panel that dials is known from the start: when one of them is quicker than its owner, it waits for it.
    pub(super) fn new(setups: &[PanelSetup], listening: Vec<ListenSetup>) -> Self {
        let links = Links::default();
        let mut doors = BTreeMap::new();
        for factory in setups.iter().map(|setup| &setup.factory) {
            if let (LinkConfig::TcpIn { listen, .. }, Some(identify)) = (factory.link(), factory.identify()) {
                links.expect(factory.link());
                doors.insert(*listen, ListenSetup { vendor: factory.vendor(), addr: *listen, identify });
            }
        }
        let extra: Vec<_> = listening.into_iter().filter(|listen| !doors.contains_key(&listen.addr)).collect();
        doors.extend(extra.iter().map(|listen| (listen.addr, *listen)));
        Self { links: Arc::new(links), doors: Arc::new(doors), extra: Arc::new(extra) }
    }

    /// Opens every address that can be opened, so that no panel is turned away by a box that says it is ready. Whoever
    /// needs an address that cannot be opened now tries again and tells why.
    pub fn open(&self) {
        for listen in self.doors.values() {
            if let Err(error) = self.listen(listen) {
                debug!(%error, "not open yet");
            }
        }
    }

    pub(super) fn links(&self) -> &Arc<Links> {
        &self.links
    }

    /// The addresses that somebody has to open with [`Self::listen`]: no panel's owner does.
    #[must_use]
    pub fn extra(&self) -> &[ListenSetup] {
        &self.extra
    }

    /// Opens an address, for good.
    ///
    /// # Errors
    /// [`LinkError`], which says why it cannot be listened on.
    pub fn listen(&self, listen: &ListenSetup) -> Result<Arc<Listener>, LinkError> {
        self.links.listen(listen.addr, listen.identify)
    }

    /// Panels that dial us and that nobody configured, the latest first.
    #[must_use]
    pub fn wanting(&self) -> Vec<WantingPanel> {
        let of = |wanting: Wanting| Some(WantingPanel { vendor: self.doors.get(&wanting.listen)?.vendor, wanting });
        self.links.wanting().into_iter().filter_map(of).collect()
    }

    /// Changes when [`Self::wanting`] has other names than before.
    #[must_use]
    pub fn wanting_changed(&self) -> watch::Receiver<u64> {
        self.links.wanting_changed()
    }

    /// The addresses that panels dial.
    #[must_use]
    pub fn doors(&self) -> Vec<PanelDoor> {
        let of = |door: Door| Some(PanelDoor { vendor: self.doors.get(&door.listen)?.vendor, door });
        self.links.doors().into_iter().filter_map(of).collect()
    }
}
