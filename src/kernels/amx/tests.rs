//! The unit against its twin without instructions, and both against sums in f64.

use std::ops::Range;

use proptest::prelude::*;

use super::parts::{split_panel, split_rows};
use super::product::add_product;
use super::scalar::Scalar;
use super::tile::{PANEL, Parts, STEP, TILES, Tile};
use super::unit::Unit;
use super::weight::Tiled;

/// A weight \[out, in\] of numbers that are the sums of so many of bf16.
struct Weight<const PARTS: usize> {
    values: Vec<f32>,
    in_features: usize,
}

impl<const PARTS: usize> Weight<PARTS> {
    fn new(values: &[f32], in_features: usize) -> Self {
        let bits = u32::MAX << (24 - 8 * PARTS);
        let cut = |value: &f32| match value.is_finite() {
            true => f32::from_bits(value.to_bits() & bits),
            false => *value,
        };
        Self { values: values.iter().map(cut).collect(), in_features }
    }
}

impl<const PARTS: usize> Tiled for Weight<PARTS> {
    const PARTS: usize = PARTS;

    fn decode_tiles(&self, outputs: Range<usize>, inputs: Range<usize>, tiles: &mut [[Tile; TILES]]) {
        let mut panel = vec![f32::NAN; inputs.len() * PANEL];
        for (column, output) in outputs.enumerate() {
            for (row, input) in inputs.clone().enumerate() {
                panel[row * PANEL + column] = self.values[output * self.in_features + input];
            }
        }
        split_panel::<PARTS>(&panel, tiles);
    }
}

/// Every unit's product, which is added to ones.
fn products<const PARTS: usize>(x: &[f32], weight: &Weight<PARTS>) -> Vec<Vec<f32>> {
    let (in_features, count) = (weight.in_features, x.len() / weight.in_features);
    let out_features = weight.values.len() / in_features;
    let mut y = vec![vec![1.0; count * out_features]];
    add_product(Scalar, [in_features, out_features], x, weight, &(), &mut y[0]);
    if let Some(unit) = super::unit() {
        y.push(vec![1.0; count * out_features]);
        add_product(unit, [in_features, out_features], x, weight, &(), &mut y[1]);
    }
    y
}

/// Holds every unit's product against sums in f64.
fn check<const PARTS: usize>(x: &[f32], values: &[f32], in_features: usize) {
    let weight = Weight::<PARTS>::new(values, in_features);
    let out_features = values.len() / in_features;
    for y in products(x, &weight) {
        for (at, y) in y.iter().enumerate() {
            let x = &x[at / out_features * in_features..][..in_features];
            let weight = &weight.values[at % out_features * in_features..][..in_features];
            let products = x.iter().zip(weight).map(|(x, w)| f64::from(*x) * f64::from(*w));
            let exact = 1.0 + products.clone().sum::<f64>();
            let size = 1.0 + products.map(f64::abs).sum::<f64>();
            let error = (f64::from(*y) - exact).abs();
            assert!(error < 4e-6 * size, "{PARTS} parts, {at}: {y} is not {exact}");
        }
    }
}

/// `count` numbers of all sizes around 1.
fn draw(random: &mut fastrand::Rng, count: usize) -> Vec<f32> {
    let value = |_| (random.f32() - 0.5) * 2.0f32.powi(random.i32(-12..12));
    (0..count).map(value).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn products_of_every_size_are_sums(
        count in 1..70usize, in_features in 1..150usize, out_features in 1..120usize, seed: u64
    ) {
        let mut random = fastrand::Rng::with_seed(seed);
        let x = draw(&mut random, count * in_features);
        let values = draw(&mut random, in_features * out_features);
        check::<1>(&x, &values, in_features);
        check::<2>(&x, &values, in_features);
        check::<3>(&x, &values, in_features);
    }

    #[test]
    fn parts_sum_to_the_number(bits: u32) {
        let value = f32::from_bits(bits);
        prop_assume!(value.is_finite());
        let mut tiles: [Parts; 1] = [[[7; 256]; 3]];
        split_rows(&[value], 1, 0..1, &mut tiles);
        let parts = tiles[0].map(|tile| f32::from_bits(tile[0] << 16));
        // bf16 has no bits below 2⁻¹³³, which powi makes 0.
        let smallest = f32::from_bits(1 << 16);
        let exact = value.abs() >= 2.0f32.powi(-133 + 24);
        let is_sum = |parts: [f32; 3]| {
            let sum = parts[0] + (parts[1] + parts[2]);
            sum == value || !exact && (sum - value).abs() < smallest
        };
        prop_assert!(is_sum(parts));
        prop_assert!(tiles[0].iter().all(|tile| tile[0] >> 16 == 0 && tile[1..] == [0; 255]));
        let mut panel = [0.0; PANEL];
        panel[17] = value;
        let mut tiles: [[Tile; TILES]; 3] = [[[7; 256]; TILES]; 3];
        split_panel::<3>(&panel, &mut tiles);
        let parts = tiles.map(|tiles| f32::from_bits(tiles[1][1] << 16));
        prop_assert!(is_sum(parts));
    }

    /// What isn't finite reaches all results that depend on it, and no other.
    #[test]
    fn what_is_not_finite_stays_so(
        [row, column, count]: [u8; 3], of_weight: bool, value in prop::sample::select(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY])
    ) {
        let (in_features, out_features, count) = (37, 50, 1 + usize::from(count) % 40);
        let mut random = fastrand::Rng::with_seed(4);
        let mut x = draw(&mut random, count * in_features);
        let mut values = draw(&mut random, in_features * out_features);
        let row = usize::from(row) % if of_weight { out_features } else { count };
        let at = row * in_features + usize::from(column) % in_features;
        *(if of_weight { &mut values[at] } else { &mut x[at] }) = value;
        for y in products(&x, &Weight::<1>::new(&values, in_features)).into_iter().chain(products(&x, &Weight::<3>::new(&values, in_features))) {
            for (at, y) in y.iter().enumerate() {
                let depends = row == if of_weight { at % out_features } else { at / out_features };
                prop_assert_eq!(y.is_finite(), !depends);
            }
        }
    }
}

/// More inputs than are decoded at a time, more batch rows than a tile has, and more panels than are kept.
#[test]
fn products_in_several_pieces_are_sums() {
    let mut random = fastrand::Rng::with_seed(2);
    for (count, in_features, out_features) in [(3, 3000, 60), (50, 2700, 60), (2060, 5, 7)] {
        let x = draw(&mut random, count * in_features);
        let values = draw(&mut random, in_features * out_features);
        check::<1>(&x, &values, in_features);
        check::<3>(&x, &values, in_features);
    }
}

/// Parts below f32's normal range count as zero.
#[test]
fn what_is_lost_is_below_the_normal_range() {
    let smallest = f32::MIN_POSITIVE;
    for (x, value) in [(smallest / 3.0, 1.0), (1.0, smallest / 3.0), (smallest * 1.7, 1.3), (1.3e-33, 1.7)] {
        for y in products(&[x], &Weight::<3>::new(&[value], 1)) {
            assert_eq!(y, [1.0]);
        }
        let mut y = [0.0];
        add_product(Scalar, [1, 1], &[x], &Weight::<3>::new(&[value], 1), &(), &mut y);
        if let Some(unit) = super::unit() {
            let mut other = [0.0];
            add_product(unit, [1, 1], &[x], &Weight::<3>::new(&[value], 1), &(), &mut other);
            assert!((y[0] - other[0]).abs() <= 4.0 * smallest, "{} is not {}", other[0], y[0]);
        }
        assert!((f64::from(y[0]) - f64::from(x) * f64::from(value)).abs() <= 8.0 * f64::from(smallest));
    }
    // The largest numbers are cut, not rounded up to infinity.
    for y in products(&[f32::MAX], &Weight::<3>::new(&[0.5], 1)) {
        assert_eq!(y, [f32::MAX / 2.0]);
    }
}

/// The same bits on one thread and on several, and every time.
#[test]
fn bits_do_not_depend_on_threads() {
    let mut random = fastrand::Rng::with_seed(3);
    let x = draw(&mut random, 40 * 700);
    let weight = Weight::<1>::new(&draw(&mut random, 700 * 300), 700);
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let y = pool.install(|| products(&x, &weight));
        y.concat().into_iter().map(f32::to_bits).collect::<Vec<u32>>()
    };
    let first = bits(1);
    assert_eq!(first, bits(2));
    assert_eq!(first, bits(3));
    assert_eq!(first, bits(3));
}

#[test]
#[should_panic(expected = "no tile")]
fn a_tile_has_sixteen_rows() {
    match super::unit() {
        Some(unit) => drop(unit.ready(17)),
        None => drop(Scalar.ready(17)),
    }
}

#[test]
fn a_step_is_whole() {
    // A batch row of one value more than a step takes two steps, the second of which is zero but for that value.
    let x: Vec<f32> = (1..=STEP + 1).map(|at| at as f32).collect();
    let mut tiles: [Parts; 2] = [[[7; 256]; 3]; 2];
    split_rows(&x, STEP + 1, 0..STEP + 1, &mut tiles);
    assert_eq!(tiles[0][0][15], 31.0f32.to_bits() >> 16 | 32.0f32.to_bits());
    assert_eq!((tiles[1][0][0], tiles[1][0][1]), (33.0f32.to_bits() >> 16, 0));
}
