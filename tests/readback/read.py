#!/usr/bin/env python3
"""Read what attnscope exports with numpy, safetensors, pandas and a Markdown parser, as its users would, and compare
with the CSV.

    read.py ATTNSCOPE         runs that binary on the models that are in it

Needs numpy, pandas, safetensors and markdown-it-py (requirements.txt); .ci/run has a virtual environment for it.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas
from markdown_it import MarkdownIt
from safetensors import safe_open
from safetensors.numpy import load_file

# Tokens that a reader of CSV could stumble over: its comment, its quotes, its commas, and what it takes for no value.
PROMPT = "write a story about AI, 日本語 and 🙂\n#1 # \"it\", 'a', NA null nan None\r\n,,# a|b \\| <b>*x*</b> `c` --> &amp; :smile: $y$"
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
            values = row[1:]
            if heading[-1] == "sink":
                sink[query] = np.float32(values.pop())
            assert all(value == "" for value in values[query + 1 :]), "the future is empty"
            attention[query, : query + 1] = [np.float32(value) for value in values[: query + 1]]
    return attention, sink, recipe


def check_pandas(file, attentions, sink, raw_tokens):
    """The same file as the README says to read it: pandas.read_csv(file, comment="#")."""
    frame = pandas.read_csv(file, comment="#")
    if attentions.ndim == 2:
        size = len(attentions)
        names = [f"{at}:{token}" for at, token in enumerate(raw_tokens)]
        assert frame["query"].tolist() == names and frame.columns[1 : size + 1].tolist() == names, frame.columns
        values = frame.iloc[:, 1 : size + 1]
        assert all(kind == np.float64 for kind in values.dtypes), values.dtypes
        future = np.triu(np.ones((size, size), bool), 1)
        assert values.isna().to_numpy()[future].all() and not values.isna().to_numpy()[~future].any()
        np.testing.assert_array_equal(values.fillna(0).to_numpy(np.float32), attentions)
        assert ("sink" in frame) == (sink is not None)
        if sink is not None:
            np.testing.assert_array_equal(frame["sink"].to_numpy(np.float32), sink)
        return
    layers, heads, size, _ = attentions.shape
    cells = frame[frame["key"].notna()]
    assert len(cells) == layers * heads * size * (size + 1) // 2
    at = tuple(cells[name].astype(int) for name in ["layer", "head", "query", "key"])
    np.testing.assert_array_equal(attentions[at], cells["attention"].to_numpy(np.float32))
    assert (sink is None) == (len(cells) == len(frame))
    # Tokens that look like missing values need two more words.
    frame = pandas.read_csv(file, comment="#", keep_default_na=False, na_values=[""])
    assert frame["query_token"].tolist() == [raw_tokens[at] for at in frame["query"]]
    keys = frame[frame["key"].notna()]
    assert keys["key_token"].tolist() == [raw_tokens[int(at)] for at in keys["key"]]


def check_markdown(file, table):
    """The same table as the CSV, rendered as GitHub does; numbers to four decimals."""
    tokens = MarkdownIt("commonmark").enable("table").parse(file.read_text())
    assert [t.type for t in tokens if t.type.endswith("_block")] == ["html_block"], "the recipe, and nothing else"
    rows = []
    for opened, inline in zip(tokens, tokens[1:]):
        if opened.type == "tr_open":
            rows.append([])
        elif opened.type in ("th_open", "td_open"):
            assert all(child.type in ("text", "text_special") for child in inline.children), inline
            rows[-1].append("".join(child.content for child in inline.children))
    heading, *table = table
    if heading[0] == "layer":
        order = [4, 5, 0, 1, 2, 3, 6]
        heading = [heading[at].replace("_", " ") for at in order]
        table = [[row[at] for at in order] for row in table]
        names = 2
    else:
        names = 1
    assert rows[0] == heading, (rows[0], heading)
    assert len(rows) == len(table) + 1, (len(rows), len(table))
    for found, expected in zip(rows[1:], table):
        assert found[:names] == expected[:names], (found, expected)
        for one, other in zip(found[names:], expected[names:], strict=True):
            assert one == other or abs(float(one) - float(other)) <= 0.5001e-4, (found, expected)


def check(attnscope, folder, model, view):
    npz = np.load(export(attnscope, folder, model, view, "npz"))
    recipe = json.loads(str(npz["recipe"]))
    assert recipe["input"] == {"prompt": PROMPT} and recipe["view"] == view, recipe
    texts = {name: npz[name].tolist() for name in ["tokens", "raw_tokens"]}
    assert all(npz[name].shape == npz["input_ids"].shape for name in texts), texts
    arrays = {name: npz[name] for name in npz.files if name not in ["recipe", *texts]}
    assert arrays["input_ids"].dtype == np.int64 and arrays["attentions"].dtype == np.float32

    file = export(attnscope, folder, model, view, "safetensors")
    tensors = load_file(file)
    assert tensors.keys() == arrays.keys(), (tensors.keys(), arrays.keys())
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(arrays[name], tensor, f"{model} {view} {name}", strict=True)
    with safe_open(file, "numpy") as opened:
        metadata = opened.metadata()
    assert json.loads(metadata["input"]) == recipe["input"] and metadata["view"] == view, metadata
    assert {name: json.loads(metadata[name]) for name in texts} == texts, metadata
    tokens = json.loads(export(attnscope, folder, model, view, "json").read_text())["tokens"]
    assert texts == {"tokens": [t["text"] for t in tokens], "raw_tokens": [t["raw"] for t in tokens]}, texts

    file = export(attnscope, folder, model, view, "csv")
    attention, sink, of_csv = read_csv(file, arrays["attentions"].shape)
    check_pandas(file, arrays["attentions"], arrays.get("sink"), texts["raw_tokens"])
    np.testing.assert_array_equal(arrays["attentions"], attention, f"{model} {view}")
    if "sink" in arrays:
        np.testing.assert_array_equal(arrays["sink"], sink, f"{model} {view}")
    assert {**of_csv, "format": None} == {**recipe, "format": None}, (of_csv, recipe)
    with open(file, newline="") as lines:
        next(lines)
        check_markdown(export(attnscope, folder, model, view, "md"), list(csv.reader(lines)))
    np.testing.assert_allclose(attention.sum(-1) + sink, 1, atol=1e-5)


def main():
    attnscope = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        for model in ["demo:gpt2", "demo:gpt-oss"]:
            for view in VIEWS:
                check(attnscope, folder, model, view)
    print(f"numpy, safetensors, pandas and Markdown read what the csv says: 2 models, {len(VIEWS)} views")


if __name__ == "__main__":
    main()
