// Layer norm of one row and its gradient: the part that norm.cc and the residual branches share. A row fits the first
// cache, so it is read again rather than kept.
#pragma once

#include <math.h>

#include "simd.h"

namespace VIT_ISA {

// Two passes: the mean, then the squares of what is left.
VIT_INLINE void row_moments(const float* x, size_t cols, float epsilon, float* mean, float* rstd) {
  const float scale = 1.0f / static_cast<float>(cols);
  const size_t body = cols / VL * VL;
  vf sum = set1(0.0f);
  each_part(cols, [&](size_t j, size_t n) { sum += get(x + j, n); });
  const float center = sum_lanes(sum) * scale;
  const vf shift = set1(center);
  vf squares = set1(0.0f);
  for (size_t j = 0; j < body; j += VL) {
    const vf d = load(x + j) - shift;
    squares += d * d;
  }
  float variance = sum_lanes(squares);
  for (size_t j = body; j < cols; ++j) variance += (x[j] - center) * (x[j] - center);
  *mean = center;
  *rstd = 1.0f / sqrtf(variance * scale + epsilon);
}

// y = (x - mean)·rstd·gamma + beta.
VIT_INLINE void norm_row(const float* x, size_t cols, float mean, float rstd, const float* gamma, const float* beta,
                         float* y) {
  const vf shift = set1(mean), factor = set1(rstd);
  each_part(cols, [&](size_t j, size_t n) {
    put(y + j, (get(x + j, n) - shift) * factor * get(gamma + j, n) + get(beta + j, n), n);
  });
}

// dx = rstd·(g - mean(g) - x̂·mean(g·x̂)) with g = dout·gamma, to which `finish(j, n, that)` may add; dgamma += dout·x̂,
// dbeta += dout.
template <typename F>
VIT_INLINE void norm_grad_row(const float* dout, const float* x, size_t cols, float mean, float rstd,
                              const float* gamma, float* dx, float* dgamma, float* dbeta, const F& finish) {
  const float scale = 1.0f / static_cast<float>(cols);
  const vf shift = set1(mean), factor = set1(rstd);
  vf sum = set1(0.0f), product = sum;
  each_part(cols, [&](size_t j, size_t n) {
    const vf hat = (get(x + j, n) - shift) * factor;
    const vf g = get(dout + j, n) * get(gamma + j, n);
    sum += g;
    product += g * hat;
  });
  const vf mean_g = set1(sum_lanes(sum) * scale);
  const vf mean_product = set1(sum_lanes(product) * scale);
  each_part(cols, [&](size_t j, size_t n) {
    const vf dv = get(dout + j, n);
    const vf hat = (get(x + j, n) - shift) * factor;
    const vf g = dv * get(gamma + j, n);
    put(dx + j, finish(j, n, factor * (g - mean_g - hat * mean_product)), n);
    put(dgamma + j, get(dgamma + j, n) + dv * hat, n);
    put(dbeta + j, get(dbeta + j, n) + dv, n);
  });
}

}  // namespace VIT_ISA
