"""Values and the blocks that the gguf package rounds them to: `python encoded.py > encoded.txt`.

A line: type, values as little-endian f32, bytes of the blocks, both in hexadecimal.
"""

import numpy as np
from gguf import GGMLQuantizationType as Type, quantize

random = np.random.default_rng(18)
for name in ("Q8_0", "Q4_0", "MXFP4"):
    for scale in (1.0, 1e-3, 700.0):
        values = (scale * random.normal(0, 1, 128)).astype("<f4")
        # A block of zeros, and one whose largest magnitude stands twice, with both signs.
        values[32:64] = 0
        values[64] = -values[64:96].max() if name != "MXFP4" else 0.75 * scale
        print(name, values.tobytes().hex(), quantize(values, Type[name]).tobytes().hex())
