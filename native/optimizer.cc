// The updates of AdamW and of a moving average, and a sum of squares, each on a part of one tensor in the calling thread.

#include "simd.h"
#include "table.h"

namespace VIT_ISA {

void adamw(const vit::AdamW& c, size_t n, float keep, float rate, const float* p, const float* g, const float* m,
           const float* v, float* p_out, float* m_out, float* v_out) {
  for (size_t i = 0; i < n; i += VL) {
    const size_t count = n - i < VL ? n - i : VL;
    const bool whole = count == VL;
    const vf gv = whole ? load(g + i) : load_n(g + i, count);
    const vf mv = set1(c.beta1) * (whole ? load(m + i) : load_n(m + i, count)) + set1(c.one_minus_beta1) * gv;
    const vf vv = set1(c.beta2) * (whole ? load(v + i) : load_n(v + i, count)) + set1(c.one_minus_beta2) * gv * gv;
    const vf step = mv / (sqrt_v(vv) * set1(c.inverse_root_correction2) + set1(c.epsilon));
    const vf pv = (whole ? load(p + i) : load_n(p + i, count)) * set1(keep) - set1(rate) * step;
    if (whole) {
      store(p_out + i, pv);
      store(m_out + i, mv);
      store(v_out + i, vv);
    } else {
      store_n(p_out + i, pv, count);
      store_n(m_out + i, mv, count);
      store_n(v_out + i, vv, count);
    }
  }
}

void ema(size_t n, float decay, float rest, const float* average, const float* value, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = decay * average[i] + rest * value[i];
}

double sum_of_squares(size_t n, const float* x) {
  double total = 0;
  for (size_t begin = 0; begin < n; begin += 4096) {
    const size_t end = n - begin < 4096 ? n : begin + 4096;
    vf s0 = set1(0.0f), s1 = s0;
    size_t i = begin;
    for (; i + 2 * VL <= end; i += 2 * VL) {
      const vf a = load(x + i), b = load(x + i + VL);
      s0 += a * a;
      s1 += b * b;
    }
    for (; i < end; i += VL) {
      const vf a = load_n(x + i, end - i < VL ? end - i : VL);
      s0 += a * a;
    }
    total += static_cast<double>(sum_lanes(s0 + s1));
  }
  return total;
}

}  // namespace VIT_ISA
