#include <stdlib.h>
#include <string.h>

#include "kernels.h"

extern const attune_kernel_table attune_table_default[2];
#if defined(__x86_64__)
extern const attune_kernel_table attune_table_avx2[2], attune_table_avx512[2];
#endif

typedef struct {
  const char *name;
  const attune_kernel_table *tables;
} instruction_set;

static instruction_set best(void) {
#if defined(__x86_64__)
  const char *cap = getenv("ATTUNE_ISA");
  int limit = !cap || !strcmp(cap, "avx512") ? 2 : !strcmp(cap, "avx2") ? 1 : 0;
  __builtin_cpu_init();
  if (limit > 1 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    return (instruction_set){"avx512", attune_table_avx512};
  if (limit > 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return (instruction_set){"avx2", attune_table_avx2};
#endif
  return (instruction_set){"default", attune_table_default};
}

static instruction_set chosen;

__attribute__((constructor)) static void choose(void) { chosen = best(); }

const attune_kernel_table *attune_kernels(int precision) { return &chosen.tables[precision]; }

const char *attune_instruction_set(void) { return chosen.name; }
