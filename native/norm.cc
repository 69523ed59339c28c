// Layer norm and its gradient. A row fits the first cache, so it is read again rather than kept.

#include <math.h>

#include "parallel.h"
#include "table.h"
#include "simd.h"

namespace VIT_ISA {
namespace {

size_t rows_each_task(size_t rows, size_t cols) {
  size_t each = 16384 / (cols + 1) + 1;
  // At most 64 partial sums of the parameters' gradients.
  if (each < (rows + 63) / 64) each = (rows + 63) / 64;
  return each;
}

}  // namespace

void layer_norm(size_t rows, size_t cols, const float* x, const float* gamma, const float* beta, float epsilon, float* y,
                float* mean, float* rstd) {
  const size_t each = 16384 / (cols + 1) + 1;
  const float scale = 1.0f / static_cast<float>(cols);
  vit::parallel((rows + each - 1) / each, [&](size_t task, size_t) {
    for (size_t i = task * each; i < rows && i < (task + 1) * each; ++i) {
      const float* in = x + i * cols;
      float* out = y + i * cols;
      const size_t body = cols / VL * VL;
      const size_t rest = cols - body;
      vf sum = set1(0.0f);
      for (size_t j = 0; j < body; j += VL) sum += load(in + j);
      if (rest > 0) sum += load_n(in + body, rest);
      const float center = sum_lanes(sum) * scale;
      const vf shift = set1(center);
      vf squares = set1(0.0f);
      for (size_t j = 0; j < body; j += VL) {
        const vf d = load(in + j) - shift;
        squares += d * d;
      }
      float variance = sum_lanes(squares);
      for (size_t j = body; j < cols; ++j) variance += (in[j] - center) * (in[j] - center);
      const float inverse = 1.0f / sqrtf(variance * scale + epsilon);
      const vf factor = set1(inverse);
      for (size_t j = 0; j < body; j += VL)
        store(out + j, (load(in + j) - shift) * factor * load(gamma + j) + load(beta + j));
      if (rest > 0)
        store_n(out + body, (load_n(in + body, rest) - shift) * factor * load_n(gamma + body, rest) + load_n(beta + body, rest),
                rest);
      mean[i] = center;
      rstd[i] = inverse;
    }
  });
}

void layer_norm_grad(size_t rows, size_t cols, const float* dout, const float* x, const float* gamma, const float* mean,
                     const float* rstd, float* dx, float* dgamma, float* dbeta) {
  const size_t each = rows_each_task(rows, cols);
  const size_t tasks = (rows + each - 1) / each;
  const float scale = 1.0f / static_cast<float>(cols);
  float* partial = vit::shared_scratch(2 * tasks * cols + 1);
  vit::parallel(tasks, [&](size_t task, size_t) {
    float* sum_gamma = partial + 2 * task * cols;
    float* sum_beta = sum_gamma + cols;
    memset(sum_gamma, 0, 2 * cols * sizeof(float));
    const size_t body = cols / VL * VL;
    const size_t rest = cols - body;
    for (size_t i = task * each; i < rows && i < (task + 1) * each; ++i) {
      const float* d = dout + i * cols;
      const float* in = x + i * cols;
      float* out = dx + i * cols;
      const vf shift = set1(mean[i]);
      const vf factor = set1(rstd[i]);
      vf sum = set1(0.0f), product = sum;
      const auto first_pass = [&](vf dv, vf xv, vf gv) {
        const vf hat = (xv - shift) * factor;
        const vf g = dv * gv;
        sum += g;
        product += g * hat;
      };
      for (size_t j = 0; j < body; j += VL) first_pass(load(d + j), load(in + j), load(gamma + j));
      if (rest > 0) first_pass(load_n(d + body, rest), load_n(in + body, rest), load_n(gamma + body, rest));
      const vf mean_g = set1(sum_lanes(sum) * scale);
      const vf mean_product = set1(sum_lanes(product) * scale);
      for (size_t j = 0; j < cols; j += VL) {
        const size_t n = cols - j < VL ? cols - j : VL;
        const bool whole = n == VL;
        const vf dv = whole ? load(d + j) : load_n(d + j, n);
        const vf hat = ((whole ? load(in + j) : load_n(in + j, n)) - shift) * factor;
        const vf g = dv * (whole ? load(gamma + j) : load_n(gamma + j, n));
        const vf value = factor * (g - mean_g - hat * mean_product);
        if (whole) {
          store(out + j, value);
          store(sum_gamma + j, load(sum_gamma + j) + dv * hat);
          store(sum_beta + j, load(sum_beta + j) + dv);
        } else {
          store_n(out + j, value, n);
          store_n(sum_gamma + j, load_n(sum_gamma + j, n) + dv * hat, n);
          store_n(sum_beta + j, load_n(sum_beta + j, n) + dv, n);
        }
      }
    }
  });
  for (size_t j = 0; j < cols; ++j) {
    double total_gamma = 0, total_beta = 0;
    for (size_t t = 0; t < tasks; ++t) {
      total_gamma += static_cast<double>(partial[2 * t * cols + j]);
      total_beta += static_cast<double>(partial[(2 * t + 1) * cols + j]);
    }
    dgamma[j] = static_cast<float>(total_gamma);
    dbeta[j] = static_cast<float>(total_beta);
  }
}

}  // namespace VIT_ISA
