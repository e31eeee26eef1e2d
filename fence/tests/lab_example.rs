//! The example of the crate's documentation, run.

#[test]
#[ignore = "lab"]
fn the_documented_example_runs() -> Result<(), fence::CallError> {
    use fence::{Acquire, AcquireState, SwTimeline, WaitSet};

    let timeline = SwTimeline::open()?;
    let mut acquire = Acquire::from_sync_file(timeline.fence(1, "render")?, fence::now());
    assert_eq!(acquire.advance()?, AcquireState::Pending);
    assert_eq!(acquire.driver(), Some("sw_sync"));

    // One epoll for all that is pending; it says which token is ready.
    let set = WaitSet::new()?;
    if let Some(fd) = acquire.wait_fd() {
        set.add(fd, 42)?;
    }
    let mut tokens = [0; 16];
    assert_eq!(set.wait(&mut tokens, Some(0))?, 0);

    timeline.inc(1)?; // the GPU is done
    assert_eq!(set.wait(&mut tokens, Some(0))?, 1);
    assert_eq!(tokens[0], 42);
    assert!(matches!(acquire.advance()?, AcquireState::Signalled { .. }));

    // A timeline that goes away fails what is pending on it: an error of the fence, not of the call.
    let mut lost = Acquire::from_sync_file(timeline.fence(2, "render")?, fence::now());
    drop(timeline);
    assert!(matches!(lost.advance()?, AcquireState::Failed(_)));
    Ok(())
}
