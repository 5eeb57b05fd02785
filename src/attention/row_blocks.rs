//! The rows of a view, visited by many threads, until somebody stops it.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::attention::{Capture, NoSuchView, View};
use crate::kernels::attention::QUERIES;

/// Queries that a thread goes through between two looks at whether it is to stop.
const AT_A_TIME: usize = 4 * QUERIES;

/// Why nothing was measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmeasured {
    /// Somebody stopped it.
    #[error("stopped")]
    Stopped,
    /// The model has no such layer or head.
    #[error(transparent)]
    View(#[from] NoSuchView),
    /// Rollout of a long prompt knows no single tokens.
    #[error(
        "rollout of {tokens} tokens goes from cell to cell of {bin} tokens, which segments cut through: choose another view"
    )]
    LongRollout {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens that a cell stands for.
        bin: usize,
    },
}

/// Part of a row of a view: parts of one query are added up.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowPart<'a> {
    pub query: usize,
    pub first_key: usize,
    pub weights: &'a [f32],
    pub sink: f32,
    /// What it counts for.
    pub share: f32,
}

/// Calls `of_block` with the queries of each block, and a way to visit their rows; many blocks at once. What it makes of
/// them comes in their order.
pub(super) fn by_blocks<T: Send>(
    capture: &Capture,
    view: View,
    queries: Range<usize>,
    is_stopped: &(dyn Fn() -> bool + Sync),
    of_block: impl Fn(Range<usize>, &dyn Fn(&mut dyn FnMut(RowPart<'_>))) -> T + Sync,
) -> Result<Vec<T>, Unmeasured> {
    capture.check(view)?;
    let whole = (view == View::Rollout).then(|| capture.matrix(view)).transpose()?;
    if let Some(bin) = whole.as_ref().map(|matrix| matrix.bin()).filter(|bin| *bin > 1) {
        return Err(Unmeasured::LongRollout { tokens: capture.tokens.len(), bin });
    }
    let stopped = AtomicBool::new(false);
    let blocks: Vec<Range<usize>> = (queries.start..queries.end)
        .step_by(AT_A_TIME)
        .map(|first| first..(first + AT_A_TIME).min(queries.end))
        .collect();
    let block = |block: Range<usize>| {
        if stopped.load(Ordering::Relaxed) || is_stopped() {
            stopped.store(true, Ordering::Relaxed);
            return None;
        }
        let rows = |visit: &mut dyn FnMut(RowPart<'_>)| match &whole {
            Some(matrix) => block.clone().for_each(|query| {
                let (weights, sink) = (matrix.row(query), matrix.sink(query).unwrap_or(0.0));
                visit(RowPart { query, first_key: 0, weights, sink, share: 1.0 });
            }),
            None => capture.visit_rows(view, block.clone(), |query, first_key, weights, sink, share| {
                visit(RowPart { query, first_key, weights, sink, share });
            }),
        };
        Some(of_block(block.clone(), &rows))
    };
    let found: Option<Vec<T>> = blocks.into_par_iter().map(block).collect();
    found.ok_or(Unmeasured::Stopped)
}
