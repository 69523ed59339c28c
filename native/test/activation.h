// The forms of gelu in float64, and how far a kernel may be off.
#pragma once

#include "case.h"

namespace vit_test {

inline double gelu(vit::Activation form, double x) {
  if (form == vit::kGeluErf) return 0.5 * x * erfc(-x * M_SQRT1_2);
  if (form == vit::kGeluTanh) return x / (1 + exp(-2 * sqrt(M_2_PI) * (x + 0.044715 * x * x * x)));
  return x / (1 + exp(-1.702 * x));
}

inline double gelu_slope(vit::Activation form, double x) {
  if (form == vit::kGeluErf) return 0.5 * erfc(-x * M_SQRT1_2) + x * exp(-0.5 * x * x) / sqrt(2 * M_PI);
  if (form == vit::kGeluTanh) {
    const double t = tanh(sqrt(M_2_PI) * (x + 0.044715 * x * x * x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * sqrt(M_2_PI) * (1 + 3 * 0.044715 * x * x);
  }
  const double s = 1 / (1 + exp(-1.702 * x));
  return s + 1.702 * x * s * (1 - s);
}

// erf is 5e-7 off, absolutely, of which gelu has half; tanh 3 ulp and sigmoid 4, of numbers up to 1, with arguments
// that are rounded themselves.
inline double gelu_error(vit::Activation form, double x) {
  return fabs(x) * (form == vit::kGeluErf ? 3e-7 : 8 * kUlp) + FLT_MIN;
}
// 1 - tanh² and its factors are at most 30 ulp off where they are not 0.
inline double gelu_slope_error(vit::Activation form, double x) {
  return (form == vit::kGeluErf ? 3e-7 : 0) + 32 * kUlp * (1 + (fabs(x) < 10 ? fabs(x) : 0)) + FLT_MIN;
}

}  // namespace vit_test
