//! Times and limits of the service, each with its source. What is inferred stands in the README too.

use std::time::Duration;

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// An answer comes within [impl F] [impl K].
pub(crate) const ANSWER: Duration = secs(30);
/// Calls in a row that fail before the session is given up [inferred].
pub(crate) const FAILURES: u8 = 3;
/// A call of the beginning that failed is made again after [inferred].
pub(crate) const AGAIN: Duration = secs(2);
/// The module says that it does not hear the panel: asked again after, and so many times before it is believed.
pub(crate) const UNLINKED: (Duration, u8) = (secs(10), 3);
/// Between two looks at the panel's state (dossier 5) [inferred].
pub(crate) const POLL: Duration = secs(10);
/// The same, while the module is slow or silent; it restarts when it is pressed [inferred].
pub(crate) const POLL_STRAINED: Duration = secs(60);
/// An answer that took longer is slow [inferred].
pub(crate) const SLOW: Duration = secs(5);
/// So many slow or failed calls in a row are strain [inferred].
pub(crate) const STRAIN: u8 = 2;
/// The module is asked for its link to the panel with every so many looks, and when the panel's clock stood still
/// for so long: by then it tells an old state [inferred].
pub(crate) const LINK_EVERY: u8 = 6;
pub(crate) const FROZEN: Duration = secs(90);
/// When nothing that can be believed was seen for longer the state is told whole again: who knows what happened meanwhile [inferred].
pub(crate) const DOUBT: Duration = secs(120);
/// Nothing may be heard of a panel that is well for so long: the pause of a strained module, and one answer as late as
/// it may be with the next one behind it [inferred].
pub(crate) const QUIET: Duration = secs(120);
/// Registration, devices and users are renewed [inferred]; a registration lasts "a few days" [doc F].
pub(crate) const RENEW: Duration = secs(24 * 3600);
/// A registration that is gone sooner was taken by somebody else [inferred].
pub(crate) const DUEL: Duration = secs(600);
/// Then the box stands back, doubling up to an hour [inferred].
pub(crate) const STAND_BACK: (Duration, Duration) = (secs(60), secs(3600));
/// After a command the state is looked at so often, for so long (dossier 2.3: success means accepted) [inferred].
pub(crate) const LOOK: Duration = secs(1);
pub(crate) const EVIDENCE: Duration = secs(15);
/// After a write it is read back so many times, with this pause: the module may cache (dossier 3.2) [inferred].
pub(crate) const READ_BACK: (u8, Duration) = (3, secs(2));
/// A write that is under way when we are to stop may take so long.
pub(crate) const STOP: Duration = secs(8);
