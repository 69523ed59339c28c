// Elementwise kernels of int32 and of truth values, and those whose result is such. Plain loops, which the compiler
// vectorizes.

#include "integers.h"

#include <math.h>

#include <atomic>

#include "table.h"
#include "walks.h"

namespace VIT_ISA {
namespace {

using namespace vit;

VIT_INLINE int32_t difference(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) - static_cast<uint32_t>(b));
}
// The quotient of two int32 in float64 is an integer only where it is exact, so its floor is right. Division by 0 gives
// 0.
VIT_INLINE int32_t remainder_of(double a, double b) {
  const double rest = a - floor(a / b) * b;
  return static_cast<int32_t>(b != 0 ? rest : 0);
}

// By repeated squaring: exact below 2^53. Whatever is beyond 2^86 counts as infinite, and what is between 0 and 1 as 0.
VIT_INLINE double power_of(int32_t a, int32_t b) {
  const int32_t odd = b & 1, bits = b > 127 ? 126 + odd : b;
  double power = 1, square = a;
  // As many steps whatever b is, so that loops of it are vectorized.
  for (int bit = 0; bit < 7; ++bit) {
    power *= (bits >> bit & 1) != 0 ? square : 1.0;
    square *= square;
  }
  const double inverse = a == 1 ? 1 : (a == -1 ? 1 - 2 * odd : 0);
  return b < 0 ? inverse : power;
}

template <typename T>
VIT_INLINE void compare_of(Compare op, const Walk& walk, const T* a, const T* b, uint8_t* out) {
  switch (op) {
    case kGreater: return walk_each(walk, a, b, out, [](T x, T y) -> uint8_t { return x > y; });
    case kGreaterEqual: return walk_each(walk, a, b, out, [](T x, T y) -> uint8_t { return x >= y; });
    case kLess: return walk_each(walk, a, b, out, [](T x, T y) -> uint8_t { return x < y; });
    case kLessEqual: return walk_each(walk, a, b, out, [](T x, T y) -> uint8_t { return x <= y; });
    case kEqual: return walk_each(walk, a, b, out, [](T x, T y) -> uint8_t { return x == y; });
    case kNotEqual: return walk_each(walk, a, b, out, [](T x, T y) -> uint8_t { return x != y; });
    default: return;
  }
}

}  // namespace

void binary_int(Binary op, const Walk& walk, const int32_t* a, const int32_t* b, int32_t* out) {
  switch (op) {
    case kAdd: return walk_each(walk, a, b, out, [](int32_t x, int32_t y) { return add_wrapped(x, y); });
    case kSub: return walk_each(walk, a, b, out, [](int32_t x, int32_t y) { return difference(x, y); });
    case kMul: return walk_each(walk, a, b, out, [](int32_t x, int32_t y) { return mul_wrapped(x, y); });
    case kMaximum: return walk_each(walk, a, b, out, [](int32_t x, int32_t y) { return x > y ? x : y; });
    case kMinimum: return walk_each(walk, a, b, out, [](int32_t x, int32_t y) { return x < y ? x : y; });
    case kSquaredDifference:
      return walk_each(walk, a, b, out, [](int32_t x, int32_t y) {
        const double d = static_cast<double>(x) - static_cast<double>(y);
        return mul_wrapped(d, d);
      });
    case kMod: return walk_each(walk, a, b, out, [](int32_t x, int32_t y) { return remainder_of(x, y); });
    case kBitwiseAnd: return walk_each(walk, a, b, out, [](int32_t x, int32_t y) { return x & y; });
    default: return;
  }
}

bool power_int(const Walk& walk, const int32_t* a, const int32_t* b, int32_t* out) {
  std::atomic<bool> known{true};
  walk_parts(walk, a, b, [&](const int32_t* x, const int32_t* y, size_t at, size_t n) {
    int32_t* z = out + at;
    int32_t unknown = 0;
    for (size_t i = 0; i < n; ++i) {
      const double power = power_of(x[i], y[i]), size = fabs(power);
      unknown |= static_cast<int32_t>(size >= 0x1p53) & static_cast<int32_t>(size <= 0x1p86);
      const int32_t whole = wrapped(power);
      z[i] = size < 0x1p53 ? whole : 0;
    }
    if (unknown != 0) known.store(false, std::memory_order_relaxed);
  });
  return known.load();
}

void binary_bytes(Binary op, const Walk& walk, const uint8_t* a, const uint8_t* b, uint8_t* out) {
  const auto low = [](int v) { return static_cast<uint8_t>(v); };
  switch (op) {
    case kAdd: return walk_each(walk, a, b, out, [=](uint8_t x, uint8_t y) { return low(x + y); });
    case kSub: return walk_each(walk, a, b, out, [=](uint8_t x, uint8_t y) { return low(x - y); });
    case kMul: return walk_each(walk, a, b, out, [=](uint8_t x, uint8_t y) { return low(x * y); });
    case kSquaredDifference:
      return walk_each(walk, a, b, out, [=](uint8_t x, uint8_t y) { return low((x - y) * (x - y)); });
    default: return;
  }
}

void floor_div(Kind kind, const Walk& walk, const void* a, const void* b, int32_t* out) {
  const auto quotient = [](double x, double y) { return wrapped(floor(x / y)); };
  if (kind == Kind::kFloat32)
    walk_each(walk, static_cast<const float*>(a), static_cast<const float*>(b), out,
              [=](float x, float y) { return quotient(static_cast<double>(x), static_cast<double>(y)); });
  if (kind == Kind::kInt32)
    walk_each(walk, static_cast<const int32_t*>(a), static_cast<const int32_t*>(b), out,
              [=](int32_t x, int32_t y) { return quotient(x, y); });
}

void compare(Compare op, Kind kind, const Walk& walk, const void* a, const void* b, uint8_t* out) {
  switch (kind) {
    case Kind::kFloat32: return compare_of(op, walk, static_cast<const float*>(a), static_cast<const float*>(b), out);
    case Kind::kInt32: return compare_of(op, walk, static_cast<const int32_t*>(a), static_cast<const int32_t*>(b), out);
    case Kind::kUint8: return compare_of(op, walk, static_cast<const uint8_t*>(a), static_cast<const uint8_t*>(b), out);
  }
}

void logical(Logical op, const Walk& walk, const uint8_t* a, const uint8_t* b, uint8_t* out) {
  if (op == kAnd) walk_each(walk, a, b, out, [](uint8_t x, uint8_t y) -> uint8_t { return x != 0 ? y : 0; });
  if (op == kOr) walk_each(walk, a, b, out, [](uint8_t x, uint8_t y) -> uint8_t { return x != 0 ? x : y; });
}

void logical_not(size_t n, const uint8_t* x, uint8_t* out) {
  map_each(n, x, out, [](uint8_t v) -> uint8_t { return v == 0; });
}

void unary_int(Unary op, size_t n, const int32_t* x, int32_t* out) {
  switch (op) {
    case kNeg: return map_each(n, x, out, [](int32_t v) { return difference(0, v); });
    case kAbs: return map_each(n, x, out, [](int32_t v) { return v < 0 ? difference(0, v) : v; });
    case kSquare: return map_each(n, x, out, [](int32_t v) { return mul_wrapped(v, v); });
    case kSign: return map_each(n, x, out, [](int32_t v) { return (v > 0) - (v < 0); });
    case kRelu: return map_each(n, x, out, [](int32_t v) { return v > 0 ? v : 0; });
    default: return;
  }
}

void clip_int(size_t n, const int32_t* x, double low, double high, int32_t* out) {
  const int32_t bottom = wrapped(low), top = wrapped(high);
  map_each(n, x, out, [=](int32_t v) {
    const double value = v;
    return value > high ? top : (value < low ? bottom : v);
  });
}

void test(Test op, size_t n, const float* x, uint8_t* out) {
  // By the bits: above those of infinity are those of NaN.
  const auto size = [](float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits & 0x7fffffff;
  };
  switch (op) {
    case kIsNan: return map_each(n, x, out, [=](float v) -> uint8_t { return size(v) > 0x7f800000; });
    case kIsInf: return map_each(n, x, out, [=](float v) -> uint8_t { return size(v) == 0x7f800000; });
    case kIsFinite: return map_each(n, x, out, [=](float v) -> uint8_t { return size(v) < 0x7f800000; });
    default: return;
  }
}

}  // namespace VIT_ISA
