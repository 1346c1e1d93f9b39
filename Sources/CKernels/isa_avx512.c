#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))), \
                             apply_to = function)
#define ISA avx512
#define VECTOR_BYTES 64
#define VECTOR_REGISTERS 32
#include "kernels.inc"
#pragma clang attribute pop
#endif
