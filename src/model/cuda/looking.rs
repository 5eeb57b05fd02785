//! Hooks of a pass on a device: it waits at those points that somebody hangs on to, and what is there comes to the host.

use candle_core::{Device, Tensor};

use super::rows::DeviceRows;
use crate::gpu::{Observer, Point, Shape};
use crate::model::decoder::{Hooks, ResidualPoint};
use crate::model::host::to_values;
use crate::model::{Cancel, ModelError};

/// Who looks into a pass on a device.
pub struct Looking<'l, 'h> {
    /// Ends it.
    pub cancel: &'l Cancel,
    /// What they hang on to.
    pub hooks: &'l mut Hooks<'h>,
    /// The decoder's sizes.
    pub shape: &'l Shape,
    /// Take what comes to the host during the pass.
    pub rows: &'l DeviceRows,
    /// The first new token.
    pub first: usize,
}

impl Observer<ModelError> for Looking<'_, '_> {
    fn before(&mut self, _layer: usize) -> Result<(), ModelError> {
        self.cancel.check()
    }

    fn looks_at(&self, point: Point) -> bool {
        match point {
            Point::Heads(_) => self.hooks.heads.is_some(),
            Point::AfterAttention(_) | Point::AfterMlp(_) => self.hooks.residual.is_some(),
        }
    }

    fn see(&mut self, point: Point, values: &mut Vec<f32>) -> Result<(), ModelError> {
        let width = match point {
            Point::Heads(_) => self.shape.heads * self.shape.head_dim,
            _ => self.shape.hidden,
        };
        let (rows, all) = (values.len() / width, std::mem::take(values));
        let mut there = Tensor::from_vec(all, (rows, width), &Device::Cpu)?;
        match point {
            Point::Heads(layer) => {
                if let Some(hook) = &mut self.hooks.heads {
                    hook(layer, &mut there)?;
                }
            }
            Point::AfterAttention(layer) => {
                self.hooks.on_residual(ResidualPoint::AfterAttention(layer), &mut there)?;
            }
            Point::AfterMlp(layer) => self.hooks.on_residual(ResidualPoint::AfterMlp(layer), &mut there)?,
        }
        *values = to_values(&there)?;
        Ok(())
    }

    fn take_rows(&mut self, layer: usize, rows: &[f32]) -> Result<(), ModelError> {
        Ok(self.rows.take(layer, self.first, rows)?)
    }
}
