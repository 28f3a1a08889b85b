// Products of small integers, compiled once per path: integers.c includes this file with PATH(name), ROWS and `PATH(sums)` defined.

// Levels of one group of one row: the largest in size becomes 127, halves go to the even level. What is not finite makes the scale a NaN.
static inline __attribute__((always_inline)) void PATH(group)(
    const float *x, size_t group, int8_t *levels, float *scale, int32_t *start) {
  i16 top = (i16)0;
  for (size_t i = 0; i < group; i += 16) {
    f16 v;
    __builtin_memcpy(&v, x + i, sizeof v);
    top = __builtin_elementwise_max(top, (i16)v & 0x7FFFFFFF);
  }
  const int32_t bits = __builtin_reduce_max(top);
  float largest;
  __builtin_memcpy(&largest, &bits, sizeof largest);
  // Below this size a quotient could overflow; such a group is nothing.
  const int none = bits < 0x10000000, wrong = bits >= 0x7F800000;
  const float inverse = none || wrong ? 0.0f : 127.0f / largest;
  *scale = wrong ? __builtin_nanf("") : none ? 0.0f : largest / 127.0f;
  i16 sum = (i16)0;
  for (size_t i = 0; i < group; i += 16) {
    f16 v;
    __builtin_memcpy(&v, x + i, sizeof v);
    // Adding 1.5 * 2^23 rounds to the nearest integer in the low bits; a NaN times zero is cut to what fits.
    const i16 level = (i16)(v * inverse + 12582912.0f) - (i16)(f16)12582912.0f;
    const i16 kept = wrong ? (i16)0 : level;
    const b16 bytes = __builtin_convertvector(kept, b16);
    __builtin_memcpy(levels + i, &bytes, sizeof bytes);
    sum += kept;
  }
  *start = -128 * __builtin_reduce_add(sum);
}

static void PATH(quantize)(
    const float *x, size_t ldx, size_t m, size_t k, size_t group, size_t first, size_t count, int8_t *levels, float *scales, int32_t *starts) {
  float edge[UNMASK_GROUP + 16];
  int8_t out[UNMASK_GROUP + 16];
  const size_t groups = (k + group - 1) / group;
  for (size_t row = first; row < first + count; row++) {
    for (size_t g = 0; g < groups; g++) {
      const size_t at = g * m + row, size = k - g * group < group ? k - g * group : group;
      const float *from = x + row * ldx + g * group;
      if (size == group && group % 16 == 0) {
        PATH(group)(from, group, levels + at * group, scales + at, starts + at);
      } else {
        __builtin_memset(edge, 0, sizeof edge);
        __builtin_memcpy(edge, from, size * sizeof(float));
        PATH(group)(edge, (group + 15) / 16 * 16, out, scales + at, starts + at);
        __builtin_memcpy(levels + at * group, out, group);
      }
    }
  }
}

// Adds one group's products to y[rows, 32]; the first group begins from zero.
static inline __attribute__((always_inline)) void PATH(finish)(
    const size_t rows, const i16 sums[][2], const float *weightScales, const float *scales, float *y, size_t ldy, int resume) {
  f16 ws[2];
  __builtin_memcpy(ws, weightScales, sizeof ws);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
    const f16 s = (f16)scales[i];
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 2; j++) {
      f16 v = (f16)0.0f;
      float *to = y + i * ldy + 16 * j;
      if (resume) __builtin_memcpy(&v, to, sizeof v);
      v = __builtin_elementwise_fma(__builtin_convertvector(sums[i][j], f16), ws[j] * s, v);
      __builtin_memcpy(to, &v, sizeof v);
    }
  }
}

static inline __attribute__((always_inline)) void PATH(tile)(
    const size_t rows, const int8_t *x, size_t group, const float *scales, const int32_t *starts, const uint8_t *block, float *y, size_t ldy,
    int resume) {
  i16 sums[ROWS][2];
  PATH(sums)(rows, x, group, starts, block + UNMASK_PANEL * sizeof(float), sums);
  PATH(finish)(rows, sums, (const float *)block, scales, y, ldy, resume);
}

static void PATH(part)(
    size_t rows, const int8_t *x, size_t group, const float *scales, const int32_t *starts, const uint8_t *block, float *y, size_t ldy,
    int resume) {
  switch (rows) {
#define CASE(n) case n: PATH(tile)(n < ROWS ? n : ROWS, x, group, scales, starts, block, y, ldy, resume); break;
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11)
#undef CASE
  default: break;
  }
}

static void PATH(multiply)(
    const struct unmask_levels *x, size_t m, size_t row, size_t count, const struct unmask_integers *w, size_t first, size_t panels, float *y,
    size_t ldy) {
  const size_t group = w->group, size = INTEGER_BLOCK(group), rows = INTEGER_ROWS(w), behind = row + count;
  for (size_t m0 = row; m0 < behind; m0 += rows) {
    const size_t end = behind - m0 < rows ? behind : m0 + rows;
    for (size_t panel = 0; panel < panels; panel++) {
      const uint8_t *block = w->blocks + (first + panel) * w->groups * size;
      for (size_t g = 0; g < w->groups; g++, block += size) {
        // Blocks to come are on their way while this one is used.
        for (size_t i = 0; i < size; i += 64) __builtin_prefetch(block + 3 * size + i, 0, 2);
        size_t i = m0;
        for (; i + ROWS <= end; i += ROWS)
          PATH(tile)(ROWS, x->levels + (g * m + i) * group, group, x->scales + g * m + i, x->starts + g * m + i, block, y + (i - row) * ldy + panel * UNMASK_PANEL, ldy, g > 0);
        PATH(part)(end - i, x->levels + (g * m + i) * group, group, x->scales + g * m + i, x->starts + g * m + i, block, y + (i - row) * ldy + panel * UNMASK_PANEL, ldy, g > 0);
      }
    }
  }
}
