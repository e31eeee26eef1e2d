//! What a modifier says of a layout, in words: the vendors' bit fields of
//! `include/uapi/drm/drm_fourcc.h`.
//!
//! For logs, reports and `syncline doctor`. Nothing decides anything by these names, and a bit that
//! is not known is shown as a number.

use std::fmt::Write as _;

use crate::Modifier;

/// A readable name: `LINEAR`, `INVALID`, or the vendor and what its bits mean, as in
/// `AMD(GFX10_RBPLUS,64K_R_X,DCC,DCC_MAX_COMPRESSED_BLOCK=128B)`. What is not known is the vendor's
/// number: `QCOM:0x7`.
pub fn name(modifier: Modifier) -> String {
    match modifier {
        Modifier::Linear => return "LINEAR".to_owned(),
        Modifier::Invalid => return "INVALID".to_owned(),
        _ => {}
    }
    let raw = u64::from(modifier);
    let low = raw & 0x00ff_ffff_ffff_ffff;
    let (vendor, words) = match (raw >> 56) as u8 {
        0x01 => ("INTEL", intel(low)),
        0x02 => ("AMD", amd(low)),
        0x03 => ("NVIDIA", nvidia(low)),
        0x04 => ("SAMSUNG", one_of(low, &["64_32_TILE", "16_16_TILE"])),
        0x05 => ("QCOM", one_of(low, &["COMPRESSED", "TILED2", "TILED3"])),
        0x06 => ("VIVANTE", vivante(low)),
        0x07 => ("BROADCOM", broadcom(low)),
        0x08 => ("ARM", arm(low)),
        0x09 => ("ALLWINNER", one_of(low, &["TILED"])),
        0x0a => ("AMLOGIC", amlogic(low)),
        0x0b => ("MTK", mtk(low)),
        0x0c => ("APPLE", one_of(low, &["GPU_TILED", "GPU_TILED_COMPRESSED"])),
        vendor => return format!("{vendor:#04x}:{low:#x}"),
    };
    match words {
        Some(words) => format!("{vendor}({words})"),
        None => format!("{vendor}:{low:#x}"),
    }
}

/// The `number`th of `names`, which begin at 1.
fn one_of(number: u64, names: &[&str]) -> Option<String> {
    let at = usize::try_from(number).ok()?.checked_sub(1)?;
    names.get(at).map(|name| (*name).to_owned())
}

/// Words of a bit field, and the bits that have not been decoded yet.
struct Bits {
    rest: u64,
    words: String,
}

impl Bits {
    fn new(low: u64, first: &str) -> Self {
        Self { rest: low, words: first.to_owned() }
    }

    /// The field of `count` bits from `shift` on, which is taken.
    fn take(&mut self, shift: u32, count: u32) -> u64 {
        let mask = ((1 << count) - 1) << shift;
        let value = (self.rest & mask) >> shift;
        self.rest &= !mask;
        value
    }

    fn word(&mut self, word: &str) {
        if !self.words.is_empty() {
            self.words.push(',');
        }
        self.words.push_str(word);
    }

    fn flag(&mut self, shift: u32, word: &str) {
        if self.take(shift, 1) == 1 {
            self.word(word);
        }
    }

    /// `word=value`, where it is not zero.
    fn number(&mut self, (shift, count): (u32, u32), word: &str) {
        match self.take(shift, count) {
            0 => {}
            value => self.word(&format!("{word}={value}")),
        }
    }

    fn end(mut self) -> Option<String> {
        if self.rest != 0 {
            let _ = write!(self.words, ",{:#x}", self.rest);
        }
        Some(self.words)
    }
}

fn intel(low: u64) -> Option<String> {
    let names = [
        "X_TILED",
        "Y_TILED",
        "Yf_TILED",
        "Y_TILED_CCS",
        "Yf_TILED_CCS",
        "Y_TILED_GEN12_RC_CCS",
        "Y_TILED_GEN12_MC_CCS",
        "Y_TILED_GEN12_RC_CCS_CC",
        "4_TILED",
        "4_TILED_DG2_RC_CCS",
        "4_TILED_DG2_MC_CCS",
        "4_TILED_DG2_RC_CCS_CC",
        "4_TILED_MTL_RC_CCS",
        "4_TILED_MTL_MC_CCS",
        "4_TILED_MTL_RC_CCS_CC",
        "4_TILED_LNL_CCS",
        "4_TILED_BMG_CCS",
    ];
    one_of(low, &names)
}

/// `AMD_FMT_MOD_*`. Generations 6 to 8 have a micro tile mode and a pipe configuration where later
/// ones have DCC.
fn amd(low: u64) -> Option<String> {
    let mut bits = Bits::new(low, "");
    let (version, tile) = (bits.take(0, 8), bits.take(8, 5));
    let generation = ["GFX6", "GFX9", "GFX10", "GFX10_RBPLUS", "GFX11", "GFX12"].get(version as usize)?;
    bits.word(generation);
    let tile = match (version, tile) {
        (_, 0) => "LINEAR",
        (0, 2) => "1D_TILED_THIN1",
        (0, 4) => "2D_TILED_THIN1",
        (5, 1) => "256B_2D",
        (5, 2) => "4K_2D",
        (5, 3) => "64K_2D",
        (5, 4) => "256K_2D",
        (1..=4, 9) => "64K_S",
        (1..=4, 10) => "64K_D",
        (1..=4, 22) => "4K_D_X",
        (1..=4, 25) => "64K_S_X",
        (1..=4, 26) => "64K_D_X",
        (1..=4, 27) => "64K_R_X",
        (1..=4, 31) => "256K_R_X",
        _ => return None,
    };
    bits.word(tile);
    if version == 0 {
        match bits.take(14, 3) {
            0 => bits.word("DISPLAY"),
            1 => bits.word("THIN"),
            other => bits.word(&format!("MICROTILE={other}")),
        }
        bits.number((17, 5), "PIPE_CONFIG");
        return bits.end();
    }
    if bits.take(13, 1) == 1 {
        bits.word("DCC");
        bits.flag(14, "DCC_RETILE");
        bits.flag(15, "DCC_PIPE_ALIGN");
        bits.flag(16, "DCC_INDEPENDENT_64B");
        bits.flag(17, "DCC_INDEPENDENT_128B");
        let block = ["64B", "128B", "256B", "3"][bits.take(18, 2) as usize];
        bits.word(&format!("DCC_MAX_COMPRESSED_BLOCK={block}"));
        bits.flag(20, "DCC_CONSTANT_ENCODE");
    }
    bits.number((21, 3), "PIPE_XOR_BITS");
    bits.number((24, 3), "BANK_XOR_BITS");
    bits.number((27, 3), "PACKERS");
    bits.number((30, 3), "RB");
    bits.number((33, 3), "PIPE");
    bits.end()
}

/// `DRM_FORMAT_MOD_NVIDIA_BLOCK_LINEAR_2D(c, s, g, k, h)`.
fn nvidia(low: u64) -> Option<String> {
    if low == 1 {
        return Some("TEGRA_TILED".to_owned());
    }
    if low & 0x10 == 0 {
        return None;
    }
    let mut bits = Bits::new(low & !0x10, "BLOCK_LINEAR_2D");
    let height = bits.take(0, 4);
    bits.word(&format!("HEIGHT={height}"));
    let kind = bits.take(12, 8);
    bits.word(&format!("KIND={kind:#x}"));
    let generation = bits.take(20, 2);
    bits.word(&format!("GEN={generation}"));
    let sector = bits.take(22, 1) | bits.take(26, 2) << 1;
    bits.word(&format!("SECTOR={sector}"));
    let compression = bits.take(23, 3);
    bits.word(&format!("COMPRESSION={compression}"));
    bits.end()
}

fn vivante(low: u64) -> Option<String> {
    let mut bits = Bits::new(low, "");
    let (status, compression) = (bits.take(48, 4), bits.take(52, 4));
    let tile = ["LINEAR", "TILED", "SUPER_TILED", "SPLIT_TILED", "SPLIT_SUPER_TILED"];
    let tile = tile.get(usize::try_from(bits.rest).ok()?)?;
    bits.rest = 0;
    bits.word(tile);
    match status {
        0 => {}
        1..=4 => bits.word(["TS_64_4", "TS_64_2", "TS_128_4", "TS_256_4"][status as usize - 1]),
        other => bits.word(&format!("TS={other}")),
    }
    match compression {
        0 => {}
        1 => bits.word("DEC400"),
        other => bits.word(&format!("COMP={other}")),
    }
    bits.end()
}

/// `fourcc_mod_broadcom_code(value, parameter)`: the parameter is the height of SAND's columns.
fn broadcom(low: u64) -> Option<String> {
    let mut bits = Bits::new(low, "");
    let value = bits.take(0, 8);
    let name = one_of(value, &["VC4_T_TILED", "SAND32", "SAND64", "SAND128", "SAND256", "UIF"])?;
    bits.word(&name);
    if (2..=5).contains(&value) {
        bits.number((8, 48), "COL_HEIGHT");
    }
    bits.end()
}

/// The type is in the upper four bits of the vendor's part: AFBC, miscellaneous, AFRC.
fn arm(low: u64) -> Option<String> {
    let mut bits = Bits::new(low, "");
    match bits.take(52, 4) {
        0 => {
            let size = one_of(bits.take(0, 4), &["16x16", "32x8", "64x4", "32x8_64x4"])?;
            bits.word(&format!("AFBC,BLOCK_SIZE={size}"));
            let flags = ["YTR", "SPLIT", "SPARSE", "CBR", "TILED", "SC", "DB", "BCH", "USM"];
            (4..).zip(flags).for_each(|(shift, flag)| bits.flag(shift, flag));
        }
        1 => {
            let value = bits.rest;
            return one_of(value, &["16X16_BLOCK_U_INTERLEAVED", "INTERLEAVED_64K"]);
        }
        2 => {
            bits.word("AFRC");
            for (shift, word) in [(0, "CU_SIZE_P0"), (4, "CU_SIZE_P12")] {
                match bits.take(shift, 4) {
                    0 => {}
                    size @ 1..=3 => bits.word(&format!("{word}={}", 8 + 8 * size)),
                    other => bits.word(&format!("{word}:{other}")),
                }
            }
            let order = if bits.take(8, 1) == 1 { "SCAN" } else { "ROT" };
            bits.word(order);
        }
        _ => return None,
    }
    bits.end()
}

fn amlogic(low: u64) -> Option<String> {
    let mut bits = Bits::new(low, "FBC");
    let layout = one_of(bits.take(0, 8), &["BASIC", "SCATTER"])?;
    bits.word(&layout);
    bits.flag(8, "MEM_SAVING");
    bits.end()
}

fn mtk(low: u64) -> Option<String> {
    let mut bits = Bits::new(low, "");
    let (tile, compression, ten) = (bits.take(0, 4), bits.take(8, 4), bits.take(16, 4));
    bits.word(["TILE_NONE", "16L_32S_TILE"].get(tile as usize)?);
    match compression {
        0 => {}
        value => bits.word(&format!("COMPRESS_V{value}")),
    }
    match ten {
        0 => {}
        1 => bits.word("10BIT_LSBTILED"),
        2 => bits.word("10BIT_LSBRASTER"),
        _ => return None,
    }
    bits.end()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_read_well() {
        let table: [(u64, &str); 35] = [
            (0, "LINEAR"),
            (0x00ff_ffff_ffff_ffff, "INVALID"),
            (0x0100_0000_0000_0001, "INTEL(X_TILED)"),
            (0x0100_0000_0000_0009, "INTEL(4_TILED)"),
            (0x0100_0000_0000_0011, "INTEL(4_TILED_BMG_CCS)"),
            (0x0100_0000_0000_0012, "INTEL:0x12"),
            (
                0x0200_0000_1866_bf04,
                "AMD(GFX11,256K_R_X,DCC,DCC_PIPE_ALIGN,DCC_INDEPENDENT_128B,DCC_MAX_COMPRESSED_BLOCK=128B,PIPE_XOR_BITS=3,PACKERS=3)",
            ),
            (0x0200_0000_0000_0901, "AMD(GFX9,64K_S)"),
            (0x0200_0000_0060_1b04, "AMD(GFX11,64K_R_X,PIPE_XOR_BITS=3)"),
            (0x0200_0000_0000_0305, "AMD(GFX12,64K_2D)"),
            (0x0200_0000_0000_0402, "AMD:0x402"),
            (0x0200_0000_0018_4400, "AMD(GFX6,2D_TILED_THIN1,THIN,PIPE_CONFIG=12)"),
            (0x0300_0000_0000_0001, "NVIDIA(TEGRA_TILED)"),
            (0x0300_0000_0060_6014, "NVIDIA(BLOCK_LINEAR_2D,HEIGHT=4,KIND=0x6,GEN=2,SECTOR=1,COMPRESSION=0)"),
            (0x0300_0000_0cdb_6012, "NVIDIA(BLOCK_LINEAR_2D,HEIGHT=2,KIND=0xb6,GEN=1,SECTOR=7,COMPRESSION=1)"),
            (0x0300_0000_0000_0002, "NVIDIA:0x2"),
            (0x0400_0000_0000_0002, "SAMSUNG(16_16_TILE)"),
            (0x0500_0000_0000_0001, "QCOM(COMPRESSED)"),
            (0x0500_0000_0000_0007, "QCOM:0x7"),
            (0x0600_0000_0000_0002, "VIVANTE(SUPER_TILED)"),
            (0x0611_0000_0000_0002, "VIVANTE(SUPER_TILED,TS_64_4,DEC400)"),
            (0x0700_0000_0000_0001, "BROADCOM(VC4_T_TILED)"),
            (0x0700_0000_0004_3804, "BROADCOM(SAND128,COL_HEIGHT=1080)"),
            (0x0700_0000_0000_0006, "BROADCOM(UIF)"),
            (0x0800_0000_0000_0051, "ARM(AFBC,BLOCK_SIZE=16x16,YTR,SPARSE)"),
            (0x0800_0000_0000_2001, "ARM(AFBC,BLOCK_SIZE=16x16,0x2000)"),
            (0x0810_0000_0000_0001, "ARM(16X16_BLOCK_U_INTERLEAVED)"),
            (0x0820_0000_0000_0132, "ARM(AFRC,CU_SIZE_P0=24,CU_SIZE_P12=32,SCAN)"),
            (0x0900_0000_0000_0001, "ALLWINNER(TILED)"),
            (0x0a00_0000_0000_0101, "AMLOGIC(FBC,BASIC,MEM_SAVING)"),
            (0x0b00_0000_0000_0001, "MTK(16L_32S_TILE)"),
            (0x0b00_0000_0001_0101, "MTK(16L_32S_TILE,COMPRESS_V1,10BIT_LSBTILED)"),
            (0x0c00_0000_0000_0002, "APPLE(GPU_TILED_COMPRESSED)"),
            (0x0c00_0000_0000_0003, "APPLE:0x3"),
            (0x7f00_0000_0000_0003, "0x7f:0x3"),
        ];
        for (raw, text) in table {
            assert_eq!(name(Modifier::from(raw)), text, "{raw:#018x}");
        }
    }

    proptest! {
        /// Whatever it is, it has a name, and two layouts never have the same.
        #[test]
        fn names_differ(vendor in 0u64..16, low in prop_oneof![0u64..0x4000, 0u64..1 << 36, 0u64..1 << 56], bit in 0u32..56) {
            let raw = vendor << 56 | low;
            let other = raw ^ 1 << bit;
            prop_assert_ne!(name(Modifier::from(raw)), name(Modifier::from(other)), "{:#x} {:#x}", raw, other);
        }
    }
}
