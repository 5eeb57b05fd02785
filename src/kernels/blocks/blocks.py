"""Random blocks of every type and the values that the gguf package reads from them: `python blocks.py > blocks.txt`.

A line: type, bytes of two blocks, values as little-endian f32, both in hexadecimal.
"""

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as Type, dequantize

# Where a block of each type holds halves, which are to be finite.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": [],
}  # fmt: skip

random = np.random.default_rng(17)
for name, halves in HALVES.items():
    kind = Type[name]
    _, size = GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (2, size), dtype=np.uint8)
    for at in halves:
        blocks[:, at : at + 2] = random.normal(0, 0.1, (2, 1)).astype("<f2").view(np.uint8)
    if name == "MXFP4":
        blocks[:, 0] = [120, 1]
    values = dequantize(blocks, kind).astype("<f4")
    print(name, blocks.tobytes().hex(), values.tobytes().hex())
