"""Plants bugs in the kernels, one at a time, and says which tests find them.

    cargo test --test golden --test gpu --no-run
    python tests/emulator/mutants.py GOLDEN GPU        (the two executables that cargo names)

Each of `BUGS` must be found, each of `HARMLESS` can't be: the reason stands beside it.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent
KERNELS = ROOT.parent.parent / "src/gpu/kernels"

# (what, file, text, in its place)
BUGS = [
    ("tiles: no barrier before they are filled", "linear.cuh", "        __syncthreads();\n        for (int i = threadIdx.x; i < 8 * M", "        for (int i = threadIdx.x; i < 8 * M"),
    ("tiles: no barrier before they are multiplied", "linear.cuh", "        __syncthreads();\n        tile->multiply", "        tile->multiply"),
    ("tiles: no barrier before results take their place", "linear.cuh", "    SHARED(float, products); // [M, 66]\n    __syncthreads();", "    SHARED(float, products); // [M, 66]"),
    ("tiles: columns beyond the last", "linear.cuh", "i / 4, k0 + i % 4 * 8, column < p.to);", "i / 4, k0 + i % 4 * 8, true);"),
    ("tiles: results beyond the last row", "linear.cuh", "if (at >= end || column >= p.to) continue;", "if (column >= p.to) continue;"),
    ("f32: only the upper parts are multiplied", "linear.cuh", "mma_tf32(sums[t], low, h), mma_tf32(sums[t], high, l), ", ""),
    ("bf16: activations of two parts", "linear.cuh", "for (int part = 2; part >= 0; part--)", "for (int part = 1; part >= 0; part--)"),
    ("fragments: transposed", "linear.cuh", "a[1] = *(const u32*)&x[row + 8][c];\n        a[2] = *(const u32*)&x[row][c + 8]", "a[2] = *(const u32*)&x[row + 8][c];\n        a[1] = *(const u32*)&x[row][c + 8]"),
    ("MXFP4: high nibble first", "linear.cuh", "(byte & 0xfu) | (byte & 0xf0u) << 12", "(byte & 0xf0u) >> 4 | (byte & 0xfu) << 16"),
    ("experts: the bias of the first", "linear.cuh", "p.bias + (i64)expert * p.to + column", "p.bias + column"),
    ("experts: the rows of visits, not of their tokens", "linear.cuh", "p.order[at] / p.visits_per_row : at", "p.order[at] : at"),
    ("few rows: a column beyond the last", "linear.cuh", "if (column >= p.to) return;", "if (column >= p.to + 2) return;"),
    ("swiglu: the gate is not limited", "activation.cuh", "gate = fminf(gate, limit);", ""),
    ("norm: the mean square, not the variance", "rows.cuh", "squares += (x[i] - mean) * (x[i] - mean);\n    float square", "squares += x[i] * x[i];\n    float square"),
    ("norm: no barrier between two sums", "common.cuh", "    x = warp_sum(x);\n    __syncthreads();\n", "    x = warp_sum(x);\n"),
    ("router: no barrier before the choice", "rows.cuh", "    __syncthreads();\n    if (warp == 0) choose", "    if (warp == 0) choose"),
    ("router: the softmax over all", "rows.cuh", "if (!p.over_all) sum += raised;", "sum += raised;  if (at == 0) sum += 1.f;"),
    ("sort: a tile too short", "rows.cuh", "at + p.tile < end ? at + p.tile : end", "at + p.tile < end ? at + p.tile - 1 : end"),
    ("rotary: the wrong way round", "rows.cuh", "*a = first * cos - second * sin, *b = first * sin + second * cos;", "*a = first * cos + second * sin, *b = second * cos - first * sin;"),
    ("attention: window one too long", "attention.cuh", "key > query - rule.window", "key >= query - rule.window"),
    ("attention: no barrier before keys are replaced", "attention.cuh", "key0 += 32) {\n        __syncthreads();", "key0 += 32) {"),
    ("attention: no barrier before keys are read", "attention.cuh", "last + 1 - key0, p.dim);\n        __syncthreads();\n        float product[2], raised[2];", "last + 1 - key0, p.dim);\n        float product[2], raised[2];"),
    ("attention: what was added up is not scaled down", "attention.cuh", "for (int d = 0; d < MOST_DIM / 32; d++) context[j][d] *= factor;", "for (int d = 0; d < MOST_DIM / 32; d++) context[j][d] *= 1.f;"),
    ("attention: the sink counts twice", "attention.cuh", "total = factor * total + sink;", "total = factor * total + 2.f * sink;"),
    ("attention: a shuffle in a branch", "attention.cuh", "highest[j] = fmaxf(before, warp_max(own));", "if (seen) highest[j] = fmaxf(before, warp_max(own));"),
    ("attention: values of the wrong head", "attention.cuh", "const float* values = keys + p.kv_heads * p.dim;", "const float* values = keys + (p.kv_heads - 1) * p.dim;"),
    ("fold: cells are not zero at first", "attention.cuh", "weights[i] = 0.f;", ";"),
    ("fold: scores without the scale", "attention.cuh", "float x = product * rule.scale;", "float x = product * (rule.window ? rule.scale : 1.f);"),
    ("fold: the row of a triangle", "attention.cuh", "triangle(row) - triangle(p.first / bin) + column", "triangle(row) - triangle(p.first / bin) + column + 1"),
    ("lengths: the key, not the value", "attention.cuh", "(p.heads + p.kv_heads + head / (p.heads / p.kv_heads)) * p.dim;", "(p.heads + head / (p.heads / p.kv_heads)) * p.dim;"),
]
HARMLESS = [
    # What they give is not written, and every place behind the last visit holds zeros or earlier visits.
    ("tiles: rows of another expert are taken along", "linear.cuh", "if (at < end) {", "if (true) {"),
    # It finds no tile of keys to look at, and no cell to write.
    ("fold: a block behind the last key runs", "attention.cuh", "if (key_start > last) return;", "if (key_start > last + 32) return;"),
]


def is_found(golden, gpu, bug):
    what, file, text, other = bug
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shutil.copytree(KERNELS, folder / "kernels")
        source = (folder / "kernels" / file).read_text()
        assert source.count(text) >= 1, f"{what}: the text is not in {file}"
        (folder / "kernels" / file).write_text(source.replace(text, other, 1))
        flags = "-std=c++20 -O2 -ffp-contract=off -fno-strict-aliasing -w -shared -fPIC -Wl,-soname,libcuda.so.1"
        command = ["c++", *flags.split(), "-I", folder / "kernels", "-o", folder / "libcuda.so.1", ROOT / "driver.cpp"]
        subprocess.run(command, check=True)
        environment = {"ATTNSCOPE_EMULATOR": str(folder), "PATH": "/usr/bin:/bin", "RUST_BACKTRACE": "0"}
        tests = [
            [golden, "emulated::gpt", "--test-threads=2"],
            [gpu, "no_order_of_threads_blocks_or_streams_changes_a_bit"],
            [golden, "emulated::it_sees_what_the_cpu_sees"],
        ]
        for test in tests:
            try:
                run = subprocess.run(test, env=environment, capture_output=True, timeout=300)
            except subprocess.TimeoutExpired:
                return "it never ends"
            if run.returncode:
                return f"{pathlib.Path(test[0]).name.split('-')[0]} {test[1]}"
    return None


def main():
    golden, gpu = sys.argv[1:3]
    wrong = 0
    for bugs, expected in [(BUGS, True), (HARMLESS, False)]:
        for bug in bugs:
            found = is_found(golden, gpu, bug)
            wrong += bool(found) != expected
            print(f"{'found by ' + found if found else 'NOT FOUND':60} {bug[0]}", flush=True)
    print(f"{len(BUGS)} bugs and {len(HARMLESS)} that can't matter: {wrong} not as expected")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
