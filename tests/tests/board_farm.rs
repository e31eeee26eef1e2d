//! docs/board-farm.md: its definitions parse, have what their readers demand, and turn our TAP into
//! LAVA's test cases.

use std::process::Command;

use serde_yaml_ng::Value;

/// The blocks of a language, in their order.
fn blocks(language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/board-farm.md")).unwrap();
    let fence = format!("```{language}\n");
    let parts = text.split(&fence).skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

fn yaml(at: usize) -> Value {
    serde_yaml_ng::from_str(&blocks("yaml")[at]).unwrap()
}

/// What LAVA demands (docs.lavasoftware.org, "Lava-Test Test Definition 1.0"): format, name,
/// description; steps are lines of shell.
#[test]
fn the_lava_definition_is_one() {
    let definition = yaml(0);
    let metadata = &definition["metadata"];
    assert_eq!(metadata["format"], "Lava-Test Test Definition 1.0");
    for key in ["name", "description"] {
        assert!(metadata[key].is_string(), "{key}");
    }
    let known = ["metadata", "params", "install", "run", "parse", "dependencies"];
    for key in definition.as_mapping().unwrap().keys() {
        assert!(known.contains(&key.as_str().unwrap()), "{key:?}");
    }
    assert!(definition["run"]["steps"].as_sequence().unwrap().iter().all(Value::is_string));
}

/// Its steps, run by a shell with a `syncline` and a `lava-test-case` of ours.
#[test]
fn lava_gets_a_case_for_each_test() {
    let dir = tempfile::tempdir().unwrap();
    let definition = yaml(0);
    let steps: Vec<_> =
        definition["run"]["steps"].as_sequence().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    let run = |tap: &str, status: u8| {
        let script = format!(
            "mountpoint() {{ :; }}\nsyncline() {{ printf '{tap}'; return {status}; }}\n\
             lava-test-case() {{ echo \"case $*\"; }}\nlava-test-raise() {{ echo \"raise $*\"; }}\nSUITE=all\n{}",
            steps.join("\n")
        );
        let script = script.replace("/tmp/crc", &dir.path().join("crc").display().to_string());
        let out = Command::new("bash").args(["-eu", "-c", &script]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let tap = "TAP version 13\\n1..3\\nok 1 - formats: primary XR24 linear\\nnot ok 2 - rotation: overlay by 90\\n\
               # CRC 0x1 instead of 0x2\\nok 3 - alpha: cursor at 0x1 # SKIP no alpha\\n";
    assert_eq!(
        run(tap, 1),
        "case formats--primary-XR24-linear --result pass\ncase rotation--overlay-by-90 --result fail\n\
         case alpha--cursor-at-0x1 --result skip\n"
    );
    assert_eq!(run("", 2), "raise syncline crc could not be run\n");
}

#[test]
fn gitlab_is_told_where_the_report_is() {
    let text = yaml(1);
    let job = &text["display"];
    assert_eq!(job["artifacts"]["reports"]["junit"], "crc.xml");
    assert!(job["script"][0].as_str().unwrap().contains("--format junit"));
    assert_eq!(job["artifacts"]["when"], "always");
}

#[test]
fn the_labgrid_environment_and_test_parse() {
    let text = yaml(2);
    let main = &text["targets"]["main"];
    assert!(main["resources"]["NetworkService"]["address"].is_string());
    assert!(main["drivers"].as_mapping().unwrap().contains_key("SSHDriver"));
    let parse = "import ast, sys; ast.parse(sys.argv[1])";
    // Where there is no Python nothing can be said.
    let Ok(out) = Command::new("python3").args(["-c", parse, &blocks("python")[0]]).output() else { return };
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}
