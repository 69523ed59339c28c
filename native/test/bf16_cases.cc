// The routines of a table that round to bf16 (Bf16Rounding), element by element; gemm's cases and those of the branches
// show that products read it right. The layouts are written out once more here: a left operand [m, n] has rows of n
// filled up to 32, never a multiple of 1,024 elements, a right one panels of 32 columns with pairs of rows side by
// side.

#include "../sizes.h"
#include "activation.h"
#include "cases.h"
#include "rounding.h"

namespace vit_test {
namespace {

using vit::bf16;

constexpr size_t kFill = 32;
size_t filled(size_t n) { return vit::ceil_div(n, kFill) * kFill; }
size_t left_row(size_t n) { return filled(n) % 1024 == 0 ? filled(n) + kFill : filled(n); }

double value_of(bf16 half) {
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  float x;
  memcpy(&x, &bits, sizeof x);
  return static_cast<double>(x);
}
double wide(float x) { return static_cast<double>(x); }

// Memory of just the length of what a kernel writes.
struct Halves {
  Guarded memory;
  explicit Halves(size_t n) : memory(n * sizeof(bf16)) {}
  bf16* data() const { return static_cast<bf16*>(memory.data()); }
};

// Shows what at(i) says of each element, as numbers.
template <typename At>
Output& show(Case& t, const char* name, size_t n, const At& at) {
  Output& out = t.output(name, n, Output::kDouble);
  for (size_t i = 0; i < n; ++i) static_cast<double*>(out.memory().data())[i] = at(i);
  return out;
}

// An operand [m, n] of which element (i, j) is `value(i, j)` but for `off(i, j)`, and zero around.
struct Shape {
  size_t m, n;
};
template <typename Value, typename Off>
void expect_left(Case& t, const char* name, const Shape& s, const Halves& left, const Value& value, const Off& off) {
  const size_t cols = filled(s.n);
  Output& out =
      show(t, name, s.m * cols, [&](size_t i) { return value_of(left.data()[i / cols * left_row(s.n) + i % cols]); });
  for (size_t i = 0; t.judges() && i < s.m * cols; ++i) {
    const size_t r = i / cols, j = i % cols;
    if (j < s.n) out.near(i, value(r, j), off(r, j));
    else out.exactly(i, 0);
  }
}
template <typename Value, typename Off>
void expect_right(Case& t, const char* name, const Shape& s, const Halves& right, const Value& value, const Off& off) {
  const size_t rows = filled(s.m), cols = filled(s.n);
  Output& out = show(t, name, rows * cols, [&](size_t i) {
    const size_t r = i / cols, j = i % cols;
    return value_of(right.data()[j / kFill * rows * kFill + ((r / 2) * kFill + j % kFill) * 2 + r % 2]);
  });
  for (size_t i = 0; t.judges() && i < rows * cols; ++i) {
    const size_t r = i / cols, j = i % cols;
    if (r < s.m && j < s.n) out.near(i, value(r, j), off(r, j));
    else out.exactly(i, 0);
  }
}
Halves left_of(const Shape& s) { return Halves(s.m * left_row(s.n)); }
Halves right_of(const Shape& s) { return Halves(filled(s.m) * filled(s.n)); }

// Half a unit of bf16 and a little; denormals may become zero.
double rounding_of(double value) { return fabs(value) * 0x1.02p-8 + FLT_MIN; }

Shape shape_of(Case& t) {
  const Shape s{t.upto(140), t.upto(280)};
  t.says("rows", static_cast<double>(s.m)), t.says("cols", static_cast<double>(s.n));
  return s;
}

void round(Case& t) {
  const size_t n = t.upto(3000);
  const float* x = t.input(n, kSpecial);
  const Halves y(n);
  t.kernels.bf16_rounding->round(n, x, y.data());
  Output& out = show(t, "y", n, [&](size_t i) { return value_of(y.data()[i]); });
  for (size_t i = 0; t.judges() && i < n; ++i) {
    const double value = to_bf16(wide(x[i]));
    out.near(i, value, fabs(wide(x[i])) < wide(FLT_MIN) ? FLT_MIN : 0);
  }
}

// The three directions that an operand may have.
void operands(Case& t) {
  const Shape s = shape_of(t);
  const size_t way = t.rng.below(3), gap = t.rng.below(4);
  const size_t row = way == 0 ? s.n + gap : way == 1 ? 1 : 2 * s.n, col = way == 0 ? 1 : way == 1 ? s.m + gap : 2;
  t.says("row", static_cast<double>(row)), t.says("col", static_cast<double>(col));
  const float* x = t.input((s.m - 1) * row + (s.n - 1) * col + 1, kWide);
  const Halves left = left_of(s), right = right_of(s);
  t.kernels.bf16_rounding->pack_left(x, row, col, s.m, s.n, left.data());
  const size_t panels = filled(s.n) / kFill, cut = t.rng.below(panels + 1);
  t.kernels.bf16_rounding->pack_right(x, row, col, s.m, s.n, 0, cut, right.data());
  t.kernels.bf16_rounding->pack_right(x, row, col, s.m, s.n, cut, panels, right.data());
  const auto value = [&](size_t i, size_t j) { return to_bf16(wide(x[i * row + j * col])); };
  const auto off = [&](size_t i, size_t j) { return fabs(wide(x[i * row + j * col])) < wide(FLT_MIN) ? FLT_MIN : 0.0; };
  expect_left(t, "left", s, left, value, off);
  expect_right(t, "right", s, right, value, off);
}

void rows(Case& t) {
  const Shape s = shape_of(t);
  const size_t ld = s.n + t.rng.below(20), ldk = s.n + t.rng.below(20), size = (s.m - 1) * ld + s.n;
  const float* from = t.input(size, kSpecial);
  const bool keeps = t.coin();
  Output& x = t.output("x", size);
  memcpy(floats(x), from, size * sizeof(float));
  const Halves kept((s.m - 1) * ldk + s.n);
  memset(kept.data(), 0, kept.memory.bytes());
  t.kernels.bf16_rounding->round_rows(s.m, s.n, floats(x), ld, keeps ? kept.data() : nullptr, ldk);
  Output& out = show(t, "kept", s.m * s.n, [&](size_t i) { return value_of(kept.data()[i / s.n * ldk + i % s.n]); });
  for (size_t i = 0; t.judges() && i < size; ++i) {
    const size_t r = i / ld, j = i % ld;
    const double value = wide(from[i]), off = fabs(value) < wide(FLT_MIN) ? FLT_MIN : 0;
    x.near(i, j < s.n ? to_bf16(value) : value, j < s.n ? off : 0);
    if (j < s.n) out.near(r * s.n + j, keeps ? to_bf16(value) : 0, keeps ? off : 0);
  }
}

void twice(Case& t) {
  const Shape s = shape_of(t);
  const size_t ld = s.n + t.rng.below(20);
  const float *x = t.input((s.m - 1) * ld + s.n), *before = t.input(s.n);
  Output& sum = t.output("sum", s.n);
  memcpy(floats(sum), before, s.n * sizeof(float));
  const Halves left = left_of(s), right = right_of(s);
  t.kernels.bf16_rounding->round_twice(s.m, s.n, x, ld, floats(sum), left.data(), right.data());
  const auto value = [&](size_t i, size_t j) { return to_bf16(wide(x[i * ld + j])); };
  const auto off = [&](size_t, size_t) { return 0.0; };
  expect_left(t, "left", s, left, value, off);
  expect_right(t, "right", s, right, value, off);
  for (size_t j = 0; t.judges() && j < s.n; ++j) {
    double total = wide(before[j]), size = fabs(total);
    for (size_t i = 0; i < s.m; ++i) total += wide(x[i * ld + j]), size += fabs(wide(x[i * ld + j]));
    sum.near(j, total, static_cast<double>(s.m + 2) * kUlp * size);
  }
}

void gelu_forward(Case& t) {
  const Shape s = shape_of(t);
  const auto form = static_cast<vit::Activation>(t.rng.below(3));
  const size_t ld = s.n + t.rng.below(20), ldk = s.n + t.rng.below(20);
  const float* h = t.input((s.m - 1) * ld + s.n);
  const bool keeps = t.coin();
  const Halves kept((s.m - 1) * ldk + s.n), left = left_of(s);
  memset(kept.data(), 0, kept.memory.bytes());
  t.kernels.bf16_rounding->gelu(form, s.m, s.n, h, ld, keeps ? kept.data() : nullptr, ldk, left.data());
  const auto before = [&](size_t i, size_t j) { return to_bf16(wide(h[i * ld + j])); };
  Output& out = show(t, "kept", s.m * s.n, [&](size_t i) { return value_of(kept.data()[i / s.n * ldk + i % s.n]); });
  for (size_t i = 0; t.judges() && i < s.m * s.n; ++i) out.exactly(i, keeps ? before(i / s.n, i % s.n) : 0);
  expect_left(
      t, "left", s, left, [&](size_t i, size_t j) { return gelu(form, before(i, j)); },
      [&](size_t i, size_t j) { return rounding_of(gelu(form, before(i, j))) + gelu_error(form, before(i, j)); });
}

void gelu_backward(Case& t) {
  const Shape s = shape_of(t);
  const auto form = static_cast<vit::Activation>(t.rng.below(3));
  const size_t ld = s.n + t.rng.below(20), ldk = s.n + t.rng.below(20);
  const float *h = t.input((s.m - 1) * ldk + s.n), *dg = t.input((s.m - 1) * ld + s.n), *before = t.input(s.n);
  const Halves kept((s.m - 1) * ldk + s.n), left = left_of(s), right = right_of(s), gelu_right = right_of(s);
  t.kernels.bf16_rounding->round((s.m - 1) * ldk + s.n, h, kept.data());
  Output& sum = t.output("sum", s.n);
  memcpy(floats(sum), before, s.n * sizeof(float));
  t.kernels.bf16_rounding->gelu_grad(form, s.m, s.n, kept.data(), ldk, dg, ld, floats(sum), left.data(), right.data(),
                                     gelu_right.data());
  const auto x = [&](size_t i, size_t j) { return to_bf16(wide(h[i * ldk + j])); };
  const auto grad = [&](size_t i, size_t j) { return wide(dg[i * ld + j]) * gelu_slope(form, x(i, j)); };
  const auto error = [&](size_t i, size_t j) { return fabs(wide(dg[i * ld + j])) * gelu_slope_error(form, x(i, j)); };
  const auto off = [&](size_t i, size_t j) { return rounding_of(grad(i, j)) + error(i, j); };
  expect_left(t, "left", s, left, grad, off);
  expect_right(t, "right", s, right, grad, off);
  expect_right(
      t, "gelu", s, gelu_right, [&](size_t i, size_t j) { return gelu(form, x(i, j)); },
      [&](size_t i, size_t j) { return rounding_of(gelu(form, x(i, j))) + gelu_error(form, x(i, j)); });
  for (size_t j = 0; t.judges() && j < s.n; ++j) {
    double total = wide(before[j]), size = fabs(total), errors = 0;
    for (size_t i = 0; i < s.m; ++i) total += grad(i, j), size += fabs(grad(i, j)), errors += error(i, j);
    sum.near(j, total, static_cast<double>(s.m + 2) * kUlp * size + errors);
  }
}

void score_grads(Case& t) {
  const Shape s = shape_of(t);
  const size_t ld = s.n + t.rng.below(20);
  const float *p = t.input((s.m - 1) * ld + s.n), *dp = t.input((s.m - 1) * ld + s.n), *deltas = t.input(s.m);
  const float scale = 0.25f;
  const Halves left = left_of(s), right = right_of(s), p_right = right_of(s);
  t.kernels.bf16_rounding->score_grads(s.m, s.n, p, dp, ld, deltas, scale, left.data(), right.data(), p_right.data());
  const auto grad = [&](size_t i, size_t j) {
    return wide(p[i * ld + j]) * (wide(dp[i * ld + j]) - wide(deltas[i])) * wide(scale);
  };
  const auto off = [&](size_t i, size_t j) {
    return rounding_of(grad(i, j)) +
           2 * kUlp * fabs(wide(p[i * ld + j])) * (fabs(wide(dp[i * ld + j])) + fabs(wide(deltas[i])));
  };
  expect_left(t, "left", s, left, grad, off);
  expect_right(t, "right", s, right, grad, off);
  expect_right(
      t, "p", s, p_right, [&](size_t i, size_t j) { return to_bf16(wide(p[i * ld + j])); },
      [](size_t, size_t) { return 0.0; });
}

}  // namespace

extern const Cases bf16_cases = {
    {"rounding/bf16", round},
    {"rounding/bf16-operands", operands},
    {"rounding/bf16-rows", rows},
    {"rounding/bf16-twice", twice},
    {"rounding/bf16-gelu", gelu_forward},
    {"rounding/bf16-gelu-grad", gelu_backward},
    {"rounding/bf16-score-grads", score_grads},
};

}  // namespace vit_test
