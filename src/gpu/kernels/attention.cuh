// Attention: an online softmax with a sink for the pass, its statistics beside it; means and thumbnails of all layers at
// the end, from the scores again. Nothing of the size of heads x tokens x tokens exists.
//
// A row of `rows` is what is kept of a token in a layer: its queries [heads, dim], keys [kv_heads, dim], values
// [kv_heads, dim] and the log-sum-exps of its softmaxes [heads]. The tokens of a layer lie behind each other.
#pragma once
#include "common.cuh"

const int MOST_DIM = 256;

// How a layer's scores become weights.
struct Rule {
    const float *sinks, *slopes; // [heads] or null
    float scale, softcap;        // softcap: 0 without one
    int window;                  // 0: all keys are seen
    int padding;
};
// Which keys a sum counts, and what for.
enum FeatureKind { MASS, DISTANCE, NEAR, CHOSEN, COPIES, AFTER_COPIES };
struct Feature { int kind, from, to; }; // NEAR: distances from..to; CHOSEN: the bit, and whether the query's own counts
const int FEATURES = 8, SUMS = FEATURES + 3; // behind the features: the sink's share, the entropy, the log-sum-exp

struct Attend {
    float* rows;           // of token 0 and this layer
    float* context;        // [new, context_stride]
    float* sums;           // of the first new token and this layer: [heads, SUMS]
    const float* keep;     // [heads]: 1, or 0 of a head that is off
    const float* means;    // [heads, dim]: what such a head gives instead, or null
    const int* ids;        // [tokens]
    const u32* chosen;     // [tokens]: bits of the tokens that CHOSEN features count
    i64 token_stride, context_stride, sums_stride;
    Rule rule;
    Feature features[FEATURES];
    int heads, kv_heads, dim, first, tokens; // `first` tokens are known
    int hidden_start, hidden_end;            // keys that queries behind them don't see
};

struct Room { // of one block, in shared memory
    int stride;                // of a key or a query: a multiple of four that is an odd one of them, so that lanes don't collide
    float *keys, *queries;     // [32, stride], [16, stride]
};
__device__ __forceinline__ Room room_for(float* shared, int dim) {
    int stride = (dim + 3) / 4 * 4;
    stride += stride / 4 % 2 ? 0 : 4;
    return {stride, shared, shared + 32 * stride};
}
// `count` rows of `dim` values from `x` on, the rest and what is behind them as zeros. The whole block.
__device__ __forceinline__ void load(float* to, int stride, int rows, const float* x, i64 x_stride, int count, int dim) {
    for (int i = threadIdx.x; i < rows * stride; i += 256) {
        int row = i / stride, d = i % stride;
        to[i] = row < count && d < dim ? x[row * x_stride + d] : 0.f;
    }
}
// Two queries of a warp times the key of a lane.
__device__ __forceinline__ void products(const Room& room, int warp, int lane, float (&sums)[2]) {
    const float4* key = (const float4*)(room.keys + lane * room.stride);
    const float4* queries[2] = {
        (const float4*)(room.queries + 2 * warp * room.stride), (const float4*)(room.queries + (2 * warp + 1) * room.stride)};
    sums[0] = sums[1] = 0.f;
    for (int c = 0; c < room.stride / 4; c++) {
        float4 k = key[c];
#pragma unroll
        for (int j = 0; j < 2; j++) {
            float4 q = queries[j][c];
            sums[j] += q.x * k.x + q.y * k.y + q.z * k.z + q.w * k.w;
        }
    }
}
__device__ __forceinline__ float score(const Rule& rule, int head, float product, int distance) {
    float x = product * rule.scale;
    if (rule.softcap > 0.f) x = rule.softcap * tanhf(x / rule.softcap);
    if (rule.slopes) x -= rule.slopes[head] * (float)distance;
    return x;
}
__device__ __forceinline__ bool sees(const Rule& rule, int query, int key, int hidden_start, int hidden_end) {
    bool is_hidden = query >= hidden_end && key >= hidden_start && key < hidden_end;
    return key <= query && (rule.window == 0 || key > query - rule.window) && !is_hidden;
}
// The first key that a query sees, rounded down to whole tiles of 32.
__device__ __forceinline__ int first_tile(const Rule& rule, int query) {
    int first = rule.window > 0 && query + 1 > rule.window ? query + 1 - rule.window : 0;
    return first / 32 * 32;
}
__device__ __forceinline__ float counts(const Attend& p, const Feature& feature, int query, int key) {
    switch (feature.kind) {
        case MASS: return 1.f;
        case DISTANCE: return (float)(query - key);
        case NEAR: return query - key >= feature.from && query - key < feature.to;
        case CHOSEN: return (p.chosen[key] >> feature.from & 1u) && (feature.to || key < query);
        case COPIES: return key < query && p.ids[key] == p.ids[query];
        default: return key > 0 && p.ids[key - 1] == p.ids[query];
    }
}

// A block for 16 queries of one head, a warp for two of them, a lane for one key at a time.
extern "C" __global__ void __launch_bounds__(256) attend(Attend p) {
    SHARED(float, shared);
    Room room = room_for(shared, p.dim);
    int head = blockIdx.y, kv = head / (p.heads / p.kv_heads), warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int query0 = p.first + 16 * blockIdx.x, last = query0 + 15 < p.tokens ? query0 + 15 : p.tokens - 1;
    const float* keys = p.rows + (p.heads + kv) * p.dim;
    const float* values = keys + p.kv_heads * p.dim;
    load(room.queries, room.stride, 16, p.rows + query0 * p.token_stride + head * p.dim, p.token_stride, last + 1 - query0, p.dim);
    float highest[2] = {LOWEST, LOWEST}, sum[2] = {}, turned[2] = {}, sums[2][FEATURES] = {}, context[2][MOST_DIM / 32] = {};
    for (int key0 = first_tile(p.rule, query0); key0 <= last; key0 += 32) {
        __syncthreads();
        load(room.keys, room.stride, 32, keys + key0 * p.token_stride, p.token_stride, last + 1 - key0, p.dim);
        __syncthreads();
        float product[2], raised[2];
        products(room, warp, lane, product);
        int key = key0 + lane;
#pragma unroll
        for (int j = 0; j < 2; j++) {
            int query = query0 + 2 * warp + j;
            bool seen = query <= last && sees(p.rule, query, key, p.hidden_start, p.hidden_end);
            float own = seen ? score(p.rule, head, product[j], query - key) : LOWEST;
            float before = highest[j];
            highest[j] = fmaxf(before, warp_max(own));
            float fall = before - highest[j], factor = expf(fall), below = own - highest[j];
            raised[j] = seen ? expf(below) : 0.f;
            // Of ln sum - sum p b / sum, b below the highest score.
            turned[j] = factor * (turned[j] + fall * sum[j]) + raised[j] * below;
            sum[j] = factor * sum[j] + raised[j];
#pragma unroll
            for (int f = 0; f < FEATURES; f++) {
                sums[j][f] *= factor;
                if (seen) sums[j][f] += raised[j] * counts(p, p.features[f], query, key);
            }
#pragma unroll
            for (int d = 0; d < MOST_DIM / 32; d++) context[j][d] *= factor;
        }
        int count = last + 1 - key0 < 32 ? last + 1 - key0 : 32;
        for (int k = 0; k < count; k++) {
            float a = __shfl_sync(ALL_LANES, raised[0], k), b = __shfl_sync(ALL_LANES, raised[1], k);
            const float* value = values + (key0 + k) * p.token_stride;
#pragma unroll
            for (int d = 0; d < MOST_DIM / 32; d++)
                if (lane + 32 * d < p.dim) {
                    float v = value[lane + 32 * d];
                    context[0][d] += a * v, context[1][d] += b * v;
                }
        }
    }
#pragma unroll
    for (int j = 0; j < 2; j++) {
        int query = query0 + 2 * warp + j;
        float total = warp_sum(sum[j]), turns = warp_sum(turned[j]), top = highest[j], sink = 0.f;
        float all[FEATURES];
#pragma unroll
        for (int f = 0; f < FEATURES; f++) all[f] = warp_sum(sums[j][f]);
        float factor = 1.f;
        if (p.rule.sinks) {
            float logit = p.rule.sinks[head];
            top = fmaxf(top, logit);
            float fall = highest[j] - top, below = logit - top;
            factor = expf(fall), sink = expf(below);
            turns = factor * (turns + fall * total) + sink * below;
            total = factor * total + sink;
        }
        if (query > last) continue;
        float share = factor / total, keep = p.keep[head];
        float* row = p.context + (i64)(query - p.first) * p.context_stride + head * p.dim;
#pragma unroll
        for (int d = 0; d < MOST_DIM / 32; d++)
            if (lane + 32 * d < p.dim) {
                int at = lane + 32 * d;
                row[at] = keep * (context[j][d] * share) + (p.means ? p.means[head * p.dim + at] : 0.f);
            }
        if (lane == 0) {
            float log_sum_exp = top + logf(total);
            p.rows[query * p.token_stride + (p.heads + 2 * p.kv_heads) * p.dim + head] = log_sum_exp;
            float* out = p.sums + (query - p.first) * p.sums_stride + head * SUMS;
#pragma unroll
            for (int f = 0; f < FEATURES; f++) out[f] = all[f] * share;
            out[FEATURES] = sink / total, out[FEATURES + 1] = logf(total) - turns / total, out[FEATURES + 2] = log_sum_exp;
        }
    }
}

// Of all layers the mean over heads, and a thumbnail of each head: the largest weight of each cell.
struct Fold {
    const float* rows;   // of token 0 and layer 0
    const Rule* rules;   // [layers]
    float* means;        // [layers, packed rows of cells from the first one on]: sums over the queries and keys of a cell
    float* first_keys;   // [layers, queries from the first one on]: what goes to token 0, on average over heads
    float* thumbnails;   // [layers, heads, packed rows of cells]; zeros
    i64 token_stride, layer_stride;
    int heads, kv_heads, dim, first, tokens; // `first` is where a row of cells of both begins
    int bin, small_bin;                      // tokens of a cell; `bin` at most 16
    int hidden_start, hidden_end;
};
const int FOLD_TILES = 16; // of 32 keys: what a block adds up

// A block for 16 queries and 512 keys of a layer, a warp for two queries; heads in their order.
extern "C" __global__ void __launch_bounds__(256, 2) fold(Fold p) {
    SHARED(float, shared);
    Room room = room_for(shared, p.dim);
    int layer = blockIdx.z, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int query0 = p.first + 16 * blockIdx.x, last = query0 + 15 < p.tokens ? query0 + 15 : p.tokens - 1;
    int key_start = 32 * FOLD_TILES * blockIdx.y;
    if (key_start > last) return;
    const Rule rule = p.rules[layer];
    const float* rows = p.rows + layer * p.layer_stride;
    int key_first = first_tile(rule, query0);
    i64 cells = triangle((p.tokens + p.bin - 1) / p.bin) - triangle(p.first / p.bin);
    i64 small_row0 = triangle(p.first / p.small_bin);
    i64 small_cells = triangle((p.tokens + p.small_bin - 1) / p.small_bin) - small_row0;
    const int KEYS = 32 * FOLD_TILES;
    float* weights = shared + 48 * room.stride; // [16, KEYS]: a lane adds up in cells of its own
    for (int i = threadIdx.x; i < 16 * KEYS; i += 256) weights[i] = 0.f;
    for (int head = 0; head < p.heads; head++) {
        int kv = head / (p.heads / p.kv_heads);
        __syncthreads();
        load(room.queries, room.stride, 16, rows + query0 * p.token_stride + head * p.dim, p.token_stride, last + 1 - query0, p.dim);
        float log_sum_exp[2];
        for (int j = 0; j < 2; j++) {
            int query = query0 + 2 * warp + j;
            log_sum_exp[j] = query <= last ? rows[query * p.token_stride + (p.heads + 2 * p.kv_heads) * p.dim + head] : 0.f;
        }
        float* thumbnail = p.thumbnails + ((i64)layer * p.heads + head) * small_cells;
        for (int tile = 0; tile < FOLD_TILES; tile++) {
            int key0 = key_start + 32 * tile, key = key0 + lane;
            if (key0 > last || key0 < key_first) continue;
            __syncthreads();
            load(room.keys, room.stride, 32, rows + key0 * p.token_stride + (p.heads + kv) * p.dim, p.token_stride, last + 1 - key0, p.dim);
            __syncthreads();
            float product[2];
            products(room, warp, lane, product);
#pragma unroll
            for (int j = 0; j < 2; j++) {
                int query = query0 + 2 * warp + j;
                bool seen = query <= last && sees(rule, query, key, p.hidden_start, p.hidden_end);
                float weight = seen ? expf(score(rule, head, product[j], query - key) - log_sum_exp[j]) : 0.f;
                weights[(2 * warp + j) * KEYS + 32 * tile + lane] += weight / (float)p.heads;
                int lanes = p.small_bin < 32 ? p.small_bin : 32;
                for (int other = 1; other < lanes; other *= 2) weight = fmaxf(weight, __shfl_xor_sync(ALL_LANES, weight, other));
                // Not below zero, so that their bits are in the same order; the largest is the same in any order.
                if (lane % lanes == 0 && weight > 0.f)
                    atomicMax((int*)&thumbnail[triangle(query / p.small_bin) - small_row0 + key / p.small_bin], __float_as_int(weight));
            }
        }
    }
    __syncthreads();
    if (key_start == 0 && (int)threadIdx.x < last + 1 - query0)
        p.first_keys[layer * (p.tokens - p.first) + query0 - p.first + threadIdx.x] = weights[threadIdx.x * KEYS];
    int bin = p.bin, across = KEYS / bin;
    for (int i = threadIdx.x; i < 16 / bin * across; i += 256) {
        int row = query0 / bin + i / across, column = key_start / bin + i % across;
        if (column > row || row * bin > last) continue;
        float sum = 0.f;
        for (int q = 0; q < bin; q++)
            for (int k = 0; k < bin; k++) sum += weights[(i / across * bin + q) * KEYS + i % across * bin + k];
        p.means[layer * cells + triangle(row) - triangle(p.first / bin) + column] = sum;
    }
}

// |v W_O| of the new tokens and each head, from W_O W_O^T.
struct Lengths {
    const float* rows;     // of the first new token and layer 0
    const float* squares;  // [layers, heads, dim, dim]
    float* lengths;        // [new, layers, heads]
    i64 token_stride, layer_stride;
    int heads, kv_heads, dim, count;
};
extern "C" __global__ void __launch_bounds__(256) lengths(Lengths p) {
    SHARED(float, values); // [8, dim]
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, token = 8 * blockIdx.x + warp, head = blockIdx.y, layer = blockIdx.z;
    if (token >= p.count) return; // a warp needs no other
    const float* value = p.rows + token * p.token_stride + layer * p.layer_stride
        + (p.heads + p.kv_heads + head / (p.heads / p.kv_heads)) * p.dim;
    const float* square = p.squares + ((i64)layer * p.heads + head) * p.dim * p.dim;
    float* own = values + warp * p.dim;
    for (int d = lane; d < p.dim; d += 32) own[d] = value[d];
    __syncwarp();
    float sum = 0.f;
    for (int d = lane; d < p.dim; d += 32) {
        float turned = 0.f;
        for (int e = 0; e < p.dim; e++) turned += square[e * p.dim + d] * own[e];
        sum += own[d] * turned;
    }
    sum = warp_sum(sum);
    if (lane == 0) p.lengths[((i64)token * gridDim.z + layer) * p.heads + head] = sqrtf(fmaxf(sum, 0.f));
}
