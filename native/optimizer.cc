// The updates of AdamW and of a moving average, and a sum of squares, each on a part of one tensor in the calling
// thread.

#include <algorithm>

#include "simd.h"
#include "table.h"

namespace VIT_ISA {

namespace {

struct Moved {
  vf p, m, v;
};

// The update of the `count` lanes from i; the others are those of zeros.
VIT_INLINE Moved move(const vit::AdamW& c, size_t i, size_t count, float decay, float rate, const float* p,
                      const float* g, const float* m, const float* v) {
  const vf gv = get(g + i, count);
  const vf mv = set1(c.beta1) * get(m + i, count) + set1(c.one_minus_beta1) * gv;
  const vf vv = set1(c.beta2) * get(v + i, count) + set1(c.one_minus_beta2) * gv * gv;
  const vf step = mv / (sqrt_v(vv) * set1(c.inverse_root_correction2) + set1(c.epsilon));
  return {get(p + i, count) * set1(decay) - set1(rate) * step, mv, vv};
}

}  // namespace

void adamw(const vit::AdamW& c, size_t n, float decay, float rate, const float* p, const float* g, const float* m,
           const float* v, float* p_out, float* m_out, float* v_out) {
  each_part(n, [&](size_t i, size_t count) {
    const Moved to = move(c, i, count, decay, rate, p, g, m, v);
    put(p_out + i, to.p, count);
    put(m_out + i, to.m, count);
    put(v_out + i, to.v, count);
  });
}

double adamw_squares(const vit::AdamW& c, size_t n, float decay, float rate, const float* p, const float* g,
                     const float* m, const float* v) {
  double total = 0;
  for (size_t begin = 0; begin < n; begin += 4096) {
    const size_t end = std::min(n, begin + 4096);
    vf sum = set1(0.0f);
    for (size_t i = begin; i < end; i += VL) {
      const size_t count = std::min(end - i, VL);
      const Moved to = move(c, i, count, decay, rate, p, g, m, v);
      const vf squares = to.p * to.p + to.m * to.m + to.v * to.v;
      // With an epsilon of 0 the lanes past the end are 0/0.
      sum += count == VL ? squares : as_float(as_int(squares) & lanes_below(count));
    }
    total += static_cast<double>(sum_lanes(sum));
  }
  return total;
}

void ema(size_t n, float decay, float rest, const float* average, const float* value, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = decay * average[i] + rest * value[i];
}

double sum_of_squares(size_t n, const float* x) {
  double total = 0;
  for (size_t begin = 0; begin < n; begin += 4096) {
    const size_t end = std::min(n, begin + 4096);
    vf s0 = set1(0.0f), s1 = s0;
    size_t i = begin;
    for (; i + 2 * VL <= end; i += 2 * VL) {
      const vf a = load(x + i), b = load(x + i + VL);
      s0 += a * a;
      s1 += b * b;
    }
    for (; i < end; i += VL) {
      const vf a = load_n(x + i, std::min(end - i, VL));
      s0 += a * a;
    }
    total += static_cast<double>(sum_lanes(s0 + s1));
  }
  return total;
}

}  // namespace VIT_ISA
