"""The two tokenizers: byte-level BPE in the style of the hub's gpt2 and of its gpt-oss."""

import json

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

PROMPT = "write a story about AI"
PROMPT_TOKENS = ["write", "\u0120a", "\u0120story", "\u0120about", "\u0120AI"]

SIZES = {"gpt2": 2048, "gpt-oss": 4096}
SPECIALS = {
    "gpt2": ["<|endoftext|>"],
    "gpt-oss": ["<|startoftext|>", "<|channel|>", "<|start|>", "<|end|>", "<|message|>", "<|endoftext|>", "<|return|>"],
}
END_OF_TEXT = "<|endoftext|>"

LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K_PATTERN = "|".join(
    [
        rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{SHORT}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{SHORT}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)


def untrained(model):
    """An empty BPE with the model's pre-tokenizer and decoder."""
    tokenizer = Tokenizer(models.BPE())
    if model == "gpt2":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True)
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    else:
        split = pre_tokenizers.Split(Regex(O200K_PATTERN), behavior="isolated")
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
        tokenizer.post_processor = processors.ByteLevel(add_prefix_space=True, trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def with_specials(tree, model):
    """The tokenizer's JSON with the special tokens at the last ids, as the hub writes it."""
    specials, size = SPECIALS[model], SIZES[model]
    vocab = tree["model"]["vocab"]
    assert len(vocab) == size - len(specials), "too little text for this vocabulary"
    for i, content in enumerate(specials, start=size - len(specials)):
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": model == "gpt2", "special": True}
        tree["added_tokens"].append({"id": i, "content": content, **flags})
        if model == "gpt2":
            vocab[content] = i
    tree["model"]["vocab"] = dict(sorted(vocab.items(), key=lambda item: item[1]))
    if model == "gpt2":
        tree["model"]["merges"] = [m if isinstance(m, str) else " ".join(m) for m in tree["model"]["merges"]]
    return tree


def train(model, texts, path):
    """Train the tokenizer of a model on texts, write tokenizer.json and return it."""
    tokenizer = untrained(model)
    trainer = trainers.BpeTrainer(
        vocab_size=SIZES[model] - len(SPECIALS[model]),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tree = with_specials(json.loads(tokenizer.to_str()), model)
    path.write_text(json.dumps(tree, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    tokenizer = Tokenizer.from_file(str(path))
    assert tokenizer.encode(PROMPT).tokens == PROMPT_TOKENS, tokenizer.encode(PROMPT).tokens
    return tokenizer
