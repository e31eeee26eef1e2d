//! Displays that behave otherwise than the kernel's virtual one: each is a parameter of the lab's own
//! patches of vkms, which says what it does.
//!
//! Only names what a guest is started with.

use clap::ValueEnum;

/// What the displays of a guest are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Persona {
    /// Hardware that sends lines out: a CRC is complete with the next vblank and has its number and
    /// several values, and time stamps are those of the first line
    ScanOut,
    /// A driver that refuses imports, the cursor, modifiers, and hurry
    Refuses,
    /// Planes with every property, flips at once, and variable refresh
    Screens,
}

impl Persona {
    /// Arguments of the kernel's command line.
    pub fn kernel_args(self) -> &'static [&'static str] {
        match self {
            Self::ScanOut => &["vkms.scanout=1"],
            Self::Refuses => &["vkms.refuses=31"],
            Self::Screens => &["vkms.extras=31", "vkms.min_refresh=40"],
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
