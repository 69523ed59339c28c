// The residual branch of attention and its gradient against loops in float64: with many images, of which a task takes
// whole ones, and with few or long ones, which the threads share.

#include "branch_reference.h"

namespace vit_test {
namespace {

using vit::AttentionBranch;

struct Size {
  size_t batch, tokens, heads, head;
};

AttentionBranch random_attention(Case& t, const Size& s, vit::Precision precision) {
  AttentionBranch a = {};
  const size_t dim = s.heads * s.head;
  const double unit = 1 / sqrt(static_cast<double>(dim));
  a.outer = random_branch(t, s.batch, s.tokens, dim, precision);
  a.heads = s.heads;
  a.factor = static_cast<float>(1 / sqrt(static_cast<double>(s.head)));
  a.qkv = random_floats(t, 3 * dim * dim, unit);
  a.proj = random_floats(t, dim * dim, unit);
  a.qkv_bias = t.coin() ? random_floats(t, 3 * dim, 0.5) : nullptr;
  a.proj_bias = t.coin() ? random_floats(t, dim, 0.5) : nullptr;
  says(t, a.outer);
  t.says("heads", static_cast<double>(s.heads));
  t.says("qkvBias", a.qkv_bias != nullptr), t.says("projBias", a.proj_bias != nullptr);
  return a;
}

// A head of an image within rows of qkv, 3·dim apart.
struct Place {
  size_t row, column, dim, head;
  size_t q(size_t i, size_t d) const { return (row + i) * 3 * dim + column + d; }
  size_t k(size_t i, size_t d) const { return q(i, d) + dim; }
  size_t v(size_t i, size_t d) const { return q(i, d) + 2 * dim; }
  size_t out(size_t i, size_t d) const { return (row + i) * dim + column + d; }
};

template <typename Body>
void each_head(const AttentionBranch& a, const Body& body) {
  const size_t head = a.outer.dim / a.heads;
  for (size_t b = 0; b < a.outer.batch; ++b)
    for (size_t h = 0; h < a.heads; ++h) body(Place{b * a.outer.tokens, h * head, a.outer.dim, head});
}

// The sums of query i over all keys.
void softmax(const AttentionBranch& a, const Sums& qkv, const Place& at, size_t i, Doubles* p) {
  const size_t keys = a.outer.tokens;
  double top = -INFINITY, sum = 0;
  for (size_t j = 0; j < keys; ++j) {
    double score = 0;
    for (size_t d = 0; d < at.head; ++d) score += qkv.value[at.q(i, d)] * qkv.value[at.k(j, d)];
    (*p)[j] = score * static_cast<double>(a.factor);
    top = fmax(top, (*p)[j]);
  }
  for (double& x : *p) sum += x = exp(x - top);
  for (double& x : *p) x /= sum;
}

struct Inner {
  size_t rows;
  Norm norm;
  Sums w_qkv, w_proj, qkv, out, z;

  explicit Inner(const AttentionBranch& a)
      : rows(a.outer.batch * a.outer.tokens),
        norm(norm_of(a.outer)),
        w_qkv(a.qkv, 3 * a.outer.dim * a.outer.dim),
        w_proj(a.proj, a.outer.dim * a.outer.dim) {
    const vit::Precision precision = a.outer.precision;
    qkv = matmul(precision, norm.y, w_qkv.transposed(3 * a.outer.dim), rows, a.qkv_bias);
    if (precision == vit::kBf16) round_all(&qkv);
    out = Sums(rows * a.outer.dim);
    Doubles p(a.outer.tokens);
    each_head(a, [&](const Place& at) {
      for (size_t i = 0; i < p.size(); ++i) {
        softmax(a, qkv, at, i, &p);
        for (size_t j = 0; j < p.size(); ++j)
          for (size_t d = 0; d < at.head; ++d) {
            out.value[at.out(i, d)] += p[j] * qkv.value[at.v(j, d)];
            out.size[at.out(i, d)] += p[j] * p[j] * qkv.size[at.v(j, d)] * qkv.size[at.v(j, d)];
          }
      }
    });
    out.finish();
    if (precision == vit::kBf16) round_all(&out);
    z = matmul(precision, out, w_proj.transposed(a.outer.dim), rows, a.proj_bias);
  }
};

// The gradient of qkv from that of the heads' results.
Sums qkv_grad(const AttentionBranch& a, const Inner& inner, const Sums& dout) {
  const size_t tokens = a.outer.tokens;
  Sums dqkv(inner.qkv.value.size());
  const auto add = [&](size_t i, double value, double size) { dqkv.value[i] += value, dqkv.size[i] += size * size; };
  Doubles p(tokens);
  each_head(a, [&](const Place& at) {
    for (size_t i = 0; i < tokens; ++i) {
      softmax(a, inner.qkv, at, i, &p);
      double delta = 0, delta_size = 0;
      for (size_t d = 0; d < at.head; ++d) {
        const size_t o = at.out(i, d);
        delta += dout.value[o] * inner.out.value[o], delta_size += dout.size[o] * inner.out.size[o];
      }
      for (size_t j = 0; j < tokens; ++j) {
        double dp = 0, dp_size = 0;
        for (size_t d = 0; d < at.head; ++d) {
          const size_t o = at.out(i, d), v = at.v(j, d);
          dp += dout.value[o] * inner.qkv.value[v], dp_size += dout.size[o] * inner.qkv.size[v];
          add(v, p[j] * dout.value[o], p[j] * dout.size[o]);
        }
        const double unit = p[j] * static_cast<double>(a.factor), ds = unit * (dp - delta),
                     ds_size = unit * (dp_size + delta_size);
        for (size_t d = 0; d < at.head; ++d) {
          const size_t q = at.q(i, d), k = at.k(j, d);
          add(q, ds * inner.qkv.value[k], ds_size * inner.qkv.size[k]);
          add(k, ds * inner.qkv.value[q], ds_size * inner.qkv.size[q]);
        }
      }
    }
  });
  dqkv.finish();
  return dqkv;
}

void judge(Output& y, const AttentionBranch& a) {
  const Sums wanted = add_wrapped(a.outer, Inner(a).z);
  y.like(wanted.value, wanted.size, relative_of(a.outer.precision));
}

void forward(Case& t, const Size& s, vit::Precision precision) {
  const AttentionBranch a = random_attention(t, s, precision);
  Output& y = t.output("y", s.batch * s.tokens * a.outer.dim);
  t.kernels.attention_branch(a, nullptr, floats(y));
  if (t.judges()) judge(y, a);
}

// A pass that keeps what the backward pass reads, in memory of just that size, gives the bytes of one that does not,
// and so does one whose result takes the place of x.
void saves(Case& t, const Size& s, vit::Precision precision) {
  const AttentionBranch a = random_attention(t, s, precision);
  Output& y = t.output("y", s.batch * s.tokens * a.outer.dim);
  Output& again = t.output("y without saved", y.size());
  Output& placed = t.output("y in the place of x", y.size());
  const Guarded saved(t.kernels.attention_branch_saved(a) * sizeof(float));
  t.kernels.attention_branch(a, static_cast<float*>(saved.data()), floats(y));
  t.kernels.attention_branch(a, nullptr, floats(again));
  auto in_place = a;
  in_place.outer.x = floats(placed);
  for (size_t i = 0; i < y.size(); ++i) floats(placed)[i] = a.outer.x[i];
  t.kernels.attention_branch(in_place, nullptr, floats(placed));
  if (!t.judges()) return;
  judge(y, a);
  again.same_as(y);
  placed.same_as(y);
  if (!saved.intact()) y.fails("what lies before saved was written");
}

// As packs of mlp_branch_cases.cc.
void packs(Case& t, const Size& s, vit::Precision precision) {
  AttentionBranch a = random_attention(t, s, precision);
  Output& y = t.output("y", s.batch * s.tokens * a.outer.dim);
  Output& packing = t.output("y while packing", y.size());
  Output& packed = t.output("y from packed weights", y.size());
  t.kernels.attention_branch(a, nullptr, floats(y));
  Guarded memory(t.kernels.attention_branch_packed(a) * sizeof(float));
  a.outer.packed = static_cast<float*>(memory.data());
  t.kernels.attention_branch(a, nullptr, floats(packing));
  memory.seal();
  a.outer.ready = true;
  t.kernels.attention_branch(a, nullptr, floats(packed));
  if (!t.judges()) return;
  judge(y, a);
  packing.same_as(y);
  packed.same_as(y);
}

void grad(Case& t, const Size& s, vit::Precision precision) {
  const AttentionBranch a = random_attention(t, s, precision);
  const size_t rows = s.batch * s.tokens, dim = a.outer.dim;
  const float* dy = t.input(rows * dim);
  Guarded saved(t.kernels.attention_branch_saved(a) * sizeof(float)), y(rows * dim * sizeof(float));
  t.kernels.attention_branch(a, static_cast<float*>(saved.data()), static_cast<float*>(y.data()));
  saved.seal();
  const OuterOutputs outer = outer_outputs(t, a.outer);
  Output& qkv = t.output("dqkv", 3 * dim * dim);
  Output& proj = t.output("dproj", dim * dim);
  Output* qkv_bias = a.qkv_bias == nullptr ? nullptr : &t.output("dqkvBias", 3 * dim);
  Output* proj_bias = a.proj_bias == nullptr ? nullptr : &t.output("dprojBias", dim);
  t.kernels.attention_branch_grad(a, static_cast<const float*>(saved.data()), dy,
                                  grad_of(outer, {qkv, qkv_bias}, {proj, proj_bias}));
  if (!t.judges()) return;
  const Inner inner(a);
  const double relative = relative_of(precision);
  Outer o = outer_grad(a.outer, dy, inner.z);
  const Sums dqkv = qkv_grad(a, inner, matmul(precision, o.scaled, inner.w_proj, rows));
  const Sums w_qkv = matmul(precision, dqkv.transposed(rows), inner.norm.y, 3 * dim);
  const Sums unscaled = matmul(precision, o.kept.transposed(rows), inner.out, dim),
             w_proj = scaled_rows(a.outer, unscaled);
  add_weights(&o, inner.w_proj, unscaled);
  const Sums b_qkv = column_sums(dqkv, 3 * dim), b_proj = scaled_rows(a.outer, column_sums(o.kept, dim));
  judge_outer(outer, a.outer, dy, inner.norm, o, matmul(precision, dqkv, inner.w_qkv, rows));
  qkv.like(w_qkv.value, w_qkv.size, relative);
  proj.like(w_proj.value, w_proj.size, relative);
  if (qkv_bias != nullptr) qkv_bias->like(b_qkv.value, b_qkv.size, relative);
  if (proj_bias != nullptr) proj_bias->like(b_proj.value, b_proj.size, relative);
}

typedef void (*Run)(Case& t, const Size& s, vit::Precision precision);

template <Run run, vit::Precision precision>
void any(Case& t) {
  run(t, {t.upto(5), t.upto(60), t.upto(4), t.upto(20)}, precision);
}
// So many images that a task takes one, or several, for itself; and often more than the gradient has in memory at a
// time.
template <Run run, vit::Precision precision>
void images(Case& t) {
  const size_t short_ones = 20 + t.upto(20);
  // With a sanitizer these weights are many: see grad_long of the MLP.
  if (t.coin()) return run(t, {1800 / short_ones + t.upto(20), short_ones, 3, 11 + t.upto(6)}, precision);
  if (t.coin()) return run(t, {8 + t.upto(4), 100 + t.upto(60), t.upto(2), t.upto(4)}, precision);
  const size_t tokens = t.upto(40);
  run(t, {1800 / tokens + t.upto(60), tokens, t.upto(3), t.upto(4)}, precision);
}
// Few rows and weights that do not stay in the cache, as in the MLP's.
template <Run run, vit::Precision precision>
void far(Case& t) {
#if !defined(VIT_SLOT_FLOATS)
  if (t.rng.below(3) == 0) return run(t, {t.upto(2), t.upto(8), 4, 91 + t.upto(4)}, precision);
#endif
  run(t, {t.upto(2), t.upto(8), 4, 8 + t.upto(6)}, precision);
}
// Few and long ones, shared by the threads: queries are cut, or they are more than the gradient has in memory.
template <Run run, vit::Precision precision>
void lengthy(Case& t) {
  if (t.coin()) return run(t, {t.upto(2), 257 + t.upto(60), t.upto(3), t.upto(12)}, precision);
  run(t, {7, 257 + t.upto(20), 1, t.upto(12)}, precision);
}

// Heads so wide that bf16 products pay within them too, where they are fast.
template <Run run>
void heads(Case& t) {
  run(t, {t.coin() ? t.upto(3) : 8 + t.upto(3), t.upto(90), t.upto(2), 32 + t.upto(33)}, vit::kBf16);
}

}  // namespace

const Cases attention_branch_cases = {
    {"attention_branch_saved", any<saves, vit::kFp32>},
    {"attention_branch_packed", any<packs, vit::kFp32>},
    {"attention_branch", any<forward, vit::kFp32>},
    {"attention_branch/images", images<saves, vit::kFp32>},
    {"attention_branch/long", lengthy<saves, vit::kFp32>},
    {"attention_branch/far", far<saves, vit::kFp32>},
    {"attention_branch_grad", any<grad, vit::kFp32>},
    {"attention_branch_grad/far", far<grad, vit::kFp32>},
    {"attention_branch_grad/images", images<grad, vit::kFp32>},
    {"attention_branch_grad/long", lengthy<grad, vit::kFp32>},
    {"attention_branch_saved/bf16", any<saves, vit::kBf16>},
    {"attention_branch_packed/bf16", any<packs, vit::kBf16>},
    {"attention_branch/bf16-images", images<saves, vit::kBf16>},
    {"attention_branch/bf16-long", lengthy<saves, vit::kBf16>},
    {"attention_branch/bf16-heads", heads<saves>},
    {"attention_branch_grad/bf16-heads", heads<grad>},
    {"attention_branch/bf16-far", far<saves, vit::kBf16>},
    {"attention_branch_grad/bf16", any<grad, vit::kBf16>},
    {"attention_branch_grad/bf16-images", images<grad, vit::kBf16>},
    {"attention_branch_grad/bf16-long", lengthy<grad, vit::kBf16>},
};

}  // namespace vit_test
