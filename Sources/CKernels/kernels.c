// Chooses a path when the program runs. Contraction is off so that every path rounds where the source says.
#include "CKernels.h"

#include <string.h>

#pragma clang fp contract(off)
#pragma clang diagnostic ignored "-Wpsabi"

typedef float f16 __attribute__((ext_vector_type(16)));
typedef int32_t i16 __attribute__((ext_vector_type(16)));
typedef uint16_t h16 __attribute__((ext_vector_type(16)));
typedef int8_t b16 __attribute__((ext_vector_type(16)));
typedef uint8_t n8 __attribute__((ext_vector_type(8)));
typedef int32_t i8 __attribute__((ext_vector_type(8)));

enum { ROW_BLOCK = 96, K_BLOCK = 512, STORED_ROWS = 384 };

struct kernels {
  void (*matmul)(const float *, size_t, size_t, size_t, const float *, size_t, float *, size_t);
  void (*matmul_stored)(const float *, size_t, size_t, size_t, const struct unmask_stored *, size_t, size_t, float *, size_t);
  void (*rmsnorm)(const float *, size_t, size_t, size_t, const float *, float, float *, size_t);
  void (*add)(float *, size_t, const float *, size_t, size_t, size_t);
  void (*swiglu)(float *, const float *, size_t, size_t, size_t);
  void (*softmax)(float *, size_t, size_t, size_t);
  void (*exp)(const float *, float *, size_t);
  void (*rotate)(float *, size_t, size_t, size_t, const float *, const float *, float);
  int (*finite)(const float *, size_t);
};

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define PATH(name) avx512_##name
#define ROWS 12
#define WIDE 2
#include "kernels.h"
#include "stored.h"
#include "table.h"
#undef ROWS
#undef WIDE
#undef PATH
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define PATH(name) avx2_##name
#define ROWS 6
#define WIDE 1
#include "kernels.h"
#include "stored.h"
#include "table.h"
#undef ROWS
#undef WIDE
#undef PATH
#pragma clang attribute pop
#endif

#define PATH(name) portable_##name
#define ROWS 6
#define WIDE 1
#include "kernels.h"
#include "stored.h"
#include "table.h"
#undef ROWS
#undef WIDE
#undef PATH

static const struct kernels *find(const char *path) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx512 && (!path || !strcmp(path, "avx512"))) return &avx512_kernels;
  if (avx2 && (!path || !strcmp(path, "avx2"))) return &avx2_kernels;
#endif
  return !path || !strcmp(path, "portable") ? &portable_kernels : NULL;
}

static const struct kernels *selected;

static inline const struct kernels *now(void) {
  const struct kernels *k = __atomic_load_n(&selected, __ATOMIC_RELAXED);
  if (__builtin_expect(!k, 0)) {
    k = find(NULL);
    __atomic_store_n(&selected, k, __ATOMIC_RELAXED);
  }
  return k;
}

int unmask_kernel_select(const char *path) {
  const struct kernels *k = find(path);
  if (k) __atomic_store_n(&selected, k, __ATOMIC_RELAXED);
  return k != NULL;
}

const char *unmask_kernel_path(void) {
#if defined(__x86_64__)
  if (now() == &avx512_kernels) return "avx512";
  if (now() == &avx2_kernels) return "avx2";
#endif
  return "portable";
}

void unmask_matmul(const float *x, size_t ldx, size_t m, size_t k, const float *packed, size_t panels, float *y, size_t ldy) {
  now()->matmul(x, ldx, m, k, packed, panels, y, ldy);
}

void unmask_matmul_stored(
    const float *x, size_t ldx, size_t m, size_t k, const struct unmask_stored *w, size_t first, size_t panels, float *y, size_t ldy) {
  now()->matmul_stored(x, ldx, m, k, w, first, panels, y, ldy);
}

void unmask_rmsnorm(const float *x, size_t ldx, size_t rows, size_t width, const float *weight, float eps, float *out, size_t ldo) {
  now()->rmsnorm(x, ldx, rows, width, weight, eps, out, ldo);
}

void unmask_add(float *x, size_t ldx, const float *y, size_t ldy, size_t rows, size_t width) { now()->add(x, ldx, y, ldy, rows, width); }

void unmask_swiglu(float *gate, const float *up, size_t ld, size_t rows, size_t width) { now()->swiglu(gate, up, ld, rows, width); }

void unmask_softmax(float *x, size_t ldx, size_t rows, size_t count) { now()->softmax(x, ldx, rows, count); }

void unmask_exp(const float *x, float *out, size_t count) { now()->exp(x, out, count); }

void unmask_rotate(float *x, size_t heads, size_t width, size_t rotary, const float *cosine, const float *sine, float scale) {
  now()->rotate(x, heads, width, rotary, cosine, sine, scale);
}

int unmask_finite(const float *x, size_t count) { return now()->finite(x, count); }
