#!/usr/bin/env bash
# The oldest compiler that Cargo.toml promises (rust-version) must build everything.
set -euo pipefail
oldest=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
have=$(rustc --version)
if [[ "$have" == "rustc $oldest."* ]]; then
  echo "rust-version is $oldest, and so is this compiler: every other step holds it"
elif command -v rustup >/dev/null && timeout 120 rustup toolchain install --profile minimal "$oldest" >/dev/null 2>&1; then
  cargo "+$oldest" check --locked --all-targets --target-dir target/msrv
else
  echo "rust-version $oldest was not checked: this is $have, and $oldest can't be had" >&2
fi
