//! What is known of drivers and worth saying before somebody finds out: one place, each with its source.

/// A driver, and what to know of it.
struct Quirk {
    driver: &'static str,
    text: &'static str,
}

const QUIRKS: &[Quirk] = &[
    // https://github.com/NVIDIA/open-gpu-kernel-modules; release notes of 560.35.03.
    Quirk {
        driver: "nvidia-drm",
        text: "before 560.35.03 IN_FENCE_FD is refused with EPERM; it must be loaded with modeset=1",
    },
    // Documentation/driver-api/dma-buf.rst, "Indefinite DMA Fences".
    Quirk {
        driver: "amdgpu",
        text: "a fence of another driver that never signals blocks its commits for good: keep [fences] policy at same-driver",
    },
    // drivers/gpu/drm/renesas/rcar-du: VSP planes register no modifiers; CRC entries carry no frame number.
    Quirk {
        driver: "rcar-du",
        text: "planes are linear only; CRCs carry no frame number and are paired with flips by arrival",
    },
    // drivers/gpu/drm/vkms/vkms_composer.c.
    Quirk { driver: "vkms", text: "its arithmetic is known: every CRC is predicted from the scene" },
    // drivers/gpu/drm/mxsfb/lcdif_kms.c.
    Quirk { driver: "imx-lcdif", text: "CRCs are of the pixels sent: they can be computed from a reference picture" },
];

/// What to know of a driver.
pub fn of(driver: &str) -> Option<&'static str> {
    QUIRKS.iter().find(|quirk| quirk.driver == driver).map(|quirk| quirk.text)
}
