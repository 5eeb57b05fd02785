// Linear maps, y = f(x W + b), with weights as the checkpoint has them: f32, bf16 or MXFP4.
//
// Exactness: an f32 is the sum of two TF32, but for its last bits, and three of their four products count; a weight in bf16
// or MXFP4 is exact in bf16, so that only activations are cut: an f32 is the sum of three bf16. Both are as close to the
// true sum as f32 in order. (Of two bf16, attention of the tiny gpt-oss is off by 2.5e-5.)
#pragma once
#include "activation.cuh"

// What a linear map needs; see `gpu::kernels::Linear`. Rows of x and of the weight are whole blocks of 32 values, zeros
// behind the last one.
struct Linear {
    const float* x;         // [rows, x_stride]
    const void* weight;     // [experts, to, from]
    const u8* scales;       // of MXFP4 [experts, to, from / 32]
    const float* bias;      // [experts, to] or null
    float* y;               // [rows, y_stride]
    const int* tiles;       // of experts: for each tile its expert, its first place in `order`, one past its last
    const int* order;       // of experts: visits, sorted by expert
    const int* chosen;      // of experts, one visit at a time: the expert of each
    i64 x_stride, y_stride;
    int rows, from, to;
    int visits_per_row;     // visits that share a row of x
    int activation, gating; // gated: values 2i and 2i + 1 are a gate and what it lets through, and y has half as many
    float limit, alpha;
    float scale;            // y = scale * f, or
    int adds;               // y += scale * f
};

// --- MXFP4 ------------------------------------------------------------------------------------------------------------
// Two codes (e2m1) in bits 0..3 and 16..19 as two bf16. Shifted into bf16's exponent and mantissa and multiplied by 2^126
// they are exact, also the code 1 (0.5), which is subnormal in e2m1.
__device__ __forceinline__ u32 codes_to_bf16x2(u32 pair) {
    u32 sign = (pair & 0x00080008u) << 12, bits = (pair & 0x00070007u) << 6;
    float lo = __uint_as_float(bits << 16) * 0x1p126f, hi = __uint_as_float(bits & 0xffff0000u) * 0x1p126f;
    return (__float_as_uint(lo) >> 16 | (__float_as_uint(hi) & 0xffff0000u)) ^ sign;
}
// 2^(scale - 127); the scale 0 is subnormal.
__device__ __forceinline__ float scale_value(u8 scale) {
    return __uint_as_float(scale ? (u32)scale << 23 : 1u << 22);
}
// Eight consecutive values of a block, low nibble first, as four pairs of bf16.
__device__ __forceinline__ void mxfp4_eight(u32 codes, u8 scale, u32 (&pairs)[4]) {
    float factor = scale_value(scale);
#pragma unroll
    for (int at = 0; at < 4; at++) {
        u32 byte = codes >> (8 * at) & 0xffu, pair = codes_to_bf16x2((byte & 0xfu) | (byte & 0xf0u) << 12);
        float lo = __uint_as_float(pair << 16) * factor, hi = __uint_as_float(pair & 0xffff0000u) * factor;
        pairs[at] = __float_as_uint(lo) >> 16 | (__float_as_uint(hi) & 0xffff0000u);
    }
}

// --- weights: eight consecutive values of a row, from a place that is a multiple of eight -------------------------------
struct InF32 {
    static const bool IS_F32 = true;
    static __device__ __forceinline__ void eight(const Linear& p, i64 row, int k, float (&w)[8]) {
        const float4* from = (const float4*)((const float*)p.weight + row * p.from + k);
        float4 a = from[0], b = from[1];
        w[0] = a.x, w[1] = a.y, w[2] = a.z, w[3] = a.w, w[4] = b.x, w[5] = b.y, w[6] = b.z, w[7] = b.w;
    }
};
struct InBf16 {
    static const bool IS_F32 = false;
    static __device__ __forceinline__ void pairs(const Linear& p, i64 row, int k, u32 (&pairs)[4]) {
        uint4 four = *(const uint4*)((const u16*)p.weight + row * p.from + k);
        pairs[0] = four.x, pairs[1] = four.y, pairs[2] = four.z, pairs[3] = four.w;
    }
};
struct InMxfp4 {
    static const bool IS_F32 = false;
    static __device__ __forceinline__ void pairs(const Linear& p, i64 row, int k, u32 (&pairs)[4]) {
        i64 at = row * p.from + k;
        mxfp4_eight(*(const u32*)((const u8*)p.weight + at / 2), p.scales[at / 32], pairs);
    }
};
template <class Weight> __device__ __forceinline__ void eight_values(const Linear& p, i64 row, int k, float (&w)[8]) {
    if constexpr (Weight::IS_F32) {
        Weight::eight(p, row, k, w);
    } else {
        u32 pairs[4];
        Weight::pairs(p, row, k, pairs);
#pragma unroll
        for (int at = 0; at < 4; at++)
            w[2 * at] = __uint_as_float(pairs[at] << 16), w[2 * at + 1] = __uint_as_float(pairs[at] & 0xffff0000u);
    }
}

// --- what happens to a sum ----------------------------------------------------------------------------------------------
// Writes columns `column` (even) and `column` + 1 of a row.
__device__ __forceinline__ void finish(const Linear& p, int expert, i64 row, int column, float a, float b) {
    bool both = column + 1 < p.to;
    float* y = p.y + row * p.y_stride;
    if (p.bias) {
        const float* bias = p.bias + (i64)expert * p.to + column;
        a += bias[0];
        if (both) b += bias[1];
    }
    if (p.gating) {
        y[column / 2] = gate(p.gating, p.activation, p.limit, p.alpha, a, b);
        return;
    }
    a = p.scale * activate(p.activation, a), b = p.scale * activate(p.activation, b);
    y[column] = p.adds ? y[column] + a : a;
    if (both) y[column + 1] = p.adds ? y[column + 1] + b : b;
}

// --- few rows: a warp for two columns of W, weights read once for all V rows ---------------------------------------------
template <class Weight, int V> __device__ __forceinline__ void linear_small(const Linear& p) {
    int column = 2 * (blockIdx.x * 8 + threadIdx.x / 32), lane = threadIdx.x % 32, first = blockIdx.y * V;
    if (column >= p.to) return; // whole warps: nobody waits for these lanes
    int expert = p.chosen ? p.chosen[first] : 0, both = column + 1 < p.to;
    i64 row = (i64)expert * p.to + column;
    float sums[V][2] = {};
    for (int k = 8 * lane; k < p.from; k += 256) {
        float w[2][8];
        eight_values<Weight>(p, row, k, w[0]);
        eight_values<Weight>(p, row + both, k, w[1]);
#pragma unroll
        for (int v = 0; v < V; v++) {
            if (first + v >= p.rows) break;
            const float4* x = (const float4*)(p.x + (i64)((first + v) / p.visits_per_row) * p.x_stride + k);
            float4 a = x[0], b = x[1];
#pragma unroll
            for (int c = 0; c < 2; c++)
                sums[v][c] += w[c][0] * a.x + w[c][1] * a.y + w[c][2] * a.z + w[c][3] * a.w + w[c][4] * b.x
                    + w[c][5] * b.y + w[c][6] * b.z + w[c][7] * b.w;
        }
    }
    float a = 0.f, b = 0.f; // of the row with this lane's number
#pragma unroll
    for (int v = 0; v < V; v++) {
        float left = warp_sum(sums[v][0]), right = warp_sum(sums[v][1]);
        if (lane == v) a = left, b = right;
    }
    if (lane < V && first + lane < p.rows) finish(p, expert, first + lane, column, a, b);
}

// --- many rows: a block for a tile of M rows x 64 columns, on tensor cores ------------------------------------------------
// Padding keeps the lanes of a fragment in banks of their own.
template <int M> struct TileF32 {
    float x[M][36], w[64][36];
    __device__ __forceinline__ void put_x(int m, int k, const float4& four) { *(float4*)&x[m][k] = four; }
    __device__ __forceinline__ void put_w(const Linear& p, i64 row, int n, int k, bool is_in) {
        float eight[8] = {};
        if (is_in) InF32::eight(p, row, k, eight);
        for (int at = 0; at < 8; at++) w[n][k % 32 + at] = eight[at];
    }
    static __device__ __forceinline__ void split(float x, u32& high, u32& low) {
        high = (__float_as_uint(x) + 0x1000u) & 0xffffe000u;
        low = (__float_as_uint(x - __uint_as_float(high)) + 0x1000u) & 0xffffe000u;
    }
    template <int T> __device__ __forceinline__ void multiply(float (&sums)[T][4], int m, int n, int lane) {
#pragma unroll
        for (int k = 0; k < 32; k += 8) {
            int row = m + lane / 4, c = k + lane % 4;
            u32 high[4], low[4];
            split(x[row][c], high[0], low[0]), split(x[row + 8][c], high[1], low[1]);
            split(x[row][c + 4], high[2], low[2]), split(x[row + 8][c + 4], high[3], low[3]);
#pragma unroll
            for (int t = 0; t < T; t++) {
                const float* own = w[n + 8 * t + lane / 4];
                u32 h[2], l[2];
                split(own[c], h[0], l[0]), split(own[c + 4], h[1], l[1]);
                mma_tf32(sums[t], low, h), mma_tf32(sums[t], high, l), mma_tf32(sums[t], high, h);
            }
        }
    }
};
template <class Weight, int M> struct TileBf16 {
    u16 parts[3][M][40], w[64][40];
    __device__ __forceinline__ void put_x(int m, int k, const float4& four) {
        const float values[4] = {four.x, four.y, four.z, four.w};
        for (int at = 0; at < 4; at++) {
            float rest = values[at];
            for (int part = 0; part < 3; part++) {
                parts[part][m][k + at] = to_bf16(rest);
                rest -= bf16_value(parts[part][m][k + at]);
            }
        }
    }
    __device__ __forceinline__ void put_w(const Linear& p, i64 row, int n, int k, bool is_in) {
        u32 pairs[4] = {};
        if (is_in) Weight::pairs(p, row, k, pairs);
        for (int at = 0; at < 4; at++) *(u32*)&w[n][k % 32 + 2 * at] = pairs[at];
    }
    static __device__ __forceinline__ void fragment(const u16 (&x)[M][40], int row, int c, u32 (&a)[4]) {
        a[0] = *(const u32*)&x[row][c], a[1] = *(const u32*)&x[row + 8][c];
        a[2] = *(const u32*)&x[row][c + 8], a[3] = *(const u32*)&x[row + 8][c + 8];
    }
    template <int T> __device__ __forceinline__ void multiply(float (&sums)[T][4], int m, int n, int lane) {
#pragma unroll
        for (int k = 0; k < 32; k += 16) {
            int c = k + lane % 4 * 2;
            u32 left[3][4];
            for (int part = 0; part < 3; part++) fragment(parts[part], m + lane / 4, c, left[part]);
#pragma unroll
            for (int t = 0; t < T; t++) {
                const u16* own = w[n + 8 * t + lane / 4];
                u32 right[2] = {*(const u32*)&own[c], *(const u32*)&own[c + 8]};
                for (int part = 2; part >= 0; part--) mma_bf16(sums[t], left[part], right);
            }
        }
    }
};

// 128 threads. Of experts a tile has rows of one expert only: visits, whose x is that of their token.
template <class Tile, int M> __device__ __forceinline__ void linear_tile(const Linear& p) {
    SHARED(Tile, tile);
    const int WARPS = M / 16, T = 2 * WARPS; // warps beside each other for rows, and fragments of 8 columns for each
    int expert = 0, first = blockIdx.y * M, end = p.rows, column0 = blockIdx.x * 64;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    if (p.tiles) {
        expert = p.tiles[3 * blockIdx.y], first = p.tiles[3 * blockIdx.y + 1], end = p.tiles[3 * blockIdx.y + 2];
        if (expert < 0) return; // the whole block: there are fewer tiles than there might be
    }
    int m = warp % WARPS * 16, n = warp / WARPS * 8 * T;
    float sums[T][4] = {};
    for (int k0 = 0; k0 < p.from; k0 += 32) {
        __syncthreads();
        for (int i = threadIdx.x; i < 8 * M; i += 128) {
            int at = first + i / 8, k = i % 8 * 4;
            float4 four = {0.f, 0.f, 0.f, 0.f};
            if (at < end) {
                int row = p.order ? p.order[at] / p.visits_per_row : at;
                four = *(const float4*)(p.x + row * p.x_stride + k0 + k);
            }
            tile->put_x(i / 8, k, four);
        }
        for (int i = threadIdx.x; i < 4 * 64; i += 128) {
            int column = column0 + i / 4;
            tile->put_w(p, (i64)expert * p.to + column, i / 4, k0 + i % 4 * 8, column < p.to);
        }
        __syncthreads();
        tile->multiply(sums, m, n, lane);
    }
    // By way of shared memory, so that neighbouring lanes write neighbouring columns.
    SHARED(float, products); // [M, 66]
    __syncthreads();
#pragma unroll
    for (int t = 0; t < T; t++)
#pragma unroll
        for (int i = 0; i < 4; i++) products[(m + lane / 4 + i / 2 * 8) * 66 + n + 8 * t + lane % 4 * 2 + i % 2] = sums[t][i];
    __syncthreads();
    for (int i = threadIdx.x; i < 32 * M; i += 128) {
        int at = first + i / 32, column = column0 + 2 * (i % 32);
        if (at >= end || column >= p.to) continue;
        const float* pair = products + i / 32 * 66 + 2 * (i % 32);
        finish(p, expert, p.order ? p.order[at] : at, column, pair[0], pair[1]);
    }
}

#define LINEAR(name, Weight, Tile)                                                                                        \
    extern "C" __global__ void __launch_bounds__(256) linear_##name##_1(Linear p) { linear_small<Weight, 1>(p); }         \
    extern "C" __global__ void __launch_bounds__(256, 2) linear_##name##_8(Linear p) { linear_small<Weight, 8>(p); }         \
    extern "C" __global__ void __launch_bounds__(128) linear_##name##_16(Linear p) { linear_tile<Tile<16>, 16>(p); }      \
    extern "C" __global__ void __launch_bounds__(128) linear_##name##_64(Linear p) { linear_tile<Tile<64>, 64>(p); }
template <int M> using TileOfBf16 = TileBf16<InBf16, M>;
template <int M> using TileOfMxfp4 = TileBf16<InMxfp4, M>;
LINEAR(f32, InF32, TileF32)
LINEAR(bf16, InBf16, TileOfBf16)
LINEAR(mxfp4, InMxfp4, TileOfMxfp4)
