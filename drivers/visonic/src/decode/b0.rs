//! B0 as JSON, sub-type by sub-type.

use serde_json::{Map, Value, json};

use crate::message::{B0, B0Content, B0Kind, B0LogRow, ClassIndex, Flags, PanelStatus, Setting, TroubleRow, setting};
use crate::model::zone_type;

use super::{Row, Show, address, hex, numbers, time};

/// The row of a B0.
pub(super) fn b0_row(b0: &B0, show: Show) -> Row {
    let mut fields = match b0.kind {
        B0Kind::Request => request(b0),
        B0Kind::Set | B0Kind::Clear => match b0.command() {
            Some((code, argument, chunk)) => json!({
                "code": show.code(&code),
                "argument": argument,
                "class": chunk.class.name(),
                "data": hex(&chunk.data),
            }),
            None => json!({ "body": show.bytes(&b0.body) }),
        },
        B0Kind::Page | B0Kind::Response | B0Kind::Other => match b0.content() {
            Ok(content) => answer(b0, content, show),
            Err(error) => json!({ "note": error.to_string(), "body": show.bytes(&b0.body) }),
        },
    };
    if let Value::Object(fields) = &mut fields {
        fields.insert("sub".into(), format!("{:02X}", b0.sub).into());
        fields.insert("does".into(), kind_name(b0.kind).into());
    }
    Row::new("b0", fields)
}

fn kind_name(kind: B0Kind) -> &'static str {
    match kind {
        B0Kind::Set => "set",
        B0Kind::Request => "request",
        B0Kind::Page => "page",
        B0Kind::Response => "response",
        B0Kind::Clear => "clear",
        B0Kind::Other => "other",
    }
}

fn request(b0: &B0) -> Value {
    let settings = b0.requested_settings();
    if settings.is_empty() {
        let subs = b0.requested_subs().iter().map(|sub| format!("{sub:02X}")).collect::<Vec<_>>();
        json!({ "wants": subs })
    } else {
        json!({ "settings": settings.into_iter().map(address).collect::<Vec<_>>() })
    }
}

fn answer(b0: &B0, content: B0Content, show: Show) -> Value {
    let by_class = |classes: Vec<(ClassIndex, Vec<u8>)>, value: fn(&[u8]) -> Value| {
        let entries = classes.into_iter().map(|(class, data)| (class.name().to_owned(), value(&data)));
        Value::Object(entries.collect())
    };
    match content {
        B0Content::Errors(errors) => json!({
            "errors": errors.iter().map(|e| json!({ "code": e.code, "sub": format!("{:02X}", e.sub) })).collect::<Vec<_>>(),
        }),
        B0Content::AskMe(subs) => json!({ "ask": subs.iter().map(|sub| format!("{sub:02X}")).collect::<Vec<_>>() }),
        B0Content::State(status) => state(&status),
        B0Content::Open(mask) | B0Content::Bypassed(mask) | B0Content::Triggered(mask) | B0Content::Tampered(mask) => {
            json!({ "zones": numbers(&mask) })
        }
        B0Content::Enrolled(classes) => json!({ "enrolled": by_class(classes, numbers) }),
        B0Content::PartitionAccess(classes) => json!({ "masks": by_class(classes, |data| hex(data).into()) }),
        B0Content::ZoneNames(names) => json!({ "names": names }),
        B0Content::ZoneTypes(types) => {
            json!({ "types": types.iter().map(|number| zone_type(*number)).collect::<Vec<_>>() })
        }
        B0Content::LastEvents(signs) => {
            json!({ "zones": signs.iter().map(|s| json!({ "local_seconds": s.time, "code": s.code })).collect::<Vec<_>>() })
        }
        B0Content::Log(rows) => json!({ "rows": rows.into_iter().map(log_row).collect::<Vec<_>>() }),
        B0Content::NewestRow(row) => json!({ "row": log_row(row) }),
        B0Content::Troubles(rows) => json!({ "troubles": rows.into_iter().map(trouble_row).collect::<Vec<_>>() }),
        B0Content::Help(help) => json!({ "help": help.name() }),
        B0Content::Settings(settings) => {
            json!({ "settings": settings.iter().map(|found| one_setting(found, show)).collect::<Vec<_>>() })
        }
        B0Content::Alive => Value::Object(Map::new()),
        B0Content::Other => json!({ "body": show.bytes(&b0.body) }),
    }
}

fn log_row(row: B0LogRow) -> Value {
    json!({
        "local_seconds": row.time,
        "device": row.device().name(),
        "event": row.event.name(),
        "partition": row.partition,
        "number": row.number,
    })
}

fn trouble_row(row: TroubleRow) -> Value {
    json!({ "class": row.class.name(), "index": row.index, "code": row.code, "trouble": row.name() })
}

fn state(status: &PanelStatus) -> Value {
    let partitions = status.partitions.iter().map(|partition| {
        json!({
            "status": partition.system().name(),
            "flags": Flags(partition.flags.0 & 0x7F).names().collect::<Vec<_>>(),
            "active": partition.is_active(),
        })
    });
    json!({ "time": time(status.clock), "partitions": partitions.collect::<Vec<_>>() })
}

fn one_setting(found: &Setting, show: Show) -> Value {
    let harmless = matches!(
        found.id,
        setting::SERIAL
            | setting::ZONE_NAME_TABLE
            | setting::PARTITIONS_ENABLED
            | setting::ZONE_TYPES
            | setting::ZONE_NAMES
            | setting::ZONE_PARTITIONS
            | setting::TAG_PARTITIONS
            | setting::HARDWARE_NAME
            | setting::CUSTOM_NAMES
            | setting::USER_PERMIT
            | setting::USER_PARTITIONS
    );
    let data = if harmless { hex(&found.data).into() } else { show.bytes(&found.data) };
    json!({ "id": address(found.id), "page": found.page, "start": found.start, "data": data })
}
