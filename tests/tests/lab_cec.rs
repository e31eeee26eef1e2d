//! CEC on a real wire (vivid's): what the session says to a television, and what it answers.

use std::os::fd::AsFd;
use std::time::Duration;

use kms::cec::{Adapter, Event, OsdName, Player, Readiness, UNKNOWN_ADDRESS};
use rustix::event::{PollFd, PollFlags, poll};
use syncline_tests::cec::Television;
use syncline_tests::compositor::Compositor;
use syncline_tests::time::poll_until;
use syncline_tests::user;

const SOON: Duration = Duration::from_secs(5);
const QUIET: Duration = Duration::from_millis(400);

/// A compositor whose `[cec]` has these lines, on the adapter that is wired to `television`.
fn compositor(television: &Television, lines: &str) -> Compositor {
    let dir = user::folder().unwrap();
    let config = dir.path().join("config.toml");
    let adapter = television.source.display();
    std::fs::write(&config, format!("[cec]\nadapter = \"{adapter}\"\n{lines}\n")).unwrap();
    Compositor::start(&["--config", config.to_str().unwrap()]).unwrap().keeping(dir)
}

#[test]
#[ignore = "lab"]
fn the_television_wakes_shows_us_and_learns_our_name() {
    let television = Television::new().unwrap();
    television.plug().unwrap();
    let compositor = compositor(&television, "enable = true\nosd-name = \"Den\"");
    television.expect("40:04", SOON).unwrap();
    television.expect("4f:82:10:00", SOON).unwrap();
    for (said, answer) in [
        (&[0x04, 0x46][..], "40:47:44:65:6e"),      // give OSD name: the kernel answers
        (&[0x04, 0x83], "4f:84:10:00:04"),          // give physical address: the kernel answers
        (&[0x04, 0x8f], "40:90:00"),                // give power status: on
        (&[0x0f, 0x85], "4f:82:10:00"),             // request active source
        (&[0x0f, 0x86, 0x10, 0x00], "4f:82:10:00"), // set stream path to us
        (&[0x04, 0x44, 0x01], "40:00:44:00"),       // user control pressed: feature abort
    ] {
        television.say(said).unwrap();
        television.expect(answer, SOON).unwrap();
    }
    compositor.stop().unwrap();
    assert_eq!(television.hear(QUIET).unwrap(), None, "the end of a session says nothing");
}

#[test]
#[ignore = "lab"]
fn a_television_that_comes_back_is_told_again() {
    let television = Television::new().unwrap();
    let compositor = compositor(&television, "enable = true");
    assert_eq!(television.hear(QUIET).unwrap(), None, "nothing is plugged in");
    for round in 0..2 {
        television.plug().unwrap();
        television.expect("40:04", SOON).unwrap();
        television.expect("4f:82:10:00", SOON).unwrap();
        television.unplug().unwrap();
        let lost = || compositor.log().lines().filter(|line| line.contains("has no display")).count();
        assert!(poll_until(SOON, || lost() > round), "{}", compositor.log());
    }
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_television_that_hides_its_display_while_it_sleeps_is_woken() {
    let television = Television::new().unwrap();
    television.plug().unwrap();
    television.hide().unwrap();
    let compositor = compositor(&television, "enable = true");
    // Only this is allowed without an address.
    television.expect("f0:04", SOON).unwrap();
    television.plug().unwrap();
    television.expect("4f:82:10:00", SOON).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn standby_is_followed_only_if_wanted() {
    for (follow, power) in [(true, "40:90:01"), (false, "40:90:00")] {
        let television = Television::new().unwrap();
        television.plug().unwrap();
        let lines = format!("enable = true\nstandby-on-sleep = true\nfollow-tv-standby = {follow}");
        let compositor = compositor(&television, &lines);
        television.expect("4f:82:10:00", SOON).unwrap();
        television.say(&[0x0f, 0x36]).unwrap();
        assert!(poll_until(SOON, || compositor.log().contains("goes to standby")), "{}", compositor.log());
        television.say(&[0x04, 0x8f]).unwrap();
        // The next message is the answer: a television that goes to standby is not sent there
        // again.
        assert_eq!(television.hear(SOON).unwrap().as_deref(), Some(power), "follow {follow}");
        compositor.stop().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn off_by_default_and_without_harm_where_there_is_none() {
    let television = Television::new().unwrap();
    television.plug().unwrap();
    let silent = compositor(&television, "");
    assert_eq!(television.hear(QUIET).unwrap(), None, "CEC is off unless asked for");
    silent.stop().unwrap();
    let dir = user::folder().unwrap();
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "[cec]\nenable = true\nadapter = \"/dev/cec77\"\n").unwrap();
    let without = Compositor::start(&["--config", config.to_str().unwrap()]).unwrap();
    assert!(without.log().contains("/dev/cec77"), "{}", without.log());
    without.stop().unwrap();
}

/// Dispatches until `wanted` is reported.
fn until(player: &mut Player, wanted: Event) {
    let mut seen = Vec::new();
    let limit = rustix::time::Timespec { tv_sec: 5, tv_nsec: 0 };
    while !seen.contains(&wanted) {
        let fd = player.as_fd();
        let ready = poll(&mut [PollFd::new(&fd, PollFlags::IN | PollFlags::PRI)], Some(&limit)).unwrap();
        assert!(ready > 0, "{wanted:?} does not come, only {seen:?}");
        assert_eq!(player.dispatch(|event| seen.push(event)).unwrap(), Readiness::Drained);
    }
}

#[test]
#[ignore = "lab"]
fn a_player_puts_the_television_to_standby_and_gives_its_address_back() {
    let television = Television::new().unwrap();
    let claimed = Event::Claimed { logical: 4, physical: 0x1000 };
    let info = || Adapter::open(&television.source).unwrap().info().unwrap();
    assert_eq!((info().physical_address, info().connector, info().wants_address()), (UNKNOWN_ADDRESS, None, false));
    for name in ["One", "Two"] {
        let adapter = Adapter::open(&television.source).unwrap();
        let mut player = Player::new(adapter, OsdName::new(name).unwrap(), true).unwrap();
        player.wake();
        television.plug().unwrap();
        until(&mut player, claimed);
        television.expect("40:04", SOON).unwrap();
        television.expect("4f:82:10:00", SOON).unwrap();
        player.sleep();
        television.expect("40:36", SOON).unwrap();
        television.say(&[0x04, 0x8f]).unwrap();
        assert!(poll_until(SOON, || {
            player.dispatch(|_| {}).unwrap();
            television.hear(Duration::from_millis(50)).unwrap().as_deref() == Some("40:90:01")
        }));
        television.unplug().unwrap();
        until(&mut player, Event::Lost);
        television.plug().unwrap();
        until(&mut player, claimed);
        assert_eq!(info().logical_addresses, 1 << 4);
        drop(player);
        assert_eq!(info().logical_addresses, 0, "the address of {name} stays behind");
        television.unplug().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn an_address_that_is_being_claimed_by_another_is_waited_for() {
    let television = Television::new().unwrap();
    // Somebody's player, left behind by a kill: the kernel claims its address whenever the display
    // comes.
    let adapter = Adapter::open(&television.source).unwrap();
    std::mem::forget(Player::new(adapter, OsdName::new("Left").unwrap(), false).unwrap());
    television.plug().unwrap();
    let adapter = Adapter::open(&television.source).unwrap();
    let mut player = Player::new(adapter, OsdName::new("Right").unwrap(), false).unwrap();
    until(&mut player, Event::Claimed { logical: 4, physical: 0x1000 });
    television.say(&[0x04, 0x46]).unwrap();
    television.expect("40:47:52:69:67:68:74", SOON).unwrap();
}

#[test]
#[ignore = "lab"]
fn the_television_goes_to_standby_with_the_display_and_wakes_with_it() {
    for (standby, heard) in [(true, Some("40:36")), (false, None)] {
        let television = Television::new().unwrap();
        television.plug().unwrap();
        let compositor = compositor(&television, &format!("enable = true\nstandby-on-sleep = {standby}"));
        television.expect("40:04", SOON).unwrap();
        television.expect("4f:82:10:00", SOON).unwrap();
        let name = compositor.status().unwrap()["outputs"][0]["name"].as_str().unwrap().to_owned();
        assert!(compositor.msg(&["output", &name, "off"]).unwrap().status.success());
        assert_eq!(television.hear(if standby { SOON } else { QUIET }).unwrap().as_deref(), heard);
        assert!(compositor.msg(&["output", &name, "on"]).unwrap().status.success());
        television.expect("40:04", SOON).unwrap();
        television.expect("4f:82:10:00", SOON).unwrap();
        compositor.stop().unwrap();
    }
}
