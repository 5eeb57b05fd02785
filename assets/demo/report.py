#!/usr/bin/env python3
"""Measure the demo pair as it is stored, and print what was measured.

    report.py --corpus DIR [--models DIR]

For each model: the loss on the held-out documents beside that of a smoothed unigram and a smoothed
bigram of the training tokens, on the same predictions; then the heads on repeated random tokens.
Everything runs through transformers' eager modules in f32 on the stored values. The numbers also go
to MODELS/report.json.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

import checkpoint
import data
import vocabulary

WINDOW = 512  # held-out documents are read in pieces of so many tokens
PERIOD, DRAWS = 24, 10
DISCOUNTS = [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
ADDED = [0.01, 0.1, 0.5, 1.0, 2.0]


# -------------------------------------------------------------------------------------- baselines --


def unigram_losses(train, targets, vocab):
    """-ln p of every target under an add-k unigram; k is the best for these targets."""
    counts = np.bincount(train, minlength=vocab)
    tables = (np.log(counts.sum() + k * vocab) - np.log(counts + k) for k in ADDED)
    return min((table[targets] for table in tables), key=np.mean)


def bigram_losses(train, previous, targets, vocab):
    """-ln p of every target given the token before it, under an interpolated Kneser-Ney bigram.

    The discount is the best for these targets: a choice in the baseline's favour.
    """
    pairs, counts = np.unique(train[:-1] * vocab + train[1:], return_counts=True)
    first, second = pairs // vocab, pairs % vocab
    seen = np.bincount(first, weights=counts, minlength=vocab)
    followers = np.bincount(first, minlength=vocab)
    continuation = np.bincount(second, minlength=vocab) + 0.1
    continuation = continuation / continuation.sum()
    wanted = previous * vocab + targets
    at = np.searchsorted(pairs, wanted).clip(max=len(pairs) - 1)
    count = np.where(pairs[at] == wanted, counts[at], 0)
    total = np.maximum(seen[previous], 1)

    def losses(d):
        free = np.where(seen[previous] > 0, d * followers[previous] / total, 1.0)
        return -np.log(np.maximum(count - d, 0) / total + free * continuation[targets])

    return min((losses(d) for d in DISCOUNTS), key=np.mean)


# ------------------------------------------------------------------------------------------ models --


@torch.no_grad()
def model_losses(model, ids):
    """-ln p of every token of a document but the first, read in pieces of WINDOW tokens."""
    ids = torch.from_numpy(ids)
    parts = []
    for start in range(0, len(ids) - 1, WINDOW):
        piece = ids[start : start + WINDOW + 1]
        logits = model(input_ids=piece[None, :-1], use_cache=False).logits[0]
        parts.append(torch.nn.functional.cross_entropy(logits, piece[1:], reduction="none"))
    return torch.cat(parts).numpy()


@torch.no_grad()
def head_scores(model, random_vocab, period):
    """{kind: [L, H]}: mean attention at offsets 1, T and T - 1 over draws of r r, no BOS."""
    offsets = {"previous": 1, "duplicate": period, "induction": period - 1}
    scores = dict.fromkeys(offsets, 0.0)
    for seed in range(DRAWS):
        r = torch.randint(random_vocab, (period,), generator=torch.Generator().manual_seed(seed))
        out = model(input_ids=torch.cat([r, r])[None], output_attentions=True, use_cache=False)
        attention = torch.cat(out.attentions)  # [L, H, 2T, 2T]
        for kind, offset in offsets.items():
            scores[kind] += attention.diagonal(-offset, dim1=-2, dim2=-1).mean(-1) / DRAWS
    return {kind: score.tolist() for kind, score in scores.items()}


# ------------------------------------------------------------------------------------------ report --


def mean_losses(per_document, documents, keep=lambda source: True):
    """{name: mean loss} over the tokens of the documents whose source is kept."""
    chosen = [row for row, d in zip(per_document, documents, strict=True) if keep(d["source"])]
    return {name: float(np.concatenate([row[name] for row in chosen]).mean()) for name in chosen[0]}


def measure(name, folder, train_documents, held_out):
    """The report of one model."""
    tokenizer = vocabulary.Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = checkpoint.load(name, folder)
    config = json.loads((folder / "config.json").read_text())
    vocab = config["vocab_size"]
    train_ids = np.concatenate(data.encode(train_documents, tokenizer))
    encoded = data.encode(held_out, tokenizer)
    previous = np.concatenate([ids[:-1] for ids in encoded])
    targets = np.concatenate([ids[1:] for ids in encoded])
    columns = {
        "model": np.concatenate([model_losses(model, ids) for ids in encoded]),
        "bigram": bigram_losses(train_ids, previous, targets, vocab),
        "unigram": unigram_losses(train_ids, targets, vocab),
    }
    cuts = np.cumsum([len(ids) - 1 for ids in encoded])[:-1]
    split = {key: np.split(column, cuts) for key, column in columns.items()}
    per_document = [dict(zip(split, row, strict=True)) for row in zip(*split.values(), strict=True)]
    sources = list(dict.fromkeys(d["source"] for d in held_out))
    text_bytes = sum(len(d["text"].encode()) for d in held_out)
    period = min(PERIOD, config.get("sliding_window", math.inf) - 1)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "bytes": {p.name: p.stat().st_size for p in sorted(folder.iterdir()) if p.is_file()},
        "training_tokens": len(train_ids),
        "held_out_tokens": len(targets),
        "held_out_bits_per_byte": float(columns["model"].sum() / math.log(2) / text_bytes),
        "held_out_loss": mean_losses(per_document, held_out),
        "held_out_loss_without_own": mean_losses(per_document, held_out, lambda source: source != "own"),
        "held_out_loss_by_source": {s: mean_losses(per_document, held_out, lambda source, s=s: source == s) for s in sources},
        "repeated_random_tokens": {
            "period": period,
            "draws": DRAWS,
            **head_scores(model, vocab - len(vocabulary.SPECIALS[name]), period),
        },
    }


def best_heads(scores, count=3):
    """The highest entries of an [L, H] table as text."""
    ranked = sorted(((s, layer, head) for layer, row in enumerate(scores) for head, s in enumerate(row)), reverse=True)
    return ", ".join(f"{layer}.{head} {s:.3f}" for s, layer, head in ranked[:count])


def show(name, found):
    """Print a report for people."""
    print(f"{name}: {found['parameters']:,} parameters, {sum(found['bytes'].values()):,} bytes")
    print(f"  held-out loss, nats per token ({found['held_out_tokens']:,} tokens)")
    rows = {"all": found["held_out_loss"], "all but own": found["held_out_loss_without_own"], **found["held_out_loss_by_source"]}
    print(f"    {'':12} {'model':>8} {'bigram':>8} {'unigram':>8}")
    for label, row in rows.items():
        print(f"    {label:12} {row['model']:8.3f} {row['bigram']:8.3f} {row['unigram']:8.3f}")
    print(f"    {found['held_out_bits_per_byte']:.3f} bits per byte")
    heads = found["repeated_random_tokens"]
    print(f"  repeated random tokens, period {heads['period']}, {heads['draws']} draws (layer.head score)")
    for kind in ("previous", "duplicate", "induction"):
        print(f"    {kind:12} {best_heads(heads[kind])}")


def rounded(node, digits=5):
    """A tree of numbers with its floats rounded."""
    if isinstance(node, dict):
        return {k: rounded(v, digits) for k, v in node.items()}
    if isinstance(node, list):
        return [rounded(v, digits) for v in node]
    return round(node, digits) if isinstance(node, float) else node


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder that corpus.py wrote")
    parser.add_argument("--models", type=Path, default=Path(__file__).parent, help="folder with gpt2/ and gpt-oss/")
    args = parser.parse_args()
    torch.set_num_threads(1)
    train_documents = data.read_documents(args.corpus / "train.jsonl")
    held_out = data.read_documents(args.corpus / "heldout.jsonl")
    report = {}
    for name in checkpoint.CONFIGS:
        report[name] = measure(name, args.models / name, train_documents, held_out)
        show(name, report[name])
    (args.models / "report.json").write_text(json.dumps(rounded(report), indent=1) + "\n")


if __name__ == "__main__":
    main()
