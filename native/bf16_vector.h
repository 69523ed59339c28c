// Rounding to bf16 in registers: nearest, ties to even; a NaN stays one, quiet. See bf16.h. A pair is two bf16 in 32
// bits, the first in the lower half.
#pragma once

#include "bf16.h"
#include "simd.h"

namespace VIT_ISA {

typedef uint16_t vh __attribute__((vector_size(VL * 2)));

constexpr uint32_t kUpper = 0xffff0000u;

// The first n of VL elements, and of 2·VL as pairs; n of any size, the others are zero.
#if defined(VIT_AVX512)
VIT_INLINE vh halves(const bf16* p, size_t n) {
  return reinterpret_cast<vh>(_mm256_maskz_loadu_epi16(static_cast<__mmask16>(n >= VL ? 0xffffu : (1u << n) - 1), p));
}
VIT_INLINE vu pairs_of(const bf16* p, size_t n) {
  return reinterpret_cast<vu>(_mm512_maskz_loadu_epi16(static_cast<__mmask32>(n >= 2 * VL ? ~0u : (1u << n) - 1), p));
}
#else
VIT_INLINE vh halves(const bf16* p, size_t n) {
  vh half = {};
  if (n >= VL) memcpy(&half, p, sizeof half);
  else memcpy(&half, p, n * sizeof(bf16));
  return half;
}
VIT_INLINE vu pairs_of(const bf16* p, size_t n) {
  vu pairs = {};
  if (n >= 2 * VL) memcpy(&pairs, p, sizeof pairs);
  else memcpy(&pairs, p, n * sizeof(bf16));
  return pairs;
}
#endif
// bf16 as float32.
VIT_INLINE vf wide(vh half) { return reinterpret_cast<vf>(__builtin_convertvector(half, vu) << 16); }

#if defined(VIT_AVX512BF16)
// VL pairs of the 2·VL neighbours a, b.
VIT_INLINE vu neighbours(vf a, vf b) { return reinterpret_cast<vu>(_mm512_cvtne2ps_pbh(b, a)); }
// The same; a and b become what was rounded.
VIT_INLINE vu round_both(vf* a, vf* b) {
  const vu pairs = neighbours(*a, *b);
  bf16 lane[2 * VL];
  memcpy(lane, &pairs, sizeof lane);
  *a = wide(halves(lane, VL));
  *b = wide(halves(lane + VL, VL));
  return pairs;
}
// Pairs of an element of `even` and one of `odd`.
VIT_INLINE vu stacked(vf even, vf odd) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return reinterpret_cast<vu>(_mm512_permutexvar_epi16(order, reinterpret_cast<__m512i>(neighbours(even, odd))));
}
#else
// bf16 in the upper half of each lane; the lower half holds what was cut off.
VIT_INLINE vu rounded(vf x) {
  const vu bits = reinterpret_cast<vu>(x);
  return x == x ? bits + 0x7fffu + ((bits >> 16) & 1u) : bits | 0x400000u;
}
#if defined(__clang__) || __GNUC__ >= 12
template <size_t... J>
VIT_INLINE vu join_neighbours(vu a, vu b, std::index_sequence<J...>) {
  return (__builtin_shufflevector(a, b, (2 * J)...) >> 16) | (__builtin_shufflevector(a, b, (2 * J + 1)...) & kUpper);
}
#else
template <size_t... J>
VIT_INLINE vu join_neighbours(vu a, vu b, std::index_sequence<J...>) {
  return (vu{(J < VL / 2 ? a[2 * J % VL] : b[2 * J % VL])...} >> 16) |
         (vu{(J < VL / 2 ? a[(2 * J + 1) % VL] : b[(2 * J + 1) % VL])...} & kUpper);
}
#endif
VIT_INLINE vu neighbours(vf a, vf b) { return join_neighbours(rounded(a), rounded(b), std::make_index_sequence<VL>()); }
VIT_INLINE vu round_both(vf* a, vf* b) {
  const vu first = rounded(*a), second = rounded(*b);
  *a = reinterpret_cast<vf>(first & kUpper);
  *b = reinterpret_cast<vf>(second & kUpper);
  return join_neighbours(first, second, std::make_index_sequence<VL>());
}
VIT_INLINE vu stacked(vf even, vf odd) { return (rounded(even) >> 16) | (rounded(odd) & kUpper); }
#endif

VIT_INLINE void put(bf16* dst, vu pairs) { memcpy(dst, &pairs, sizeof pairs); }
// The first n of the 2·VL elements.
VIT_INLINE void put_n(bf16* dst, vu pairs, size_t n) {
  if (n >= 2 * VL) put(dst, pairs);
  else memcpy(dst, &pairs, n * sizeof(bf16));
}

VIT_INLINE size_t less(size_t a, size_t b) { return a > b ? a - b : 0; }
// The first n lanes, n of any size; the others are zero.
VIT_INLINE vf get_some(const float* p, size_t n) { return n >= VL ? load(p) : n == 0 ? set1(0.0f) : load_n(p, n); }
VIT_INLINE vf get_some(const bf16* p, size_t n) { return wide(halves(p, n)); }

}  // namespace VIT_ISA
