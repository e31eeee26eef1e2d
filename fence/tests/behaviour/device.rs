//! Devices, timelines and points, also on kernels that lack something.

use super::*;

#[test]
fn old_kernels_reach_points_by_way_of_a_helper() {
    for (old, export, import) in [(false, 1, 1), (true, 3, 3)] {
        let world = if old { World::old() } else { world() };
        assert_eq!(world.device.caps().timeline_export, !old);
        assert_eq!(world.device.require(), Ok(()));
        let point = world.point(5);
        let handles = world.model.open_handles();
        let file = world.model.sync_file(world.model.fence("gpu"));
        for value in [1, 2] {
            world.faults.take_calls();
            let point = point.timeline().point(value);
            point.import(&file).unwrap();
            assert_eq!(world.faults.take_calls(), import, "old: {old}, point {value}");
            assert!(point.export().unwrap().is_some());
            assert_eq!(world.faults.take_calls(), export, "old: {old}, point {value}");
        }
        assert_eq!(world.model.open_handles(), handles);
        assert!(point.export().unwrap().is_none(), "not yet");
        world.faults.take_calls();
        // Value 0 needs no helper anywhere.
        let whole = world.point(0);
        world.faults.take_calls();
        whole.import(&file).unwrap();
        assert!(whole.export().unwrap().is_some());
        assert_eq!(world.faults.take_calls(), 2);
    }
}

/// A client's fence would stay until the next one comes, and with it what its driver keeps for it.
#[test]
fn a_helper_keeps_no_fence() {
    for old in [false, true] {
        let world = if old { World::old() } else { world() };
        let timeline = world.device.create_timeline().unwrap();
        let fence = world.materialise(&timeline.point(1), "gpu");
        // A link of a chain, which goes by way of the helper on each kernel.
        let link = timeline.point(1).export().unwrap().unwrap();
        let other = world.point(1);
        other.import(&link).unwrap();
        assert_eq!(world.fences(&other), Some(vec![fence]));
        assert!(world.model.is_in_syncobj(fence));
        drop((timeline, link, other));
        assert!(!world.model.is_in_syncobj(fence), "old: {old}");
    }
}

/// The next fence takes the place of what it has.
#[test]
fn a_helper_that_cannot_be_emptied_is_used_all_the_same() {
    let world = World::old();
    let point = world.point(1);
    for (value, failing) in [(1, true), (2, false)] {
        if failing {
            world.faults.fail(Call::Reset, Errno::NOMEM);
        }
        let fence = world.model.fence("gpu");
        let point = point.timeline().point(value);
        point.import(&world.model.sync_file(fence)).unwrap();
        assert!(world.fences(&point).is_some_and(|fences| fences.contains(&fence)), "point {value}");
    }
}

#[test]
fn a_device_says_what_it_lacks() {
    let World { model, faults, .. } = world();
    let probe = |call: Option<(Call, Errno)>| {
        call.into_iter().for_each(|(call, errno)| faults.fail(call, errno));
        SyncDevice::new_on(faults, model.device())
    };
    let device = probe(Some((Call::RegisterEventfd, Errno::INVAL))).unwrap();
    assert_eq!(device.require(), Err(Missing::Eventfd));
    assert_eq!(device.caps().missing().collect::<Vec<_>>(), [Missing::Eventfd]);
    assert!(device.caps().timeline && device.caps().syncobj && device.caps().timeline_export);
    assert_eq!(probe(Some((Call::GetCap, Errno::NOTTY))).unwrap_err().errno, Errno::NOTTY);
    let handles = model.open_handles() + 1;
    let device = probe(None).unwrap();
    assert_eq!(model.open_handles(), handles, "a device has one helper");
    assert!(device.signalled().unwrap().is_signalled());
    assert_eq!(model.open_handles(), handles);
    assert!(format!("{device:?}").starts_with("SyncDevice("));
    drop(device);
    assert_eq!(model.open_handles(), handles - 1, "the file may be a duplicate of one that stays open");
}

#[test]
fn a_timeline_is_shared_by_descriptor() {
    let world = world();
    let timeline = world.device.create_timeline().unwrap();
    let other = world.device.import_timeline(timeline.export_fd().unwrap().as_fd()).unwrap();
    assert_ne!(timeline.handle(), other.handle());
    assert!(timeline != other && timeline == timeline.clone());
    assert_eq!(timeline.payload(), Ok(Payload::Empty));
    let fence = world.materialise(&timeline.point(4), "gpu");
    timeline.point(9).signal().unwrap();
    assert_eq!((other.query(), other.query_available()), (Ok(0), Ok(9)), "a later point waits for those before it");
    assert_eq!(other.payload(), Ok(Payload::Timeline(9)));
    assert_eq!((other.point(4).is_materialised(), other.point(4).is_signalled()), (Ok(true), Ok(false)));
    assert_eq!(other.point(10).is_materialised(), Ok(false));
    world.model.signal_fence(fence, 1);
    assert_eq!((other.query(), other.point(4).is_signalled()), (Ok(9), Ok(true)));
    other.reset().unwrap();
    assert_eq!(timeline.query_available(), Ok(0));
    timeline.signal(0).unwrap();
    assert_eq!(other.payload(), Ok(Payload::Binary));
    let handles = world.model.open_handles();
    let point = other.point(1);
    drop(other);
    assert_eq!(world.model.open_handles(), handles, "a point keeps it");
    drop(point);
    assert_eq!(world.model.open_handles(), handles - 1);
    assert!(format!("{timeline:?}").starts_with(&format!("Timeline({} of SyncDevice(", timeline.handle())));
    let (pipe, _end) = rustix::pipe::pipe().unwrap();
    assert_eq!(world.device.import_timeline(pipe.as_fd()).unwrap_err().errno, Errno::INVAL);
}

#[test]
fn a_point_that_is_not_above_the_last_one_is_out_of_order() {
    let world = world();
    let timeline = world.device.create_timeline().unwrap();
    for (value, added) in [
        (1, Added::InOrder),
        (1, Added::OutOfOrder),
        (5, Added::InOrder),
        (4, Added::OutOfOrder),
        (0, Added::InOrder),
        (5, Added::OutOfOrder),
        (6, Added::InOrder),
    ] {
        assert_eq!(timeline.signal(value), Ok(added), "{value}");
    }
    timeline.reset().unwrap();
    assert_eq!(timeline.signal(1), Ok(Added::InOrder), "nothing is on it");
}

#[test]
fn a_fence_goes_from_point_to_point_without_a_descriptor() {
    let world = world();
    let (from, to) = (world.point(1), world.point(1));
    assert_eq!(from.transfer(&to), Ok(None), "there is none yet");
    let fence = world.materialise(&from, "gpu");
    assert_eq!(from.transfer(&to), Ok(Some(Added::InOrder)));
    assert_eq!(world.fences(&to), Some(vec![fence]));
    assert_eq!(from.transfer(&to), Ok(Some(Added::OutOfOrder)));
    world.faults.fail(Call::Transfer, Errno::NOMEM);
    assert_eq!(from.transfer(&to).unwrap_err().errno, Errno::NOMEM);
    let foreign = self::world().point(1);
    assert_eq!(from.transfer(&foreign).unwrap_err().errno, Errno::XDEV);
}

#[test]
fn an_eventfd_fires_when_its_point_is_there() {
    let world = world();
    let point = world.point(2);
    let (available, signalled) = (point.eventfd(Until::Available).unwrap(), point.eventfd(Until::Signalled).unwrap());
    assert!(!is_readable(&available) && !is_readable(&signalled));
    let fence = world.materialise(&point, "gpu");
    assert!(is_readable(&available) && !is_readable(&signalled));
    world.model.signal_fence(fence, 1);
    assert!(is_readable(&signalled));
    let again = world.model.fence("gpu");
    let later = point.timeline().point(3);
    later.register(&available, Until::Available).unwrap();
    later.import(&world.model.sync_file(again)).unwrap();
    let mut count = [0; 8];
    rustix::io::read(&available, &mut count).unwrap();
    assert_eq!(u64::from_ne_bytes(count), 2, "once each");
}

#[test]
fn a_wait_is_for_one_point_or_for_all() {
    let world = world();
    let points: Vec<_> = (0..3).map(|_| world.point(1)).collect();
    let wait = |all, until| wait_points(&points, all, until, 0, None);
    assert_eq!(wait_points(&[], false, Until::Signalled, 0, None), Ok(None));
    assert_eq!(wait(false, Until::Available), Ok(None));
    let fence = world.materialise(&points[1], "gpu");
    assert_eq!((wait(false, Until::Available), wait(false, Until::Signalled)), (Ok(Some(1)), Ok(None)));
    assert_eq!(wait(true, Until::Available), Ok(None));
    world.model.signal_fence(fence, 1);
    assert_eq!((wait(false, Until::Signalled), wait(true, Until::Signalled)), (Ok(Some(1)), Ok(None)));
    let last = world.materialise(&points[0], "gpu");
    points[2].signal().unwrap();
    assert_eq!((wait(true, Until::Available), wait(true, Until::Signalled)), (Ok(Some(0)), Ok(None)));
    assert_eq!(world.model.deadline(last), None);
    assert_eq!(wait_points(&points, true, Until::Signalled, 0, Some(7)), Ok(None));
    assert_eq!(world.model.deadline(last), Some(7));
    world.faults.fail(Call::Wait, Errno::NOMEM);
    assert_eq!(wait(true, Until::Signalled).unwrap_err().errno, Errno::NOMEM);
    let foreign = self::world().point(1);
    let mixed = [points[0].clone(), foreign];
    assert_eq!(wait_points(&mixed, false, Until::Signalled, 0, None).unwrap_err().errno, Errno::XDEV);
}

#[test]
fn a_file_is_cloned_with_its_fences() {
    let World { model, .. } = world();
    let fence = model.fence("gpu");
    let file = model.sync_file(fence);
    let clone = file.try_clone().unwrap();
    assert!(!clone.is_signalled());
    model.signal_fence(fence, 1);
    assert!(clone.is_signalled());
    let fd: OwnedFd = clone.into();
    assert!(is_readable(fd));
}
