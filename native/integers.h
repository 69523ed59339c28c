// JavaScript's conversion of a number to int32, and what it makes of sums and products.
#pragma once

#include <math.h>
#include <stdint.h>

#include "simd.h"

namespace VIT_ISA {

// The fraction is cut off, the rest taken modulo 2^32; NaN and infinities give 0. No branch, so that loops of it are
// vectorized.
VIT_INLINE int32_t wrapped(double x) {
  const double whole = trunc(x);
  const double rest = whole - floor(whole * 0x1p-32) * 0x1p32;
  const double value = rest < 0x1p31 ? rest : rest - 0x1p32;
  return static_cast<int32_t>(rest == rest ? value : 0.0);
}
VIT_INLINE int32_t add_wrapped(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}
// JavaScript multiplies in float64, which takes the low bits of what is beyond 2^53.
VIT_INLINE int32_t mul_wrapped(double a, double b) { return wrapped(a * b); }

}  // namespace VIT_ISA
