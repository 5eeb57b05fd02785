#!/usr/bin/env python3
"""Write a random checkpoint of compare.py, gpt2 or gpt-oss-20b, as the GGUF file that llama.cpp reads: the same weights, in
the same precision. The vocabulary is made of names.

    gguf_file.py DIR FILE

Or write a file of Qwen3-30B-A3B's shape, all its weights random blocks of Q4_K (17 GB):

    gguf_file.py qwen3-30b-a3b FILE

Needs gguf, numpy, torch and safetensors.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors import safe_open

Type = gguf.GGMLQuantizationType


class Checkpoint:
    """The tensors of a folder, read one at a time."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.config = json.loads((self.folder / "config.json").read_text())
        index = self.folder / "model.safetensors.index.json"
        if index.exists():
            self.files = json.loads(index.read_text())["weight_map"]
        else:
            with safe_open(self.folder / "model.safetensors", "pt") as file:
                self.files = dict.fromkeys(file.keys(), "model.safetensors")

    def __getitem__(self, name):
        with safe_open(self.folder / self.files[name], "pt") as file:
            return file.get_tensor(name)


def vocabulary(writer, kind, size):
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(kind)
    # Those that are merged are tokens, too.
    writer.add_token_list(["t", "0", *(f"t{at}" for at in range(size - 2))])
    writer.add_token_types([gguf.TokenType.NORMAL] * size)
    writer.add_token_merges(["t 0"])
    writer.add_bos_token_id(size - 1)
    writer.add_eos_token_id(size - 1)


def gpt2(writer, checkpoint):
    c = checkpoint.config
    writer.add_block_count(c["n_layer"])
    writer.add_context_length(c["n_positions"])
    writer.add_embedding_length(c["n_embd"])
    writer.add_feed_forward_length(4 * c["n_embd"])
    writer.add_head_count(c["n_head"])
    writer.add_layer_norm_eps(c["layer_norm_epsilon"])
    vocabulary(writer, "gpt-2", c["vocab_size"])

    def add(name, tensor):
        writer.add_tensor(name, np.ascontiguousarray(tensor.float().numpy()))

    add("token_embd.weight", checkpoint["wte.weight"])
    add("position_embd.weight", checkpoint["wpe.weight"])
    for part in ("weight", "bias"):
        add(f"output_norm.{part}", checkpoint[f"ln_f.{part}"])
    names = {"attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}
    for layer in range(c["n_layer"]):
        for hub, name in (("ln_1", "attn_norm"), ("ln_2", "ffn_norm")):
            for part in ("weight", "bias"):
                add(f"blk.{layer}.{name}.{part}", checkpoint[f"h.{layer}.{hub}.{part}"])
        for hub, name in names.items():
            add(f"blk.{layer}.{name}.weight", checkpoint[f"h.{layer}.{hub}.weight"].T)
            add(f"blk.{layer}.{name}.bias", checkpoint[f"h.{layer}.{hub}.bias"])


def gpt_oss(writer, checkpoint):
    c = checkpoint.config
    layers = c["num_hidden_layers"]
    writer.add_block_count(layers)
    writer.add_context_length(c["max_position_embeddings"])
    writer.add_embedding_length(c["hidden_size"])
    writer.add_feed_forward_length(c["intermediate_size"])
    writer.add_expert_feed_forward_length(c["intermediate_size"])
    writer.add_head_count(c["num_attention_heads"])
    writer.add_head_count_kv(c["num_key_value_heads"])
    writer.add_key_length(c["head_dim"])
    writer.add_value_length(c["head_dim"])
    writer.add_layer_norm_rms_eps(c["rms_norm_eps"])
    writer.add_sliding_window(c["sliding_window"])
    writer.add_expert_count(c["num_local_experts"])
    writer.add_expert_used_count(c["num_experts_per_tok"])
    rope = c["rope_scaling"]
    writer.add_rope_freq_base(float(c["rope_theta"]))
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(rope["factor"])
    writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    vocabulary(writer, "gpt-4o", c["vocab_size"])

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT_OSS, layers)

    def named(hub):
        stem, _, part = hub.rpartition(".")
        return f"{names.get_name(stem)}.{part}"

    for hub in checkpoint.files:
        if "experts" in hub:
            continue
        tensor = checkpoint[hub]
        name = named(f"{hub}.weight" if hub.endswith("sinks") else hub)
        if tensor.ndim < 2 or "router" in hub:
            writer.add_tensor(name, tensor.float().numpy())
        else:
            writer.add_tensor(name, tensor.view(torch.uint8).numpy(), raw_dtype=Type.BF16)
    for layer in range(layers):
        experts = f"model.layers.{layer}.mlp.experts"
        # Gates and ups take turns.
        for hub, part, rows in (
            ("gate_up", "gate", slice(0, None, 2)),
            ("gate_up", "up", slice(1, None, 2)),
            ("down", "down", slice(None)),
        ):
            bias = checkpoint[f"{experts}.{hub}_proj_bias"].float().numpy()[:, rows]
            writer.add_tensor(named(f"{experts}.{part}_proj.bias"), np.ascontiguousarray(bias))
            blocks = halves_apart(checkpoint[f"{experts}.{hub}_proj_blocks"].numpy()[:, rows])
            scales = checkpoint[f"{experts}.{hub}_proj_scales"].numpy()[:, rows]
            packed = np.concatenate([scales[..., None], blocks], axis=-1)
            packed = packed.reshape(*packed.shape[:2], -1)
            writer.add_tensor(named(f"{experts}.{part}_proj.weight"), packed, raw_dtype=Type.MXFP4)


def halves_apart(blocks):
    """The hub packs neighbours of 32 values into a byte, GGML value j with value j + 16."""
    values = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(*blocks.shape[:-1], 32)
    return values[..., :16] | values[..., 16:] << 4


def random_q4_k(rng, size):
    """Blocks of 256 weights in 144 bytes: a scale and a least value in f16, twelve bytes of scales, the weights."""
    blocks = rng.integers(0, 256, (size // 256, 144), dtype=np.uint8)
    blocks[:, :4] = np.array([1e-4, 1e-3], np.float16).view(np.uint8)
    return blocks


def qwen3_30b_a3b(file):
    layers, hidden, heads, kv_heads, width, experts, inner, words = 48, 2048, 32, 4, 128, 128, 768, 151_936
    writer = gguf.GGUFWriter(file, "qwen3moe")
    writer.add_block_count(layers)
    writer.add_context_length(40_960)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(6144)
    writer.add_expert_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_expert_count(experts)
    writer.add_expert_used_count(8)
    vocabulary(writer, "qwen2", words)
    quantised = {"token_embd": (words, hidden), "output": (words, hidden)}
    plain = {"output_norm": (hidden,)}
    for layer in range(layers):
        blk = f"blk.{layer}."
        quantised |= {
            f"{blk}attn_q": (heads * width, hidden),
            f"{blk}attn_k": (kv_heads * width, hidden),
            f"{blk}attn_v": (kv_heads * width, hidden),
            f"{blk}attn_output": (hidden, heads * width),
            f"{blk}ffn_gate_exps": (experts, inner, hidden),
            f"{blk}ffn_up_exps": (experts, inner, hidden),
            f"{blk}ffn_down_exps": (experts, hidden, inner),
        }
        plain |= {f"{blk}{norm}": (hidden,) for norm in ("attn_norm", "ffn_norm")}
        plain |= {f"{blk}attn_{norm}_norm": (width,) for norm in "qk"}
        plain[f"{blk}ffn_gate_inp"] = (experts, hidden)
    for name, shape in quantised.items():
        packed = (*shape[:-1], shape[-1] // 256 * 144)
        size = int(np.prod(packed))
        writer.add_tensor_info(f"{name}.weight", packed, np.dtype(np.uint8), size, raw_dtype=Type.Q4_K)
    for name, shape in plain.items():
        writer.add_tensor_info(f"{name}.weight", shape, np.dtype(np.float32), 4 * int(np.prod(shape)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    rng = np.random.default_rng(1)
    # One draw for all: what a product costs doesn't depend on the values.
    drawn = random_q4_k(rng, words * hidden).reshape(-1)
    for shape in quantised.values():
        writer.write_tensor_data(drawn[: int(np.prod(shape)) // 256 * 144])
    for name, shape in plain.items():
        scale = 0.02 if "gate_inp" in name else 1.0
        norm = np.ones(shape) if len(shape) == 1 else rng.standard_normal(shape)
        writer.write_tensor_data((scale * norm).astype(np.float32))
    writer.close()


def main(folder, file):
    if folder == "qwen3-30b-a3b":
        return qwen3_30b_a3b(file)
    checkpoint = Checkpoint(folder)
    kind = checkpoint.config["model_type"]
    writer = gguf.GGUFWriter(file, {"gpt2": "gpt2", "gpt_oss": "gpt-oss"}[kind])
    {"gpt2": gpt2, "gpt_oss": gpt_oss}[kind](writer, checkpoint)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
