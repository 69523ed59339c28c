// Running sums and products along the middle axis of [outer, n, inner], and sums over windows of channels.

#include <math.h>

#include <algorithm>

#include "integers.h"
#include "parallel.h"
#include "sizes.h"
#include "table.h"

namespace VIT_ISA {
namespace {

using namespace vit;

constexpr size_t kTask = 16384;
constexpr size_t kColumns = 512;  // that are scanned together
constexpr size_t kRows = 8;       // contiguous ones that are: each alone would wait for its last sum

VIT_INLINE float joined(bool times, float a, float b) { return times ? a * b : a + b; }
VIT_INLINE int32_t joined(bool times, int32_t a, int32_t b) { return times ? mul_wrapped(a, b) : add_wrapped(a, b); }

// `count` rows of n elements, the element after the next `step` further.
template <bool times, size_t count, typename T>
void scan_rows(const Scan& s, size_t n, const T* x, T* out) {
  const ptrdiff_t step = s.reverse ? -1 : 1;
  const ptrdiff_t row = static_cast<ptrdiff_t>(n);
  ptrdiff_t at = s.reverse ? row - 1 : 0;
  T total[count];
  for (size_t r = 0; r < count; ++r) total[r] = times ? 1 : 0;
  for (size_t i = 0; i < n; ++i, at += step)
    for (size_t r = 0; r < count; ++r) {
      const ptrdiff_t place = at + static_cast<ptrdiff_t>(r) * row;
      const T value = x[place];
      if (s.exclusive) out[place] = total[r];
      // The first is taken as it is: 0 + -0 would be 0.
      total[r] = i == 0 && !s.exclusive ? value : joined(times, value, total[r]);
      if (!s.exclusive) out[place] = total[r];
    }
}

template <bool times, typename T>
void scan_columns(const Scan& s, size_t n, size_t inner, size_t columns, const T* x, T* out) {
  const ptrdiff_t step = (s.reverse ? -1 : 1) * static_cast<ptrdiff_t>(inner);
  ptrdiff_t at = s.reverse ? static_cast<ptrdiff_t>((n - 1) * inner) : 0;
  for (size_t j = 0; j < columns; ++j)
    out[static_cast<size_t>(at) + j] = s.exclusive ? (times ? 1 : 0) : x[static_cast<size_t>(at) + j];
  for (size_t i = 1; i < n; ++i) {
    const T* before = out + at;
    const T* value = x + at + (s.exclusive ? 0 : step);
    at += step;
    T* to = out + at;
    for (size_t j = 0; j < columns; ++j) to[j] = joined(times, value[j], before[j]);
  }
}

template <bool times, typename T>
void scan_axis(const Scan& s, size_t outer, size_t n, size_t inner, const T* x, T* out) {
  if (outer == 0 || n == 0 || inner == 0) return;
  if (inner == 1) {
    const size_t most = kTask / n / kRows * kRows;
    const size_t each = std::max(most, kRows);
    parallel(ceil_div(outer, each), [&](size_t task, size_t) {
      size_t i = task * each;
      const size_t end = std::min(outer, i + each);
      for (; i + kRows <= end; i += kRows) scan_rows<times, kRows>(s, n, x + i * n, out + i * n);
      for (; i < end; ++i) scan_rows<times, 1>(s, n, x + i * n, out + i * n);
    });
    return;
  }
  const size_t width = std::min(inner, kColumns), blocks = ceil_div(inner, width);
  const size_t units = outer * blocks, work = n * width, each = items_for(kTask, work);
  parallel(ceil_div(units, each), [&](size_t task, size_t) {
    for (size_t unit = task * each; unit < units && unit < (task + 1) * each; ++unit) {
      const size_t column = unit % blocks * width, first = unit / blocks * n * inner + column;
      scan_columns<times>(s, n, inner, std::min(inner - column, width), x + first, out + first);
    }
  });
}

// base^-beta. Powers that are made of roots need no logarithm.
VIT_INLINE vf power(vf base, float beta) {
  const vf one = set1(1.0f);
  if (beta == 0.5f) return one / sqrt_v(base);
  if (beta == 0.75f) {
    const vf root = sqrt_v(base);
    return one / (root * sqrt_v(root));
  }
  if (beta == 1.0f) return one / base;
  float lane[VL];
  store(lane, base);
  for (float& value : lane) value = powf(value, -beta);
  return load(lane);
}

// body(row, padded) for every row, in tasks of some; `padded` is scratch of radius zeros, cols elements, and zeros
// again.
template <typename Body>
VIT_INLINE void windows(const LocalResponse& s, size_t arrays, const Body& body) {
  const size_t length = s.cols + 2 * s.radius + VL;
  reserve_scratch(arrays * length);
  const size_t each = items_for(kTask, s.cols);
  parallel(ceil_div(s.rows, each), [&](size_t task, size_t worker) {
    float* padded = scratch(worker);
    for (size_t i = 0; i < arrays * length; ++i) padded[i] = 0;
    for (size_t row = task * each; row < s.rows && row < (task + 1) * each; ++row)
      body(row * s.cols, padded, padded + length);
  });
}
VIT_INLINE vf window_sum(const float* padded, size_t column, size_t radius) {
  vf sum = load(padded + column);
  for (size_t i = 1; i <= 2 * radius; ++i) sum += load(padded + column + i);
  return sum;
}

}  // namespace

void scan_floats(const Scan& s, size_t outer, size_t n, size_t inner, const float* x, float* out) {
  if (s.times) scan_axis<true>(s, outer, n, inner, x, out);
  else scan_axis<false>(s, outer, n, inner, x, out);
}

void scan_ints(const Scan& s, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out) {
  if (s.times) scan_axis<true>(s, outer, n, inner, x, out);
  else scan_axis<false>(s, outer, n, inner, x, out);
}

void local_response(const LocalResponse& s, const float* x, float* out) {
  if (s.rows == 0 || s.cols == 0) return;
  windows(s, 1, [&](size_t first, float* squares, float*) {
    const float* in = x + first;
    for (size_t j = 0; j < s.cols; ++j) squares[s.radius + j] = in[j] * in[j];
    each_part(s.cols, [&](size_t j, size_t n) {
      const vf base = set1(s.bias) + set1(s.alpha) * window_sum(squares, j, s.radius);
      put(out + first + j, get(in + j, n) * power(base, s.beta), n);
    });
  });
}

void local_response_grad(const LocalResponse& s, const float* x, const float* y, const float* dy, float* dx) {
  if (s.rows == 0 || s.cols == 0) return;
  const vf factor = set1(-2.0f * s.alpha * s.beta);
  windows(s, 2, [&](size_t first, float* squares, float* shares) {
    const float* in = x + first;
    for (size_t j = 0; j < s.cols; ++j) squares[s.radius + j] = in[j] * in[j];
    each_part(s.cols, [&](size_t j, size_t n) {
      const vf base = set1(s.bias) + set1(s.alpha) * window_sum(squares, j, s.radius);
      const vf slope = get(dy + first + j, n);
      put(shares + s.radius + j, slope * get(y + first + j, n) / base, n);
      put(dx + first + j, slope * power(base, s.beta), n);
    });
    each_part(s.cols, [&](size_t j, size_t n) {
      const vf through = factor * get(in + j, n) * window_sum(shares, j, s.radius);
      put(dx + first + j, get(dx + first + j, n) + through, n);
    });
  });
}

}  // namespace VIT_ISA
