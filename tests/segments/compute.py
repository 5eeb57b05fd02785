#!/usr/bin/env python3
"""What segments of a prompt give each other, with numpy from its definition: what tests/segments.rs compares with.

    compute.py            writes expected.json beside this file

The attention is what Hugging Face transformers computed (../golden). gpt-oss has sinks and sliding layers, Gemma 2
sliding layers and soft caps, GPT-2 none of them. Needs numpy and safetensors.
"""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
# Of each checkpoint: a case, and the named token ranges; what is left is the rest.
MODELS = {
    "gpt2-tiny": (3, [("a", 0, 17), ("b", 20, 61), ("c", 61, 99)]),
    "gpt-oss-tiny": (3, [("a", 2, 9), ("b", 9, 50), ("c", 80, 100)]),
    "families/gemma2": (2, [("a", 0, 4), ("b", 4, 15), ("c", 15, 24)]),
}
VIEWS = ["mean", "layer:1", "head:1.2", "head:2.0"]


def windows(config, layers):
    """The window of each layer; nothing where all keys are seen. Gemma 2 slides in every other layer, from the first."""
    usual = ["full_attention"] * layers
    if config["model_type"] == "gemma2":
        usual = ["full_attention" if layer % 2 else "sliding_attention" for layer in range(layers)]
    kinds = config.get("layer_types", usual)
    return [config["sliding_window"] if kind == "sliding_attention" else None for kind in kinds]


def owners(n, ranges):
    """The segment of each token, numbered in the order of their first tokens, and the names."""
    names, of = [], []
    for token in range(n):
        name = next((name for name, start, end in ranges if start <= token < end), "rest")
        if name not in names:
            names.append(name)
        of.append(names.index(name))
    return np.array(of), names


def select(a, view):
    """The matrix of a view of [L, H, S, S], and its layers."""
    kind, _, at = view.partition(":")
    if kind == "mean":
        return a.mean((0, 1)), range(len(a))
    layer, _, head = at.partition(".")
    layer = int(layer)
    return (a[layer, int(head)] if head else a[layer].mean(0)), [layer]


def measure(name):
    case, ranges = MODELS[name]
    config = json.loads((GOLDEN / name / "config.json").read_text())
    golden = load_file(GOLDEN / name / "expected.safetensors")
    a = golden[f"case{case}.attentions"].astype(np.float64)
    layers, heads, n, _ = a.shape
    of, names = owners(n, ranges)
    member = np.eye(len(names))[of]  # [S, segments]
    query, key = np.indices((n, n))
    visible = []
    for window in windows(config, layers):
        seen = (key <= query) & (query - key < (window or n))
        visible.append((seen @ member) / seen.sum(1, keepdims=True))
    mean_over = lambda rows: np.stack([rows[of == segment].mean(0) for segment in range(len(names))])
    views = {}
    for view in VIEWS:
        matrix, of_layers = select(a, view)
        views[view] = {
            "shares": mean_over(matrix @ member).tolist(),
            "sink": mean_over(1 - matrix.sum(1)).tolist(),
            "first": mean_over(matrix[:, 0]).tolist(),
            "expected": mean_over(np.mean([visible[layer] for layer in of_layers], 0)).tolist(),
        }
    # The lookback ratio of Lookback Lens (Chuang et al. 2024): means over all tokens of the context, and of those that
    # are new up to the query.
    new = ranges[-1][1]
    ratios = []
    for layer in a:
        of_heads = []
        for head in layer:
            of_query = []
            for q in range(new, n):
                context, own = head[q, :new].mean(), head[q, new : q + 1].mean()
                of_query.append(context / (context + own))
            of_heads.append(float(np.mean(of_query)))
        ratios.append(of_heads)
    return {
        "ids": golden[f"case{case}.input_ids"].tolist(),
        "ranges": ranges,
        "names": names,
        "views": views,
        "lookback": ratios,
    }


def rounded(node):
    if isinstance(node, dict):
        return {key: rounded(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [rounded(value) for value in node]
    return round(node, 7) + 0.0 if isinstance(node, float) else node


def main():
    found = {name: measure(name) for name in MODELS}
    text = json.dumps(rounded(found), separators=(",", ":")).replace('},"', '},\n"').replace("]],", "]],\n")
    (HERE / "expected.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
