#!/usr/bin/env python3
"""Writes cases.json: little tokenizer folders, and the ids that transformers' AutoTokenizer gives for each.

    generate.py    (needs transformers 5.x, tokenizers, sentencepiece)

A case has config.json's keys, the folder's other files, and a list of ids for each prompt of PROMPTS. A file is
either JSON, written as it is, or the name of one of `files`, which are text, or base64 where they are binary.
`refused` says that transformers can't load the folder: what the program does there is tested elsewhere.
"""
import base64, io, json, tempfile, warnings
from pathlib import Path

warnings.filterwarnings("ignore")
import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as pb2
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer
from transformers.tokenization_utils_base import generate_merges

transformers.logging.set_verbosity(50)
HERE = Path(__file__).parent
TEXT = """write a story about AI and the cat sat on the mat and the hat of the rat
Hello, world! It's a story about a cat. Don't write about the hat, write the story again.
the quick brown fox jumps over the lazy dog while it's raining in Spain
café déjà vu über naïve Ångström 日本語 日本 東京 株式会社 世界 hello hi there speaker
""".splitlines()

PROMPTS = [
    "write a story about AI",
    " leading",
    "trailing ",
    "two  spaces   here",
    "line\nbreak\n\ntab\tend ",
    "emoji 🙂 日本 a🙂🙂b",
    "cafe\u0301 é Ａｌ ㍿ ﬁ",
    "<|endoftext|> x",
    "a <|endoftext|>  b<|endoftext|>",
    "hi <speaker1> there <speaker2>",
    "<s>x</s> <pad> [MASK] [CLS]",
    "Hello, WORLD! It's 123.45",
    " ",
    "\n",
    "\u200bzero\u00a0nbsp",
    "▁literal ▁ <unk> [UNK]",
    "ExtraToken <x> the <extra_id_0>",
    "<0x41> `` '' the the",
]

FILES = {}


def byte_level(merges=120, **changes):
    trainer = trainers.BpeTrainer(
        vocab_size=257 + merges, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), special_tokens=["<|endoftext|>"], show_progress=False
    )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return {**json.loads(tokenizer.to_str()), **changes}


def sentencepiece(**options):
    rules = "\n".join(
        ["FF21\t41", "FF4C\t6C", "337F\t682A 5F0F 4F1A 793E", "A0\t20", "65 301\tE9", "FB01\t66 69", "9\t20", "A\t20", "200B\t"]
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rules.tsv")
        path.write_text(rules + "\n")
        if options.pop("rules", True):
            options["normalization_rule_tsv"] = str(path)
        else:
            options["normalization_rule_name"] = "identity"
        model = io.BytesIO()
        defaults = dict(vocab_size=150, hard_vocab_limit=False, model_type="unigram", minloglevel=9, num_threads=1)
        spm.SentencePieceTrainer.train(sentence_iterator=iter(TEXT), model_writer=model, **{**defaults, **options})
    proto = pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    # Paths of this machine are of no use to anybody.
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    proto.trainer_spec.ClearField("input")
    return {"base64": base64.b64encode(proto.SerializeToString()).decode()}


def json_of(model, **parts):
    tokenizer = Tokenizer(model)
    for key, value in parts.items():
        setattr(tokenizer, key, value)
    return json.loads(tokenizer.to_str())


T5_IDS = dict(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
LLAMA_IDS = dict(unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
FILES["bytes.json"] = byte_level()
vocab = FILES["bytes.json"]["model"]["vocab"]
merges = FILES["bytes.json"]["model"]["merges"]
FILES["vocab.json"] = vocab
FILES["merges.txt"] = "#version: 0.2\n" + "\n".join(" ".join(m) for m in merges) + "\n"
FILES["t5.model"] = sentencepiece(**T5_IDS, vocab_size=110)
FILES["unigram.model"] = sentencepiece(**LLAMA_IDS, user_defined_symbols=["<x>", "Extra"], vocab_size=120)
FILES["unigram-bytes.model"] = sentencepiece(**LLAMA_IDS, byte_fallback=True, vocab_size=360, character_coverage=0.98)
FILES["bpe-bytes.model"] = sentencepiece(
    **LLAMA_IDS, model_type="bpe", byte_fallback=True, vocab_size=360, character_coverage=0.98, rules=False,
    remove_extra_whitespaces=False, split_digits=True,
)
FILES["bpe-user.model"] = sentencepiece(
    **LLAMA_IDS, model_type="bpe", vocab_size=150, user_defined_symbols=["<x>", "the", "\n"], control_symbols=["<speaker1>"],
    add_dummy_prefix=False,
)
FILES["bpe-plain.model"] = sentencepiece(**LLAMA_IDS, model_type="bpe", vocab_size=150)
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "write", "a", "story", "about", "ai", "the", "hello", "world", ",", "!", "'", ".", "it",
         "s", "cafe", "caf", "##e", "##é", "日", "本", "emoji", "two", "spaces", "here", "line", "break", "tab", "end", "lead", "##ing", "trail",
         "hi", "there", "<", ">", "|", "speaker", "##1", "##2", "x", "1", "12", "##3", "##45", "[", "]", "zero", "AI", "Hello", "🙂", "##🙂", "b"]
FILES["vocab.txt"] = "\n".join(words) + "\n"
pieces = pb2.ModelProto()
pieces.ParseFromString(base64.b64decode(FILES["bpe-bytes.model"]["base64"]))
fallback_vocab = {p.piece: i for i, p in enumerate(pieces.pieces)}
llama_merges = generate_merges(fallback_vocab)
FILES["llama.json"] = json_of(
    models.BPE(vocab=fallback_vocab, merges=llama_merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True),
    normalizer=normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
    post_processor=processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)]),
)
FILES["llama.json"]["added_tokens"] = [
    {"id": i, "content": c, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    for i, c in enumerate(["<unk>", "<s>", "</s>"])
]
t5 = pb2.ModelProto()
t5.ParseFromString(base64.b64decode(FILES["t5.model"]["base64"]))
FILES["unigram.json"] = json_of(
    models.Unigram([(p.piece, p.score) for p in t5.pieces], unk_id=2),
    normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]),
    pre_tokenizer=pre_tokenizers.Metaspace(),
)
FILES["wordpiece.json"] = json_of(
    models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"),
    normalizer=normalizers.BertNormalizer(lowercase=False),
    pre_tokenizer=pre_tokenizers.BertPreTokenizer(),
    post_processor=processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)),
)
# As GPT-NeoX and Llama 3 have it: added tokens beyond the model's vocabulary.
plain = {t: i for t, i in vocab.items() if t != "<|endoftext|>"}
plain = {t: n for n, t in enumerate(sorted(plain, key=plain.get))}
size = len(plain)
def added(id, content, **kw):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True, **kw}
FILES["beyond.json"] = byte_level(
    model={**FILES["bytes.json"]["model"], "vocab": plain},
    added_tokens=[added(size, "<|endoftext|>"), added(size + 1, "<speaker1>", special=False, normalized=True), added(size + 2, "  ", special=False, normalized=True), added(size + 3, "<pad>", lstrip=True)],
    post_processor={"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                    "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [size], "tokens": ["<|endoftext|>"]}}},
)
FILES["prefix.json"] = byte_level(pre_tokenizer={"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True})
FILES["digits.json"] = byte_level(
    pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]},
    normalizer={"type": "NFC"},
)
FILES["padded.json"] = byte_level(
    padding={"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "<pad>"},
    truncation={"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
)
FILES["no-post.json"] = byte_level(post_processor=None)

CASES = {}


def case(name, files, tc=None, model="gpt2", config=None):
    files = dict(files)
    if tc is not None:
        files["tokenizer_config.json"] = tc
    assert name not in CASES, name
    CASES[name] = {"config": {"model_type": model, **(config or {})}, "files": files}


BYTES = {"tokenizer.json": "bytes.json"}
PAIR = {"vocab.json": "vocab.json", "merges.txt": "merges.txt"}
def tok(content, **kw):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True, **kw}
def typed(content, **kw):
    return {"__type": "AddedToken", **tok(content, **kw)}

for base in ["bytes", "beyond", "prefix", "digits", "padded", "no-post", "llama", "unigram", "wordpiece"]:
    for cls in [None, "GPT2Tokenizer", "GPT2TokenizerFast", "PreTrainedTokenizerFast"]:
        case(f"{base}.json {cls}", {"tokenizer.json": f"{base}.json"}, None if cls is None else {"tokenizer_class": cls})
    case(f"{base}.json gpt_oss", {"tokenizer.json": f"{base}.json"}, None, "gpt_oss")
for cls in ["CodeGenTokenizer", "GPTNeoXTokenizerFast", "Qwen2Tokenizer", "RobertaTokenizer", "BartTokenizerFast", "LlamaTokenizer", "LlamaTokenizerFast", "Unheard0fTokenizer", "PreTrainedTokenizer", "TokenizersBackend", "BertTokenizer", "OpenAIGPTTokenizer"]:
    case(f"bytes.json {cls}", BYTES, {"tokenizer_class": cls})
    case(f"beyond.json {cls}", {"tokenizer.json": "beyond.json"}, {"tokenizer_class": cls, "add_prefix_space": True}, "gpt_oss")
for cls in ["LlamaTokenizer", "GemmaTokenizer", "CodeLlamaTokenizerFast", "ReformerTokenizer", "PreTrainedTokenizerFast", "T5Tokenizer"]:
    case(f"llama.json with {cls}", {"tokenizer.json": "llama.json"}, {"tokenizer_class": cls, "unk_token": "<unk>"})
case("llama.json not legacy", {"tokenizer.json": "llama.json"}, {"tokenizer_class": "LlamaTokenizer", "legacy": False, "add_prefix_space": False})
case("llama.json legacy", {"tokenizer.json": "llama.json"}, {"tokenizer_class": "LlamaTokenizer", "legacy": True, "add_bos_token": False})
for cls in ["T5Tokenizer", "T5TokenizerFast", "AlbertTokenizer", "XLMRobertaTokenizer", "XGLMTokenizer", "CamembertTokenizer", "DebertaV2Tokenizer", "XLNetTokenizer", "PreTrainedTokenizerFast"]:
    case(f"unigram.json with {cls}", {"tokenizer.json": "unigram.json"}, {"tokenizer_class": cls, "add_prefix_space": False} if cls != "DebertaV2Tokenizer" else {"tokenizer_class": cls, "do_lower_case": True, "split_by_punct": True, "unk_token": "<unk>"})
for cls in ["BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "ConvBertTokenizer", "ElectraTokenizerFast"]:
    case(f"wordpiece.json with {cls}", {"tokenizer.json": "wordpiece.json"}, {"tokenizer_class": cls, "do_lower_case": True})
case("bert by config.json", {"vocab.txt": "vocab.txt"}, None, config={"tokenizer_class": "BertTokenizer"})
case("bert fast by config.json", {"vocab.txt": "vocab.txt"}, {"do_lower_case": False}, config={"tokenizer_class": "BertTokenizerFast"})
case("class of both", {"vocab.txt": "vocab.txt", **BYTES}, {"tokenizer_class": "GPT2Tokenizer"}, config={"tokenizer_class": "BertTokenizer"})
for keys in [{}, {"do_lower_case": False}, {"do_lower_case": False, "strip_accents": True}, {"tokenize_chinese_chars": False, "strip_accents": False},
             {"cls_token": "<|endoftext|>", "sep_token": "[PAD]"}, {"unk_token": "x"}, {"never_split": ["AI"], "do_basic_tokenize": False}, {"add_bos_token": True, "bos_token": "[CLS]"}]:
    case(f"vocab.txt {json.dumps(keys)}", {"vocab.txt": "vocab.txt"}, {"tokenizer_class": "BertTokenizer", **keys})

# Pairs of vocab.json and merges.txt.
case("pair", PAIR)
case("pair PreTrainedTokenizerFast", PAIR, {"tokenizer_class": "PreTrainedTokenizerFast"})
case("pair gpt_oss", PAIR, None, "gpt_oss")
case("vocab.json alone", {"vocab.json": "vocab.json"})
for keys in [{"add_prefix_space": True}, {"add_bos_token": True}, {"add_eos_token": True, "eos_token": "<e>"}, {"add_bos_token": True, "bos_token": None}, {"add_bos_token": True, "bos_token": "the"},
             {"pad_token": "<pad>"}, {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>"}, {"split_special_tokens": True}, {"errors": "replace", "model_max_length": 4}]:
    case(f"pair {json.dumps(keys)}", PAIR, {"tokenizer_class": "GPT2Tokenizer", **keys})
    case(f"bytes.json {json.dumps(keys)}", BYTES, {"tokenizer_class": "GPT2Tokenizer", **keys})
    case(f"no-post.json fast {json.dumps(keys)}", {"tokenizer.json": "no-post.json"}, {"tokenizer_class": "PreTrainedTokenizerFast", **keys})
for cls in ["GPTNeoXTokenizer", "Qwen2Tokenizer", "RobertaTokenizer", "CodeGenTokenizer", "OpenAIGPTTokenizer"]:
    case(f"pair {cls}", PAIR, {"tokenizer_class": cls, "add_prefix_space": True, "add_bos_token": True})

# Added and special tokens.
SPEAKERS = {"<speaker2>": size + 2, "<speaker1>": size + 1}
for base, files in {"bytes": BYTES, "pair": PAIR, "beyond": {"tokenizer.json": "beyond.json"}}.items():
    for cls in ["GPT2Tokenizer", "PreTrainedTokenizerFast"]:
        if (base, cls) == ("pair", "PreTrainedTokenizerFast"):
            continue
        tc = {"tokenizer_class": cls}
        case(f"{base} {cls} added_tokens.json", {**files, "added_tokens.json": SPEAKERS}, tc)
        case(f"{base} {cls} added_tokens.json, special", {**files, "added_tokens.json": SPEAKERS, "special_tokens_map.json": {"additional_special_tokens": ["<speaker1>", "<speaker2>"]}}, tc)
        case(f"{base} {cls} added_tokens.json, far", {**files, "added_tokens.json": {"<speaker1>": 5000, "<x>": 4000}}, tc)
        case(f"{base} {cls} map", {**files, "special_tokens_map.json": {"pad_token": "<pad>", "bos_token": tok("<s>", lstrip=True), "unk_token": {"content": "<unk>", "rstrip": True}, "additional_special_tokens": ["<speaker1>", "<x>"]}}, tc)
        case(f"{base} {cls} map over config", {**files, "special_tokens_map.json": {"pad_token": "<pad>"}}, {**tc, "pad_token": "<x>", "eos_token": "</s>"})
        case(f"{base} {cls} decoder wins over map", {**files, "special_tokens_map.json": {"pad_token": "<pad>"}, "added_tokens.json": SPEAKERS}, {**tc, "pad_token": "<x>", "added_tokens_decoder": {"900": tok("<speaker1>"), "3": tok("the", special=False, normalized=True)}})
        case(f"{base} {cls} decoder", files, {**tc, "added_tokens_decoder": {"398": tok("<speaker2>", lstrip=True), "397": tok("<speaker1>", rstrip=True), "20": tok("cat", single_word=True, special=False), "0": tok("<|endoftext|>", normalized=True)}})
        case(f"{base} {cls} empty decoder", {**files, "added_tokens.json": SPEAKERS, "special_tokens_map.json": {"pad_token": "<pad>"}}, {**tc, "added_tokens_decoder": {}})
        case(f"{base} {cls} extras", files, {**tc, "additional_special_tokens": ["<speaker1>", typed("<x>", lstrip=True), "the"], "pad_token": typed("<pad>", normalized=True)})
        case(f"{base} {cls} extras named", files, {**tc, "extra_special_tokens": {"image_token": "<x>", "other": "<speaker1>"}, "additional_special_tokens": ["</s>"]})
        case(f"{base} {cls} extras both", files, {**tc, "extra_special_tokens": ["<x>"], "additional_special_tokens": ["<speaker1>"]})
        case(f"{base} {cls} extras empty", files, {**tc, "extra_special_tokens": [], "additional_special_tokens": ["<speaker1>", "<speaker1>"]})
        case(f"{base} {cls} other tokens", files, {**tc, "image_token": "<x>", "boi_token": typed("<speaker1>"), "sep_token": "<speaker2>", "cls_token": "the", "mask_token": "[MASK]"})
        case(f"{base} {cls} same token twice", files, {**tc, "bos_token": typed("<s>", lstrip=True), "eos_token": "<s>", "pad_token": "<s>"})
        case(f"{base} {cls} plain dict", files, {**tc, "bos_token": {"content": "<s>"}})
        case(f"{base} {cls} special split", files, {**tc, "split_special_tokens": True, "pad_token": "<pad>", "added_tokens_decoder": {"398": tok("<speaker1>")}})
        case(f"{base} {cls} decoder token and name", files, {**tc, "pad_token": "<speaker1>", "added_tokens_decoder": {"398": tok("<speaker1>", special=False, normalized=True, lstrip=True)}})
case("fast files", {"tokenizer.json": "bytes.json", "tokenizer.4.0.0.json": "prefix.json"}, {"tokenizer_class": "PreTrainedTokenizerFast", "fast_tokenizer_files": ["tokenizer.json", "tokenizer.4.0.0.json", "tokenizer.99.0.0.json"]})
case("auto_map", BYTES, {"tokenizer_class": "MyTokenizer", "auto_map": {"AutoTokenizer": ["tok.MyTokenizer", None]}})

# SentencePiece.
for model in ["t5", "unigram", "unigram-bytes", "bpe-bytes", "bpe-user", "bpe-plain"]:
    for cls in ["T5Tokenizer", "LlamaTokenizer", "PreTrainedTokenizerFast", "AlbertTokenizer", "XLMRobertaTokenizer", "CamembertTokenizer", "ReformerTokenizer", "DebertaV2Tokenizer", "GPT2Tokenizer", "XLNetTokenizer", "XGLMTokenizer"]:
        names = {"T5Tokenizer": "spiece.model", "AlbertTokenizer": "spiece.model", "XLMRobertaTokenizer": "sentencepiece.bpe.model", "CamembertTokenizer": "sentencepiece.bpe.model", "ReformerTokenizer": "spiece.model", "DebertaV2Tokenizer": "spm.model", "XLNetTokenizer": "spiece.model"}
        case(f"{model}.model {cls}", {names.get(cls, "tokenizer.model"): f"{model}.model"}, {"tokenizer_class": cls})
    case(f"{model}.model gpt_oss", {"tokenizer.model": f"{model}.model"}, None, "gpt_oss")
case("t5 rinna", {"spiece.model": "t5.model"}, {"tokenizer_class": "T5Tokenizer", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "[PAD]", "extra_ids": 0, "additional_special_tokens": [], "bos_token": "<s>", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "do_lower_case": True})
case("t5 few extras", {"spiece.model": "t5.model"}, {"tokenizer_class": "T5Tokenizer", "extra_ids": 3})
case("t5 map", {"spiece.model": "t5.model", "special_tokens_map.json": {"eos_token": "<e>", "additional_special_tokens": ["<extra_id_0>", "<speaker1>"]}}, {"tokenizer_class": "T5Tokenizer", "extra_ids": 1})
case("t5 other eos", {"spiece.model": "t5.model"}, {"tokenizer_class": "T5Tokenizer", "eos_token": "▁the"})
case("spiece without a class", {"spiece.model": "t5.model"})
case("any .model", {"something.model": "t5.model"}, {"tokenizer_class": "PreTrainedTokenizerFast"})
case("tokenizer.json goes first", {"tokenizer.json": "bytes.json", "tokenizer.model": "t5.model", "vocab.json": {"a": 0}, "merges.txt": "merges.txt"})
for keys in [{"add_bos_token": True}, {"add_bos_token": True, "add_eos_token": True, "legacy": False}, {"legacy": True}, {"legacy": False}, {"add_prefix_space": False}, {"bos_token": "<|endoftext|>", "add_bos_token": True}]:
    case(f"llama {json.dumps(keys)}", {"tokenizer.model": "bpe-bytes.model"}, {"tokenizer_class": "LlamaTokenizer", **keys})
    case(f"backend {json.dumps(keys)}", {"tokenizer.model": "bpe-user.model"}, {"tokenizer_class": "PreTrainedTokenizerFast", **keys})
    case(f"backend bytes {json.dumps(keys)}", {"tokenizer.model": "bpe-bytes.model"}, {"tokenizer_class": "PreTrainedTokenizerFast", **keys, "added_tokens_decoder": {"1": tok("<s>"), "5": tok("<speaker1>", normalized=True), "700": tok("<x>", special=False)}})

refused = 0
with tempfile.TemporaryDirectory() as root:
    for number, (name, it) in enumerate(CASES.items()):
        folder = Path(root, str(number))
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(it["config"]))
        for file, content in it["files"].items():
            content = FILES.get(content, content) if isinstance(content, str) else content
            if isinstance(content, dict) and set(content) == {"base64"}:
                (folder / file).write_bytes(base64.b64decode(content["base64"]))
            else:
                (folder / file).write_text(content if isinstance(content, str) else json.dumps(content))
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder)
            it["ids"] = [tokenizer(prompt)["input_ids"] for prompt in PROMPTS]
            if not any(map(any, it["ids"])):
                raise ValueError("empty")
        except Exception as error:
            it.pop("ids", None)
            it["refused"] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:100]
            refused += 1

# Files that no case reads, and cases that say the same as another, are left out.
def line(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
with open(HERE / "cases.json", "w") as out:
    out.write('{"from":%s,"prompts":%s,"files":{\n' % (line(f"transformers {transformers.__version__}"), line(PROMPTS)))
    out.write(",\n".join(f"{line(k)}:{line(v)}" for k, v in FILES.items()))
    out.write('},"cases":{\n')
    out.write(",\n".join(f"{line(k)}:{line(v)}" for k, v in CASES.items()))
    out.write("}}\n")
print(len(CASES), "cases,", refused, "refused", (HERE / "cases.json").stat().st_size)
