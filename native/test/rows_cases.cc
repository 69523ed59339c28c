// Reductions, softmax and the losses against float64.

#include <algorithm>

#include "cases.h"

namespace vit_test {
namespace {

using namespace vit;

void reduce_of(Case& t, size_t outer, size_t n, size_t inner) {
  const Reduce op = static_cast<Reduce>(t.rng.below(kReduceCount));
  const bool extreme = op == kMax || op == kMin;
  const float* x = t.input(outer * n * inner, extreme && t.coin() ? kSpecial : kNormal);
  Output& out = t.output("out", outer * inner);
  t.says("op", op), t.says("outer", static_cast<double>(outer)), t.says("n", static_cast<double>(n));
  t.says("inner", static_cast<double>(inner));
  t.kernels.reduce(op, outer, n, inner, x, floats(out));
  if (!t.judges()) return;
  // A block of float32 has at most 4,096 terms.
  const double rounds = static_cast<double>(std::min(n, size_t{4096})) / 2 + 2;
  const double scale = op == kMean ? 1 / static_cast<double>(n) : 1;
  for (size_t o = 0; o < outer; ++o)
    for (size_t j = 0; j < inner; ++j) {
      const float* first = x + o * n * inner + j;
      double sum = 0, size = 0, best = static_cast<double>(*first);
      for (size_t i = 0; i < n; ++i) {
        const double value = static_cast<double>(first[i * inner]);
        sum += value;
        size += fabs(value);
        if (isnan(value) || isnan(best)) best = NAN;
        else if (op == kMax ? value > best : value < best) best = value;
      }
      if (extreme) out.exactly(o * inner + j, best);
      else out.near(o * inner + j, sum * scale, rounds * kUlp * size * scale);
    }
}

void reduce_rows(Case& t) { reduce_of(t, t.upto(40), t.rng.below(4) == 0 ? t.upto(9000) : t.upto(400), 1); }
// Long enough that a row is cut into parts.
void reduce_long(Case& t) { reduce_of(t, t.upto(2), 65000 + t.upto(140000), 1); }
void reduce_columns(Case& t) { reduce_of(t, t.upto(5), t.upto(900), t.upto(150)); }

struct Row {
  double top, log_sum;
};

// log Σ e^z, the largest taken out.
Row row_of(const float* z, size_t cols) {
  double top = -INFINITY, sum = 0;
  for (size_t j = 0; j < cols; ++j) top = fmax(top, static_cast<double>(z[j]));
  for (size_t j = 0; j < cols; ++j) sum += exp(static_cast<double>(z[j]) - top);
  return {top, log(sum)};
}

// A sum of `cols` exponentials, each 2 ulp off, relatively.
double sum_error(size_t cols) { return (static_cast<double>(cols) / 2 + 4) * kUlp; }

// Rows of logits, some of them large.
const float* logits(Case& t, size_t n) {
  std::vector<float> z(n);
  const float factor = t.coin() ? 1.0f : 12.0f;
  for (float& value : z) value = factor * t.rng.normal();
  return t.given(z);
}

void softmax(Case& t) {
  const size_t rows = t.upto(60), cols = t.upto(400);
  const bool logarithm = t.coin();
  const float* x = logits(t, rows * cols);
  Output& out = t.output("out", rows * cols);
  t.says("rows", static_cast<double>(rows)), t.says("cols", static_cast<double>(cols)), t.says("logarithm", logarithm);
  t.kernels.softmax(rows, cols, x, logarithm, floats(out));
  if (!t.judges()) return;
  for (size_t i = 0; i < rows; ++i) {
    const Row row = row_of(x + i * cols, cols);
    for (size_t j = 0; j < cols; ++j) {
      const double below = static_cast<double>(x[i * cols + j]) - row.top, value = below - row.log_sum;
      const double error = sum_error(cols) + kUlp * (fabs(below) + 4);
      if (logarithm) out.near(i * cols + j, value, sum_error(cols) + 2 * kUlp * (fabs(below) + row.log_sum));
      else out.near(i * cols + j, exp(value), error * exp(value) + static_cast<double>(FLT_MIN));
    }
  }
}

void softmax_cross_entropy(Case& t) {
  const size_t rows = t.upto(60), cols = t.upto(300);
  const float* z = logits(t, rows * cols);
  std::vector<float> soft(rows * cols);
  for (float& value : soft) value = t.rng.below(3) == 0 ? static_cast<float>(t.rng.uniform()) : 0.0f;
  const float* targets = t.given(soft);
  Output& loss = t.output("loss", rows);
  Output& dlogits = t.output("dlogits", rows * cols);
  t.says("rows", static_cast<double>(rows)), t.says("cols", static_cast<double>(cols));
  t.kernels.softmax_cross_entropy(rows, cols, z, targets, floats(loss), floats(dlogits));
  if (!t.judges()) return;
  for (size_t i = 0; i < rows; ++i) {
    const Row row = row_of(z + i * cols, cols);
    double total = 0, value = 0, error = 0;
    for (size_t j = 0; j < cols; ++j) {
      const double target = static_cast<double>(targets[i * cols + j]);
      const double below = static_cast<double>(z[i * cols + j]) - row.top;
      total += target;
      value += target * (row.log_sum - below);
      error += target * (sum_error(cols) + 2 * kUlp * (fabs(below) + row.log_sum));
    }
    loss.near(i, value, error + kUlp * fabs(value));
    for (size_t j = 0; j < cols; ++j) {
      const double target = static_cast<double>(targets[i * cols + j]);
      const double below = static_cast<double>(z[i * cols + j]) - row.top;
      const double share = exp(below - row.log_sum) * total;
      dlogits.near(
          i * cols + j, share - target,
          (2 * sum_error(cols) + kUlp * (fabs(below) + 8)) * share + kUlp * target + static_cast<double>(FLT_MIN));
    }
  }
}

void binary_cross_entropy(Case& t) {
  const size_t rows = t.upto(60), cols = t.upto(300);
  const float* z = logits(t, rows * cols);
  std::vector<float> soft(rows * cols);
  for (float& value : soft) value = static_cast<float>(t.rng.uniform());
  const float* targets = t.given(soft);
  Output& loss = t.output("loss", rows);
  Output& dlogits = t.output("dlogits", rows * cols);
  t.says("rows", static_cast<double>(rows)), t.says("cols", static_cast<double>(cols));
  t.kernels.binary_cross_entropy(rows, cols, z, targets, floats(loss), floats(dlogits));
  if (!t.judges()) return;
  const double scale = 1 / static_cast<double>(cols);
  for (size_t i = 0; i < rows; ++i) {
    double value = 0, error = 0;
    for (size_t j = 0; j < cols; ++j) {
      const double x = static_cast<double>(z[i * cols + j]), target = static_cast<double>(targets[i * cols + j]);
      value += fmax(x, 0) - x * target + log1p(exp(-fabs(x)));
      error += kUlp * (4 * fabs(x) + 2);
      const double slope = 1 / (1 + exp(-x));
      dlogits.near(i * cols + j, (slope - target) * scale, (4 * slope + 2 * target + 1) * kUlp * scale);
    }
    loss.near(i, value * scale, error * scale + 2 * kUlp * value * scale);
  }
}

}  // namespace

const Cases rows_cases = {
    {"reduce", reduce_rows},
    {"reduce/long", reduce_long},
    {"reduce/columns", reduce_columns},
    {"softmax", softmax},
    {"softmax_cross_entropy", softmax_cross_entropy},
    {"binary_cross_entropy", binary_cross_entropy},
};

}  // namespace vit_test
