"""Compiles src/gpu/kernels to PTX by NVRTC, which needs no GPU: kernels.ptx, that the program carries.

    python .ci/ptx.py           writes src/gpu/kernels/kernels.ptx
    python .ci/ptx.py --check   compares it with what is there

Needs the package nvidia-cuda-nvrtc-cu12 in the version below. With --table and nvidia-cuda-nvcc-cu12 it prints what each
kernel needs on one GPU: registers, spills, shared memory.
"""

import ctypes
import importlib.metadata
import pathlib
import subprocess
import sys
import tempfile

VERSION = "12.1.105"
# The oldest GPUs with bf16 and TF32 in their tensor cores; newer ones take it, too.
ARCHITECTURE = "compute_80"
KERNELS = pathlib.Path(__file__).parent.parent / "src/gpu/kernels"


def compile_ptx():
    package = importlib.metadata.distribution("nvidia-cuda-nvrtc-cu12")
    if package.version != VERSION:
        sys.exit(f"nvidia-cuda-nvrtc-cu12 is {package.version}: install {VERSION}, or the bytes differ")
    library = pathlib.Path(package.locate_file("nvidia/cuda_nvrtc/lib"))
    ctypes.CDLL(str(library / "libnvrtc-builtins.so.12.1"), mode=ctypes.RTLD_GLOBAL)
    nvrtc = ctypes.CDLL(str(library / "libnvrtc.so.12"))

    def call(name, *arguments):
        if code := getattr(nvrtc, name)(*arguments):
            sys.exit(f"{name} failed with {code}")

    def text(name, program):
        size = ctypes.c_size_t()
        call(f"nvrtcGet{name}Size", program, ctypes.byref(size))
        value = ctypes.create_string_buffer(size.value)
        call(f"nvrtcGet{name}", program, value)
        return value.value.decode()

    headers = sorted(KERNELS.glob("*.cuh"))
    sources = (ctypes.c_char_p * len(headers))(*(header.read_bytes() for header in headers))
    names = (ctypes.c_char_p * len(headers))(*(header.name.encode() for header in headers))
    program = ctypes.c_void_p()
    source = (KERNELS / "kernels.cu").read_bytes()
    call("nvrtcCreateProgram", ctypes.byref(program), source, b"kernels.cu", len(headers), sources, names)
    options = [f"--gpu-architecture={ARCHITECTURE}".encode(), b"--std=c++17", b"--restrict"]
    failed = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    log = text("ProgramLog", program)
    if log.strip():
        print(log, file=sys.stderr)
    if failed:
        sys.exit("the kernels do not compile")
    return text("PTX", program)


def print_table(ptx):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "kernels.ptx"
        path.write_text(ptx)
        ptxas = importlib.metadata.distribution("nvidia-cuda-nvcc-cu12").locate_file("nvidia/cuda_nvcc/bin/ptxas")
        command = [ptxas, "-v", "-arch=sm_90", path, "-o", path.with_suffix(".cubin")]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    print("| kernel | registers | stack and spills, bytes |\n|---|---|---|")
    name = spilled = ""
    for line in lines:
        if "Function properties for" in line:
            name = line.split()[-1]
        elif "bytes stack frame" in line:
            spilled = ", ".join(part.split()[0] for part in line.split(","))
        elif "Used" in line:
            print(f"| `{name}` | {line.split('Used')[1].split()[0]} | {spilled} |")


if __name__ == "__main__":
    path, ptx = KERNELS / "kernels.ptx", compile_ptx()
    if "--table" in sys.argv:
        print_table(ptx)
    elif "--check" in sys.argv:
        if path.read_text() != ptx:
            sys.exit(f"{path} is not what the kernels compile to: run {sys.argv[0]}")
    else:
        path.write_text(ptx)
