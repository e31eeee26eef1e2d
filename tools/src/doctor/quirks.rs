//! What is worth saying of a driver before somebody finds out: its quirks ([`kms::quirks`]), and what its CRCs are good for.

use kms::quirks::{Quirks, Version};

/// What a driver's CRCs can prove, with its source.
const CRCS: &[(&str, &str)] = &[
    // drivers/gpu/drm/vkms/vkms_composer.c.
    ("vkms", "its arithmetic is known: every CRC is predicted from the scene"),
    // drivers/gpu/drm/mxsfb/lcdif_kms.c.
    ("imx-lcdif", "CRCs are of the pixels sent: they can be computed from a reference picture"),
    // drivers/gpu/drm/renesas/rcar-du/rcar_du_crtc.c.
    ("rcar-du", "CRCs carry no frame number and are paired with flips by arrival"),
];

/// What to know of a driver on a kernel of this release. Its module's version is not asked: a quirk names its own bound.
pub fn of(driver: &str, release: &str) -> Vec<String> {
    let quirks = Quirks::with(driver, None, Version::parse(release));
    let crcs = CRCS.iter().filter(|(name, _)| *name == driver).map(|(_, text)| (*text).to_owned());
    quirks.iter().map(ToString::to_string).chain(crcs).collect()
}
