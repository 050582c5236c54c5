//! The first calls of a connection: methods, registration, what the module tells of itself.

use std::net::IpAddr;
use std::time::Instant;

use panel_driver::{DriverError, DriverEvent};
use panel_model::AccessCode;

use crate::jsonrpc::answer::{PanelConfig, item_bytes, read, words};
use crate::jsonrpc::call::{Call, DeviceId, Item};
use crate::jsonrpc::error::CallError;
use crate::jsonrpc::methods::MethodList;
use crate::jsonrpc::quirks::{AGAIN, UNLINKED};
use crate::jsonrpc::session::Site;

use super::{Answer, Job, Next};

/// Tries of what can be done without.
const OPTIONAL_TRIES: u8 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Methods,
    Register,
    Connected,
    Config,
    Permit,
    Over,
}

/// Takes a module up.
#[derive(Debug)]
pub(crate) struct Begin {
    step: Step,
    not_before: Option<Instant>,
    tries: u8,
    end: Option<DriverError>,
}

impl Begin {
    pub(crate) fn new() -> Self {
        Self { step: Step::Methods, not_before: None, tries: 0, end: None }
    }

    fn go_on(&mut self) {
        self.tries = 0;
        self.step = match self.step {
            Step::Methods => Step::Register,
            Step::Register => Step::Connected,
            Step::Connected => Step::Config,
            Step::Config => Step::Permit,
            Step::Permit | Step::Over => Step::Over,
        };
    }

    fn call(&self, site: &Site) -> Result<Call, DriverError> {
        Ok(match self.step {
            Step::Methods => Call::MethodList,
            Step::Register => registration(site)?,
            Step::Connected => Call::IsPanelConnected,
            Step::Config => Call::GetPanelConfig,
            Step::Permit | Step::Over => Call::GetEepromItem(Item::UserPermit),
        })
    }

    fn methods(&mut self, site: &mut Site, list: MethodList) {
        tracing::debug!(methods = list.len(), "the module's methods are known");
        let device = DeviceId { kind: 0, id: 0 };
        let needed = [Call::GetPanelStatuses, Call::GetDevicesConfig, Call::GetDeviceStatuses(device)];
        let missing = needed.iter().find(|call| !list.takes(call)).and_then(Call::method);
        if let Some(method) = missing {
            self.end = Some(DriverError::Protocol(format!("the module's firmware has no {method} of the known types")));
        }
        site.methods = list;
        self.go_on();
    }

    fn failed(&mut self, now: Instant, error: CallError) {
        self.tries = self.tries.saturating_add(1);
        match (self.step, &error) {
            (Step::Register, CallError::WrongCode) => {
                let text = "the module does not take the code that is stored for registering: the panel's password, or the \
                            master code where there is none";
                self.end = Some(DriverError::Auth(text.into()));
            }
            (Step::Methods | Step::Register, error) if !error.is_failure() => {
                self.end = Some(DriverError::Protocol(format!("the module refused to be taken up: {error}")));
            }
            (Step::Methods | Step::Register, _) => self.not_before = Some(now + AGAIN),
            (_, error) if error.is_failure() && self.tries < OPTIONAL_TRIES => self.not_before = Some(now + AGAIN),
            _ => self.go_on(),
        }
    }

    fn connected(&mut self, now: Instant, connected: bool) {
        self.tries = self.tries.saturating_add(1);
        if connected {
            self.go_on();
        } else if self.tries < UNLINKED.1 {
            self.not_before = Some(now + UNLINKED.0);
        } else {
            self.end = Some(DriverError::Unresponsive("the module says that it does not hear the panel".into()));
        }
    }
}

impl Job for Begin {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        loop {
            if let Some(end) = self.end.take() {
                return Next::End(end);
            }
            if let Some(at) = self.not_before.filter(|at| *at > now) {
                return Next::Wait(at);
            }
            if self.step == Step::Over {
                site.find_capabilities();
                return Next::Done;
            }
            match self.call(site) {
                Ok(call) if self.step <= Step::Register || site.methods.takes(&call) => return Next::Call(call),
                Ok(_) => self.go_on(),
                Err(end) => self.end = Some(end),
            }
        }
    }

    fn answered(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        self.not_before = None;
        let value = match answer {
            Ok(value) => value,
            Err(error) => return self.failed(now, error),
        };
        match self.step {
            Step::Methods => match MethodList::of(&value) {
                Some(list) => self.methods(site, list),
                None => self.end = Some(DriverError::Protocol("what answers there lists no methods".into())),
            },
            Step::Connected => self.connected(now, value.as_bool().unwrap_or(true)),
            Step::Config => {
                let config: PanelConfig = read(&value).unwrap_or_default();
                let versions = [("PowerLink", config.plink_version), ("panel", config.pmax_version)];
                let versions: Vec<_> =
                    versions.into_iter().filter_map(|(who, v)| Some(format!("{who} {}", words(&v?)))).collect();
                site.duress = config.duress_code;
                if !versions.is_empty() {
                    site.event(DriverEvent::Firmware(versions.join(", ")));
                }
                self.go_on();
            }
            Step::Permit => {
                site.user_permit = item_bytes(&value).ok().and_then(|bytes| bytes.first().map(|byte| *byte != 0));
                self.go_on();
            }
            Step::Register | Step::Over => self.go_on(),
        }
    }
}

/// The call that makes the module answer us, and nobody else.
///
/// # Errors
/// What is missing for it.
pub(crate) fn registration(site: &Site) -> Result<Call, DriverError> {
    let ip = match site.ip {
        Some(IpAddr::V4(ip)) => Some(ip),
        Some(IpAddr::V6(ip)) => ip.to_ipv4_mapped(),
        None => None,
    };
    let Some(ip) = ip else {
        return Err(DriverError::Unsupported("the module is registered at by an IPv4 address only".into()));
    };
    let number = |code: &AccessCode| code.expose().parse::<u32>().is_ok();
    match site.stored_code() {
        Some(code) if number(&code) => Ok(Call::RegisterClient { ip, code }),
        Some(_) => Err(DriverError::Auth("the stored password is no user's code: digits only".into())),
        None => Err(DriverError::Auth("store a user's code as the panel's password: the module wants one".into())),
    }
}

/// Registers again once a day, and has everything read anew.
#[derive(Debug, Default)]
pub(crate) struct Renew {
    asked: bool,
    end: Option<DriverError>,
}

impl Job for Renew {
    fn next(&mut self, _now: Instant, site: &mut Site) -> Next {
        if let Some(end) = self.end.take() {
            return Next::End(end);
        }
        if std::mem::replace(&mut self.asked, true) {
            (site.devices_wanted, site.look_wanted, site.users_wanted) = (true, true, true);
            return Next::Done;
        }
        match registration(site) {
            Ok(call) => Next::Call(call),
            Err(error) => Next::End(error),
        }
    }

    fn answered(&mut self, _now: Instant, answer: Answer, _site: &mut Site) {
        // Anything else shows when the registration that is there runs out.
        if answer == Err(CallError::WrongCode) {
            self.end = Some(not_taken_any_more());
        }
    }
}

/// The code that we are registered with is refused now.
pub(crate) fn not_taken_any_more() -> DriverError {
    DriverError::Auth("the module does not take the code any more that it is registered at with".into())
}
