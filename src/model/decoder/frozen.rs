//! A norm at one row, with what it divides by held where it is. So it is linear, and what was added up before it can be
//! told apart behind it.

use crate::kernels::dot::dot;

/// A norm at one row.
#[derive(Debug, Clone, PartialEq)]
pub struct FrozenNorm {
    /// Weight / divisor.
    factors: Vec<f32>,
    about_mean: bool,
    bias: Option<Vec<f32>>,
}

impl FrozenNorm {
    /// Of the norm with these weights and biases at the row `x`: LayerNorm if it is about the mean, else RMSNorm.
    pub fn new(
        x: &[f32],
        about_mean: bool,
        (weight, bias): (Vec<f32>, Option<Vec<f32>>),
        epsilon: f64,
    ) -> Self {
        let count = x.len() as f64;
        let mean = if about_mean { x.iter().map(|x| f64::from(*x)).sum::<f64>() / count } else { 0.0 };
        let square = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
        let divisor = (square + epsilon).sqrt();
        let factors = weight.iter().map(|weight| (f64::from(*weight) / divisor) as f32).collect();
        Self { factors, about_mean, bias }
    }

    /// A direction among what comes out, as one among what goes in; and what the norm's biases add along the first.
    pub fn pull_back(&self, direction: &[f32]) -> (Vec<f32>, f64) {
        let mut pulled: Vec<f32> =
            direction.iter().zip(&self.factors).map(|(d, factor)| d * factor).collect();
        if self.about_mean {
            let mean = pulled.iter().map(|x| f64::from(*x)).sum::<f64>() / pulled.len() as f64;
            pulled.iter_mut().for_each(|x| *x -= mean as f32);
        }
        (pulled, self.bias.as_ref().map_or(0.0, |bias| dot(direction, bias)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x = (1, 3): LayerNorm takes 2 off and divides by 1, RMSNorm divides by √5. With weights (2, 4) and biases (½, 1),
    /// the direction (1, 1) becomes (2, 4) less its mean 3, or (2, 4) / √5; the biases add 1½.
    #[test]
    fn by_hand() {
        let of = |about_mean| {
            let norm = FrozenNorm::new(&[1.0, 3.0], about_mean, (vec![2.0, 4.0], Some(vec![0.5, 1.0])), 0.0);
            norm.pull_back(&[1.0, 1.0])
        };
        assert_eq!(of(true), (vec![-1.0, 1.0], 1.5));
        let (rms, bias) = of(false);
        let root = 5f32.sqrt();
        assert!((rms[0] - 2.0 / root).abs() < 1e-6 && (rms[1] - 4.0 / root).abs() < 1e-6, "{rms:?}");
        assert!((bias - 1.5).abs() < 1e-12);
    }

    /// What comes out along a direction is what went in along the pulled one, and the bias.
    #[test]
    fn both_sides_are_the_same_number() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut draw = || -> Vec<f32> { std::iter::repeat_with(|| random.f32() - 0.3).take(24).collect() };
        let (x, weight, bias, direction) = (draw(), draw(), draw(), draw());
        for about_mean in [true, false] {
            let mean = if about_mean { x.iter().sum::<f32>() / 24.0 } else { 0.0 };
            let size = (x.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 24.0 + 1e-3).sqrt();
            let y: Vec<f32> = (0..24).map(|at| (x[at] - mean) / size * weight[at] + bias[at]).collect();
            let norm = FrozenNorm::new(&x, about_mean, (weight.clone(), Some(bias.clone())), 1e-3);
            let (pulled, of_bias) = norm.pull_back(&direction);
            assert!((dot(&direction, &y) - dot(&pulled, &x) - of_bias).abs() < 1e-5, "{about_mean}");
        }
    }
}
