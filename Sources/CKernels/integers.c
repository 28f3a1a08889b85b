// Products of small integers: a group's sum is an exact 32-bit integer, which every instruction set finds alike.
#include "CKernels.h"
#include "paths.h"

#include <string.h>

#pragma clang fp contract(off)
#pragma clang diagnostic ignored "-Wpsabi"

typedef float f16 __attribute__((ext_vector_type(16)));
typedef int32_t i16 __attribute__((ext_vector_type(16)));
typedef int8_t b16 __attribute__((ext_vector_type(16)));

// Bytes of one panel's group: 32 scales, then [group / 4][32][4] levels + 128.
#define INTEGER_BLOCK(group) (UNMASK_PANEL * (sizeof(float) + (group)))
// Rows whose levels stay in the second-level cache: about 768 KB.
#define INTEGER_ROWS(w) ((768 << 10) / ((w)->groups * (w)->group + 1) / 48 * 48 + 48)

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"))), apply_to = function)
#define PATH(name) vnni_##name
#define ROWS 12
static inline __attribute__((always_inline)) void vnni_sums(
    const size_t rows, const int8_t *x, size_t group, const int32_t *starts, const uint8_t *w, i16 sums[][2]) {
  __m512i s[12][2];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) s[i][0] = s[i][1] = _mm512_set1_epi32(starts[i]);
  for (size_t p = 0; p < group; p += 4) {
    const __m512i low = _mm512_loadu_si512(w + p * UNMASK_PANEL), high = _mm512_loadu_si512(w + p * UNMASK_PANEL + 64);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
      int32_t four;
      memcpy(&four, x + i * group + p, sizeof four);
      const __m512i a = _mm512_set1_epi32(four);
      s[i][0] = _mm512_dpbusd_epi32(s[i][0], low, a);
      s[i][1] = _mm512_dpbusd_epi32(s[i][1], high, a);
    }
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
    sums[i][0] = (i16)s[i][0];
    sums[i][1] = (i16)s[i][1];
  }
}
#include "integers.h"
#undef ROWS
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("amx-tile,amx-int8,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"))), apply_to = function)
#include "tiles.h"
#undef PATH
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define PATH(name) avx2_##name
#define ROWS 4
// Bytes widened to pairs of 16 bits: 255 * 127 * 2 would not fit where bytes are multiplied directly.
static inline __attribute__((always_inline)) void avx2_sums(
    const size_t rows, const int8_t *x, size_t group, const int32_t *starts, const uint8_t *w, i16 sums[][2]) {
  const __m256i even = _mm256_set1_epi16(0xFF);
#pragma clang loop unroll(full)
  for (size_t half = 0; half < 2; half++) {
    __m256i s[4][2];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) s[i][0] = s[i][1] = _mm256_set1_epi32(starts[i]);
    for (size_t p = 0; p < group; p += 4) {
      const __m256i *from = (const __m256i *)(w + p * UNMASK_PANEL + 64 * half);
      const __m256i low = _mm256_loadu_si256(from), high = _mm256_loadu_si256(from + 1);
      const __m256i low0 = _mm256_and_si256(low, even), low1 = _mm256_srli_epi16(low, 8);
      const __m256i high0 = _mm256_and_si256(high, even), high1 = _mm256_srli_epi16(high, 8);
#pragma clang loop unroll(full)
      for (size_t i = 0; i < rows; i++) {
        int32_t four;
        memcpy(&four, x + i * group + p, sizeof four);
        const __m256i a = _mm256_set1_epi32(four);
        const __m256i a0 = _mm256_srai_epi16(_mm256_slli_epi16(a, 8), 8), a1 = _mm256_srai_epi16(a, 8);
        s[i][0] = _mm256_add_epi32(s[i][0], _mm256_add_epi32(_mm256_madd_epi16(low0, a0), _mm256_madd_epi16(low1, a1)));
        s[i][1] = _mm256_add_epi32(s[i][1], _mm256_add_epi32(_mm256_madd_epi16(high0, a0), _mm256_madd_epi16(high1, a1)));
      }
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) memcpy(&sums[i][half], s[i], sizeof s[i]);
  }
}
#include "integers.h"
#undef ROWS
#undef PATH
#pragma clang attribute pop
#endif

#define PATH(name) portable_##name
#define ROWS 4
// In float32, where products and sums of a group are exact: they stay below 2^24.
static inline __attribute__((always_inline)) void portable_sums(
    const size_t rows, const int8_t *x, size_t group, const int32_t *starts, const uint8_t *w, i16 sums[][2]) {
#pragma clang loop unroll(full)
  for (size_t half = 0; half < 2; half++) {
    f16 s[4];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) s[i] = (f16)(float)starts[i];
    for (size_t p = 0; p < group; p += 4) {
      i16 four;
      memcpy(&four, w + p * UNMASK_PANEL + 64 * half, sizeof four);
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; j++) {
        const f16 b = __builtin_convertvector(four >> 8 * j & 255, f16);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < rows; i++) s[i] += b * (f16)(float)x[i * group + p + j];
      }
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) sums[i][half] = __builtin_convertvector(s[i], i16);
  }
}
#include "integers.h"
#undef ROWS
#undef PATH

void unmask_pack_integers(const int8_t *levels, const float *scales, size_t row, size_t k, size_t group, uint8_t *blocks) {
  const size_t groups = (k + group - 1) / group;
  for (size_t g = 0; g < groups; g++) {
    uint8_t *block = blocks + (row / UNMASK_PANEL * groups + g) * INTEGER_BLOCK(group);
    memcpy(block + row % UNMASK_PANEL * sizeof(float), scales + g, sizeof(float));
    uint8_t *to = block + UNMASK_PANEL * sizeof(float) + row % UNMASK_PANEL * 4;
    for (size_t p = 0; p < group; p += 4) {
      uint32_t four = 0;
      const size_t at = g * group + p;
      if (at < k) memcpy(&four, levels + at, k - at < 4 ? k - at : 4);
      // A level plus 128 is the level with its highest bit turned.
      four ^= 0x80808080u;
      memcpy(to + p * UNMASK_PANEL, &four, sizeof four);
    }
  }
}

#if defined(__x86_64__)
const struct integers vnni_integers = {vnni_quantize, vnni_multiply};
const struct integers amx_integers = {vnni_quantize, amx_multiply};
const struct integers avx2_integers = {avx2_quantize, avx2_multiply};
#endif
const struct integers portable_integers = {portable_quantize, portable_multiply};
