// The matrix product against sums in float64.

#include "activation.h"
#include "cases.h"
#include "rounding.h"

namespace vit_test {
namespace {

struct Shape {
  size_t batch, m, n, k;
};

void gemm_case(Case& t, const Shape& s, vit::Precision precision) {
  vit::Gemm g = {};
  g.precision = precision;
  g.accumulate = t.rng.below(3) == 0;
  const auto factor = [&](float x) {
    return precision == vit::kBf16 ? to_bf16(static_cast<double>(x)) : static_cast<double>(x);
  };
  g.batch = s.batch, g.m = s.m, g.n = s.n, g.k = s.k;
  const bool a_many = t.rng.below(4) != 0, b_many = t.coin(), turn_a = t.coin(), turn_b = t.coin();
  const size_t gap = t.rng.below(3) == 0 ? t.rng.below(5) : 0;
  g.a_row = turn_a ? 1 : g.k, g.a_col = turn_a ? g.m : 1;
  g.b_row = turn_b ? 1 : g.n, g.b_col = turn_b ? g.k : 1;
  g.a_batch = a_many ? g.m * g.k : 0, g.b_batch = b_many ? g.k * g.n : 0;
  g.ldc = g.n + gap, g.c_batch = g.m * g.ldc;
  g.a = t.input(g.m * g.k * (a_many ? g.batch : 1));
  g.b = t.input(g.k * g.n * (b_many ? g.batch : 1));
  g.bias = t.coin() ? t.input(g.n) : nullptr;
  g.activation = static_cast<vit::Activation>(static_cast<int>(t.rng.below(4)) - 1);
  Output& c = t.output("c", g.batch * g.c_batch);
  g.c = floats(c);
  t.says("batch", static_cast<double>(g.batch)), t.says("m", static_cast<double>(g.m));
  t.says("n", static_cast<double>(g.n)), t.says("k", static_cast<double>(g.k));
  t.says("turnA", turn_a), t.says("turnB", turn_b), t.says("activation", g.activation), t.says("adds", g.accumulate);
  // Between the rows of c nothing may be written, and where it does not add, nothing of c be read.
  const float* old = g.accumulate ? t.input(c.size()) : nullptr;
  for (size_t i = 0; i < c.size(); ++i) g.c[i] = g.ldc > 0 && i % g.ldc >= g.n ? -7.0f : old == nullptr ? NAN : old[i];
  t.kernels.gemm(g);
  if (!t.judges()) return;
  std::vector<double> sums(g.n), sizes(g.n);
  for (size_t b = 0; b < g.batch; ++b)
    for (size_t i = 0; i < g.m; ++i) {
      for (size_t j = 0; j < g.n; ++j) {
        const double bias = g.bias == nullptr ? 0 : static_cast<double>(g.bias[j]);
        const double before = old == nullptr ? 0 : static_cast<double>(old[b * g.c_batch + i * g.ldc + j]);
        sums[j] = bias + before;
        sizes[j] = fabs(bias) + fabs(before);
      }
      for (size_t p = 0; p < g.k; ++p) {
        const double x = factor(g.a[b * g.a_batch + i * g.a_row + p * g.a_col]);
        const float* row = g.b + b * g.b_batch + p * g.b_row;
        for (size_t j = 0; j < g.n; ++j) {
          const double term = x * factor(row[j * g.b_col]);
          sums[j] += term;
          sizes[j] += fabs(term);
        }
      }
      for (size_t j = 0; j < g.ldc; ++j) {
        const size_t at = b * g.c_batch + i * g.ldc + j;
        if (j >= g.n) {
          c.exactly(at, -7);
          continue;
        }
        // Every sum of k + 2 terms rounds at most k + 3 times.
        const double error = (static_cast<double>(g.k) / 2 + 1.5) * kUlp * sizes[j];
        if (g.activation == vit::kNone) c.near(at, sums[j], error);
        else c.near(at, gelu(g.activation, sums[j]), gelu_error(g.activation, sums[j]) + 1.13 * error);
      }
    }
}

template <vit::Precision precision>
void any(Case& t) {
  gemm_case(t, {1, t.upto(120), t.upto(120), t.upto(300)}, precision);
}
// Enough work to be shared by the threads: by columns where rows of a are read in place, else by rows; k is cut at 256,
// or 512.
template <vit::Precision precision>
void shared(Case& t) {
  gemm_case(t, {1, 60 + t.upto(200), 40 + t.upto(150), 100 + t.upto(500)}, precision);
}
// Few rows and many columns: tasks are columns, and b is packed 4,096 columns and 1,048,576 elements (bf16: twice that)
// at a time.
template <vit::Precision precision>
void wide(Case& t) {
  const size_t rows = t.upto(9), depth = (precision == vit::kBf16 ? 486 : 230) + t.upto(80);
  gemm_case(t, {1, rows, (t.rng.below(4) == 0 ? 4000 : 0) + t.upto(300), depth}, precision);
}
// Long sums of few elements: k is cut into runs, and where n is large into parts of them, which one of eight draws
// does.
template <vit::Precision precision>
void lengthy(Case& t) {
  if (t.rng.below(8) == 0) return gemm_case(t, {1, t.upto(5), 512 + t.upto(20), 4100 + t.upto(200)}, precision);
  gemm_case(t, {1, t.upto(40), t.upto(40), 2000 + t.upto(900)}, precision);
}
// Where k is above 1,024, b is packed 1,024 columns at a time; in one of four draws.
template <vit::Precision precision>
void deep(Case& t) {
  if (t.rng.below(4) != 0) return gemm_case(t, {1, t.upto(20), t.upto(200), 1000 + t.upto(300)}, precision);
  gemm_case(t, {1, t.upto(6), 1020 + t.upto(40), 1020 + t.upto(40)}, precision);
}
template <vit::Precision precision>
void batch(Case& t) {
  gemm_case(t, {t.upto(12), t.upto(40), t.upto(40), t.upto(70)}, precision);
}
// Nothing to sum, or nothing to write.
template <vit::Precision precision>
void empty(Case& t) {
  gemm_case(t, {t.upto(3) - 1, t.upto(3) - 1, t.upto(9) - 1, t.coin() ? 0 : t.upto(5)}, precision);
}

}  // namespace

const Cases gemm_cases = {
    {"gemm", any<vit::kFp32>},
    {"gemm/shared", shared<vit::kFp32>},
    {"gemm/wide", wide<vit::kFp32>},
    {"gemm/long", lengthy<vit::kFp32>},
    {"gemm/deep", deep<vit::kFp32>},
    {"gemm/batch", batch<vit::kFp32>},
    {"gemm/empty", empty<vit::kFp32>},
    {"gemm/bf16", any<vit::kBf16>},
    {"gemm/bf16-shared", shared<vit::kBf16>},
    {"gemm/bf16-wide", wide<vit::kBf16>},
    {"gemm/bf16-long", lengthy<vit::kBf16>},
    {"gemm/bf16-deep", deep<vit::kBf16>},
    {"gemm/bf16-batch", batch<vit::kBf16>},
    {"gemm/bf16-empty", empty<vit::kBf16>},
};

}  // namespace vit_test
