//! The report as JUnit XML, which GitLab, Jenkins and pytest plug-ins read: a `testsuite` for each
//! suite.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::crc::result::{Counts, Outcome, Report, TestResult};

pub(super) fn junit(report: &Report) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing to memory cannot fail.
    document(&mut writer, report).unwrap_or_default();
    String::from_utf8_lossy(&writer.into_inner()).into_owned() + "\n"
}

type Xml = Writer<Vec<u8>>;

fn document(xml: &mut Xml, report: &Report) -> std::io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = count_attributes(&report.tests);
    let root = xml.create_element("testsuites").with_attribute(("name", "syncline crc"));
    let root = all.iter().fold(root, |root, (name, value)| root.with_attribute((*name, value.as_str())));
    root.write_inner_content(|xml| report.suites().try_for_each(|(name, tests)| suite(xml, report, name, tests)))?;
    Ok(())
}

fn suite(xml: &mut Xml, report: &Report, name: &str, tests: &[TestResult]) -> std::io::Result<()> {
    let element = xml.create_element("testsuite").with_attribute(("name", name));
    let counts = count_attributes(tests);
    let element = counts.iter().fold(element, |element, (name, value)| element.with_attribute((*name, value.as_str())));
    element.write_inner_content(|xml| {
        configuration(xml, report)?;
        tests.iter().try_for_each(|test| case(xml, test))
    })?;
    Ok(())
}

fn configuration(xml: &mut Xml, report: &Report) -> std::io::Result<()> {
    let c = &report.configuration;
    let all = [
        ("device", &c.device),
        ("driver", &c.driver),
        ("kernel", &c.kernel),
        ("output", &c.output),
        ("mode", &c.mode),
        ("source", &c.source),
        ("judged_by", &c.judged_by),
    ];
    xml.create_element("properties").write_inner_content(|xml| {
        for (name, value) in all {
            let property = xml.create_element("property").with_attribute(("name", name));
            property.with_attribute(("value", value.as_str())).write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn case(xml: &mut Xml, test: &TestResult) -> std::io::Result<()> {
    let class = format!("syncline.crc.{}", test.suite);
    let time = seconds(test.ms);
    let attributes = [("classname", class.as_str()), ("name", &test.name), ("time", &time)];
    let element = xml.create_element("testcase").with_attributes(attributes);
    match &test.outcome {
        Outcome::Pass => element.write_empty()?,
        Outcome::Skip { reason } => element.write_inner_content(|xml| {
            xml.create_element("skipped").with_attribute(("message", reason.as_str())).write_empty().map(drop)
        })?,
        Outcome::Fail { reason, files } => element.write_inner_content(|xml| {
            let failure = xml.create_element("failure").with_attribute(("message", reason.as_str()));
            failure.write_text_content(BytesText::new(&files.join("\n"))).map(drop)
        })?,
    };
    Ok(())
}

fn count_attributes(tests: &[TestResult]) -> [(&'static str, String); 5] {
    let counts = Counts::of(tests);
    [
        ("tests", counts.total().to_string()),
        ("failures", counts.failed.to_string()),
        ("errors", "0".to_owned()),
        ("skipped", counts.skipped.to_string()),
        ("time", seconds(tests.iter().map(|test| test.ms).sum())),
    ]
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
