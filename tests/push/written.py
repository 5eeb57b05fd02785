"""Writes a part of expected.json and leaves the others."""

import json
from pathlib import Path

FILE = Path(__file__).parent / "expected.json"


def rounded(x):
    """Seven digits: more than float32 has."""
    if isinstance(x, dict):
        return {key: rounded(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [rounded(value) for value in x]
    return float(f"{x:.7g}") if isinstance(x, float) else x


def write(kind, name, found):
    expected = json.loads(FILE.read_text()) if FILE.exists() else {}
    expected.setdefault(kind, {})[name] = rounded(found)
    FILE.write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
