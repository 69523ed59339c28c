// JavaScript's conversion of a number to int32.
#pragma once

#include <math.h>
#include <stdint.h>

#include "simd.h"

namespace VIT_ISA {

// The fraction is cut off, the rest taken modulo 2^32; NaN and infinities give 0. No branch, so that loops of it are vectorized.
VIT_INLINE int32_t wrapped(double x) {
  const double whole = trunc(x);
  const double rest = whole - floor(whole * 0x1p-32) * 0x1p32;
  const double value = rest < 0x1p31 ? rest : rest - 0x1p32;
  return static_cast<int32_t>(rest == rest ? value : 0.0);
}

}  // namespace VIT_ISA
