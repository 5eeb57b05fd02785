//! Which rows a device holds, for prompts that go on from others, and for captures: as long as they take no more than a
//! share of its memory.

use std::sync::{Arc, Weak};

use super::rows::{Bridge, DeviceRows, rows_of};
use crate::attention::Ablation;
use crate::gpu::{GpuError, KeptRows};
use crate::model::decoder::Past;

/// Prompts that the next one may go on from: one with all heads on, and one without some.
const MOST_HELD: usize = 2;

/// Which rows a device holds.
#[derive(Default)]
pub struct HeldRows {
    /// Of prompts that the next one may go on from, the oldest first.
    held: Vec<Held>,
    /// All that captures may still ask for, the oldest first.
    all: Vec<Weak<DeviceRows>>,
}

/// The rows of a prompt that the next one may go on from.
struct Held {
    rows: Arc<DeviceRows>,
    ids: Vec<u32>,
    ablation: Ablation,
    /// Tokens of the prompt that they were computed for.
    tokens: usize,
}

/// A prompt that asks for rows.
pub struct Wanted<'a> {
    /// \[tokens\]
    pub ids: &'a [u32],
    /// The tokens that are known.
    pub past: Past<'a>,
    /// The heads that are off.
    pub ablation: &'a Ablation,
    /// Whether the next prompt may go on from this one. Else those that are held stay.
    pub stays: bool,
    /// Whether a prompt of so many tokens turns by position as this one does.
    pub turns_alike: &'a dyn Fn(usize) -> bool,
}

impl HeldRows {
    /// Rows that hold those of the known tokens of a prompt, with room for all. After the pass they may be
    /// [held](Self::hold).
    ///
    /// # Errors
    /// If the device has no room, or fails.
    pub fn for_pass(
        &mut self,
        bridge: &Arc<Bridge>,
        wanted: &Wanted<'_>,
    ) -> Result<Arc<DeviceRows>, GpuError> {
        let (tokens, known) = (wanted.ids.len(), wanted.past.tokens);
        let knows = |held: &Held| {
            held.ablation == *wanted.ablation
                && held.ids.starts_with(&wanted.ids[..known])
                && (wanted.turns_alike)(held.tokens)
        };
        let at = self.held.iter().position(|held| held.ablation == *wanted.ablation);
        let source = match at {
            // Until the pass has come to its end, only what was known before is sure to be there.
            Some(at) if wanted.stays => {
                let held = self.held.remove(at);
                let is_free = held.rows.used() <= known || Arc::strong_count(&held.rows) == 1;
                let fits = held.rows.kept().is_some_and(|kept| kept.capacity() >= tokens);
                if is_free && fits && (known == 0 || knows(&held)) {
                    held.rows.forget_behind(known);
                    return Ok(held.rows);
                }
                knows(&held).then_some(held.rows)
            }
            Some(at) => knows(&self.held[at]).then(|| self.held[at].rows.clone()),
            None => None,
        };
        let (mut fresh, is_much) = self.make_room(bridge, tokens)?;
        let source = source.filter(|_| known > 0);
        let brought = match source.as_ref().and_then(|rows| Some((rows, rows.kept()?))) {
            Some((rows, kept)) => {
                fresh.copy_from(&bridge.device, &kept, known)?;
                Some(rows.brought(known))
            }
            None if known > 0 => {
                let layers = wanted.past.layers;
                for (at, layer) in layers.iter().enumerate() {
                    let rows = rows_of(&bridge.shape, layer.qkv.get(), &layer.log_sum_exp, known);
                    fresh.write(&bridge.device, at, &rows)?;
                }
                Some(layers.iter().map(|layer| layer.qkv.get().prefix(known)).collect())
            }
            None => None,
        };
        let rows = Arc::new(DeviceRows::new(bridge.clone(), fresh, brought, is_much));
        self.all.push(Arc::downgrade(&rows));
        Ok(rows)
    }

    /// Holds the rows that are there of a prompt, of its first tokens or of all: `known` of them.
    pub fn hold(&mut self, rows: Arc<DeviceRows>, wanted: &Wanted<'_>, known: usize) {
        let superfluous = (self.held.len() + 1).saturating_sub(MOST_HELD);
        self.held.drain(..superfluous);
        let (ids, ablation) = (wanted.ids[..known].to_vec(), wanted.ablation.clone());
        self.held.push(Held { rows, ids, ablation, tokens: wanted.ids.len() });
    }

    /// Sends all rows to the host that captures may still ask for.
    pub fn leave(&mut self) {
        self.held.clear();
        for rows in self.all.drain(..).filter_map(|rows| rows.upgrade()) {
            if let Err(error) = rows.leave() {
                tracing::warn!(%error, "what a GPU kept of a prompt is lost");
            }
        }
    }

    /// New rows, and whether they are more than may stay. All that are on the device may take half of what is free without
    /// them: the oldest leave it for the newest.
    fn make_room(&mut self, bridge: &Bridge, tokens: usize) -> Result<(KeptRows, bool), GpuError> {
        let bytes = KeptRows::bytes_for(&bridge.shape, tokens);
        self.all.retain(|rows| rows.strong_count() > 0);
        let on_device = |rows: &Weak<DeviceRows>| rows.upgrade().filter(|rows| rows.kept().is_some());
        loop {
            let there: Vec<Arc<DeviceRows>> = self.all.iter().filter_map(on_device).collect();
            let taken: u64 = there.iter().filter_map(|rows| Some(rows.kept()?.bytes())).sum();
            let share = (bridge.device.free()? + taken) / 2;
            let Some(oldest) = there.first() else {
                return Ok((KeptRows::new(&bridge.device, &bridge.shape, tokens)?, bytes > share));
            };
            if taken + bytes <= share {
                match KeptRows::new(&bridge.device, &bridge.shape, tokens) {
                    Err(GpuError::OutOfMemory) => (),
                    made => return Ok((made?, false)),
                }
            }
            oldest.leave()?;
            // Free once the stream has come to it.
            bridge.device.wait()?;
        }
    }
}
