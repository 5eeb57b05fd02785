//! From logits to probabilities.

use rayon::prelude::*;

/// ln Σ exp(logit): what is taken from a logit to get the logarithm of its probability.
pub fn log_sum_exp(logits: &[f32]) -> f64 {
    const CHUNK: usize = 4 * 1024;
    let largest = f64::from(largest(logits));
    let raised = |logits: &[f32]| logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum::<f64>();
    // Added up in order, so that the sum is the same again.
    let sums: Vec<f64> = logits.par_chunks(CHUNK).map(raised).collect();
    largest + sums.iter().sum::<f64>().ln()
}

/// The largest logit, of finite ones. Some are compared side by side: each comparison waits for the one before.
fn largest(logits: &[f32]) -> f32 {
    const BESIDE: usize = 16;
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (groups, rest) = logits.as_chunks::<BESIDE>();
    let mut all = [f32::NEG_INFINITY; BESIDE];
    for group in groups {
        all.iter_mut().zip(group).for_each(|(all, logit)| *all = larger(*all, *logit));
    }
    all.iter().chain(rest).copied().fold(f32::NEG_INFINITY, larger)
}

/// The probability of one token, by the [`log_sum_exp`] of all.
pub fn probability(logits: &[f32], log_sum_exp: f64, id: u32) -> f64 {
    (f64::from(logits[id as usize]) - log_sum_exp).exp()
}

/// The softmax of logits.
pub fn probabilities(logits: &[f32]) -> Vec<f64> {
    log_probabilities(logits).into_iter().map(f64::exp).collect()
}

/// ln of the softmax.
pub fn log_probabilities(logits: &[f32]) -> Vec<f64> {
    let sum = log_sum_exp(logits);
    logits.iter().map(|logit| f64::from(*logit) - sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_of_probabilities_sum_to_one() {
        let logs = log_probabilities(&[1000.0, 1000.0 + 3f32.ln(), f32::MIN]);
        let expected = [0.25, 0.75, 0.0];
        assert!(logs.iter().zip(expected).all(|(log, p)| (log.exp() - p).abs() < 1e-5), "{logs:?}");
    }
}
