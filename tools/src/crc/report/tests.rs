//! A fixed report in each format.

use super::super::args::Format;
use super::super::result::{Configuration, Outcome, Report, TestResult};
use super::text;

fn report() -> Report {
    let test =
        |suite: &str, name: &str, outcome, ms| TestResult { suite: suite.into(), name: name.into(), outcome, ms };
    let skip = || Outcome::Skip { reason: "the plane has no property alpha".into() };
    let reason = "CRC 0x0000002a instead of 0xdeadbeef".into();
    let files = vec!["out/rotation-overlay-by-90/expected.png".into()];
    Report {
        format: 1,
        configuration: Configuration {
            device: "/dev/dri/card0".into(),
            driver: "vkms".into(),
            kernel: "7.3.4".into(),
            output: "Virtual-1".into(),
            mode: "1024x768@60.004".into(),
            source: "auto".into(),
            judged_by: "prediction".into(),
        },
        tests: vec![
            test("formats", "primary XR24 linear", Outcome::Pass, 34),
            test("formats", "overlay NV12 <\"odd\" & #1>", Outcome::Pass, 51),
            test("rotation", "overlay by 90", Outcome::Fail { reason, files }, 1200),
            test("alpha", "overlay at 0x8000", skip(), 0),
            test("alpha", "cursor at 0x8000", skip(), 0),
        ],
    }
}

#[test]
fn a_table_for_people() {
    insta::assert_snapshot!(text(&report(), Format::Table, false));
}

#[test]
fn ktap_with_a_subtest_for_each_suite() {
    insta::assert_snapshot!(text(&report(), Format::Ktap, false));
}

#[test]
fn flat_tap() {
    insta::assert_snapshot!(text(&report(), Format::Tap, false));
}

#[test]
fn junit_is_wellformed() {
    let written = text(&report(), Format::Junit, false);
    let mut reader = quick_xml::Reader::from_str(&written);
    while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
    insta::assert_snapshot!(written);
}

#[test]
fn json_comes_back_whole() {
    let written = text(&report(), Format::Json, false);
    assert_eq!(serde_json::from_str::<Report>(&written).unwrap(), report());
    insta::assert_snapshot!(written);
}

#[test]
fn only_a_mismatch_is_status_1() {
    let mut report = report();
    assert_eq!(report.exit_status(), 1);
    report.tests.remove(2);
    assert_eq!(report.exit_status(), 0);
}
