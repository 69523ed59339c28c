// Kernels that treat each float32 alone, on numbers of all sizes.

#include "activation.h"
#include "cases.h"
#include "random_walk.h"
#include "rounding.h"

namespace vit_test {
namespace {

using namespace vit;

// As tfjs has it, in float64.
double mod_reference(double x, double y) {
  const double rest = fmod(x, y);
  return (x < 0 && y < 0) || (x >= 0 && y >= 0) ? rest : fmod(rest + y, y);
}

double pow_reference(double x, double y) { return isnan(y) || (fabs(x) == 1 && isinf(y)) ? NAN : pow(x, y); }

// The value and how far off the kernel may be.
double reference(Binary op, float x, float y, double* allowed) {
  const double a = static_cast<double>(x), b = static_cast<double>(y);
  *allowed = 0;
  switch (op) {
    case kAdd: return static_cast<double>(x + y);
    case kSub: return static_cast<double>(x - y);
    case kMul: return static_cast<double>(x * y);
    case kDiv: return static_cast<double>(x / y);
    case kMaximum: return isnan(x) || isnan(y) ? NAN : static_cast<double>(x > y ? x : y);
    case kMinimum: return isnan(x) || isnan(y) ? NAN : static_cast<double>(x < y ? x : y);
    case kSquaredDifference: return static_cast<double>((x - y) * (x - y));
    case kMod: return static_cast<double>(static_cast<float>(mod_reference(a, b)));
    case kPrelu: return static_cast<double>(x < 0 ? y * x : x);
    case kEluGrad: return static_cast<double>(y >= 0 ? x : x * (y + 1));
    default: break;
  }
  const double value = op == kPow ? pow_reference(a, b) : atan2(a, b);
  *allowed = (op == kPow ? 0.501 : 2) * kUlp * fabs(value) + 0x1p-149;
  if (!(*allowed < INFINITY)) *allowed = 0;
  return value;
}

void binary(Case& t) {
  size_t a_length, b_length;
  const Walk walk = random_walk(t, &a_length, &b_length);
  const Binary op = static_cast<Binary>(t.rng.below(kBinaryCount));
  const float* a = t.input(a_length, kSpecial);
  // For a single exponent, as for a square or a root, pow takes other paths.
  const bool constant = op == kPow && t.coin();
  const std::vector<float> one(b_length, 0.5f * static_cast<float>(t.rng.below(6)));
  const float* b = constant ? t.given(one) : t.input(b_length, kSpecial);
  Output& out = t.output("out", total(walk));
  t.says("op", op), t.says("rank", static_cast<double>(walk.rank));
  t.kernels.binary(op, walk, a, b, floats(out));
  if (!t.judges()) return;
  each(walk, out.size(), [&](size_t i, ptrdiff_t x, ptrdiff_t y) {
    double allowed;
    const double value = reference(op, a[x], b[y], &allowed);
    out.near(i, value, allowed);
  });
}

// The value in float64 and how far off the kernel may be.
void unary_reference(Unary op, double x, double alpha, double* value, double* allowed) {
  *allowed = 0;
  switch (op) {
    case kNeg: *value = -x; return;
    case kAbs: *value = fabs(x); return;
    case kSquare:
      *value = x * x;
      *allowed = kUlp * x * x + DBL_MIN;
      break;
    case kSqrt:
      *value = sqrt(x);
      *allowed = kUlp * *value;
      break;
    case kRsqrt:
      *value = 1 / sqrt(x);
      *allowed = 2 * kUlp * *value;
      break;
    case kReciprocal:
      *value = 1 / x;
      *allowed = kUlp * fabs(*value);
      break;
    case kExp:
      *value = exp(x);
      *allowed = 2 * kUlp * *value;
      break;
    case kLog:
      *value = log(x);
      *allowed = kUlp * fabs(*value);
      break;
    case kErf:
      *value = erf(x);
      *allowed = 5e-7;
      break;
    case kTanh:
      *value = tanh(x);
      *allowed = 3 * kUlp * fabs(*value);
      break;
    // e^-x overflows before the result does.
    case kSigmoid:
      *value = 1 / (1 + exp(-x));
      *allowed = 4 * kUlp * *value + static_cast<double>(FLT_MIN);
      break;
    case kRelu: *value = x <= 0 ? 0 : x; return;
    case kStep: *value = x > 0 ? 1 : x <= 0 ? alpha : x; return;
    case kRoundBf16: *value = to_bf16(x); return;
    case kFloor: *value = floor(x); return;
    case kCeil: *value = ceil(x); return;
    case kRound: *value = nearbyint(x); return;
    case kSign: *value = (x > 0) - (x < 0); return;
    case kRelu6: *value = x <= 0 ? 0 : x > 6 ? 6 : x; return;
    case kLeakyRelu:
      *value = x < 0 ? alpha * x : x;
      *allowed = 0.5 * kUlp * fabs(*value);
      break;
    case kElu:
      *value = x >= 0 ? x : expm1(x);
      *allowed = kUlp * fabs(*value);
      break;
    case kSelu:
      *value = x >= 0 ? 1.0507009873554805 * x : 1.7580993408473769 * expm1(x);
      *allowed = 2 * kUlp * fabs(*value);
      break;
    case kSoftplus:
      *value = x > 700 ? x : log1p(exp(x));
      *allowed = 2 * kUlp * *value;
      break;
    case kLog1p:
      *value = log1p(x);
      *allowed = kUlp * fabs(*value);
      break;
    case kExpm1:
      *value = expm1(x);
      *allowed = kUlp * fabs(*value);
      break;
    case kSin:
      *value = sin(x);
      *allowed = kUlp * fabs(*value);
      break;
    case kCos:
      *value = cos(x);
      *allowed = 1.5 * kUlp * fabs(*value);
      break;
    case kTan:
      *value = tan(x);
      *allowed = 0.6 * kUlp * fabs(*value);
      break;
    case kAsin:
      *value = asin(x);
      *allowed = 1.5 * kUlp * fabs(*value);
      break;
    case kAcos:
      *value = acos(x);
      *allowed = kUlp * fabs(*value);
      break;
    case kAtan:
      *value = atan(x);
      *allowed = 2 * kUlp * fabs(*value);
      break;
    case kSinh:
      *value = sinh(x);
      *allowed = 1.5 * kUlp * fabs(*value);
      break;
    case kCosh:
      *value = cosh(x);
      *allowed = kUlp * fabs(*value);
      break;
    case kAsinh:
      *value = asinh(x);
      *allowed = 1.5 * kUlp * fabs(*value);
      break;
    case kAcosh:
      *value = acosh(x);
      *allowed = 1.5 * kUlp * fabs(*value);
      break;
    case kAtanh:
      *value = atanh(x);
      *allowed = 1.5 * kUlp * fabs(*value);
      break;
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

void add_n(Case& t) {
  const size_t n = length(t) - 1, count = t.upto(6);
  std::vector<const float*> parts;
  for (size_t p = 0; p < count; ++p) parts.push_back(t.input(n, kSpecial));
  Output& out = t.output("out", n);
  t.says("count", static_cast<double>(count)), t.says("n", static_cast<double>(n));
  t.kernels.add_n(count, parts.data(), n, floats(out));
  for (size_t i = 0; t.judges() && i < n; ++i) {
    float sum = 0;
    for (const float* part : parts) sum += part[i];
    out.exactly(i, static_cast<double>(sum));
  }
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

const Cases elementwise_cases = {
    {"binary", binary}, {"unary", unary},       {"clip", clip},
    {"add_n", add_n},   {"gelu", gelu_forward}, {"gelu_grad", gelu_grad},
};

}  // namespace vit_test
