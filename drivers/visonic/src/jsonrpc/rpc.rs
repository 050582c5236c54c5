//! JSON-RPC 2.0 as the module speaks it: positional parameters, integer ids, errors in words (dossier 1.3, 1.6).

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::words;
use super::call::Call;
use super::error::CallError;
use super::http::Response;

/// What stands in the wire log in place of secrets.
const MASK: &str = "****";
/// Bytes of an answer that stand in the wire log; the list of devices is longer.
const MOST_SHOWN: usize = 1024;
/// Keys whose values are codes or memory.
const SECRET_KEYS: [&str; 5] = ["userCode", "duressCode", "installerCode", "code", "data"];

#[derive(Deserialize)]
struct Envelope {
    result: Option<Value>,
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: Option<i64>,
    message: Option<String>,
}

/// The body of a call; `None` for the method list, which is a GET.
pub(crate) fn encode(call: &Call, id: u64) -> Option<Vec<u8>> {
    let params = match call.params() {
        params if params.is_empty() => Value::Null,
        params => Value::Array(params),
    };
    let body = json!({"jsonrpc": "2.0", "id": id, "method": call.method()?, "params": params});
    Some(body.to_string().into_bytes())
}

/// What an answer says; the first field is `false` when it belongs to another call.
pub(crate) fn decode(call: &Call, id: u64, response: &Response) -> (bool, Result<Value, CallError>) {
    if response.status != 200 {
        return (true, Err(CallError::Http(response.status)));
    }
    let Ok(body) = serde_json::from_slice::<Value>(&response.body) else { return (true, Err(CallError::Malformed)) };
    if call.method().is_none() {
        return (body.is_array(), Ok(body));
    }
    if !body.is_object() {
        return (true, Err(CallError::Malformed));
    }
    let mine = is_answer_to(&body, id);
    let Ok(envelope) = serde_json::from_value::<Envelope>(body) else { return (mine, Err(CallError::Malformed)) };
    let answer = match (envelope.error, envelope.result) {
        (Some(error), _) => {
            Err(CallError::of(error.code.unwrap_or(0), &mask_digits(&error.message.unwrap_or_default())))
        }
        (None, Some(result)) => Ok(result),
        (None, None) => Err(CallError::Malformed),
    };
    (mine, answer)
}

/// Whether a body answers the call of that id. One that the module could not read is answered with the id null.
fn is_answer_to(body: &Value, id: u64) -> bool {
    match body.get("id") {
        Some(Value::Null) | None => body.get("error").is_some(),
        Some(other) => other.as_u64() == Some(id),
    }
}

/// A call, as it may be shown.
pub(crate) fn shown_call(call: &Call, id: u64) -> Bytes {
    let Some(method) = call.method() else { return Bytes::from_static(b"GET methods") };
    let params = if call.is_secret() { Value::from(MASK) } else { Value::Array(call.params()) };
    json!({"id": id, "method": method, "params": params}).to_string().into()
}

/// An answer, as it may be shown. What cannot be read, or answers another call than the one in flight, is not shown:
/// nobody knows what is in there.
pub(crate) fn shown_answer(flight: Option<(&Call, u64)>, response: &Response) -> Bytes {
    let value = serde_json::from_slice::<Value>(&response.body).ok();
    let shown: Bytes = match (value, flight) {
        (Some(Value::Array(methods)), _) => format!("{} methods", methods.len()).into(),
        (Some(body), Some((call, id))) if is_answer_to(&body, id) => shown_body(call, &body).to_string().into(),
        _ => format!("HTTP {}, {} bytes", response.status, response.body.len()).into(),
    };
    if shown.len() <= MOST_SHOWN {
        return shown;
    }
    let head = String::from_utf8_lossy(shown.get(..MOST_SHOWN).unwrap_or_default()).into_owned();
    format!("{head}… ({} bytes)", response.body.len()).into()
}

/// The members that are known; others may hold anything.
fn shown_body(call: &Call, body: &Value) -> Value {
    if let Some(error) = body.get("error") {
        let code = error.get("code").and_then(Value::as_i64);
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
        return json!({"error": {"code": code, "message": words(&mask_digits(message))}, "id": body.get("id")});
    }
    let mut result = body.get("result").cloned().unwrap_or_default();
    if call.is_secret() {
        result = Value::from(MASK);
    } else {
        mask(&mut result);
    }
    json!({"id": body.get("id"), "result": result})
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if SECRET_KEYS.contains(&key.as_str()) {
                    *value = Value::from(MASK);
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// Four digits in a row may be a code.
fn mask_digits(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut digits = String::new();
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_ascii_digit() => digits.push(c),
            c => {
                shown.push_str(if digits.len() >= 4 { MASK } else { &digits });
                digits.clear();
                shown.extend(c);
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use panel_model::{AccessCode, Slot};

    use super::*;

    fn code(text: &str) -> AccessCode {
        AccessCode::new(text.into())
    }

    fn answer(call: &Call, id: u64, body: &str) -> (bool, Result<Value, CallError>) {
        decode(call, id, &Response { status: 200, body: Bytes::copy_from_slice(body.as_bytes()) })
    }

    #[test]
    fn calls_look_as_the_dossier_shows_them() {
        let rows = [
            (
                Call::GetPanelStatuses,
                1,
                r#"{"id":1,"jsonrpc":"2.0","method":"PmaxService/getPanelStatuses","params":null}"#,
            ),
            (
                Call::GetUserCodes { auth: code("1234") },
                7,
                r#"{"id":7,"jsonrpc":"2.0","method":"PmaxService/getUserCodes","params":["1234"]}"#,
            ),
            (
                Call::SetUserCode { auth: code("1234"), slot: Slot::new(2).expect("slot"), code: code("0678") },
                9,
                r#"{"id":9,"jsonrpc":"2.0","method":"PmaxService/setUserCode","params":["1234",2,"0678"]}"#,
            ),
            (
                Call::RegisterClient { ip: [192, 168, 1, 20].into(), code: code("0123") },
                2,
                r#"{"id":2,"jsonrpc":"2.0","method":"PmaxService/registerClient","params":["192.168.1.20",123,"user"]}"#,
            ),
        ];
        for (call, id, text) in rows {
            let body = encode(&call, id).expect("a body");
            let found: Value = serde_json::from_slice(&body).expect("json");
            assert_eq!(found, serde_json::from_str::<Value>(text).expect("json"));
        }
        assert_eq!(encode(&Call::MethodList, 1), None);
    }

    #[test]
    fn errors_are_told_apart_by_their_words() {
        let error = |message: &str| format!(r#"{{"error":{{"code":-32001,"message":"{message}"}},"id":9}}"#);
        let head = "The response is invalid: ";
        let rows = [
            ("No client registered", CallError::NotRegistered),
            ("Authentication failed, wrong code", CallError::WrongCode),
            ("panel TIMEOUT", CallError::PanelTimeout),
            ("request timed out", CallError::PanelTimeout),
            ("invalid value", CallError::Refused { code: -32001, text: "invalid value".into() }),
            ("code 1234 of 7", CallError::Refused { code: -32001, text: "code **** of 7".into() }),
        ];
        for (text, expected) in rows {
            let (mine, found) = answer(&Call::GetTagsInfo, 9, &error(&format!("{head}{text}")));
            assert_eq!((mine, found), (true, Err(expected)), "{text}");
        }
        let not_found = r#"{"error":{"code":-32601,"message":"METHOD_NOT_FOUND: The method being requested is not available on this server"},"id":1}"#;
        assert_eq!(answer(&Call::GetTagsInfo, 1, not_found).1, Err(CallError::NotFound));
    }

    #[test]
    fn only_200_is_an_answer_and_nobody_is_led_elsewhere() {
        for status in [204, 302, 401, 500] {
            let response = Response { status, body: Bytes::from_static(br#"{"id":1,"result":true}"#) };
            assert_eq!(decode(&Call::IsPanelConnected, 1, &response), (true, Err(CallError::Http(status))));
        }
    }

    #[test]
    fn an_answer_belongs_to_its_call() {
        let call = Call::IsPanelConnected;
        assert_eq!(answer(&call, 3, r#"{"id":3,"result":true}"#), (true, Ok(Value::Bool(true))));
        assert!(!answer(&call, 3, r#"{"id":2,"result":true}"#).0, "late");
        assert!(answer(&call, 3, r#"{"id":null,"error":{"code":-32700,"message":"JSON_PARSE_ERROR: x"}}"#).0);
        for malformed in ["", "{", "[1]", "3", "[3, true, null]", r#"{"id":3}"#, r#"{"id":3,"result":"#] {
            assert_eq!(answer(&call, 3, malformed).1, Err(CallError::Malformed), "{malformed}");
        }
    }

    #[test]
    fn codes_are_not_shown() {
        let secret = Call::GetUserCodes { auth: code("7391") };
        let shown = |call: Option<&Call>, body: &str| {
            let response = Response { status: 200, body: Bytes::copy_from_slice(body.as_bytes()) };
            String::from_utf8_lossy(&shown_answer(call.map(|call| (call, 1)), &response)).into_owned()
        };
        assert!(!String::from_utf8_lossy(&shown_call(&secret, 1)).contains("7391"));
        let rows = r#"{"id":1,"result":[{"partitions":[1],"userCode":"7391","userId":1}]}"#;
        assert_eq!(shown(Some(&secret), rows), r#"{"id":1,"result":"****"}"#);
        assert!(!shown(Some(&Call::GetPanelStatuses), rows).contains("7391"), "whatever was asked");
        assert!(!shown(Some(&Call::GetPanelStatuses), r#"{"id":1,"result":{"userCode":"7391"#).contains("7391"));
        assert!(!shown(None, rows).contains("7391"));
        assert!(shown(Some(&Call::GetDateTime), r#"{"id":1,"result":"20260314081500"}"#).contains("2026"));
    }
}
