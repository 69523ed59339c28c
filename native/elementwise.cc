// Kernels that treat each float32 alone.

#include <algorithm>

#include "table.h"
#include "transcendental.h"
#include "walks.h"

namespace VIT_ISA {
namespace {

using namespace vit;

template <typename F>
VIT_INLINE void binary_walk(const Walk& walk, const float* a, const float* b, float* out, const F& f) {
  const ptrdiff_t sa = walk.stride_a[walk.rank - 1];
  const ptrdiff_t sb = walk.stride_b[walk.rank - 1];
  walk_rows(walk, [&](ptrdiff_t at_a, ptrdiff_t at_b, size_t at, size_t n) {
    const float* x = a + at_a;
    const float* y = b + at_b;
    float* z = out + at;
    size_t i = 0;
    if (sa == 1 && sb == 1) {
      for (; i + VL <= n; i += VL) store(z + i, f(load(x + i), load(y + i)));
      if (i < n) store_n(z + i, f(load_n(x + i, n - i), load_n(y + i, n - i)), n - i);
    } else if (sa == 1 && sb == 0) {
      const vf right = set1(*y);
      for (; i + VL <= n; i += VL) store(z + i, f(load(x + i), right));
      if (i < n) store_n(z + i, f(load_n(x + i, n - i), right), n - i);
    } else if (sa == 0 && sb == 1) {
      const vf left = set1(*x);
      for (; i + VL <= n; i += VL) store(z + i, f(left, load(y + i)));
      if (i < n) store_n(z + i, f(left, load_n(y + i, n - i)), n - i);
    } else {
      for (; i < n; ++i) {
        const ptrdiff_t s = static_cast<ptrdiff_t>(i);
        z[i] = f(set1(x[s * sa]), set1(y[s * sb]))[0];
      }
    }
  });
}

// Equal numbers may be 0 and -0: the larger has the bits that both have, the smaller those that one has.
VIT_INLINE vf maximum_v(vf x, vf y) {
  const vf larger = x == y ? as_float(as_int(x) & as_int(y)) : max_v(x, y);
  return y != y ? y : larger;
}
VIT_INLINE vf minimum_v(vf x, vf y) {
  const vf smaller = x == y ? as_float(as_int(x) | as_int(y)) : min_v(x, y);
  return y != y ? y : smaller;
}

}  // namespace

void binary(Binary op, const Walk& walk, const float* a, const float* b, float* out) {
  switch (op) {
    case kAdd: return binary_walk(walk, a, b, out, [](vf x, vf y) { return x + y; });
    case kSub: return binary_walk(walk, a, b, out, [](vf x, vf y) { return x - y; });
    case kMul: return binary_walk(walk, a, b, out, [](vf x, vf y) { return x * y; });
    case kDiv: return binary_walk(walk, a, b, out, [](vf x, vf y) { return x / y; });
    case kMaximum: return binary_walk(walk, a, b, out, [](vf x, vf y) { return maximum_v(x, y); });
    case kMinimum: return binary_walk(walk, a, b, out, [](vf x, vf y) { return minimum_v(x, y); });
    case kSquaredDifference: return binary_walk(walk, a, b, out, [](vf x, vf y) { return (x - y) * (x - y); });
    case kPrelu: return binary_walk(walk, a, b, out, [](vf x, vf y) { return x < set1(0.0f) ? y * x : x; });
    case kEluGrad:
      return binary_walk(walk, a, b, out, [](vf x, vf y) { return y >= set1(0.0f) ? x : x * (y + set1(1.0f)); });
    default: return transcendental(op, walk, a, b, out);
  }
}

void unary(Unary op, size_t n, const float* x, float* out, float alpha) {
  const vf zero = set1(0.0f);
  const vf one = set1(1.0f);
  switch (op) {
    case kNeg: return map(n, x, out, [](vf v) { return -v; });
    case kAbs: return map(n, x, out, [](vf v) { return abs_v(v); });
    case kSquare: return map(n, x, out, [](vf v) { return v * v; });
    case kSqrt: return map(n, x, out, [](vf v) { return sqrt_v(v); });
    case kRsqrt: return map(n, x, out, [=](vf v) { return one / sqrt_v(v); });
    case kReciprocal: return map(n, x, out, [=](vf v) { return one / v; });
    case kExp: return map(n, x, out, [](vf v) { return exp_v(v); });
    case kErf: return map(n, x, out, [](vf v) { return erf_v(v); });
    case kTanh: return map(n, x, out, [](vf v) { return tanh_v(v); });
    case kSigmoid: return map(n, x, out, [](vf v) { return sigmoid_v(v); });
    case kRelu: return map(n, x, out, [=](vf v) { return v <= zero ? zero : v; });
    case kStep: {
      const vf low = set1(alpha);
      return map(n, x, out, [=](vf v) { return v > zero ? one : (v <= zero ? low : v); });
    }
    case kFloor: return map(n, x, out, [](vf v) { return floor_v(v); });
    case kCeil: return map(n, x, out, [](vf v) { return ceil_v(v); });
    case kRound: return map(n, x, out, [](vf v) { return round_v(v); });
    case kSign: return map(n, x, out, [=](vf v) { return v > zero ? one : (v < zero ? -one : zero); });
    case kRelu6: {
      const vf top = set1(6.0f);
      return map(n, x, out, [=](vf v) { return v <= zero ? zero : (v > top ? top : v); });
    }
    case kLeakyRelu: {
      const vf slope = set1(alpha);
      return map(n, x, out, [=](vf v) { return v < zero ? slope * v : v; });
    }
    case kCopy: return map(n, x, out, [](vf v) { return v; });
    case kRoundBf16:
      return map(n, x, out, [](vf v) {
        const vu bits = reinterpret_cast<vu>(v);
        const vu rounded = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
        return v != v ? v : reinterpret_cast<vf>(rounded);
      });
    default: return transcendental(op, n, x, out);
  }
}

void clip(size_t n, const float* x, float low, float high, float* out) {
  const vf bottom = set1(low);
  const vf top = set1(high);
  map(n, x, out, [=](vf v) { return max_v(min_v(v, top), bottom); });
}

// The sum starts at 0, as tfjs's does: of nothing but -0 it is 0.
void add_n(size_t count, const float* const* parts, size_t n, float* out) {
  chunks(n, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i += VL) {
      const size_t left = std::min(end - i, VL);
      vf sum = set1(0.0f);
      for (size_t p = 0; p < count; ++p) sum = sum + get(parts[p] + i, left);
      put(out + i, sum, left);
    }
  });
}

void gelu(Activation form, size_t n, const float* x, float* y) {
  if (form == kGeluErf) map(n, x, y, [](vf v) { return gelu_v<0>(v); });
  if (form == kGeluTanh) map(n, x, y, [](vf v) { return gelu_v<1>(v); });
  if (form == kGeluQuick) map(n, x, y, [](vf v) { return gelu_v<2>(v); });
}

namespace {

template <int form>
void gelu_grad_of(size_t n, const float* dout, const float* x, float* dx) {
  chunks(n, [&](size_t i, size_t end) {
    for (; i + VL <= end; i += VL) store(dx + i, load(dout + i) * gelu_slope_v<form>(load(x + i)));
    if (i < end) store_n(dx + i, load_n(dout + i, end - i) * gelu_slope_v<form>(load_n(x + i, end - i)), end - i);
  });
}

}  // namespace

void gelu_grad(Activation form, size_t n, const float* dout, const float* x, float* dx) {
  if (form == kGeluErf) gelu_grad_of<0>(n, dout, x, dx);
  if (form == kGeluTanh) gelu_grad_of<1>(n, dout, x, dx);
  if (form == kGeluQuick) gelu_grad_of<2>(n, dout, x, dx);
}

}  // namespace VIT_ISA
