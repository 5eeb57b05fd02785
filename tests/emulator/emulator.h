// CUDA's words for g++, so that the kernels of src/gpu/kernels run on a CPU, unchanged. The threads of a block are fibers
// of one thread of the system, so that every order in which they run can be chosen. What it finds: missing barriers
// (another order gives other bits), shared memory that is read before it is written (it holds NaNs), lanes that a shuffle
// waits for in vain, accesses outside of buffers (the driver puts them between guard pages).
#pragma once
#include <cmath>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <ucontext.h>
#include <utility>
#include <vector>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
#define __global__
#define __device__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline)) inline
#define __launch_bounds__(...)
#define SHARED(type, name) type* name = (type*)emulator::shared_memory
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) uint4 { u32 x, y, z, w; };
struct dim3 { u32 x, y, z; };

namespace emulator {
const size_t SHARED_BYTES = 227 * 1024, STACK_BYTES = 128 * 1024;
// What a launch asked for ends where this does, so that what lies behind is a guard page's.
inline unsigned char* shared_memory;
enum Waits { RUNS, FOR_WARP, FOR_BLOCK };
struct Fiber {
    jmp_buf at;
    std::vector<char> stack;
    dim3 index;
    u32 shows; // how often it has shown something to its warp
    bool is_done;
    Waits waits;
    const void* where; // the barrier that it waits at
};
inline std::vector<Fiber> fibers;
inline jmp_buf scheduler;
inline Fiber* current;
inline dim3 block_index, block_size, grid_size;
inline void (*body)(void**);
inline void** arguments;
inline const char* kernel_name = "";
inline u32 order;                // 0: threads in order; 1: backwards; any other: shuffled by it
inline u32 exchange[2][32][32][6]; // what lanes show each other, by warp and lane: the last time and the time before

[[noreturn]] inline void fail(const char* what) {
    fprintf(stderr, "emulator: %s: %s (block %u %u %u, thread %u)\n", kernel_name, what, block_index.x, block_index.y, block_index.z, current ? current->index.x : 0);
    abort();
}
inline int thread() { return int(current - fibers.data()); }
inline int lane() { return thread() % 32; }
// What the lanes of a warp show each other now. Whoever shows something again has seen that all have seen this.
inline u32 (&shown())[32][6] { return exchange[current->shows++ % 2][thread() / 32]; }
inline void wait(Waits what, const void* where) {
    current->waits = what, current->where = where;
    if (!_setjmp(current->at)) _longjmp(scheduler, 1);
}
// A fiber is made once and runs a thread of each block: making one asks the system for its signals.
inline void entry() {
    for (;;) {
        body(arguments);
        current->is_done = true, current->waits = RUNS;
        if (!_setjmp(current->at)) _longjmp(scheduler, 1);
    }
}
inline void resume(Fiber& fiber) {
    current = &fiber;
    if (_setjmp(scheduler)) return;
    if (!fiber.stack.empty()) _longjmp(fiber.at, 1);
    fiber.stack.resize(STACK_BYTES);
    ucontext_t start;
    getcontext(&start);
    start.uc_stack.ss_sp = fiber.stack.data(), start.uc_stack.ss_size = fiber.stack.size(), start.uc_link = nullptr;
    makecontext(&start, (void (*)())entry, 0);
    setcontext(&start);
}
// Lets those go on that wait for each other, once all have come. Those that have returned are no longer waited for at a
// block's barrier, as on a GPU; at a shuffle they are missed.
inline void release(size_t from, size_t to, Waits what) {
    size_t waiting = 0, alive = 0;
    const void* where = nullptr;
    for (size_t i = from; i < to; i++) {
        const Fiber& fiber = fibers[i];
        alive += !fiber.is_done;
        if (fiber.is_done || fiber.waits != what) continue;
        if (where && where != fiber.where) current = &fibers[i], fail("threads wait at different barriers");
        where = fiber.where, waiting++;
    }
    if (!waiting || waiting != alive) return;
    if (what == FOR_WARP && alive != to - from) current = &fibers[from], fail("a shuffle waits for a lane that has returned");
    for (size_t i = from; i < to; i++) if (!fibers[i].is_done) fibers[i].waits = RUNS;
}
inline void run_block() {
    size_t count = block_size.x, alive = count, warps = (count + 31) / 32;
    if (fibers.size() < count) fibers.resize(count);
    for (size_t i = 0; i < count; i++) {
        Fiber& fiber = fibers[i];
        fiber.index = {u32(i), 0, 0}, fiber.shows = 0, fiber.is_done = false, fiber.waits = RUNS;
    }
    // One warp goes as far as it can before another has its turn.
    u32 random = order * 2654435761u + 12345u;
    while (alive) {
        random = random * 1664525u + 1013904223u;
        size_t turn = order > 1 ? (random >> 8) % warps : 0;
        bool ran = false;
        for (size_t i = 0; i < warps && !ran; i++) {
            size_t from = (order == 1 ? warps - 1 - i : (turn + i) % warps) * 32, to = from + 32 < count ? from + 32 : count;
            for (size_t j = from; j < to; j++) {
                Fiber& fiber = fibers[order % 2 ? from + to - 1 - j : j];
                if (fiber.is_done || fiber.waits != RUNS) continue;
                resume(fiber), ran = true, alive -= fiber.is_done;
            }
            release(from, to, FOR_WARP);
        }
        if (ran) continue;
        release(0, count, FOR_BLOCK);
        bool can_run = !alive;
        for (size_t i = 0; i < count; i++) can_run |= !fibers[i].is_done && fibers[i].waits == RUNS;
        if (!can_run) current = &fibers[0], fail("threads wait for each other for ever");
    }
}
inline void launch(const char* name, void (*kernel)(void**), void** args, dim3 grid, dim3 block, unsigned char* room, size_t shared_bytes) {
    kernel_name = name, body = kernel, arguments = args, grid_size = grid, block_size = block, shared_memory = room;
    for (u32 z = 0; z < grid.z; z++)
        for (u32 y = 0; y < grid.y; y++)
            for (u32 x = 0; x < grid.x; x++) {
                // Blocks in any order, too.
                block_index = order == 1 ? dim3{grid.x - 1 - x, grid.y - 1 - y, grid.z - 1 - z} : dim3{x, y, z};
                memset(room, 0xff, shared_bytes);
                run_block();
            }
    current = nullptr;
}
template <class T> T exchanged(T value, int from, const void* where) {
    static_assert(sizeof(T) == 4);
    auto& all = shown();
    memcpy(all[lane()], &value, 4);
    wait(FOR_WARP, where);
    memcpy(&value, all[from], 4);
    return value;
}
}

#define threadIdx (emulator::current->index)
#define blockIdx (emulator::block_index)
#define blockDim (emulator::block_size)
#define gridDim (emulator::grid_size)
#define __syncthreads() emulator::wait(emulator::FOR_BLOCK, (void*)(size_t)__LINE__)
#define __syncwarp() emulator::wait(emulator::FOR_WARP, (void*)(size_t)__LINE__)
template <class T> __attribute__((noinline)) T __shfl_xor_sync(u32, T value, int mask) {
    return emulator::exchanged(value, emulator::lane() ^ mask, __builtin_return_address(0));
}
template <class T> __attribute__((noinline)) T __shfl_sync(u32, T value, int from) {
    return emulator::exchanged(value, from, __builtin_return_address(0));
}
inline float __uint_as_float(u32 bits) { float x; memcpy(&x, &bits, 4); return x; }
inline u32 __float_as_uint(float x) { u32 bits; memcpy(&bits, &x, 4); return bits; }
inline int __float_as_int(float x) { int bits; memcpy(&bits, &x, 4); return bits; }
inline int atomicMax(int* at, int value) { int before = *at; *at = before > value ? before : value; return before; }

// mma.m16n8k16 and mma.m16n8k8: the places of fragments in lanes are those of the PTX manual.
__attribute__((noinline)) inline void mma_bf16(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    const void* where = __builtin_return_address(0);
    auto& all = emulator::shown();
    int lane = emulator::lane();
    memcpy(all[lane], a, 16), memcpy(all[lane] + 4, b, 8);
    emulator::wait(emulator::FOR_WARP, where);
    auto value = [](u32 pair, int half) { return __uint_as_float(half ? pair & 0xffff0000u : pair << 16); };
    for (int i = 0; i < 4; i++) {
        int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        for (int k = 0; k < 16; k++) {
            u32 left = all[row % 8 * 4 + k % 8 / 2][row / 8 + k / 8 * 2], right = all[column * 4 + k % 8 / 2][4 + k / 8];
            d[i] += value(left, k % 2) * value(right, k % 2);
        }
    }
}
__attribute__((noinline)) inline void mma_tf32(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    const void* where = __builtin_return_address(0);
    auto& all = emulator::shown();
    int lane = emulator::lane();
    memcpy(all[lane], a, 16), memcpy(all[lane] + 4, b, 8);
    emulator::wait(emulator::FOR_WARP, where);
    auto value = [](u32 bits) { return __uint_as_float(bits & 0xffffe000u); };
    for (int i = 0; i < 4; i++) {
        int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        for (int k = 0; k < 8; k++)
            d[i] += value(all[row % 8 * 4 + k % 4][row / 8 + k / 4 * 2]) * value(all[column * 4 + k % 4][4 + k / 4]);
    }
}
