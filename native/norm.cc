// Layer norm and its gradient over many rows.

#include "norm.h"

#include "bytes.h"
#include "parallel.h"
#include "sizes.h"
#include "table.h"

namespace VIT_ISA {
namespace {

size_t rows_each_task(size_t rows, size_t cols) {
  size_t each = 16384 / (cols + 1) + 1;
  // At most 64 partial sums of the parameters' gradients.
  if (each < (rows + 63) / 64) each = (rows + 63) / 64;
  return each;
}

}  // namespace

void layer_norm(size_t rows, size_t cols, const float* x, const float* gamma, const float* beta, float epsilon,
                float* y, float* mean, float* rstd) {
  const size_t each = 16384 / (cols + 1) + 1;
  vit::parallel(ceil_div(rows, each), [&](size_t task, size_t) {
    for (size_t i = task * each; i < rows && i < (task + 1) * each; ++i) {
      row_moments(x + i * cols, cols, epsilon, mean + i, rstd + i);
      norm_row(x + i * cols, cols, mean[i], rstd[i], gamma, beta, y + i * cols);
    }
  });
}

void layer_norm_grad(size_t rows, size_t cols, const float* dout, const float* x, const float* gamma, const float* mean,
                     const float* rstd, float* dx, float* dgamma, float* dbeta) {
  const size_t each = rows_each_task(rows, cols);
  const size_t tasks = ceil_div(rows, each);
  float* partial = vit::shared_scratch(2 * tasks * cols + 1);
  vit::parallel(tasks, [&](size_t task, size_t) {
    float* sum_gamma = partial + 2 * task * cols;
    float* sum_beta = sum_gamma + cols;
    clear_bytes(sum_gamma, 2 * cols * sizeof(float));
    for (size_t i = task * each; i < rows && i < (task + 1) * each; ++i)
      norm_grad_row(dout + i * cols, x + i * cols, cols, mean[i], rstd[i], gamma, dx + i * cols, sum_gamma, sum_beta,
                    [](size_t, size_t, vf value) { return value; });
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
