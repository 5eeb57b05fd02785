"""The two models in the hub's own formats: config.json, model.safetensors, and back into transformers."""

import json

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

import mxfp4
from vocabulary import SIZES, SPECIALS

CONTEXT = 1024


def gpt2_config():
    """The keys of the hub's gpt2 config.json."""
    end = SIZES["gpt2"] - 1
    return {
        "activation_function": "gelu_new",
        "architectures": ["GPT2LMHeadModel"],
        "attn_pdrop": 0.0,
        "bos_token_id": end,
        "embd_pdrop": 0.0,
        "eos_token_id": end,
        "initializer_range": 0.02,
        "layer_norm_epsilon": 1e-05,
        "model_type": "gpt2",
        "n_ctx": CONTEXT,
        "n_embd": 128,
        "n_head": 4,
        "n_layer": 4,
        "n_positions": CONTEXT,
        "resid_pdrop": 0.0,
        "summary_activation": None,
        "summary_first_dropout": 0.1,
        "summary_proj_to_labels": True,
        "summary_type": "cls_index",
        "summary_use_proj": True,
        "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}},
        "vocab_size": SIZES["gpt2"],
    }


def gpt_oss_config():
    """The keys of the hub's gpt-oss-20b config.json."""
    first_special = SIZES["gpt-oss"] - len(SPECIALS["gpt-oss"])
    special = {name: first_special + i for i, name in enumerate(SPECIALS["gpt-oss"])}
    return {
        "architectures": ["GptOssForCausalLM"],
        "attention_bias": True,
        "attention_dropout": 0.0,
        "eos_token_id": special["<|return|>"],
        "experts_per_token": 2,
        "head_dim": 32,
        "hidden_act": "silu",
        "hidden_size": 128,
        "initial_context_length": CONTEXT,
        "initializer_range": 0.02,
        "intermediate_size": 128,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "max_position_embeddings": 8 * CONTEXT,
        "model_type": "gpt_oss",
        "num_attention_heads": 8,
        "num_experts_per_tok": 2,
        "num_hidden_layers": 4,
        "num_key_value_heads": 2,
        "num_local_experts": 8,
        "output_router_logits": False,
        "pad_token_id": special["<|endoftext|>"],
        "quantization_config": {
            "modules_to_not_convert": [
                "model.layers.*.self_attn",
                "model.layers.*.mlp.router",
                "model.embed_tokens",
                "lm_head",
            ],
            "quant_method": "mxfp4",
        },
        "rms_norm_eps": 1e-05,
        "rope_scaling": {
            "beta_fast": 32.0,
            "beta_slow": 1.0,
            "factor": 8.0,
            "original_max_position_embeddings": CONTEXT,
            "rope_type": "yarn",
            "truncate": False,
        },
        "rope_theta": 150000,
        "router_aux_loss_coef": 0.02,
        "sliding_window": 32,
        "swiglu_limit": 7.0,
        "tie_word_embeddings": False,
        "use_cache": True,
        "vocab_size": SIZES["gpt-oss"],
    }


CONFIGS = {"gpt2": gpt2_config, "gpt-oss": gpt_oss_config}


def gpt2_stored(state):
    """State dict of GPT2LMHeadModel -> the hub's bare names, f16; the head is tied."""
    return {
        name.removeprefix("transformer."): t.half().contiguous() for name, t in state.items() if name != "lm_head.weight"
    }


def gpt_oss_stored(state):
    """State dict of GptOssForCausalLM -> MXFP4 experts and bf16 for the rest."""
    stored = {}
    for name, t in state.items():
        if name.endswith(("gate_up_proj", "down_proj")):
            stored[name + "_blocks"], stored[name + "_scales"] = mxfp4.pack(t.transpose(1, 2).contiguous())
        else:
            stored[name] = t.bfloat16().contiguous()
    return stored


def gpt2_state(stored):
    """The inverse of gpt2_stored, in f32."""
    state = {"transformer." + name: t.float() for name, t in stored.items()}
    state["lm_head.weight"] = state["transformer.wte.weight"]
    return state


def gpt_oss_state(stored):
    """The inverse of gpt_oss_stored, in f32."""
    state = {}
    for name, t in stored.items():
        if name.endswith("_blocks"):
            base = name.removesuffix("_blocks")
            state[base] = mxfp4.unpack(t, stored[base + "_scales"]).transpose(1, 2).contiguous()
        elif not name.endswith("_scales"):
            state[name] = t.float()
    return state


STORED = {"gpt2": gpt2_stored, "gpt-oss": gpt_oss_stored}
STATE = {"gpt2": gpt2_state, "gpt-oss": gpt_oss_state}


def new_model(folder, **options):
    """An untrained model for the config.json of a folder, in f32."""
    config = AutoConfig.from_pretrained(folder)
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # weights are given dequantised
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32, **options)


def write_config(name, folder):
    """config.json of a model."""
    (folder / "config.json").write_text(json.dumps(CONFIGS[name](), indent=2) + "\n")


def write_weights(name, state, folder):
    """model.safetensors of a model; the new file replaces the old one at once."""
    part = folder / "model.safetensors.part"
    save_file(STORED[name]({k: t.detach() for k, t in state.items()}), part, metadata={"format": "pt"})
    part.replace(folder / "model.safetensors")


def load(name, folder):
    """The model of a folder as transformers computes it: eager, f32, from the stored values."""
    extra = {"experts_implementation": "eager"} if name == "gpt-oss" else {}
    model = new_model(folder, attn_implementation="eager", **extra)
    model.load_state_dict(STATE[name](load_file(folder / "model.safetensors")), strict=True)
    return model.eval()
