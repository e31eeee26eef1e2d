//! Learnt, kept, compared, refused.

use proptest::prelude::*;

use super::*;

fn setup() -> Setup {
    let text = str::to_owned;
    Setup {
        driver: text("i915"),
        kernel: text("6.12.48"),
        source: text("auto"),
        mode: text("640x480"),
        format: text("XR24"),
    }
}

#[test]
fn learnt_and_verified() {
    let mut references = References::new(setup());
    assert_eq!(references.record(&setup(), "a", &[1, 2]).unwrap(), Recorded::New);
    assert_eq!(references.record(&setup(), "a", &[1, 2]).unwrap(), Recorded::Same);
    assert_eq!(references.record(&setup(), "b", &[3]).unwrap(), Recorded::New);
    assert_eq!(references.record(&setup(), "b", &[4]).unwrap(), Recorded::Replaced(vec![3]));
    assert_eq!(references.verify(&setup(), "a", &[1, 2]).unwrap(), Verified::Equal);
    assert_eq!(references.verify(&setup(), "a", &[1]).unwrap(), Verified::Different(&[1, 2]));
    assert_eq!(references.verify(&setup(), "c", &[1]).unwrap(), Verified::Unknown);
}

#[test]
fn another_setup_is_neither_learnt_nor_judged() {
    let mut references = References::new(setup());
    references.record(&setup(), "a", &[1]).unwrap();
    type Change = fn(&mut Setup);
    let changes: [(&str, Change); 5] = [
        ("driver", |setup| setup.driver = "xe".into()),
        ("kernel", |setup| setup.kernel = "6.12.49".into()),
        ("source", |setup| setup.source = "pipe".into()),
        ("mode", |setup| setup.mode = "800x600".into()),
        ("format", |setup| setup.format = "XR30".into()),
    ];
    for (field, change) in changes {
        let mut other = setup();
        change(&mut other);
        let refusals = [
            references.clone().record(&other, "a", &[1]).map(drop),
            references.verify(&other, "a", &[1]).map(drop),
            references.diff(&References::new(other.clone())).map(drop),
        ];
        for refusal in refusals {
            let text = refusal.unwrap_err().to_string();
            assert!(text.starts_with(&format!("the reference is of {field} `")) && !text.contains('\n'), "{text}");
        }
        assert_ne!(other.file_name(), setup().file_name(), "{field}");
    }
}

#[test]
fn differences_by_name() {
    let of = |scenes: &[(&str, u32)]| {
        let mut references = References::new(setup());
        scenes.iter().for_each(|(scene, value)| drop(references.record(&setup(), scene, &[*value]).unwrap()));
        references
    };
    let (left, right) = (of(&[("a", 1), ("b", 2), ("c", 3)]), of(&[("b", 2), ("c", 4), ("d", 5)]));
    let found = left.diff(&right).unwrap();
    let expected = [("a", Some(1), None), ("c", Some(3), Some(4)), ("d", None, Some(5))];
    assert_eq!(found.len(), expected.len());
    for (found, (scene, one, two)) in found.iter().zip(expected) {
        let value = |values: Option<&[u32]>| values.map(|values| values[0]);
        assert_eq!((found.scene, value(found.left), value(found.right)), (scene, one, two));
    }
    assert_eq!(left.diff(&left).unwrap(), []);
}

#[test]
fn a_file_is_readable() {
    let dir = tempfile::tempdir().unwrap();
    let mut references = References::new(setup());
    references.record(&setup(), "primary/full", &[0x1a2b_3c4d, 0]).unwrap();
    assert_eq!(References::load(dir.path(), &setup()).unwrap(), None);
    let path = references.save(dir.path()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let expected = "version = 1\ndriver = \"i915\"\nkernel = \"6.12.48\"\nsource = \"auto\"\nmode = \"640x480\"\nformat = \"XR24\"\n\n\
                    [scenes]\n\"primary/full\" = [\"0x1a2b3c4d\", \"0x00000000\"]\n";
    assert_eq!(text, expected);
    assert_eq!(References::load(dir.path(), &setup()).unwrap(), Some(references));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
    // A file that was renamed judges nothing.
    let other = Setup { kernel: "7.3.4".into(), ..setup() };
    std::fs::rename(path, dir.path().join(other.file_name())).unwrap();
    assert!(matches!(References::load(dir.path(), &other), Err(ReferenceError::OtherSetup { field: "kernel", .. })));
}

#[test]
fn a_damaged_file_is_one_line_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let good = "version = 1\ndriver = \"d\"\nkernel = \"k\"\nsource = \"s\"\nmode = \"m\"\nformat = \"f\"\n[scenes]\na = [\"0x00000001\"]\n";
    let path = dir.path().join("x.toml");
    for (from, to, place, what) in [
        ("= 1", "= 2", "1:11", "version 2"),
        ("\"d\"", "d", "2:", ""),
        ("[scenes]", "[scene]", "", "scene"),
        ("0x00000001", "0x1", "8:5", "not a CRC"),
        ("0x00000001", "0x0000000g", "8:5", "not a CRC"),
        ("[\"0x00000001\"]", "[]", "8:5", "0 values"),
        ("mode = \"m\"\n", "", "", "mode"),
    ] {
        std::fs::write(&path, good.replace(from, to)).unwrap();
        let text = References::read(&path).unwrap_err().to_string();
        let begin = format!("{}:{place}", path.display());
        assert!(text.starts_with(&begin) && text.contains(what) && !text.contains('\n'), "{from} → {to}: {text}");
    }
    std::fs::write(&path, good).unwrap();
    References::read(&path).unwrap();
    let gone = References::read(&dir.path().join("none.toml")).unwrap_err().to_string();
    assert!(gone.starts_with("read ") && gone.contains("none.toml"), "{gone}");
}

#[test]
fn modes_of_one_name_are_told_apart() {
    let info = drm_ffi::drm_mode_modeinfo {
        clock: 65000,
        hdisplay: 1024,
        htotal: 1344,
        vdisplay: 768,
        vtotal: 806,
        ..Default::default()
    };
    let other = drm_ffi::drm_mode_modeinfo { vtotal: 807, ..info };
    assert_eq!(Setup::describe_mode(&Mode::from_kernel(&info)), "1024x768 60.00 Hz 1344x806 65000 kHz flags 0x0");
    assert_ne!(Setup::describe_mode(&Mode::from_kernel(&info)), Setup::describe_mode(&Mode::from_kernel(&other)));
}

proptest! {
    #[test]
    fn there_and_back(
        texts in prop::array::uniform5("\\PC{0,12}"),
        scenes in prop::collection::btree_map("\\PC{0,12}", prop::collection::vec(any::<u32>(), 1..=10), 0..5),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let [driver, kernel, source, mode, format] = texts;
        let setup = Setup { driver, kernel, source, mode, format };
        let mut references = References::new(setup.clone());
        for (scene, values) in &scenes {
            references.record(&setup, scene, values).unwrap();
        }
        references.save(dir.path()).unwrap();
        prop_assert_eq!(References::load(dir.path(), &setup).unwrap(), Some(references));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.toml");
        std::fs::write(&path, text).unwrap();
        prop_assert!(References::read(&path).is_err());
    }
}
