//! The list of methods that a module's firmware has, with the types of their parameters. Discovered anew with each
//! connection, never assumed: the lists differ (dossier 7, row 9).

use std::collections::BTreeMap;

use serde_json::Value;

use super::call::Call;

/// What the list shows a parameter's type by: `"somestring"`, `1`, `true`, `[]`, `{"objectkey":"objectvalue"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Flag,
    List,
    Object,
}

impl Kind {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Bool(_) => Some(Self::Flag),
            Value::Number(_) => Some(Self::Number),
            Value::String(_) => Some(Self::Text),
            Value::Array(_) => Some(Self::List),
            Value::Object(_) => Some(Self::Object),
        }
    }
}

/// Methods by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MethodList(BTreeMap<String, Vec<Kind>>);

impl MethodList {
    /// Reads the answer of the GET; `None` if it is no such list.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let mut methods = BTreeMap::new();
        for entry in value.as_array()? {
            let Some(name) = entry.get("method").and_then(Value::as_str) else { continue };
            let params = match entry.get("params") {
                Some(Value::Array(params)) => params.iter().filter_map(Kind::of).collect(),
                _ => Vec::new(),
            };
            methods.insert(name.to_owned(), params);
        }
        (!methods.is_empty()).then_some(Self(methods))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this firmware takes that call, types and all.
    pub(crate) fn takes(&self, call: &Call) -> bool {
        let Some(method) = call.method() else { return true };
        let kinds: Vec<_> = call.params().iter().filter_map(Kind::of).collect();
        self.0.get(method).is_some_and(|params| *params == kinds)
    }
}

#[cfg(test)]
mod tests {
    use panel_model::{AccessCode, Slot};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_taken_with_the_listed_types_only() {
        let set = Call::SetUserCode {
            auth: AccessCode::new("1234".into()),
            slot: Slot::new(2).expect("slot"),
            code: AccessCode::new("5678".into()),
        };
        let takes = |params: Value| {
            let list = json!([{"method": "PmaxService/setUserCode", "params": params, "returns": {}}]);
            MethodList::of(&list).expect("a list").takes(&set)
        };
        assert!(takes(json!(["somestring", 1, "somestring"])));
        assert!(!takes(json!(["somestring", 1, 1])), "another type");
        assert!(!takes(json!(["somestring", 1])), "another count");
        assert!(!takes(Value::Null));
        let other = MethodList::of(&json!([{"method": "PmaxService/getDate", "params": null}])).expect("a list");
        assert!(!other.takes(&set) && !other.takes(&Call::GetDateTime) && other.takes(&Call::MethodList));
    }

    #[test]
    fn what_is_no_list_is_none() {
        for value in [json!([]), json!({"method": "x"}), json!([1, {"name": "x"}]), Value::Null] {
            assert_eq!(MethodList::of(&value), None, "{value}");
        }
    }
}
