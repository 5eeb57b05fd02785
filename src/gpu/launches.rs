//! Every other launch of a pass: what a kernel is told, how many blocks, how much room.

use super::arena::{Extent, Parts, Results, most_tiles};
use super::copies::{Address, Rows};
use super::decoder::{self, Decoder, FOLD_KEYS, Mlp, QUERIES, address, attention_room, fold_room, padded};
use super::device::Kernel;
use super::kernels::{self, Grid, launch};
use super::linear::{Finish, Visits, linear, linear_of_visits};
use super::rows::KeptRows;
use super::{GpuError, SUMS};
use crate::model::spec::{NormKind, NormSpan, Pairs, Routing};

/// Threads of a block.
const THREADS: usize = 256;
const WARPS: usize = THREADS / 32;

/// Where parts of a pass's inputs are, in values from their start on.
#[derive(Debug, Clone, Default)]
pub struct InputPlaces {
    /// For each rotary, its cos and its sin.
    pub turns: Vec<[usize; 2]>,
    pub keep: usize,
    pub means: Option<usize>,
    pub ids: usize,
    pub chosen: usize,
    /// Keys that queries behind them don't see.
    pub hidden: Option<(usize, usize)>,
}

/// A pass, as its launches see it.
pub(super) struct Launches<'a> {
    pub decoder: &'a Decoder,
    pub parts: &'a Parts,
    /// Of all tokens: those of the new ones are written.
    pub rows: &'a KeptRows,
    pub extent: Extent,
    pub results: Results,
    pub inputs: &'a InputPlaces,
}

impl Launches<'_> {
    /// The residual stream, the same normalised, another place of that size, and what heads take from the values.
    pub fn streams(&self) -> [Rows; 4] {
        let (shape, work) = (&self.decoder.shape, &self.parts.work);
        let hidden = padded(shape.hidden);
        let rows = |place: usize, stride: usize| Rows { at: self.parts.at(place), stride };
        let context = rows(work.context, padded(shape.heads * shape.head_dim));
        [rows(work.inputs, hidden), rows(work.normed, hidden), rows(work.beside, hidden), context]
    }

    /// Between the matrices of an MLP, and what experts give.
    pub fn mlp_streams(&self) -> [Rows; 2] {
        let (shape, work) = (&self.decoder.shape, &self.parts.work);
        let between = Rows { at: self.parts.at(work.intermediate), stride: padded(shape.intermediate) };
        [between, Rows { at: self.parts.at(work.outputs), stride: padded(shape.hidden) }]
    }

    /// y = norm(x); and with a router behind it the experts that each row goes through.
    pub fn norm(
        &self,
        norm: &decoder::Norm,
        (x, y): (Rows, Rows),
        rows: usize,
        router: Option<&Mlp>,
    ) -> Result<Rows, GpuError> {
        let mut parameters = self.norm_told(norm, (x, y));
        let mut shared = WARPS;
        if let Some(Mlp::Experts { router, router_bias, count, active, routing, .. }) = router {
            parameters = kernels::Norm {
                router: router.address(),
                router_bias: address(router_bias.as_ref()),
                chosen: self.parts.at(self.parts.work.chosen),
                shares: self.parts.at(self.parts.work.shares),
                experts: *count as i32,
                active: *active as i32,
                over_all: i32::from(*routing == Routing::OverAll),
                ..parameters
            };
            shared += count;
        }
        self.by_row(Kernel::Norm, rows, shared, &parameters)?;
        Ok(y)
    }

    /// y += scale · norm(x)
    pub fn add_norm(
        &self,
        norm: &decoder::Norm,
        (x, y): (Rows, Rows),
        rows: usize,
        scale: f32,
    ) -> Result<(), GpuError> {
        let parameters = kernels::Norm { adds: 1, scale, ..self.norm_told(norm, (x, y)) };
        self.by_row(Kernel::Norm, rows, WARPS, &parameters)
    }

    fn norm_told(&self, norm: &decoder::Norm, (x, y): (Rows, Rows)) -> kernels::Norm {
        kernels::Norm {
            x: x.at,
            weight: norm.weight.address(),
            bias: address(norm.bias.as_ref()),
            y: y.at,
            x_stride: x.stride as i64,
            y_stride: y.stride as i64,
            width: self.decoder.shape.hidden as i32,
            about_mean: i32::from(norm.kind == NormKind::Layer),
            epsilon: norm.epsilon,
            scale: 1.0,
            ..kernels::Norm::default()
        }
    }

    /// y = x
    pub fn copy(&self, x: Rows, y: Rows, rows: usize) -> Result<(), GpuError> {
        self.combine((x, 0), y, (rows, 1), None)
    }

    /// Adds what a linear map gives to the residual stream.
    pub fn add_linear(
        &self,
        of: &decoder::Linear,
        (x, residual): (Rows, Rows),
        rows: usize,
        addition: &decoder::Addition,
    ) -> Result<(), GpuError> {
        let device = &self.decoder.device;
        match &addition.norm {
            None => linear(device, of, (x, residual), rows, Finish::adding(addition.scale)),
            Some(norm) => {
                let [_, y] = self.mlp_streams();
                linear(device, of, (x, y), rows, Finish::PLAIN)?;
                self.add_norm(norm, (y, residual), rows, addition.scale)
            }
        }
    }

    /// The same of a mixture of experts, for rows that a norm has sent to theirs.
    pub fn add_experts(
        &self,
        mlp: &Mlp,
        (x, residual): (Rows, Rows),
        rows: usize,
        addition: &decoder::Addition,
    ) -> Result<(), GpuError> {
        let Mlp::Experts { up, activated, down, count, active, .. } = mlp else { return Ok(()) };
        let (device, work, [between, outputs]) = (&self.decoder.device, &self.parts.work, self.mlp_streams());
        let [chosen, order, tiles] = [work.chosen, work.order, work.tiles].map(|place| self.parts.at(place));
        let visits = Visits { count: rows * active, experts: *count, chosen, order, tiles };
        if let Some(tile) = visits.tile() {
            let parameters = kernels::Sort {
                chosen,
                order,
                tiles,
                visits: visits.count as i32,
                experts: *count as i32,
                tile: tile as i32,
                most_tiles: most_tiles(visits.count, *count, tile) as i32,
            };
            self.by_row(Kernel::Sort, 1, *count, &parameters)?;
        }
        linear_of_visits(device, up, (x, between), (&visits, *active), Finish::activated(*activated))?;
        linear_of_visits(device, down, (between, outputs), (&visits, 1), Finish::PLAIN)?;
        let outputs = (outputs, self.parts.at(work.shares));
        match &addition.norm {
            None => self.combine(outputs, residual, (rows, *active), Some(addition.scale)),
            Some(norm) => {
                let [_, _, sum, _] = self.streams();
                self.combine(outputs, sum, (rows, *active), None)?;
                self.add_norm(norm, (sum, residual), rows, addition.scale)
            }
        }
    }

    /// The sum over a row's outputs, each times its share; put where `y` is, or added to it.
    fn combine(
        &self,
        (outputs, shares): (Rows, Address),
        y: Rows,
        (rows, active): (usize, usize),
        adds: Option<f32>,
    ) -> Result<(), GpuError> {
        let parameters = kernels::Combine {
            outputs: outputs.at,
            shares,
            y: y.at,
            y_stride: y.stride as i64,
            width: self.decoder.shape.hidden as i32,
            active: active as i32,
            adds: i32::from(adds.is_some()),
            scale: adds.unwrap_or(1.0),
        };
        self.by_row(Kernel::Combine, rows, 0, &parameters)
    }

    /// Normalises queries and keys and turns them by position, where they are kept.
    pub fn turn(&self, layer: usize) -> Result<(), GpuError> {
        let shape = &self.decoder.shape;
        let attention = &self.decoder.layers[layer].attention;
        if attention.qk_norm.is_none() && attention.rotary.is_none() && shape.clip.is_none() {
            return Ok(());
        }
        let rows = self.rows.at(layer, self.extent.first);
        let mut parameters = kernels::Turn {
            rows: rows.at,
            token_stride: rows.stride as i64,
            heads: shape.head_sizes(),
            clip: shape.clip.unwrap_or(0.0),
            ..kernels::Turn::default()
        };
        if let Some(at) = attention.rotary {
            let (rotary, [cos, sin]) = (shape.rotaries[at], self.inputs.turns[at]);
            parameters.cos = self.input(cos);
            parameters.sin = self.input(sin);
            parameters.width = rotary.width as i32;
            parameters.neighbours = i32::from(rotary.pairs == Pairs::Neighbours);
        }
        if let Some(norm) = &attention.qk_norm {
            let [query, key] = &norm.norms;
            parameters.query_weight = query.weight.address();
            parameters.query_bias = address(query.bias.as_ref());
            parameters.key_weight = key.weight.address();
            parameters.key_bias = address(key.bias.as_ref());
            parameters.about_mean = i32::from(query.kind == NormKind::Layer);
            parameters.epsilon = query.epsilon;
            // As `rows.cuh` numbers them.
            parameters.span = match norm.span {
                NormSpan::Token => 1,
                NormSpan::Head => 2,
                NormSpan::OwnHead => 3,
            };
        }
        self.by_row(Kernel::Turn, self.extent.new_tokens(), WARPS, &parameters)
    }

    /// What heads take from the values, to `context`; and what is summed up on the way.
    pub fn attend(&self, layer: usize, context: Rows) -> Result<(), GpuError> {
        let (shape, extent) = (&self.decoder.shape, self.extent);
        let rows = self.rows.at(layer, 0);
        let of_layer = |place: usize, of_head: usize| self.input(place + layer * shape.heads * of_head);
        let (hidden_start, hidden_end) = self.hidden();
        let parameters = kernels::Attend {
            rows: rows.at,
            context: context.at,
            sums: self.parts.result_at(self.results.sums + layer * shape.heads * SUMS),
            keep: of_layer(self.inputs.keep, 1),
            means: self.inputs.means.map_or(0, |means| of_layer(means, shape.head_dim)),
            ids: self.input(self.inputs.ids),
            chosen: self.input(self.inputs.chosen),
            token_stride: rows.stride as i64,
            context_stride: context.stride as i64,
            sums_stride: (self.decoder.layers.len() * shape.heads * SUMS) as i64,
            rule: self.decoder.layers[layer].attention.rule.parameters(),
            features: shape.features,
            heads: shape.head_sizes(),
            first: extent.first as i32,
            tokens: extent.tokens as i32,
            hidden_start,
            hidden_end,
        };
        let blocks = [extent.new_tokens().div_ceil(QUERIES), shape.heads, 1];
        let grid = Grid { blocks, threads: THREADS, shared: 4 * attention_room(shape.head_dim) };
        launch(&self.decoder.device, Kernel::Attend, grid, &parameters)
    }

    /// Of all layers means and thumbnails.
    pub fn fold(&self) -> Result<(), GpuError> {
        let (shape, extent, rows) = (&self.decoder.shape, self.extent, self.rows.at(0, 0));
        let (hidden_start, hidden_end) = self.hidden();
        let parameters = kernels::Fold {
            rows: rows.at,
            rules: self.decoder.rules.address(),
            means: self.parts.result_at(self.results.means),
            first_keys: self.parts.result_at(self.results.first_keys),
            thumbnails: self.parts.result_at(self.results.thumbnails),
            token_stride: rows.stride as i64,
            layer_stride: self.rows.layer_stride() as i64,
            heads: shape.head_sizes(),
            first: extent.fold_first as i32,
            tokens: extent.tokens as i32,
            bin: extent.bin as i32,
            small_bin: extent.small_bin as i32,
            hidden_start,
            hidden_end,
        };
        let queries = (extent.tokens - extent.fold_first).div_ceil(QUERIES);
        let blocks = [queries, extent.tokens.div_ceil(FOLD_KEYS), self.decoder.layers.len()];
        let grid = Grid { blocks, threads: THREADS, shared: 4 * fold_room(shape.head_dim) };
        launch(&self.decoder.device, Kernel::Fold, grid, &parameters)
    }

    /// Of all layers how long values are behind the output projection.
    pub fn lengths(&self) -> Result<(), GpuError> {
        let (shape, extent) = (&self.decoder.shape, self.extent);
        let rows = self.rows.at(0, extent.first);
        let parameters = kernels::Lengths {
            rows: rows.at,
            squares: self.decoder.squares.address(),
            lengths: self.parts.result_at(self.results.lengths),
            token_stride: rows.stride as i64,
            layer_stride: self.rows.layer_stride() as i64,
            heads: shape.head_sizes(),
            count: extent.new_tokens() as i32,
        };
        let blocks = [extent.new_tokens().div_ceil(WARPS), shape.heads, self.decoder.layers.len()];
        let grid = Grid { blocks, threads: THREADS, shared: 4 * WARPS * shape.head_dim };
        launch(&self.decoder.device, Kernel::Lengths, grid, &parameters)
    }

    /// A kernel of a block for each row; `shared` values.
    fn by_row<P: kernels::Parameters>(
        &self,
        kernel: Kernel,
        rows: usize,
        shared: usize,
        parameters: &P,
    ) -> Result<(), GpuError> {
        let grid = Grid { blocks: [rows, 1, 1], threads: THREADS, shared: 4 * shared };
        launch(&self.decoder.device, kernel, grid, parameters)
    }

    /// Where a part of the inputs is.
    fn input(&self, place: usize) -> Address {
        self.parts.at(self.parts.work.inputs + place)
    }

    fn hidden(&self) -> (i32, i32) {
        self.inputs.hidden.map_or((0, i32::MAX), |(start, end)| (start as i32, end as i32))
    }
}
