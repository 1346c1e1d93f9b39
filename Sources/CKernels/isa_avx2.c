#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define ISA avx2
#define LANES 8
#define VECTORS 2
#define TILE_ROWS 6
#define OUTER_ROWS 4
#include "kernels.inc"
#pragma clang attribute pop
#endif
