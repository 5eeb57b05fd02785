#!/usr/bin/env python3
"""Compute statistics of attention with numpy, from their definitions: what tests/statistics.rs compares with.

    compute.py            writes expected.json beside this file

Heads, rollout and means come from the attention that Hugging Face transformers computed (../golden); gpt-oss
has sinks, sliding layers and shared keys there, gpt2 none of them. Two tokenisations of one text are compared
on drawn matrices. Needs numpy, safetensors and tokenizers.
"""

import json
import string
import unicodedata
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
LORA = HERE.parent / "lora"
TEXTS = [
    ("un-believable 日本語 🙂!", [[2, 4, 7, 1, 1, 2, 3, 3, 1, 2, 2, 1], [3, 10, 4, 2, 4, 1, 4, 1]]),
    ("write a story about AI", [[2, 3, 2, 6, 6, 3], [5, 2, 3, 3, 6, 3]]),
]


# ------------------------------------------------------------------------------------ one capture --


def is_delimiter(text):
    """Whether a text is punctuation and line ends, with blanks among them."""
    ends = "\n\r\x85\u2028\u2029"
    delimiter = lambda c: c in string.punctuation + ends or unicodedata.category(c).startswith("P")
    return any(map(delimiter, text)) and all(delimiter(c) or c.isspace() for c in text)


def delimiters(tokenizer, ids):
    """For each of `ids`, whether it is a delimiter or a special token."""
    special = {id for id, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    decode = lambda id: tokenizer.decode([id], skip_special_tokens=False)
    return np.array([id in special or is_delimiter(decode(id)) for id in ids.tolist()])


def head_statistics(a, ids, delimiter):
    """The statistics of one head [S, S] over the tokens `ids`, some of which are delimiters."""
    n = len(ids)
    sink = 1 - a.sum(-1)
    outcomes = np.concatenate([a, sink[:, None]], -1)
    logs = np.log(np.where(outcomes > 1e-12, outcomes, 1))
    query, key = np.indices(a.shape)
    same = (ids[:, None] == ids[None, :]) & (key < query)
    after = np.zeros_like(same)
    after[:, 1:] = same[:, :-1]
    after &= key <= query
    share = lambda mask: float((a * mask).sum() / a.sum())
    return {
        "sink_mass": float(sink.mean()),
        "first_token_mass": float(a[1:, 0].mean()) if n > 1 else 0.0,
        "entropy": float(-(outcomes * logs).sum(-1).mean()),
        "mean_distance": share(query - key),
        "local": share((query - key >= 0) & (query - key < 8)),
        "delimiter": share(np.broadcast_to(delimiter, a.shape)),
        "previous": share(key == query - 1),
        "duplicate": share(same),
        "induction": share(after),
    }


def rollout(layers):
    """Rollout [S, S + 1] of layer means [L, S, S], the last column being the absorbing sink."""
    n = layers.shape[-1]
    rolled = np.eye(n + 1)
    for mean in layers:
        step = np.zeros((n + 1, n + 1))
        step[:n, :n] = mean / 2 + np.eye(n) / 2
        step[:n, n] = (1 - mean.sum(-1)) / 2
        step[n, n] = 1
        rolled = step @ rolled
    return rolled[:n]


def with_deficit(a):
    """A matrix [S, S] with what its rows lack beside it."""
    return np.concatenate([a, 1 - a.sum(-1, keepdims=True)], -1)


def capture_views(name):
    """Everything that is expected of a golden checkpoint."""
    config = json.loads((GOLDEN / name / "config.json").read_text())
    golden = load_file(GOLDEN / name / "expected.safetensors")
    prompt = golden["case1.attentions"].astype(np.float64)
    layers, heads = prompt.shape[:2]
    kinds = config.get("layer_types", ["full_attention"] * layers)
    groups = config.get("num_key_value_heads", heads)
    size = heads // groups
    views = {"rollout": rollout(prompt.mean(1))}
    for kind in ("sliding", "full"):
        chosen = [k == f"{kind}_attention" for k in kinds]
        if any(chosen):
            views[kind] = with_deficit(prompt[chosen].mean((0, 1)))
    for layer in range(layers):
        for group in range(groups):
            views[f"group:{layer}.{group}"] = with_deficit(prompt[layer, group * size : (group + 1) * size].mean(0))
    ids, long = golden["case2.input_ids"], golden["case2.attentions"].astype(np.float64)
    delimiter = delimiters(Tokenizer.from_file(str(GOLDEN / name / "tokenizer.json")), ids)
    assert 0 < delimiter.sum() < len(ids), name
    of = lambda layer: [head_statistics(long[layer, head], ids, delimiter) for head in range(heads)]
    statistics = [of(layer) for layer in range(layers)]
    return {
        "prompt_ids": golden["case1.input_ids"].tolist(),
        "views": {view: matrix.tolist() for view, matrix in views.items()},
        "ids": ids.tolist(),
        "heads": statistics,
    }


# -------------------------------------------------------------------------- two tokenisations -----


def drawn(rng, n, sinks):
    """A causal matrix [S, S + 1], the last column being the sink's; rows sum to 1."""
    weights = rng.random((n, n + 1)) ** 3
    weights[:, :n] *= np.tri(n)
    weights[:, n] *= 2.0 if sinks else 0.0
    return weights / weights.sum(-1, keepdims=True)


def ranges(lengths, ends):
    """For each piece, given by its last byte's end, the range of the tokens in it."""
    tokens = np.cumsum(lengths).tolist()
    last = [tokens.index(end) + 1 for end in ends]
    return [list(pair) for pair in zip([0, *last[:-1]], last)]


def pooled(a, pieces):
    """Keys summed, queries averaged; the sink is one more column."""
    summed = np.stack([a[:, start:end].sum(-1) for start, end in pieces] + [a[:, -1]], -1)
    return np.stack([summed[start:end].mean(0) for start, end in pieces])


def divergence(p, q):
    """Jensen-Shannon divergence of two rows, in nats."""
    m = (p + q) / 2
    kl = lambda x: sum(xi * np.log(xi / mi) for xi, mi in zip(x, m) if xi > 0)
    return float((kl(p) + kl(q)) / 2)


def without_first(a):
    """The keys but the first, the rest of the row its measure: rows with nothing left are NaN."""
    rest = a[:, 1:-1]
    return rest / np.where(rest.sum(-1, keepdims=True) < 1e-6, np.nan, rest.sum(-1, keepdims=True))


def compare(rng, text, lengths, sinks):
    """Everything that is expected of two tokenisations of one text."""
    data = text.encode()
    assert all(sum(side) == len(data) for side in lengths), (text, len(data))
    shared = sorted(set(np.cumsum(lengths[0]).tolist()) & set(np.cumsum(lengths[1]).tolist()))
    words = [end for end in shared if end == len(data) or data[end : end + 1] == b" "]
    pieces = [ranges(side, shared) for side in lengths]
    matrices = [drawn(rng, len(side), sink) for side, sink in zip(lengths, sinks)]
    a, b = (pooled(matrix, p) for matrix, p in zip(matrices, pieces))
    flat = [m[:, 1:-1][np.tril_indices(len(shared), -1, len(shared) - 1)] for m in (a, b)]
    return {
        "text": text,
        "lengths": lengths,
        "sinks": sinks,
        "matrices": [matrix.tolist() for matrix in matrices],
        "pieces": pieces,
        "words": [ranges(side, words) for side in lengths],
        "pooled": [a.tolist(), b.tolist()],
        "difference": (a - b).tolist(),
        "difference_without_first": np.nan_to_num(without_first(a) - without_first(b), nan=-9).tolist(),
        "divergence": [divergence(p, q) for p, q in zip(a, b)],
        "similarity": float(flat[0] @ flat[1] / np.linalg.norm(flat[0]) / np.linalg.norm(flat[1])),
    }


def shift(name, adapter):
    """How far the heads of a model are from those of the same model with an adapter, and its next token."""
    base, adapted = load_file(GOLDEN / name / "expected.safetensors"), load_file(LORA / adapter / "expected.safetensors")
    ids = adapted["input_ids"].flatten()
    case = next(name for name in sorted(base) if name.endswith("input_ids") and base[name].flatten().tolist() == ids.tolist())
    case = case.removesuffix("input_ids")
    a, b = base[case + "attentions"].astype(np.float64), adapted["attentions"].astype(np.float64)
    logs = [logits - np.log(np.exp(logits).sum()) for logits in (base[case + "logits_last"].astype(np.float64), adapted["logits"].astype(np.float64))]
    heads = [(left, right) for left, right in zip(a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:]))]
    return {
        "ids": ids.tolist(),
        "divergence": [float(np.mean([divergence(p, q) for p, q in zip(with_deficit(l).clip(0), with_deficit(r).clip(0))])) for l, r in heads],
        "flips": [float(np.mean(l.argmax(-1) != r.argmax(-1))) for l, r in heads],
        "next": float((np.exp(logs[0]) * (logs[0] - logs[1])).sum()),
    }


def rounded(node):
    """A tree of numbers with its floats rounded."""
    if isinstance(node, dict):
        return {key: rounded(value) for key, value in node.items()}
    if isinstance(node, list):
        return [rounded(value) for value in node]
    return round(node, 7) + 0.0 if isinstance(node, float) else node


def main():
    rng = np.random.default_rng(7)
    sinks = [[False, True], [True, True], [False, False]]
    pairs = [compare(rng, text, lengths, with_sinks) for text, lengths in TEXTS for with_sinks in sinks]
    captures = {name: capture_views(name) for name in ("gpt2-tiny", "gpt-oss-tiny")}
    shifts = shift("gpt2-tiny", "attention")
    text = json.dumps(rounded({"captures": captures, "pairs": pairs, "shift": shifts}), ensure_ascii=False, separators=(",", ":"))
    (HERE / "expected.json").write_text(text.replace('},"', '},\n"').replace("]],", "]],\n") + "\n")


if __name__ == "__main__":
    main()
