//! Who may ask: root, and the members of one group, as the kernel knows them (`SO_PEERCRED`,
//! `SO_PEERGROUPS`). What a client says of itself is not asked.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use crate::ioctl::{MAX_GROUPS, peer_groups};

/// The id of a group: a number, or a name in a list like `/etc/group`. `None`: there is none.
pub fn group_id(list: &str, group: &str) -> Option<u32> {
    let named = list.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1))?
    });
    named.unwrap_or(group).parse().ok()
}

/// A peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its user.
    pub uid: u32,
    /// Whether it may ask.
    pub allowed: bool,
}

/// The peer of a connection, as it was when it connected.
pub fn of(socket: impl AsFd, group: u32) -> Result<Peer, Errno> {
    let credentials = rustix::net::sockopt::socket_peercred(&socket)?;
    let (uid, gid) = (credentials.uid.as_raw(), credentials.gid.as_raw());
    let allowed = uid == 0 || gid == group || is_in(socket.as_fd(), group);
    Ok(Peer { uid, allowed })
}

fn is_in(socket: BorrowedFd<'_>, group: u32) -> bool {
    let mut groups = [0; MAX_GROUPS];
    peer_groups(socket, &mut groups).is_ok_and(|count| groups[..count].contains(&group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_numbers() {
        let list = "root:x:0:\nsyncline:x:991:me\nbroken\nodd:x\n";
        for (group, id) in
            [("syncline", Some(991)), ("root", Some(0)), ("77", Some(77)), ("sync", None), ("broken", None), ("", None)]
        {
            assert_eq!(group_id(list, group), id, "{group}");
        }
    }

    #[test]
    fn a_peer_is_who_the_kernel_says() {
        let (one, _other) = std::os::unix::net::UnixStream::pair().expect("a pair");
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        assert_eq!(of(&one, gid), Ok(Peer { uid, allowed: true }));
        assert_eq!(of(&one, gid + 12345), Ok(Peer { uid, allowed: uid == 0 }));
        // Further groups count as well.
        let mut groups = [0; MAX_GROUPS];
        let count = peer_groups(one.as_fd(), &mut groups).expect("groups");
        let own = rustix::process::getgroups().expect("groups");
        assert_eq!(groups[..count], own.iter().map(|group| group.as_raw()).collect::<Vec<_>>());
        assert!(own.iter().all(|group| is_in(one.as_fd(), group.as_raw())));
        assert!(!is_in(one.as_fd(), 987_654_321));
    }
}
