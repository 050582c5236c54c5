use std::fs;

use tokio::net::UnixStream;

use crate::access::Actor;

/// The number that no user has.
const NOBODY: u32 = u32::MAX;

/// Who is at the other end of the socket, as the kernel says it: the system user's name, or `uid N` where it has none.
pub(super) fn of_peer(stream: &UnixStream) -> Actor {
    // A peer that the kernel does not name is treated as nobody.
    let uid = stream.peer_cred().map_or(NOBODY, |peer| peer.uid());
    Actor::system(user_name(uid).unwrap_or_else(|| format!("uid {uid}")), uid)
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
