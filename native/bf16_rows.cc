// Steps between two products in bf16 that write their results as the operands of the next: see Bf16Rounding in
// kernels.h.

#include <algorithm>

#include "bf16_rounding.h"
#include "bf16_vector.h"
#include "table.h"
#include "vector_math.h"

namespace VIT_ISA {
namespace {

void round_rows(size_t m, size_t n, float* x, size_t ldx, bf16* saved, size_t lds) {
  for (size_t r = 0; r < m; ++r)
    for (size_t j = 0; j < n; j += 2 * VL) {
      float* at = x + r * ldx + j;
      const size_t rest = n - j, second = less(rest, VL);
      vf a = get_some(at, rest), b = get_some(at + VL, second);
      const vu pairs = round_both(&a, &b);
      if (saved != nullptr) put_n(saved + r * lds + j, pairs, rest);
      put(at, a, std::min(rest, VL));
      if (second > 0) put(at + VL, b, std::min(second, VL));
    }
}

// Where pairs of rows of a right operand [m, n] go.
struct Right {
  bf16* data;
  size_t m, n;
  __attribute__((always_inline)) void set(size_t r, size_t j, vf even, vf odd) const {
    put(data + j / NR16 * panel16_size(m) + r * NR16 + 2 * (j % NR16), stacked(even, odd));
  }
  // Rows past the last.
  void finish() const {
    const size_t written = round_up(m, 2), filled = round_up(m, KR16);
    for (size_t j = 0; j < n; j += NR16)
      memset(data + j / NR16 * panel16_size(m) + written * NR16, 0, (filled - written) * NR16 * sizeof(bf16));
  }
};

// make(r, j, count, &x, &y) gives up to VL elements from column j of row r, zeros past `count`: x of both operands, y
// of another right one where `two` says so. Two rows and two vectors at a time.
template <bool two, typename Make>
void operands(size_t m, size_t n, const Make& make, float* sum, bf16* left, bf16* right, bf16* other) {
  const size_t width = a16_width(n), filled = round_up(n, KR16);
  const Right x_right{right, m, n}, y_right{other, m, n};
  for (size_t r = 0; r < m; r += 2) {
    const size_t rows = m - r < 2 ? 1 : 2;
    for (size_t j = 0; j < filled; j += 2 * VL) {
      vf x[2][2] = {}, y[2][2] = {};
#pragma GCC unroll 2
      for (size_t i = 0; i < 2; ++i)
        if (i < rows) {
#pragma GCC unroll 2
          for (size_t h = 0; h < 2; ++h) make(r + i, j + h * VL, less(n, j + h * VL), &x[i][h], &y[i][h]);
          put(left + (r + i) * width + j, neighbours(x[i][0], x[i][1]));
        }
#pragma GCC unroll 2
      for (size_t h = 0; h < 2; ++h) {
        const size_t at = j + h * VL, count = std::min(less(n, at), VL);
        if (sum != nullptr && count > 0) put(sum + at, get(sum + at, count) + x[0][h] + x[1][h], count);
        x_right.set(r, at, x[0][h], x[1][h]);
        if (two) y_right.set(r, at, y[0][h], y[1][h]);
      }
    }
  }
  x_right.finish();
  if (two) y_right.finish();
}

void round_twice(size_t m, size_t n, const float* x, size_t ldx, float* sum, bf16* left, bf16* right) {
  const auto make = [&](size_t r, size_t j, size_t count, vf* to, vf*) { *to = get_some(x + r * ldx + j, count); };
  operands<false>(m, n, make, sum, left, right, nullptr);
}

void score_grads(size_t m, size_t n, const float* p, const float* dp, size_t ld, const float* deltas, float scale,
                 bf16* left, bf16* right, bf16* p_right) {
  const auto make = [&](size_t r, size_t j, size_t count, vf* ds, vf* probability) {
    *probability = get_some(p + r * ld + j, count);
    *ds = *probability * (get_some(dp + r * ld + j, count) - set1(deltas[r])) * set1(scale);
  };
  operands<true>(m, n, make, nullptr, left, right, p_right);
}

// Gelu of 0 is 0, so that what fills a row up is.
template <int form>
void gelu_as(size_t m, size_t n, const float* h, size_t ldh, bf16* saved, size_t lds, bf16* left) {
  const size_t width = a16_width(n), filled = round_up(n, KR16);
  for (size_t r = 0; r < m; ++r)
    for (size_t j = 0; j < filled; j += 2 * VL) {
      const float* at = h + r * ldh + j;
      const size_t rest = less(n, j);
      vf a = get_some(at, rest), b = get_some(at + VL, less(rest, VL));
      const vu pairs = round_both(&a, &b);
      if (saved != nullptr) put_n(saved + r * lds + j, pairs, rest);
      put(left + r * width + j, neighbours(gelu_v<form>(a), gelu_v<form>(b)));
    }
}

template <int form>
void gelu_grad_as(size_t m, size_t n, const bf16* saved, size_t lds, const float* dg, size_t ldg, float* sum,
                  bf16* left, bf16* right, bf16* gelu_right) {
  const auto make = [&](size_t r, size_t j, size_t count, vf* d, vf* value) {
    vf slope;
    *value = gelu_both_v<form>(get_some(saved + r * lds + j, count), &slope);
    *d = get_some(dg + r * ldg + j, count) * slope;
  };
  operands<true>(m, n, make, sum, left, right, gelu_right);
}

void gelu_rows(vit::Activation form, size_t m, size_t n, const float* h, size_t ldh, bf16* saved, size_t lds,
               bf16* left) {
  if (form == vit::kGeluErf) gelu_as<0>(m, n, h, ldh, saved, lds, left);
  else if (form == vit::kGeluTanh) gelu_as<1>(m, n, h, ldh, saved, lds, left);
  else gelu_as<2>(m, n, h, ldh, saved, lds, left);
}
void gelu_grad_rows(vit::Activation form, size_t m, size_t n, const bf16* saved, size_t lds, const float* dg,
                    size_t ldg, float* sum, bf16* left, bf16* right, bf16* gelu_right) {
  if (form == vit::kGeluErf) gelu_grad_as<0>(m, n, saved, lds, dg, ldg, sum, left, right, gelu_right);
  else if (form == vit::kGeluTanh) gelu_grad_as<1>(m, n, saved, lds, dg, ldg, sum, left, right, gelu_right);
  else gelu_grad_as<2>(m, n, saved, lds, dg, ldg, sum, left, right, gelu_right);
}

}  // namespace

const vit::Bf16Rounding bf16_rounding = {round_floats, pack_left, pack_right,     round_rows,
                                         round_twice,  gelu_rows, gelu_grad_rows, score_grads};

}  // namespace VIT_ISA
