// AdamW, the moving average and the sum of squares against float64.

#include <algorithm>

#include "cases.h"

namespace vit_test {
namespace {

double wide(float x) { return static_cast<double>(x); }

struct Update {
  vit::AdamW c;
  float keep, rate;
  const float *p, *g, *m, *v;

  Update(Case& t, size_t n) {
    const float epsilon = t.rng.below(4) == 0 ? 0.0f : 1e-8f;
    c = {0.9f, 0.98f, 1 - 0.9f, 1 - 0.98f, epsilon, static_cast<float>(1 + t.rng.uniform())};
    keep = static_cast<float>(1 - 0.01 * t.rng.uniform()), rate = static_cast<float>(0.1 * t.rng.uniform());
    p = t.input(n), g = t.input(n), m = t.input(n);
    std::vector<float> positive(n);
    for (float& value : positive) value = static_cast<float>(t.rng.uniform());
    v = t.given(positive);
    t.says("n", static_cast<double>(n)), t.says("epsilon", static_cast<double>(epsilon));
  }

  // Element i of each result, and how far it may be off.
  struct Moved {
    double p, p_off, m, m_off, v, v_off;
  };
  Moved at(size_t i) const {
    const double old = wide(c.beta1) * wide(m[i]), fresh = wide(c.one_minus_beta1) * wide(g[i]);
    const double square = wide(c.beta2) * wide(v[i]) + wide(c.one_minus_beta2) * wide(g[i]) * wide(g[i]);
    const double below = sqrt(square) * wide(c.inverse_root_correction2) + wide(c.epsilon);
    return {wide(p[i]) * wide(keep) - wide(rate) * (old + fresh) / below,
            2 * kUlp * fabs(wide(p[i])) + 8 * kUlp * wide(rate) * (fabs(old) + fabs(fresh)) / below,
            old + fresh,
            2 * kUlp * (fabs(old) + fabs(fresh)),
            square,
            2 * kUlp * square};
  }
};

// With the old values in the memory of the new ones, or apart.
template <bool in_place>
void adamw(Case& t) {
  const size_t n = t.upto(700) - 1;
  const Update u(t, n);
  Output& p = t.output("p", n);
  Output& m = t.output("m", n);
  Output& v = t.output("v", n);
  if (in_place && n > 0) {
    memcpy(floats(p), u.p, n * sizeof(float));
    memcpy(floats(m), u.m, n * sizeof(float));
    memcpy(floats(v), u.v, n * sizeof(float));
  }
  t.kernels.adamw(u.c, n, u.keep, u.rate, in_place ? floats(p) : u.p, u.g, in_place ? floats(m) : u.m,
                  in_place ? floats(v) : u.v, floats(p), floats(m), floats(v));
  for (size_t i = 0; t.judges() && i < n; ++i) {
    const Update::Moved to = u.at(i);
    p.near(i, to.p, to.p_off), m.near(i, to.m, to.m_off), v.near(i, to.v, to.v_off);
  }
}

void adamw_squares(Case& t) {
  const size_t n = t.rng.below(4) == 0 ? t.upto(20000) : t.upto(700) - 1;
  Update u(t, n);
  // A gradient whose square is too large, or none at all.
  const bool strange = n > 0 && t.rng.below(4) == 0;
  if (strange) {
    std::vector<float> g(u.g, u.g + n);
    g[t.rng.below(n)] = t.coin() ? NAN : t.coin() ? INFINITY : 1e30f;
    u.g = t.given(g);
  }
  t.says("strange", strange);
  Output& out = t.output("sum", 1, Output::kDouble);
  double sum = t.kernels.adamw_squares(u.c, n, u.keep, u.rate, u.p, u.g, u.m, u.v);
  if (strange && !isfinite(sum)) sum = NAN;
  memcpy(out.memory().data(), &sum, sizeof sum);
  if (strange) return out.exactly(0, NAN);
  double wanted = 0, off = 0;
  for (size_t i = 0; i < n; ++i) {
    const Update::Moved to = u.at(i);
    wanted += to.p * to.p + to.m * to.m + to.v * to.v;
    off += 2 * (fabs(to.p) * to.p_off + fabs(to.m) * to.m_off + fabs(to.v) * to.v_off);
  }
  out.near(0, wanted, off + (static_cast<double>(std::min(n, size_t{4096})) / 2 + 4) * kUlp * wanted);
}

template <bool in_place>
void ema(Case& t) {
  const size_t n = t.upto(700) - 1;
  const float decay = static_cast<float>(t.rng.uniform()), rest = 1 - decay;
  const float *average = t.input(n), *value = t.input(n);
  Output& out = t.output("out", n);
  if (in_place && n > 0) memcpy(floats(out), average, n * sizeof(float));
  t.kernels.ema(n, decay, rest, in_place ? floats(out) : average, value, floats(out));
  for (size_t i = 0; t.judges() && i < n; ++i) {
    const double a = wide(decay) * wide(average[i]), b = wide(rest) * wide(value[i]);
    out.near(i, a + b, kUlp * (fabs(a) + fabs(b)));
  }
}

void sum_of_squares(Case& t) {
  const size_t n = t.rng.below(4) == 0 ? t.upto(20000) : t.upto(700) - 1;
  const float* x = t.input(n);
  Output& out = t.output("sum", 1, Output::kDouble);
  t.says("n", static_cast<double>(n));
  const double sum = t.kernels.sum_of_squares(n, x);
  memcpy(out.memory().data(), &sum, sizeof sum);
  double wanted = 0;
  for (size_t i = 0; i < n; ++i) wanted += wide(x[i]) * wide(x[i]);
  out.near(0, wanted, (static_cast<double>(std::min(n, size_t{4096})) / 2 + 2) * kUlp * wanted);
}

}  // namespace

const Cases optimizer_cases = {
    {"adamw", adamw<false>}, {"adamw/in-place", adamw<true>}, {"adamw_squares", adamw_squares},
    {"ema", ema<false>},     {"ema/in-place", ema<true>},     {"sum_of_squares", sum_of_squares},
};

}  // namespace vit_test
