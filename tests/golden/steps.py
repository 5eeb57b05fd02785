#!/usr/bin/env python3
"""What Hugging Face transformers computes in each step of a pass, for the checkpoints beside this file.

    steps.py OUT_DIR

writes OUT_DIR/<name>/steps.safetensors for every model that generate.py makes. All tensors are f32 but the ids:

    input_ids                i64 [S]           the first ids of case 2
    embedding                [S, hidden]       the residual stream before the first layer
    layer{i}.query           [heads, S, d]     turned by position, where positions are rotary
    layer{i}.key             [kv_heads, S, d]  likewise
    layer{i}.value           [kv_heads, S, d]
    layer{i}.context         [S, heads * d]    what the heads took from the values, before the output projection
    layer{i}.after_attention [S, hidden]       the residual stream
    layer{i}.after_mlp       [S, hidden]       the residual stream

The reference run is that of generate.py. Nothing is random: running it again gives the same bytes.
"""

import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AttentionInterface

from generate import gpt2_hf_state, gpt_oss_hf_state, load_reference

HERE = Path(__file__).parent
TOKENS = 12  # more than gpt-oss-tiny's window

# For each family: its weights, its layers, and what of a layer projects the context and norms before the MLP.
FAMILIES = {
    "gpt2-tiny": (
        gpt2_hf_state,
        lambda model: model.transformer.h,
        lambda layer: (layer.attn, layer.attn.c_proj, layer.ln_2),
    ),
    "gpt-oss-tiny": (
        gpt_oss_hf_state,
        lambda model: model.model.layers,
        lambda layer: (layer.self_attn, layer.self_attn.o_proj, layer.post_attention_layernorm),
    ),
}


def steps(model, layers, parts, ids):
    """Every step of a pass, by name."""
    found, hooks = {}, []

    def keep(name, tensor):
        found[name] = tensor.detach()[0].clone().contiguous()

    def before(module, name):
        hook = lambda _module, args, kwargs: keep(name, args[0] if args else kwargs["hidden_states"])
        hooks.append(module.register_forward_pre_hook(hook, with_kwargs=True))

    def after(module, name):
        hook = lambda _module, _args, out: keep(name, out[0] if isinstance(out, tuple) else out)
        hooks.append(module.register_forward_hook(hook))

    before(layers[0], "embedding")
    names = {}
    for at, layer in enumerate(layers):
        attention, projection, norm = parts(layer)
        names[attention] = f"layer{at}"
        before(projection, f"layer{at}.context")
        before(norm, f"layer{at}.after_attention")
        after(layer, f"layer{at}.after_mlp")

    def attend(module, query, key, value, *args, **kwargs):
        for name, tensor in (("query", query), ("key", key), ("value", value)):
            keep(f"{names[module]}.{name}", tensor)
        eager = sys.modules[type(module).__module__].eager_attention_forward
        return eager(module, query, key, value, *args, **kwargs)

    AttentionInterface.register("steps", attend)
    # Masks are made for the eager implementation, which is the one that computes.
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask

    ALL_MASK_ATTENTION_FUNCTIONS.register("steps", eager_mask)
    model.set_attn_implementation("steps")
    with torch.no_grad():
        logits = model(input_ids=ids[None], use_cache=False).logits
    for hook in hooks:
        hook.remove()
    model.set_attn_implementation("eager")
    with torch.no_grad():
        assert torch.equal(logits, model(input_ids=ids[None], use_cache=False).logits), "hooks changed the pass"
    return found


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out", type=Path, help="output folder")
    args = ap.parse_args()
    torch.set_num_threads(1)  # one summation order
    torch.set_float32_matmul_precision("highest")
    for name, (state, layers, parts) in FAMILIES.items():
        folder = HERE / name
        model = load_reference(folder, state(load_file(folder / "model.safetensors")))
        ids = load_file(folder / "expected.safetensors")["case2.input_ids"][:TOKENS].clone()
        found = steps(model, layers(model), parts, ids)
        (args.out / name).mkdir(parents=True, exist_ok=True)
        save_file({"input_ids": ids, **found}, args.out / name / "steps.safetensors")
        print(f"{name}: {len(found)} steps")


if __name__ == "__main__":
    main()
