"""MXFP4 as the hub's gpt-oss checkpoints store it: 32 values share a power of two.

A value is +-{0, .5, 1, 1.5, 2, 3, 4, 6} * 2^(scale - 127); two values to a byte, the low nibble first.
"""

import torch

BLOCK = 32
MAGNITUDES = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
VALUES = torch.cat([MAGNITUDES, -MAGNITUDES])  # bit 3 is the sign


def round_to_grid(x):
    """The nearest of +-{0, .5, 1, 1.5, 2, 3, 4, 6}."""
    a = x.abs()
    step = torch.where(a < 2, 0.5, torch.where(a < 4, 1.0, 2.0))
    return torch.copysign((torch.round(a / step) * step).clamp(max=6.0), x)


def scaled(w):
    """w [..., C] -> (grid values [..., C / 32, 32], exponents [..., C / 32, 1]).

    Of the exponent that clips the largest value of a block and the one that does not, the one with
    the smaller squared error is taken.
    """
    blocks = w.reshape(*w.shape[:-1], -1, BLOCK)
    largest = blocks.abs().amax(-1, keepdim=True).clamp(min=2.0**-100)
    low = torch.floor(torch.log2(largest)) - 2
    grids = [round_to_grid(blocks / torch.exp2(e)) for e in (low, low + 1)]
    errors = [(g * torch.exp2(e) - blocks).square().sum(-1, keepdim=True) for g, e in zip(grids, (low, low + 1), strict=True)]
    better = errors[1] < errors[0]
    return torch.where(better, grids[1], grids[0]), torch.where(better, low + 1, low)


def rounded(w):
    """The value that MXFP4 would store for every entry, along the last dimension."""
    grid, exponent = scaled(w)
    return (grid * torch.exp2(exponent)).reshape(w.shape)


def pack(w):
    """f32 [E, R, C] -> (blocks u8 [E, R, C / 32, 16], scales u8 [E, R, C / 32])."""
    grid, exponent = scaled(w)
    code = torch.bucketize(grid.abs(), MAGNITUDES) | (torch.signbit(grid).long() << 3)
    blocks = (code[..., 0::2] | (code[..., 1::2] << 4)).to(torch.uint8)
    return blocks.contiguous(), (exponent[..., 0] + 127).to(torch.uint8).contiguous()


def unpack(blocks, scales):
    """The inverse of pack, exactly."""
    codes = torch.stack([blocks & 15, blocks >> 4], dim=-1).flatten(-2).long()
    values = VALUES[codes] * torch.exp2(scales.float() - 127)[..., None]
    return values.flatten(-2)
