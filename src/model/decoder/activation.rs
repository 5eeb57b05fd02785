//! Activations in tensor operations, which every device has.

use std::f64::consts::FRAC_1_SQRT_2;

use candle_core::{DType, Tensor};
use candle_nn::ops::sigmoid;

use crate::kernels::elementwise::Function;
use crate::model::ModelError;
use crate::model::spec::Activation;

/// The CPU's kernel of an activation, if it has one.
pub fn kernel(activation: Activation) -> Option<Function> {
    match activation {
        Activation::GeluTanh => Some(Function::GeluTanh),
        Activation::GeluQuick => Some(Function::GeluQuick),
        Activation::Relu => Some(Function::Relu),
        Activation::Silu => Some(Function::Silu),
        _ => None,
    }
}

/// The activation of every value.
///
/// # Errors
/// If the device fails.
pub fn activate(activation: Activation, y: &Tensor) -> Result<Tensor, ModelError> {
    match activation {
        Activation::GeluTanh => Ok(y.gelu()?),
        Activation::GeluErf => Ok(y.gelu_erf()?),
        Activation::Relu => Ok(y.relu()?),
        Activation::Silu => Ok(y.silu()?),
        Activation::Linear => Ok(y.clone()),
        // Of several operations, which would each be rounded.
        _ => Ok(composed(activation, &y.to_dtype(DType::F32)?)?.to_dtype(y.dtype())?),
    }
}

fn composed(activation: Activation, x: &Tensor) -> candle_core::Result<Tensor> {
    match activation {
        Activation::GeluClipped => x.gelu_erf()?.clamp(-10f32, 10f32),
        Activation::GeluQuick => x * sigmoid(&(x * 1.702)?)?,
        Activation::HardSwish => (x * (x + 3.0)?.clamp(0f32, 6f32)?)? / 6.0,
        // 1/√(4π) with the digits that transformers has of it.
        Activation::Laplace => (((x - FRAC_1_SQRT_2)? * (FRAC_1_SQRT_2 / 0.282_095))?.erf()? + 1.0)? * 0.5,
        Activation::LeakyRelu => x.maximum(&(x * 0.01)?),
        Activation::Mish => x * softplus(x)?.tanh()?,
        Activation::ReluSquared => x.relu()?.sqr(),
        Activation::ReluClipped => x.clamp(0f32, 6f32),
        Activation::Sigmoid => sigmoid(x),
        Activation::SqrtSoftplus => softplus(x)?.sqrt(),
        Activation::Tanh => x.tanh(),
        Activation::GeluTanh
        | Activation::GeluErf
        | Activation::Relu
        | Activation::Silu
        | Activation::Linear => {
            unreachable!("it is one operation")
        }
    }
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e), e = exp(−|x|)
fn softplus(x: &Tensor) -> candle_core::Result<Tensor> {
    let e = x.abs()?.neg()?.exp()?;
    let sum = (&e + 1.0)?;
    // What 1 + e is rounded by is taken out again (Kahan): ln(1 + e) = e · ln(sum) / (sum − 1), or e if the sum is 1.
    let is_one = sum.eq(1f32)?.to_dtype(DType::F32)?;
    let ratio = ((sum.log()? / ((sum - 1.0)? + &is_one)?)? + is_one)?;
    x.relu()? + (e * ratio)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    const XS: [f32; 16] =
        [-60.0, -12.0, -6.5, -3.0, -1.0, -0.5, -0.001, 0.0, 0.001, 0.5, 1.0, 2.75, 5.5, 9.0, 12.0, 60.0];

    /// `ACT2FN[name](XS)` of transformers 5.24, in f32: a line for each, its name first.
    const EXPECTED: &str = include_str!("activations.txt");

    #[test]
    fn every_function_is_that_of_transformers_on_both_engines() {
        let names: Vec<&str> = Activation::NAMES.iter().map(|(name, _)| *name).collect();
        let expected = EXPECTED.lines().filter_map(|line| line.split_once(' '));
        assert_eq!(names, expected.clone().map(|(name, _)| name).collect::<Vec<_>>(), "all are tested");
        for (name, values) in expected {
            let expected: Vec<f32> = values.split(' ').map(|value| value.parse().unwrap()).collect();
            assert_eq!(expected.len(), XS.len(), "{name}");
            let activation = Activation::named(name).unwrap();
            let y = activate(activation, &Tensor::new(&XS, &Device::Cpu).unwrap()).unwrap();
            let mut found = vec![y.to_vec1::<f32>().unwrap()];
            found.extend(kernel(activation).map(|function| {
                let mut values = XS.to_vec();
                function.apply(&mut values);
                values
            }));
            for values in found {
                for ((x, value), expected) in XS.iter().zip(&values).zip(&expected) {
                    let error = (value - expected).abs();
                    assert!(error < 2e-6 * (1.0 + expected.abs()), "{name}({x}) is {value}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn a_coarser_precision_is_kept() {
        let x = Tensor::new(&XS, &Device::Cpu).unwrap().to_dtype(DType::BF16).unwrap();
        for (name, activation) in Activation::NAMES {
            assert_eq!(activate(activation, &x).unwrap().dtype(), DType::BF16, "{name}");
        }
    }
}
