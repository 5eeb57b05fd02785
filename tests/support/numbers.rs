//! Numbers of safetensors files, and how far they are apart.

use safetensors::SafeTensors;

pub fn floats(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let tensor = file.tensor(name).unwrap();
    assert_eq!(tensor.dtype(), safetensors::Dtype::F32, "{name}");
    tensor.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

pub fn ids(file: &SafeTensors<'_>, name: &str) -> Vec<i64> {
    let tensor = file.tensor(name).unwrap();
    assert_eq!(tensor.dtype(), safetensors::Dtype::I64, "{name}");
    tensor.data().chunks_exact(8).map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap())).collect()
}

pub fn shape(file: &SafeTensors<'_>, name: &str) -> Vec<usize> {
    file.tensor(name).unwrap().shape().to_vec()
}

/// What is no number is farther away than any.
pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).max_by(f32::total_cmp).unwrap_or(0.0)
}

pub fn largest(values: &[f32]) -> f32 {
    values.iter().map(|value| value.abs()).max_by(f32::total_cmp).unwrap_or(0.0)
}
