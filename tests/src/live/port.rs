//! A port that stays ours while the server on it is down.

use std::net::{TcpListener, UdpSocket};
use std::time::SystemTime;

/// Lies below the ports that Linux gives to outgoing connections. One of those could take our
/// port during an outage, or connect to itself when nobody listens.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Is a free TCP port that no other harness on this machine takes.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    /// The UDP port of the same number: the server has no use for it, so that it can be held.
    _claim: UdpSocket,
}

impl Port {
    /// Finds a port, beginning anywhere.
    pub(super) fn reserve() -> Self {
        let nanos = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().subsec_nanos();
        let begin = (nanos / 1_000 + std::process::id()) % u32::from(COUNT);
        let begin = u16::try_from(begin).unwrap_or_default();
        (0..COUNT)
            .find_map(|step| Self::claim(FIRST + (begin + step) % COUNT))
            .expect("one of 12 000 loopback ports is free")
    }

    fn claim(number: u16) -> Option<Self> {
        let claim = UdpSocket::bind(("127.0.0.1", number)).ok()?;
        TcpListener::bind(("127.0.0.1", number)).ok()?;
        Some(Self { number, _claim: claim })
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_and_then_free_to_listen_on() {
        let port = Port::reserve();
        assert!(Port::claim(port.number()).is_none());
        TcpListener::bind(("127.0.0.1", port.number())).expect("the port is for listening");
    }
}
