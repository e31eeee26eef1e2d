//! The example of the crate's documentation, run.

#[test]
#[ignore = "lab"]
fn the_documented_example_runs() -> Result<(), fence::CallError> {
    use fence::{Acquire, AcquireState, SwTimeline};

    let timeline = SwTimeline::open()?;
    let mut acquire = Acquire::from_sync_file(timeline.fence(1, "render")?, fence::now());
    assert_eq!(acquire.advance()?, AcquireState::Pending);
    assert_eq!(acquire.driver(), Some("sw_sync"));

    // An event loop polls this file descriptor; it becomes readable when there is something to look
    // at.
    assert!(acquire.wait_fd().is_some());

    timeline.inc(1)?; // the GPU is done
    assert!(matches!(acquire.advance()?, AcquireState::Signalled { .. }));

    // A timeline that goes away fails what is pending on it: an error of the fence, not of the
    // call.
    let mut lost = Acquire::from_sync_file(timeline.fence(2, "render")?, fence::now());
    drop(timeline);
    assert!(matches!(lost.advance()?, AcquireState::Failed(_)));
    Ok(())
}
