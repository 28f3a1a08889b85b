// Loss and gradient of the reference model on packed sequences, for processors with AMX bfloat16 tiles. One call runs on one thread.
//
// The same arithmetic as model.py under bfloat16 autocast: weights and activations enter matrix products as bfloat16, sums, norms, softmax and the
// residual stream are float32. Sequences of any lengths lie end to end, so nothing is padded; the head sees only the rows that carry a weight.
// M rows, D width, H hidden, V vocabulary; every size is a multiple of 32 but M and V.
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef uint16_t bf;
typedef struct { int vocab, width, layers, heads, hidden; } Shape;
enum { HEAD = 32, PANEL = 32 };

static inline int up32(int n) { return (n + 31) & ~31; }
static inline __m512 widen(const bf *p) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p)), 16)); }
static inline void narrow(bf *p, __m512 x) { _mm256_storeu_si256((void *)p, (__m256i)_mm512_cvtneps_pbh(x)); }

// ---- tiles: A is 16 rows of 32; B is 16 pairs of rows by 16 columns; C is 16 x 16 floats ----

int tiles_ready(void) { return syscall(SYS_arch_prctl, 0x1023, 18) == 0; }  // ARCH_REQ_XCOMP_PERM, XTILEDATA

static void tiles_on(void) {
  struct { uint8_t palette, start; uint8_t pad[14]; uint16_t bytes[16]; uint8_t rows[16]; } c;
  memset(&c, 0, sizeof c);
  c.palette = 1;
  for (int t = 0; t < 8; t++) c.bytes[t] = 64, c.rows[t] = 16;
  _tile_loadconfig(&c);
}

// C[32][N] (+)= A[32][K] B, with B packed as N/16 x K/32 tiles. N and K are multiples of 32.
static void panel(const bf *a, int lda, int K, const bf *b, int N, float *c, int ldc, int add) {
  for (int n = 0; n < N; n += 32) {
    float *c0 = c + n, *c1 = c + 16 * (size_t)ldc + n;
    if (add) {
      _tile_loadd(0, c0, ldc * 4); _tile_loadd(1, c0 + 16, ldc * 4); _tile_loadd(2, c1, ldc * 4); _tile_loadd(3, c1 + 16, ldc * 4);
    } else {
      _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3);
    }
    const bf *b0 = b + (size_t)(n / 16) * (K / 32) * 512, *b1 = b0 + (size_t)(K / 32) * 512;
    for (int k = 0; k < K; k += 32, b0 += 512, b1 += 512) {
      _tile_loadd(4, a + k, lda * 2); _tile_loadd(5, a + 16 * (size_t)lda + k, lda * 2);
      _tile_loadd(6, b0, 64); _tile_loadd(7, b1, 64);
      _tile_dpbf16ps(0, 4, 6); _tile_dpbf16ps(1, 4, 7); _tile_dpbf16ps(2, 5, 6); _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c0, ldc * 4); _tile_stored(1, c0 + 16, ldc * 4); _tile_stored(2, c1, ldc * 4); _tile_stored(3, c1 + 16, ldc * 4);
  }
}

// 16 rows of 16 32-bit words, `stride` words apart, transposed to 16 x 16 words in a row: pairs of words, of pairs, and so on are exchanged.
static inline void turn(const uint32_t *p, size_t stride, uint32_t *out) {
  __m512i a[16], b[16];
  for (int i = 0; i < 16; i++) a[i] = _mm512_loadu_si512(p + i * stride);
  for (int i = 0; i < 16; i += 2) b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]), b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; j++)
      a[i + 2 * j] = _mm512_unpacklo_epi64(b[i + j], b[i + j + 2]), a[i + 2 * j + 1] = _mm512_unpackhi_epi64(b[i + j], b[i + j + 2]);
  for (int i = 0; i < 16; i += 8)
    for (int j = 0; j < 4; j++)
      b[i + j] = _mm512_shuffle_i32x4(a[i + j], a[i + j + 4], 0x88), b[i + j + 4] = _mm512_shuffle_i32x4(a[i + j], a[i + j + 4], 0xdd);
  for (int j = 0; j < 8; j++) {
    _mm512_storeu_si512(out + 16 * j, _mm512_shuffle_i32x4(b[j], b[j + 8], 0x88));
    _mm512_storeu_si512(out + 16 * (j + 8), _mm512_shuffle_i32x4(b[j], b[j + 8], 0xdd));
  }
}

// B tiles of W^T for W[N][K]: pairs along K.
static void pack_across(const bf *w, int ldw, int N, int K, bf *out) {
  for (int n = 0; n < N; n += 16)
    for (int k = 0; k < K; k += 32, out += 512) turn((const uint32_t *)(w + (size_t)n * ldw + k), ldw / 2, (uint32_t *)out);
}

static inline void braid(const bf *even, const bf *odd, uint32_t *out) {  // 16 columns of two rows, in pairs
  __m512i e = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)even)), o = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)odd));
  _mm512_storeu_si512(out, _mm512_or_si512(e, _mm512_slli_epi32(o, 16)));
}

// B tiles of X[K][N] itself: pairs of rows.
static void pack_down(const bf *x, int ldx, int K, int N, bf *out) {
  for (int n = 0; n < N; n += 16)
    for (int k = 0; k < K; k += 32, out += 512)
      for (int i = 0; i < 16; i++) braid(x + (size_t)(k + 2 * i) * ldx + n, x + (size_t)(k + 2 * i + 1) * ldx + n, (uint32_t *)out + 16 * i);
}

// X[M][N] transposed to out[N][M].
static void transpose(const bf *x, int ldx, int M, int N, bf *out, int ldo) {
  uint32_t pairs[256], turned[256];
  for (int m = 0; m < M; m += 32)
    for (int n = 0; n < N; n += 16) {
      for (int i = 0; i < 16; i++) braid(x + (size_t)(m + 2 * i) * ldx + n, x + (size_t)(m + 2 * i + 1) * ldx + n, pairs + 16 * i);
      turn(pairs, 16, turned);
      for (int i = 0; i < 16; i++) memcpy(out + (size_t)(n + i) * ldo + m, turned + 16 * i, 64);
    }
}

// ---- the workspace ----

typedef struct { bf *forward, *backward; } Packed;
typedef struct { Packed qkv, out, gates, down; } PackedLayer;
typedef struct { float *x, *mid, *scale1, *scale2, *lse; bf *n1, *qkv, *mixed, *n2, *gates, *act; } Saved;
typedef struct {
  Shape s; int room, longest;
  PackedLayer *packed; Packed head; Saved *saved;
  bf *rows, *across, *down, *dact, *dgates, *dx2, *dmixed, *dqkv, *heads, *probs, *probsT, *dlogits, *final, *one;
  float *x, *dx, *wide, *scores, *dscores, *small, *logits, *cosine, *sine, *scalef;
} Work;

static void *take(size_t bytes) { void *p = aligned_alloc(64, (bytes + 4159) / 64 * 64); memset(p, 0, (bytes + 4159) / 64 * 64); return p; }
#define TAKE(T, n) ((T *)take(sizeof(T) * (size_t)(n)))

static Packed packed(size_t n) { return (Packed){TAKE(bf, n), TAKE(bf, n)}; }

Work *work_new(Shape s, int room, int longest, float theta) {
  Work *w = TAKE(Work, 1);
  room = up32(room) + 64; longest = up32(longest);
  size_t D = s.width, H = s.hidden, V = up32(s.vocab), L = longest, M = room;
  *w = (Work){.s = s, .room = room, .longest = longest, .packed = TAKE(PackedLayer, s.layers), .saved = TAKE(Saved, s.layers)};
  for (int l = 0; l < s.layers; l++) {
    w->packed[l] = (PackedLayer){packed(3 * D * D), packed(D * D), packed(2 * H * D), packed(H * D)};
    w->saved[l] = (Saved){TAKE(float, M * D), TAKE(float, M * D), TAKE(float, M), TAKE(float, M), TAKE(float, M * s.heads), TAKE(bf, M * D),
                          TAKE(bf, 3 * M * D), TAKE(bf, M * D), TAKE(bf, M * D), TAKE(bf, 2 * M * H), TAKE(bf, M * H)};
  }
  w->head = packed(V * D);
  size_t widest = V > 3 * D ? V : 3 * D;
  if (2 * H > widest) widest = 2 * H;
  w->rows = TAKE(bf, widest * (D > H ? D : H)); w->across = TAKE(bf, widest * 512); w->down = TAKE(bf, 512 * (D > H ? D : H));
  w->dact = TAKE(bf, M * D); w->dgates = TAKE(bf, 2 * M * H); w->dx2 = TAKE(bf, M * D); w->dmixed = TAKE(bf, M * D); w->dqkv = TAKE(bf, 3 * M * D);
  w->heads = TAKE(bf, L * HEAD * 12); w->probs = TAKE(bf, L * L); w->probsT = TAKE(bf, L * L); w->one = TAKE(bf, L * L);
  w->dlogits = TAKE(bf, M * V); w->final = TAKE(bf, M * D); w->scalef = TAKE(float, M);
  w->x = TAKE(float, M * D); w->dx = TAKE(float, M * D); w->wide = TAKE(float, PANEL * widest);
  w->scores = TAKE(float, L * L); w->dscores = TAKE(float, L * L); w->small = TAKE(float, L * HEAD); w->logits = TAKE(float, PANEL * V);
  w->cosine = TAKE(float, L * HEAD / 2); w->sine = TAKE(float, L * HEAD / 2);
  for (int t = 0; t < longest; t++)
    for (int i = 0; i < HEAD / 2; i++) {
      double angle = t * pow(theta, -i / (HEAD / 2.0));
      w->cosine[t * HEAD / 2 + i] = cos(angle); w->sine[t * HEAD / 2 + i] = sin(angle);
    }
  return w;
}

// ---- weights: wte, then per layer attn_norm q k v o ff_norm gate up down, then ln_f and head ----

static void pack_weights(Work *w, float **parts, int count, int N, int K, Packed out) {  // parts stacked along N; `N` rows each
  for (int p = 0; p < count; p++)
    for (int i = 0; i < N; i++)
      for (int k = 0; k < K; k += 16) narrow(w->rows + (size_t)(p * N + i) * K + k, _mm512_loadu_ps(parts[p] + (size_t)i * K + k));
  int all = up32(count * N);
  memset(w->rows + (size_t)count * N * K, 0, sizeof(bf) * (size_t)(all - count * N) * K);
  pack_across(w->rows, K, all, K, out.forward);
  pack_down(w->rows, K, all, K, out.backward);
}

void work_load(Work *w, float **p) {
  Shape s = w->s;
  for (int l = 0; l < s.layers; l++) {
    float **q = p + 1 + 9 * l;
    pack_weights(w, q + 1, 3, s.width, s.width, w->packed[l].qkv);
    pack_weights(w, q + 4, 1, s.width, s.width, w->packed[l].out);
    pack_weights(w, q + 6, 2, s.hidden, s.width, w->packed[l].gates);
    pack_weights(w, q + 8, 1, s.width, s.hidden, w->packed[l].down);
  }
  pack_weights(w, p + 2 + 9 * s.layers, 1, s.vocab, s.width, w->head);
}

// ---- pieces ----

static void norm(const float *x, const float *gain, int D, bf *out, float *scale) {
  __m512 sum = _mm512_setzero_ps();
  for (int i = 0; i < D; i += 16) { __m512 v = _mm512_loadu_ps(x + i); sum = _mm512_fmadd_ps(v, v, sum); }
  float r = 1 / sqrtf(_mm512_reduce_add_ps(sum) / D + 1e-5f);
  *scale = r;
  for (int i = 0; i < D; i += 16) narrow(out + i, _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(x + i), _mm512_set1_ps(r)), _mm512_loadu_ps(gain + i)));
}

// dx (+)= the gradient through a norm of dy; dgain += its own.
static void norm_back(const float *x, const float *gain, float r, const float *dy, int D, float *dx, float *dgain) {
  __m512 dot = _mm512_setzero_ps(), R = _mm512_set1_ps(r);
  for (int i = 0; i < D; i += 16) {
    __m512 hat = _mm512_mul_ps(_mm512_loadu_ps(x + i), R), g = _mm512_loadu_ps(dy + i);
    _mm512_storeu_ps(dgain + i, _mm512_fmadd_ps(g, hat, _mm512_loadu_ps(dgain + i)));
    dot = _mm512_fmadd_ps(_mm512_mul_ps(g, _mm512_loadu_ps(gain + i)), hat, dot);
  }
  __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(dot) / D);
  for (int i = 0; i < D; i += 16) {
    __m512 hat = _mm512_mul_ps(_mm512_loadu_ps(x + i), R), g = _mm512_mul_ps(_mm512_loadu_ps(dy + i), _mm512_loadu_ps(gain + i));
    _mm512_storeu_ps(dx + i, _mm512_fmadd_ps(_mm512_sub_ps(g, _mm512_mul_ps(hat, mean)), R, _mm512_loadu_ps(dx + i)));
  }
}

static inline __m512 exponential(__m512 x) {  // relative error below 2e-7 on [-80, 80]
  x = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(80)), _mm512_set1_ps(-80));
  __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 0);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x));
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  const float c[] = {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
  for (int i = 0; i < 5; i++) p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c[i]));
  p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1)));
  return _mm512_scalef_ps(p, n);
}

// dW[N][K] += dY[M][N]^T X[M][K]; M is a multiple of 32, rows beyond the data are zero in one of them.
static void weight_gradient(Work *w, const bf *dy, int N, const bf *x, int K, int M, float **dw, int each) {
  for (int m = 0; m < M; m += 512) {
    int some = M - m < 512 ? M - m : 512;
    transpose(dy + (size_t)m * N, N, some, N, w->across, some);
    pack_down(x + (size_t)m * K, K, some, K, w->down);
    for (int n = 0; n < N; n += 32) panel(w->across + (size_t)n * some, some, some, w->down, K, dw[n / each] + (size_t)(n % each) * K, K, 1);
  }
}

static void gather_head(const bf *rows, int ld, int T, int L, bf *out) {  // [T][32] of one head, zero below
  for (int t = 0; t < T; t++) memcpy(out + t * HEAD, rows + (size_t)t * ld, 2 * HEAD);
  memset(out + T * HEAD, 0, sizeof(bf) * (L - T) * HEAD);
}

// P (bfloat16, [L][L]) of one head from packed keys; log-sum-exp per row. With `known`, the log-sum-exp is given and float P is left in scores.
static void probabilities(Work *w, const bf *q, const bf *keys, int T, int L, float *lse, int known) {
  const __m512 scale = _mm512_set1_ps(1 / sqrtf(HEAD));
  for (int i = 0; i < L; i += 32) panel(q + i * HEAD, HEAD, HEAD, keys, L, w->scores + (size_t)i * L, L, 0);
  for (int i = 0; i < T; i++) {
    float *row = w->scores + (size_t)i * L;
    if (!known) {
      __m512 top = _mm512_set1_ps(-1e30f), sum = _mm512_setzero_ps();
      for (int j = 0; j < T; j += 16) {
        __mmask16 m = T - j >= 16 ? 0xffff : (1u << (T - j)) - 1;
        top = _mm512_mask_max_ps(top, m, top, _mm512_mul_ps(_mm512_loadu_ps(row + j), scale));
      }
      __m512 peak = _mm512_set1_ps(_mm512_reduce_max_ps(top));
      for (int j = 0; j < T; j += 16) {
        __mmask16 m = T - j >= 16 ? 0xffff : (1u << (T - j)) - 1;
        __m512 e = _mm512_maskz_mov_ps(m, exponential(_mm512_fmsub_ps(_mm512_loadu_ps(row + j), scale, peak)));
        _mm512_storeu_ps(row + j, e);
        sum = _mm512_add_ps(sum, e);
      }
      float total = _mm512_reduce_add_ps(sum);
      lse[i] = _mm512_cvtss_f32(peak) + logf(total);
      for (int j = 0; j < L; j += 16) narrow(w->probs + (size_t)i * L + j, j < T ? _mm512_mul_ps(_mm512_loadu_ps(row + j), _mm512_set1_ps(1 / total)) : _mm512_setzero_ps());
    } else
      for (int j = 0; j < L; j += 16) {
        __mmask16 m = T - j >= 16 ? 0xffff : T <= j ? 0 : (1u << (T - j)) - 1;
        __m512 e = _mm512_maskz_mov_ps(m, exponential(_mm512_fmsub_ps(_mm512_loadu_ps(row + j), scale, _mm512_set1_ps(lse[i]))));
        _mm512_storeu_ps(row + j, e);
        narrow(w->probs + (size_t)i * L + j, e);
      }
  }
  for (int i = T; i < L; i++) memset(w->probs + (size_t)i * L, 0, sizeof(bf) * L);
}

static void attend(Work *w, Saved *z, int first, int T) {
  int D = w->s.width, L = up32(T);
  bf *q = w->heads, *v = q + L * HEAD, *keys = v + L * HEAD, *values = keys + L * HEAD;
  for (int h = 0; h < w->s.heads; h++) {
    const bf *at = z->qkv + (size_t)first * 3 * D + h * HEAD;
    gather_head(at, 3 * D, T, L, q);
    gather_head(at + D, 3 * D, T, L, v);
    pack_across(v, HEAD, L, HEAD, keys);
    gather_head(at + 2 * D, 3 * D, T, L, v);
    pack_down(v, HEAD, L, HEAD, values);
    probabilities(w, q, keys, T, L, z->lse + (size_t)h * w->room + first, 0);
    for (int i = 0; i < L; i += 32) panel(w->probs + (size_t)i * L, L, L, values, HEAD, w->small + i * HEAD, HEAD, 0);
    for (int i = 0; i < T; i++)
      for (int d = 0; d < HEAD; d += 16) narrow(z->mixed + (size_t)(first + i) * D + h * HEAD + d, _mm512_loadu_ps(w->small + i * HEAD + d));
  }
}

static void unrotate(const Work *w, const float *g, int t, bf *out) {  // the gradient before the rotation by position t
  __m512 a = _mm512_loadu_ps(g), b = _mm512_loadu_ps(g + 16), c = _mm512_loadu_ps(w->cosine + t * 16), s = _mm512_loadu_ps(w->sine + t * 16);
  narrow(out, _mm512_fmadd_ps(b, s, _mm512_mul_ps(a, c)));
  narrow(out + 16, _mm512_fnmadd_ps(a, s, _mm512_mul_ps(b, c)));
}

static void attend_back(Work *w, Saved *z, int first, int T) {
  int D = w->s.width, L = up32(T), n = L * HEAD;
  bf *q = w->heads, *k = q + n, *v = k + n, *g = v + n, *keys = g + n, *values = keys + n, *down = values + n;
  const __m512 scale = _mm512_set1_ps(1 / sqrtf(HEAD));
  for (int h = 0; h < w->s.heads; h++) {
    const bf *at = z->qkv + (size_t)first * 3 * D + h * HEAD;
    bf *out = w->dqkv + (size_t)first * 3 * D + h * HEAD;
    gather_head(at, 3 * D, T, L, q);
    gather_head(at + D, 3 * D, T, L, k);
    gather_head(at + 2 * D, 3 * D, T, L, v);
    gather_head(w->dmixed + (size_t)first * D + h * HEAD, D, T, L, g);
    pack_across(k, HEAD, L, HEAD, keys);
    pack_across(v, HEAD, L, HEAD, values);
    probabilities(w, q, keys, T, L, z->lse + (size_t)h * w->room + first, 1);
    transpose(w->probs, L, L, L, w->probsT, L);
    pack_down(g, HEAD, L, HEAD, down);
    for (int i = 0; i < L; i += 32) panel(w->probsT + (size_t)i * L, L, L, down, HEAD, w->small + i * HEAD, HEAD, 0);
    for (int i = 0; i < T; i++)
      for (int d = 0; d < HEAD; d += 16) narrow(out + (size_t)i * 3 * D + 2 * D + d, _mm512_loadu_ps(w->small + i * HEAD + d));
    for (int i = 0; i < L; i += 32) panel(g + i * HEAD, HEAD, HEAD, values, L, w->dscores + (size_t)i * L, L, 0);
    for (int i = 0; i < L; i++) {
      float *dp = w->dscores + (size_t)i * L, *p = w->scores + (size_t)i * L;
      if (i >= T) { memset(w->one + (size_t)i * L, 0, sizeof(bf) * L); continue; }
      __m512 dot = _mm512_setzero_ps();
      for (int j = 0; j < L; j += 16) dot = _mm512_fmadd_ps(_mm512_loadu_ps(dp + j), _mm512_loadu_ps(p + j), dot);
      __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(dot));
      for (int j = 0; j < L; j += 16)
        narrow(w->one + (size_t)i * L + j, _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(p + j), scale), _mm512_sub_ps(_mm512_loadu_ps(dp + j), mean)));
    }
    pack_down(k, HEAD, L, HEAD, down);
    for (int i = 0; i < L; i += 32) panel(w->one + (size_t)i * L, L, L, down, HEAD, w->small + i * HEAD, HEAD, 0);
    for (int i = 0; i < T; i++) unrotate(w, w->small + i * HEAD, i, out + (size_t)i * 3 * D);
    transpose(w->one, L, L, L, w->probsT, L);
    pack_down(q, HEAD, L, HEAD, down);
    for (int i = 0; i < L; i += 32) panel(w->probsT + (size_t)i * L, L, L, down, HEAD, w->small + i * HEAD, HEAD, 0);
    for (int i = 0; i < T; i++) unrotate(w, w->small + i * HEAD, i, out + (size_t)i * 3 * D + D);
  }
}

static void layer_forward(Work *w, float **p, int l, const int *starts, int sequences, int M, const int *place) {
  int D = w->s.width, H = w->s.hidden;
  Saved *z = w->saved + l;
  memcpy(z->x, w->x, sizeof(float) * (size_t)M * D);
  for (int m = 0; m < M; m += PANEL) {
    for (int i = m; i < m + PANEL; i++) norm(z->x + (size_t)i * D, p[0], D, z->n1 + (size_t)i * D, z->scale1 + i);
    panel(z->n1 + (size_t)m * D, D, D, w->packed[l].qkv.forward, 3 * D, w->wide, 3 * D, 0);
    for (int i = 0; i < PANEL; i++)
      for (int j = 0; j < 3 * D; j += HEAD) {
        const float *r = w->wide + (size_t)i * 3 * D + j;
        __m512 a = _mm512_loadu_ps(r), b = _mm512_loadu_ps(r + 16);
        if (j < 2 * D) {
          __m512 c = _mm512_loadu_ps(w->cosine + place[m + i] * 16), s = _mm512_loadu_ps(w->sine + place[m + i] * 16), t = a;
          a = _mm512_fnmadd_ps(b, s, _mm512_mul_ps(a, c));
          b = _mm512_fmadd_ps(t, s, _mm512_mul_ps(b, c));
        }
        bf *o = z->qkv + (size_t)(m + i) * 3 * D + j;
        narrow(o, a); narrow(o + 16, b);
      }
  }
  for (int s = 0; s < sequences; s++) attend(w, z, starts[s], starts[s + 1] - starts[s]);
  for (int m = 0; m < M; m += PANEL) {
    float *mid = z->mid + (size_t)m * D;
    memcpy(mid, z->x + (size_t)m * D, sizeof(float) * PANEL * D);
    panel(z->mixed + (size_t)m * D, D, D, w->packed[l].out.forward, D, mid, D, 1);
    for (int i = m; i < m + PANEL; i++) norm(z->mid + (size_t)i * D, p[5], D, z->n2 + (size_t)i * D, z->scale2 + i);
    panel(z->n2 + (size_t)m * D, D, D, w->packed[l].gates.forward, 2 * H, w->wide, 2 * H, 0);
    for (int i = 0; i < PANEL; i++)
      for (int j = 0; j < H; j += 16) {
        __m512 gate = _mm512_loadu_ps(w->wide + (size_t)i * 2 * H + j), up = _mm512_loadu_ps(w->wide + (size_t)i * 2 * H + H + j);
        bf *o = z->gates + (size_t)(m + i) * 2 * H + j;
        narrow(o, gate); narrow(o + H, up);
        __m512 sigmoid = _mm512_div_ps(_mm512_set1_ps(1), _mm512_add_ps(_mm512_set1_ps(1), exponential(_mm512_sub_ps(_mm512_setzero_ps(), gate))));
        narrow(z->act + (size_t)(m + i) * H + j, _mm512_mul_ps(_mm512_mul_ps(gate, sigmoid), up));
      }
    float *x = w->x + (size_t)m * D;
    memcpy(x, mid, sizeof(float) * PANEL * D);
    panel(z->act + (size_t)m * H, H, H, w->packed[l].down.forward, D, x, D, 1);
  }
}

static void layer_back(Work *w, float **p, float **g, int l, const int *starts, int sequences, int M) {
  int D = w->s.width, H = w->s.hidden;
  Saved *z = w->saved + l;
  for (int m = 0; m < M; m += PANEL) {
    for (int i = 0; i < PANEL * D; i += 16) narrow(w->dact + (size_t)m * D + i, _mm512_loadu_ps(w->dx + (size_t)m * D + i));
    panel(w->dact + (size_t)m * D, D, D, w->packed[l].down.backward, H, w->wide, H, 0);
    for (int i = 0; i < PANEL; i++)
      for (int j = 0; j < H; j += 16) {
        const bf *at = z->gates + (size_t)(m + i) * 2 * H + j;
        __m512 gate = widen(at), up = widen(at + H), d = _mm512_loadu_ps(w->wide + (size_t)i * H + j), one = _mm512_set1_ps(1);
        __m512 s = _mm512_div_ps(one, _mm512_add_ps(one, exponential(_mm512_sub_ps(_mm512_setzero_ps(), gate)))), silu = _mm512_mul_ps(gate, s);
        bf *o = w->dgates + (size_t)(m + i) * 2 * H + j;
        narrow(o, _mm512_mul_ps(_mm512_mul_ps(d, up), _mm512_fmadd_ps(silu, _mm512_sub_ps(one, s), s)));
        narrow(o + H, _mm512_mul_ps(d, silu));
      }
    panel(w->dgates + (size_t)m * 2 * H, 2 * H, 2 * H, w->packed[l].gates.backward, D, w->wide, D, 0);
    for (int i = 0; i < PANEL; i++)
      norm_back(z->mid + (size_t)(m + i) * D, p[5], z->scale2[m + i], w->wide + (size_t)i * D, D, w->dx + (size_t)(m + i) * D, g[5]);
    for (int i = 0; i < PANEL * D; i += 16) narrow(w->dx2 + (size_t)m * D + i, _mm512_loadu_ps(w->dx + (size_t)m * D + i));
    panel(w->dx2 + (size_t)m * D, D, D, w->packed[l].out.backward, D, w->wide, D, 0);
    for (int i = 0; i < PANEL * D; i += 16) narrow(w->dmixed + (size_t)m * D + i, _mm512_loadu_ps(w->wide + i));
  }
  weight_gradient(w, w->dact, D, z->act, H, M, g + 8, D);
  weight_gradient(w, w->dgates, 2 * H, z->n2, D, M, g + 6, H);
  weight_gradient(w, w->dx2, D, z->mixed, D, M, g + 4, D);
  for (int s = 0; s < sequences; s++) attend_back(w, z, starts[s], starts[s + 1] - starts[s]);
  memset(w->dqkv + (size_t)starts[sequences] * 3 * D, 0, sizeof(bf) * 3 * D * (M - starts[sequences]));
  for (int m = 0; m < M; m += PANEL) {
    panel(w->dqkv + (size_t)m * 3 * D, 3 * D, 3 * D, w->packed[l].qkv.backward, D, w->wide, D, 0);
    for (int i = 0; i < PANEL; i++)
      norm_back(z->x + (size_t)(m + i) * D, p[0], z->scale1[m + i], w->wide + (size_t)i * D, D, w->dx + (size_t)(m + i) * D, g[0]);
  }
  weight_gradient(w, w->dqkv, 3 * D, z->n1, D, M, g + 1, D);
}

// Adds the gradient of sum(weights * cross-entropy) to `g` and writes each row's weighted cross-entropy to `losses`. starts: sequences + 1 offsets.
void work_run(Work *w, float **p, float **g, const int *ids, const int *targets, const float *weights, const int *starts, int sequences, float *losses) {
  Shape s = w->s;
  int D = s.width, V = up32(s.vocab), rows = starts[sequences], M = up32(rows), kept = 0;
  int *place = TAKE(int, M), *which = TAKE(int, M + PANEL);
  float **tail = p + 1 + 9 * s.layers, **gtail = g + 1 + 9 * s.layers;
  tiles_on();
  for (int q = 0; q < sequences; q++)
    for (int i = starts[q]; i < starts[q + 1]; i++) place[i] = i - starts[q];
  for (int i = 0; i < rows; i++) memcpy(w->x + (size_t)i * D, p[0] + (size_t)ids[i] * D, sizeof(float) * D);
  memset(w->x + (size_t)rows * D, 0, sizeof(float) * D * (M - rows));
  for (int l = 0; l < s.layers; l++) layer_forward(w, p + 1 + 9 * l, l, starts, sequences, M, place);

  memset(losses, 0, sizeof(float) * rows);
  memset(w->dx, 0, sizeof(float) * (size_t)M * D);
  for (int i = 0; i < rows; i++) if (weights[i] > 0) which[kept++] = i;
  int K = up32(kept);
  for (int i = 0; i < K; i++) {
    if (i < kept) norm(w->x + (size_t)which[i] * D, tail[0], D, w->final + (size_t)i * D, w->scalef + i);
    else memset(w->final + (size_t)i * D, 0, sizeof(bf) * D);
  }
  for (int m = 0; m < K; m += PANEL) {
    panel(w->final + (size_t)m * D, D, D, w->head.forward, V, w->logits, V, 0);
    for (int i = 0; i < PANEL; i++) {
      bf *o = w->dlogits + (size_t)(m + i) * V;
      if (m + i >= kept) { memset(o, 0, sizeof(bf) * V); continue; }
      float *row = w->logits + (size_t)i * V, weight = weights[which[m + i]], right = row[targets[which[m + i]]];
      for (int j = s.vocab; j < V; j++) row[j] = -1e30f;
      __m512 top = _mm512_set1_ps(-1e30f), sum = _mm512_setzero_ps();
      for (int j = 0; j < V; j += 16) top = _mm512_max_ps(top, _mm512_loadu_ps(row + j));
      __m512 peak = _mm512_set1_ps(_mm512_reduce_max_ps(top));
      for (int j = 0; j < V; j += 16) {
        __m512 e = exponential(_mm512_sub_ps(_mm512_loadu_ps(row + j), peak));
        _mm512_storeu_ps(row + j, e);
        sum = _mm512_add_ps(sum, e);
      }
      float total = _mm512_reduce_add_ps(sum);
      losses[which[m + i]] = weight * (logf(total) + _mm512_cvtss_f32(peak) - right);
      row[targets[which[m + i]]] -= total;
      for (int j = 0; j < V; j += 16) narrow(o + j, _mm512_mul_ps(_mm512_loadu_ps(row + j), _mm512_set1_ps(weight / total)));
    }
    panel(w->dlogits + (size_t)m * V, V, V, w->head.backward, D, w->wide, D, 0);
    for (int i = 0; i < PANEL && m + i < kept; i++)
      norm_back(w->x + (size_t)which[m + i] * D, tail[0], w->scalef[m + i], w->wide + (size_t)i * D, D, w->dx + (size_t)which[m + i] * D, gtail[0]);
  }
  weight_gradient(w, w->dlogits, V, w->final, D, K, gtail + 1, V);
  for (int l = s.layers - 1; l >= 0; l--) layer_back(w, p + 1 + 9 * l, g + 1 + 9 * l, l, starts, sequences, M);
  for (int i = 0; i < rows; i++) {
    float *e = g[0] + (size_t)ids[i] * D;
    for (int j = 0; j < D; j += 16) _mm512_storeu_ps(e + j, _mm512_add_ps(_mm512_loadu_ps(e + j), _mm512_loadu_ps(w->dx + (size_t)i * D + j)));
  }
  _tile_release();
  free(place); free(which);
}

// The nearest semi-orthogonal matrix to g[rows][cols], by five Newton-Schulz steps in bfloat16 (Muon, Jordan et al. 2024).
void orthogonal(const float *g, int rows, int cols, float *out) {
  int tall = rows > cols, n = tall ? cols : rows, m = tall ? rows : cols;
  bf *x = TAKE(bf, n * m), *a = TAKE(bf, n * n), *b = TAKE(bf, n * n), *tiles = TAKE(bf, n * m);
  float *wide = TAKE(float, PANEL * m), *y = TAKE(float, n * m);
  tiles_on();
  double sum = 1e-14;
  for (int i = 0; i < rows * cols; i++) sum += (double)g[i] * g[i];
  float scale = 1 / sqrt(sum);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < m; k++) y[i * m + k] = scale * (tall ? g[k * cols + i] : g[i * cols + k]);
  for (int turn = 0; turn < 5; turn++) {
    for (int i = 0; i < n * m; i += 16) narrow(x + i, _mm512_loadu_ps(y + i));
    pack_across(x, m, n, m, tiles);
    for (int i = 0; i < n; i += PANEL) {
      panel(x + i * m, m, m, tiles, n, wide, n, 0);
      for (int j = 0; j < PANEL * n; j += 16) narrow(a + i * n + j, _mm512_loadu_ps(wide + j));
    }
    pack_across(a, n, n, n, tiles);
    for (int i = 0; i < n; i += PANEL) {
      panel(a + i * n, n, n, tiles, n, wide, n, 0);
      for (int j = 0; j < PANEL * n; j += 16)
        narrow(b + i * n + j, _mm512_fmadd_ps(_mm512_set1_ps(2.0315f), _mm512_loadu_ps(wide + j), _mm512_mul_ps(_mm512_set1_ps(-4.7750f), widen(a + i * n + j))));
    }
    pack_down(x, m, n, m, tiles);
    for (int i = 0; i < n; i += PANEL) {
      panel(b + i * n, n, n, tiles, m, wide, m, 0);
      for (int j = 0; j < PANEL * m; j += 16) _mm512_storeu_ps(y + i * m + j, _mm512_fmadd_ps(_mm512_set1_ps(3.4445f), widen(x + i * m + j), _mm512_loadu_ps(wide + j)));
    }
  }
  for (int i = 0; i < n; i++)
    for (int k = 0; k < m; k++) out[tall ? k * cols + i : i * cols + k] = y[i * m + k];
  _tile_release();
  free(x); free(a); free(b); free(tiles); free(wide); free(y);
}
