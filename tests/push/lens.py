#!/usr/bin/env python3
"""Push on gpt2-tiny by TransformerLens: see README.md."""

import importlib.abc
import importlib.machinery
import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import torch
import transformers  # noqa: F401
from safetensors.torch import load_file

from written import write

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
sys.path.insert(0, str(GOLDEN))
import generate  # noqa: E402


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for what TransformerLens imports and this doesn't use."""

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in {"datasets", "wandb", "accelerate", "pandas", "plotly"}:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = MagicMock()
        module.__spec__, module.__path__, module.__name__ = spec, [], spec.name
        return module

    def exec_module(self, module):
        pass


sys.meta_path.append(Absent())
from transformer_lens import HookedTransformer, HookedTransformerConfig  # noqa: E402
from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights  # noqa: E402

NAME, VERSUS = "gpt2-tiny", 17


def model():
    config = json.loads((GOLDEN / NAME / "config.json").read_text())
    hf = generate.load_reference(
        GOLDEN / NAME, generate.gpt2_hf_state(load_file(GOLDEN / NAME / "model.safetensors"))
    )
    cfg = HookedTransformerConfig(
        n_layers=config["n_layer"],
        d_model=config["n_embd"],
        n_ctx=config["n_positions"],
        d_head=config["n_embd"] // config["n_head"],
        n_heads=config["n_head"],
        d_vocab=config["vocab_size"],
        act_fn="gelu_new",
        eps=config["layer_norm_epsilon"],
        normalization_type="LN",
        device="cpu",
    )
    lens = HookedTransformer(cfg)
    state = convert_gpt2_weights(hf, cfg)
    # With the usual processing: norms folded, what is written and the unembedding centred.
    lens.load_and_process_state_dict(
        state, fold_ln=True, center_writing_weights=True, center_unembed=True, fold_value_biases=False
    )
    return hf, lens


def main():
    hf, lens = model()
    ids = torch.randint(0, 320, (1, 12), generator=torch.Generator().manual_seed(19))
    found = {"ids": ids[0].tolist(), "passes": []}
    logits, cache = lens.run_with_cache(ids)
    expected = hf(ids).logits
    expected = expected - expected.mean(-1, keepdim=True)
    assert torch.allclose(logits, expected, atol=2e-4), (logits - expected).abs().max()
    cache.compute_head_results()
    for query in (11, 4):
        for versus in (None, VERSUS):
            target = int(expected[0, query].argmax())
            of = lambda stack: cache.logit_attrs(  # noqa: E731
                stack, tokens=target, incorrect_tokens=versus, pos_slice=query, batch_slice=0
            )
            stack = cache.stack_head_results(pos_slice=query, layer=-1)
            heads = of(stack[:, 0:1]).reshape(lens.cfg.n_layers, lens.cfg.n_heads)
            parts, labels = cache.decompose_resid(
                layer=-1, pos_slice=query, return_labels=True, mode="mlp", apply_ln=False
            )
            parts = dict(zip(labels, of(parts[:, 0:1]).flatten().tolist()))
            # Each key by itself: the pattern times the value, through the output matrix of the head.
            keys = []
            for layer in range(lens.cfg.n_layers):
                pattern = cache["pattern", layer][0, :, query, : query + 1]
                values = cache["v", layer][0, : query + 1]
                moved = torch.einsum("hk,khd,hdm->hkm", pattern, values, lens.W_O[layer])
                keys.append(of(moved.reshape(-1, 1, lens.cfg.d_model)).reshape(moved.shape[:2]).tolist())
            found["passes"].append({
                "query": query,
                "target": target,
                "versus": versus,
                "heads": heads.tolist(),
                "keys": keys,
                "mlps": [parts[f"{layer}_mlp_out"] for layer in range(lens.cfg.n_layers)],
                "embedding": parts["embed"] + parts["pos_embed"],
            })
    write("push", NAME, found)


if __name__ == "__main__":
    with torch.no_grad():
        main()
