#define _GNU_SOURCE
#include "onednn_shim.h"

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

// A primitive for one direction, one number of rows, with or without bias.
typedef struct product {
  struct product *next;
  int64_t m;
  int backward, has_bias;
  dnnl_primitive_t primitive;
  dnnl_memory_desc_t source, bias, destination, scratch;
  dnnl_memory_t packed;
} product;

// A packing of the matrix in one of oneDNN's layouts.
typedef struct packing {
  struct packing *next;
  int backward;
  dnnl_memory_desc_t layout;
  dnnl_memory_t memory;
} packing;

struct attune_dnn_matrix {
  const float *weight;
  int64_t out, in;
  pthread_mutex_t lock;
  product *products;
  packing *packings;
};

static dnnl_engine_t engine(void) {
  static dnnl_engine_t shared;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  if (!shared && dnnl_engine_create(&shared, dnnl_cpu, 0) != dnnl_success) shared = NULL;
  pthread_mutex_unlock(&lock);
  return shared;
}

// One stream per thread; oneDNN's own pool is kept at one thread, since shards run above it.
static dnnl_stream_t stream(void) {
  static _Thread_local dnnl_stream_t local;
  if (!local) {
    void (*set_threads)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (set_threads) set_threads(1);
    if (dnnl_stream_create(&local, engine(), dnnl_stream_default_flags) != dnnl_success)
      local = NULL;
  }
  return local;
}

attune_dnn_matrix *attune_dnn_matrix_create(const float *weight, int64_t out, int64_t in) {
  if (!engine()) return NULL;
  attune_dnn_matrix *matrix = calloc(1, sizeof *matrix);
  if (!matrix) return NULL;
  matrix->weight = weight;
  matrix->out = out;
  matrix->in = in;
  pthread_mutex_init(&matrix->lock, NULL);
  return matrix;
}

void attune_dnn_matrix_destroy(attune_dnn_matrix *matrix) {
  if (!matrix) return;
  for (product *p = matrix->products, *next; p; p = next) {
    next = p->next;
    dnnl_primitive_destroy(p->primitive);
    free(p);
  }
  for (packing *p = matrix->packings, *next; p; p = next) {
    next = p->next;
    dnnl_memory_destroy(p->memory);
    free(p);
  }
  pthread_mutex_destroy(&matrix->lock);
  free(matrix);
}

// The plain matrix seen as the right operand: W^T [in, out] forward, W [out, in] backward.
static dnnl_status_t plain_layout(const attune_dnn_matrix *matrix, int backward,
                                  dnnl_memory_desc_t *layout) {
  dnnl_dims_t dims = {backward ? matrix->out : matrix->in, backward ? matrix->in : matrix->out};
  dnnl_dims_t strides = {backward ? matrix->in : 1, backward ? 1 : matrix->in};
  return dnnl_memory_desc_init_by_strides(layout, 2, dims, dnnl_f32, strides);
}

// Finds or makes the packing for a layout; called with the lock held.
static dnnl_memory_t packed_as(attune_dnn_matrix *matrix, int backward,
                               const dnnl_memory_desc_t *layout) {
  for (packing *p = matrix->packings; p; p = p->next)
    if (p->backward == backward && dnnl_memory_desc_equal(&p->layout, layout)) return p->memory;
  packing *p = calloc(1, sizeof *p);
  dnnl_memory_desc_t plain;
  dnnl_memory_t from = NULL;
  dnnl_primitive_desc_t description = NULL;
  dnnl_primitive_t reorder = NULL;
  int failed = 1;
  if (p && plain_layout(matrix, backward, &plain) == dnnl_success &&
      dnnl_memory_create(&from, &plain, engine(), (void *)(uintptr_t)matrix->weight) ==
          dnnl_success &&
      dnnl_memory_create(&p->memory, layout, engine(), DNNL_MEMORY_ALLOCATE) == dnnl_success &&
      dnnl_reorder_primitive_desc_create(&description, &plain, engine(), layout, engine(), NULL) ==
          dnnl_success &&
      dnnl_primitive_create(&reorder, description) == dnnl_success) {
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, p->memory}};
    failed = dnnl_primitive_execute(reorder, stream(), 2, arguments) != dnnl_success ||
             dnnl_stream_wait(stream()) != dnnl_success;
  }
  if (reorder) dnnl_primitive_destroy(reorder);
  if (description) dnnl_primitive_desc_destroy(description);
  if (from) dnnl_memory_destroy(from);
  if (failed) {
    if (p && p->memory) dnnl_memory_destroy(p->memory);
    free(p);
    return NULL;
  }
  p->backward = backward;
  p->layout = *layout;
  p->next = matrix->packings;
  matrix->packings = p;
  return p->memory;
}

static product *make_product(attune_dnn_matrix *matrix, int backward, int64_t m, int has_bias) {
  int64_t k = backward ? matrix->out : matrix->in, n = backward ? matrix->in : matrix->out;
  dnnl_dims_t source = {m, k}, weights = {k, n}, bias = {1, n}, destination = {m, n};
  product *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  dnnl_memory_desc_t any;
  dnnl_matmul_desc_t operation;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_primitive_desc_t description = NULL;
  int made =
      dnnl_memory_desc_init_by_tag(&p->source, 2, source, dnnl_f32, dnnl_ab) == dnnl_success &&
      dnnl_memory_desc_init_by_tag(&any, 2, weights, dnnl_f32, dnnl_format_tag_any) ==
          dnnl_success &&
      dnnl_memory_desc_init_by_tag(&p->bias, 2, bias, dnnl_f32, dnnl_ab) == dnnl_success &&
      dnnl_memory_desc_init_by_tag(&p->destination, 2, destination, dnnl_f32, dnnl_ab) ==
          dnnl_success &&
      dnnl_matmul_desc_init(&operation, &p->source, &any, has_bias ? &p->bias : NULL,
                            &p->destination) == dnnl_success &&
      dnnl_primitive_attr_create(&attributes) == dnnl_success &&
      dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) ==
          dnnl_success &&
      dnnl_primitive_desc_create(&description, &operation, attributes, engine(), NULL) ==
          dnnl_success &&
      dnnl_primitive_create(&p->primitive, description) == dnnl_success;
  if (made) {
    p->scratch = *dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    p->packed = packed_as(matrix, backward,
                          dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0));
    if (!p->packed) {
      dnnl_primitive_destroy(p->primitive);
      made = 0;
    }
  }
  if (description) dnnl_primitive_desc_destroy(description);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  if (!made) {
    free(p);
    return NULL;
  }
  p->m = m;
  p->backward = backward;
  p->has_bias = has_bias;
  p->next = matrix->products;
  matrix->products = p;
  return p;
}

static int run(attune_dnn_matrix *matrix, int backward, const void *x, const void *bias, void *y,
               int64_t m) {
  if (!stream()) return 1;
  pthread_mutex_lock(&matrix->lock);
  product *p = matrix->products;
  while (p && !(p->m == m && p->backward == backward && p->has_bias == (bias != NULL)))
    p = p->next;
  if (!p) p = make_product(matrix, backward, m, bias != NULL);
  pthread_mutex_unlock(&matrix->lock);
  if (!p) return 1;
  dnnl_memory_t source = NULL, offset = NULL, destination = NULL, scratch = NULL;
  int failed = 1;
  if (dnnl_memory_create(&source, &p->source, engine(), (void *)(uintptr_t)x) == dnnl_success &&
      dnnl_memory_create(&destination, &p->destination, engine(), y) == dnnl_success &&
      dnnl_memory_create(&scratch, &p->scratch, engine(), DNNL_MEMORY_ALLOCATE) == dnnl_success &&
      (!bias || dnnl_memory_create(&offset, &p->bias, engine(), (void *)(uintptr_t)bias) ==
                    dnnl_success)) {
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, source},
                                   {DNNL_ARG_WEIGHTS, p->packed},
                                   {DNNL_ARG_DST, destination},
                                   {DNNL_ARG_SCRATCHPAD, scratch},
                                   {DNNL_ARG_BIAS, offset}};
    failed = dnnl_primitive_execute(p->primitive, stream(), bias ? 5 : 4, arguments) !=
                 dnnl_success ||
             dnnl_stream_wait(stream()) != dnnl_success;
  }
  if (source) dnnl_memory_destroy(source);
  if (destination) dnnl_memory_destroy(destination);
  if (scratch) dnnl_memory_destroy(scratch);
  if (offset) dnnl_memory_destroy(offset);
  return failed;
}

int attune_dnn_matrix_forward(attune_dnn_matrix *matrix, const void *x, const void *bias, void *y,
                              int64_t m) {
  return run(matrix, 0, x, bias, y, m);
}

int attune_dnn_matrix_backward(attune_dnn_matrix *matrix, const void *dy, void *dx, int64_t m) {
  return run(matrix, 1, dy, NULL, dx, m);
}

const char *attune_dnn_version(void) {
  static char text[32];
  const dnnl_version_t *version = dnnl_version();
  snprintf(text, sizeof text, "%d.%d.%d", version->major, version->minor, version->patch);
  return text;
}
