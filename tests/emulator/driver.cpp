// A CUDA driver for tests: libcuda.so.1 with the calls that cudarc makes for us. Memory is the host's, between guard pages
// and full of NaNs; kernels are those of src/gpu/kernels, compiled by g++. Work of a stream waits until somebody waits for
// the stream, as late as a GPU may do it; streams take turns in an order that can be chosen.
//
//   ATTNSCOPE_EMULATOR_ORDER=N   the order of threads, blocks and streams
//   ATTNSCOPE_EMULATOR_COUNTS=F  appends to a file, for each stretch between two waits, what was asked for
//   ATTNSCOPE_EMULATOR_MEMORY=N  bytes of the device
//   ATTNSCOPE_EMULATOR_FAIL=N    launch N and all calls behind it fail, as with a device that was lost
//   ATTNSCOPE_EMULATOR_DRIVER=N  the version that the driver says it is
#include "emulator.h"
#include "kernels.cu"
#include <climits>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <sys/mman.h>

typedef int Result;
typedef unsigned long long Pointer;
enum { OK = 0, INVALID = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 101, NOT_FOUND = 500, LAUNCH_FAILED = 719 };

static long setting(const char* name, long otherwise) {
    const char* text = getenv(name);
    return text ? atol(text) : otherwise;
}

// --- kernels by name, with copies of their arguments ------------------------------------------------------------------
template <auto Kernel> struct Unpacked;
template <class P, void (*Kernel)(P)> struct Unpacked<Kernel> {
    static const size_t SIZE = sizeof(P);
    static void run(void** args) { Kernel(*(P*)args[0]); }
};
struct Known { const char* name; void (*run)(void**); size_t size; };
static const Known KERNELS[] = {
#define KERNEL(name) {#name, Unpacked<name>::run, Unpacked<name>::SIZE},
    KERNEL(attend) KERNEL(fold) KERNEL(lengths) KERNEL(norm) KERNEL(sort) KERNEL(combine) KERNEL(turn)
    KERNEL(linear_f32_1) KERNEL(linear_f32_8) KERNEL(linear_f32_16) KERNEL(linear_f32_64)
    KERNEL(linear_bf16_1) KERNEL(linear_bf16_8) KERNEL(linear_bf16_16) KERNEL(linear_bf16_64)
    KERNEL(linear_mxfp4_1) KERNEL(linear_mxfp4_8) KERNEL(linear_mxfp4_16) KERNEL(linear_mxfp4_64)
};

// --- memory -------------------------------------------------------------------------------------------------------------
struct Allocation { char* whole; size_t mapped, size; bool is_host; };
static std::map<Pointer, Allocation> allocations;
static size_t taken, capacity = setting("ATTNSCOPE_EMULATOR_MEMORY", 1l << 34);

static Pointer allocate(size_t size, bool is_host) {
    const size_t page = 4096, inner = (size + page - 1) / page * page, mapped = inner + 2 * page;
    char* whole = (char*)mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (whole == MAP_FAILED || mprotect(whole + page, inner, PROT_READ | PROT_WRITE)) return 0;
    memset(whole + page, 0xff, inner);
    // Its end at the guard page, as near as its alignment lets it.
    Pointer at = (Pointer)(whole + page + (inner - size) / 16 * 16);
    allocations[at] = {whole, mapped, size, is_host};
    return at;
}
static void release(Pointer at) {
    auto found = allocations.find(at);
    if (found == allocations.end()) return;
    if (!found->second.is_host) taken -= found->second.size;
    munmap(found->second.whole, found->second.mapped);
    allocations.erase(found);
}
static bool is_pinned(const void* at, size_t size) {
    auto after = allocations.upper_bound((Pointer)at);
    if (after == allocations.begin()) return false;
    auto [start, found] = *--after;
    return found.is_host && (Pointer)at + size <= start + found.size;
}

// --- streams --------------------------------------------------------------------------------------------------------------
struct Stream {
    std::deque<std::function<void()>> work;
    long begun = 0, asked = 0; // pieces of work
    bool waits = false;        // one of them is running
    void add(std::function<void()> piece) { work.push_back(std::move(piece)), asked++; }
};
// Recorded: done once its stream has begun what comes behind that much, or has nothing left.
struct Event { Stream* stream = nullptr; long behind = 0; };
static Stream default_stream;
static std::vector<Stream*> streams = {&default_stream};
static std::recursive_mutex lock; // the kernels' threads are global, too
static std::map<std::string, long> asked;
static long launches, fails_at = setting("ATTNSCOPE_EMULATOR_FAIL", -1);
static long driver_version = setting("ATTNSCOPE_EMULATOR_DRIVER", 13000);
static bool is_lost;
static u32 turns = 1;
static const bool has_order = (emulator::order = setting("ATTNSCOPE_EMULATOR_ORDER", 0), true);

static Stream* stream_of(void* stream) { return stream ? (Stream*)stream : &default_stream; }
// A piece that is running waits for others only by what it drains itself: its stream goes on behind it.
static void drain(Stream* wanted, long behind = LONG_MAX) {
    // Others may run first, a piece at a time.
    u32 order = emulator::order;
    while (!wanted->work.empty() && wanted->begun < behind) {
        turns = turns * 1664525u + 1013904223u;
        Stream* next = wanted;
        if (order > 1 && (turns >> 16) % 3 == 0) next = streams[(turns >> 8) % streams.size()];
        if (next->work.empty() || next->waits) next = wanted;
        auto work = std::move(next->work.front());
        next->work.pop_front(), next->begun++;
        next->waits = true, work(), next->waits = false;
    }
}
static void report() {
    const char* path = getenv("ATTNSCOPE_EMULATOR_COUNTS");
    if (!path || asked.empty()) return;
    if (FILE* file = fopen(path, "a")) {
        std::string line;
        for (auto& [name, count] : asked) line += name + "=" + std::to_string(count) + " ";
        fprintf(file, "%s\n", line.c_str()), fclose(file);
    }
    asked.clear();
}

#define CALL                                              \
    std::lock_guard<std::recursive_mutex> held(lock);     \
    if (is_lost) return LAUNCH_FAILED;
#define COUNTED(name) CALL asked[name]++;

extern "C" {
// For tests that have loaded this library: the settings above, and what was asked for since the last time.
void emulator_set(const char* name, long value) {
    std::lock_guard<std::recursive_mutex> held(lock);
    std::string setting = name;
    if (setting == "order") emulator::order = value;
    if (setting == "memory") capacity = value;
    if (setting == "driver") driver_version = value;
    if (setting == "fail") fails_at = value < 0 ? -1 : launches + value, is_lost = false;
}
// Also bytes that are `taken` now, and how many pieces of work waited on a stream at most: `ahead`.
long emulator_take(const char* name) {
    std::lock_guard<std::recursive_mutex> held(lock);
    if (!strcmp(name, "taken")) return taken;
    return std::exchange(asked[name], 0);
}

Result cuInit(u32) { CALL return OK; }
Result cuDriverGetVersion(int* version) { CALL *version = driver_version; return OK; }
Result cuDeviceGet(int* device, int ordinal) { CALL *device = ordinal; return ordinal ? NO_DEVICE : OK; }
Result cuDeviceGetCount(int* count) { CALL *count = 1; return OK; }
Result cuDeviceGetName(char* name, int size, int) { CALL snprintf(name, size, "emulated device"); return OK; }
Result cuDeviceGetAttribute(int* value, int attribute, int) {
    CALL
    const std::map<int, int> known = {{75, 9}, {76, 0}, {16, 132}, {97, 232448}, {115, 1}};
    auto found = known.find(attribute);
    *value = found == known.end() ? 1 : found->second;
    return OK;
}
Result cuDeviceTotalMem_v2(size_t* bytes, int) { CALL *bytes = capacity; return OK; }
Result cuMemGetInfo_v2(size_t* free, size_t* total) { CALL *free = capacity - taken, *total = capacity; return OK; }
Result cuDevicePrimaryCtxRetain(void** context, int) { CALL *context = (void*)1; return OK; }
Result cuDevicePrimaryCtxRelease_v2(int) { return OK; }
Result cuCtxSetCurrent(void*) { CALL return OK; }
Result cuCtxGetCurrent(void** context) { CALL *context = (void*)1; return OK; }
Result cuCtxSynchronize() { CALL for (Stream* stream : streams) drain(stream); return is_lost ? LAUNCH_FAILED : OK; }
Result cuModuleLoadData(void** module, const void*) { CALL *module = (void*)2; return OK; }
Result cuModuleUnload(void*) { return OK; }
Result cuModuleGetFunction(void** function, void*, const char* name) {
    CALL
    for (const Known& known : KERNELS)
        if (!strcmp(known.name, name)) { *function = (void*)&known; return OK; }
    return NOT_FOUND;
}
Result cuFuncSetAttribute(void*, int, int) { CALL return OK; }
Result cuStreamCreate(void** stream, u32) { CALL streams.push_back(new Stream), *stream = streams.back(); return OK; }
Result cuStreamDestroy_v2(void* stream) {
    std::lock_guard<std::recursive_mutex> held(lock);
    drain(stream_of(stream));
    std::erase(streams, (Stream*)stream);
    delete (Stream*)stream;
    return OK;
}
Result cuStreamSynchronize(void* stream) {
    CALL
    drain(stream_of(stream));
    report();
    return is_lost ? LAUNCH_FAILED : OK;
}
// As a driver does, it waits for what is recorded when it is asked to, whatever is recorded later.
Result cuStreamWaitEvent(void* stream, void* event, u32) {
    CALL
    Event recorded = *(Event*)event;
    if (recorded.stream) stream_of(stream)->add([=] { drain(recorded.stream, recorded.behind); });
    return OK;
}
Result cuEventCreate(void** event, u32) { CALL *event = new Event; return OK; }
Result cuEventDestroy_v2(void* event) { delete (Event*)event; return OK; }
Result cuEventRecord(void* event, void* stream) { CALL *(Event*)event = {stream_of(stream), stream_of(stream)->asked}; return OK; }
Result cuEventSynchronize(void* event) {
    CALL
    Event recorded = *(Event*)event;
    if (recorded.stream) drain(recorded.stream, recorded.behind);
    return is_lost ? LAUNCH_FAILED : OK;
}
Result cuMemAllocAsync(Pointer* at, size_t size, void*) {
    COUNTED("alloc")
    if (taken + size > capacity) return OUT_OF_MEMORY;
    taken += size;
    return (*at = allocate(size, false)) ? OK : OUT_OF_MEMORY;
}
Result cuMemFreeAsync(Pointer at, void* stream) {
    std::lock_guard<std::recursive_mutex> held(lock);
    stream_of(stream)->add([at] { release(at); });
    return OK;
}
Result cuMemHostAlloc(void** at, size_t size, u32) { COUNTED("alloc") *at = (void*)allocate(size, true); return *at ? OK : OUT_OF_MEMORY; }
Result cuMemFreeHost(void* at) { std::lock_guard<std::recursive_mutex> held(lock); release((Pointer)at); return OK; }
// From memory that can be paged out a copy is made first; page-locked memory is read when it is the copy's turn.
Result cuMemcpyHtoDAsync_v2(Pointer to, const void* from, size_t size, void* stream) {
    COUNTED("upload")
    if (is_pinned(from, size)) {
        stream_of(stream)->add([=] { memcpy((void*)to, from, size); });
    } else {
        std::vector<char> copy((const char*)from, (const char*)from + size);
        stream_of(stream)->add([=, copy = std::move(copy)] { memcpy((void*)to, copy.data(), size); });
    }
    return OK;
}
Result cuMemcpyDtoHAsync_v2(void* to, Pointer from, size_t size, void* stream) {
    COUNTED("read")
    stream_of(stream)->add([=] { memcpy(to, (void*)from, size); });
    if (!is_pinned(to, size)) drain(stream_of(stream));
    return OK;
}
Result cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t size, void* stream) {
    COUNTED("copy")
    stream_of(stream)->add([=] { memcpy((void*)to, (void*)from, size); });
    return OK;
}
Result cuMemsetD8Async(Pointer at, u8 value, size_t size, void* stream) {
    COUNTED("memset")
    stream_of(stream)->add([=] { memset((void*)at, value, size); });
    return OK;
}
static void count_ahead(Stream* stream) {
    long waiting = stream->work.size();
    if (asked["ahead"] < waiting) asked["ahead"] = waiting;
}
Result cuLaunchKernel(void* function, u32 gx, u32 gy, u32 gz, u32 bx, u32 by, u32 bz, u32 shared_bytes, void* stream, void** args, void**) {
    COUNTED("launch")
    if (launches++ == fails_at) { is_lost = true; return LAUNCH_FAILED; }
    const Known& known = *(const Known*)function;
    if (by != 1 || bz != 1 || bx > 1024 || bx % 32 || !gx || !gy || !gz || gy > 65535 || gz > 65535 || shared_bytes > emulator::SHARED_BYTES) return INVALID;
    std::vector<char> copy((const char*)args[0], (const char*)args[0] + known.size);
    stream_of(stream)->add([=, &known, copy = std::move(copy)]() mutable {
        void* argument = copy.data();
        Pointer room = allocate(shared_bytes ? shared_bytes : 16, true);
        emulator::launch(known.name, known.run, &argument, {gx, gy, gz}, {bx, by, bz}, (unsigned char*)room, shared_bytes);
        release(room);
    });
    count_ahead(stream_of(stream));
    return OK;
}
Result cuGetErrorName(Result error, const char** text) {
    *text = error == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : error == LAUNCH_FAILED ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR";
    return OK;
}
Result cuGetErrorString(Result error, const char** text) {
    *text = error == OUT_OF_MEMORY ? "out of memory" : error == LAUNCH_FAILED ? "unspecified launch failure" : "an error of the emulated driver";
    return OK;
}
}
