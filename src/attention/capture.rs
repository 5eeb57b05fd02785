//! What one model produced for one prompt, in memory that grows linearly with the prompt: queries and
//! keys from which any head is computed again, and the matrices that are looked at first.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::ablation::Swept;
use super::cached::Cached;
use super::digest::Digest;
use super::logits::probabilities;
use super::push::Push;
use super::rollout::rollout;
use super::{
    Ablation, CausalMatrix, ChatPrompt, Extent, HeadStatistics, KeptQkv, LayerKind, LayerSums, ModelInfo,
    NextToken, NoSuchView, Qkv, ScoresByHead, Token, View,
};
use crate::kernels::attention::{Head, QUERIES, Rows};
use crate::kernels::attention_rule::AttentionRule;
use crate::kernels::shared::TokenRows;

/// Rows and columns of a matrix up to which it is kept cell by cell.
pub const EXACT_TOKENS: usize = 2048;

/// Tokens that one cell of a matrix over `tokens` stands for, along each axis: a power of two, so that a matrix has at most
/// [`EXACT_TOKENS`] rows, and more than half as many if it is not exact.
pub fn tokens_per_cell(tokens: usize) -> usize {
    tokens.div_ceil(EXACT_TOKENS).next_power_of_two()
}

/// Rows of a matrix that a thread fills at a time.
const ROWS_AT_A_TIME: usize = 32;

/// Rows and columns of a thumbnail, at most.
pub const THUMBNAIL_ROWS: usize = 32;

/// Tokens that one cell of a thumbnail over `tokens` stands for: a power of two, so that a longer prompt goes on from
/// the thumbnail of a shorter one; and a multiple of [`tokens_per_cell`], so that a block of queries fills whole rows of
/// both.
pub fn thumbnail_bin(tokens: usize) -> usize {
    tokens.div_ceil(THUMBNAIL_ROWS).next_power_of_two()
}

/// One layer of a capture. S = tokens. Captures of prompts that begin alike share the memory of what is alike.
#[derive(Debug, Clone)]
pub struct LayerCapture {
    /// Queries, keys and values of all heads.
    pub qkv: Arc<KeptQkv>,
    /// \[S, heads\]: ‖v W_O‖, the length of what a key would add to the residual stream through a head if that
    /// attended to nothing else; 0 of a head that is off.
    pub value_norms: TokenRows,
    /// \[S, heads\]: ln Σ exp(score) of each row, the sink's logit included.
    pub log_sum_exp: TokenRows,
    /// What each row adds to the statistics of each head.
    pub sums: LayerSums,
    /// How scores became weights.
    pub rule: AttentionRule,
    /// Mean over the heads.
    pub mean: CausalMatrix,
    /// One per head.
    pub heads: Vec<HeadSummary>,
}

/// What is known of a head without computing it again.
#[derive(Debug, Clone)]
pub struct HeadSummary {
    /// Over this prompt.
    pub statistics: HeadStatistics,
    /// The largest weight in each square of `bin` × `bin` cells.
    pub thumbnail: CausalMatrix,
}

/// Everything kept of a pass.
#[derive(Debug, Clone)]
pub struct Capture {
    /// The model it came from.
    pub model: Arc<ModelInfo>,
    /// The prompt, as this model reads it.
    pub tokens: Arc<[Token]>,
    /// Which of them were computed.
    pub computed: Computed,
    /// The heads that were switched off.
    pub ablation: Ablation,
    /// The baseline: the same tokens with all heads on, if heads are ablated and that was run as well.
    pub before: Option<Arc<Capture>>,
    /// One per layer, in order.
    pub layers: Vec<Arc<LayerCapture>>,
    /// Mean over all layers and heads.
    pub mean: CausalMatrix,
    /// \[vocabulary\]: logits after the last token; none of a model without an output head.
    pub logits: Vec<f32>,
    /// ln Σ exp(logit) over the vocabulary: [`Capture::log_sum_exp`].
    pub log_sum_exp: Cached<f64>,
    /// The likeliest next tokens, likeliest first; empty for a model without an output head.
    pub next: Vec<NextToken>,
    /// The conversation and its text, if the prompt was read as one.
    pub chat: Option<Arc<ChatPrompt>>,
    /// A next token that was drawn by chance, if one was asked for.
    pub drawn: Option<NextToken>,
    /// Each head's scores on repeated random tokens, if these were run: they are of the model without the heads that
    /// were switched off, and of no prompt.
    pub repeated: Option<Arc<ScoresByHead>>,
    /// What each head alone is worth, if that was run.
    pub swept: Option<Arc<Swept>>,
    /// What its parts add to the logit of a next token after one of its tokens, if that was run.
    pub pushed: Option<Arc<Push>>,
    /// What is shown of it besides its matrices: [`Capture::digest`].
    pub digest: Cached<Digest>,
}

/// What of a prompt a pass computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Computed {
    /// The index of the first token that ran: what those before it gave was known from the pass before.
    pub from: usize,
    /// Why all of it ran, where it begins like the one before.
    pub note: Option<&'static str>,
    /// Whether the CPU has computed it though the model is on a GPU: that has failed, or its kernels don't go so far.
    pub on_cpu: bool,
}

impl Computed {
    /// All tokens from this one on.
    pub fn from(token: usize) -> Self {
        Self { from: token, ..Self::default() }
    }
}

impl LayerCapture {
    /// One head, to compute rows of.
    ///
    /// # Panics
    /// If there is no such head.
    pub fn head(&self, head: usize) -> Head<'_> {
        let Qkv { query: queries, key: keys, .. } = self.qkv.get();
        Head {
            queries,
            head,
            keys,
            kv_head: head / (self.heads.len() / keys.heads()),
            rule: self.rule.of_head(head),
        }
    }
}

impl Capture {
    /// Whether this is of the same text as another capture of the same prompt: chat templates may write different ones.
    pub fn reads_the_text_of(&self, other: &Self) -> bool {
        let text = |capture: &Self| capture.chat.as_ref().map(|chat| chat.text().to_owned());
        text(self) == text(other)
    }

    /// Whether it is the other one, or that of a prompt that goes on from it: of one model without the same heads.
    pub fn goes_on_from(&self, other: &Self) -> bool {
        let ids = self.tokens.iter().zip(other.tokens.iter());
        Arc::ptr_eq(&self.model, &other.model)
            && self.ablation == other.ablation
            && self.tokens.len() >= other.tokens.len()
            && ids.into_iter().all(|(own, other)| own.id == other.id)
    }

    /// Whether this model has the layer and head that `view` names.
    ///
    /// # Errors
    /// If it has not; the message says what it has.
    pub fn check(&self, view: View) -> Result<(), NoSuchView> {
        self.model.check(view)
    }

    /// What each row, and each column, of its matrices stands for: a token; or several, by the first and the last of
    /// them: `once…time`.
    pub fn labels(&self) -> Vec<String> {
        let bin = self.mean.bin();
        if bin == 1 {
            return self.tokens.iter().map(Token::label).collect();
        }
        let label = |tokens: &[Token]| match tokens {
            [first, .., last] => format!("{}…{}", first.label(), last.label()),
            tokens => tokens.iter().map(Token::label).collect(),
        };
        let mut cells = self.tokens.chunks(bin);
        (0..self.mean.size()).map(|_| label(cells.next().unwrap_or_default())).collect()
    }

    /// \[vocabulary\]: softmax of the logits.
    pub fn probabilities(&self) -> Vec<f64> {
        probabilities(&self.logits)
    }

    /// [`CausalMatrix::extent_after_first_row`] of all heads' thumbnails: what the colour scale of all heads at once
    /// is to show.
    pub fn heads_extent(&self) -> Extent {
        let of_layer = |layer: &Arc<LayerCapture>| {
            let heads = layer.heads.iter().map(|head| head.thumbnail.extent_after_first_row());
            heads.fold(Extent::NONE, Extent::and)
        };
        self.layers.par_iter().map(of_layer).reduce(|| Extent::NONE, Extent::and)
    }

    /// The matrix of a view: kept ones are copied or averaged, heads are computed from their queries and keys.
    /// Where a cell stands for several tokens, rollout goes from cell to cell.
    ///
    /// # Errors
    /// If the model has no such layer or head.
    pub fn matrix(&self, view: View) -> Result<CausalMatrix, NoSuchView> {
        self.check(view)?;
        Ok(match view {
            View::Mean => self.mean.clone(),
            View::Layer(layer) => self.layers[layer].mean.clone(),
            View::Head { .. } | View::Group { .. } | View::ValueWeighted(_) => self.matrix_of_heads(view),
            View::Kind(kind) => self.mean_of_layers(kind),
            View::Rollout => rollout(self.layers.iter().map(|layer| &layer.mean)),
        })
    }

    /// The attention of one query over the keys 0 ..= `query`, and its sink, exact at any length. Rollout has
    /// rows only together with all before them: to ask for one computes all, and where a cell is several
    /// tokens it is the row of that cell.
    ///
    /// # Errors
    /// If the model has no such layer or head.
    pub fn row(&self, view: View, query: usize) -> Result<(Vec<f32>, Option<f32>), NoSuchView> {
        self.check(view)?;
        let kept = match view {
            View::Mean => Some(&self.mean),
            View::Layer(layer) => Some(&self.layers[layer].mean),
            View::Head { .. } | View::Group { .. } | View::Kind(_) | View::ValueWeighted(_) => None,
            View::Rollout => {
                let matrix = self.matrix(view)?;
                let row = query / matrix.bin();
                return Ok((matrix.row(row).to_vec(), matrix.sink(row)));
            }
        };
        if let Some(matrix) = kept.filter(|matrix| matrix.bin() == 1) {
            return Ok((matrix.row(query).to_vec(), matrix.sink(query)));
        }
        let (mut sum, mut sink, mut rows) = (vec![0.0; query + 1], 0.0, Rows::default());
        let share = self.share(view);
        for seen in self.layers_of(view).into_iter().flat_map(|layer| self.heads_of(view, layer)) {
            seen.rows(query..query + 1, &mut rows, |_, first_key, weights, own_sink| {
                sink += share * own_sink;
                for (sum, weight) in sum[first_key..].iter_mut().zip(weights) {
                    *sum += share * weight;
                }
            });
        }
        Ok((sum, self.has_sinks(view).then_some(sink)))
    }

    /// Whether the rows of a view have a sink beside them.
    pub fn has_sinks(&self, view: View) -> bool {
        self.model.has_sinks && !view.is_value_weighted()
    }

    /// Visits the rows of some queries of a view that this capture [has](Self::check), but for rollout; each in one part or
    /// several, which add up to it: the query, its first key, its weights, its sink, and what these count for.
    pub fn visit_rows(
        &self,
        view: View,
        queries: Range<usize>,
        mut visit: impl FnMut(usize, usize, &[f32], f32, f32),
    ) {
        let kept = match view {
            View::Mean => Some(&self.mean),
            View::Layer(layer) => Some(&self.layers[layer].mean),
            _ => None,
        };
        if let Some(matrix) = kept.filter(|matrix| matrix.bin() == 1) {
            queries.for_each(|query| {
                visit(query, 0, matrix.row(query), matrix.sink(query).unwrap_or(0.0), 1.0);
            });
            return;
        }
        let (share, mut rows) = (self.share(view), Rows::default());
        for seen in self.layers_of(view).into_iter().flat_map(|layer| self.heads_of(view, layer)) {
            for first in queries.clone().step_by(QUERIES) {
                let group = first..(first + QUERIES).min(queries.end);
                seen.rows(group, &mut rows, |query, first_key, weights, sink| {
                    visit(query, first_key, weights, sink, share);
                });
            }
        }
    }

    fn matrix_of_heads(&self, view: View) -> CausalMatrix {
        let tokens = self.tokens.len();
        let bin = tokens_per_cell(tokens);
        let mut matrix = CausalMatrix::zeros(tokens, bin, self.has_sinks(view));
        let share = self.share(view);
        let layers = self.layers_of(view).into_iter();
        let heads: Vec<SeenHead<'_>> = layers.flat_map(|layer| self.heads_of(view, layer)).collect();
        let blocks = matrix.blocks_from(0, ROWS_AT_A_TIME);
        blocks.into_par_iter().enumerate().for_each(|(at, mut cells)| {
            let first = at * ROWS_AT_A_TIME * bin;
            let queries = first..(first + ROWS_AT_A_TIME * bin).min(tokens);
            let mut rows = Rows::default();
            for seen in &heads {
                for first in queries.clone().step_by(QUERIES) {
                    let group = first..(first + QUERIES).min(queries.end);
                    seen.rows(group, &mut rows, |query, first_key, weights, sink| {
                        cells.add_row(query, first_key, weights, sink, share);
                    });
                }
            }
        });
        matrix
    }

    fn mean_of_layers(&self, kind: LayerKind) -> CausalMatrix {
        let mut mean = self.mean.zeroed();
        let share = 1.0 / self.model.layers_of(kind).count() as f32;
        for layer in self.model.layers_of(kind) {
            mean.add_scaled(&self.layers[layer].mean, share);
        }
        mean
    }

    /// What a head counts for in the mean that a view is.
    fn share(&self, view: View) -> f32 {
        let heads = |layer| self.heads_of(view, layer).count();
        1.0 / self.layers_of(view).into_iter().map(heads).sum::<usize>() as f32
    }

    /// The layers a view averages over.
    pub fn layers_of(&self, view: View) -> Vec<usize> {
        let is_in = |layer: &usize| match view {
            View::Kind(kind) => LayerKind::of(self.layers[*layer].rule.sliding_window) == kind,
            _ => view.layer().is_none_or(|wanted| wanted == *layer),
        };
        (0..self.layers.len()).filter(is_in).collect()
    }

    /// The heads of a layer that a view averages over.
    fn heads_of(&self, view: View, layer: usize) -> impl Iterator<Item = SeenHead<'_>> {
        let size = self.model.group_size();
        let is_in = move |head: &usize| match view.attention() {
            View::Head { head: wanted, .. } => wanted == *head,
            View::Group { group, .. } => head / size == group,
            _ => true,
        };
        let layer = &self.layers[layer];
        (0..layer.heads.len()).filter(is_in).map(move |head| SeenHead {
            norms: view.is_value_weighted().then_some(&layer.value_norms),
            head: layer.head(head),
        })
    }
}

/// A head of a view.
struct SeenHead<'a> {
    head: Head<'a>,
    /// \[S, heads\]: what its weights are multiplied by, if they are.
    norms: Option<&'a TokenRows>,
}

impl SeenHead<'_> {
    /// Visits some of its rows: the query, its first key, its weights, its sink.
    fn rows(&self, queries: Range<usize>, rows: &mut Rows, mut visit: impl FnMut(usize, usize, &[f32], f32)) {
        self.head.rows(queries.clone(), rows);
        for (query, row) in queries.zip(rows.iter()) {
            match self.norms {
                None => visit(query, row.first_key, row.weights, row.norm.sink),
                Some(norms) => {
                    let norm = |key: usize| norms.row(key)[self.head.head];
                    let weights = row.weights.iter().zip(row.first_key..);
                    let weights: Vec<f32> = weights.map(|(weight, key)| weight * norm(key)).collect();
                    visit(query, row.first_key, &weights, 0.0);
                }
            }
        }
    }
}
