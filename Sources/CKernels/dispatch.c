#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "products.h"

#define DECLARED(isa)                                     \
  extern const attune_kernel_table attune_table_##isa[2]; \
  extern const attune_product_table attune_products_##isa;

DECLARED(default)
#if defined(__x86_64__)
DECLARED(avx2)
DECLARED(avx512)
DECLARED(avx512bf16)
#endif

typedef struct {
  const char *name;
  const attune_kernel_table *tables;
  const attune_product_table *products;
} instruction_set;

#define SET(isa) ((instruction_set){#isa, attune_table_##isa, &attune_products_##isa})

static instruction_set best(void) {
#if defined(__x86_64__)
  const char *cap = getenv("ATTUNE_ISA");
  int limit = !cap || !strcmp(cap, "avx512bf16") ? 3
              : !strcmp(cap, "avx512")           ? 2
              : !strcmp(cap, "avx2")             ? 1
                                                 : 0;
  __builtin_cpu_init();
  if (limit > 1 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    return limit > 2 && __builtin_cpu_supports("avx512bf16") ? SET(avx512bf16) : SET(avx512);
  if (limit > 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return SET(avx2);
#endif
  return SET(default);
}

static instruction_set chosen;

__attribute__((constructor)) static void choose(void) { chosen = best(); }

const attune_kernel_table *attune_kernels(int precision) { return &chosen.tables[precision]; }

const attune_product_table *attune_products(void) { return chosen.products; }

const char *attune_instruction_set(void) { return chosen.name; }

// So many rows of the left operand stay in the second-level cache.
size_t attune_block_rows(size_t depth) {
  const size_t fitting = 196608 / (depth * 4 + 1) / 12 * 12;
  return fitting < 48 ? 48 : fitting > 192 ? 192 : fitting;
}

size_t attune_product_scratch(const attune_product *p) {
  const int takes_half = p->panels_half && chosen.products->multiplies_half;
  const size_t even = (p->depth + 1) / 2 * 2, block = attune_block_rows(p->depth);
  if (!p->a_half == !takes_half && !(p->panels_half && even != p->depth)) return 0;
  return (p->rows < block ? p->rows : block) * even;
}

size_t attune_panel_elements(size_t depth, size_t columns, int half, int narrow) {
  const size_t width = narrow ? chosen.products->narrow_width : chosen.products->width;
  return (columns + width - 1) / width * width * (half ? (depth + 1) / 2 * 2 : depth);
}
