// Kernels that treat each element alone. Work is cut every 16,384 elements (64 KB).

#include <math.h>

#include "parallel.h"
#include "table.h"
#include "vector_math.h"

namespace VIT_ISA {
namespace {

using namespace vit;

constexpr size_t kChunk = 16384;

// body(begin, end) for every chunk of n elements.
template <typename Body>
VIT_INLINE void chunks(size_t n, const Body& body) {
  parallel((n + kChunk - 1) / kChunk, [&](size_t task, size_t) {
    const size_t begin = task * kChunk;
    body(begin, n - begin < kChunk ? n : begin + kChunk);
  });
}

// out[i] = f(x[i]) on vectors.
template <typename F>
VIT_INLINE void map(size_t n, const float* x, float* out, const F& f) {
  chunks(n, [&](size_t i, size_t end) {
    for (; i + VL <= end; i += VL) store(out + i, f(load(x + i)));
    if (i < end) store_n(out + i, f(load_n(x + i, end - i)), end - i);
  });
}

// Calls row(offset_a, offset_b, offset_out, n) for the runs of the innermost loop, in parallel.
template <typename Row>
VIT_INLINE void walk_rows(const Walk& walk, const Row& row) {
  size_t total = 1;
  for (size_t d = 0; d < walk.rank; ++d) total *= walk.size[d];
  if (total == 0) return;
  const size_t last = walk.rank - 1;
  const size_t inner = walk.size[last];
  chunks(total, [&](size_t begin, size_t end) {
    size_t index[kMaxRank];
    size_t rest = begin / inner;
    ptrdiff_t a = 0, b = 0;
    for (size_t d = last; d-- > 0;) {
      index[d] = rest % walk.size[d];
      rest /= walk.size[d];
      a += static_cast<ptrdiff_t>(index[d]) * walk.stride_a[d];
      b += static_cast<ptrdiff_t>(index[d]) * walk.stride_b[d];
    }
    size_t column = begin % inner;
    while (begin < end) {
      const size_t n = inner - column < end - begin ? inner - column : end - begin;
      const ptrdiff_t skip = static_cast<ptrdiff_t>(column);
      row(a + skip * walk.stride_a[last], b + skip * walk.stride_b[last], begin, n);
      begin += n;
      column = 0;
      for (size_t d = last; d-- > 0;) {
        a += walk.stride_a[d];
        b += walk.stride_b[d];
        if (++index[d] < walk.size[d]) break;
        a -= static_cast<ptrdiff_t>(walk.size[d]) * walk.stride_a[d];
        b -= static_cast<ptrdiff_t>(walk.size[d]) * walk.stride_b[d];
        index[d] = 0;
      }
    }
  });
}

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

template <typename F>
VIT_INLINE void compare_walk(const Walk& walk, const float* a, const float* b, uint8_t* out, const F& f) {
  const ptrdiff_t sa = walk.stride_a[walk.rank - 1];
  const ptrdiff_t sb = walk.stride_b[walk.rank - 1];
  walk_rows(walk, [&](ptrdiff_t at_a, ptrdiff_t at_b, size_t at, size_t n) {
    const float* x = a + at_a;
    const float* y = b + at_b;
    for (size_t i = 0; i < n; ++i, x += sa, y += sb) out[at + i] = f(*x, *y) ? 1 : 0;
  });
}

template <typename F>
VIT_INLINE vf each_lane(vf x, const F& f) {
  float lane[VL];
  store(lane, x);
  for (size_t i = 0; i < VL; ++i) lane[i] = f(lane[i]);
  return load(lane);
}

}  // namespace

void binary(Binary op, const Walk& walk, const float* a, const float* b, float* out) {
  switch (op) {
    case kAdd: return binary_walk(walk, a, b, out, [](vf x, vf y) { return x + y; });
    case kSub: return binary_walk(walk, a, b, out, [](vf x, vf y) { return x - y; });
    case kMul: return binary_walk(walk, a, b, out, [](vf x, vf y) { return x * y; });
    case kDiv: return binary_walk(walk, a, b, out, [](vf x, vf y) { return x / y; });
    case kMaximum:
      return binary_walk(walk, a, b, out, [](vf x, vf y) { return y != y ? y : max_v(x, y); });
    case kMinimum:
      return binary_walk(walk, a, b, out, [](vf x, vf y) { return y != y ? y : min_v(x, y); });
    case kSquaredDifference:
      return binary_walk(walk, a, b, out, [](vf x, vf y) { return (x - y) * (x - y); });
    default: return;
  }
}

void compare(Compare op, const Walk& walk, const float* a, const float* b, uint8_t* out) {
  switch (op) {
    case kGreater: return compare_walk(walk, a, b, out, [](float x, float y) { return x > y; });
    case kGreaterEqual: return compare_walk(walk, a, b, out, [](float x, float y) { return x >= y; });
    case kLess: return compare_walk(walk, a, b, out, [](float x, float y) { return x < y; });
    case kLessEqual: return compare_walk(walk, a, b, out, [](float x, float y) { return x <= y; });
    case kEqual: return compare_walk(walk, a, b, out, [](float x, float y) { return x == y; });
    case kNotEqual: return compare_walk(walk, a, b, out, [](float x, float y) { return x != y; });
    default: return;
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
    case kLog: return map(n, x, out, [](vf v) { return each_lane(v, [](float s) { return logf(s); }); });
    case kErf: return map(n, x, out, [](vf v) { return erf_v(v); });
    case kTanh: return map(n, x, out, [](vf v) { return tanh_v(v); });
    case kSigmoid: return map(n, x, out, [](vf v) { return sigmoid_v(v); });
    case kRelu: return map(n, x, out, [=](vf v) { return v <= zero ? zero : v; });
    case kStep: {
      const vf low = set1(alpha);
      return map(n, x, out, [=](vf v) { return v > zero ? one : (v <= zero ? low : v); });
    }
    case kCopy: return map(n, x, out, [](vf v) { return v; });
    case kRoundBf16:
      return map(n, x, out, [](vf v) {
        typedef uint32_t vu __attribute__((vector_size(VL * 4)));
        const vu bits = reinterpret_cast<vu>(v);
        const vu rounded = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
        return v != v ? v : reinterpret_cast<vf>(rounded);
      });
    default: return;
  }
}

void clip(size_t n, const float* x, float low, float high, float* out) {
  const vf bottom = set1(low);
  const vf top = set1(high);
  map(n, x, out, [=](vf v) { return max_v(min_v(v, top), bottom); });
}

void select(size_t n, const uint8_t* condition, const float* a, const float* b, float* out) {
  chunks(n, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) out[i] = condition[i] != 0 ? a[i] : b[i];
  });
}

void fill(size_t n, float value, float* out) {
  chunks(n, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) out[i] = value;
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
    if (i < end)
      store_n(dx + i, load_n(dout + i, end - i) * gelu_slope_v<form>(load_n(x + i, end - i)), end - i);
  });
}

}  // namespace

void gelu_grad(Activation form, size_t n, const float* dout, const float* x, float* dx) {
  if (form == kGeluErf) gelu_grad_of<0>(n, dout, x, dx);
  if (form == kGeluTanh) gelu_grad_of<1>(n, dout, x, dx);
  if (form == kGeluQuick) gelu_grad_of<2>(n, dout, x, dx);
}

}  // namespace VIT_ISA
