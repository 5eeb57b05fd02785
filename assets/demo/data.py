"""Token streams and the sequences that the models are trained on."""

import json

import numpy as np
import torch
from vocabulary import END_OF_TEXT

IGNORED = -100  # label of a token whose loss does not count

# Sequences of random tokens, repeated with a fixed period: their share early and later on.
REPEATED_SHARE = {"gpt2": (0.3, 0.1), "gpt-oss": (0.12, 0.12)}
EARLY_STEPS = 1500
RECALL_SHARE = 0.06  # sequences of text in which one passage comes twice
FROM_START_SHARE = 0.25  # of the rest: sequences that begin where a document begins
PERIODS = {"gpt2": (8, 48), "gpt-oss": (8, 40)}


def read_documents(path):
    """The documents of a file that corpus.py wrote."""
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def encode(documents, tokenizer):
    """Each document as an array of ids that begins with the end-of-text token."""
    end = tokenizer.token_to_id(END_OF_TEXT)
    encodings = tokenizer.encode_batch([d["text"] for d in documents])
    return [np.array([end, *e.ids], dtype=np.int64) for e in encodings]


class Sampler:
    """Sequences drawn from a token stream; a step always draws the same ones."""

    def __init__(self, name, encoded, random_vocab, seed):
        order = np.random.default_rng(seed).permutation(len(encoded))
        self.stream = np.concatenate([encoded[i] for i in order])
        self.starts = np.cumsum([0, *(len(encoded[i]) for i in order[:-1])]) + 1
        self.periods = PERIODS[name]
        self.repeated_share = REPEATED_SHARE[name]
        self.random_vocab = random_vocab
        self.seed = seed

    def batch(self, step, count, length):
        """(inputs, labels) i64 [count, length] of a step."""
        rng = np.random.default_rng([self.seed, step])
        share = self.repeated_share[step >= EARLY_STEPS]
        rows = [self.sequence(rng, length + 1, share) for _ in range(count)]
        ids = torch.from_numpy(np.stack([r[0] for r in rows]))
        labels = torch.from_numpy(np.stack([r[1] for r in rows]))
        return ids[:, :-1], labels[:, 1:]

    def sequence(self, rng, length, repeated_share):
        """(ids, labels) of one sequence of a random kind."""
        kind = rng.random()
        if kind < repeated_share:
            return self.repeated(rng, length)
        ids = self.text(rng, length)
        if kind < repeated_share + RECALL_SHARE:
            size = rng.integers(12, 48)
            first = rng.integers(0, length - 2 * size)
            second = rng.integers(first + size, length - size + 1)
            ids[second : second + size] = ids[first : first + size]
        return ids, ids

    def repeated(self, rng, length):
        """Random tokens again and again; the first round cannot be known and does not count."""
        period = rng.integers(self.periods[0], self.periods[1] + 1)
        ids = np.resize(rng.integers(0, self.random_vocab, period), length)
        labels = ids.copy()
        labels[:period] = IGNORED
        return ids, labels

    def text(self, rng, length):
        """A piece of the stream, sometimes from the first word of a document on."""
        if rng.random() < FROM_START_SHARE:
            start = min(self.starts[rng.integers(len(self.starts))], len(self.stream) - length)
        else:
            start = rng.integers(0, len(self.stream) - length + 1)
        return self.stream[start : start + length].copy()
