// The nearest bfloat16 of a number, by the definition: in float64.
#pragma once

#include <float.h>
#include <math.h>

namespace vit_test {

// bfloat16 has all exponents of float32 and 8 of the 24 bits of its fraction; ties go to the even one. NaN and infinity
// stay.
inline double to_bf16(double number) {
  const double x = static_cast<double>(static_cast<float>(number));
  if (x == 0 || !isfinite(x)) return x;
  int exponent;
  frexp(x, &exponent);
  const double unit = ldexp(1, (exponent < FLT_MIN_EXP ? FLT_MIN_EXP : exponent) - 8);
  const double rounded = nearbyint(x / unit) * unit;
  return static_cast<double>(static_cast<float>(rounded));
}

}  // namespace vit_test
