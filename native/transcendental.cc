// Elementwise kernels whose functions are long: each is written out once, not for every form of its loop.

#include "transcendental.h"

#include <algorithm>

#include "walks.h"

namespace VIT_ISA {
namespace {

using namespace vit;

template <typename F>
VIT_INLINE void map_long(size_t n, const float* x, float* out, const F& f) {
  chunks(n, [&](size_t begin, size_t end) {
    each_part(end - begin, [&](size_t i, size_t count) { put(out + begin + i, f(get(x + begin + i, count)), count); });
  });
}

template <typename F>
VIT_INLINE void walk_long(const Walk& walk, const float* a, const float* b, float* out, const F& f) {
  walk_parts(walk, a, b, [&](const float* x, const float* y, size_t at, size_t n) {
    for (size_t i = 0; i < n; i += VL) {
      const size_t count = std::min(n - i, VL);
      put(out + at + i, f(get(x + i, count), get(y + i, count)), count);
    }
  });
}

// For a single exponent of 2 or ½, the result is a product or a root, rounded as the power in float64 would be. The
// root of minus infinity is infinite here, and that of -0 is 0.
void power(const Walk& walk, const float* a, const float* b, float* out) {
  bool constant = true;
  for (size_t d = 0; d < walk.rank; ++d) constant = constant && (walk.stride_b[d] == 0 || walk.size[d] < 2);
  if (constant && *b == 2.0f) return walk_each(walk, a, b, out, [](float x, float) { return x * x; });
  if (constant && *b == 0.5f)
    return walk_long(walk, a, b, out, [](vf x, vf) { return x == -infinity_v() ? -x : sqrt_v(x + set1(0.0f)); });
  walk_long(walk, a, b, out, [](vf x, vf y) { return pow_v(x, y); });
}

}  // namespace

void transcendental(Unary op, size_t n, const float* x, float* out) {
  switch (op) {
    case kLog: return map_long(n, x, out, [](vf v) { return log_all_v(v); });
    case kLog1p: return map_long(n, x, out, [](vf v) { return log1p_v(v); });
    case kExpm1: return map_long(n, x, out, [](vf v) { return expm1_v(v); });
    case kElu: return map_long(n, x, out, [](vf v) { return v >= set1(0.0f) ? v : expm1_v(v); });
    case kSelu: {
      const vf scale = set1(1.0507009873554804934f), below = set1(1.7580993408473768600f);
      return map_long(n, x, out, [=](vf v) { return v >= set1(0.0f) ? scale * v : below * expm1_v(v); });
    }
    case kSoftplus: return map_long(n, x, out, [](vf v) { return softplus_v(v); });
    case kSin: return map_long(n, x, out, [](vf v) { return sin_v(v); });
    case kCos: return map_long(n, x, out, [](vf v) { return cos_v(v); });
    case kTan: return map_long(n, x, out, [](vf v) { return tan_v(v); });
    case kAsin: return map_long(n, x, out, [](vf v) { return asin_v(v); });
    case kAcos: return map_long(n, x, out, [](vf v) { return acos_v(v); });
    case kAtan: return map_long(n, x, out, [](vf v) { return atan_v(v); });
    case kSinh: return map_long(n, x, out, [](vf v) { return sinh_v(v); });
    case kCosh: return map_long(n, x, out, [](vf v) { return cosh_v(v); });
    case kAsinh: return map_long(n, x, out, [](vf v) { return asinh_v(v); });
    case kAcosh: return map_long(n, x, out, [](vf v) { return acosh_v(v); });
    case kAtanh: return map_long(n, x, out, [](vf v) { return atanh_v(v); });
    default: return;
  }
}

void transcendental(Binary op, const Walk& walk, const float* a, const float* b, float* out) {
  switch (op) {
    case kMod: return walk_long(walk, a, b, out, [](vf x, vf y) { return mod_v(x, y); });
    case kPow: return power(walk, a, b, out);
    case kAtan2: return walk_long(walk, a, b, out, [](vf y, vf x) { return atan2_v(y, x); });
    default: return;
  }
}

}  // namespace VIT_ISA
