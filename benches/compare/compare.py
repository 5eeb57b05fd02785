#!/usr/bin/env python3
"""Time attnscope beside transformers' eager attention, on the same checkpoint, lengths, threads and machine.

    compare.py run --attnscope BINARY --model DIR [--lengths 5,32,128,512,1024] [--threads N] [--rounds 3]
                   [--device cpu|cuda] [--dtype f32|bf16]
    compare.py generate --attnscope BINARY --model DIR --gguf FILE [--lengths 128,512] [--tokens 64] [--threads N]
    compare.py checkpoint gpt2|gpt-oss-20b DIR [--layers N]

`run` takes turns: some passes of one, some of the other, and again. Both capture everything: transformers
runs with output_attentions=True, in f32 unless told otherwise, once as the article does (logits of every
token), once with the logits of the last token only. It prints medians and ratios; below 1, attnscope is faster.

`generate` takes turns with llama.cpp: milliseconds of each token written behind a prompt of some tokens, ours with the
attention of all tokens captured. `gguf_file.py` writes the GGUF file, and npm's node-llama-cpp has to be found by node.

`checkpoint` writes a random checkpoint of a true shape, a shard at a time: gpt2 (124 million parameters,
0.5 GB) or gpt-oss-20b (13.8 GB, experts in MXFP4); with fewer layers than it has where transformers, which unpacks
the experts, wouldn't find room. Needs torch, transformers and safetensors.
"""

import argparse
import json
import statistics
import subprocess
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

SEED = 1


# ------------------------------------------------------------------------------------- checkpoints --

GPT2 = {
    "model_type": "gpt2",
    "architectures": ["GPT2LMHeadModel"],
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-05,
    "n_embd": 768,
    "n_head": 12,
    "n_layer": 12,
    "n_positions": 1024,
    "n_ctx": 1024,
    "vocab_size": 50257,
    "resid_pdrop": 0.0,
    "embd_pdrop": 0.0,
    "attn_pdrop": 0.0,
}

GPT_OSS = {
    "model_type": "gpt_oss",
    "architectures": ["GptOssForCausalLM"],
    "attention_bias": True,
    "experts_per_token": 4,
    "head_dim": 64,
    "hidden_act": "silu",
    "hidden_size": 2880,
    "initial_context_length": 4096,
    "intermediate_size": 2880,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
    "max_position_embeddings": 131072,
    "num_attention_heads": 64,
    "num_experts_per_tok": 4,
    "num_hidden_layers": 24,
    "num_key_value_heads": 8,
    "num_local_experts": 32,
    "quantization_config": {"quant_method": "mxfp4"},
    "rms_norm_eps": 1e-05,
    "rope_scaling": {
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "factor": 32.0,
        "original_max_position_embeddings": 4096,
        "rope_type": "yarn",
        "truncate": False,
    },
    "rope_theta": 150000,
    "sliding_window": 128,
    "swiglu_limit": 7.0,
    "tie_word_embeddings": False,
    "vocab_size": 201088,
}


LLAMA = {
    "attention_bias": False,
    "hidden_act": "silu",
    "max_position_embeddings": 8192,
    "mlp_bias": False,
    "rms_norm_eps": 1e-05,
    "rope_theta": 100000,
    "tie_word_embeddings": True,
}

SMOLLM2_135M = LLAMA | {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_attention_heads": 9,
    "num_hidden_layers": 30,
    "num_key_value_heads": 3,
    "vocab_size": 49152,
}

QWEN25_05B = LLAMA | {
    "model_type": "qwen2",
    "architectures": ["Qwen2ForCausalLM"],
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_attention_heads": 14,
    "num_hidden_layers": 24,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "vocab_size": 151936,
}


def gpt2_shards(c, normal):
    """The tensors of GPT-2, in one shard, f32."""
    width = c["n_embd"]
    tensors = {
        "wte.weight": normal(c["vocab_size"], width),
        "wpe.weight": normal(c["n_positions"], width),
        "ln_f.weight": torch.ones(width),
        "ln_f.bias": torch.zeros(width),
    }
    for layer in range(c["n_layer"]):
        for name, rows, columns in (
            ("attn.c_attn", width, 3 * width),
            ("attn.c_proj", width, width),
            ("mlp.c_fc", width, 4 * width),
            ("mlp.c_proj", 4 * width, width),
        ):
            tensors[f"h.{layer}.{name}.weight"] = normal(rows, columns)
            tensors[f"h.{layer}.{name}.bias"] = torch.zeros(columns)
        for name in ("ln_1", "ln_2"):
            tensors[f"h.{layer}.{name}.weight"] = torch.ones(width)
            tensors[f"h.{layer}.{name}.bias"] = torch.zeros(width)
    yield tensors


def gpt_oss_shards(c, normal):
    """The tensors of gpt-oss-20b: the ends, then a layer in each shard."""
    hidden, inner, experts = c["hidden_size"], c["intermediate_size"], c["num_local_experts"]
    query, kv = c["num_attention_heads"] * c["head_dim"], c["num_key_value_heads"] * c["head_dim"]

    def bf16(*shape):
        return normal(*shape).bfloat16()

    def packed(name, rows, columns):
        blocks = (experts, rows, columns // 32)
        return {
            f"{name}_blocks": torch.randint(256, (*blocks, 16), dtype=torch.uint8),
            f"{name}_scales": torch.randint(118, 122, blocks, dtype=torch.uint8),
            f"{name}_bias": bf16(experts, rows),
        }

    yield {"model.embed_tokens.weight": bf16(c["vocab_size"], hidden)}
    yield {"lm_head.weight": bf16(c["vocab_size"], hidden), "model.norm.weight": torch.ones(hidden).bfloat16()}
    for layer in range(c["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        tensors = {
            f"{name}.input_layernorm.weight": torch.ones(hidden).bfloat16(),
            f"{name}.post_attention_layernorm.weight": torch.ones(hidden).bfloat16(),
            f"{name}.self_attn.sinks": bf16(c["num_attention_heads"]),
            f"{name}.mlp.router.weight": bf16(experts, hidden),
            f"{name}.mlp.router.bias": bf16(experts),
            **packed(f"{name}.mlp.experts.gate_up_proj", 2 * inner, hidden),
            **packed(f"{name}.mlp.experts.down_proj", hidden, inner),
        }
        for part, rows, columns in (("q", query, hidden), ("k", kv, hidden), ("v", kv, hidden), ("o", hidden, query)):
            tensors[f"{name}.self_attn.{part}_proj.weight"] = bf16(rows, columns)
            tensors[f"{name}.self_attn.{part}_proj.bias"] = bf16(rows)
        yield tensors


def llama_shards(c, normal):
    """The tensors of a model like Llama with a tied head, in one shard, bf16."""
    hidden, inner, heads = c["hidden_size"], c["intermediate_size"], c["num_attention_heads"]
    kv = hidden // heads * c["num_key_value_heads"]

    def bf16(*shape):
        return normal(*shape).bfloat16()

    tensors = {"model.embed_tokens.weight": bf16(c["vocab_size"], hidden)}
    tensors["model.norm.weight"] = torch.ones(hidden).bfloat16()
    for layer in range(c["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{name}.{norm}.weight"] = torch.ones(hidden).bfloat16()
        for part, rows in (("q", hidden), ("k", kv), ("v", kv)):
            tensors[f"{name}.self_attn.{part}_proj.weight"] = bf16(rows, hidden)
            if c["model_type"] == "qwen2":
                tensors[f"{name}.self_attn.{part}_proj.bias"] = bf16(rows)
        tensors[f"{name}.self_attn.o_proj.weight"] = bf16(hidden, hidden)
        for part, rows, columns in (("gate", inner, hidden), ("up", inner, hidden), ("down", hidden, inner)):
            tensors[f"{name}.mlp.{part}_proj.weight"] = bf16(rows, columns)
    yield tensors


SHAPES = {
    "gpt2": (GPT2, gpt2_shards),
    "gpt-oss-20b": (GPT_OSS, gpt_oss_shards),
    "smollm2-135m": (SMOLLM2_135M, llama_shards),
    "qwen2.5-0.5b": (QWEN25_05B, llama_shards),
}


def with_layers(config, layers):
    """The same model, cut off after some layers."""
    key = "n_layer" if "n_layer" in config else "num_hidden_layers"
    cut = {"layer_types": config["layer_types"][:layers]} if "layer_types" in config else {}
    return config | cut | {key: min(layers, config[key])}


def write_checkpoint(shape, folder, layers):
    """config.json and safetensors of a random model; more than one shard get an index."""
    config, shards = SHAPES[shape]
    if layers:
        config = with_layers(config, layers)
    torch.manual_seed(SEED)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    weight_map, total = {}, 0
    for at, tensors in enumerate(shards(config, lambda *shape: 0.02 * torch.randn(*shape))):
        is_one = shape != "gpt-oss-20b"
        file = "model.safetensors" if is_one else f"model-{at:05}.safetensors"
        save_file(tensors, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(tensors, file)
        total += sum(t.numel() * t.element_size() for t in tensors.values())
        print(f"{file}: {total / 1e9:.1f} GB so far", flush=True)
    if not is_one:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index) + "\n")


# --------------------------------------------------------------------------------------- comparison --


DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def ours(args, tokens):
    """Seconds of the median pass of `attnscope bench`, and all it printed."""
    command = [args.attnscope, "bench", "--model", str(args.model), "--lengths", str(tokens), "--device", args.device]
    if args.device != "cpu":
        # Left to itself it takes bf16 on a GPU, and leaves experts packed: beside those of transformers there is room.
        command += ["--dtype", "f32" if args.dtype == "f32" else "auto"]
    command += ["--threads", str(args.threads), "--repeats", str(args.repeats), "--json"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return report["lengths"][0]["median_s"], report


@torch.no_grad()
def theirs(model, tokens, repeats, **options):
    """Seconds of transformers' median pass with attentions, which stay on the device."""
    ids = torch.randint(model.config.vocab_size, (1, tokens), generator=torch.Generator().manual_seed(tokens))
    times = []
    for _ in range(repeats + 1):  # the first one brings weights and buffers in
        start = time.perf_counter()
        model(input_ids=ids.to(model.device), output_attentions=True, use_cache=False, **options)
        if model.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


@torch.no_grad()
def torch_operations_s(args):
    """Floating-point operations per second of torch's products of large matrices, of the shapes that `bench` measures.

    On a CPU in f32, in which ours computes there: the floor is ours."""
    dtype = torch.float32 if args.device == "cpu" else DTYPES[args.dtype]
    best = 0
    for count, inner, outer in [(512, 2048, 2048), (1024, 1024, 4096)]:
        x, weight = (torch.rand(shape, device=args.device, dtype=dtype) for shape in [(count, inner), (inner, outer)])
        for _ in range(4):
            start = time.perf_counter()
            x @ weight
            if x.device.type == "cuda":
                torch.cuda.synchronize()
            best = max(best, 2 * count * inner * outer / (time.perf_counter() - start))
    return best


def run(args):
    """The table of medians and ratios. The floor is by the faster of the two kinds of products."""
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(args.threads)
    model = AutoModelForCausalLM.from_pretrained(
        args.model,
        attn_implementation="eager",
        dtype=DTYPES[args.dtype],
        device_map=None if args.device == "cpu" else args.device,  # which wants the package accelerate
    ).eval()
    print(f"{args.model}, {args.device}, {args.dtype}, {args.threads} threads, medians of {args.rounds} rounds of {args.repeats} passes, ms")
    print("tokens   attnscope   article's way  ratio   last logits only  ratio   floor  peak anon MB")
    for tokens in args.lengths:
        rows = []
        for _ in range(args.rounds):
            median, report = ours(args, tokens)
            article = theirs(model, tokens, args.repeats)
            last = theirs(model, tokens, args.repeats, logits_to_keep=1)
            operations_s = max(report["gemm_flops_s"], torch_operations_s(args))
            length = report["lengths"][0]
            floor = max(length["weight_bytes"] / report["bandwidth_bytes_s"], length["operations"] / operations_s)
            rows.append((median, article, last, floor, report["peak_anon_bytes"] or 0))
        a, b, c, floor, peak = (statistics.median(column) for column in zip(*rows, strict=True))
        print(
            f"{tokens:6} {1e3 * a:11.1f} {1e3 * b:15.1f} {a / b:6.2f} {1e3 * c:18.1f} {a / c:6.2f}"
            f" {1e3 * floor:7.1f} {peak / 1e6:13.0f}",
            flush=True,
        )


def generate(args):
    """The table of what each written token took."""
    print(f"{args.model}, {args.threads} threads, medians of {args.rounds} rounds of {args.tokens} tokens, ms a token")
    print("prompt   attnscope   llama.cpp  ratio   floor")
    for length in args.lengths:
        rows = []
        for _ in range(args.rounds):
            command = [args.attnscope, "bench", "--model", str(args.model), "--lengths", str(length), "--repeats", "1"]
            command += ["--generate", str(args.tokens), "--threads", str(args.threads), "--json"]
            ours = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            generated = ours["lengths"][0]["generated"]
            command = ["node", "llama.mjs", args.gguf.resolve(), str(length), str(args.tokens), str(args.threads)]
            folder = args.node or Path(__file__).parent
            theirs = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout
            rows.append((1e3 * generated["median_s"], json.loads(theirs)["median_ms"], 1e3 * generated["floor_s"]))
        a, b, floor = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{length:6} {a:11.1f} {b:11.1f} {a / b:6.2f} {floor:7.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    compared = commands.add_parser("run", help="time both")
    compared.add_argument("--attnscope", required=True, help="the binary, of a release build")
    compared.add_argument("--model", type=Path, required=True)
    compared.add_argument("--lengths", type=lambda text: [int(n) for n in text.split(",")], default=[5, 32, 128, 512, 1024])
    compared.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    compared.add_argument("--dtype", choices=sorted(DTYPES), default="f32", help="of transformers, and of ours on a GPU; on a CPU ours computes in f32")
    compared.add_argument("--threads", type=int, default=torch.get_num_threads())
    compared.add_argument("--rounds", type=int, default=3)
    compared.add_argument("--repeats", type=int, default=5)
    compared.set_defaults(call=run)
    written = commands.add_parser("generate", help="time both writing")
    written.add_argument("--attnscope", required=True, help="the binary, of a release build")
    written.add_argument("--model", type=Path, required=True)
    written.add_argument("--gguf", type=Path, required=True, help="the same model for llama.cpp")
    written.add_argument("--node", type=Path, help="a folder with llama.mjs and node_modules, if that isn't this one")
    written.add_argument("--lengths", type=lambda text: [int(n) for n in text.split(",")], default=[128, 512])
    written.add_argument("--tokens", type=int, default=64)
    written.add_argument("--threads", type=int, default=torch.get_num_threads())
    written.add_argument("--rounds", type=int, default=3)
    written.set_defaults(call=generate)
    made = commands.add_parser("checkpoint", help="write a random checkpoint")
    made.add_argument("shape", choices=sorted(SHAPES))
    made.add_argument("folder", type=Path)
    made.add_argument("--layers", type=int, help="only the first ones")
    made.set_defaults(call=lambda args: write_checkpoint(args.shape, args.folder, args.layers))
    args = parser.parse_args()
    args.call(args)


if __name__ == "__main__":
    main()
