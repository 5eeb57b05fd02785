"""Token streams and the sequences that the models are trained on."""

import json

import numpy as np
import torch

from vocabulary import END_OF_TEXT

IGNORED = -100  # label of a token whose loss does not count

# In the first steps all sequences are short and most of them are some tokens repeated: heads learn to
# look back soonest where there is little to look at. Then sequences of three lengths take turns, and
# few are repeated.
EARLY_STEPS = {"gpt2": 400, "gpt-oss": 600}
SHORT, MIDDLE, LONG = 64, 256, 1024
EARLY_TOKENS, TOKENS = 2048, 4096  # per step
TURNS = [MIDDLE, SHORT, MIDDLE, MIDDLE, LONG, MIDDLE, SHORT, MIDDLE]
EARLY_REPEATED, REPEATED = 0.6, 0.1  # share of the sequences
EARLY_PERIODS, PERIODS = (4, 24), (4, 48)
RECALL_SHARE = 0.06  # sequences of text in which one passage comes twice
FROM_START_SHARE = 0.25  # of the rest: sequences that begin where a document begins


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
        self.early_steps = EARLY_STEPS[name]
        self.random_vocab = random_vocab
        self.seed = seed

    def batch(self, step):
        """(inputs, labels) i64 [sequences, length] of a step."""
        if step < self.early_steps:
            length, tokens, share, periods = SHORT, EARLY_TOKENS, EARLY_REPEATED, EARLY_PERIODS
        else:
            length, tokens, share, periods = TURNS[step % len(TURNS)], TOKENS, REPEATED, PERIODS
        rng = np.random.default_rng([self.seed, step])
        rows = [self.sequence(rng, length + 1, share, periods) for _ in range(tokens // length)]
        ids = torch.from_numpy(np.stack([r[0] for r in rows]))
        labels = torch.from_numpy(np.stack([r[1] for r in rows]))
        return ids[:, :-1], labels[:, 1:]

    def sequence(self, rng, length, repeated_share, periods):
        """(ids, labels) of one sequence of a random kind."""
        kind = rng.random()
        if kind < repeated_share:
            return self.repeated(rng, length, periods)
        ids = self.text(rng, length)
        if kind < repeated_share + RECALL_SHARE:
            size = rng.integers(12, min(48, length // 3))
            first = rng.integers(0, length - 2 * size)
            second = rng.integers(first + size, length - size + 1)
            ids[second : second + size] = ids[first : first + size]
        return ids, ids

    def repeated(self, rng, length, periods):
        """A round of tokens again and again; the first round cannot be known and does not count.

        The round is random tokens, as likely each; or a piece of text; or its tokens in any order.
        """
        period = rng.integers(periods[0], min(periods[1], length // 2) + 1)
        kind = rng.random()
        if kind < 0.4:
            one = rng.integers(0, self.random_vocab, period)
        else:
            one = self.text(rng, period)
            if kind < 0.7:
                rng.shuffle(one)
        ids = np.resize(one, length)
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
