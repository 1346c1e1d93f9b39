#if defined(__linux__)
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif
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
DECLARED(amx)
#endif

typedef struct {
  const char *name;
  const attune_kernel_table *tables;
  const attune_product_table *products;
} instruction_set;

#define SET(isa) ((instruction_set){#isa, attune_table_##isa, &attune_products_##isa})

#if defined(__x86_64__)
// Whether the processor has AMX for bf16 and the system lets this process use its registers.
static int has_tiles(void) {
#if defined(__linux__)
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  const unsigned needed = 1u << 22 | 1u << 24;
  return (d & needed) == needed &&
         syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
  return 0;
#endif
}
#endif

#if defined(__x86_64__)
// Intel's processors take longer for a product of bf16 in AVX-512 than for widening it first.
static int multiplies_half_quickly(void) {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd");
}
#endif

static instruction_set best(void) {
#if defined(__x86_64__)
  const char *cap = getenv("ATTUNE_ISA");
  int limit = !cap || !strcmp(cap, "amx")   ? 4
              : !strcmp(cap, "avx512bf16") ? 3
              : !strcmp(cap, "avx512")     ? 2
              : !strcmp(cap, "avx2")       ? 1
                                           : 0;
  __builtin_cpu_init();
  if (limit > 1 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    return limit > 3 && has_tiles()                 ? SET(amx)
           : limit > 2 && multiplies_half_quickly() ? SET(avx512bf16)
                                                    : SET(avx512);
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

int attune_uses_tiles(const attune_product *p) {
  return chosen.products->has_tiles && p->panels_half;
}

// So many rows of the left operand stay in the second-level cache.
size_t attune_block_rows(const attune_product *p) {
  if (attune_uses_tiles(p)) {
    const size_t fitting = (1u << 20) * 5 / 4 / (p->depth * 2 + 1) / 32 * 32;
    const size_t whole = (p->rows + 15) / 16 * 16;
    return fitting < 32 ? 32 : fitting < whole ? fitting : whole;
  }
  const size_t fitting = 196608 / (p->depth * 4 + 1) / 12 * 12;
  return fitting < 48 ? 48 : fitting > 192 ? 192 : fitting;
}

static size_t whole_pieces(size_t n) { return (n + 31) / 32 * 32; }

// Of tiles, in values of bf16: rows with their depth and low-rank terms, and those terms' columns.
static size_t tile_scratch(const attune_product *p) {
  const size_t more = p->extra ? whole_pieces(3 * p->extra_depth) : 0;
  return attune_block_rows(p) * (whole_pieces(p->depth) + more) + 32 * more;
}

size_t attune_product_scratch(const attune_product *p) {
  if (attune_uses_tiles(p)) return (tile_scratch(p) + 1) / 2;
  const int takes_half = p->panels_half && chosen.products->multiplies_half;
  const size_t even = (p->depth + 1) / 2 * 2, block = attune_block_rows(p);
  if (!p->a_half == !takes_half && !(p->panels_half && even != p->depth)) return 0;
  const size_t converted = (p->rows < block ? p->rows : block) * even;
  // With tiles also the high and low parts of a narrow panel.
  const size_t parts = chosen.products->has_tiles && p->narrow ? 16 * even : 0;
  return converted > parts ? converted : parts;
}

size_t attune_panel_elements(size_t depth, size_t columns, int half, int narrow) {
  if (half && chosen.products->has_tiles) {
    const size_t step = narrow ? 16 : 32;
    return (columns + step - 1) / step * step * whole_pieces(depth);
  }
  const size_t width = narrow ? chosen.products->narrow_width : chosen.products->width;
  return (columns + width - 1) / width * width * (half ? (depth + 1) / 2 * 2 : depth);
}
