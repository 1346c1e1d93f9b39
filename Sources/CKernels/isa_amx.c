#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push( \
    __attribute__((           \
        target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16,fma"))), \
    apply_to = function)
#define ISA amx
#define VECTOR_BYTES 64
#define VECTOR_REGISTERS 32
#define HALF_PRODUCTS
#define HALF_TILES
#include "kernels.inc"
#pragma clang attribute pop
#endif
