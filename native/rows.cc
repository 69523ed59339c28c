// Reductions, softmax and the two losses: kernels that look at a whole row.

#include <math.h>

#include <algorithm>

#include "bytes.h"
#include "parallel.h"
#include "sizes.h"
#include "table.h"
#include "transcendental.h"

namespace VIT_ISA {
namespace {

using namespace vit;

constexpr size_t kBlock = 4096;  // terms of a sum in float32 before they are joined in float64

VIT_INLINE float block_sum(const float* x, size_t n) {
  vf s0 = set1(0.0f), s1 = s0, s2 = s0, s3 = s0;
  size_t i = 0;
  for (; i + 4 * VL <= n; i += 4 * VL) {
    s0 += load(x + i);
    s1 += load(x + i + VL);
    s2 += load(x + i + 2 * VL);
    s3 += load(x + i + 3 * VL);
  }
  for (; i + VL <= n; i += VL) s0 += load(x + i);
  if (i < n) s1 += load_n(x + i, n - i);
  return sum_lanes((s0 + s1) + (s2 + s3));
}

// The largest or the smallest, NaN if any element is NaN; n > 0.
template <bool largest>
VIT_INLINE float run_best(const float* x, size_t n) {
  const float start = largest ? -INFINITY : INFINITY;
  vf best = set1(start);
  size_t i = 0;
  for (; i + VL <= n; i += VL) {
    const vf v = load(x + i);
    best = (largest ? v <= best : v >= best) | (best != best) ? best : v;
  }
  float lane[VL];
  store(lane, best);
  float top = start;
  const auto join = [&](float value) {
    if (top == top && !(largest ? value <= top : value >= top)) top = value;
  };
  for (size_t j = 0; j < VL; ++j) join(lane[j]);
  for (; i < n; ++i) join(x[i]);
  return top;
}

double run_reduce(Reduce op, const float* x, size_t n) {
  if (op == kSum || op == kMean) {
    double sum = 0;
    for (size_t i = 0; i < n; i += kBlock) sum += static_cast<double>(block_sum(x + i, std::min(n - i, kBlock)));
    return sum;
  }
  return static_cast<double>(op == kMax ? run_best<true>(x, n) : run_best<false>(x, n));
}

VIT_INLINE double join(Reduce op, double a, double b) {
  if (op == kSum || op == kMean) return a + b;
  if (a != a || b != b) return static_cast<double>(NAN);
  return op == kMax ? (a > b ? a : b) : (a < b ? a : b);
}

// inner = 1: rows are contiguous. Long rows are cut into parts of 16 blocks.
void reduce_rows(Reduce op, size_t outer, size_t n, const float* x, float* out) {
  const size_t part = 16 * kBlock;
  const size_t parts = ceil_div(n, part);
  const double scale = op == kMean ? 1.0 / static_cast<double>(n) : 1.0;
  const bool plus = op == kSum || op == kMean;
  if (parts == 1) {
    const size_t each = items_for(16384, n);
    parallel(ceil_div(outer, each), [&](size_t task, size_t) {
      for (size_t i = task * each; i < outer && i < (task + 1) * each; ++i) {
        out[i] = static_cast<float>(run_reduce(op, x + i * n, n) * scale);
      }
    });
    return;
  }
  double* partial = reinterpret_cast<double*>(shared_scratch(2 * outer * parts));
  parallel(outer * parts, [&](size_t task, size_t) {
    const size_t begin = task % parts * part;
    partial[task] = run_reduce(op, x + task / parts * n + begin, std::min(n - begin, part));
  });
  for (size_t i = 0; i < outer; ++i) {
    double total = partial[i * parts];
    for (size_t p = 1; p < parts; ++p) total = join(op, total, partial[i * parts + p]);
    out[i] = static_cast<float>(plus ? total * scale : total);
  }
}

VIT_INLINE void join_row(Reduce op, const float* x, size_t n, float* total) {
  switch (op) {
    case kMax:
      for (size_t j = 0; j < n; ++j) total[j] = x[j] <= total[j] || total[j] != total[j] ? total[j] : x[j];
      return;
    case kMin:
      for (size_t j = 0; j < n; ++j) total[j] = x[j] >= total[j] || total[j] != total[j] ? total[j] : x[j];
      return;
    default:
      for (size_t j = 0; j < n; ++j) total[j] += x[j];
  }
}

// inner > 1: rows of `inner` are joined, in parts of so many rows that a part is about 64K elements.
void reduce_columns(Reduce op, size_t outer, size_t n, size_t inner, const float* x, float* out) {
  size_t part = 65536 / inner;
  part = std::min(std::max<size_t>(part, 32), kBlock);
  const size_t parts = ceil_div(n, part);
  const double scale = op == kMean ? 1.0 / static_cast<double>(n) : 1.0;
  float* partial = parts == 1 ? out : shared_scratch(outer * parts * inner);
  const size_t work = (std::min(n, part)) * inner;
  const size_t each = items_for(16384, work);
  const size_t units = outer * parts;
  parallel(ceil_div(units, each), [&](size_t task, size_t) {
    for (size_t unit = task * each; unit < units && unit < (task + 1) * each; ++unit) {
      const size_t begin = unit % parts * part;
      const size_t end = std::min(n, begin + part);
      const float* rows = x + unit / parts * n * inner;
      float* total = partial + unit * inner;
      move_bytes(total, rows + begin * inner, inner * sizeof(float));
      for (size_t r = begin + 1; r < end; ++r) join_row(op, rows + r * inner, inner, total);
      if (parts == 1 && op == kMean)
        for (size_t j = 0; j < inner; ++j) total[j] = static_cast<float>(static_cast<double>(total[j]) * scale);
    }
  });
  if (parts == 1) return;
  for (size_t o = 0; o < outer; ++o)
    for (size_t j = 0; j < inner; ++j) {
      double total = static_cast<double>(partial[o * parts * inner + j]);
      for (size_t p = 1; p < parts; ++p)
        total = join(op, total, static_cast<double>(partial[(o * parts + p) * inner + j]));
      out[o * inner + j] = static_cast<float>(op == kMean ? total * scale : total);
    }
}

// out = exp(x - top); returns the sum.
VIT_INLINE float exp_row(const float* x, size_t n, float top, float* out) {
  const vf shift = set1(top);
  vf s0 = set1(0.0f), s1 = s0;
  size_t i = 0;
  for (; i + 2 * VL <= n; i += 2 * VL) {
    const vf e0 = exp_v(load(x + i) - shift);
    const vf e1 = exp_v(load(x + i + VL) - shift);
    store(out + i, e0);
    store(out + i + VL, e1);
    s0 += e0;
    s1 += e1;
  }
  float tail = 0;
  for (; i < n; i += VL) {
    const size_t count = std::min(n - i, VL);
    store_n(out + i, exp_v(load_n(x + i, count) - shift), count);
    for (size_t j = i; j < i + count; ++j) tail += out[j];
  }
  return sum_lanes(s0 + s1) + tail;
}

// body(row) in tasks of about 16K elements.
template <typename Body>
VIT_INLINE void each_row(size_t rows, size_t cols, const Body& body) {
  const size_t each = cols >= 16384 ? 1 : 16384 / (cols + 1) + 1;
  parallel(ceil_div(rows, each), [&](size_t task, size_t) {
    for (size_t i = task * each; i < rows && i < (task + 1) * each; ++i) body(i);
  });
}

}  // namespace

void reduce(Reduce op, size_t outer, size_t n, size_t inner, const float* x, float* out) {
  if (outer == 0 || inner == 0 || n == 0) return;
  if (inner == 1) reduce_rows(op, outer, n, x, out);
  else reduce_columns(op, outer, n, inner, x, out);
}

void softmax(size_t rows, size_t cols, const float* x, bool logarithm, float* out) {
  if (cols == 0) return;
  each_row(rows, cols, [&](size_t i) {
    const float* in = x + i * cols;
    float* y = out + i * cols;
    const float top = run_best<true>(in, cols);
    const float sum = exp_row(in, cols, top, y);
    if (logarithm) {
      const float shift = logf(sum);
      for (size_t j = 0; j < cols; ++j) y[j] = in[j] - top - shift;
    } else {
      const float scale = 1.0f / sum;
      for (size_t j = 0; j < cols; ++j) y[j] *= scale;
    }
  });
}

void softmax_cross_entropy(size_t rows, size_t cols, const float* logits, const float* targets, float* loss,
                           float* dlogits) {
  each_row(rows, cols, [&](size_t i) {
    const float* z = logits + i * cols;
    const float* t = targets + i * cols;
    float* dz = dlogits + i * cols;
    if (cols == 0) {
      loss[i] = 0;
      return;
    }
    const float top = run_best<true>(z, cols);
    const float sum = exp_row(z, cols, top, dz);
    const float log_sum = logf(sum);
    const float total = block_sum(t, cols);
    const float scale = total / sum;
    double value = 0;
    for (size_t j = 0; j < cols; ++j) {
      // A target of 0 takes no part, also where its logit is -infinity.
      if (t[j] != 0.0f) value += static_cast<double>(t[j]) * static_cast<double>(log_sum - (z[j] - top));
      dz[j] = dz[j] * scale - t[j];
    }
    loss[i] = static_cast<float>(value);
  });
}

void binary_cross_entropy(size_t rows, size_t cols, const float* logits, const float* targets, float* loss,
                          float* dlogits) {
  each_row(rows, cols, [&](size_t i) {
    const float* z = logits + i * cols;
    const float* t = targets + i * cols;
    float* dz = dlogits + i * cols;
    const float scale = 1.0f / static_cast<float>(cols);
    vd low{}, high{};
    each_part(cols, [&](size_t j, size_t n) {
      const vf x = get(z + j, n), target = get(t + j, n);
      put(dz + j, (sigmoid_v(x) - target) * set1(scale), n);
      vf term = max_v(x, set1(0.0f)) - x * target + log1p_v(exp_v(-abs_v(x)));
      if (n < VL) term = as_float(as_int(term) & lanes_below(n));
      low += low_half(term);
      high += high_half(term);
    });
    const vd sums = low + high;
    double value = 0;
    for (size_t j = 0; j < VL / 2; ++j) value += sums[j];
    loss[i] = static_cast<float>(value * static_cast<double>(scale));
  });
}

}  // namespace VIT_ISA
