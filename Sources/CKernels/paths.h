// What a path consists of: the kernels of float32, and those of small integers.
#ifndef UNMASK_PATHS_H
#define UNMASK_PATHS_H

#include "CKernels.h"

struct integers {
  void (*quantize)(const float *, size_t, size_t, size_t, size_t, size_t, size_t, int8_t *, float *, int32_t *);
  void (*multiply)(const struct unmask_levels *, size_t, size_t, size_t, const struct unmask_integers *, size_t, size_t, float *, size_t);
};

#if defined(__x86_64__)
extern const struct integers amx_integers, vnni_integers, avx2_integers;
#endif
extern const struct integers portable_integers;

#endif
