#!/usr/bin/env python3
"""Effect of hidden spans by transformers with a mask of four dimensions: see README.md."""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from written import write

GOLDEN = Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))
import generate  # noqa: E402

SPANS = [(0, 1), (0, 3), (2, 5), (7, 8), (3, 11), (9, 12)]


def load(name):
    if name == "gpt2-tiny":
        return generate.load_reference(GOLDEN / name, generate.gpt2_hf_state(load_file(GOLDEN / name / "model.safetensors")))
    if name == "gpt-oss-tiny":
        return generate.load_reference(GOLDEN / name, generate.gpt_oss_hf_state(load_file(GOLDEN / name / "model.safetensors")))
    return AutoModelForCausalLM.from_pretrained(
        GOLDEN / name, dtype=torch.float32, attn_implementation="eager"
    ).eval()


def mask(count, window, span):
    """Additive, [1, 1, S, S]: the keys of a span are hidden from the queries behind it."""
    query, key = torch.arange(count)[:, None], torch.arange(count)[None]
    seen = key <= query
    if window:
        seen &= query - key < window
    if span:
        start, end = span
        seen &= ~((key >= start) & (key < end) & (query >= end))
    return torch.where(seen, 0.0, torch.finfo(torch.float32).min)[None, None]


def run(model, ids, span):
    config = model.config
    full = mask(ids.shape[1], None, span)
    kinds = getattr(config, "layer_types", None)
    if kinds and "sliding_attention" in kinds:
        full = {"full_attention": full, "sliding_attention": mask(ids.shape[1], config.sliding_window, span)}
    out = model(ids, attention_mask=full, output_attentions=True, use_cache=False)
    return out.logits[0, -1].log_softmax(-1), torch.stack([layer[0] for layer in out.attentions])


def main():
    for name in ["gpt2-tiny", "gpt-oss-tiny", "families/gemma2-caps", "families/command-r"]:
        model = load(name)
        ids = torch.randint(0, 200, (1, 12), generator=torch.Generator().manual_seed(23))
        plain = model(ids, output_attentions=True, use_cache=False)
        before, attention = run(model, ids, None)
        assert torch.allclose(before, plain.logits[0, -1].log_softmax(-1), atol=1e-5), name
        assert torch.allclose(attention, torch.stack([layer[0] for layer in plain.attentions]), atol=1e-6), name
        target = int(before.argmax())
        spans = []
        for span in SPANS:
            after, attention = run(model, ids, span)
            spans.append({
                "span": list(span),
                "change": float(after[target] - before[target]),
                "kl": float((before.exp() * (before - after)).sum()),
                "next": int(after.argmax()),
                # What the last token gives each, in every head.
                "rows": attention[:, :, -1].tolist(),
            })
        write("effect", name, {"ids": ids[0].tolist(), "target": target, "spans": spans})


if __name__ == "__main__":
    with torch.no_grad():
        main()
