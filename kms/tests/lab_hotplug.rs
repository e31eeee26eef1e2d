//! Connectors that come, change and go, on a vkms of our own made by configfs.

mod lab;

use std::path::{Path, PathBuf};

use kms::Device;
use kms::inventory::ConnectorChange;

/// A vkms instance in configfs; taken down on drop.
struct Instance {
    dir: PathBuf,
}

impl Instance {
    /// One CRTC, a primary plane, an encoder and a connector.
    fn new(name: &str) -> Self {
        let dir = Path::new("/sys/kernel/config/vkms").join(name);
        let make = |path: &str| std::fs::create_dir(dir.join(path)).expect(path);
        std::fs::create_dir(&dir).expect("configfs with vkms");
        for path in ["crtcs/c", "planes/p", "encoders/e", "connectors/k"] {
            make(path);
        }
        std::fs::write(dir.join("planes/p/type"), "1").expect("primary");
        let link = |from: &str, to: &str| {
            let target = dir.join(to);
            let at = dir.join(from).join(target.file_name().expect("name"));
            std::os::unix::fs::symlink(&target, at).expect(from);
        };
        link("planes/p/possible_crtcs", "crtcs/c");
        link("encoders/e/possible_crtcs", "crtcs/c");
        link("connectors/k/possible_encoders", "encoders/e");
        std::fs::write(dir.join("enabled"), "1").expect("enabled");
        Self { dir }
    }

    /// 1 connected, 2 disconnected.
    fn plug(&self, status: &str) {
        std::fs::write(self.dir.join("connectors/k/status"), status).expect("status");
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = std::fs::write(self.dir.join("enabled"), "0");
        for path in ["planes/p/possible_crtcs/c", "encoders/e/possible_crtcs/c", "connectors/k/possible_encoders/e"] {
            let _ = std::fs::remove_file(self.dir.join(path));
        }
        for path in ["connectors/k", "encoders/e", "planes/p", "crtcs/c", ""] {
            let _ = std::fs::remove_dir(self.dir.join(path));
        }
        if self.dir.exists() {
            eprintln!("{} could not be taken down", self.dir.display());
        }
    }
}

#[test]
#[ignore = "lab"]
fn plugging_is_seen_once() {
    let instance = Instance::new("hotplug");
    let device = Device::open(lab::card("hotplug")).expect("opens");
    let mut inventory = device.inventory().expect("inventory");
    let id = inventory.connectors[0].id;
    assert!(inventory.connectors[0].connected());
    assert_eq!(inventory.refresh_connectors(&device).expect("refresh"), []);
    instance.plug("2");
    assert_eq!(inventory.refresh_connectors(&device).expect("refresh"), [ConnectorChange::Disconnected(id)]);
    assert!(!inventory.connectors[0].connected());
    assert_eq!(inventory.refresh_connectors(&device).expect("refresh"), []);
    instance.plug("1");
    assert_eq!(inventory.refresh_connectors(&device).expect("refresh"), [ConnectorChange::Connected(id)]);
}
