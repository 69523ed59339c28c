// The residual branch of the MLP and its gradient against loops in float64.

#include "activation.h"
#include "branch_reference.h"

namespace vit_test {
namespace {

using vit::MlpBranch;

MlpBranch random_mlp(Case& t, size_t batch, size_t tokens, size_t dim, size_t hidden, vit::Precision precision) {
  MlpBranch m = {};
  m.outer = random_branch(t, batch, tokens, dim, precision);
  m.hidden = hidden;
  m.form = static_cast<vit::Activation>(t.rng.below(3));
  m.fc1 = random_floats(t, hidden * dim, 1 / sqrt(static_cast<double>(dim)));
  m.fc2 = random_floats(t, dim * hidden, 1 / sqrt(static_cast<double>(hidden)));
  m.bias1 = t.coin() ? random_floats(t, hidden, 0.5) : nullptr;
  m.bias2 = t.coin() ? random_floats(t, dim, 0.5) : nullptr;
  says(t, m.outer);
  t.says("hidden", static_cast<double>(hidden)), t.says("form", m.form);
  t.says("bias1", m.bias1 != nullptr), t.says("bias2", m.bias2 != nullptr);
  return m;
}

struct Inner {
  size_t rows;
  Norm norm;
  Sums fc1, fc2, hidden, active, z;

  explicit Inner(const MlpBranch& m)
      : rows(m.outer.batch * m.outer.tokens),
        norm(norm_of(m.outer)),
        fc1(m.fc1, m.hidden * m.outer.dim),
        fc2(m.fc2, m.hidden * m.outer.dim) {
    const vit::Precision precision = m.outer.precision;
    hidden = matmul(precision, norm.y, fc1.transposed(m.hidden), rows, m.bias1);
    if (precision == vit::kBf16) round_all(&hidden);
    active = hidden;
    for (double& value : active.value) value = gelu(m.form, value);
    z = matmul(precision, active, fc2.transposed(m.outer.dim), rows, m.bias2);
  }
};

void judge(Output& y, const MlpBranch& m) {
  const Sums wanted = add_wrapped(m.outer, Inner(m).z);
  y.like(wanted.value, wanted.size, relative_of(m.outer.precision));
}

void forward(Case& t, size_t batch, size_t tokens, size_t dim, size_t hidden, vit::Precision precision) {
  const MlpBranch m = random_mlp(t, batch, tokens, dim, hidden, precision);
  Output& y = t.output("y", batch * tokens * dim);
  t.kernels.mlp_branch(m, nullptr, floats(y));
  if (t.judges()) judge(y, m);
}

// A pass that keeps what the backward pass reads, in memory of just that size, gives the bytes of one that does not,
// and so does one whose result takes the place of x.
void saves(Case& t, size_t batch, size_t tokens, size_t dim, size_t hidden, vit::Precision precision) {
  const MlpBranch m = random_mlp(t, batch, tokens, dim, hidden, precision);
  Output& y = t.output("y", batch * tokens * dim);
  Output& again = t.output("y without saved", y.size());
  Output& placed = t.output("y in the place of x", y.size());
  const Guarded saved(t.kernels.mlp_branch_saved(m) * sizeof(float));
  t.kernels.mlp_branch(m, static_cast<float*>(saved.data()), floats(y));
  t.kernels.mlp_branch(m, nullptr, floats(again));
  auto in_place = m;
  in_place.outer.x = floats(placed);
  for (size_t i = 0; i < y.size(); ++i) floats(placed)[i] = m.outer.x[i];
  t.kernels.mlp_branch(in_place, nullptr, floats(placed));
  if (!t.judges()) return;
  judge(y, m);
  again.same_as(y);
  placed.same_as(y);
  if (!saved.intact()) y.fails("what lies before saved was written");
}

// A pass whose weights are packed into memory of the caller's, and one that finds them there, give the bytes of one
// that packs for itself.
void packs(Case& t, size_t batch, size_t tokens, size_t dim, size_t hidden, vit::Precision precision) {
  MlpBranch m = random_mlp(t, batch, tokens, dim, hidden, precision);
  Output& y = t.output("y", batch * tokens * dim);
  Output& packing = t.output("y while packing", y.size());
  Output& packed = t.output("y from packed weights", y.size());
  t.kernels.mlp_branch(m, nullptr, floats(y));
  Guarded memory(t.kernels.mlp_branch_packed(m) * sizeof(float));
  m.outer.packed = static_cast<float*>(memory.data());
  t.kernels.mlp_branch(m, nullptr, floats(packing));
  memory.seal();
  m.outer.ready = true;
  t.kernels.mlp_branch(m, nullptr, floats(packed));
  if (!t.judges()) return;
  judge(y, m);
  packing.same_as(y);
  packed.same_as(y);
}

void grad(Case& t, size_t batch, size_t tokens, size_t dim, size_t hidden, vit::Precision precision) {
  const MlpBranch m = random_mlp(t, batch, tokens, dim, hidden, precision);
  const size_t rows = batch * tokens;
  const float* dy = t.input(rows * dim);
  Guarded saved(t.kernels.mlp_branch_saved(m) * sizeof(float)), y(rows * dim * sizeof(float));
  t.kernels.mlp_branch(m, static_cast<float*>(saved.data()), static_cast<float*>(y.data()));
  saved.seal();
  const OuterOutputs outer = outer_outputs(t, m.outer);
  Output& fc1 = t.output("dfc1", hidden * dim);
  Output& fc2 = t.output("dfc2", hidden * dim);
  Output* bias1 = m.bias1 == nullptr ? nullptr : &t.output("dbias1", hidden);
  Output* bias2 = m.bias2 == nullptr ? nullptr : &t.output("dbias2", dim);
  t.kernels.mlp_branch_grad(m, static_cast<const float*>(saved.data()), dy, grad_of(outer, {fc1, bias1}, {fc2, bias2}));
  if (!t.judges()) return;
  const Inner inner(m);
  const double relative = relative_of(precision);
  Outer o = outer_grad(m.outer, dy, inner.z);
  Sums dhidden = matmul(precision, o.scaled, inner.fc2, rows);
  for (size_t i = 0; i < dhidden.value.size(); ++i) dhidden.times(i, gelu_slope(m.form, inner.hidden.value[i]));
  const Sums dfc1 = matmul(precision, dhidden.transposed(rows), inner.norm.y, hidden);
  const Sums unscaled = matmul(precision, o.kept.transposed(rows), inner.active, dim),
             dfc2 = scaled_rows(m.outer, unscaled);
  add_weights(&o, inner.fc2, unscaled);
  const Sums dbias1 = column_sums(dhidden, hidden), dbias2 = scaled_rows(m.outer, column_sums(o.kept, dim));
  judge_outer(outer, m.outer, dy, inner.norm, o, matmul(precision, dhidden, inner.fc1, rows));
  fc1.like(dfc1.value, dfc1.size, relative);
  fc2.like(dfc2.value, dfc2.size, relative);
  if (bias1 != nullptr) bias1->like(dbias1.value, dbias1.size, relative);
  if (bias2 != nullptr) bias2->like(dbias2.value, dbias2.size, relative);
}

typedef void (*Run)(Case& t, size_t batch, size_t tokens, size_t dim, size_t hidden, vit::Precision precision);

template <Run run, vit::Precision precision>
void any(Case& t) {
  const size_t batch = t.upto(4), tokens = t.upto(70), dim = t.upto(60);
  run(t, batch, tokens, dim, t.upto(90), precision);
}
// More hidden columns than a task does at a time.
template <Run run, vit::Precision precision>
void wide(Case& t) {
  const size_t batch = t.upto(3), tokens = t.upto(12), dim = t.upto(20);
  run(t, batch, tokens, dim, 500 + t.upto(100), precision);
}
// Few rows and weights that do not stay in the cache; with a sanitizer few weights are many. Drawing many takes long:
// one of three.
template <Run run, vit::Precision precision>
void far(Case& t) {
  const size_t batch = t.upto(2), tokens = t.upto(10);
#if !defined(VIT_SLOT_FLOATS)
  if (t.rng.below(3) == 0) return run(t, batch, tokens, 300 + t.upto(20), 900 + t.upto(30), precision);
#endif
  run(t, batch, tokens, 40 + t.upto(20), 60 + t.upto(40), precision);
}
// More rows than the gradient has in memory at a time. With a sanitizer few weights are many (VIT_SLOT_FLOATS), so that
// both ways to sum their gradients come in their turn.
template <vit::Precision precision>
void grad_long(Case& t) {
  const size_t tokens = t.upto(300), batch = (t.rng.below(3) == 0 ? 3700 : 1800) / tokens + 1 + t.upto(3);
  if (t.coin()) return grad(t, batch, tokens, 130 + t.upto(40), 16 + t.upto(12), precision);
  if (t.coin()) return grad(t, batch, tokens, t.upto(12), t.upto(12), precision);
  grad(t, batch, tokens, t.upto(7), 250 + t.upto(40), precision);
}

}  // namespace

const Cases mlp_branch_cases = {
    {"mlp_branch_saved", any<saves, vit::kFp32>},
    {"mlp_branch_packed", any<packs, vit::kFp32>},
    {"mlp_branch", any<forward, vit::kFp32>},
    {"mlp_branch/wide", wide<saves, vit::kFp32>},
    {"mlp_branch/far", far<saves, vit::kFp32>},
    {"mlp_branch_grad", any<grad, vit::kFp32>},
    {"mlp_branch_grad/wide", wide<grad, vit::kFp32>},
    {"mlp_branch_grad/far", far<grad, vit::kFp32>},
    {"mlp_branch_grad/long", grad_long<vit::kFp32>},
    {"mlp_branch_saved/bf16", any<saves, vit::kBf16>},
    {"mlp_branch_packed/bf16", any<packs, vit::kBf16>},
    {"mlp_branch/bf16-wide", wide<saves, vit::kBf16>},
    {"mlp_branch/bf16-far", far<saves, vit::kBf16>},
    {"mlp_branch_grad/bf16", any<grad, vit::kBf16>},
    {"mlp_branch_grad/bf16-far", far<grad, vit::kBf16>},
    {"mlp_branch_grad/bf16-wide", wide<grad, vit::kBf16>},
    {"mlp_branch_grad/bf16-long", grad_long<vit::kBf16>},
};

}  // namespace vit_test
