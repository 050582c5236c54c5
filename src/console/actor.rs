use std::fs;

use tokio::net::UnixStream;

use crate::access::Actor;

/// Who is at the other end of the socket, as the kernel says it: the system user's name, or `uid N` where it has none.
pub(super) fn of_peer(stream: &UnixStream) -> Actor {
    let name = match stream.peer_cred() {
        Ok(peer) => user_name(peer.uid()).unwrap_or_else(|| format!("uid {}", peer.uid())),
        Err(_) => "unknown".to_owned(),
    };
    Actor::local(name)
}

fn user_name(uid: u32) -> Option<String> {
    named(&fs::read_to_string("/etc/passwd").ok()?, uid)
}

/// The number of a group of this machine.
pub(super) fn group_id(name: &str) -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    let line = groups.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

fn named(passwd: &str, uid: u32) -> Option<String> {
    let uid = uid.to_string();
    let line = passwd.lines().find(|line| line.split(':').nth(2) == Some(uid.as_str()))?;
    line.split(':').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_number() {
        let passwd = "root:x:0:0:root:/:/bin/sh\nanna:x:1000:1000::/:/bin/sh\n";
        assert_eq!(named(passwd, 1000).as_deref(), Some("anna"));
        assert_eq!(named(passwd, 100), None);
    }
}
