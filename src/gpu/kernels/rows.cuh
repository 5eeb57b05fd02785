// What is done to each row by itself: norms, the router, turning queries and keys by position, adding up experts.
#pragma once
#include "common.cuh"

// y = norm(x) or y += scale * norm(x), for each row, and where there is a router the experts that a row goes through.
struct Norm {
    const float *x, *weight, *bias; // bias may be null
    float* y;
    i64 x_stride, y_stride;
    int width, about_mean;
    float epsilon, scale;
    int adds;
    // Of a mixture of experts, else null:
    const float *router, *router_bias; // [experts, y_stride], [experts] or null
    int* chosen;                       // [rows, active]
    float* shares;                     // [rows, active]: what the outputs of the chosen count for
    int experts, active, over_all;
};

// x / sqrt(mean square + epsilon), or the same of x - mean.
struct Moments { float mean, factor; };
__device__ __forceinline__ Moments block_moments(const float* x, int width, int about_mean, float epsilon, float* room) {
    float sum = 0.f, squares = 0.f;
    if (about_mean) for (int i = threadIdx.x; i < width; i += 256) sum += x[i];
    float mean = about_mean ? block_sum(sum, room) / (float)width : 0.f;
    for (int i = threadIdx.x; i < width; i += 256) squares += (x[i] - mean) * (x[i] - mean);
    float square = block_sum(squares, room) / (float)width;
    return {mean, 1.f / sqrtf(square + epsilon)};
}

// The largest logits, the first of equal ones first, and the softmax over these or over all. One warp.
__device__ inline void choose(const Norm& p, float* logits, i64 row, int lane) {
    float highest = LOWEST, sum = 0.f;
    for (int e = lane; e < p.experts; e += 32) highest = fmaxf(highest, logits[e]);
    highest = warp_max(highest);
    if (p.over_all) {
        for (int e = lane; e < p.experts; e += 32) sum += expf(logits[e] - highest);
        sum = warp_sum(sum);
    }
    float own = 0.f; // of the choice with this lane's number
    for (int at = 0; at < p.active; at++) {
        float best = LOWEST;
        int place = p.experts;
        for (int e = lane; e < p.experts; e += 32)
            if (logits[e] > best) best = logits[e], place = e;
        for (int other = 16; other > 0; other /= 2) {
            float theirs = __shfl_xor_sync(ALL_LANES, best, other);
            int there = __shfl_xor_sync(ALL_LANES, place, other);
            if (theirs > best || (theirs == best && there < place)) best = theirs, place = there;
        }
        float raised = expf(best - highest);
        if (!p.over_all) sum += raised;
        if (lane == at) own = raised, p.chosen[row * p.active + at] = place;
        __syncwarp();
        if (lane == 0) logits[place] = LOWEST;
        __syncwarp();
    }
    if (lane < p.active) p.shares[row * p.active + lane] = own / sum;
}

extern "C" __global__ void __launch_bounds__(256) norm(Norm p) {
    SHARED(float, room); // 8, and the router's logits
    const float* x = p.x + blockIdx.x * p.x_stride;
    float* y = p.y + blockIdx.x * p.y_stride;
    Moments moments = block_moments(x, p.width, p.about_mean, p.epsilon, room);
    for (int i = threadIdx.x; i < p.width; i += 256) {
        float value = (x[i] - moments.mean) * moments.factor * p.weight[i];
        if (p.bias) value += p.bias[i];
        y[i] = p.adds ? y[i] + p.scale * value : value;
    }
    if (!p.router) return;
    __syncthreads();
    float* logits = room + 8;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    for (int e = warp; e < p.experts; e += 8) {
        float sum = 0.f;
        for (int i = lane; i < p.width; i += 32) sum += y[i] * p.router[e * p.y_stride + i];
        sum = warp_sum(sum);
        if (lane == 0) logits[e] = sum + (p.router_bias ? p.router_bias[e] : 0.f);
    }
    __syncthreads();
    if (warp == 0) choose(p, logits, blockIdx.x, lane);
}

// Visits sorted by expert, in the order of tokens, and cut into tiles of one expert each. One block.
struct Sort {
    const int* chosen; // [visits]
    int* order;        // [visits]
    int* tiles;        // [most_tiles, 3]
    int visits, experts, tile, most_tiles;
};
extern "C" __global__ void __launch_bounds__(256) sort(Sort p) {
    SHARED(int, ends); // [experts]: visits of each, then one past its last
    for (int e = threadIdx.x; e < p.experts; e += 256) {
        int count = 0;
        for (int visit = 0; visit < p.visits; visit++) count += p.chosen[visit] == e;
        ends[e] = count;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        int end = 0, tiles = 0;
        for (int e = 0; e < p.experts; e++) {
            int first = end;
            end += ends[e];
            ends[e] = end;
            for (int at = first; at < end; at += p.tile, tiles++) {
                int* tile = p.tiles + 3 * tiles;
                tile[0] = e, tile[1] = at, tile[2] = at + p.tile < end ? at + p.tile : end;
            }
        }
        for (; tiles < p.most_tiles; tiles++) p.tiles[3 * tiles] = -1;
    }
    __syncthreads();
    for (int e = threadIdx.x; e < p.experts; e += 256) {
        int at = e > 0 ? ends[e - 1] : 0;
        for (int visit = 0; visit < p.visits; visit++)
            if (p.chosen[visit] == e) p.order[at++] = visit;
    }
}

// y = or += scale * the sum over a token's visits, in their order, of what each gave times its share.
struct Combine {
    const float *outputs, *shares; // [rows, active, y_stride], [rows, active] or null: 1
    float* y;
    i64 y_stride;
    int width, active, adds;
    float scale;
};
extern "C" __global__ void __launch_bounds__(256) combine(Combine p) {
    float* y = p.y + blockIdx.x * p.y_stride;
    for (int i = threadIdx.x; i < p.width; i += 256) {
        float sum = 0.f;
        for (int at = 0; at < p.active; at++) {
            i64 visit = (i64)blockIdx.x * p.active + at;
            sum += (p.shares ? p.shares[visit] : 1.f) * p.outputs[visit * p.y_stride + i];
        }
        y[i] = p.adds ? y[i] + p.scale * sum : p.scale * sum;
    }
}

// Queries, keys and values where they are kept: clamped, normalised, turned by position. A block for each new token.
enum NormSpan { NO_NORM, OVER_TOKEN, OVER_HEAD, OVER_OWN_HEAD };
struct Turn {
    float* rows;           // of the first new token and this layer: queries, keys and values of all heads
    const float *cos, *sin; // [rows, width / 2]; null without a rotary
    const float *query_weight, *query_bias, *key_weight, *key_bias;
    i64 token_stride;
    int heads, kv_heads, dim;
    int width, neighbours; // of the rotary: values of a head that are turned; 2i with 2i + 1, or i with i + width / 2
    int span, about_mean;  // of the norm of queries and keys
    float epsilon, clip;   // clip: 0 if values are not clamped
};
extern "C" __global__ void __launch_bounds__(256) turn(Turn p) {
    SHARED(float, room);
    float* row = p.rows + blockIdx.x * p.token_stride;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    if (p.clip > 0.f) {
        int all = (p.heads + 2 * p.kv_heads) * p.dim;
        for (int i = threadIdx.x; i < all; i += 256) row[i] = fminf(fmaxf(row[i], -p.clip), p.clip);
        __syncthreads();
    }
    if (p.span == OVER_TOKEN) {
        for (int keys = 0; keys < 2; keys++) {
            float* x = row + (keys ? p.heads * p.dim : 0);
            int width = (keys ? p.kv_heads : p.heads) * p.dim;
            const float *weight = keys ? p.key_weight : p.query_weight, *bias = keys ? p.key_bias : p.query_bias;
            Moments moments = block_moments(x, width, p.about_mean, p.epsilon, room);
            __syncthreads();
            for (int i = threadIdx.x; i < width; i += 256)
                x[i] = (x[i] - moments.mean) * moments.factor * weight[i] + (bias ? bias[i] : 0.f);
        }
        __syncthreads();
    }
    for (int head = warp; head < p.heads + p.kv_heads; head += 8) {
        float* x = row + (i64)head * p.dim;
        if (p.span == OVER_HEAD || p.span == OVER_OWN_HEAD) {
            bool is_key = head >= p.heads;
            const float *weight = is_key ? p.key_weight : p.query_weight, *bias = is_key ? p.key_bias : p.query_bias;
            if (p.span == OVER_OWN_HEAD) weight += (is_key ? head - p.heads : head) * p.dim;
            float sum = 0.f, squares = 0.f;
            if (p.about_mean) for (int i = lane; i < p.dim; i += 32) sum += x[i];
            float mean = p.about_mean ? warp_sum(sum) / (float)p.dim : 0.f;
            for (int i = lane; i < p.dim; i += 32) squares += (x[i] - mean) * (x[i] - mean);
            float factor = 1.f / sqrtf(warp_sum(squares) / (float)p.dim + p.epsilon);
            for (int i = lane; i < p.dim; i += 32)
                x[i] = (x[i] - mean) * factor * weight[i] + (bias ? bias[i] : 0.f);
            __syncwarp();
        }
        if (!p.cos) continue;
        for (int pair = lane; pair < p.width / 2; pair += 32) {
            float cos = p.cos[(i64)blockIdx.x * (p.width / 2) + pair], sin = p.sin[(i64)blockIdx.x * (p.width / 2) + pair];
            float *a = x + (p.neighbours ? 2 * pair : pair), *b = p.neighbours ? a + 1 : a + p.width / 2;
            float first = *a, second = *b;
            *a = first * cos - second * sin, *b = first * sin + second * cos;
        }
    }
}
