//! Notes on a driver that are good to know beforehand: its quirks ([`kms::quirks`]), and what its
//! CRCs can prove.

use kms::quirks::{Quirks, Version};

/// What a driver's CRCs can prove, with the source.
const CRC_NOTES: &[(&str, &str)] = &[
    // drivers/gpu/drm/vkms/vkms_composer.c.
    ("vkms", "its CRCs are predicted exactly from the scene"),
    // drivers/gpu/drm/mxsfb/lcdif_kms.c.
    ("imx-lcdif", "its CRCs cover the pixels sent to the display: they can be computed from a reference image"),
    // drivers/gpu/drm/renesas/rcar-du/rcar_du_crtc.c.
    ("rcar-du", "its CRCs have no frame number; they are paired with page flips by time of arrival"),
];

/// The notes on a driver on a kernel of this release. The version of the driver itself plays no
/// part: a quirk names the kernel versions that it is true of.
pub fn notes(driver: &str, release: &str) -> Vec<String> {
    let quirks = Quirks::with(driver, None, Version::parse(release));
    let crcs = CRC_NOTES.iter().filter(|(name, _)| *name == driver).map(|(_, text)| (*text).to_owned());
    quirks.iter().map(ToString::to_string).chain(crcs).collect()
}
