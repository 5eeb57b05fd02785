// What all kernels share. One source: NVRTC makes PTX of it for GPUs, g++ with tests/emulator/emulator.h runs it on a CPU.
// A warp has 32 lanes. Everything is computed in f32, and added up in a fixed order: the same bits every time.
#pragma once

#ifdef __CUDACC_RTC__
extern __shared__ __align__(16) unsigned char shared_bytes[];
#define SHARED(type, name) type* name = (type*)shared_bytes
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
// D += A B, A 16 x 16 and B 16 x 8 in bf16 (sm_80 and later).
__device__ __forceinline__ void mma_bf16(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
// D += A B, A 16 x 8 and B 8 x 8 in TF32 (sm_80 and later): of each f32 the upper 19 bits count.
__device__ __forceinline__ void mma_tf32(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

typedef long long i64;

#define ALL_LANES 0xffffffffu
// Below any score, and a number: the difference of two infinities is none.
#define LOWEST (-1e30f)

__device__ __forceinline__ float warp_sum(float x) {
    for (int lane = 16; lane > 0; lane /= 2) x += __shfl_xor_sync(ALL_LANES, x, lane);
    return x;
}
__device__ __forceinline__ float warp_max(float x) {
    for (int lane = 16; lane > 0; lane /= 2) x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, lane));
    return x;
}

// The sum over a block of 256 threads; `room` holds 8 values. All threads have to come.
__device__ __forceinline__ float block_sum(float x, float* room) {
    x = warp_sum(x);
    __syncthreads();
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = x;
    __syncthreads();
    float sum = 0.f;
    for (int warp = 0; warp < 8; warp++) sum += room[warp];
    return sum;
}

// How many cells the rows before this one of a packed lower triangle have.
__device__ __forceinline__ i64 triangle(i64 row) { return row * (row + 1) / 2; }

__device__ __forceinline__ float bf16_value(u16 bits) { return __uint_as_float((u32)bits << 16); }
// To the nearest, ties to even.
__device__ __forceinline__ u16 to_bf16(float x) {
    u32 bits = __float_as_uint(x);
    return (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
