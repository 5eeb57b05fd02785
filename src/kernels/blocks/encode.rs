//! From values to blocks: for weights that are rounded when they are loaded. As the `gguf` package of Python does it,
//! bit for bit.

use half::f16;
use rayon::prelude::*;

use super::BlockType;

/// Values of a block of each type that is written here.
const VALUES: usize = 32;
/// Blocks that a thread writes at a time.
const AT_A_TIME: usize = 256;
/// The values that four bits of MXFP4 stand for, doubled.
const MXFP4: [f32; 16] = [0., 1., 2., 3., 4., 6., 8., 12., 0., -1., -2., -3., -4., -6., -8., -12.];

/// Rounds values to blocks; `None` of a type that isn't written.
///
/// # Panics
/// If the values aren't whole blocks.
pub fn encode(kind: BlockType, values: &[f32]) -> Option<Vec<u8>> {
    let encode: fn(&[f32; VALUES], &mut [u8]) = match kind {
        BlockType::Q8_0 => q8_0,
        BlockType::Q4_0 => q4_0,
        BlockType::Mxfp4 => mxfp4,
        _ => return None,
    };
    let (values, rest) = values.as_chunks::<VALUES>();
    assert!(rest.is_empty(), "values are whole blocks");
    let mut blocks = vec![0; values.len() * kind.bytes()];
    let parts = blocks.par_chunks_mut(AT_A_TIME * kind.bytes()).zip(values.par_chunks(AT_A_TIME));
    parts.for_each(|(blocks, values)| {
        for (block, values) in blocks.chunks_exact_mut(kind.bytes()).zip(values) {
            encode(values, block);
        }
    });
    Some(blocks)
}

/// d · q, q of eight bits.
fn q8_0(values: &[f32; VALUES], block: &mut [u8]) {
    let scale = largest(values).abs() / 127.0;
    let inverse = inverse(scale);
    block[..2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
    for (out, value) in block[2..].iter_mut().zip(values) {
        *out = (value * inverse).round() as i8 as u8;
    }
}

/// d · (q − 8), q of four bits: the largest value has −8.
fn q4_0(values: &[f32; VALUES], block: &mut [u8]) {
    let scale = largest(values) / -8.0;
    let inverse = inverse(scale);
    block[..2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
    let digit = |value: f32| ((value * inverse + 8.5) as u8).min(15);
    write_digits(&mut block[2..], values, digit);
}

/// 2ᵉ · q, q one of 16 values.
fn mxfp4(values: &[f32; VALUES], block: &mut [u8]) {
    let largest = largest(values).abs();
    let exponent = if largest > 0.0 { (largest.log2().floor() + 125.0) as u8 } else { 0 };
    block[0] = exponent;
    // Half of it, because the values are doubled.
    let scale = match exponent {
        0 | 1 => f32::from_bits(0x0020_0000 << exponent),
        _ => f32::from_bits(u32::from(exponent - 1) << 23),
    };
    let digit = |value: f32| {
        let error = |digit: &usize| (scale * MXFP4[*digit] - value).abs();
        // The first of the nearest.
        let nearest = (0..16).min_by(|a, b| error(a).total_cmp(&error(b)));
        nearest.unwrap_or(0) as u8
    };
    write_digits(&mut block[1..], values, digit);
}

/// Four bits each: the low halves of all bytes come first.
fn write_digits(bytes: &mut [u8], values: &[f32; VALUES], digit: impl Fn(f32) -> u8) {
    let (low, high) = values.split_at(VALUES / 2);
    for ((byte, low), high) in bytes.iter_mut().zip(low).zip(high) {
        *byte = digit(*low) | digit(*high) << 4;
    }
}

/// The value of the largest magnitude, the first of these.
fn largest(values: &[f32; VALUES]) -> f32 {
    values.iter().fold(0.0, |largest: f32, value| if value.abs() > largest.abs() { *value } else { largest })
}

fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        let digits = hexadecimal.as_bytes().chunks_exact(2);
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    #[test]
    fn blocks_are_those_of_the_gguf_package() {
        let mut count = 0;
        for line in include_str!("encoded.txt").lines() {
            let [name, values, blocks] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let kind = BlockType::all().find(|kind| kind.name() == name).unwrap();
            let values: Vec<f32> =
                bytes(values).chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
            assert_eq!(encode(kind, &values).unwrap(), bytes(blocks), "{name}");
            count += 1;
        }
        assert_eq!(count, 9);
        assert_eq!(encode(BlockType::Q4_K, &[0.0; 256]), None);
    }
}
