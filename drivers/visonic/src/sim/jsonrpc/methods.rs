//! The methods with their types, as two modules listed them: L23 (November 2023, 73 methods, module 7.5.58) and L25
//! (September 2025, 84 methods) [doc B to-add.json] [doc A todo-rpc.json first version].

use serde_json::{Value, json};

use super::options::Profile;

/// One row of the list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Method {
    pub(super) name: &'static str,
    /// One letter a parameter: string, integer, boolean, array, object.
    pub(super) params: &'static str,
    pub(super) returns: char,
    lists: Lists,
    pub(super) code: Code,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lists {
    Both,
    Only23,
    Only25,
}

/// Whose code the first parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    None,
    /// Any user's.
    User,
    /// The master user's, for what changes users.
    Master,
    /// An installer's.
    Installer,
    /// Nobody knows; users' and installers' are taken.
    Any,
}

use Code::{Any, Installer, Master, None as Free, User};
use Lists::{Both, Only23, Only25};

const fn row(name: &'static str, params: &'static str, returns: char, lists: Lists, code: Code) -> Method {
    Method { name, params, returns, lists, code }
}

/// Sorted by name, as the module does.
const METHODS: &[Method] = &[
    row("createAlarm", "ssi", 'o', Both, User),
    row("createSystemLog", "ss", 'a', Both, Free),
    row("deleteDevice", "sii", 'a', Both, Any),
    row("enableSsh", "sb", 'a', Both, Any),
    row("enrollDevice", "ssi", 'o', Both, Any),
    row("getApiVersion", "", 's', Both, Free),
    row("getBatteryLevel", "", 'i', Both, Free),
    row("getConnectionType", "", 's', Both, Free),
    row("getDate", "", 's', Both, Free),
    row("getDateTime", "", 's', Both, Free),
    row("getDeviceConfig", "ii", 'o', Both, Free),
    row("getDeviceStatuses", "ii", 'o', Both, Free),
    row("getDevicesConfig", "", 'a', Both, Free),
    row("getEepromItem", "iii", 'a', Both, Free),
    row("getEepromVersion", "", 'a', Both, Free),
    row("getGsmLevel", "", 'i', Both, Free),
    row("getInstallerCode", "ss", 'o', Both, Any),
    row("getLocation", "i", 'a', Both, Free),
    row("getLocationInfo", "", 'a', Both, Free),
    row("getLocationsList", "", 'a', Both, Free),
    row("getLogHistory", "ss", 'a', Both, Free),
    row("getMaxDevice", "i", 'a', Both, Free),
    row("getMaxDevices", "", 'a', Both, Free),
    row("getPanelConfig", "", 'o', Both, Free),
    row("getPanelState", "i", 'o', Both, Free),
    row("getPanelStatuses", "", 'o', Both, Free),
    row("getPowerGDeviceProperty", "iiii", 'a', Both, Free),
    row("getServiceLed", "", 'b', Both, Free),
    row("getTagsInfo", "", 'a', Both, Free),
    row("getTime", "", 's', Both, Free),
    row("getUserCode", "si", 'o', Both, User),
    row("getUserCodes", "s", 'a', Both, User),
    row("getWifiConfig", "", 'o', Only23, Free),
    row("getWlanClientConfig", "s", 'o', Only25, Any),
    row("getWlanConfig", "s", 'a', Both, Any),
    row("getWlanLevel", "", 'i', Only25, Free),
    row("getWlanScanResults", "", 'a', Only25, Free),
    row("getWlanapConfig", "s", 'a', Both, Any),
    row("getZoneDeviceTemperature", "i", 'a', Only25, Free),
    row("isPanelConnected", "", 'b', Both, Free),
    row("isWPSEnabled", "", 'b', Only25, Free),
    row("pmaxDownload", "isi", 'a', Both, Free),
    row("pmaxLogin", "s", 'a', Both, Any),
    row("pmaxLogout", "", 'a', Both, Free),
    row("pmaxUpload", "iii", 'a', Both, Free),
    row("rebootGateway", "s", 'o', Both, Any),
    row("rebootHanController", "s", 'o', Both, Any),
    row("recallBypass", "s", 'o', Both, User),
    row("registerClient", "sis", 'o', Both, Free),
    row("resetConnection", "s", 'o', Both, Any),
    row("resetModem", "s", 'a', Only25, Any),
    row("setDate", "ss", 'o', Both, Any),
    row("setDateTime", "ss", 'o', Both, Any),
    row("setDebugMode", "sb", 'o', Both, Installer),
    row("setDeviceLed", "siii", 'a', Both, Any),
    row("setDevicePartitions", "siia", 'o', Only25, Any),
    row("setDevicesFastNotification", "s", 'a', Both, Any),
    row("setEepromItem", "siisi", 'a', Both, Any),
    row("setEnrollState", "ssb", 'o', Both, Any),
    row("setInstallerCode", "sss", 'o', Both, Installer),
    row("setLocation", "sis", 'a', Both, Any),
    row("setLogMode", "ss", 'o', Both, Free),
    row("setPanelConfig", "so", 'o', Both, Any),
    row("setPanelState", "ssibb", 'o', Both, User),
    row("setPgmState", "sibi", 'a', Only25, User),
    row("setPowerGDeviceProperty", "siiisi", 'a', Both, Any),
    row("setServiceLed", "sb", 'a', Both, Any),
    row("setSirenState", "sis", 'o', Both, User),
    row("setSyslogSendmailConfig", "sibbssssssii", 'a', Only23, Free),
    row("setTime", "ss", 'o', Both, Any),
    row("setUserCode", "sis", 'o', Both, Master),
    row("setUserCodePartitions", "sisi", 'o', Only25, Master),
    row("setWPSMode", "ss", 'o', Only25, Any),
    row("setWlanClientConfig", "sssb", 'a', Only25, Any),
    row("setWlanConfig", "sssssssssbs", 'o', Both, Any),
    row("setWlanapConfig", "ssssbsb", 'o', Both, Any),
    row("setWlanapConfigExt", "ssssbbi", 'o', Only25, Any),
    row("setZoneDeviceBypass", "sib", 'o', Both, User),
    row("setZoneType", "sii", 'o', Only25, Any),
    row("setZwaveModeRsp", "ss", 'o', Both, Free),
    row("skipArmExitDelay", "si", 'o', Both, User),
    row("startPeriodicTests", "ss", 'o', Both, Any),
    row("startViewOnDemand", "sii", 'o', Both, User),
    row("startedFirmwareUpgrade", "s", 'o', Both, Any),
    row("stopPeriodicTests", "s", 'o', Both, Any),
    row("updateRAM", "s", 'o', Both, Any),
];

/// What every method's name begins with.
const SERVICE: &str = "PmaxService/";

/// The methods of a profile.
pub(super) fn of(profile: Profile) -> impl Iterator<Item = &'static Method> {
    let there = move |method: &&Method| match (method.lists, profile) {
        (Both, _) | (Only23, Profile::Gtx2023) | (Only25, Profile::Plink2025) => true,
        (Only23, Profile::Plink2025) | (Only25, Profile::Gtx2023) => false,
    };
    METHODS.iter().filter(there)
}

/// A profile's method by its whole name.
pub(super) fn find(profile: Profile, name: &str) -> Option<&'static Method> {
    let name = name.strip_prefix(SERVICE)?;
    of(profile).find(|method| method.name == name)
}

impl Method {
    /// The row of the list, as libjson-rpc-cpp writes it [impl J].
    pub(super) fn listed(&self) -> Value {
        let params: Vec<Value> = self.params.chars().map(sample).collect();
        let params = if params.is_empty() { Value::Null } else { Value::Array(params) };
        json!({"method": format!("{SERVICE}{}", self.name), "params": params, "returns": sample(self.returns)})
    }

    /// Whether these are its parameters: exact count, exact types.
    pub(super) fn takes(&self, params: &[Value]) -> bool {
        let fits = |(kind, value): (char, &Value)| match kind {
            's' => value.is_string(),
            'i' => value.is_i64() || value.is_u64(),
            'b' => value.is_boolean(),
            'a' => value.is_array(),
            _ => value.is_object(),
        };
        params.len() == self.params.len() && self.params.chars().zip(params).all(fits)
    }

    /// What a method answers of which nobody knows more than its type. Invented.
    pub(super) fn plain_result(&self) -> Value {
        match self.returns {
            'o' => success(),
            'a' => json!([]),
            'b' => json!(false),
            'i' => json!(0),
            _ => json!(""),
        }
    }
}

/// What setting methods answer.
pub(super) fn success() -> Value {
    json!({"status": "success"})
}

fn sample(kind: char) -> Value {
    match kind {
        's' => json!("somestring"),
        'i' => json!(1),
        'b' => json!(true),
        'a' => json!([]),
        _ => json!({"objectkey": "objectvalue"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_has_as_many_methods_as_its_dump() {
        assert_eq!((of(Profile::Gtx2023).count(), of(Profile::Plink2025).count()), (73, 84));
        assert!(METHODS.is_sorted_by_key(|method| method.name));
    }

    #[test]
    fn types_are_checked_to_the_letter() {
        let method = find(Profile::Plink2025, "PmaxService/setUserCodePartitions").expect("there");
        assert!(method.takes(&[json!("1"), json!(2), json!("3"), json!(4)]));
        for wrong in
            [json!(["1", 2, "3"]), json!([1, 2, "3", 4]), json!(["1", 2.5, "3", 4]), json!(["1", 2, "3", true])]
        {
            assert!(!method.takes(wrong.as_array().expect("array")), "{wrong}");
        }
        assert!(find(Profile::Gtx2023, "PmaxService/setUserCodePartitions").is_none());
        assert!(find(Profile::Gtx2023, "getDate").is_none());
    }
}
