// Functions of one number between the linear maps of an MLP. Numbers are those of `gpu::layout::activation`.
#pragma once
#include "common.cuh"

enum Activation {
    LINEAR, GELU_TANH, GELU_ERF, GELU_CLIPPED, GELU_QUICK, HARD_SWISH, LAPLACE, LEAKY_RELU, MISH, RELU, RELU_SQUARED,
    RELU_CLIPPED, SIGMOID, SILU, SQRT_SOFTPLUS, TANH
};
enum Gating { UNGATED, ACTIVATED, CLAMPED_SWIGLU };

__device__ __forceinline__ float sigmoid(float x) { return 1.f / (1.f + expf(-x)); }
__device__ __forceinline__ float softplus(float x) { return fmaxf(x, 0.f) + log1pf(expf(-fabsf(x))); }
__device__ __forceinline__ float gelu_erf(float x) { return 0.5f * x * (1.f + erff(x * 0.70710678f)); }

__device__ __noinline__ float activate(int activation, float x) {
    switch (activation) {
        case GELU_TANH: return 0.5f * x * (1.f + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
        case GELU_ERF: return gelu_erf(x);
        case GELU_CLIPPED: return fminf(fmaxf(gelu_erf(x), -10.f), 10.f);
        case GELU_QUICK: return x * sigmoid(1.702f * x);
        case HARD_SWISH: return x * fminf(fmaxf(x + 3.f, 0.f), 6.f) / 6.f;
        // 1/sqrt(4 pi) with the digits that transformers has of it.
        case LAPLACE: return 0.5f * (1.f + erff((x - 0.70710678f) / (0.282095f * 1.41421356f)));
        case LEAKY_RELU: return fmaxf(x, 0.01f * x);
        case MISH: return x * tanhf(softplus(x));
        case RELU: return fmaxf(x, 0.f);
        case RELU_SQUARED: return fmaxf(x, 0.f) * fmaxf(x, 0.f);
        case RELU_CLIPPED: return fminf(fmaxf(x, 0.f), 6.f);
        case SIGMOID: return sigmoid(x);
        case SILU: return x * sigmoid(x);
        case SQRT_SOFTPLUS: return sqrtf(softplus(x));
        case TANH: return tanhf(x);
        default: return x;
    }
}

// A gate and what it lets through. CLAMPED_SWIGLU: the gate at most `limit`, up within +- `limit`.
__device__ __forceinline__ float gate(int gating, int activation, float limit, float alpha, float gate, float up) {
    if (gating == ACTIVATED) return activate(activation, gate) * up;
    gate = fminf(gate, limit);
    return gate * sigmoid(alpha * gate) * (fminf(fmaxf(up, -limit), limit) + 1.f);
}
