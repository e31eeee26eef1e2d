//! `syncline msg fences`: who is waited for, who keeps a buffer, whose fence was overdue; and the
//! same in the trace.

use std::time::Duration;

use fence::SwTimeline;
use serde_json::Value;
use syncline_tests::client::actor::{Actor, Gate};
use syncline_tests::compositor::Compositor;
use syncline_tests::time::poll_until;
use syncline_tests::user;

const SOON: Duration = Duration::from_secs(3);

/// A compositor whose watchdog speaks after 200 ms.
fn start(args: &[&str]) -> Compositor {
    let folder = user::folder().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[fences]\nwatchdog = 200\n").unwrap();
    let path = config.to_string_lossy().into_owned();
    Compositor::start(&[&["--config", &path], args].concat()).unwrap().keeping(folder)
}

fn fences(compositor: &Compositor) -> Value {
    let out = compositor.msg(&["fences", "--json"]).unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn table(compositor: &Compositor) -> String {
    String::from_utf8(compositor.msg(&["fences"]).unwrap().stdout).unwrap()
}

fn list<'a>(report: &'a Value, name: &str) -> &'a Vec<Value> {
    report[name].as_array().unwrap_or_else(|| panic!("no {name} in {report}"))
}

/// The kinds of users of the surface's commit.
fn users(report: &Value, commit: u64) -> Vec<Value> {
    let buffer = list(report, "buffers").iter().find(|b| b["commit"] == commit);
    buffer.map(|b| b["users"].as_array().unwrap().clone()).unwrap_or_default()
}

#[test]
#[ignore = "lab"]
fn a_fence_that_never_signals_is_listed_with_its_driver_and_reported() {
    let compositor = start(&[]);
    let mut actor = Actor::new(&compositor, "stuck", None).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let _stuck = actor.commit(2, Gate::Fence(&timeline.fence(1, "never").unwrap())).unwrap();
    actor.client.roundtrip().unwrap();
    // The next latch looks at it first; then it is waited for.
    poll_until(SOON, || fences(&compositor)["acquires"][0]["waits_for"] == "signal");
    let report = fences(&compositor);
    let [acquire] = list(&report, "acquires").as_slice() else { panic!("{report}") };
    assert_eq!(acquire["state"], "pending", "{acquire}");
    assert_eq!(acquire["driver"], "sw_sync", "{acquire}");
    assert!(!acquire["timeline"].as_str().unwrap().is_empty(), "{acquire}");
    assert_eq!(acquire["point"], 1);
    assert_eq!(acquire["waits_for"], "signal");
    assert_eq!(acquire["client_pid"], std::process::id());
    assert!(acquire["client_name"].as_str().unwrap().starts_with("lab_exact_msg"), "{acquire}");
    assert!(acquire["predicted_in_ns"].is_null(), "one frame is no past: {acquire}");
    assert_eq!(acquire["taken_back"], 0);
    let (surface, commit) = (acquire["surface"].clone(), acquire["commit"].as_u64().unwrap());
    assert!(users(&report, commit).iter().any(|u| u["use"] == "acquire"), "{report}");
    // It grows old.
    let age = acquire["age_ns"].as_u64().unwrap();
    actor.client.idle(Duration::from_millis(50)).unwrap();
    let later = fences(&compositor)["acquires"][0]["age_ns"].as_u64().unwrap();
    assert!(later >= age + 50_000_000, "{later} after {age}");
    // And the watchdog speaks, once.
    let mut last = Value::Null;
    poll_until(SOON, || {
        last = fences(&compositor);
        last["watchdog_hits"] == 1
    });
    assert_eq!((&last["watchdog_hits"], &last["watchdog_ms"]), (&1.into(), &200.into()), "{last}");
    let [hit] = list(&last, "recent_hits").as_slice() else { panic!("{last}") };
    assert_eq!((&hit["surface"], &hit["commit"]), (&surface, &commit.into()));
    assert_eq!((&hit["state"], &hit["driver"]), (&"pending".into(), &"sw_sync".into()));
    assert_eq!(hit["client_pid"], std::process::id());
    assert!(hit["age_ns"].as_u64().unwrap() > 200_000_000, "{hit}");
    let request = hit["request"].as_str().unwrap();
    assert!(request.contains(".commit") && request.contains("set_acquire_point"), "{request}");
    assert!(hit["report"].as_str().unwrap().contains("driver sw_sync"), "{hit}");
    let text = table(&compositor);
    assert!(text.contains("sw_sync") && text.contains("watchdog: 1 hits, limit 200 ms"), "{text}");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_point_without_a_fence_waits_for_its_client() {
    let compositor = start(&[]);
    let mut actor = Actor::new(&compositor, "empty", None).unwrap();
    actor.show(1).unwrap();
    let late = actor.commit(2, Gate::Nothing).unwrap();
    actor.client.roundtrip().unwrap();
    let report = fences(&compositor);
    let acquire = &list(&report, "acquires")[0];
    assert_eq!((&acquire["state"], &acquire["waits_for"]), (&"unmaterialised".into(), &"submit".into()), "{acquire}");
    assert_eq!(acquire["driver"], "");
    late.acquire.signal().unwrap();
    actor.presented(&late).unwrap();
    assert!(list(&fences(&compositor), "acquires").is_empty());
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_buffer_on_the_screen_is_used_by_its_plane_until_its_client_is_gone() {
    let compositor = start(&[]);
    let mut actor = Actor::new(&compositor, "shown", None).unwrap();
    actor.show(1).unwrap();
    actor.show(2).unwrap();
    let report = fences(&compositor);
    let [buffer] = list(&report, "buffers").as_slice() else { panic!("only the last one is out: {report}") };
    assert_eq!((&buffer["kind"], &buffer["client_pid"]), (&"point".into(), &std::process::id().into()), "{buffer}");
    assert!(buffer["point"].is_u64() && buffer["age_ns"].as_u64().unwrap() > 0, "{buffer}");
    let users = buffer["users"].as_array().unwrap();
    assert!(users.iter().any(|u| u["use"] == "surface"), "{buffer}");
    let plane = users.iter().find(|u| u["use"] == "plane").unwrap_or_else(|| panic!("on no plane: {buffer}"));
    assert_eq!(plane["plane_kind"], "primary");
    assert!(
        plane["plane"].as_u64().unwrap() > 0 && plane["output"].as_str().unwrap().starts_with("Virtual"),
        "{plane}"
    );
    let text = table(&compositor);
    assert!(text.contains("the surface, primary plane"), "{text}");
    drop(actor);
    let mut last = Value::Null;
    let empty = poll_until(SOON, || {
        last = fences(&compositor);
        list(&last, "acquires").is_empty() && list(&last, "buffers").is_empty()
    });
    assert!(empty, "left behind: {last}");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn the_trace_has_what_the_list_has() {
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json").to_string_lossy().into_owned();
    let compositor = start(&["--trace", &path]);
    let mut actor = Actor::new(&compositor, "traced", None).unwrap();
    actor.show(1).unwrap();
    let late = actor.commit(2, Gate::Nothing).unwrap();
    actor.client.roundtrip().unwrap();
    let timeline = SwTimeline::open().unwrap();
    late.acquire.import(&timeline.fence(1, "late").unwrap()).unwrap();
    assert!(poll_until(SOON, || fences(&compositor)["watchdog_hits"] == 1));
    compositor.stop().unwrap();
    let events: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let of = |name: &str| events.iter().filter(|e| e["name"] == name).map(|e| e["args"].clone()).collect::<Vec<_>>();
    let states: Vec<_> = of("acquire_pending").iter().map(|e| e["state"].clone()).collect();
    assert_eq!(states, ["unmaterialised", "pending"], "each change of the state");
    assert_eq!(of("acquire_pending")[1]["driver"], "sw_sync");
    let [hit] = of("watchdog").try_into().unwrap_or_else(|all| panic!("{all:?}"));
    // The first commit had no buffer.
    assert_eq!((&hit["commit"], &hit["driver"]), (&3.into(), &"sw_sync".into()), "{hit}");
    let left = of("unreleased");
    assert!(left.iter().any(|b| b["commit"] == 3 && b["users"][0]["use"] == "acquire"), "{left:?}");
    assert!(left.iter().any(|b| b["commit"] == 2), "{left:?}");
}
