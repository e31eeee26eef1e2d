//! Releases: what a point, a dma-buf and a message get, also where a call fails.

use super::*;

/// Fences of a release, by the status that their info has.
const OK: i32 = 1;
const FAILS: i32 = -1;
const PENDING: i32 = 0;

/// What a release point waits for: of these fences, by what has become of them, and of the acquire
/// that failed.
#[test]
fn a_point_carries_what_is_still_to_be_waited_for() {
    // (fences, the acquire failed; those that go into the point: indices, 9 for the acquire's)
    type Case<'a> = (&'a [i32], bool, &'a [usize], bool);
    let table: &[Case<'_>] = &[
        (&[], false, &[], false),
        (&[PENDING], false, &[0], false),
        // One is not looked at.
        (&[OK], false, &[0], false),
        (&[OK, PENDING], false, &[1], false),
        (&[PENDING, PENDING], false, &[0, 1], false),
        (&[PENDING, OK, PENDING, PENDING], false, &[0, 2, 3], false),
        (&[OK, OK], false, &[], false),
        (&[OK, FAILS], false, &[1], true),
        (&[FAILS, PENDING], false, &[1], false),
        (&[], true, &[9], true),
        (&[OK], true, &[9], true),
        (&[FAILS], true, &[9], true),
        (&[PENDING], true, &[0], false),
    ];
    for old in [false, true] {
        for (fences, acquire_failed, expected, carried) in table {
            let world = if old { World::old() } else { world() };
            let point = world.point(1);
            let mut release = Release::point(point.clone());
            let mut ids = Vec::new();
            for status in *fences {
                let fence = world.model.fence("gpu");
                release.add_fence(world.model.sync_file(fence));
                match *status {
                    OK => world.model.signal_fence(fence, 1),
                    FAILS => world.fail(fence),
                    _ => {}
                }
                ids.push(fence);
            }
            let acquired = world.model.fence("client");
            if *acquire_failed {
                let file = world.model.sync_file(acquired);
                world.fail(acquired);
                release.fail(FenceError(Errno::IO), Some(file));
                release.fail(FenceError(Errno::CANCELED), None);
            }
            let done = release.complete().unwrap();
            let what = format!("{fences:?}, acquire failed: {acquire_failed}, old: {old}");
            let expected: Vec<_> = expected.iter().map(|at| *ids.get(*at).unwrap_or(&acquired)).collect();
            let waits = world.fences(&point).unwrap();
            // On the way through a helper the kernel drops what has signalled.
            let passed: Vec<_> = expected.iter().filter(|fence| !old || !world.model.has_signalled(**fence)).collect();
            assert_eq!(waits.iter().collect::<Vec<_>>(), passed, "{what}");
            let kind =
                if expected.is_empty() { ReleaseOutcome::PointSignalled } else { ReleaseOutcome::PointMaterialised };
            assert_eq!((done.kind, done.fences), (kind, fences.len()), "{what}");
            assert_eq!(done.carried, *carried && !old, "{what}");
            // One fence alone is not looked at.
            let seen = *acquire_failed || fences.len() > 1 && fences.contains(&FAILS);
            assert_eq!(done.error, seen.then_some(FenceError(Errno::IO)), "{what}");
            assert_eq!(done.added, Added::InOrder);
        }
    }
}

#[test]
fn a_dmabuf_gets_every_fence_once() {
    let world = world();
    let planes: Vec<Arc<OwnedFd>> = (0..2).map(|_| Arc::new(world.model.dmabuf())).collect();
    let [used, shown, failed] = ["gpu", "vkms", "client"].map(|driver| world.model.fence(driver));
    let shown_file = world.model.sync_file(shown);
    let mut release = Release::dmabuf_on(world.faults, [&planes[0], &planes[0], &planes[1]]);
    assert!(release.target_point().is_none());
    release.add_fence(world.model.sync_file(used));
    release.fail(FenceError(Errno::IO), Some(world.model.sync_file(failed)));
    let done = release.complete_with(&shown_file).unwrap();
    assert_eq!((done.kind, done.fences, done.carried), (ReleaseOutcome::Dmabuf, 2, true));
    for plane in &planes {
        assert_eq!(world.model.dmabuf_fences(plane.as_fd()), Some(vec![used, failed, shown]));
    }
    assert!(release.is_finished());
    assert_eq!(release.complete_with(&shown_file).unwrap().kind, ReleaseOutcome::None, "once");

    let mut release = Release::dmabuf_on(world.faults, [&planes[0]]);
    world.faults.fail(Call::DmabufImport, Errno::NOMEM);
    assert!(release.complete_with(&shown_file).unwrap_err().is_transient());
    assert!(!release.is_finished(), "the call can be repeated");
    let done = release.complete_with(&shown_file).unwrap();
    assert_eq!((done.kind, done.carried), (ReleaseOutcome::Dmabuf, false));
    assert_eq!(Release::none().complete().unwrap().kind, ReleaseOutcome::None);
}

#[test]
fn a_release_that_cannot_be_completed_gives_the_buffer_back_all_the_same() {
    let world = world();
    let point = world.point(1);
    let mut release = Release::point(point.clone());
    assert_eq!(release.target_point(), Some(&point));
    release.add_fence(world.model.sync_file(world.model.fence("gpu")));
    world.faults.fail(Call::FdToHandle, Errno::INVAL);
    assert_eq!(release.complete().unwrap_err().errno, Errno::INVAL);
    assert_eq!(point.is_signalled(), Ok(true));

    let dropped = world.point(1);
    let mut release = Release::point(dropped.clone());
    let fence = world.model.fence("gpu");
    release.add_fence(world.model.sync_file(fence));
    drop(release);
    assert_eq!(world.fences(&dropped), Some(vec![fence]));

    // In the queue as well.
    let deferred = world.point(1);
    let mut release = Release::point(deferred.clone());
    release.add_fence(world.model.sync_file(world.model.fence("gpu")));
    world.faults.fail(Call::FdToHandle, Errno::NOMEM);
    assert_eq!(release.complete().unwrap().kind, ReleaseOutcome::Deferred);
    world.faults.fail(Call::FdToHandle, Errno::INVAL);
    assert_eq!((world.device.retry_releases(), deferred.is_signalled()), (0, Ok(true)));
}

/// A client whose connection refuses what it is sent.
#[derive(Clone, Debug, Default)]
struct Refuses(Arc<Mutex<Vec<bool>>>);

impl ReleaseMessage for Refuses {
    fn send(&self, fence: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
        self.0.lock().unwrap().push(fence.is_some());
        if fence.is_some() { Err(Errno::IO) } else { Ok(()) }
    }
}

#[test]
fn a_message_that_cannot_carry_its_fence_is_sent_without() {
    let world = world();
    let (client, retries) = (Refuses::default(), DeferredReleases::default());
    let mut release = Release::message_on(world.faults, Box::new(client.clone()), &retries);
    assert!(release.target_point().is_none());
    release.add_fence(world.model.sync_file(world.model.fence("gpu")));
    assert_eq!(release.complete().unwrap_err().errno, Errno::IO);
    assert_eq!(*client.0.lock().unwrap(), [true, false]);
}

#[test]
fn a_lent_fence_is_kept_when_the_release_is_deferred() {
    for link in [false, true] {
        let world = world();
        let out = world.point(1);
        let fence = world.materialise(&out, "vkms");
        let file = if link { out.export().unwrap().unwrap() } else { world.model.sync_file(fence) };
        let back = world.point(1);
        let mut release = Release::point(back.clone());
        release.fail(FenceError(Errno::IO), None);
        world.faults.fail(Call::FdToHandle, Errno::NOMEM);
        let done = release.complete_with(&file).unwrap();
        assert_eq!((done.kind, done.fences), (ReleaseOutcome::Deferred, 1));
        assert_eq!((done.error, done.carried), (Some(FenceError(Errno::IO)), false));
        drop(file);
        world.faults.take_calls();
        assert_eq!(world.device.retry_releases(), 0);
        // A link goes by way of a helper, which is emptied.
        assert_eq!(world.faults.take_calls(), if link { 3 } else { 1 });
        assert_eq!(world.fences(&back), Some(vec![fence]));
    }
}

#[test]
fn fences_are_merged_in_pairs_and_more_of_them_without_descriptors() {
    for (count, calls, descriptors) in [(1, 1, true), (2, 4, true), (2, 8, false), (3, 9, true), (3, 9, false)] {
        let world = world();
        let point = world.point(1);
        let mut release = Release::point(point.clone());
        let fences: Vec<_> = (0..count).map(|_| world.model.fence("gpu")).collect();
        fences.iter().for_each(|fence| release.add_fence(world.model.sync_file(*fence)));
        let handles = world.model.open_handles();
        world.faults.exhaust_fds(!descriptors);
        world.faults.take_calls();
        release.complete().unwrap();
        let what = format!("{count} fences, descriptors: {descriptors}");
        assert_eq!(world.faults.take_calls(), calls, "{what}");
        assert_eq!(world.fences(&point), Some(fences), "{what}");
        assert_eq!(world.model.open_handles(), handles, "{what}");
    }
}

#[test]
fn the_one_fence_that_is_pending_goes_in_as_it_is() {
    let world = world();
    let point = world.point(1);
    let mut release = Release::point(point.clone());
    let [over, pending] = ["gpu", "vkms"].map(|driver| world.model.fence(driver));
    world.model.signal_fence(over, 1);
    [over, pending].iter().for_each(|fence| release.add_fence(world.model.sync_file(*fence)));
    world.faults.take_calls();
    release.complete().unwrap();
    assert_eq!((world.faults.take_calls(), world.fences(&point)), (3, Some(vec![pending])), "two looks, one import");
}

#[test]
fn a_merge_that_cannot_be_right_is_an_error_and_the_point_is_signalled() {
    let world = world();
    let point = world.point(1);
    let mut release = Release::point(point.clone());
    (0..2).for_each(|_| release.add_fence(world.model.sync_file(world.model.fence("gpu"))));
    world.faults.fail(Call::Merge, Errno::NOENT);
    assert_eq!(release.complete().unwrap_err().errno, Errno::NOENT);
    assert_eq!(point.is_signalled(), Ok(true));
}

#[test]
fn a_merge_without_descriptors_leaves_nothing_when_it_fails_first() {
    let world = world();
    let handles = world.model.open_handles();
    for failing in [None, Some(Call::FdToHandle), Some(Call::Create), Some(Call::Transfer)] {
        let point = world.point(1);
        let fences: Vec<_> = (0..3).map(|_| world.model.fence("gpu")).collect();
        let mut release = Release::point(point.clone());
        fences.iter().for_each(|fence| release.add_fence(world.model.sync_file(*fence)));
        if let Some(call) = failing {
            world.faults.fail(call, Errno::NOMEM);
        }
        release.complete().unwrap();
        assert_eq!(world.device.retry_releases(), 0);
        assert_eq!(world.fences(&point), Some(fences), "{failing:?}");
        drop(point);
        assert_eq!(world.model.open_handles(), handles, "{failing:?}");
    }
}
