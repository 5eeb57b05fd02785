"""Token streams and the sequences that the models are trained on."""

import json

import numpy as np
import torch

from vocabulary import END_OF_TEXT

IGNORED = -100  # label of a token whose loss does not count

# A step's sequences are of one length, taken in turn, and a share of them is some tokens repeated
# with a fixed period. Short sequences, half of them repeated, come in after some steps: heads learn
# to look back soonest where there is little to look at.
SHORT, MIDDLE, LONG = 64, 256, 1024
SHORT_FROM = {"gpt2": 700, "gpt-oss": 1400}
TURNS_BEFORE = [MIDDLE] * 7 + [LONG]
TURNS_AFTER = [MIDDLE, SHORT] * 3 + [MIDDLE, LONG]
REPEATED_BEFORE = {"gpt2": 0.3, "gpt-oss": 0.12}
REPEATED_AFTER = {SHORT: 0.5, MIDDLE: 0.08, LONG: 0.08}
# For some steps there are only short sequences, half as many as usual, and train.py shows two heads
# where to look; afterwards fewer sequences are repeated.
SCAFFOLD = {"gpt2": range(1300, 1650), "gpt-oss": range(1650, 1800)}
REPEATED_IN_SCAFFOLD = 0.6
REPEATED_IN_THE_END = {SHORT: 0.2, MIDDLE: 0.08, LONG: 0.08}
RECALL_SHARE = 0.06  # sequences of text in which one passage comes twice
FROM_START_SHARE = 0.25  # of the rest: sequences that begin where a document begins
PERIODS = {"gpt2": (8, 48), "gpt-oss": (8, 40)}  # at most half a short sequence


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
        self.name = name
        self.random_vocab = random_vocab
        self.seed = seed

    def batch(self, step, tokens):
        """(inputs, labels) i64 [tokens / length, length] of a step."""
        if step in SCAFFOLD[self.name]:
            length, repeated_share, tokens = SHORT, REPEATED_IN_SCAFFOLD, tokens // 2
        elif step < SHORT_FROM[self.name]:
            length, repeated_share = TURNS_BEFORE[step % 8], REPEATED_BEFORE[self.name]
        else:
            length = TURNS_AFTER[step % 8]
            ended = step >= SCAFFOLD[self.name].stop
            repeated_share = (REPEATED_IN_THE_END if ended else REPEATED_AFTER)[length]
        rng = np.random.default_rng([self.seed, step])
        rows = [self.sequence(rng, length + 1, repeated_share) for _ in range(tokens // length)]
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
            size = rng.integers(12, min(48, length // 3))
            first = rng.integers(0, length - 2 * size)
            second = rng.integers(first + size, length - size + 1)
            ids[second : second + size] = ids[first : first + size]
        return ids, ids

    def repeated(self, rng, length):
        """A round of tokens again and again; the first round cannot be known and does not count.

        The round is random tokens, as likely each; or a piece of text; or its tokens in any order.
        """
        period = rng.integers(self.periods[0], min(self.periods[1], length // 2) + 1)
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
