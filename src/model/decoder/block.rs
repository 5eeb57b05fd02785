//! One layer: attention and MLP, with norms before or after each, one after the other or side by side.

use candle_core::Tensor;

use super::aside::Aside;
use super::hooks::{Hooks, ResidualPoint};
use super::pass::Pass;
use super::{Addition, Attention, Mlp, Norm};
use crate::attention::LayerCapture;
use crate::model::host::Buffer;
use crate::model::spec::Wiring;
use crate::model::{ModelError, Profile};

/// One layer.
pub struct Block {
    /// How the parts follow each other.
    pub wiring: Wiring,
    /// The norm before attention; of `Wiring::NormOfSum` after its sum.
    pub attention_norm: Option<Norm>,
    /// Attention: what tokens take from each other.
    pub attention: Attention,
    /// How what it gives is added.
    pub attention_addition: Addition,
    /// The norm before the MLP; of `Wiring::NormOfSum` after its sum. None where attention's serves both.
    pub mlp_norm: Option<Norm>,
    /// The MLP: what each token computes by itself.
    pub mlp: Mlp,
    /// How what it gives is added.
    pub mlp_addition: Addition,
}

impl Block {
    /// The residual stream after the layer, of the rows that are still needed, and what the layer attended to.
    ///
    /// # Errors
    /// If it was cancelled, or the device or a hook failed.
    pub fn forward<'a>(
        &'a self,
        x: Tensor,
        layer: usize,
        pass: &mut Pass<'a>,
        hooks: &mut Hooks<'_>,
        profile: &mut Profile,
    ) -> Result<(Tensor, LayerCapture), ModelError> {
        let on_host = pass.buffers().is_some();
        let norm_of_sum = self.wiring == Wiring::NormOfSum;
        let normed = match &self.attention_norm {
            Some(norm) if !norm_of_sum => norm.forward(&x, normed_buffer(pass))?,
            _ => x.clone(),
        };
        // Before attention is added, which on the host is done in place.
        let beside = match self.wiring {
            Wiring::Parallel { one_norm: false } => self
                .mlp_norm
                .as_ref()
                .map(|norm| norm.forward(&x, pass.buffers().map(|b| &b.beside)))
                .transpose()?,
            Wiring::Parallel { one_norm: true } => Some(normed.clone()),
            _ => None,
        };
        let aside = Aside::new(self.attention.output.size().0, on_host, profile);
        let (context, recording) = self.attention.attend(&normed, (layer, aside), pass, hooks, profile)?;
        let mut record = Profile { device: profile.device.clone(), ..Profile::default() };
        let kept = || record.record(|| recording.finish());
        let rest = || {
            let residual = if self.wiring == Wiring::ResidualOfNorm { normed.copy()? } else { x };
            let (residual, context) = (pass.rows.of(residual)?, pass.rows.of(context)?);
            let mut x = self.attention_addition.of_linear(
                residual,
                &self.attention.output,
                &context,
                on_host,
                profile,
            )?;
            if let (Some(norm), true) = (&self.attention_norm, norm_of_sum) {
                x = norm.forward(&x, on_host.then(Buffer::default).as_ref())?;
            }
            hooks.on_residual(ResidualPoint::AfterAttention(layer), &mut x)?;
            let normed = match (beside, &self.mlp_norm) {
                (Some(beside), _) => pass.rows.of(beside)?,
                (None, Some(norm)) if !norm_of_sum => norm.forward(&x, normed_buffer(pass))?,
                // Apart from the residual, to which experts add before all of them have read it.
                (None, _) => x.copy()?,
            };
            let residual = if self.wiring == Wiring::ResidualOfNorm { normed.copy()? } else { x };
            let addition = &self.mlp_addition;
            let mut x = self.mlp.add_to(residual, &normed, addition, pass.buffers(), profile, pass.cancel)?;
            if let (Some(norm), true) = (&self.mlp_norm, norm_of_sum) {
                x = norm.forward(&x, on_host.then(Buffer::default).as_ref())?;
            }
            hooks.on_residual(ResidualPoint::AfterMlp(layer), &mut x)?;
            Ok::<_, ModelError>(x)
        };
        let (capture, x) = aside.run(kept, rest);
        profile.record += record.record;
        Ok((x?, capture?))
    }
}

fn normed_buffer<'a>(pass: &'a Pass<'_>) -> Option<&'a Buffer> {
    pass.buffers().map(|buffers| &buffers.normed)
}
