//! Messages as text for the wire log: what may hold a code shows its length at most.

use crate::message::{Command, Message, Notice, command_name};

/// One message in a line; codes, initializers and what nobody can read are left out.
#[must_use]
pub(crate) fn masked(message: &Message) -> String {
    let number = message.number();
    let name = command_name(number).unwrap_or("unknown");
    match message {
        Message::Command(app, command) => format!("{number:04X} {name} #{app:02X}{}", command_fields(command)),
        Message::Notice(notice) => format!("{number:04X} {name}{}", notice_fields(notice)),
    }
}

fn command_fields(command: &Command) -> String {
    match command {
        Command::Response(code) => format!(" {} ({})", code.byte(), code.meaning()),
        Command::OpenSession(hello) => format!(" encryption {}", hello.encryption.byte()),
        Command::Request(wanted) => {
            let number = wanted.number();
            format!(" {number:04X} {}", command_name(number).unwrap_or("unknown"))
        }
        Command::ReadUsers { first, count, .. } => format!(" from {first} count {count}"),
        Command::WriteUsers(data) => format!(" from {} count {}", data.first, data.count()),
        Command::WriteUserLabels { first, labels, .. } => format!(" from {first} count {}", labels.len()),
        Command::ReadSection(address) | Command::WriteSection(address, _) => {
            let subs: Vec<_> = address.subs.iter().map(|sub| format!("[{sub:03}]")).collect();
            format!(" [{:03}]{}", address.main, subs.concat())
        }
        Command::EnterProgramming { mode, .. } => format!(" {}", mode.meaning()),
        Command::Arm { mode, .. } => format!(" {}", mode.meaning()),
        Command::RequestAccess(_)
        | Command::ExitProgramming { .. }
        | Command::WriteZoneBypass { .. }
        | Command::Disarm { .. }
        | Command::Output { .. }
        | Command::Activity { .. } => String::new(),
    }
}

fn notice_fields(notice: &Notice) -> String {
    match notice {
        Notice::CommandError { command, code } => format!(" {command:04X} {} ({})", code.byte(), code.meaning()),
        Notice::Multiple(parts) => parts.iter().map(|part| format!(" | {}", masked(part))).collect(),
        Notice::Users(data) | Notice::UserPartitions(data) => format!(" from {} count {}", data.first, data.count()),
        Notice::UsersChanged { from, to, .. } => format!(" {from} to {to}"),
        Notice::LifestyleZone { zone, open } => format!(" zone {zone} {}", if *open { "open" } else { "closed" }),
        Notice::ZoneStatus { first, statuses } => format!(" from {first} count {}", statuses.len()),
        Notice::Arming { partition, mode, .. } => format!(" partition {} {}", shown(*partition), mode.meaning()),
        Notice::Ready { partition, ready } => format!(" partition {} {ready}", shown(*partition)),
        Notice::Bell { partition, state, .. } => format!(" partition {} {state}", shown(*partition)),
        Notice::Delay { partition, seconds, .. } => format!(" partition {} {seconds} s", shown(*partition)),
        _ => String::new(),
    }
}

fn shown(partition: Option<u32>) -> String {
    partition.map_or_else(|| "all".to_owned(), |p| p.to_string())
}
