// One vector type for every processor: VL lanes of float32 by the compiler's vector extensions, plus the few operations
// that need an intrinsic. Included only by files that are compiled once for each instruction set, inside its namespace.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <utility>

#if defined(VIT_AVX512) || defined(VIT_AVX2)
#include <immintrin.h>
#elif defined(VIT_NEON)
#include <arm_neon.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif
#include <math.h>

#include "lanes.h"

#define VIT_INLINE static inline __attribute__((always_inline))

namespace VIT_ISA {

typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef uint32_t vu __attribute__((vector_size(VL * 4)));
typedef float vf_any __attribute__((vector_size(VL * 4), aligned(4), may_alias));

VIT_INLINE vf load(const float* p) { return *reinterpret_cast<const vf_any*>(p); }
VIT_INLINE void store(float* p, vf v) { *reinterpret_cast<vf_any*>(p) = v; }
VIT_INLINE vi as_int(vf v) { return reinterpret_cast<vi>(v); }
VIT_INLINE vf as_float(vi v) { return reinterpret_cast<vf>(v); }

#if defined(VIT_AVX512)
VIT_INLINE vf set1(float x) { return _mm512_set1_ps(x); }
VIT_INLINE vf sqrt_v(vf x) { return _mm512_maskz_sqrt_ps(0xFFFF, x); }
VIT_INLINE vf load_n(const float* p, size_t n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
}
VIT_INLINE void store_n(float* p, vf v, size_t n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v);
}
#elif defined(VIT_AVX2)
VIT_INLINE vf set1(float x) { return _mm256_set1_ps(x); }
VIT_INLINE vf sqrt_v(vf x) { return _mm256_sqrt_ps(x); }
VIT_INLINE __m256i first_lanes(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
VIT_INLINE vf load_n(const float* p, size_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
VIT_INLINE void store_n(float* p, vf v, size_t n) { _mm256_maskstore_ps(p, first_lanes(n), v); }
#elif defined(VIT_NEON)
VIT_INLINE vf set1(float x) { return vdupq_n_f32(x); }
VIT_INLINE vf sqrt_v(vf x) { return vsqrtq_f32(x); }
// NEON has no masks: half a vector, then an element.
VIT_INLINE vf load_n(const float* p, size_t n) {
  if (n >= VL) return load(p);
  const float32x2_t zero = vdup_n_f32(0.0f);
  if (n < 2) return vcombine_f32(n == 1 ? vld1_lane_f32(p, zero, 0) : zero, zero);
  return vcombine_f32(vld1_f32(p), n == 3 ? vld1_lane_f32(p + 2, zero, 0) : zero);
}
VIT_INLINE void store_n(float* p, vf v, size_t n) {
  if (n >= VL) return store(p, v);
  if (n >= 2) vst1_f32(p, vget_low_f32(v));
  if (n == 3) p[2] = v[2];
  if (n == 1) p[0] = v[0];
}
#else
VIT_INLINE vf set1(float x) { return vf{x, x, x, x}; }
#if defined(__SSE2__)
VIT_INLINE vf sqrt_v(vf x) { return _mm_sqrt_ps(x); }
#else
VIT_INLINE vf sqrt_v(vf x) { return vf{sqrtf(x[0]), sqrtf(x[1]), sqrtf(x[2]), sqrtf(x[3])}; }
#endif
VIT_INLINE vf load_n(const float* p, size_t n) {
  vf v = set1(0);
  for (size_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
VIT_INLINE void store_n(float* p, vf v, size_t n) {
  for (size_t i = 0; i < n; ++i) p[i] = v[i];
}
#endif

// How the thread treats denormal numbers, and the bits that make it take them, factors and results, as zero.
#if defined(__SSE2__)
typedef unsigned FloatMode;
constexpr FloatMode kFlush = 0x8040;  // FTZ, DAZ
VIT_INLINE FloatMode float_mode() { return _mm_getcsr(); }
VIT_INLINE void set_float_mode(FloatMode mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__)
typedef uint64_t FloatMode;
constexpr FloatMode kFlush = 1u << 24;  // FZ
VIT_INLINE FloatMode float_mode() {
  FloatMode mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
VIT_INLINE void set_float_mode(FloatMode mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
typedef unsigned FloatMode;
constexpr FloatMode kFlush = 0;
VIT_INLINE FloatMode float_mode() { return 0; }
VIT_INLINE void set_float_mode(FloatMode) {}
#endif
// While it lives, the thread takes them as zero: a multiply-add that meets one costs over a hundred cycles (x86), and
// where softmax is peaked most probabilities are such.
class FlushDenormals {
  const FloatMode before = float_mode();

 public:
  FlushDenormals() { set_float_mode(before | kFlush); }
  ~FlushDenormals() { set_float_mode(before); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
};

// The first n lanes, n up to VL.
VIT_INLINE vf get(const float* p, size_t n) { return n == VL ? load(p) : load_n(p, n); }
VIT_INLINE void put(float* p, vf v, size_t n) {
  if (n == VL) store(p, v);
  else store_n(p, v, n);
}
// f(j, n) for each vector of a row of `cols`; n = VL but at the end.
template <typename F>
VIT_INLINE void each_part(size_t cols, const F& f) {
  size_t j = 0;
  for (; j + VL <= cols; j += VL) f(j, VL);
  if (j < cols) f(j, cols - j);
}

// NaN in x survives; a NaN in y is dropped.
#if defined(VIT_AVX512)
VIT_INLINE vf min_v(vf x, vf y) { return _mm512_maskz_min_ps(0xFFFF, y, x); }
VIT_INLINE vf max_v(vf x, vf y) { return _mm512_maskz_max_ps(0xFFFF, y, x); }
#elif defined(VIT_AVX2)
VIT_INLINE vf min_v(vf x, vf y) { return _mm256_min_ps(y, x); }
VIT_INLINE vf max_v(vf x, vf y) { return _mm256_max_ps(y, x); }
#else
VIT_INLINE vf min_v(vf x, vf y) { return x > y ? y : x; }
VIT_INLINE vf max_v(vf x, vf y) { return x < y ? y : x; }
#endif
VIT_INLINE vf abs_v(vf x) { return as_float(as_int(x) & 0x7fffffff); }

// Turns VL rows of VL elements into columns, by exchanging ever larger halves of pairs of rows (Eklundh 1972).
#if defined(__clang__) || __GNUC__ >= 12
template <size_t half, bool second, size_t... J>
VIT_INLINE vf mix(vf a, vf b, std::index_sequence<J...>) {
  return __builtin_shufflevector(a, b, ((J & half) != 0 ? VL + J - (second ? 0 : half) : J + (second ? half : 0))...);
}
#else
template <size_t half, bool second, size_t... J>
VIT_INLINE vf mix(vf a, vf b, std::index_sequence<J...>) {
  return vf{((J & half) != 0 ? b[J - (second ? 0 : half)] : a[J + (second ? half : 0)])...};
}
#endif
template <size_t half>
VIT_INLINE void exchange(vf* rows) {
#pragma GCC unroll 16
  for (size_t i = 0; i < VL; ++i) {
    if ((i & half) != 0) continue;
    const vf a = rows[i], b = rows[i + half];
    rows[i] = mix<half, false>(a, b, std::make_index_sequence<VL>());
    rows[i + half] = mix<half, true>(a, b, std::make_index_sequence<VL>());
  }
}
VIT_INLINE void transpose_block(vf* rows) {
  exchange<1>(rows);
  exchange<2>(rows);
  if constexpr (VL >= 8) exchange<4>(rows);
  if constexpr (VL >= 16) exchange<8>(rows);
}

// Lane i of the result joins the lanes of rows[i], in a fixed tree; half the shuffles of turning the block. Changes
// rows.
template <size_t half, typename Join>
VIT_INLINE void fold(vf* rows, const Join& join) {
#pragma GCC unroll 16
  for (size_t i = 0; i < VL; i += 2 * half) {
    const vf a = rows[i], b = rows[i + half];
    rows[i] = join(mix<half, false>(a, b, std::make_index_sequence<VL>()),
                   mix<half, true>(a, b, std::make_index_sequence<VL>()));
  }
}
template <typename Join>
VIT_INLINE vf join_each(vf* rows, const Join& join) {
  fold<1>(rows, join);
  fold<2>(rows, join);
  if constexpr (VL >= 8) fold<4>(rows, join);
  if constexpr (VL >= 16) fold<8>(rows, join);
  return rows[0];
}
VIT_INLINE vf sum_each(vf* rows) {
  return join_each(rows, [](vf a, vf b) { return a + b; });
}
// A NaN may be lost.
VIT_INLINE vf max_each(vf* rows) {
  return join_each(rows, [](vf a, vf b) { return max_v(a, b); });
}
// All bits set in the first n lanes.
VIT_INLINE vi lanes_below(size_t n) {
  vi index;
#pragma GCC unroll 16
  for (size_t i = 0; i < VL; ++i) index[i] = static_cast<int32_t>(i);
  return index < static_cast<int32_t>(n);
}

// Lanes are joined in a fixed tree, so a sum is the same at every run.
VIT_INLINE float sum_lanes(vf v) {
  float lane[VL];
  store(lane, v);
  for (size_t half = VL / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i) lane[i] += lane[i + half];
  return lane[0];
}
}  // namespace VIT_ISA
