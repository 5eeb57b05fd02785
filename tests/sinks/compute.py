#!/usr/bin/env python3
"""What heads give to no word, with Hugging Face transformers and numpy: what tests/sinks.rs compares with.

    compute.py            writes expected.json beside this file

The sink rate of a key is the share of heads whose mean attention to it, over the queries from it on, is above 0.3 (Gu et
al. 2024). Lengths of values are those of v W_O. The residual stream is what goes into each layer, and what comes out of
the last one before the final norm: forward hooks, since transformers' last hidden state is normed. Needs torch and
transformers, and the versions that ../golden/README.md names for the same digits.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
sys.path.insert(0, str(HERE.parent / "explain"))
import compute as explain  # noqa: E402

MODELS = {"gpt2-tiny": 3, "gpt-oss-tiny": 3, "families/gemma2": 2}


def load(name):
    if not name.startswith("families"):
        return explain.load(name)
    return AutoModelForCausalLM.from_pretrained(GOLDEN / name, dtype=torch.float32, attn_implementation="eager").eval()


def residual(model, ids):
    """The stream [layers + 1, S, hidden], and the attention of the pass [layers, heads, S, S]."""
    layers = model.transformer.h if model.config.model_type == "gpt2" else model.model.layers
    states, hooks = [], []
    first = lambda out: out[0] if isinstance(out, tuple) else out
    hooks.append(layers[0].register_forward_pre_hook(lambda _m, args, kwargs: states.append((args[0] if args else kwargs["hidden_states"])[0].clone()), with_kwargs=True))
    for layer in layers:
        hooks.append(layer.register_forward_hook(lambda _m, _a, out: states.append(first(out).reshape(states[0].shape).clone())))
    with torch.no_grad():
        out = model(input_ids=ids[None], output_attentions=True, use_cache=False)
    for hook in hooks:
        hook.remove()
    return torch.stack(states).double().numpy(), torch.stack(out.attentions)[:, 0].double().numpy()


def measure(name):
    case = MODELS[name]
    golden = load_file(GOLDEN / name / "expected.safetensors")
    ids = golden[f"case{case}.input_ids"]
    model = load(name)
    states, a = residual(model, ids)
    assert np.abs(a - golden[f"case{case}.attentions"].double().numpy()).max() < 1e-5, name
    layers, heads, n, _ = a.shape
    # A[q, k] is 0 where q < k, so that sums over all queries are sums over those from k on.
    means = a.sum(2) / np.arange(n, 0, -1)
    norms = np.array(explain.value_norms(model, ids))  # [layers, heads, S]
    others = (norms.sum(-1, keepdims=True) - norms) / (n - 1)
    learned = 1 - a.sum(-1)
    has_sinks = name.startswith("gpt-oss")
    found = {
        "ids": ids.tolist(),
        "learned": learned.mean(-1).tolist() if has_sinks else None,
        "learned_rate": float((learned.mean(-1) > 0.3).mean()) if has_sinks else None,
        "first": a[:, :, 1:, 0].mean(-1).tolist(),
        "strongest": means.max(-1).tolist(),
        "first_value_ratio": (norms / others)[:, :, 0].tolist(),
        "rate": (means > 0.3).mean((0, 1)).tolist(),
        "share": means.mean((0, 1)).tolist(),
        "value_ratio": (norms / others).mean((0, 1)).tolist(),
        "residual": [],
    }
    # No mean may be so close to 0.3 that rounding decides.
    assert np.abs(means - 0.3).min() > 1e-5 and np.abs(learned.mean(-1) - 0.3).min() > 1e-5, name
    for state in states:
        size = np.abs(state)
        at = np.unravel_index(size.argmax(), size.shape)
        found["residual"].append({
            "median": float(np.median(size)),
            "at": int(at[0]),
            "dimension": int(at[1]),
            "value": float(state[at]),
            "massive": int(((size > 100) & (size > 1000 * np.median(size))).sum()),
        })
    return found


def rounded(node):
    if isinstance(node, dict):
        return {key: rounded(value) for key, value in node.items()}
    if isinstance(node, list):
        return [rounded(value) for value in node]
    return round(node, 7) + 0.0 if isinstance(node, float) else node


def main():
    torch.set_num_threads(1)
    found = {name: measure(name) for name in MODELS}
    text = json.dumps(rounded(found), separators=(",", ":")).replace('},"', '},\n"').replace("]],", "]],\n")
    (HERE / "expected.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
