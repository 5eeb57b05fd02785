use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Blocks of every type: the bytes of two, and their values. `blocks.txt` was made by `blocks.py` with the gguf package
/// of Python.
fn references() -> Vec<(BlockType, Vec<u8>, Vec<f32>)> {
    let lines = include_str!("blocks.txt").lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let of = |parts: Vec<&str>| {
        let kind = BlockType::all().find(|kind| kind.name() == parts[0]).unwrap();
        let values = bytes(parts[2]);
        let values = values.chunks_exact(4).map(|value| f32::from_le_bytes(value.try_into().unwrap()));
        (kind, bytes(parts[1]), values.collect())
    };
    lines.map(of).collect()
}

#[test]
fn types_stand_in_the_order_of_the_enum_and_have_ids_of_their_own() {
    for (index, kind) in BlockType::all().enumerate() {
        assert_eq!(kind as usize, index);
        assert_eq!(BlockType::from_id(kind.id()), Some(kind));
    }
}

#[test]
fn values_are_those_of_the_reference() {
    let references = references();
    assert_eq!(references.len(), BlockType::all().count() - 3, "all but the plain types");
    for (kind, blocks, expected) in references {
        let mut values = vec![0.0; expected.len()];
        kind.decode(&blocks, &mut values);
        assert_eq!(values, expected, "{kind}");
    }
}

#[test]
fn plain_numbers() {
    let decode = |kind: BlockType, bytes: &[u8]| {
        let mut value = [0.0];
        kind.decode(bytes, &mut value);
        value[0]
    };
    assert_eq!(decode(BlockType::F32, &1.5f32.to_le_bytes()), 1.5);
    assert_eq!(decode(BlockType::F16, &::half::f16::from_f32(-0.25).to_le_bytes()), -0.25);
    assert_eq!(decode(BlockType::Bf16, &::half::bf16::from_f32(3.0).to_le_bytes()), 3.0);
}

#[test]
fn exponents_of_mxfp4_reach_from_end_to_end() {
    let value = |exponent: u8, code: u8| {
        let mut values = [0.0; 32];
        BlockType::Mxfp4.decode(&[&[exponent, code][..], &[0; 15]].concat(), &mut values);
        values[0]
    };
    for exponent in 0..253 {
        let scale = 2f64.powi(i32::from(exponent) - 127);
        for (code, number) in [(1, 0.5), (2, 1.0), (7, 6.0), (13, -3.0)] {
            assert_eq!(f64::from(value(exponent, code)), scale * number, "{exponent} {code}");
        }
    }
    assert_eq!(value(254, 1), 2f32.powi(126));
    assert!(value(255, 1).is_nan());
}

/// Random rows of a type, made of the blocks of the reference.
fn rows(kind: BlockType, rows: usize, in_features: usize, random: &mut fastrand::Rng) -> Vec<u8> {
    let known: Vec<u8> = match references().into_iter().find(|(known, ..)| *known == kind) {
        Some((_, blocks, _)) => blocks,
        None => (0..64).flat_map(|at| [0u8; 4].map(|_| (at * 3 % 0x40) as u8)).collect(),
    };
    let mut all = Vec::new();
    while all.len() < kind.row_bytes(rows * in_features) {
        let at = random.usize(..known.len() / kind.bytes()) * kind.bytes();
        all.extend(&known[at..at + kind.bytes()]);
    }
    all
}

#[test]
fn a_product_is_that_with_the_decoded_matrix() {
    crate::kernels::amx::on_and_off(check_a_product_is_that_with_the_decoded_matrix);
}

fn check_a_product_is_that_with_the_decoded_matrix() {
    let mut random = fastrand::Rng::with_seed(17);
    for kind in BlockType::all() {
        // More columns than are decoded at a time, and rows that are no whole groups.
        for (in_features, out_features) in [(kind.values(), 3), (1024, 21), (2 * 256, 8), (1536, 5)] {
            let blocks = rows(kind, out_features, in_features, &mut random);
            let mut weight = vec![0.0; out_features * in_features];
            kind.decode(&blocks, &mut weight);
            // Up to so many that inputs are taken in pieces.
            for count in [1, 2, 5, 7, 33, 90] {
                let x: Vec<f32> =
                    std::iter::repeat_with(|| random.f32() - 0.5).take(count * in_features).collect();
                let mut y = vec![1.0; count * out_features];
                add_product_transposed(kind, &x, &blocks, in_features, &mut y);
                for (at, y) in y.iter().enumerate() {
                    let products = x[at / out_features * in_features..][..in_features]
                        .iter()
                        .zip(&weight[at % out_features * in_features..][..in_features]);
                    let exact =
                        1.0 + products.clone().map(|(x, w)| f64::from(*x) * f64::from(*w)).sum::<f64>();
                    let size = 1.0 + products.map(|(x, w)| f64::from((x * w).abs())).sum::<f64>();
                    assert!((f64::from(*y) - exact).abs() < 1e-6 * size, "{kind}: {y}, not {exact}");
                }
            }
        }
    }
}

#[test]
fn scales_that_are_no_numbers_are_found() {
    for (kind, blocks, _) in references() {
        assert_eq!(first_broken(kind, &blocks), None, "{kind}");
        let mut found = 0;
        for at in 0..kind.bytes() {
            let mut broken = blocks.clone();
            broken[kind.bytes() + at] = 0xff;
            let mut values = vec![0.0; blocks.len() / kind.bytes() * kind.values()];
            kind.decode(&broken, &mut values);
            let is_finite = values.iter().all(|value| value.is_finite());
            assert_eq!(first_broken(kind, &broken), (!is_finite).then_some(1), "{kind} {at}");
            found += usize::from(!is_finite);
        }
        assert!(found > 0, "{kind}");
    }
    assert_eq!(first_broken(BlockType::Bf16, &[0, 0x7f, 0x80, 0x7f]), Some(1));
    assert_eq!(first_broken(BlockType::F32, &f32::NAN.to_le_bytes()), Some(0));
}
