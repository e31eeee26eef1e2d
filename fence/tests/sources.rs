//! The calloop sources, on the kernel of pipes: each fires once, at the right time, and lets go of what it had.

use std::{os::fd::AsFd, sync::Mutex, time::Duration};

use calloop::EventLoop;
use fence::{
    Until, WaitSet,
    model::Model,
    source::{Once, WaitSource},
};

const NOW: Option<Duration> = Some(Duration::ZERO);

/// Tests of one process share its file descriptors, which are counted here.
static ALONE: Mutex<()> = Mutex::new(());

fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn sources_fire_once_and_close_what_they_own() {
    let _alone = ALONE.lock();
    let model = Model::leak();
    let device = fence::SyncDevice::new_on(model, model.device()).unwrap();
    let timeline = device.create_timeline().unwrap();
    let before = open_fds();
    {
        let mut events = EventLoop::<Vec<String>>::try_new().unwrap();
        let handle = events.handle();
        let (one, two) = (model.fence("gpu"), model.fence("gpu"));
        let file = Once::sync_file(model.sync_file(one)).unwrap();
        handle.insert_source(file, |file, (), seen| seen.push(format!("file {:?}", file.is_signalled()))).unwrap();
        for (until, name) in [(Until::Available, "available"), (Until::Signalled, "signalled")] {
            let point = Once::point(timeline.point(3), until).unwrap();
            handle
                .insert_source(point, move |point, (), seen: &mut Vec<String>| {
                    seen.push(format!("point {} {name}", point.value()));
                })
                .unwrap();
        }
        // One that is removed before it fires.
        let removed = handle
            .insert_source(Once::sync_file(model.sync_file(two)).unwrap(), |_, (), seen| seen.push("never".into()))
            .unwrap();
        let mut seen = Vec::new();
        let mut run = |seen: &mut Vec<String>| events.dispatch(NOW, seen).unwrap();
        run(&mut seen);
        assert!(seen.is_empty(), "{seen:?}");
        timeline.point(3).import(&model.sync_file(one)).unwrap();
        run(&mut seen);
        assert_eq!(seen, ["point 3 available"]);
        seen.clear();
        model.signal_fence(one, 1);
        run(&mut seen);
        seen.sort();
        assert_eq!(seen, ["file true", "point 3 signalled"]);
        handle.remove(removed);
        model.signal_fence(two, 2);
        seen.clear();
        run(&mut seen);
        assert!(seen.is_empty(), "{seen:?}");
    }
    assert_eq!(open_fds(), before, "sources and loop are gone");
}

#[test]
fn one_source_serves_hundreds_of_fences() {
    let _alone = ALONE.lock();
    let model = Model::leak();
    let mut events = EventLoop::<Vec<u64>>::try_new().unwrap();
    let fences: Vec<_> = (0..300).map(|_| model.fence("gpu")).collect();
    let files: Vec<_> = fences.iter().map(|fence| model.sync_file(*fence)).collect();
    let set = WaitSet::new().unwrap();
    for (token, file) in files.iter().enumerate() {
        set.add(file.as_fd(), token as u64).unwrap();
    }
    let source = WaitSource::new(set);
    assert!(source.set().add(&files[0], 0).is_err(), "it is in the set");
    events.handle().insert_source(source, |token, (), seen| seen.push(token)).unwrap();
    let mut seen = Vec::new();
    events.dispatch(NOW, &mut seen).unwrap();
    assert!(seen.is_empty());
    fences.iter().for_each(|fence| model.signal_fence(*fence, 1));
    // 64 a time: more than that are left for the next turn of the loop.
    for _ in 0..10 {
        events.dispatch(NOW, &mut seen).unwrap();
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..300).collect::<Vec<_>>(), "each once");
}
