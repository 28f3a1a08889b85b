// Stored tensors into the layout the kernels read. Runs once per weight, and once per head for keys and values.
#include "CKernels.h"

#include <string.h>

static inline float widen_half(uint16_t h) {
  // Half to single by bits: subnormals are renormalised by a subtraction that is exact.
  const uint32_t sign = (uint32_t)(h & 0x8000) << 16, body = h & 0x7FFF;
  uint32_t bits;
  float value;
  if (body >= 0x7C00) {
    bits = sign | 0x7F800000u | (body & 0x3FF) << 13;
  } else if (body >= 0x0400) {
    bits = sign | ((body << 13) + 0x38000000u);
  } else {
    value = (float)body * 0x1p-24f;
    memcpy(&bits, &value, sizeof bits);
    bits |= sign;
  }
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline float element(const unsigned char *source, int type, size_t i) {
  float value;
  uint16_t half;
  uint32_t bits;
  switch (type) {
  case UNMASK_F32: memcpy(&value, source + 4 * i, 4); return value;
  case UNMASK_F16: memcpy(&half, source + 2 * i, 2); return widen_half(half);
  default:
    memcpy(&half, source + 2 * i, 2);
    bits = (uint32_t)half << 16;
    memcpy(&value, &bits, 4);
    return value;
  }
}

static inline __attribute__((always_inline)) int widen_as(const unsigned char *s, int type, size_t count, float *out) {
  uint32_t bad = 0;
  for (size_t i = 0; i < count; i++) {
    const float v = element(s, type, i);
    uint32_t bits;
    memcpy(&bits, &v, 4);
    bad |= (bits & 0x7F800000u) == 0x7F800000u;
    out[i] = v;
  }
  return !bad;
}

int unmask_widen(const void *source, int type, size_t count, float *out) {
  switch (type) {
  case UNMASK_F32: return widen_as(source, UNMASK_F32, count, out);
  case UNMASK_F16: return widen_as(source, UNMASK_F16, count, out);
  default: return widen_as(source, UNMASK_BF16, count, out);
  }
}

int unmask_finite_stored(const void *source, int type, size_t count) {
  const unsigned char *s = source;
  uint32_t bad = 0;
  if (type == UNMASK_F32) {
    for (size_t i = 0; i < count; i++) {
      uint32_t bits;
      memcpy(&bits, s + 4 * i, 4);
      bad |= (bits & 0x7F800000u) == 0x7F800000u;
    }
    return !bad;
  }
  const uint16_t all = type == UNMASK_F16 ? 0x7C00 : 0x7F80;
  uint16_t found = 0;
  for (size_t i = 0; i < count; i++) {
    uint16_t bits;
    memcpy(&bits, s + 2 * i, 2);
    found |= (uint16_t)((bits & all) == all);
  }
  return !found;
}

int unmask_pack(const void *source, int type, size_t first, size_t n, size_t k, float *packed) {
  const unsigned char *bytes = source;
  const size_t width = type == UNMASK_F32 ? 4 : 2;
  float chunk[64];
  int finite = 1;
  for (size_t i = 0; i < n; i++) {
    const size_t row = first + i;
    float *to = packed + row / UNMASK_PANEL * UNMASK_PANEL * k + row % UNMASK_PANEL;
    for (size_t p = 0; p < k; p += 64) {
      const size_t count = k - p < 64 ? k - p : 64;
      finite &= unmask_widen(bytes + (i * k + p) * width, type, count, chunk);
      for (size_t j = 0; j < count; j++) to[(p + j) * UNMASK_PANEL] = chunk[j];
    }
  }
  return finite;
}

static inline const float *place(const struct unmask_rows *x, size_t i) {
  if (!x->place) return x->fresh + i * x->ldf;
  const int32_t at = x->place[i];
  return at >= 0 ? x->fresh + (size_t)at * x->ldf : x->held + (size_t)(-1 - (int64_t)at) * x->ldh;
}

void unmask_pack_rows(const struct unmask_rows *x, size_t count, size_t width, float *packed) {
  for (size_t row = 0; row < count; row++) {
    const float *from = place(x, row);
    float *to = packed + row / UNMASK_PANEL * UNMASK_PANEL * width + row % UNMASK_PANEL;
    for (size_t p = 0; p < width; p++) to[p * UNMASK_PANEL] = from[p];
  }
  for (size_t row = count; row % UNMASK_PANEL; row++) {
    float *to = packed + row / UNMASK_PANEL * UNMASK_PANEL * width + row % UNMASK_PANEL;
    for (size_t p = 0; p < width; p++) to[p * UNMASK_PANEL] = 0;
  }
}

void unmask_pack_columns(const struct unmask_rows *x, size_t count, size_t width, float *packed) {
  for (size_t start = 0; start < width; start += UNMASK_PANEL) {
    const size_t n = width - start < UNMASK_PANEL ? width - start : UNMASK_PANEL;
    float *to = packed + start * count;
    for (size_t row = 0; row < count; row++, to += UNMASK_PANEL) {
      memcpy(to, place(x, row) + start, n * sizeof(float));
      if (n < UNMASK_PANEL) memset(to + n, 0, (UNMASK_PANEL - n) * sizeof(float));
    }
  }
}
