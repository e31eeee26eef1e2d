//! Counts system calls from a log of `strace -f -ttt`.

use std::collections::BTreeMap;

/// The calls that began in a span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// All of them.
    pub total: u64,
    /// By name; an ioctl is named by its request.
    pub by_name: BTreeMap<String, u64>,
}

/// Counts the calls that began between `from` and `to` (seconds of the wall clock).
pub fn count(log: &str, from: f64, to: f64) -> Calls {
    let mut calls = Calls::default();
    for line in log.lines() {
        if let Some((time, name)) = parse(line)
            && (from..to).contains(&time)
        {
            calls.total += 1;
            *calls.by_name.entry(name).or_default() += 1;
        }
    }
    calls
}

/// Time and name of a call that begins in this line: `123  1700000000.123456 ioctl(7, DRM_IOCTL_X,
/// …) = 0`. The second half of an interrupted call (`<... read resumed>`), signals and exits are no
/// beginnings.
fn parse(line: &str) -> Option<(f64, String)> {
    let mut words = line.splitn(3, ' ');
    let first = words.next()?;
    // strace pads the process id with spaces.
    let rest = line[first.len()..].trim_start();
    let (time, call) = rest.split_once(' ')?;
    let time = time.parse().ok()?;
    let (name, args) = call.trim_start().split_once('(')?;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return None;
    }
    let name = match name {
        "ioctl" => request(args),
        name => name,
    };
    Some((time, name.to_owned()))
}

/// The second argument: a name, or `_IOC(…)` with commas of its own where strace knows no name.
fn request(args: &str) -> &str {
    let Some((_, rest)) = args.split_once(", ") else { return "ioctl" };
    let mut depth = 0;
    let end = rest.find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth < 0 || (depth == 0 && c == ',')
    });
    &rest[..end.unwrap_or(rest.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
77    1700000000.100000 epoll_wait(4, [{events=EPOLLIN}], 32, -1) = 1
77    1700000000.200000 ioctl(7, DRM_IOCTL_MODE_ATOMIC, 0x7ffc) = 0
78    1700000000.250000 futex(0x55, FUTEX_WAIT, 1, NULL <unfinished ...>
77    1700000000.300000 recvmsg(9, {msg_name=NULL}, 0) = 12
78    1700000000.350000 <... futex resumed>) = 0
77    1700000000.400000 --- SIGCHLD {si_signo=SIGCHLD} ---
77    1700000000.900000 epoll_wait(4, <detached ...>
78    1700000001.000000 +++ exited with 0 +++
";

    #[test]
    fn requests() {
        assert_eq!(request("7, DRM_IOCTL_MODE_ATOMIC, 0x7ffc) = 0"), "DRM_IOCTL_MODE_ATOMIC");
        assert_eq!(
            request("7, _IOC(_IOC_READ|_IOC_WRITE, 0x64, 0xbf, 0x18), 0x7ffc) = 0"),
            "_IOC(_IOC_READ|_IOC_WRITE, 0x64, 0xbf, 0x18)"
        );
        assert_eq!(request("7, DRM_IOCTL_DROP_MASTER) = 0"), "DRM_IOCTL_DROP_MASTER");
        assert_eq!(request("7"), "ioctl");
    }

    #[test]
    fn beginnings_in_the_span() {
        let calls = count(LOG, 1_700_000_000.15, 1_700_000_000.8);
        assert_eq!(calls.total, 3);
        assert_eq!(
            calls.by_name.keys().map(String::as_str).collect::<Vec<_>>(),
            ["DRM_IOCTL_MODE_ATOMIC", "futex", "recvmsg"]
        );
    }
}
