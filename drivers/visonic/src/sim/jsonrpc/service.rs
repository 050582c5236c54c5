//! The module's side of JSON-RPC: what is checked, in which order, and what each method does (dossier 6.1).

use std::net::IpAddr;
use std::time::Instant;

use base64::Engine as _;
use serde_json::{Value, json};

use super::methods::{self, Code, Method, success};
use super::options::{Faults, IpCheck, ItemForm, ServiceConfig};
use super::tell;
use crate::sim::devices::Device;
use crate::sim::eeprom;
use crate::sim::hostile::spend;
use crate::sim::options::parse_code;
use crate::sim::panel::Panel;
use crate::sim::signal::Signal;
use crate::sim::users::Holder;

/// Upsets the panel when it is read (dossier 2.9).
const FORBIDDEN_ITEM: i64 = 413;

/// A call that brings no result.
pub(super) struct Fail {
    code: i64,
    message: String,
}

fn fail(code: i64, message: &str) -> Fail {
    Fail { code, message: message.to_owned() }
}

/// The one code for everything that is wrong with a call's content.
fn invalid(detail: &str) -> Fail {
    Fail { code: -32001, message: format!("The response is invalid: {detail}") }
}

const VALUE: &str = "invalid value";
const CODE: &str = "Authentication failed, wrong code";

/// What becomes of a call.
pub(super) enum Reply {
    Body(Vec<u8>),
    /// Nothing, for as long as the caller waits.
    Silence,
    /// The panel is upset and answers nothing any more.
    Upset,
}

/// The module.
pub(super) struct Service {
    pub(super) config: ServiceConfig,
    pub(super) faults: Faults,
    /// Who may call, since when.
    pub(super) registered: Option<(String, Instant)>,
    pub(super) calls: u64,
    /// What the module saw last of a panel that it does not hear any more.
    last_seen: Option<Value>,
}

impl Service {
    pub(super) fn new(config: ServiceConfig) -> Self {
        Self { config, faults: Faults::default(), registered: None, calls: 0, last_seen: None }
    }

    /// The list that a GET brings.
    pub(super) fn list(&self) -> Vec<u8> {
        let there = |method: &&Method| !self.faults.without.contains(method.name);
        line(&Value::Array(methods::of(self.config.profile).filter(there).map(Method::listed).collect()))
    }

    /// Answers the body of a POST.
    pub(super) fn answer(&mut self, now: Instant, panel: &mut Panel, body: &[u8]) -> Reply {
        self.calls += 1;
        if spend(&mut self.faults.hang) {
            return Reply::Silence;
        }
        let Ok(call) = serde_json::from_slice::<Value>(body) else {
            let text = "JSON_PARSE_ERROR: The JSON-Object is not JSON-Valid";
            return Reply::Body(line(&error(&Value::Null, &fail(-32700, text))));
        };
        let id = call.get("id").cloned().unwrap_or(Value::Null);
        let done = self.called(now, panel, &call);
        if matches!(&done, Err(failed) if failed.code == 0) {
            return Reply::Upset;
        }
        if spend(&mut self.faults.mute) {
            return Reply::Silence;
        }
        if spend(&mut self.faults.malformed) {
            return Reply::Body(br#"{"id":1,"jsonrpc":"2.0","result":{"part"#.to_vec());
        }
        Reply::Body(line(&match done {
            Ok(result) => json!({"id": id, "jsonrpc": "2.0", "result": result}),
            Err(failed) => error(&id, &failed),
        }))
    }

    fn called(&mut self, now: Instant, panel: &mut Panel, call: &Value) -> Result<Value, Fail> {
        let (method, params) = self.method_of(call)?;
        let params: &[Value] = params.as_array().map_or(&[], Vec::as_slice);
        if !method.takes(params) {
            let text = "INVALID_PARAMS: Invalid method parameters (invalid name and/or type) recognised";
            return Err(fail(-32602, text));
        }
        if method.name != "registerClient" && !self.is_registered(now) {
            return Err(invalid("No client registered"));
        }
        if spend(&mut self.faults.timeout) {
            return Err(invalid("Timeout waiting for panel response"));
        }
        let holder = self.check_code(now, panel, method, params)?;
        let p = Params(params);
        self.business(now, panel, method, &p, holder)
    }

    fn method_of<'a>(&self, call: &'a Value) -> Result<(&'static Method, &'a Value), Fail> {
        let member = |name: &str| call.get(name);
        let request = "INVALID_JSON_REQUEST: The JSON sent is not a valid JSON-RPC Request object";
        let name = member("method").and_then(Value::as_str).ok_or_else(|| fail(-32600, request))?;
        let params = member("params").ok_or_else(|| fail(-32600, request))?;
        if member("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(fail(-32600, request));
        }
        let there = methods::find(self.config.profile, name).filter(|m| !self.faults.without.contains(m.name));
        let text = "METHOD_NOT_FOUND: The method being requested is not available on this server";
        let method = there.ok_or_else(|| fail(-32601, text))?;
        if member("id").is_none() {
            let text = "PROCEDURE_IS_METHOD: The requested notification is declared as a method";
            return Err(fail(-32604, text));
        }
        Ok((method, params))
    }

    fn is_registered(&self, now: Instant) -> bool {
        let Some((ip, since)) = self.registered.as_ref().filter(|_| !self.faults.moved) else { return false };
        let same = match (self.config.ip_check, ip.parse::<IpAddr>()) {
            (IpCheck::Ignored, _) => true,
            (_, Err(_)) => false,
            (IpCheck::Exact, Ok(ip)) => ip == self.config.peer,
            (IpCheck::LoopbackAlias, Ok(ip)) => {
                ip == self.config.peer || (ip.is_loopback() && self.config.peer.is_loopback())
            }
        };
        same && now.saturating_duration_since(*since) < self.config.registered_for
    }

    /// Looks at the first parameter where it is a code. Gives back the user's slot, where it is one's.
    fn check_code(
        &self,
        now: Instant,
        panel: &mut Panel,
        method: &Method,
        params: &[Value],
    ) -> Result<Option<u8>, Fail> {
        if method.code == Code::None {
            return Ok(None);
        }
        let text = params.first().and_then(Value::as_str).unwrap_or_default();
        let code = parse_code(text, 10).filter(|_| !self.faults.wrong_codes).ok_or_else(|| invalid(CODE))?;
        let installer = [0, 2].iter().any(|at| panel.eeprom.code(eeprom::CODES + at) == code);
        match method.code {
            Code::Installer | Code::Any if installer => return Ok(None),
            Code::Installer => {
                panel.wrong_code(Device::PowerLink);
                return Err(invalid(CODE));
            }
            _ => {}
        }
        match panel.judge(now, code) {
            Ok(Holder::User(slot)) if method.code != Code::Master || slot == 1 => Ok(Some(slot)),
            // A duress code acts as the first user's.
            Ok(Holder::Duress) if method.code != Code::Master => Ok(Some(1)),
            _ => Err(invalid(CODE)),
        }
    }

    #[allow(clippy::too_many_lines, reason = "one flat table")]
    fn business(
        &mut self,
        now: Instant,
        panel: &mut Panel,
        method: &Method,
        p: &Params<'_>,
        holder: Option<u8>,
    ) -> Result<Value, Fail> {
        let time = || tell::date_time(panel.clock.read(now));
        match method.name {
            "registerClient" => self.register(now, panel, p),
            "isPanelConnected" => Ok(json!(!self.faults.unlinked)),
            "getApiVersion" => Ok(json!("3.31")),
            "getConnectionType" => Ok(json!("ETHERNET")),
            "getBatteryLevel" => Ok(json!(100)),
            "getGsmLevel" => Ok(json!(3)),
            "getDateTime" => Ok(json!(time())),
            "getDate" => Ok(json!(time().get(..8))),
            "getTime" => Ok(json!(time().get(8..))),
            "setDateTime" => {
                let set = tell::parse_date_time(p.text(1)).is_some_and(|time| panel.clock.set(now, time));
                if set { Ok(success()) } else { Err(invalid(VALUE)) }
            }
            "getPanelStatuses" => Ok(self.statuses(now, panel)),
            "getPanelState" => {
                let unit = p.partition(0, panel).and_then(|index| panel.unit(index)).ok_or_else(|| invalid(VALUE))?;
                Ok(json!({"partition": p.number(0), "state": tell::state(unit, self.config.no_exit_state)}))
            }
            "setPanelState" => set_panel_state(now, panel, p),
            "getDevicesConfig" => Ok(Value::Array(tell::devices(panel))),
            "getDeviceConfig" => {
                let is = |device: &Value| device.get("type") == p.0.first() && device.get("id") == p.0.get(1);
                device_type(p.number(0))?;
                tell::devices(panel).into_iter().find(is).ok_or_else(|| invalid("Not enrolled device"))
            }
            "getDeviceStatuses" => {
                device_type(p.number(0))?;
                tell::device_statuses(panel, p.number(0), p.number(1)).ok_or_else(|| invalid("Not enrolled device"))
            }
            "getMaxDevices" => {
                let rows = tell::max_devices(panel).map(|(kind, max)| json!({"max": max, "type": kind}));
                Ok(Value::from(rows.to_vec()))
            }
            "getMaxDevice" => {
                let row = tell::max_devices(panel).into_iter().find(|(kind, _)| *kind == p.number(0));
                row.map(|(kind, max)| json!({"max": max, "type": kind})).ok_or_else(|| invalid(VALUE))
            }
            "getLocationsList" => Ok(Value::Array(tell::locations(panel))),
            "getLocation" => {
                let is = |location: &Value| location.get("id") == p.0.first();
                tell::locations(panel).into_iter().find(is).ok_or_else(|| invalid(VALUE))
            }
            "setZoneDeviceBypass" => bypass(panel, p),
            "setPgmState" => set_output(panel, p),
            "enableSsh" => Ok(success()),
            "getUserCodes" => {
                Ok(Value::Array((1..=panel.model.users()).filter_map(|slot| tell::user(panel, slot)).collect()))
            }
            "getUserCode" => p.slot(1, panel).and_then(|slot| tell::user(panel, slot)).ok_or_else(|| invalid(VALUE)),
            "setUserCode" => self.set_user_code(panel, p),
            "setUserCodePartitions" => self.set_user_partitions(panel, p),
            "setInstallerCode" => self.set_installer_code(panel, p),
            "getTagsInfo" => match tell::tags(panel) {
                tags if tags.is_empty() => Err(invalid("no tags enrolled")),
                tags if self.faults.odd_tags => Ok(json!(vec!["tag"; tags.len()])),
                tags => Ok(Value::Array(tags)),
            },
            "getLogHistory" => Ok(Value::Array(tell::log(panel, p.text(0), p.text(1)))),
            "getPanelConfig" => Ok(tell::config(panel)),
            "getEepromVersion" => Ok(tell::eeprom_version(panel)),
            "getEepromItem" => self.item(panel, p),
            _ => {
                panel.signal(Signal::watch(json!({"event": "service_call", "method": method.name, "slot": holder})));
                Ok(method.plain_result())
            }
        }
    }

    fn register(&mut self, now: Instant, panel: &mut Panel, p: &Params<'_>) -> Result<Value, Fail> {
        let code = u64::try_from(p.number(1)).unwrap_or(u64::MAX);
        let of_user = |slot: u8| {
            let code = panel.user_code(slot).map(crate::sim::options::code_text);
            code.and_then(|code| code.parse::<u64>().ok())
        };
        let known = (1..=panel.model.users()).any(|slot| of_user(slot) == Some(code));
        if self.faults.wrong_codes || (self.config.check_register_code && !known) {
            return Err(invalid(CODE));
        }
        panel.signal(Signal::watch(json!({"event": "client_registered", "ip": p.text(0)})));
        self.registered = Some((p.text(0).to_owned(), now));
        Ok(success())
    }

    fn statuses(&mut self, now: Instant, panel: &Panel) -> Value {
        let fresh = || tell::statuses(panel, now, self.config.no_exit_state);
        let stands = self.faults.frozen || self.faults.unlinked;
        let seen = self.last_seen.take().filter(|_| stands).unwrap_or_else(fresh);
        self.last_seen = Some(seen.clone());
        seen
    }

    /// Whether a write is to be done; the simulator may only say that it was.
    fn writes(&self, panel: &Panel) -> Result<bool, Fail> {
        if self.faults.refuse_writes {
            return Err(invalid("Programming is not allowed"));
        }
        if panel.partitions().any(|partition| !panel.is_disarmed(partition)) {
            return Err(invalid("System is armed"));
        }
        Ok(!self.faults.ignore_writes)
    }

    fn set_user_code(&self, panel: &mut Panel, p: &Params<'_>) -> Result<Value, Fail> {
        let slot = p.slot(1, panel).ok_or_else(|| invalid(VALUE))?;
        let code = parse_code(p.text(2), 10).ok_or_else(|| invalid(VALUE))?;
        let empty = code == [0, 0];
        let taken = panel.holder(code).is_some_and(|holder| holder != Holder::User(slot));
        if (empty && slot == 1) || taken {
            return Err(invalid(VALUE));
        }
        if self.writes(panel)? {
            panel.set_user_code(slot, Some(code).filter(|_| !empty));
            let event = if empty { "code_deleted" } else { "code_set" };
            panel.signal(Signal::watch(json!({"event": event, "slot": slot, "by": "service"})));
        }
        Ok(success())
    }

    /// Third and fourth parameter are taken for code and mask. Invented.
    fn set_user_partitions(&self, panel: &mut Panel, p: &Params<'_>) -> Result<Value, Fail> {
        if self.faults.refuse_partitions {
            return Err(invalid(CODE));
        }
        let slot = p.slot(1, panel).filter(|slot| *slot != 1).ok_or_else(|| invalid(VALUE))?;
        let all = (1_i64 << panel.units.len()) - 1;
        let mask = u8::try_from(p.number(3)).ok().filter(|mask| (1..=all).contains(&i64::from(*mask)));
        let mask = mask.ok_or_else(|| invalid(VALUE))?;
        self.set_user_code(panel, p)?;
        if self.writes(panel)?
            && let Some(rights) = panel.rights.get_mut(usize::from(slot - 1))
        {
            *rights = mask;
            panel.signal(Signal::watch(json!({"event": "partitions_set", "slot": slot, "by": "service"})));
        }
        Ok(success())
    }

    /// The second parameter is taken for which code it is. Invented.
    fn set_installer_code(&self, panel: &mut Panel, p: &Params<'_>) -> Result<Value, Fail> {
        let at = match p.text(1) {
            "INSTALLER" => eeprom::CODES,
            "MASTER_INSTALLER" => eeprom::CODES + 2,
            _ => return Err(invalid(VALUE)),
        };
        let code = parse_code(p.text(2), 10).filter(|code| *code != [0, 0]).ok_or_else(|| invalid(VALUE))?;
        if self.writes(panel)? {
            panel.eeprom.write(at, &code);
            panel.signal(Signal::watch(json!({"event": "installer_code_set", "kind": p.text(1), "by": "service"})));
        }
        Ok(success())
    }

    fn item(&self, panel: &mut Panel, p: &Params<'_>) -> Result<Value, Fail> {
        if p.number(0) == FORBIDDEN_ITEM {
            panel.signal(Signal::watch(json!({"event": "panel_upset", "item": FORBIDDEN_ITEM})));
            return Err(fail(0, ""));
        }
        // The time is in milliseconds, whatever one reads.
        if p.number(2) < 100 {
            return Err(invalid("Timeout waiting for panel response"));
        }
        let found = tell::item(panel, p.number(0), p.number(1)).filter(|_| !self.faults.lacks.contains(&p.number(0)));
        Ok(match (self.config.item_form, found) {
            (ItemForm::Numbers, found) => json!(found.map(|(data, _)| data).unwrap_or_default()),
            (ItemForm::Base64, Some((data, most))) => {
                let data = base64::engine::general_purpose::STANDARD.encode(data);
                json!({"items": [{"item": {"data": data, "maxItems": most}}]})
            }
            (ItemForm::Base64, None) => json!({"items": []}),
        })
    }
}

fn set_panel_state(now: Instant, panel: &mut Panel, p: &Params<'_>) -> Result<Value, Fail> {
    let wish = match p.text(1) {
        "AWAY" => 0x05,
        "HOME" => 0x04,
        "DISARM" => 0x00,
        _ => return Err(invalid(VALUE)),
    };
    let partition = p.partition(2, panel).ok_or_else(|| invalid(VALUE))?;
    let code = parse_code(p.text(0), 10).ok_or_else(|| invalid(CODE))?;
    panel.operate(now, wish, code, 1 << partition).map_err(|_| invalid(CODE))?;
    Ok(success())
}

fn bypass(panel: &mut Panel, p: &Params<'_>) -> Result<Value, Fail> {
    let zone = u8::try_from(p.number(1)).ok().filter(|zone| panel.zone(*zone).is_some_and(|zone| zone.enrolled));
    let bit =
        zone.and_then(|zone| 1_u64.checked_shl(u32::from(zone) - 1)).ok_or_else(|| invalid("Not enrolled device"))?;
    let (on, off) = if p.0.get(2) == Some(&Value::Bool(true)) { (bit, 0) } else { (0, bit) };
    panel.bypass_zones(on, off).map_err(|_| invalid(VALUE))?;
    Ok(success())
}

/// The last parameter is taken for a time, and passed over. Invented.
fn set_output(panel: &mut Panel, p: &Params<'_>) -> Result<Value, Fail> {
    if p.number(1) != 1 {
        return Err(invalid(VALUE));
    }
    let on = p.0.get(2) == Some(&Value::Bool(true));
    panel.set_outputs(if on { panel.outputs | 1 } else { panel.outputs & !1 });
    Ok(json!([]))
}

fn device_type(kind: i64) -> Result<(), Fail> {
    if kind == tell::X10 { Err(invalid("Invalid PowerG type: 7")) } else { Ok(()) }
}

fn error(id: &Value, failed: &Fail) -> Value {
    json!({"error": {"code": failed.code, "message": failed.message}, "id": id, "jsonrpc": "2.0"})
}

/// One line, keys in the order of the alphabet [impl J].
fn line(value: &Value) -> Vec<u8> {
    let mut bytes = value.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// Parameters whose types are checked already.
struct Params<'a>(&'a [Value]);

impl Params<'_> {
    fn text(&self, at: usize) -> &str {
        self.0.get(at).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, at: usize) -> i64 {
        self.0.get(at).and_then(Value::as_i64).unwrap_or(-1)
    }

    /// A user's slot that the panel has.
    fn slot(&self, at: usize, panel: &Panel) -> Option<u8> {
        u8::try_from(self.number(at)).ok().filter(|slot| (1..=panel.model.users()).contains(slot))
    }

    /// The index of a partition that is in use.
    fn partition(&self, at: usize, panel: &Panel) -> Option<u8> {
        let index = u8::try_from(self.number(at)).ok()?.checked_sub(1)?;
        panel.unit(index).map(|_| index)
    }
}
