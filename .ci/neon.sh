#!/usr/bin/env bash
# The kernels' tests on an emulated ARM processor: the only place where CI runs NEON's. Skipped, with a line that says
# so, where the cross target can't be had. Only the kernels are built (.ci/neon): they need no other room.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
folder="$PWD/target/neon"
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

# The standard library for ARM: rustup's, or else that of Debian's newest compiler, with this compiler, unpacked here.
debian() {
  local apt=(-q -o APT::Architectures::=amd64 -o APT::Architectures::=arm64 -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder")
  mkdir -p "$folder/lists/partial" "$folder/archives/partial" "$folder/debian"
  cd "$folder"
  apt-get "${apt[@]}" update
  local library
  library=$(apt-cache "${apt[@]}" depends libstd-rust-web-dev:amd64 | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p')
  apt-get "${apt[@]}" download rustc-web:amd64 "$library:amd64" libstd-rust-web-dev:amd64 libstd-rust-web-dev:arm64
  for package in *.deb; do dpkg-deb -x "$package" debian; done
  # The code generator is a library of its own.
  apt-get -qy install --no-install-recommends "$(apt-cache "${apt[@]}" depends "$library:amd64" | sed -n 's/.*Depends: \(libllvm[0-9]*\)$/\1/p')"
}
if ! timeout 120 rustup target add "$target" >/dev/null 2>&1; then
  if [[ ! -x "$folder/rustc" ]]; then
    (debian) >"$folder.log" 2>&1 || skip "rustup has no $target here, and Debian no newer compiler ($folder.log)"
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "$folder/debian/usr/lib/x86_64-linux-gnu" "$folder/debian/usr/bin/rustc" >"$folder/rustc"
    chmod +x "$folder/rustc"
  fi
  export RUSTC="$folder/rustc"
fi

# The same versions of crates as everywhere else.
cp Cargo.lock .ci/neon/Cargo.lock
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" \
  cargo test -q --lib --manifest-path .ci/neon/Cargo.toml --target "$target" --target-dir "$folder/build"
