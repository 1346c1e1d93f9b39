#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define ISA avx2
#define VECTOR_BYTES 32
#define VECTOR_REGISTERS 16
#include "kernels.inc"
#pragma clang attribute pop
#endif
