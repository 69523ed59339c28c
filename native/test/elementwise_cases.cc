// Kernels that treat each element alone, on numbers of all sizes.

#include "activation.h"
#include "cases.h"
#include "rounding.h"

namespace vit_test {
namespace {

using namespace vit;

// Mostly short; sometimes of several tasks.
size_t length(Case& t) { return t.rng.below(8) == 0 ? t.upto(60000) : t.upto(600); }

double reference(Binary op, float x, float y) {
  switch (op) {
    case kAdd: return static_cast<double>(x + y);
    case kSub: return static_cast<double>(x - y);
    case kMul: return static_cast<double>(x * y);
    case kDiv: return static_cast<double>(x / y);
    case kMaximum: return isnan(x) || isnan(y) ? NAN : static_cast<double>(x > y ? x : y);
    case kMinimum: return isnan(x) || isnan(y) ? NAN : static_cast<double>(x < y ? x : y);
    default: return static_cast<double>((x - y) * (x - y));
  }
}

bool reference(Compare op, float x, float y) {
  switch (op) {
    case kGreater: return x > y;
    case kGreaterEqual: return x >= y;
    case kLess: return x < y;
    case kLessEqual: return x <= y;
    case kEqual: return x == y;
    default: return x != y;
  }
}

// Up to four loops over a and b, each of which may be broadcast or have gaps; the lengths that they need.
Walk random_walk(Case& t, size_t* a_length, size_t* b_length) {
  Walk walk;
  walk.rank = 1 + t.rng.below(4);
  const size_t limit = t.rng.below(8) == 0 ? 40 : walk.rank == 1 ? 300 : 9;
  ptrdiff_t a_step = 1, b_step = 1;
  *a_length = *b_length = 1;
  for (size_t d = walk.rank; d-- > 0;) {
    walk.size[d] = t.upto(limit);
    const ptrdiff_t size = static_cast<ptrdiff_t>(walk.size[d]);
    walk.stride_a[d] = t.rng.below(5) == 0 ? 0 : a_step;
    walk.stride_b[d] = t.rng.below(5) == 0 ? 0 : b_step;
    *a_length += static_cast<size_t>((size - 1) * walk.stride_a[d]);
    *b_length += static_cast<size_t>((size - 1) * walk.stride_b[d]);
    const ptrdiff_t gap = t.rng.below(6) == 0 ? 2 : 1;
    a_step *= size * gap;
    b_step *= size;
  }
  return walk;
}

// Calls body(i, offset in a, offset in b) for each element in order.
template <typename Body>
void each(const Walk& walk, size_t n, const Body& body) {
  for (size_t i = 0; i < n; ++i) {
    ptrdiff_t a = 0, b = 0;
    size_t rest = i;
    for (size_t d = walk.rank; d-- > 0; rest /= walk.size[d]) {
      a += static_cast<ptrdiff_t>(rest % walk.size[d]) * walk.stride_a[d];
      b += static_cast<ptrdiff_t>(rest % walk.size[d]) * walk.stride_b[d];
    }
    body(i, a, b);
  }
}

size_t total(const Walk& walk) {
  size_t n = 1;
  for (size_t d = 0; d < walk.rank; ++d) n *= walk.size[d];
  return n;
}

void binary(Case& t) {
  size_t a_length, b_length;
  const Walk walk = random_walk(t, &a_length, &b_length);
  const Binary op = static_cast<Binary>(t.rng.below(kBinaryCount));
  const float* a = t.input(a_length, kSpecial);
  const float* b = t.input(b_length, kSpecial);
  Output& out = t.output("out", total(walk));
  t.says("op", op), t.says("rank", static_cast<double>(walk.rank));
  t.kernels.binary(op, walk, a, b, floats(out));
  if (!t.judges()) return;
  each(walk, out.size(), [&](size_t i, ptrdiff_t x, ptrdiff_t y) { out.exactly(i, reference(op, a[x], b[y])); });
}

void compare(Case& t) {
  size_t a_length, b_length;
  const Walk walk = random_walk(t, &a_length, &b_length);
  const Compare op = static_cast<Compare>(t.rng.below(kCompareCount));
  const float* a = t.input(a_length, kSpecial);
  const float* b = t.coin() ? t.input(b_length, kSpecial) : t.given(std::vector<float>(b_length, a[0]));
  Output& out = t.output("out", total(walk), Output::kByte);
  t.says("op", op);
  t.kernels.compare(op, walk, a, b, bytes(out));
  if (!t.judges()) return;
  each(walk, out.size(), [&](size_t i, ptrdiff_t x, ptrdiff_t y) { out.exactly(i, reference(op, a[x], b[y])); });
}

// The value in float64 and how far off the kernel may be.
void unary_reference(Unary op, double x, double alpha, double* value, double* allowed) {
  *allowed = 0;
  switch (op) {
    case kNeg: *value = -x; return;
    case kAbs: *value = fabs(x); return;
    case kSquare: *value = x * x; *allowed = kUlp * x * x + DBL_MIN; break;
    case kSqrt: *value = sqrt(x); *allowed = kUlp * *value; break;
    case kRsqrt: *value = 1 / sqrt(x); *allowed = 2 * kUlp * *value; break;
    case kReciprocal: *value = 1 / x; *allowed = kUlp * fabs(*value); break;
    case kExp: *value = exp(x); *allowed = 2 * kUlp * *value; break;
    case kLog: *value = log(x); *allowed = kUlp * fabs(*value); break;
    case kErf: *value = erf(x); *allowed = 5e-7; break;
    case kTanh: *value = tanh(x); *allowed = 3 * kUlp * fabs(*value); break;
    // e^-x overflows before the result does.
    case kSigmoid: *value = 1 / (1 + exp(-x)); *allowed = 4 * kUlp * *value + static_cast<double>(FLT_MIN); break;
    case kRelu: *value = x <= 0 ? 0 : x; return;
    case kStep: *value = x > 0 ? 1 : x <= 0 ? alpha : x; return;
    case kRoundBf16: *value = to_bf16(x); return;
    default: *value = x; return;
  }
  *allowed += 0x1p-149;  // a denormal result is rounded to the next
  if (!(*allowed < INFINITY)) *allowed = 0;
}

void unary(Case& t) {
  const size_t n = length(t);
  const Unary op = static_cast<Unary>(t.rng.below(kUnaryCount));
  const float alpha = t.rng.normal();
  const float* x = t.input(n, kSpecial);
  Output& out = t.output("out", n);
  t.says("op", op), t.says("n", static_cast<double>(n));
  t.kernels.unary(op, n, x, floats(out), alpha);
  if (!t.judges()) return;
  for (size_t i = 0; i < n; ++i) {
    double value, allowed;
    unary_reference(op, static_cast<double>(x[i]), static_cast<double>(alpha), &value, &allowed);
    out.near(i, value, allowed);
  }
}

void clip(Case& t) {
  const size_t n = length(t);
  const float low = t.rng.normal(), high = low + fabsf(t.rng.normal());
  const float* x = t.input(n, kSpecial);
  Output& out = t.output("out", n);
  t.kernels.clip(n, x, low, high, floats(out));
  if (!t.judges()) return;
  for (size_t i = 0; i < n; ++i) out.exactly(i, static_cast<double>(x[i] < low ? low : x[i] > high ? high : x[i]));
}

void select(Case& t) {
  const size_t n = length(t);
  const uint8_t* condition = t.bytes(n);
  const float* a = t.input(n, kSpecial);
  const float* b = t.input(n, kSpecial);
  Output& out = t.output("out", n);
  t.kernels.select(n, condition, a, b, floats(out));
  if (!t.judges()) return;
  for (size_t i = 0; i < n; ++i) out.exactly(i, static_cast<double>(condition[i] != 0 ? a[i] : b[i]));
}

void fill(Case& t) {
  const size_t n = length(t) - 1;
  const float value = t.rng.normal();
  Output& out = t.output("out", n);
  t.kernels.fill(n, value, floats(out));
  for (size_t i = 0; t.judges() && i < n; ++i) out.exactly(i, static_cast<double>(value));
}

void gelu_forward(Case& t) {
  const size_t n = length(t);
  const Activation form = static_cast<Activation>(t.rng.below(3));
  const float* x = t.input(n, t.coin() ? kNormal : kWide);
  Output& y = t.output("y", n);
  t.says("form", form), t.says("n", static_cast<double>(n));
  t.kernels.gelu(form, n, x, floats(y));
  for (size_t i = 0; t.judges() && i < n; ++i) {
    const double at = static_cast<double>(x[i]);
    y.near(i, gelu(form, at), gelu_error(form, at));
  }
}

void gelu_grad(Case& t) {
  const size_t n = length(t);
  const Activation form = static_cast<Activation>(t.rng.below(3));
  const float* dout = t.input(n);
  std::vector<float> values(n);
  for (float& value : values) value = t.rng.normal() * (t.coin() ? 1.0f : 20.0f);
  const float* x = t.given(values);
  Output& dx = t.output("dx", n);
  t.says("form", form), t.says("n", static_cast<double>(n));
  t.kernels.gelu_grad(form, n, dout, x, floats(dx));
  for (size_t i = 0; t.judges() && i < n; ++i) {
    const double d = static_cast<double>(dout[i]), at = static_cast<double>(x[i]);
    dx.near(i, d * gelu_slope(form, at), fabs(d) * gelu_slope_error(form, at));
  }
}

}  // namespace

const std::vector<Entry> elementwise_cases = {
    {"binary", binary}, {"compare", compare}, {"unary", unary},        {"clip", clip},
    {"select", select}, {"fill", fill},       {"gelu", gelu_forward}, {"gelu_grad", gelu_grad},
};

}  // namespace vit_test
