#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))), \
                             apply_to = function)
#define ISA avx512
#define LANES 16
#define VECTORS 4
#define TILE_ROWS 6
#define OUTER_ROWS 8
#include "kernels.inc"
#pragma clang attribute pop
#endif
