// Attention and its gradient against float64, with heads apart and with q, k and v side by side in one row.

#include <algorithm>

#include "cases.h"

namespace vit_test {
namespace {

double wide(float x) { return static_cast<double>(x); }

struct Heads {
  vit::Attention a;
  bool packed;
  size_t q_size, kv_size;  // floats that q, and k or v, span; packed: that qkv spans
};

Heads random_heads(Case& t) {
  Heads s = {};
  vit::Attention& a = s.a;
  s.packed = t.coin();
  a.batch = t.upto(3), a.heads = t.upto(6), a.dim = t.upto(70);
  a.queries = t.upto(150);
  a.keys = s.packed ? a.queries : t.upto(300);
  a.scale = static_cast<float>((0.5 + t.rng.uniform()) / sqrt(static_cast<double>(a.dim)));
  // A softmax of one key: most probabilities are denormal, or zero.
  const bool peaked = t.coin();
  if (peaked) a.scale *= 100.0f;
  const size_t width = a.heads * a.dim;
  if (s.packed) {
    a.q_side = a.kv_side = {3 * width, a.dim, 3 * width * a.queries};
    a.out_side = {width, a.dim, width * a.queries};
    s.q_size = s.kv_size = 3 * width * a.batch * a.queries;
    a.q = t.input(s.q_size);
    a.k = a.q + width;
    a.v = a.q + 2 * width;
  } else {
    a.q_side = a.out_side = {a.dim, a.dim * a.queries, width * a.queries};
    a.kv_side = {a.dim, a.dim * a.keys, width * a.keys};
    s.q_size = width * a.batch * a.queries;
    s.kv_size = width * a.batch * a.keys;
    a.q = t.input(s.q_size);
    a.k = t.input(s.kv_size);
    a.v = t.input(s.kv_size);
  }
  t.says("packed", s.packed), t.says("batch", static_cast<double>(a.batch)),
      t.says("heads", static_cast<double>(a.heads));
  t.says("queries", static_cast<double>(a.queries)), t.says("keys", static_cast<double>(a.keys));
  t.says("dim", static_cast<double>(a.dim)), t.says("peaked", peaked);
  return s;
}

size_t at(const vit::AttentionSide& side, size_t b, size_t i, size_t row) {
  return b * side.batch + i * side.head + row * side.row;
}

// Scaled scores of a query, and the largest error that sums of `dim` products give them.
double scores(const vit::Attention& a, size_t b, size_t i, size_t r, std::vector<double>* s) {
  const float* q = a.q + at(a.q_side, b, i, r);
  double error = 0;
  for (size_t j = 0; j < a.keys; ++j) {
    const float* k = a.k + at(a.kv_side, b, i, j);
    double sum = 0, size = 0;
    for (size_t d = 0; d < a.dim; ++d) {
      sum += wide(q[d]) * wide(k[d]);
      size += fabs(wide(q[d]) * wide(k[d]));
    }
    (*s)[j] = wide(a.scale) * sum;
    error = fmax(error, (static_cast<double>(a.dim) / 2 + 4) * kUlp * wide(a.scale) * size);
  }
  return error;
}

double log_sum_exp(const std::vector<double>& s) {
  double top = -INFINITY, sum = 0;
  for (double x : s) top = fmax(top, x);
  for (double x : s) sum += exp(x - top);
  return top + log(sum);
}

// Sums of a few hundred numbers that are taken as zero where they are denormal.
constexpr double kFlushed = 1e-34;
// The kernels' threads compute with denormal numbers again.
void keeps_denormals(Case& t) {
  const size_t n = 4096;
  Output& out = t.output("denormal numbers afterwards", n);
  const std::vector<float> tiny(n, 1e-40f);
  t.kernels.unary(vit::kSqrt, n, t.given(tiny), floats(out), 0.0f);
  if (!t.judges()) return;
  for (size_t i = 0; i < n; ++i) out.near(i, 1e-20, 1e-24);
}

void attention(Case& t) {
  const Heads s = random_heads(t);
  const vit::Attention& a = s.a;
  Output& out = t.output("out", a.batch * a.heads * a.queries * a.dim);
  Output& lse = t.output("logSumExp", a.batch * a.heads * a.queries);
  t.kernels.attention(a, floats(out), floats(lse));
  keeps_denormals(t);
  if (!t.judges()) return;
  std::vector<double> score(a.keys);
  const double sum_error = (static_cast<double>(a.keys) / 2 + 16) * kUlp;
  for (size_t b = 0; b < a.batch; ++b)
    for (size_t i = 0; i < a.heads; ++i)
      for (size_t r = 0; r < a.queries; ++r) {
        const double error = scores(a, b, i, r, &score);
        const double whole = log_sum_exp(score);
        lse.near((b * a.heads + i) * a.queries + r, whole, error + sum_error + 2 * kUlp * fabs(whole));
        for (size_t d = 0; d < a.dim; ++d) {
          double value = 0, size = 0;
          for (size_t j = 0; j < a.keys; ++j) {
            const double term = exp(score[j] - whole) * wide(a.v[at(a.kv_side, b, i, j) + d]);
            value += term;
            size += fabs(term);
          }
          out.near(at(a.out_side, b, i, r) + d, value, 2 * (error + sum_error) * size + kFlushed);
        }
      }
}

// Values and what they are made of, for the gradients of one head.
struct Sum {
  double value = 0, size = 0;
  void add(double x, double made_of) {
    value += x;
    size += made_of;
  }
};

void attention_grad(Case& t) {
  const Heads s = random_heads(t);
  const vit::Attention& a = s.a;
  const size_t rows = a.batch * a.heads * a.queries;
  const float* dout = t.input(rows * a.dim);
  // Any output and any sum will do: the kernel only reads them.
  const float* out = t.input(rows * a.dim);
  std::vector<float> sums(rows);
  std::vector<double> score(a.keys);
  for (size_t row = 0; row < rows; ++row) {
    scores(a, row / a.queries / a.heads, row / a.queries % a.heads, row % a.queries, &score);
    sums[row] = static_cast<float>(log_sum_exp(score));
  }
  const float* lse = t.given(sums);
  Output& dq = t.output(s.packed ? "dqkv" : "dq", s.q_size);
  Output* dk = s.packed ? &dq : &t.output("dk", s.kv_size);
  Output* dv = s.packed ? &dq : &t.output("dv", s.kv_size);
  const size_t k_at = s.packed ? a.heads * a.dim : 0, v_at = 2 * k_at;
  t.kernels.attention_grad(a, dout, out, lse, floats(dq), floats(*dk) + k_at, floats(*dv) + v_at);
  if (!t.judges()) return;
  const double longest = static_cast<double>(std::max(a.keys, a.queries));
  for (size_t unit = 0; unit < a.batch * a.heads; ++unit) {
    const size_t b = unit / a.heads, i = unit % a.heads;
    std::vector<Sum> q(a.queries * a.dim), k(a.keys * a.dim), v(a.keys * a.dim);
    double worst = 0;
    for (size_t r = 0; r < a.queries; ++r) {
      const double shift = wide(lse[unit * a.queries + r]);
      const double error = scores(a, b, i, r, &score) + 2 * kUlp * fabs(shift);
      worst = fmax(worst, error);
      const float* d_row = dout + at(a.out_side, b, i, r);
      const float* o_row = out + at(a.out_side, b, i, r);
      Sum delta;
      for (size_t d = 0; d < a.dim; ++d)
        delta.add(wide(d_row[d]) * wide(o_row[d]), fabs(wide(d_row[d]) * wide(o_row[d])));
      for (size_t j = 0; j < a.keys; ++j) {
        const double p = exp(score[j] - shift);
        const float* k_row = a.k + at(a.kv_side, b, i, j);
        const float* v_row = a.v + at(a.kv_side, b, i, j);
        Sum dp;
        for (size_t d = 0; d < a.dim; ++d)
          dp.add(wide(d_row[d]) * wide(v_row[d]), fabs(wide(d_row[d]) * wide(v_row[d])));
        const double ds = p * (dp.value - delta.value) * wide(a.scale);
        const double ds_size = p * (dp.size + delta.size) * wide(a.scale);
        const float* q_row = a.q + at(a.q_side, b, i, r);
        for (size_t d = 0; d < a.dim; ++d) {
          q[r * a.dim + d].add(ds * wide(k_row[d]), ds_size * fabs(wide(k_row[d])));
          k[j * a.dim + d].add(ds * wide(q_row[d]), ds_size * fabs(wide(q_row[d])));
          v[j * a.dim + d].add(p * wide(d_row[d]), p * fabs(wide(d_row[d])));
        }
      }
    }
    const double units = 2 * worst + ((longest + static_cast<double>(a.dim)) / 2 + 24) * kUlp;
    for (size_t r = 0; r < a.queries; ++r)
      for (size_t d = 0; d < a.dim; ++d)
        dq.near(at(a.q_side, b, i, r) + d, q[r * a.dim + d].value, units * q[r * a.dim + d].size + kFlushed);
    for (size_t j = 0; j < a.keys; ++j)
      for (size_t d = 0; d < a.dim; ++d) {
        const size_t place = at(a.kv_side, b, i, j) + d;
        dk->near(k_at + place, k[j * a.dim + d].value, units * k[j * a.dim + d].size + kFlushed);
        dv->near(v_at + place, v[j * a.dim + d].value, units * v[j * a.dim + d].size + kFlushed);
      }
  }
}

}  // namespace

const Cases attention_cases = {{"attention", attention}, {"attention_grad", attention_grad}};

}  // namespace vit_test
