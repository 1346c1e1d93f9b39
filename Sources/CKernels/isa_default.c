#define ISA default
#include "kernels.inc"
