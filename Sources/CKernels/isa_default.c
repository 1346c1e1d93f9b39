#define ISA default
#define LANES 4
#define VECTORS 2
#define TILE_ROWS 6
#define OUTER_ROWS 4
#include "kernels.inc"
