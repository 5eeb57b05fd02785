#!/usr/bin/env python3
"""Push by forward hooks on transformers: see README.md. Each family by the formula of its own blocks."""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from written import write

GOLDEN = Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))
import generate  # noqa: E402

VERSUS = 17


def load(name):
    if name == "gpt-oss-tiny":
        state = generate.gpt_oss_hf_state(load_file(GOLDEN / name / "model.safetensors"))
        return generate.load_reference(GOLDEN / name, state)
    return AutoModelForCausalLM.from_pretrained(
        GOLDEN / "families" / name, dtype=torch.float32, attn_implementation="eager"
    ).eval()


def frozen(norm, x, trap=None):
    """The norm as a linear map of what is a part of x: its divisor is that of x."""
    weight = norm.weight.float()
    if trap == "weights of the final norm":
        weight = torch.ones_like(weight)
    eps = getattr(norm, "variance_epsilon", getattr(norm, "eps", None))
    kind = type(norm).__name__
    if "LayerNorm" in kind and "Cohere" in kind:
        mean = 0 if trap == "mean of the final norm's input" else 1
        return lambda part: (part - mean * part.mean(-1, keepdim=True)) / (x.var(correction=0) + eps).sqrt() * weight
    if "Gemma" in kind:
        weight = weight if trap == "one more than the weights" else 1 + weight
    assert "RMSNorm" in kind, kind
    return lambda part: part / (x.pow(2).mean() + eps).sqrt() * weight


def hooked(model, ids):
    """Inputs and outputs of every module that is needed, at all tokens."""
    seen, hooks = {}, []
    wanted = ("self_attn.v_proj", "self_attn.o_proj", "mlp", "post_attention_layernorm", "post_feedforward_layernorm")

    def keep(name):
        def hook(_module, args, out):
            out = out[0] if isinstance(out, tuple) else out
            seen[name] = (args[0].detach().reshape(-1, args[0].shape[-1]), out.detach().reshape(-1, out.shape[-1]))

        return hook

    for at, layer in enumerate(model.model.layers):
        for name in wanted:
            try:
                hooks.append(layer.get_submodule(name).register_forward_hook(keep(f"{at}.{name}")))
            except AttributeError:
                pass
    hooks.append(model.model.norm.register_forward_hook(keep("norm")))
    first = model.model.layers[0]
    hooks.append(first.register_forward_pre_hook(lambda _m, args: seen.update(embedding=args[0].detach()[0])))
    out = model(ids, output_attentions=True)
    for hook in hooks:
        hook.remove()
    return out, seen


def push(model, ids, query, versus, trap=None):
    """With a trap, what somebody would get who forgets that."""
    config = model.config
    out, seen = hooked(model, ids)
    kind = config.model_type
    is_sandwich = kind == "gemma2"
    residual = getattr(config, "residual_multiplier", 1.0)
    scale = getattr(config, "logit_scale", 1.0) / getattr(config, "logits_scaling", 1.0)
    final = frozen(model.model.norm, seen["norm"][0][query], trap)
    if trap == "divisor of the token":
        final = frozen(model.model.norm, seen["norm"][0][0])
    unembedding = model.lm_head.weight.float() * (1 if trap == "scale of logits" else scale)
    logits = unembedding @ seen["norm"][1][query]
    cap = getattr(config, "final_logit_softcapping", None)
    assert trap or torch.allclose(cap * (logits / cap).tanh() if cap else logits, out.logits[0, query], atol=1e-4)
    target = int(logits.argmax())
    off = 0 if trap == "mean of the vocabulary" else unembedding.mean(0) if versus is None else unembedding[versus]
    along = lambda part: final(part) @ (unembedding[target] - off)  # noqa: E731
    heads, keys, mlps = [], [], []
    count = config.num_attention_heads
    for at, layer in enumerate(model.model.layers):
        output = layer.self_attn.o_proj.weight.float()
        size = output.shape[1] // count
        group = count // config.num_key_value_heads
        values = seen[f"{at}.self_attn.v_proj"][1].reshape(ids.shape[1], -1, size)
        after = lambda part: part  # noqa: E731
        if is_sandwich and trap != "norm after attention":
            after = frozen(layer.post_attention_layernorm, seen[f"{at}.post_attention_layernorm"][0][query])
        of_layer = []
        for head in range(count):
            pattern = out.attentions[at][0, head, query, : query + 1]
            if trap == "share of the sink":
                pattern = pattern / pattern.sum()
            moved = pattern[:, None] * values[: query + 1, head // group] @ output[:, head * size : (head + 1) * size].T
            moved = moved if trap == "multiplier of the residual" else moved * residual
            of_layer.append(along(after(moved)).tolist())
        keys.append(of_layer)
        heads.append([sum(of_head) for of_head in of_layer])
        last = f"{at}.post_feedforward_layernorm" if is_sandwich else f"{at}.mlp"
        mlps.append(float(along(seen[last][1][query] * residual)))
    return {
        "query": query,
        "target": target,
        "versus": versus,
        "heads": heads,
        "keys": keys,
        "mlps": mlps,
        "embedding": float(along(seen["embedding"][query])),
    }


def flat(found):
    return torch.tensor([*sum(found["heads"], []), *found["mlps"], found["embedding"]])


COMMON = ["weights of the final norm", "mean of the vocabulary", "divisor of the token"]
TRAPS = {
    "gpt-oss-tiny": ["share of the sink"],
    "gemma2-caps": ["norm after attention", "one more than the weights"],
    "command-r": ["mean of the final norm's input", "scale of logits"],
    "granite": ["multiplier of the residual", "scale of logits"],
}


def main():
    for name, traps in TRAPS.items():
        model = load(name)
        ids = torch.randint(0, 200, (1, 12), generator=torch.Generator().manual_seed(19))
        passes = [push(model, ids, query, versus) for query in (11, 4) for versus in (None, VERSUS)]
        folder = name if name == "gpt-oss-tiny" else f"families/{name}"
        moved = {}
        for trap in COMMON + traps:
            right, wrong = flat(passes[0]), flat(push(model, ids, 11, None, trap))
            moved[trap] = float((right - wrong).abs().max() / right.abs().max())
        write("push", folder, {"ids": ids[0].tolist(), "passes": passes, "traps": moved})


if __name__ == "__main__":
    with torch.no_grad():
        main()
