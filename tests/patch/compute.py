#!/usr/bin/env python3
"""What tests/patch.rs compares with: activation patching by forward hooks on Hugging Face transformers, on the checkpoints
in ../golden.

    compute.py            writes expected.json beside this file

Heads: the slice of a head in the input of the output projection, at all tokens, is that of the other prompt's pass. Residual: what a layer
returns is that of the other prompt's pass, at one token. The effect is that on the difference of two logits after the last token, with all
of it in float32. Needs torch and transformers, and the versions that ../golden/README.md names for the same digits.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
sys.path.insert(0, str(GOLDEN))
import generate  # noqa: E402

MODELS = ["gpt2-tiny", "gpt-oss-tiny", "families/gemma2-caps", "families/pythia"]
TOKENS = 8
# Both prompts begin with these many of the same tokens.
SAME = 2


def load(name):
    if name.startswith("families"):
        model = AutoModelForCausalLM.from_pretrained(GOLDEN / name, dtype=torch.float32, attn_implementation="eager")
        return model.eval()
    stored = load_file(GOLDEN / name / "model.safetensors")
    state = (generate.gpt2_hf_state if name.startswith("gpt2") else generate.gpt_oss_hf_state)(stored)
    return generate.load_reference(GOLDEN / name, state)


def parts(model):
    """Each layer, and its output projection."""
    kind = model.config.model_type
    if kind == "gpt2":
        return [(block, block.attn.c_proj) for block in model.transformer.h]
    if kind == "gpt_neox":
        return [(block, block.attention.dense) for block in model.gpt_neox.layers]
    return [(block, block.self_attn.o_proj) for block in model.model.layers]


def first(out):
    return out[0] if isinstance(out, tuple) else out


def logits(model, ids):
    with torch.no_grad():
        return model(input_ids=ids[None], use_cache=False).logits[0, -1].double()


def kept(model, ids):
    """What goes into each output projection, and what each layer returns, [S, size]."""
    contexts, states, hooks = [], [], []
    for block, projection in parts(model):
        hooks.append(projection.register_forward_pre_hook(lambda _m, args: contexts.append(args[0][0].clone())))
        hooks.append(block.register_forward_hook(lambda _m, _a, out: states.append(first(out)[0].clone())))
    found = logits(model, ids)
    for hook in hooks:
        hook.remove()
    return found, contexts, states


def patched(model, ids, hook):
    found = logits(model, ids)
    hook.remove()
    return found


def main():
    torch.set_num_threads(1)
    expected = {}
    for at, name in enumerate(MODELS):
        model = load(name)
        config = model.config
        draw = torch.Generator().manual_seed(19 + at)
        size = min(200, config.vocab_size)
        a, b = (torch.randint(0, size, (TOKENS,), generator=draw) for _ in range(2))
        b[:SAME] = a[:SAME]
        (logits_a, contexts, states), (logits_b, *_rest) = kept(model, a), kept(model, b)
        token, versus = int(logits_a.argmax()), int(logits_b.argmax())
        if token == versus:
            versus = int(logits_b.topk(2).indices[1])
        difference = lambda found: float(found[token] - found[versus])  # noqa: E731
        of_a, of_b = difference(logits_a), difference(logits_b)
        effect = lambda found: (difference(found) - of_b) / (of_a - of_b)  # noqa: E731
        heads, residual = [], []
        for layer, (block, projection) in enumerate(parts(model)):
            of_layer = []
            for head in range(config.num_attention_heads):

                def of_head(_module, args, layer=layer, head=head):
                    context = args[0].clone()
                    size = context.shape[-1] // config.num_attention_heads
                    part = slice(head * size, (head + 1) * size)
                    context[0, :, part] = contexts[layer][:, part]
                    return (context,)

                of_layer.append(effect(patched(model, b, projection.register_forward_pre_hook(of_head))))
            heads.append(of_layer)
            of_layer = []
            for position in range(TOKENS):

                def of_state(_module, _args, out, layer=layer, position=position):
                    state = first(out).clone()
                    state[0, position] = states[layer][position]
                    return (state, *out[1:]) if isinstance(out, tuple) else state

                of_layer.append(effect(patched(model, b, block.register_forward_hook(of_state))))
            residual.append(of_layer)
        expected[name] = {
            "prompts": [a.tolist(), b.tolist()],
            "token": token,
            "versus": versus,
            "differences": [of_a, of_b],
            "heads": heads,
            "residual": residual,
        }
        assert max(abs(effect) for row in heads for effect in row) > 1e-3, name
    lines = [f"{json.dumps(name)}: {json.dumps(rounded(part))}" for name, part in expected.items()]
    (HERE / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
