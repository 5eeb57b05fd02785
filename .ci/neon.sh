#!/usr/bin/env bash
# The kernels' tests on an emulated ARM processor: the only place where CI runs NEON's. Skipped, with a line that says
# so, where the cross target can't be had. Only the kernels are built (.ci/neon): they need no other room.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
skip() {
  echo "NEON's kernels were not tested: $*" >&2
  exit 0
}

[[ $(uname -sm) == "Linux x86_64" ]] || skip "the emulator is set up on Linux on x86-64 only"
if ! command -v aarch64-linux-gnu-gcc >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
  command -v apt-get >/dev/null && [[ $(id -u) == 0 ]] || skip "install gcc-aarch64-linux-gnu and qemu-user"
  { apt-get -q update && apt-get -qy install --no-install-recommends gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user; } \
    >/dev/null 2>&1 || skip "gcc-aarch64-linux-gnu and qemu-user can't be installed"
fi

command -v rustup >/dev/null && timeout 300 rustup target add "$target" >/dev/null 2>&1 \
  || skip "rustup has no standard library for $target here"

# The same versions of crates as everywhere else.
cp Cargo.lock .ci/neon/Cargo.lock
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" \
  cargo test -q --lib --manifest-path .ci/neon/Cargo.toml --target "$target" --target-dir target/neon
