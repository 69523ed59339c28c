// Elementwise kernels of integers and truth values, and conversions, against JavaScript's rules written out in 64 bits.

#include "cases.h"
#include "integers.h"
#include "random_walk.h"

namespace vit_test {
namespace {

using namespace vit;

// The value that an Int32Array stores for a number.
int32_t to_int32(double x) {
  if (!isfinite(x)) return 0;
  const double rest = fmod(trunc(x), 0x1p32);
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(rest)));
}

double reference(Binary op, int32_t x, int32_t y) {
  const int64_t a = x, b = y;
  const double real_a = x, real_b = y;
  switch (op) {
    case kAdd: return static_cast<int32_t>(static_cast<uint32_t>(a + b));
    case kSub: return static_cast<int32_t>(static_cast<uint32_t>(a - b));
    case kMul: return to_int32(real_a * real_b);
    case kMaximum: return x > y ? x : y;
    case kMinimum: return x < y ? x : y;
    case kSquaredDifference: return to_int32((real_a - real_b) * (real_a - real_b));
    case kBitwiseAnd: return x & y;
    default: return static_cast<double>(b == 0 ? 0 : (a % b + b) % b);
  }
}

void binary_int(Case& t) {
  static const Binary ops[] = {kAdd, kSub, kMul, kMaximum, kMinimum, kSquaredDifference, kMod, kBitwiseAnd};
  size_t a_length, b_length;
  const Walk walk = random_walk(t, &a_length, &b_length);
  const Binary op = ops[t.rng.below(8)];
  const int32_t* a = t.ints(a_length);
  const int32_t* b = t.ints(b_length);
  Output& out = t.output("out", total(walk), Output::kInt);
  t.says("op", op), t.says("rank", static_cast<double>(walk.rank));
  t.kernels.binary_int(op, walk, a, b, ints(out));
  if (!t.judges()) return;
  each(walk, out.size(), [&](size_t i, ptrdiff_t x, ptrdiff_t y) { out.exactly(i, reference(op, a[x], b[y])); });
}

// By one product after the other, in 128 bits as long as it fits.
void power_int(Case& t) {
  size_t a_length, b_length;
  const Walk walk = random_walk(t, &a_length, &b_length);
  const bool small = t.coin();
  std::vector<int32_t> a = integers(t, a_length, small ? 9 : 0), b = integers(t, b_length, small ? 16 : 90);
  if (small)
    for (int32_t& power : b) power %= 17;
  std::vector<int32_t> wanted;
  bool known = true;
  each(walk, total(walk), [&](size_t, ptrdiff_t x, ptrdiff_t y) {
    const int32_t base = a[static_cast<size_t>(x)], power = b[static_cast<size_t>(y)];
    __int128 value = 1;
    bool large = false;
    for (int32_t i = 0; i < power && !large; ++i) {
      value *= base;
      large = value > (static_cast<__int128>(1) << 87) || value < -(static_cast<__int128>(1) << 87);
    }
    if (power < 0) value = base == 1 ? 1 : base == -1 ? (power % 2 == 0 ? 1 : -1) : 0;
    const __int128 size = value < 0 ? -value : value;
    if (size >= static_cast<__int128>(1) << 53 && size <= static_cast<__int128>(1) << 86) known = false;
    wanted.push_back(size >= static_cast<__int128>(1) << 53 ? 0 : to_int32(static_cast<double>(value)));
  });
  Output& out = t.output("out", total(walk), Output::kInt);
  t.says("small", small);
  if (t.kernels.power_int(walk, a.data(), b.data(), ints(out)) != known)
    out.fails("known, or not, against what the powers are");
  for (size_t i = 0; t.judges() && i < out.size(); ++i) out.exactly(i, wanted[i]);
}

void binary_bytes(Case& t) {
  static const Binary ops[] = {kAdd, kSub, kMul, kSquaredDifference};
  size_t a_length, b_length;
  const Walk walk = random_walk(t, &a_length, &b_length);
  const Binary op = ops[t.rng.below(4)];
  const uint8_t* a = t.bytes(a_length);
  const uint8_t* b = t.bytes(b_length);
  Output& out = t.output("out", total(walk), Output::kByte);
  t.says("op", op);
  t.kernels.binary_bytes(op, walk, a, b, bytes(out));
  if (!t.judges()) return;
  each(walk, out.size(), [&](size_t i, ptrdiff_t x, ptrdiff_t y) {
    out.exactly(i, static_cast<int32_t>(reference(op, a[x], b[y])) & 255);
  });
}

void floor_div(Case& t) {
  size_t a_length, b_length;
  const Walk walk = random_walk(t, &a_length, &b_length);
  const bool whole = t.coin();
  t.says("of integers", whole);
  Output& out = t.output("out", total(walk), Output::kInt);
  const auto judge = [&](const auto* a, const auto* b) {
    t.kernels.floor_div(whole ? Kind::kInt32 : Kind::kFloat32, walk, a, b, ints(out));
    if (!t.judges()) return;
    each(walk, out.size(), [&](size_t i, ptrdiff_t x, ptrdiff_t y) {
      out.exactly(i, to_int32(floor(static_cast<double>(a[x]) / static_cast<double>(b[y]))));
    });
  };
  if (whole) judge(t.ints(a_length), t.ints(b_length));
  else judge(t.input(a_length, kSpecial), t.input(b_length, kSpecial));
}

template <typename T>
bool reference(Compare op, T x, T y) {
  switch (op) {
    case kGreater: return x > y;
    case kGreaterEqual: return x >= y;
    case kLess: return x < y;
    case kLessEqual: return x <= y;
    case kEqual: return x == y;
    default: return x != y;
  }
}

void compare(Case& t) {
  size_t a_length, b_length;
  const Walk walk = random_walk(t, &a_length, &b_length);
  const Compare op = static_cast<Compare>(t.rng.below(kCompareCount));
  const Kind kind = static_cast<Kind>(t.rng.below(3));
  t.says("op", op), t.says("kind", static_cast<double>(kind));
  Output& out = t.output("out", total(walk), Output::kByte);
  const auto judge = [&](const auto* a, const auto* b) {
    t.kernels.compare(op, kind, walk, a, b, bytes(out));
    if (!t.judges()) return;
    each(walk, out.size(), [&](size_t i, ptrdiff_t x, ptrdiff_t y) { out.exactly(i, reference(op, a[x], b[y])); });
  };
  if (kind == Kind::kUint8) return judge(t.bytes(a_length), t.bytes(b_length));
  if (kind == Kind::kInt32) return judge(t.ints(a_length), t.ints(b_length));
  const float* a = t.input(a_length, kSpecial);
  judge(a, t.coin() ? t.input(b_length, kSpecial) : t.given(std::vector<float>(b_length, a[0])));
}

void logical(Case& t) {
  size_t a_length, b_length;
  const Walk walk = random_walk(t, &a_length, &b_length);
  const Logical op = static_cast<Logical>(t.rng.below(kLogicalCount));
  const uint8_t* a = t.bytes(a_length);
  const uint8_t* b = t.bytes(b_length);
  Output& out = t.output("out", total(walk), Output::kByte);
  t.says("op", op);
  t.kernels.logical(op, walk, a, b, bytes(out));
  if (!t.judges()) return;
  each(walk, out.size(), [&](size_t i, ptrdiff_t x, ptrdiff_t y) {
    out.exactly(i, op == kAnd ? (a[x] != 0 ? b[y] : 0) : (a[x] != 0 ? a[x] : b[y]));
  });
}

void logical_not(Case& t) {
  const size_t n = length(t) - 1;
  const uint8_t* x = t.bytes(n);
  Output& out = t.output("out", n, Output::kByte);
  t.kernels.logical_not(n, x, bytes(out));
  for (size_t i = 0; t.judges() && i < n; ++i) out.exactly(i, x[i] == 0);
}

void unary_int(Case& t) {
  static const Unary ops[] = {kNeg, kAbs, kSquare, kSign, kRelu};
  const size_t n = length(t) - 1;
  const Unary op = ops[t.rng.below(5)];
  const int32_t* x = t.ints(n);
  Output& out = t.output("out", n, Output::kInt);
  t.says("op", op);
  t.kernels.unary_int(op, n, x, ints(out));
  for (size_t i = 0; t.judges() && i < n; ++i) {
    const double v = x[i];
    const double signs = (v > 0) - (v < 0);
    const double value = op == kNeg      ? -v
                         : op == kAbs    ? fabs(v)
                         : op == kSquare ? v * v
                         : op == kSign   ? signs
                         : v > 0         ? v
                                         : 0;
    out.exactly(i, to_int32(value));
  }
}

void test(Case& t) {
  const size_t n = length(t) - 1;
  const Test op = static_cast<Test>(t.rng.below(kTestCount));
  const float* x = t.input(n, kSpecial);
  Output& out = t.output("out", n, Output::kByte);
  t.says("op", op);
  t.kernels.test(op, n, x, bytes(out));
  for (size_t i = 0; t.judges() && i < n; ++i)
    out.exactly(i, op == kIsNan ? isnan(x[i]) : op == kIsInf ? isinf(x[i]) : isfinite(x[i]));
}

void clip_int(Case& t) {
  const size_t n = length(t) - 1;
  const double low = static_cast<double>(t.rng.normal()) * (t.coin() ? 4 : 1e10);
  const double high = t.rng.below(5) == 0 ? INFINITY : low + fabs(static_cast<double>(t.rng.normal())) * 9;
  const int32_t* x = t.ints(n);
  Output& out = t.output("out", n, Output::kInt);
  t.says("low", low), t.says("high", high);
  t.kernels.clip_int(n, x, low, high, ints(out));
  for (size_t i = 0; t.judges() && i < n; ++i) {
    const double v = x[i];
    out.exactly(i, to_int32(v > high ? high : v < low ? low : v));
  }
}

void cast(Case& t) {
  const size_t n = length(t) - 1;
  const Kind from = static_cast<Kind>(t.rng.below(3)), to = static_cast<Kind>(t.rng.below(3));
  t.says("from", static_cast<double>(from)), t.says("to", static_cast<double>(to));
  Output& out = t.output("out", n,
                         to == Kind::kFloat32 ? Output::kFloat
                         : to == Kind::kInt32 ? Output::kInt
                                              : Output::kByte);
  const auto judge = [&](const auto* x) {
    t.kernels.cast(from, to, n, x, out.memory().data());
    for (size_t i = 0; t.judges() && i < n; ++i) {
      const double v = static_cast<double>(x[i]);
      out.exactly(i, to == Kind::kFloat32 ? static_cast<double>(static_cast<float>(v))
                     : to == Kind::kInt32 ? to_int32(v)
                                          : v != 0);
    }
  };
  if (from == Kind::kFloat32) judge(t.input(n, kSpecial));
  if (from == Kind::kInt32) judge(t.ints(n));
  if (from == Kind::kUint8) judge(t.bytes(n));
}

void select(Case& t) {
  const size_t n = length(t) - 1;
  const bool wide = t.coin();
  const uint8_t* condition = t.bytes(n);
  Output& out = t.output("out", n, wide ? Output::kFloat : Output::kByte);
  const auto judge = [&](const auto* a, const auto* b) {
    t.kernels.select(sizeof *a, n, condition, a, b, out.memory().data());
    for (size_t i = 0; t.judges() && i < n; ++i) out.exactly(i, static_cast<double>(condition[i] != 0 ? a[i] : b[i]));
  };
  if (wide) judge(t.input(n, kSpecial), t.input(n, kSpecial));
  else judge(t.bytes(n), t.bytes(n));
}

void fill(Case& t) {
  const size_t n = length(t) - 1;
  const bool wide = t.coin();
  Output& out = t.output("out", n, wide ? Output::kFloat : Output::kByte);
  const float value = t.rng.normal();
  const uint8_t byte = static_cast<uint8_t>(t.rng.below(256));
  t.kernels.fill(wide ? 4 : 1, n, wide ? static_cast<const void*>(&value) : &byte, out.memory().data());
  for (size_t i = 0; t.judges() && i < n; ++i) out.exactly(i, wide ? static_cast<double>(value) : byte);
}

}  // namespace

const Cases integers_cases = {
    {"binary_int", binary_int},
    {"power_int", power_int},
    {"binary_bytes", binary_bytes},
    {"floor_div", floor_div},
    {"compare", compare},
    {"logical", logical},
    {"logical_not", logical_not},
    {"unary_int", unary_int},
    {"test", test},
    {"clip_int", clip_int},
    {"cast", cast},
    {"select", select},
    {"fill", fill},
};

}  // namespace vit_test
