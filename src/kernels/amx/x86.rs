//! Intel's AMX on Linux. The compiler has no names for its instructions yet, and none of the registers: code that it
//! makes never uses them, so that they keep what they hold from one block of assembler to the next.

#![allow(unsafe_code)]

use std::arch::asm;
use std::arch::x86_64::{__cpuid_count, __get_cpuid_max};
use std::marker::PhantomData;

use super::tile::{COLUMNS, Parts, ROWS, Sums, TILES, Tile};
use super::unit::{Ready, Unit};

/// Bytes of a row of a tile.
const ROW_BYTES: usize = 64;

/// A processor with AMX, whose system keeps its registers for us.
#[derive(Debug, Clone, Copy)]
pub struct Amx(());

/// A thread whose registers are tiles of some rows, until this is dropped.
pub struct Configured(PhantomData<*const ()>);

/// The operand of `ldtilecfg`.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    /// Bytes of a row of each register.
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Amx {
    /// `None` if the processor hasn't got it, or the system doesn't keep its registers. Threads that are started later
    /// may use it, too: the system grants it to the process.
    pub fn new() -> Option<Self> {
        (has_instructions() && system_keeps_tiles() && ask_for_tiles()).then_some(Self(()))
    }
}

/// The processor multiplies tiles of bf16.
fn has_instructions() -> bool {
    const BF16: u32 = 1 << 22;
    const TILES: u32 = 1 << 24;
    __get_cpuid_max(0).0 >= 7 && __cpuid_count(7, 0).edx & (BF16 | TILES) == BF16 | TILES
}

/// The system saves tiles when it gives the processor to another thread.
fn system_keeps_tiles() -> bool {
    const OSXSAVE: u32 = 1 << 27;
    const TILES: u32 = 0b11 << 17;
    if __cpuid_count(1, 0).ecx & OSXSAVE == 0 {
        return false;
    }
    let low: u32;
    // SAFETY: the bit says that there is this instruction, which only reads a register.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") _, options(nomem, nostack, preserves_flags))
    };
    low & TILES == TILES
}

/// Asks Linux for the room that it needs to save tiles.
fn ask_for_tiles() -> bool {
    const REQUEST_PERMISSION: libc::c_int = 0x1023;
    const TILE_DATA: libc::c_ulong = 18;
    // SAFETY: this request takes two numbers, and no memory of ours.
    unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0 }
}

impl Unit for Amx {
    type Ready = Configured;

    fn ready(self, rows: usize) -> Configured {
        assert!((1..=ROWS).contains(&rows), "{rows} rows are no tile");
        let mut config =
            Config { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        config.row_bytes[..8].fill(ROW_BYTES as u16);
        // Sums and batch rows, of as many rows as there are; the panel's tiles are whole.
        config.rows[..8].copy_from_slice(&[rows as u8; 8]);
        config.rows[3..6].fill(16);
        // SAFETY: there is an `Amx` only where there are the instructions. The operand is one that palette 1 allows: at most
        // 16 rows of at most 64 bytes.
        unsafe {
            asm!(
                "ldtilecfg [{config}]", config = in(reg) &raw const config,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, preserves_flags, readonly),
            );
        }
        Configured(PhantomData)
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        // SAFETY: there is a `Configured` only where there are the instructions, and only on one thread.
        unsafe {
            asm!(
                "tilerelease",
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, preserves_flags, nomem),
            );
        }
    }
}

/// One block of assembler: sums in tmm0 to tmm2, a panel's tiles in tmm3 to tmm5, batch rows in tmm6 and tmm7.
macro_rules! steps {
    ($x:expr, $panel:expr, $sums:expr, $steps:expr, $panel_bytes:literal, $($line:literal),*) => {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "2:",
            $($line,)*
            "add {x}, 3072",
            concat!("add {panel}, ", $panel_bytes),
            "dec {steps}",
            "jnz 2b",
            "tilestored [{sums} + {row}], tmm0",
            "tilestored [{sums} + {row} + 1024], tmm1",
            "tilestored [{sums} + {row} + 2048], tmm2",
            x = inout(reg) $x => _,
            panel = inout(reg) $panel => _,
            steps = inout(reg) $steps => _,
            sums = in(reg) $sums,
            row = in(reg) ROW_BYTES,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        )
    };
}

impl Ready for Configured {
    fn multiply(&self, x: &[Parts], panel: &[[Tile; TILES]], sums: &mut Sums) {
        const { assert!(TILES == 3 && size_of::<Parts>() == 3072 && size_of::<[Tile; 3]>() == 3072) };
        const { assert!(COLUMNS * size_of::<f32>() == ROW_BYTES) };
        let steps = x.len();
        if steps == 0 {
            *sums = [[0.0; ROWS * COLUMNS]; TILES];
            return;
        }
        let parts = panel.len() / steps;
        assert_eq!(panel.len(), parts * steps, "as many tiles for each step");
        let (x, panel, sums) = (x.as_ptr(), panel.as_ptr(), sums.as_mut_ptr());
        match parts {
            // SAFETY: this thread's tiles are configured, with at most 16 rows of 64 bytes. Each step reads the three
            // tiles of `x` and the three of `panel` that the slices have for it, and `sums` has room for three tiles.
            1 => unsafe {
                steps!(
                    x,
                    panel,
                    sums,
                    steps,
                    "3072",
                    "tileloadd tmm6, [{x} + {row}]",
                    "tileloadd tmm3, [{panel} + {row}]",
                    "tileloadd tmm4, [{panel} + {row} + 1024]",
                    "tileloadd tmm5, [{panel} + {row} + 2048]",
                    "tdpbf16ps tmm0, tmm6, tmm3",
                    "tdpbf16ps tmm1, tmm6, tmm4",
                    "tdpbf16ps tmm2, tmm6, tmm5",
                    "tileloadd tmm7, [{x} + {row} + 1024]",
                    "tdpbf16ps tmm0, tmm7, tmm3",
                    "tdpbf16ps tmm1, tmm7, tmm4",
                    "tdpbf16ps tmm2, tmm7, tmm5",
                    "tileloadd tmm6, [{x} + {row} + 2048]",
                    "tdpbf16ps tmm0, tmm6, tmm3",
                    "tdpbf16ps tmm1, tmm6, tmm4",
                    "tdpbf16ps tmm2, tmm6, tmm5"
                )
            },
            // SAFETY: as above, with six tiles of `panel`.
            2 => unsafe {
                steps!(
                    x,
                    panel,
                    sums,
                    steps,
                    "6144",
                    "tileloadd tmm6, [{x} + {row}]",
                    "tileloadd tmm3, [{panel} + {row}]",
                    "tileloadd tmm4, [{panel} + {row} + 1024]",
                    "tileloadd tmm5, [{panel} + {row} + 2048]",
                    "tdpbf16ps tmm0, tmm6, tmm3",
                    "tdpbf16ps tmm1, tmm6, tmm4",
                    "tdpbf16ps tmm2, tmm6, tmm5",
                    "tileloadd tmm6, [{x} + {row} + 2048]",
                    "tdpbf16ps tmm0, tmm6, tmm3",
                    "tdpbf16ps tmm1, tmm6, tmm4",
                    "tdpbf16ps tmm2, tmm6, tmm5",
                    "tileloadd tmm7, [{x} + {row} + 1024]",
                    "tdpbf16ps tmm0, tmm7, tmm3",
                    "tdpbf16ps tmm1, tmm7, tmm4",
                    "tdpbf16ps tmm2, tmm7, tmm5",
                    "tileloadd tmm3, [{panel} + {row} + 3072]",
                    "tileloadd tmm4, [{panel} + {row} + 4096]",
                    "tileloadd tmm5, [{panel} + {row} + 5120]",
                    "tdpbf16ps tmm0, tmm7, tmm3",
                    "tdpbf16ps tmm1, tmm7, tmm4",
                    "tdpbf16ps tmm2, tmm7, tmm5",
                    "tileloadd tmm6, [{x} + {row}]",
                    "tdpbf16ps tmm0, tmm6, tmm3",
                    "tdpbf16ps tmm1, tmm6, tmm4",
                    "tdpbf16ps tmm2, tmm6, tmm5"
                )
            },
            // SAFETY: as above, with nine tiles of `panel`.
            3 => unsafe {
                steps!(
                    x,
                    panel,
                    sums,
                    steps,
                    "9216",
                    "tileloadd tmm6, [{x} + {row}]",
                    "tileloadd tmm3, [{panel} + {row}]",
                    "tileloadd tmm4, [{panel} + {row} + 1024]",
                    "tileloadd tmm5, [{panel} + {row} + 2048]",
                    "tdpbf16ps tmm0, tmm6, tmm3",
                    "tdpbf16ps tmm1, tmm6, tmm4",
                    "tdpbf16ps tmm2, tmm6, tmm5",
                    "tileloadd tmm6, [{x} + {row} + 2048]",
                    "tdpbf16ps tmm0, tmm6, tmm3",
                    "tdpbf16ps tmm1, tmm6, tmm4",
                    "tdpbf16ps tmm2, tmm6, tmm5",
                    "tileloadd tmm7, [{x} + {row} + 1024]",
                    "tdpbf16ps tmm0, tmm7, tmm3",
                    "tdpbf16ps tmm1, tmm7, tmm4",
                    "tdpbf16ps tmm2, tmm7, tmm5",
                    "tileloadd tmm3, [{panel} + {row} + 3072]",
                    "tileloadd tmm4, [{panel} + {row} + 4096]",
                    "tileloadd tmm5, [{panel} + {row} + 5120]",
                    "tdpbf16ps tmm0, tmm7, tmm3",
                    "tdpbf16ps tmm1, tmm7, tmm4",
                    "tdpbf16ps tmm2, tmm7, tmm5",
                    "tileloadd tmm6, [{x} + {row}]",
                    "tdpbf16ps tmm0, tmm6, tmm3",
                    "tdpbf16ps tmm1, tmm6, tmm4",
                    "tdpbf16ps tmm2, tmm6, tmm5",
                    "tileloadd tmm3, [{panel} + {row} + 6144]",
                    "tileloadd tmm4, [{panel} + {row} + 7168]",
                    "tileloadd tmm5, [{panel} + {row} + 8192]",
                    "tdpbf16ps tmm0, tmm6, tmm3",
                    "tdpbf16ps tmm1, tmm6, tmm4",
                    "tdpbf16ps tmm2, tmm6, tmm5"
                )
            },
            _ => panic!("{parts} parts"),
        }
    }
}
