#!/usr/bin/env python3
"""Read what attnscope exports with numpy and with safetensors, as its users would, and compare with the CSV.

    read.py ATTNSCOPE         runs that binary on the models that are in it

Needs numpy and safetensors (requirements.txt); .ci/run has a virtual environment for it.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file

PROMPT = "write a story about AI, 日本語 and 🙂\n"
VIEWS = ["mean", "layer:1", "head:2.1", "group:1.0", "rollout", "all"]


def export(attnscope, folder, model, view, format):
    """The file that attnscope writes."""
    file = Path(folder) / f"a.{format}"
    arguments = ["export", "--model", model, "--prompt", PROMPT, "--view", view, "--format", format]
    subprocess.run([attnscope, *arguments, "--out", file], check=True)
    return file


def read_csv(file, shape):
    """Attention and sinks [..., S, S] and [..., S] of a table, or of a list of all heads; and the recipe."""
    with open(file, newline="") as lines:
        recipe = json.loads(next(lines).removeprefix("#"))
        rows = list(csv.reader(lines))
    heading, rows = rows[0], rows[1:]
    attention, sink = np.zeros(shape, np.float32), np.zeros(shape[:-1], np.float32)
    if recipe["view"] == "all":
        for layer, head, query, key, _, _, value in rows:
            at = (int(layer), int(head), int(query))
            if key:
                attention[(*at, int(key))] = np.float32(value)
            else:
                sink[at] = np.float32(value)
    else:
        for query, row in enumerate(rows):
            values = [np.float32(value) for value in row[1:]]
            if heading[-1] == "sink":
                sink[query] = values.pop()
            attention[query] = values
    return attention, sink, recipe


def check(attnscope, folder, model, view):
    npz = np.load(export(attnscope, folder, model, view, "npz"))
    recipe = json.loads(str(npz["recipe"]))
    assert recipe["input"] == {"prompt": PROMPT} and recipe["view"] == view, recipe
    arrays = {name: npz[name] for name in npz.files if name != "recipe"}
    assert arrays["input_ids"].dtype == np.int64 and arrays["attentions"].dtype == np.float32

    file = export(attnscope, folder, model, view, "safetensors")
    tensors = load_file(file)
    assert tensors.keys() == arrays.keys(), (tensors.keys(), arrays.keys())
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(arrays[name], tensor, f"{model} {view} {name}", strict=True)
    with safe_open(file, "numpy") as opened:
        metadata = opened.metadata()
    assert json.loads(metadata["input"]) == recipe["input"] and metadata["view"] == view, metadata

    table = read_csv(export(attnscope, folder, model, view, "csv"), arrays["attentions"].shape)
    attention, sink, of_csv = table
    np.testing.assert_array_equal(arrays["attentions"], attention, f"{model} {view}")
    if "sink" in arrays:
        np.testing.assert_array_equal(arrays["sink"], sink, f"{model} {view}")
    assert {**of_csv, "format": None} == {**recipe, "format": None}, (of_csv, recipe)
    np.testing.assert_allclose(attention.sum(-1) + sink, 1, atol=1e-5)


def main():
    attnscope = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        for model in ["demo:gpt2", "demo:gpt-oss"]:
            for view in VIEWS:
                check(attnscope, folder, model, view)
    print(f"numpy and safetensors read what the csv says: 2 models, {len(VIEWS)} views")


if __name__ == "__main__":
    main()
