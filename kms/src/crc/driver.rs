//! What is known of the CRCs of each driver, from its source. Facts only: nothing here opens a
//! file.
//!
//! All paths are below `drivers/gpu/drm/` of Linux 7.3.

use crate::device::Driver;
use crate::id::PlaneId;

/// When the driver hands out the entry of a frame that is shown from vblank N on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completed {
    /// With vblank N: it is computed from the buffers, not from what is sent.
    AtItsVblank,
    /// With vblank N + 1: it is summed up while the lines are sent. The vblank counter says N + 1
    /// by then, and where it numbers the entries, that is the entry's number.
    AtTheNextVblank,
    /// That is not known, or not certain: an entry may be of either of two frames unless the screen
    /// has stood still.
    Unknown,
}

/// Where the frame number of an entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// The CRTC's vblank counter, as flips have it, at the moment when the entry is complete:
    /// entries pair by number.
    Vblank,
    /// The driver's own count of entries: it runs with the frames, but its distance to the vblank
    /// counter has to be found first.
    Own,
    /// None (`XXXXXXXXXX`): entries pair by their arrival.
    None,
}

/// Whether the value can be known beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Predict {
    /// By [`crate::crc::vkms`].
    Vkms,
    /// By [`crate::crc::lcdif`].
    Lcdif,
    /// Only *equal* and *different* are sound, on one source and one configuration.
    No,
}

/// A driver's sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources {
    /// Names that the driver takes, `plane<id>` standing for one of each plane's object id.
    pub names: &'static [&'static str],
    /// Whether `control` lists them; otherwise it shows the chosen one alone.
    pub listed: bool,
    /// The one for what leaves the CRTC.
    pub whole: &'static str,
    /// The entries of single planes have no frame numbers, whatever those of the others have.
    pub planes_unnumbered: bool,
}

/// What is known of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrcDriver {
    /// As `DRM_IOCTL_VERSION` names it.
    pub name: &'static str,
    /// A part of its description, where several go by the same name.
    pub description: &'static str,
    /// Its sources.
    pub sources: Sources,
    /// Values in an entry; 0 where it depends on the machine.
    pub values: u8,
    /// Frame numbers.
    pub numbers: Numbers,
    /// When an entry is complete.
    pub completed: Completed,
    /// Prediction.
    pub predict: Predict,
    /// Where it is written, and what is peculiar.
    pub note: &'static str,
}

const INTEL: Sources = Sources {
    names: &[
        "none", "plane1", "plane2", "plane3", "plane4", "plane5", "plane6", "plane7", "pipe", "TV", "DP-B", "DP-C",
        "DP-D", "auto",
    ],
    listed: true,
    whole: "auto",
    planes_unnumbered: false,
};

const AUTO: Sources = Sources { names: &["auto"], listed: false, whole: "auto", planes_unnumbered: false };

/// The table.
pub const DRIVERS: &[CrcDriver] = &[
    CrcDriver {
        name: "vkms",
        description: "(scan-out)",
        sources: Sources { names: &["auto"], listed: true, whole: "auto", planes_unnumbered: true },
        values: 3,
        numbers: Numbers::Vblank,
        completed: Completed::AtTheNextVblank,
        predict: Predict::Vkms,
        note: "xtask/lab/patches/0013-vkms-scanout.patch (vkms_composer.c): the lab's vkms as hardware that sends lines; the first value is the CRC",
    },
    CrcDriver {
        name: "vkms",
        description: "",
        sources: Sources { names: &["auto"], listed: true, whole: "auto", planes_unnumbered: true },
        values: 1,
        numbers: Numbers::Vblank,
        completed: Completed::AtItsVblank,
        predict: Predict::Vkms,
        note: "vkms/vkms_composer.c: computed in a worker; a slow one repeats a CRC for a range of frames. The lab's has plane<id> too, without numbers",
    },
    CrcDriver {
        name: "i915",
        description: "",
        sources: INTEL,
        values: 5,
        numbers: Numbers::Vblank,
        completed: Completed::AtTheNextVblank,
        predict: Predict::No,
        note: "i915/display/intel_pipe_crc.c: which sources work depends on the generation; the driver skips the first entries itself",
    },
    CrcDriver {
        name: "xe",
        description: "",
        sources: INTEL,
        values: 5,
        numbers: Numbers::Vblank,
        completed: Completed::AtTheNextVblank,
        predict: Predict::No,
        note: "xe/Makefile builds i915/display/intel_pipe_crc.c",
    },
    CrcDriver {
        name: "amdgpu",
        description: "",
        sources: Sources {
            names: &["none", "crtc", "crtc dither", "dprx", "dprx dither", "auto"],
            listed: true,
            whole: "auto",
            planes_unnumbered: false,
        },
        values: 3,
        numbers: Numbers::Vblank,
        completed: Completed::AtTheNextVblank,
        predict: Predict::No,
        note: "amd/display/amdgpu_dm/amdgpu_dm_crc.c: auto is crtc; the sources without dither turn dithering off, and dprx asks the DisplayPort sink",
    },
    CrcDriver {
        name: "rcar-du",
        description: "",
        sources: Sources { names: &["auto", "plane<id>"], listed: true, whole: "auto", planes_unnumbered: false },
        values: 1,
        numbers: Numbers::None,
        completed: Completed::AtTheNextVblank,
        predict: Predict::No,
        note: "renesas/rcar-du/rcar_du_crtc.c and rcar_du_vsp.c, generation 3 on: the VSP's UIF, auto behind the blending, plane<id> before it. Choosing a source commits",
    },
    CrcDriver {
        name: "msm",
        description: "",
        sources: Sources {
            names: &["none", "auto", "lm", "encoder"],
            listed: false,
            whole: "auto",
            planes_unnumbered: false,
        },
        values: 0,
        numbers: Numbers::Vblank,
        completed: Completed::AtTheNextVblank,
        predict: Predict::No,
        note: "msm/disp/dpu1/dpu_crtc.c: one value for each layer mixer (or interface); the first two frames are skipped by the driver",
    },
    CrcDriver {
        name: "nouveau",
        description: "",
        sources: Sources {
            names: &["none", "auto", "rg", "outp-active", "outp-complete", "outp-inactive"],
            listed: true,
            whole: "auto",
            planes_unnumbered: false,
        },
        values: 1,
        numbers: Numbers::Own,
        completed: Completed::AtTheNextVblank,
        predict: Predict::No,
        note: "nouveau/dispnv50/crc.c, NV50 on: numbers are counted by the driver from the vblank at which it was armed; entries are lost where its notifiers are exchanged",
    },
    CrcDriver {
        name: "mxsfb-drm",
        description: "",
        sources: AUTO,
        values: 1,
        numbers: Numbers::Vblank,
        completed: Completed::AtTheNextVblank,
        predict: Predict::Lcdif,
        note: "mxsfb/mxsfb_kms.c: LCDIF of i.MX28, i.MX6SX, i.MX8M Mini and Nano. The LCDIFv3 of imx-lcdif has none",
    },
    CrcDriver {
        name: "rockchip",
        description: "",
        sources: AUTO,
        values: 3,
        numbers: Numbers::None,
        completed: Completed::Unknown,
        predict: Predict::No,
        note: "rockchip/rockchip_drm_vop.c: only through analogix_dp, by the DisplayPort sink (display/drm_dp_helper.c: three of 16 bits, polled once a vblank by the counter of the sink)",
    },
    CrcDriver {
        name: "stm",
        description: "",
        sources: AUTO,
        values: 1,
        numbers: Numbers::Vblank,
        completed: Completed::AtTheNextVblank,
        predict: Predict::No,
        note: "stm/ltdc.c: hardware of version 4 on; the driver skips the first entries itself",
    },
    CrcDriver {
        name: "vmwgfx",
        description: "",
        sources: Sources { listed: true, ..AUTO },
        values: 1,
        numbers: Numbers::Vblank,
        completed: Completed::AtItsVblank,
        predict: Predict::No,
        note: "vmwgfx/vmwgfx_vkms.c: where the guest simulates vblanks; over the bytes of the primary surface",
    },
];

/// What is known of a driver. `None`: nothing; its CRCs can be read all the same.
pub fn of(driver: &Driver) -> Option<&'static CrcDriver> {
    DRIVERS.iter().find(|known| known.name == driver.name && driver.description.contains(known.description))
}

impl CrcDriver {
    /// Whether the entries of a source have the number of a vblank.
    pub fn is_numbered(&self, source: &str) -> bool {
        self.numbers == Numbers::Vblank && !(self.sources.planes_unnumbered && plane_of_source(source).is_some())
    }

    /// The number of the first entry of a frame whose flip has this sequence, where that is known.
    pub fn number_of(&self, sequence: u32) -> Option<u32> {
        match (self.numbers, self.completed) {
            (Numbers::Vblank, Completed::AtItsVblank) => Some(sequence),
            (Numbers::Vblank, Completed::AtTheNextVblank) => Some(sequence.wrapping_add(1)),
            _ => None,
        }
    }
}

/// The name of the source of one plane, where drivers have those by object id.
pub fn plane_source(plane: PlaneId) -> String {
    format!("plane{plane}")
}

/// The plane of a source that [`plane_source`] names.
pub fn plane_of_source(name: &str) -> Option<PlaneId> {
    name.strip_prefix("plane")?.parse().ok().map(PlaneId::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, description: &str) -> Driver {
        Driver { name: name.to_owned(), description: description.to_owned(), ..Driver::default() }
    }

    #[test]
    fn the_table_holds_together() {
        for (at, driver) in DRIVERS.iter().enumerate() {
            let found = of(&named(driver.name, &format!("Something {}", driver.description)));
            assert_eq!(found, Some(&DRIVERS[at]), "{} is hidden by an earlier one", driver.name);
            assert!(driver.sources.names.contains(&driver.sources.whole), "{}", driver.name);
            assert!(usize::from(driver.values) <= crate::crc::entry::MAX_VALUES, "{}", driver.name);
            assert!(driver.note.contains(".c") || driver.note.contains("Makefile"), "{} without a source", driver.name);
        }
        assert_eq!(of(&named("rcar-du", "")).map(|driver| driver.numbers), Some(Numbers::None));
        assert_eq!(of(&named("bochs-drm", "")), None);
        let plane = PlaneId::from_raw(31);
        assert_eq!((plane_source(plane).as_str(), plane_of_source("plane31")), ("plane31", Some(plane)));
        assert_eq!((plane_of_source("auto"), plane_of_source("planes")), (None, None));
    }

    #[test]
    fn only_what_is_computed_from_the_buffers_is_complete_with_its_vblank() {
        let computed: Vec<_> =
            DRIVERS.iter().filter(|driver| driver.completed == Completed::AtItsVblank).map(|d| d.name).collect();
        assert_eq!(computed, ["vkms", "vmwgfx"]);
    }

    #[test]
    fn the_sources_of_planes_of_vkms_have_no_numbers() {
        let vkms = of(&named("vkms", "Virtual Kernel Mode Setting")).unwrap();
        assert!(vkms.is_numbered("auto") && !vkms.is_numbered("plane31"));
        let i915 = of(&named("i915", "Intel Graphics")).unwrap();
        assert!(i915.is_numbered("plane1"));
    }
}
