// Chooses a path when the program runs. Contraction is off so that every path rounds where the source says.
#include "CKernels.h"
#include "paths.h"

#include <string.h>

#pragma clang fp contract(off)
#pragma clang diagnostic ignored "-Wpsabi"

typedef float f16 __attribute__((ext_vector_type(16)));
typedef int32_t i16 __attribute__((ext_vector_type(16)));
typedef uint16_t h16 __attribute__((ext_vector_type(16)));
typedef int8_t b16 __attribute__((ext_vector_type(16)));
typedef uint8_t n8 __attribute__((ext_vector_type(8)));
typedef int32_t i8 __attribute__((ext_vector_type(8)));
typedef double d8 __attribute__((ext_vector_type(8)));
typedef int64_t l8 __attribute__((ext_vector_type(8)));

enum { ROW_BLOCK = 96, K_BLOCK = 512, STORED_ROWS = 384 };

#define KEEP(pointer) __asm__("" : "+r"(pointer))

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
  void (*exp64)(const double *, double *, size_t);
  void (*mass)(const float *, size_t, double, double *, double *);
  long (*top)(const float *, size_t, int32_t, size_t, size_t, float *, int32_t *);
};

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define PATH(name) avx512_##name
#define ROWS 12
#define WIDE 2
#include "kernels.h"
#include "stored.h"
#include "long.h"
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
#include "long.h"
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
#include "long.h"
#include "table.h"
#undef ROWS
#undef WIDE
#undef PATH

struct path {
  const char *name;
  const struct kernels *floats;
  const struct integers *integers;
};

// The widest first.
static const struct path paths[] = {
#if defined(__x86_64__)
  {"avx512+amx", &avx512_kernels, &amx_integers},
  {"avx512+vnni", &avx512_kernels, &vnni_integers},
  {"avx512", &avx512_kernels, &avx2_integers},
  {"avx2", &avx2_kernels, &avx2_integers},
#endif
  {"portable", &portable_kernels, &portable_integers},
};

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

// Tiles are used by those who ask for them first; the system refuses where it cannot save them.
static int can_tile(void) {
  unsigned a, b, c, d;
  const int has = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 3) == 3;
  return has && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}
#elif defined(__x86_64__)
static int can_tile(void) { return 0; }
#endif

static int can(const struct path *path) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (path->integers == &vnni_integers && !__builtin_cpu_supports("avx512vnni")) return 0;
  if (path->integers == &amx_integers && !(avx512 && can_tile())) return 0;
  if (path->floats == &avx512_kernels) return avx512;
  if (path->floats == &avx2_kernels) return avx2;
#endif
  return 1;
}

static const struct path *find(const char *name) {
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if ((!name || !strcmp(name, paths[i].name)) && can(paths + i)) return paths + i;
  return NULL;
}

static const struct path *selected;

static inline const struct path *path(void) {
  const struct path *p = __atomic_load_n(&selected, __ATOMIC_RELAXED);
  if (__builtin_expect(!p, 0)) {
    p = find(NULL);
    __atomic_store_n(&selected, p, __ATOMIC_RELAXED);
  }
  return p;
}

static inline const struct kernels *now(void) { return path()->floats; }

int unmask_kernel_select(const char *name) {
  const struct path *p = find(name);
  if (p) __atomic_store_n(&selected, p, __ATOMIC_RELAXED);
  return p != NULL;
}

int unmask_kernel_can(const char *name) { return find(name) != NULL; }

const char *unmask_kernel_path(void) { return path()->name; }

void unmask_quantize(
    const float *x, size_t ldx, size_t m, size_t k, size_t group, size_t row, size_t count, const struct unmask_levels *out) {
  path()->integers->quantize(x, ldx, m, k, group, row, count, out->levels, out->scales, out->starts);
}

void unmask_matmul_integers(
    const struct unmask_levels *x, size_t m, size_t row, size_t count, const struct unmask_integers *w, size_t first, size_t panels, float *y,
    size_t ldy) {
  path()->integers->multiply(x, m, row, count, w, first, panels, y, ldy);
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

void unmask_exp64(const double *x, double *out, size_t count) { now()->exp64(x, out, count); }

void unmask_mass(const float *x, size_t count, double maximum, double *sum, double *weighted) {
  now()->mass(x, count, maximum, sum, weighted);
}

long unmask_top(const float *x, size_t count, int32_t first, size_t k, size_t found, float *values, int32_t *places) {
  return now()->top(x, count, first, k, found, values, places);
}

int unmask_finite(const float *x, size_t count) { return now()->finite(x, count); }
