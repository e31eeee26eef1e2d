//! What a playback device says on the wire, and when: a state machine without a kernel.
//!
//! Fed with what is wished ([`Machine::wake`], [`Machine::sleep`]), with the addresses of the
//! adapter and with messages that arrive; it answers with messages to send. Never keeps time and
//! never retries: the kernel does both.

/// Logical address of the television.
const TV: u8 = 0;
/// Logical address of everybody, and of senders that have none.
const ALL: u8 = 15;
/// The physical address that belongs to no device.
const NOWHERE: u16 = 0xffff;

/// Opcodes of CEC 1.4b that a playback device of ours says or understands.
mod op {
    pub const FEATURE_ABORT: u8 = 0x00;
    pub const IMAGE_VIEW_ON: u8 = 0x04;
    pub const STANDBY: u8 = 0x36;
    pub const ROUTING_CHANGE: u8 = 0x80;
    pub const ACTIVE_SOURCE: u8 = 0x82;
    pub const REQUEST_ACTIVE_SOURCE: u8 = 0x85;
    pub const SET_STREAM_PATH: u8 = 0x86;
    pub const GIVE_POWER_STATUS: u8 = 0x8f;
    pub const REPORT_POWER_STATUS: u8 = 0x90;
}

/// A message: a header (initiator, destination), an opcode, operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    bytes: [u8; 16],
    len: u8,
}

impl Message {
    /// From the bytes on the wire: 1 to 16 of them.
    pub fn from_wire(wire: &[u8]) -> Option<Self> {
        let mut bytes = [0; 16];
        bytes.get_mut(..wire.len()).filter(|bytes| !bytes.is_empty())?.copy_from_slice(wire);
        Some(Self { bytes, len: wire.len() as u8 })
    }

    fn new(from: u8, to: u8, rest: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes[0] = from << 4 | to;
        bytes[1..=rest.len()].copy_from_slice(rest);
        Self { bytes, len: rest.len() as u8 + 1 }
    }

    /// The bytes as they go over the wire.
    pub fn wire(&self) -> &[u8] {
        &self.bytes[..self.len.into()]
    }

    /// Logical address of the sender; 15 if it has none.
    pub fn initiator(&self) -> u8 {
        self.bytes[0] >> 4
    }

    /// Logical address of the receiver; 15 is everybody.
    pub fn destination(&self) -> u8 {
        self.bytes[0] & 15
    }

    /// The opcode; `None` for a poll.
    pub fn opcode(&self) -> Option<u8> {
        self.wire().get(1).copied()
    }

    /// What follows the opcode.
    pub fn operands(&self) -> &[u8] {
        self.wire().get(2..).unwrap_or_default()
    }

    fn address(&self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(self.operands().get(at..at + 2)?.try_into().ok()?))
    }
}

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, byte) in self.wire().iter().enumerate() {
            write!(f, "{}{byte:02x}", if at > 0 { ":" } else { "" })?;
        }
        Ok(())
    }
}

/// What the session hears of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteCommand {
    /// The television has asked this device, or everybody, to go to standby.
    Standby,
    /// The user has chosen this device at the television.
    Chosen,
    /// The user has chosen another device.
    Left,
}

/// The state of one playback device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Our logical address, while one is claimed.
    logical: Option<u8>,
    physical: u16,
    awake: bool,
    /// Whether the television is to show us, as far as we know.
    active: bool,
    standby_on_sleep: bool,
}

impl Machine {
    /// A device that is not on the wire yet. `standby_on_sleep`: whether [`Machine::sleep`] takes
    /// the television along.
    pub fn new(standby_on_sleep: bool) -> Self {
        Self { logical: None, physical: NOWHERE, awake: false, active: false, standby_on_sleep }
    }

    /// Logical and physical address, while the device is on the wire.
    pub fn addresses(&self) -> Option<(u8, u16)> {
        self.logical.map(|logical| (logical, self.physical))
    }

    /// Whether the television should be showing us.
    pub fn active(&self) -> bool {
        self.active
    }

    /// The adapter's addresses changed: `logical` as a mask, of which the playback ones are ours. A
    /// device that is to be shown says so as soon as it has its addresses back.
    pub fn configured(&mut self, physical: u16, logical: u16, mut send: impl FnMut(Message)) {
        let playback = [4, 8, 11].into_iter().find(|address| logical & (1 << address) != 0);
        let new = playback.filter(|_| physical != NOWHERE);
        let before = (self.logical, self.physical);
        (self.logical, self.physical) = (new, physical);
        if self.active && before != (new, physical) {
            self.show(&mut send);
        }
    }

    /// The outputs are on: <Image View On>, <Active Source>. Without an address yet, only the first
    /// is sent, so that a television that has its HDMI asleep comes back; the rest follows with the
    /// address.
    pub fn wake(&mut self, mut send: impl FnMut(Message)) {
        (self.awake, self.active) = (true, true);
        self.show(&mut send);
    }

    /// The outputs are off: <Standby> to the television, if that is wanted and it was showing us.
    pub fn sleep(&mut self, mut send: impl FnMut(Message)) {
        let shown = std::mem::take(&mut self.active);
        self.awake = false;
        if let (Some(own), true, true) = (self.logical, self.standby_on_sleep, shown) {
            send(Message::new(own, TV, &[op::STANDBY]));
        }
    }

    /// A message has arrived.
    pub fn received(&mut self, message: &Message, mut send: impl FnMut(Message)) -> Option<RemoteCommand> {
        let (Some(own), Some(opcode)) = (self.logical, message.opcode()) else { return None };
        let (from, broadcast) = (message.initiator(), message.destination() == ALL);
        if from == own || !(broadcast || message.destination() == own) {
            return None;
        }
        match opcode {
            op::STANDBY => {
                self.active = false;
                return Some(RemoteCommand::Standby);
            }
            op::ACTIVE_SOURCE if broadcast => return self.moved(message.address(0)?, &mut send),
            op::ROUTING_CHANGE if broadcast => return self.moved(message.address(2)?, &mut send),
            op::SET_STREAM_PATH if broadcast => return self.moved(message.address(0)?, &mut send),
            op::REQUEST_ACTIVE_SOURCE if broadcast => {
                if self.active {
                    self.announce(&mut send);
                }
            }
            op::GIVE_POWER_STATUS if !broadcast && from != ALL => {
                send(Message::new(own, from, &[op::REPORT_POWER_STATUS, u8::from(!self.awake)]));
            }
            // A follower answers for all that the kernel leaves to it, and never an abort with an
            // abort.
            op::FEATURE_ABORT => {}
            _ if broadcast || from == ALL => {}
            other => send(Message::new(own, from, &[op::FEATURE_ABORT, other, 0])),
        }
        None
    }

    /// The image now comes from the device at `physical`.
    fn moved(&mut self, physical: u16, send: &mut impl FnMut(Message)) -> Option<RemoteCommand> {
        let (was, here) = (self.active, physical == self.physical);
        self.active = here;
        match (was, here) {
            (_, true) => {
                self.announce(send);
                (!was).then_some(RemoteCommand::Chosen)
            }
            (true, false) => Some(RemoteCommand::Left),
            (false, false) => None,
        }
    }

    fn show(&self, send: &mut impl FnMut(Message)) {
        send(Message::new(self.logical.unwrap_or(ALL), TV, &[op::IMAGE_VIEW_ON]));
        self.announce(send);
    }

    fn announce(&self, send: &mut impl FnMut(Message)) {
        if let Some(own) = self.logical {
            let [high, low] = self.physical.to_be_bytes();
            send(Message::new(own, ALL, &[op::ACTIVE_SOURCE, high, low]));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: u16 = 0x1000;

    fn text(messages: &[Message]) -> Vec<String> {
        messages.iter().map(Message::to_string).collect()
    }

    /// A device with address 4 at 1.0.0.0 that says nothing yet.
    fn device(standby_on_sleep: bool) -> Machine {
        let mut machine = Machine::new(standby_on_sleep);
        machine.configured(HERE, 1 << 4, |message| panic!("{message} before anything was wished"));
        machine
    }

    fn hear(machine: &mut Machine, wire: &[u8]) -> (Option<RemoteCommand>, Vec<String>) {
        let mut sent = Vec::new();
        let heard = machine.received(&Message::from_wire(wire).unwrap(), |message| sent.push(message));
        (heard, text(&sent))
    }

    #[test]
    fn waking_and_sleeping() {
        for (standby, sleeping) in [(true, vec!["40:36"]), (false, vec![])] {
            let mut machine = device(standby);
            let mut sent = Vec::new();
            machine.wake(|message| sent.push(message));
            assert_eq!(text(&sent), ["40:04", "4f:82:10:00"]);
            sent.clear();
            machine.sleep(|message| sent.push(message));
            assert_eq!(text(&sent), sleeping);
            sent.clear();
            machine.sleep(|message| sent.push(message));
            assert_eq!(sent, [], "a device that is not shown does not turn the television off");
        }
    }

    #[test]
    fn a_television_that_comes_late_is_told_when_it_comes() {
        let mut machine = Machine::new(false);
        let mut sent = Vec::new();
        machine.wake(|message| sent.push(message));
        assert_eq!(text(&sent), ["f0:04"], "without an address only a view-on is allowed");
        sent.clear();
        machine.configured(HERE, 0, |message| sent.push(message));
        sent.clear();
        machine.configured(HERE, 1 << 8, |message| sent.push(message));
        assert_eq!(text(&sent), ["80:04", "8f:82:10:00"]);
        sent.clear();
        machine.configured(HERE, 1 << 8, |message| sent.push(message));
        assert_eq!(sent, [], "nothing has changed");
    }

    #[test]
    fn answers() {
        // (what arrives at address 4, 1.0.0.0, which is awake and shown; what is heard; what is
        // answered)
        let table: [(&[u8], Option<RemoteCommand>, &[&str]); 14] = [
            (&[0x04, 0x8f], None, &["40:90:00"]),
            (&[0x0f, 0x85], None, &["4f:82:10:00"]),
            (&[0x0f, 0x86, 0x10, 0x00], None, &["4f:82:10:00"]),
            (&[0x0f, 0x86, 0x20, 0x00], Some(RemoteCommand::Left), &[]),
            (&[0x8f, 0x82, 0x20, 0x00], Some(RemoteCommand::Left), &[]),
            (&[0x0f, 0x80, 0x10, 0x00, 0x20, 0x00], Some(RemoteCommand::Left), &[]),
            (&[0x0f, 0x36], Some(RemoteCommand::Standby), &[]),
            (&[0x04, 0x36], Some(RemoteCommand::Standby), &[]),
            (&[0x04, 0x44, 0x01], None, &["40:00:44:00"]),
            (&[0x04, 0x00, 0x82, 0x00], None, &[]),
            (&[0x0f, 0x32, 1, 2, 3], None, &[]),
            (&[0xf4, 0x8f], None, &[]),
            (&[0x08, 0x8f], None, &[]),
            (&[0x04], None, &[]),
        ];
        for (wire, heard, answers) in table {
            let mut machine = device(true);
            machine.wake(drop);
            assert_eq!(
                hear(&mut machine, wire),
                (heard, answers.iter().map(|&a| a.to_owned()).collect()),
                "{wire:02x?}"
            );
        }
    }

    #[test]
    fn a_device_that_sleeps_says_so_and_is_chosen_awake() {
        let mut machine = device(false);
        assert_eq!(hear(&mut machine, &[0x04, 0x8f]).1, ["40:90:01"]);
        assert_eq!(hear(&mut machine, &[0x0f, 0x85]).1, [""; 0]);
        let (heard, answer) = hear(&mut machine, &[0x0f, 0x86, 0x10, 0x00]);
        assert_eq!((heard, answer), (Some(RemoteCommand::Chosen), vec!["4f:82:10:00".to_owned()]));
    }

    #[derive(Debug, Clone)]
    enum Op {
        Wake,
        Sleep,
        Configured(u16, u16),
        Received(Vec<u8>),
    }

    fn ops() -> impl Strategy<Value = Vec<Op>> {
        let address = prop::sample::select(vec![HERE, 0x2000, NOWHERE]);
        let logical = prop::sample::select(vec![0, 1 << 4, 1 << 8, 1 << 4 | 1 << 5, 1]);
        let opcode = prop::sample::select(vec![0x36, 0x80, 0x82, 0x85, 0x86, 0x8f, 0x00, 0x44, 0x90]);
        let operands = prop::sample::select(vec![vec![], vec![0x10, 0], vec![0x20, 0], vec![0x20, 0, 0x10, 0]]);
        let message = (any::<u8>(), opcode, operands)
            .prop_map(|(head, opcode, operands)| [vec![head, opcode], operands].concat());
        let op = prop_oneof![
            Just(Op::Wake),
            Just(Op::Sleep),
            (address, logical).prop_map(|(physical, logical)| Op::Configured(physical, logical)),
            message.prop_map(Op::Received),
        ];
        prop::collection::vec(op, 1..40)
    }

    proptest! {
        /// What the kernel would refuse is never sent, the television is put to standby at a sleep
        /// alone, and an address that belongs to no device is never announced.
        #[test]
        fn what_is_sent_is_sound(ops in ops(), standby in any::<bool>()) {
            let mut machine = Machine::new(standby);
            for op in ops {
                let mut sent = Vec::new();
                match &op {
                    Op::Wake => machine.wake(|message| sent.push(message)),
                    Op::Sleep => machine.sleep(|message| sent.push(message)),
                    Op::Configured(physical, logical) => machine.configured(*physical, *logical, |m| sent.push(m)),
                    Op::Received(wire) => {
                        machine.received(&Message::from_wire(wire).unwrap(), |message| sent.push(message));
                    }
                }
                prop_assert!(sent.len() <= 2);
                for message in sent {
                    let (wire, opcode) = (message.wire(), message.opcode());
                    match machine.addresses() {
                        Some((own, _)) => prop_assert_eq!(message.initiator(), own),
                        None => prop_assert_eq!(wire, [0xf0, 0x04], "{:?}", op),
                    }
                    prop_assert_ne!(message.destination(), message.initiator());
                    prop_assert!(opcode != Some(0x36) || (standby && matches!(op, Op::Sleep)));
                    prop_assert!(opcode != Some(0x82) || message.address(0) != Some(NOWHERE));
                    prop_assert!(opcode != Some(0x00) || message.destination() != ALL);
                }
                prop_assert!(machine.addresses().is_none_or(|(own, physical)| own < 15 && physical != NOWHERE));
            }
        }
    }
}
