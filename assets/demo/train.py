#!/usr/bin/env python3
"""Train one model of the demo pair on the text that corpus.py fetched.

    train.py --model gpt2|gpt-oss --corpus DIR --out DIR [--steps N]

writes OUT/config.json, tokenizer.json and model.safetensors (the hub's formats), a training state to
go on from (OUT/state.pt) and OUT/log.jsonl. The rate rises, stays, and falls to zero over the last
steps. In the very last ones gpt-oss is trained through what will be stored: MXFP4 for the experts,
bf16 for the rest, with straight-through gradients. Started again, it goes on from state.pt.
"""

import argparse
import functools
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.nn.utils import parametrize
from transformers import AttentionInterface

import checkpoint
import data
import mxfp4
import vocabulary

SEED = 20261124
STEPS = {"gpt2": 3600, "gpt-oss": 3000}
# Matrices inside the layers are trained by Muon, everything else by AdamW.
MUON_RATE, ADAM_RATE = 2e-2, 2e-3
WARM_UP = 100
DECAY_SHARE = 0.5
QUANTISED_SHARE = 0.15
BALANCE_WEIGHT = 0.05
EMBEDDING_SIZE = 0.1  # standard deviation at first
POSITIONS = (3.0, 0.03, 0.15)  # GPT-2's begin as sinusoids: fastest rate, slowest rate, amplitude
DISTANCE_STRENGTH = {"gpt2": 1.5, "gpt-oss": 2.0}
FAST_ATTENTION = {"gpt2": "sdpa", "gpt-oss": "fused_with_sinks"}
SAVE_EVERY = 50
HELD_OUT_SEQUENCES = 48


# ------------------------------------------------------------------------------------ fast forward --


def attention_with_sinks(module, query, key, value, _mask, scaling, sliding_window=None, **_):
    """What the eager attention of gpt-oss computes, through the fused kernel.

    The sink becomes a key of its own: an extra dimension is 1 in every query and holds the sink in
    this key alone, whose value is zero. A query is put in front so that the mask stays causal.
    """
    _, heads, n, d = query.shape
    group = heads // key.shape[1]
    key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    pad = 8
    query = F.pad(query, (0, pad, 1, 0))
    query = query + F.pad(torch.ones(1), (d, pad - 1))
    key, value = F.pad(key, (0, pad, 1, 0)), F.pad(value, (0, pad, 1, 0))
    sink_key = F.pad((module.sinks / scaling).view(1, heads, 1, 1), (d, pad - 1, 0, n))
    mask = None
    if sliding_window is not None:
        i = torch.arange(n + 1)
        hidden = (i[None] > i[:, None]) | ((i[:, None] - i[None] >= sliding_window) & (i[None] > 0))
        mask = torch.zeros(n + 1, n + 1).masked_fill(hidden, float("-inf"))
    out = F.scaled_dot_product_attention(query, key + sink_key, value, attn_mask=mask, is_causal=mask is None, scale=scaling)
    return out[:, :, 1:, :d].transpose(1, 2).contiguous(), None


def grouped_experts(experts, hidden, indices, weights):
    """What the eager experts of gpt-oss compute, each expert's tokens gathered once."""
    top_k = indices.shape[1]
    order = indices.flatten().argsort(stable=True)
    tokens = order // top_k
    parts = hidden[tokens].split(indices.flatten().bincount(minlength=experts.num_experts).tolist())
    gate, up = experts.gate_up_proj[..., ::2].unbind(0), experts.gate_up_proj[..., 1::2].unbind(0)
    gate_bias, up_bias = experts.gate_up_proj_bias[:, ::2].unbind(0), experts.gate_up_proj_bias[:, 1::2].unbind(0)
    down, down_bias = experts.down_proj.unbind(0), experts.down_proj_bias.unbind(0)
    outs = []
    for e, x in enumerate(parts):
        g = torch.addmm(gate_bias[e], x, gate[e]).clamp(max=experts.limit)
        u = torch.addmm(up_bias[e], x, up[e]).clamp(-experts.limit, experts.limit)
        outs.append(torch.addmm(down_bias[e], (u + 1) * g * torch.sigmoid(experts.alpha * g), down[e]))
    out = torch.cat(outs) * weights.flatten()[order, None]
    return torch.zeros_like(hidden).index_add(0, tokens, out)


AttentionInterface.register("fused_with_sinks", attention_with_sinks)


def rotation_rates(width, fastest, slowest):
    """Radians per position, from the fastest down."""
    return fastest * (slowest / fastest) ** (torch.arange(0, width, 2) / width)


def sinusoids(positions, width, fastest, slowest, size):
    """Position embeddings in which a step to the neighbour is a rotation."""
    rates = rotation_rates(width, fastest, slowest)
    angles = torch.arange(positions)[:, None] * rates
    return size * torch.cat([angles.sin(), angles.cos()], dim=1)


@torch.no_grad()
def prefer_distances(model):
    """Head h of the first layer begins with a preference for the h-th token before the present one.

    Positions are rotations, in GPT-2's embeddings as in gpt-oss's queries and keys: a query that is its
    key turned back by h steps fits best h tokens later. Nothing holds the heads to this afterwards.
    """
    if hasattr(model, "transformer"):
        attention = model.transformer.h[0].attn
        width, d = model.config.n_embd, model.config.n_embd // attention.num_heads
        weight = attention.c_attn.weight
        used = torch.arange(0, width // 2, width // d)  # a rate for each pair of a head's dimensions
        rates = rotation_rates(width, *POSITIONS[:2])[used]
        for head in range(attention.num_heads):
            sin, cos = torch.sin(head * rates), torch.cos(head * rates)
            q = head * d + torch.arange(0, d, 2)
            for dim, source, share in ((0, 0, cos), (0, 1, -sin), (1, 0, sin), (1, 1, cos)):
                weight[used + source * width // 2, q + dim] += DISTANCE_STRENGTH["gpt2"] * share
            for dim in (0, 1):
                weight[used + dim * width // 2, width + q + dim] += DISTANCE_STRENGTH["gpt2"]
    else:
        attention = model.model.layers[0].self_attn
        d = attention.head_dim
        rates = model.model.rotary_emb.inv_freq[: d // 4]  # the slower half tells neighbours apart too little
        angle = torch.arange(model.config.num_attention_heads)[:, None] * rates
        strength = DISTANCE_STRENGTH["gpt-oss"]
        attention.k_proj.bias.view(-1, d)[:, : d // 4] = strength
        attention.q_proj.bias.view(-1, d)[:, : d // 4] = strength * angle.cos()
        attention.q_proj.bias.view(-1, d)[:, d // 2 : d // 2 + d // 4] = -strength * angle.sin()


def trainable(name, folder):
    """A freshly initialised model that computes the same as transformers' eager one, but faster."""
    torch.manual_seed(SEED)
    model = checkpoint.new_model(folder, attn_implementation=FAST_ATTENTION[name])
    if name == "gpt2":
        wpe = model.transformer.wpe.weight
        wpe.data = sinusoids(*wpe.shape, *POSITIONS)
        for block in model.transformer.h:
            block.mlp.act = torch.nn.GELU(approximate="tanh")
    else:
        for layer in model.model.layers:
            experts = layer.mlp.experts
            experts.forward = functools.partial(grouped_experts, experts)
            torch.nn.init.normal_(experts.gate_up_proj, std=experts.hidden_size**-0.5)
            torch.nn.init.normal_(experts.down_proj, std=experts.intermediate_size**-0.5 / 2)
    embedding, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    torch.nn.init.normal_(embedding, std=EMBEDDING_SIZE)
    head.data.copy_(embedding.data)  # the same tensor in GPT-2; in gpt-oss what is copied begins as itself
    prefer_distances(model)
    return model.train()


# ----------------------------------------------------------------------------------- quantisation --


class Stored(torch.nn.Module):
    """A parameter as it will be stored; gradients pass straight through."""

    def __init__(self, store):
        super().__init__()
        self.store = store

    def forward(self, w):
        return w + (self.store(w.detach()) - w.detach())


def expert_store(w):
    """MXFP4 along the input dimension of experts [E, in, out]."""
    return mxfp4.rounded(w.transpose(1, 2)).transpose(1, 2)


def bf16_store(w):
    """bf16 as f32."""
    return w.bfloat16().float()


def train_through_storage(model):
    """From now on the model computes with the values that gpt-oss's file will hold."""
    for module in list(model.modules()):
        for key in [k for k, _ in module.named_parameters(recurse=False)]:
            store = expert_store if key in ("gate_up_proj", "down_proj") else bf16_store
            parametrize.register_parametrization(module, key, Stored(store))


def plain_state(model):
    """The state dict without the names that parametrisation adds."""
    return {
        k.replace("parametrizations.", "").removesuffix(".original"): v for k, v in model.state_dict().items()
    }


# --------------------------------------------------------------------------------------- training --


def rate(step, steps):
    """The share of the full learning rate: warm-up, plateau, then linearly to zero."""
    left = (steps - step) / (DECAY_SHARE * steps)
    return min((step + 1) / WARM_UP, 1.0, left)


def optimisers(model):
    """Muon for the matrices inside the layers; AdamW for embeddings, experts and vectors."""
    tables = {id(m.weight) for m in (model.get_input_embeddings(), model.get_output_embeddings())}
    muon, decayed, others = [], [], []
    for name, p in model.named_parameters():
        if p.ndim == 2 and id(p) not in tables and "wpe" not in name and "router" not in name:
            muon.append(p)
        else:
            (decayed if p.ndim == 3 else others).append(p)
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    adam = torch.optim.AdamW([g for g in groups if g["params"]], lr=ADAM_RATE, betas=(0.9, 0.98), fused=True)
    return {"muon": torch.optim.Muon(muon, lr=MUON_RATE, weight_decay=0.01), "adam": adam}


def imbalance(router_logits, top_k):
    """Mean over the layers of E x sum of (share of choices x mean probability); 1 where all are even."""
    losses = []
    for logits in router_logits:
        probabilities = logits.softmax(-1)
        chosen = torch.zeros_like(logits).scatter(-1, logits.topk(top_k).indices, 1.0 / top_k)
        losses.append(logits.shape[-1] * (chosen.mean(0) * probabilities.mean(0)).sum())
    return torch.stack(losses).mean()


def losses(model, ids, labels):
    """(loss to minimise, cross-entropy alone)."""
    mixture = hasattr(model.config, "num_local_experts")
    out = model(input_ids=ids, use_cache=False, **({"output_router_logits": True} if mixture else {}))
    ce = F.cross_entropy(out.logits.flatten(0, 1), labels.flatten(), ignore_index=data.IGNORED)
    if not mixture:
        return ce, ce.detach()
    return ce + BALANCE_WEIGHT * imbalance(out.router_logits, model.config.num_experts_per_tok), ce.detach()


@torch.no_grad()
def held_out_loss(model, ids):
    """Mean loss on some held-out sequences, for the log."""
    model.eval()
    total = sum(losses(model, part[:, :-1], part[:, 1:])[1].item() for part in ids.split(8))
    model.train()
    return total / len(ids.split(8))


def prepare(name, corpus, out):
    """(sampler, held-out sequences): trains the tokenizer on the first call."""
    documents = data.read_documents(corpus / "train.jsonl")
    path = out / "tokenizer.json"
    if path.exists():
        tokenizer = vocabulary.Tokenizer.from_file(str(path))
    else:
        tokenizer = vocabulary.train(name, [d["text"] for d in documents], path)
    random_vocab = vocabulary.SIZES[name] - len(vocabulary.SPECIALS[name])
    sampler = data.Sampler(name, data.encode(documents, tokenizer), random_vocab, SEED)
    held_out = torch.cat([torch.from_numpy(e) for e in data.encode(data.read_documents(corpus / "heldout.jsonl"), tokenizer)])
    step = len(held_out) // HELD_OUT_SEQUENCES
    return sampler, torch.stack([held_out[i * step : i * step + data.MIDDLE + 1] for i in range(HELD_OUT_SEQUENCES)])


def train(name, corpus, out, steps):
    """Train a model, saving as it goes."""
    out.mkdir(parents=True, exist_ok=True)
    checkpoint.write_config(name, out)
    sampler, held_out = prepare(name, corpus, out)
    model = trainable(name, out)
    opts = optimisers(model)
    peaks = {key: opt.param_groups[0]["lr"] for key, opt in opts.items()}
    first, state_path = 0, out / "state.pt"
    if state_path.exists():
        state = torch.load(state_path)
        first = state["step"]
        model.load_state_dict(state["model"])
        for key, opt in opts.items():
            opt.load_state_dict(state[key])
    quantised = False
    begun, recent = time.time(), []
    for step in range(first, steps):
        if name == "gpt-oss" and not quantised and step >= (1 - QUANTISED_SHARE) * steps:
            train_through_storage(model)
            quantised = True
        ids, labels = sampler.batch(step)
        for key, opt in opts.items():
            for group in opt.param_groups:
                group["lr"] = peaks[key] * rate(step, steps)
        loss, ce = losses(model, ids, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for opt in opts.values():
            opt.step()
            opt.zero_grad(set_to_none=True)
        recent.append(ce.item())
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            line = {
                "step": step + 1,
                "train": round(sum(recent) / len(recent), 4),
                "held_out": round(held_out_loss(model, held_out), 4),
                "seconds": round(time.time() - begun),
            }
            recent = []
            with open(out / "log.jsonl", "a") as log:
                log.write(json.dumps(line) + "\n")
            print(line, flush=True)
            checkpoint.write_weights(name, plain_state(model), out)
            state = {"step": step + 1, "model": plain_state(model)}
            state |= {key: opt.state_dict() for key, opt in opts.items()}
            torch.save(state, state_path.with_suffix(".part"))
            state_path.with_suffix(".part").replace(state_path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(checkpoint.CONFIGS), required=True)
    parser.add_argument("--corpus", type=Path, required=True, help="folder that corpus.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--steps", type=int, help="number of steps (default: as the committed model)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    train(args.model, args.corpus, args.out, args.steps or STEPS[args.model])


if __name__ == "__main__":
    main()
