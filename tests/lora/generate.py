"""Writes adapters of models in tests/golden, and what PEFT makes of these models with each.

    python generate.py

The numbers are those of the model with the adapter beside its weights, as it was trained, not merged into them.
"""

import json
import pathlib

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE.parent / "golden"
BASES = {"llama": "families/llama-3", "fused": "families/phi3", "parallel": "families/pythia"}
ADAPTERS = {
    "attention": dict(r=4, lora_alpha=16, target_modules=["c_attn"], fan_in_fan_out=True),
    "patterns": dict(
        r=2, lora_alpha=4, target_modules="all-linear", fan_in_fan_out=True, rank_pattern={"h.0.*c_fc": 5},
        alpha_pattern={r"0\.mlp\.c_proj": 24, "c_proj": 1}, bias="all", modules_to_save=["ln_f"],
    ),
    "stabilised": dict(r=3, lora_alpha=6, target_modules=["wte", "c_proj"], fan_in_fan_out=True, use_rslora=True),
    "head": dict(r=2, lora_alpha=8, target_modules=["lm_head", "c_fc"], lora_bias=False),
    "bias": dict(r=2, lora_alpha=8, target_modules=["c_attn"], fan_in_fan_out=True, lora_bias=True),
    "llama": dict(r=4, lora_alpha=8, target_modules="all-linear", bias="none"),
    "fused": dict(r=2, lora_alpha=8, target_modules=["qkv_proj", "gate_up_proj", "o_proj"]),
    "parallel": dict(r=2, lora_alpha=8, target_modules=["query_key_value", "dense"], bias="lora_only"),
    "saved-head": dict(r=2, lora_alpha=2, target_modules=r".*\.1\.attn\.c_attn", modules_to_save=["lm_head"]),
}


def main():
    for seed, (name, settings) in enumerate(ADAPTERS.items()):
        torch.manual_seed(seed)
        folder = GOLDEN / BASES.get(name, "gpt2-tiny")
        cases = load_file(folder / "expected.safetensors")
        cases = [ids.reshape(1, -1) for name, ids in sorted(cases.items()) if name.endswith("input_ids")]
        ids = min((ids for ids in cases if ids.numel() >= 5), key=torch.Tensor.numel)
        base = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
        model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **settings)).eval()
        for parameter, values in model.named_parameters():
            if values.requires_grad:
                values.data.normal_(0, 0.3).add_(1 if "ln_f.modules_to_save.default.weight" in parameter else 0)
        folder = HERE / name
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = "org/base"
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")
        with torch.no_grad():
            out = model(input_ids=ids, output_attentions=True)
        expected = {
            "input_ids": ids[0].contiguous(),
            "attentions": torch.stack([layer[0] for layer in out.attentions]).contiguous(),
            "logits": out.logits[0, -1].contiguous(),
        }
        save_file(expected, folder / "expected.safetensors")
        print(name, sorted(load_file(folder / "adapter_model.safetensors"))[:3])


main()
