// Layer norm and its gradient against float64.

#include "cases.h"

namespace vit_test {
namespace {

double wide(float x) { return static_cast<double>(x); }

void layer_norm(Case& t) {
  const size_t rows = t.upto(150), cols = t.upto(300);
  const float epsilon = t.coin() ? 1e-6f : 1e-5f;
  const float *x = t.input(rows * cols), *gamma = t.input(cols), *beta = t.input(cols);
  Output& y = t.output("y", rows * cols);
  Output& mean = t.output("mean", rows);
  Output& rstd = t.output("rstd", rows);
  t.says("rows", static_cast<double>(rows)), t.says("cols", static_cast<double>(cols));
  t.kernels.layer_norm(rows, cols, x, gamma, beta, epsilon, floats(y), floats(mean), floats(rstd));
  if (!t.judges()) return;
  const double n = static_cast<double>(cols), units = (n + 16) * kUlp;
  for (size_t i = 0; i < rows; ++i) {
    const float* row = x + i * cols;
    double sum = 0, size = 0, squares = 0;
    for (size_t j = 0; j < cols; ++j) sum += wide(row[j]), size += fabs(wide(row[j]));
    const double center = sum / n;
    for (size_t j = 0; j < cols; ++j) squares += (wide(row[j]) - center) * (wide(row[j]) - center);
    const double inverse = 1 / sqrt(squares / n + wide(epsilon));
    mean.near(i, center, units * size / n);
    rstd.near(i, inverse, units * inverse);
    for (size_t j = 0; j < cols; ++j)
      y.near(i * cols + j, (wide(row[j]) - center) * inverse * wide(gamma[j]) + wide(beta[j]),
             units * ((fabs(wide(row[j])) + size / n) * inverse * fabs(wide(gamma[j])) + fabs(wide(beta[j]))));
  }
}

void layer_norm_grad(Case& t) {
  const size_t rows = t.rng.below(6) == 0 ? t.upto(900) : t.upto(120), cols = t.upto(250);
  const float *dout = t.input(rows * cols), *x = t.input(rows * cols), *gamma = t.input(cols);
  const float* mean = t.input(rows);
  std::vector<float> positive(rows);
  for (float& value : positive) value = static_cast<float>(0.1 + t.rng.uniform());
  const float* rstd = t.given(positive);
  Output& dx = t.output("dx", rows * cols);
  Output& dgamma = t.output("dgamma", cols);
  Output& dbeta = t.output("dbeta", cols);
  t.says("rows", static_cast<double>(rows)), t.says("cols", static_cast<double>(cols));
  t.kernels.layer_norm_grad(rows, cols, dout, x, gamma, mean, rstd, floats(dx), floats(dgamma), floats(dbeta));
  if (!t.judges()) return;
  const double n = static_cast<double>(cols), units = (n / 2 + 16) * kUlp;
  std::vector<double> sums(4 * cols, 0.0);
  for (size_t i = 0; i < rows; ++i) {
    const double shift = wide(mean[i]), factor = wide(rstd[i]);
    double g = 0, g_size = 0, product = 0, product_size = 0;
    const auto hat = [&](size_t j) { return (wide(x[i * cols + j]) - shift) * factor; };
    // The sum of its terms' sizes, without cancellation.
    const auto hat_size = [&](size_t j) { return (fabs(wide(x[i * cols + j])) + fabs(shift)) * factor; };
    for (size_t j = 0; j < cols; ++j) {
      const double d = wide(dout[i * cols + j]), scaled = d * wide(gamma[j]);
      g += scaled / n, g_size += fabs(scaled) / n;
      product += scaled * hat(j) / n, product_size += fabs(scaled) * hat_size(j) / n;
      sums[4 * j] += d * hat(j), sums[4 * j + 1] += fabs(d) * hat_size(j);
      sums[4 * j + 2] += d, sums[4 * j + 3] += fabs(d);
    }
    for (size_t j = 0; j < cols; ++j) {
      const double scaled = wide(dout[i * cols + j]) * wide(gamma[j]);
      dx.near(i * cols + j, factor * (scaled - g - hat(j) * product),
              units * factor * (fabs(scaled) + g_size + hat_size(j) * product_size));
    }
  }
  const double column_units = (static_cast<double>(rows) / 2 + 8) * kUlp;
  for (size_t j = 0; j < cols; ++j) {
    dgamma.near(j, sums[4 * j], column_units * sums[4 * j + 1]);
    dbeta.near(j, sums[4 * j + 2], column_units * sums[4 * j + 3]);
  }
}

}  // namespace

const Cases norm_cases = {{"layer_norm", layer_norm}, {"layer_norm_grad", layer_norm_grad}};

}  // namespace vit_test
