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

    /// `ACT2FN[name](XS)` of transformers 5.24, in f32.
    const EXPECTED: [(&str, [f32; 16]); 22] = [
        (
            "gelu",
            [
                0.0,
                0.0,
                0.0,
                -0.004050225,
                -0.15865526,
                -0.15426877,
                -0.00049960107,
                0.0,
                0.000500399,
                0.34573123,
                0.8413447,
                2.7418058,
                5.5,
                9.0,
                12.0,
                60.0,
            ],
        ),
        (
            "gelu_10",
            [
                0.0,
                0.0,
                0.0,
                -0.004050225,
                -0.15865526,
                -0.15426877,
                -0.00049960107,
                0.0,
                0.000500399,
                0.34573123,
                0.8413447,
                2.7418058,
                5.5,
                9.0,
                10.0,
                10.0,
            ],
        ),
        (
            "gelu_accurate",
            [
                0.0,
                0.0,
                0.0,
                -0.003637433,
                -0.158808,
                -0.154286,
                -0.00049960107,
                0.0,
                0.000500399,
                0.345714,
                0.841192,
                2.7422767,
                5.5,
                9.0,
                12.0,
                60.0,
            ],
        ),
        (
            "gelu_fast",
            [
                0.0,
                0.0,
                0.0,
                -0.003637433,
                -0.158808,
                -0.154286,
                -0.00049960107,
                0.0,
                0.000500399,
                0.345714,
                0.841192,
                2.7422767,
                5.5,
                9.0,
                12.0,
                60.0,
            ],
        ),
        (
            "gelu_new",
            [
                0.0,
                0.0,
                0.0,
                -0.003637433,
                -0.158808,
                -0.154286,
                -0.00049960107,
                0.0,
                0.000500399,
                0.345714,
                0.841192,
                2.7422767,
                5.5,
                9.0,
                12.0,
                60.0,
            ],
        ),
        (
            "gelu_python",
            [
                0.0,
                0.0,
                0.0,
                -0.0040496886,
                -0.15865526,
                -0.15426877,
                -0.00049960107,
                0.0,
                0.000500399,
                0.34573123,
                0.8413447,
                2.7418056,
                5.5,
                9.0,
                12.0,
                60.0,
            ],
        ),
        (
            "gelu_python_tanh",
            [
                0.0,
                0.0,
                0.0,
                -0.003637433,
                -0.158808,
                -0.154286,
                -0.00049960107,
                0.0,
                0.000500399,
                0.345714,
                0.841192,
                2.7422767,
                5.5,
                9.0,
                12.0,
                60.0,
            ],
        ),
        (
            "gelu_pytorch_tanh",
            [
                0.0,
                0.0,
                0.0,
                -0.003637433,
                -0.158808,
                -0.154286,
                -0.00049960107,
                0.0,
                0.000500399,
                0.345714,
                0.841192,
                2.7422767,
                5.5,
                9.0,
                12.0,
                60.0,
            ],
        ),
        (
            "hardswish",
            [
                0.0,
                0.0,
                0.0,
                0.0,
                -0.33333334,
                -0.20833333,
                -0.0004998334,
                0.0,
                0.0005001667,
                0.29166666,
                0.6666667,
                2.6354167,
                5.5,
                9.0,
                12.0,
                60.0,
            ],
        ),
        (
            "laplace",
            [
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                9.387732e-06,
                0.006033629,
                0.0060944557,
                0.0061558485,
                0.23142114,
                0.85042965,
                1.0,
                1.0,
                1.0,
                1.0,
                1.0,
            ],
        ),
        (
            "leaky_relu",
            [
                -0.59999996,
                -0.12,
                -0.065,
                -0.03,
                -0.01,
                -0.005,
                -1.0000001e-05,
                0.0,
                0.001,
                0.5,
                1.0,
                2.75,
                5.5,
                9.0,
                12.0,
                60.0,
            ],
        ),
        (
            "linear",
            [-60.0, -12.0, -6.5, -3.0, -1.0, -0.5, -0.001, 0.0, 0.001, 0.5, 1.0, 2.75, 5.5, 9.0, 12.0, 60.0],
        ),
        (
            "mish",
            [
                -5.2539063e-25,
                -7.373032e-05,
                -0.009765008,
                -0.14564747,
                -0.30340144,
                -0.22074376,
                -0.00059968,
                0.0,
                0.00060032005,
                0.37524524,
                0.86509836,
                2.7302144,
                5.499818,
                8.999999,
                12.0,
                60.0,
            ],
        ),
        (
            "quick_gelu",
            [
                0.0,
                -1.6186421e-08,
                -0.000101931124,
                -0.01807131,
                -0.15420423,
                -0.14961156,
                -0.0004995745,
                0.0,
                0.0005004255,
                0.35038844,
                0.84579575,
                2.72473,
                5.4995265,
                8.999998,
                12.0,
                60.0,
            ],
        ),
        ("relu", [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.001, 0.5, 1.0, 2.75, 5.5, 9.0, 12.0, 60.0]),
        (
            "relu2",
            [
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                1.0000001e-06,
                0.25,
                1.0,
                7.5625,
                30.25,
                81.0,
                144.0,
                3600.0,
            ],
        ),
        ("relu6", [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.001, 0.5, 1.0, 2.75, 5.5, 6.0, 6.0, 6.0]),
        (
            "sigmoid",
            [
                8.756511e-27,
                6.144174e-06,
                0.0015011822,
                0.047425874,
                0.26894143,
                0.37754068,
                0.49975002,
                0.5,
                0.50025,
                0.62245935,
                0.7310586,
                0.93991333,
                0.9959299,
                0.9998766,
                0.9999938,
                1.0,
            ],
        ),
        (
            "silu",
            [
                -5.2539063e-25,
                -7.3730094e-05,
                -0.009757685,
                -0.14227761,
                -0.26894143,
                -0.18877034,
                -0.00049975,
                0.0,
                0.00050025,
                0.31122968,
                0.7310586,
                2.5847616,
                5.4776144,
                8.99889,
                11.999926,
                60.0,
            ],
        ),
        (
            "sqrtsoftplus",
            [
                9.357623e-14,
                0.0024787483,
                0.038759645,
                0.22042538,
                0.55969787,
                0.6885325,
                0.83225435,
                0.83255464,
                0.8328549,
                0.9869534,
                1.1459763,
                1.6768923,
                2.3460772,
                3.0000205,
                3.4641025,
                7.745967,
            ],
        ),
        (
            "swish",
            [
                -5.2539063e-25,
                -7.3730094e-05,
                -0.009757685,
                -0.14227761,
                -0.26894143,
                -0.18877034,
                -0.00049975,
                0.0,
                0.00050025,
                0.31122968,
                0.7310586,
                2.5847616,
                5.4776144,
                8.99889,
                11.999926,
                60.0,
            ],
        ),
        (
            "tanh",
            [
                -1.0,
                -1.0,
                -0.99999547,
                -0.9950548,
                -0.7615942,
                -0.46211717,
                -0.0009999997,
                0.0,
                0.0009999997,
                0.46211717,
                0.7615942,
                0.99185973,
                0.9999666,
                0.99999994,
                1.0,
                1.0,
            ],
        ),
    ];

    #[test]
    fn every_function_is_that_of_transformers_on_both_engines() {
        let names: Vec<&str> = Activation::NAMES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, EXPECTED.map(|(name, _)| name), "all are tested");
        for (name, expected) in EXPECTED {
            let activation = Activation::named(name).unwrap();
            let y = activate(activation, &Tensor::new(&XS, &Device::Cpu).unwrap()).unwrap();
            let mut found = vec![y.to_vec1::<f32>().unwrap()];
            found.extend(kernel(activation).map(|function| {
                let mut values = XS.to_vec();
                function.apply(&mut values);
                values
            }));
            for values in found {
                for ((x, value), expected) in XS.iter().zip(&values).zip(expected) {
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
