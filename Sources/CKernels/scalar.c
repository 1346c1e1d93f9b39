// What needs no variants by instruction set: random numbers, strided copies, casts to and from double.
#include <string.h>

#include "kernels.h"

void attune_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

static void copy_line(const char *x, char *y, int64_t n, int64_t stride, size_t size) {
  if (stride == 1) {
    memcpy(y, x, (size_t)n * size);
  } else if (size == 4) {
    const uint32_t *from = (const uint32_t *)x;
    uint32_t *to = (uint32_t *)y;
    for (int64_t i = 0; i < n; i++) to[i] = from[i * stride];
  } else if (size == 8) {
    const uint64_t *from = (const uint64_t *)x;
    uint64_t *to = (uint64_t *)y;
    for (int64_t i = 0; i < n; i++) to[i] = from[i * stride];
  } else {
    for (int64_t i = 0; i < n; i++)
      memcpy(y + (size_t)i * size, x + (size_t)(i * stride) * size, size);
  }
}

void attune_permute(const void *x_, void *y_, size_t rank, const int64_t *shape,
                    const int64_t *stride, size_t size) {
  const char *x = x_;
  char *y = y_;
  int64_t index[16] = {0}, outer = 1;
  if (rank == 0 || rank > 16) {
    if (rank == 0) memcpy(y, x, size);
    return;
  }
  for (size_t a = 0; a + 1 < rank; a++) outer *= shape[a];
  const int64_t n = shape[rank - 1], last = stride[rank - 1];
  for (int64_t line = 0; line < outer; line++) {
    int64_t offset = 0;
    for (size_t a = 0; a + 1 < rank; a++) offset += index[a] * stride[a];
    copy_line(x + offset * (int64_t)size, y, n, last, size);
    y += (size_t)n * size;
    for (size_t a = rank - 1; a-- > 0;) {
      if (++index[a] < shape[a]) break;
      index[a] = 0;
    }
  }
}

void attune_f32_to_f64(const float *x, double *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = x[i];
}

void attune_f64_to_f32(const double *x, float *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = (float)x[i];
}
