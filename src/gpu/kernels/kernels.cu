// All kernels, for one module.
#include "attention.cuh"
#include "linear.cuh"
#include "rows.cuh"
