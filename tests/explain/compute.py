#!/usr/bin/env python3
"""What tests/explain.rs compares with, computed with Hugging Face transformers on the checkpoints in ../golden.

    compute.py            writes expected.json beside this file

Ablation: the slice of a head in the input of c_proj (gpt2) or o_proj (gpt-oss) is zeroed by a forward pre-hook; or, as
"mean", set to its mean over the prompt, taken from a pass without hooks. Sweep: each head off alone, and the KL divergence
of the next token.
Logit lens: final norm and unembedding of every hidden state; the last one that transformers returns is normed
already. Value-weighted attention: the norms of v W_O, head by head. Needs torch and transformers, and the
versions that ../golden/README.md names for the same digits.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
sys.path.insert(0, str(GOLDEN))
import generate  # noqa: E402

HEADS_OFF = {"gpt2-tiny": [(0, 1), (1, 2)], "gpt-oss-tiny": [(0, 1), (1, 3), (1, 0)]}


def load(name):
    stored = load_file(GOLDEN / name / "model.safetensors")
    state = (generate.gpt2_hf_state if name.startswith("gpt2") else generate.gpt_oss_hf_state)(stored)
    return generate.load_reference(GOLDEN / name, state)


def parts(model):
    """Per layer the output projection, its weight as [heads, head_dim, hidden], and what gives values."""
    config = model.config
    if config.model_type == "gpt2":
        for block in model.transformer.h:
            yield block.attn.c_proj, block.attn.c_proj.weight, block.attn.c_attn, lambda out: out.chunk(3, -1)[2]
    else:
        for block in model.model.layers:
            yield block.self_attn.o_proj, block.self_attn.o_proj.weight.T, block.self_attn.v_proj, lambda out: out


def contexts(model, ids):
    """What heads put into the output projection of each layer, [S, heads · head_dim]."""
    kept, hooks = [], []
    for projection, *_rest in parts(model):
        hooks.append(projection.register_forward_pre_hook(lambda _module, args: kept.append(args[0][0])))
    with torch.no_grad():
        model(input_ids=ids[None], use_cache=False)
    for hook in hooks:
        hook.remove()
    return kept


def without(model, heads, means=None):
    """Hooks that zero what heads put into the output projection, or set it to `means`, of each layer [heads · head_dim]."""
    hooks = []
    for layer, (projection, *_rest) in enumerate(parts(model)):
        off = [head for at, head in heads if at == layer]

        def zero(_module, args, off=off, layer=layer):
            context = args[0].clone()
            size = context.shape[-1] // model.config.num_attention_heads
            for head in off:
                part = slice(head * size, (head + 1) * size)
                context[..., part] = 0 if means is None else means[layer][part]
            return (context,)

        hooks.append(projection.register_forward_pre_hook(zero))
    return hooks


def divergence(p, q):
    """Jensen-Shannon divergence of two rows, in nats."""
    m = (p + q) / 2
    kl = lambda x: sum(xi * np.log(xi / mi) for xi, mi in zip(x, m) if xi > 0)
    return float((kl(p) + kl(q)) / 2)


def with_sink(rows, has_sinks):
    """[S, S] with what goes to no token beside it."""
    rest = 1 - rows.sum(-1, keepdims=True)
    return np.concatenate([rows, rest if has_sinks else 0 * rest], -1)


def means_of(model, ids):
    return [context.double().mean(0).float() for context in contexts(model, ids)]


def sweep(model, ids):
    """KL of the next token with each head off alone, [layers · heads], in natural units."""
    def next_token():
        with torch.no_grad():
            return model(input_ids=ids[None], use_cache=False).logits[0, -1].double().log_softmax(-1).numpy()

    before, means, swept = next_token(), means_of(model, ids), {}
    for name, instead in (("zero", None), ("mean", means)):
        swept[name] = []
        for layer in range(model.config.num_hidden_layers):
            for head in range(model.config.num_attention_heads):
                hooks = without(model, [(layer, head)], instead)
                after = next_token()
                for hook in hooks:
                    hook.remove()
                swept[name].append(float((np.exp(before) * (before - after)).sum()))
    return swept


def ablation(name, model, ids, heads, means=None):
    before, logits_before, _ = generate.run(model, ids)
    hooks = without(model, heads, means)
    after, logits_after, margin = generate.run(model, ids)
    for hook in hooks:
        hook.remove()
    assert margin > 1e-3, f"{name}: a router choice is close: {margin}"
    has_sinks = name.startswith("gpt-oss")
    logs = [torch.log_softmax(logits.double(), -1).numpy() for logits in (logits_before, logits_after)]
    pairs = [[with_sink(a[l, h].double().numpy(), has_sinks) for a in (before, after)]
             for l in range(before.shape[0]) for h in range(before.shape[1])]  # fmt: skip
    return {
        "heads": [list(head) for head in heads],
        "attentions": after.tolist(),
        "logits": logits_after.tolist(),
        "kl": float((np.exp(logs[0]) * (logs[0] - logs[1])).sum()),
        "moved": [float(np.mean([divergence(p, q) for p, q in zip(*pair)])) for pair in pairs],
    }


def lens(model, ids):
    """For each position and each hidden state: the likeliest token, its probability, that of the last layer's."""
    with torch.no_grad():
        states = model(input_ids=ids[None], output_hidden_states=True, use_cache=False).hidden_states
        norm = model.transformer.ln_f if model.config.model_type == "gpt2" else model.model.norm
        normed = [norm(state[0]) for state in states[:-1]] + [states[-1][0]]
        rows = torch.stack([model.lm_head(state).double().softmax(-1) for state in normed], 1)
    final = rows[:, -1].argmax(-1)
    return [
        {
            "tokens": rows[at].argmax(-1).tolist(),
            "probabilities": rows[at].max(-1).values.tolist(),
            "of_last": rows[at, :, final[at]].tolist(),
        }
        for at in range(len(ids))
    ]


def value_norms(model, ids):
    """‖v W_O‖ [layers, heads, S]."""
    config, norms = model.config, []
    groups = getattr(config, "num_key_value_heads", config.num_attention_heads)
    for _projection, weight, source, pick in parts(model):
        kept = []
        hook = source.register_forward_hook(lambda _m, _a, out, kept=kept, pick=pick: kept.append(pick(out)[0]))
        with torch.no_grad():
            model(input_ids=ids[None], use_cache=False)
        hook.remove()
        values = kept[0].double().reshape(len(ids), groups, -1)
        values = values.repeat_interleave(config.num_attention_heads // groups, 1)
        per_head = weight.double().reshape(config.num_attention_heads, values.shape[-1], -1)
        norms.append(torch.einsum("shd,hde->hse", values, per_head).norm(dim=-1).tolist())
    return norms


def main():
    torch.set_num_threads(1)
    expected = {}
    for name, heads in HEADS_OFF.items():
        model = load(name)
        ids = load_file(GOLDEN / name / "expected.safetensors")["case1.input_ids"]
        expected[name] = {
            "ids": ids.tolist(),
            "ablation": ablation(name, model, ids, heads),
            "mean_ablation": ablation(name, model, ids, heads, means_of(model, ids)),
            "sweep": sweep(model, ids),
            "lens": lens(model, ids),
            "value_norms": value_norms(model, ids),
        }

    def rounded(value):
        if isinstance(value, float):
            return float(f"{value:.7g}")
        if isinstance(value, dict):
            return {key: rounded(part) for key, part in value.items()}
        return [rounded(part) for part in value] if isinstance(value, list) else value

    lines = [f"{json.dumps(name)}: {json.dumps(rounded(part))}" for name, part in expected.items()]
    (HERE / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
