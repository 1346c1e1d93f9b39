#define ISA default
#define VECTOR_BYTES 16
#define VECTOR_REGISTERS 16
#include "kernels.inc"
