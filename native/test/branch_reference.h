// The parts that the cases of the residual branches share: random arguments, and the parts of both branches as loops in
// float64. In bf16 the factors of products are rounded here too, so that a kernel is off by its sums, and by a factor
// that just rounds the other way.
#pragma once

#include "cases.h"

namespace vit_test {

typedef std::vector<double> Doubles;

// Numbers, and how large each and the terms of its sum are: the root of the sum of all their squares, of which
// roundings that differ from term to term make up a small part.
struct Sums {
  Doubles value, size;
  Sums() = default;
  explicit Sums(size_t n) : value(n, 0.0), size(n, 0.0) {}
  explicit Sums(const Doubles& known);
  Sums(const float* known, size_t n) : Sums(Doubles(known, known + n)) {}
  // The transpose of a matrix of rows.
  Sums transposed(size_t rows) const;
  // Makes sizes of what so far are the sums of the squares of terms.
  void finish();
  void times(size_t i, double factor) { value[i] *= factor, size[i] *= fabs(factor); }
};

// To bfloat16.
void round_all(Sums* x);

// c[m, n] = a[m, k]·b[k, n] (+ bias in each row); in bf16 of rounded factors.
Sums matmul(vit::Precision precision, const Sums& a, const Sums& b, size_t m, const float* bias = nullptr);
// The sum of each column.
Sums column_sums(const Sums& a, size_t cols);

// normal·scale + shift.
const float* random_floats(Case& t, size_t n, double scale, double shift = 0);
vit::Branch random_branch(Case& t, size_t batch, size_t tokens, size_t dim, vit::Precision precision);
void says(Case& t, const vit::Branch& b);

struct Norm {
  Doubles hat, rstd;
  Sums y;
};
Norm norm_of(const vit::Branch& b);
// y = x + keep·scale·z.
Sums add_wrapped(const vit::Branch& b, const Sums& z);

// Gradients of the sum: keep·dy, and that times scale; that of scale.
struct Outer {
  Sums kept, scaled, dscale;
};
Outer outer_grad(const vit::Branch& b, const float* dy, const Sums& z);
// The kernels take dscale from the weights of the last layer [dim, k] and their gradient for a scale of 1.
void add_weights(Outer* outer, const Sums& weight, const Sums& gradient);
// Times scale in each row of [dim, n].
Sums scaled_rows(const vit::Branch& b, Sums rows);

// How far a kernel may be off, as a part of what it sums.
double relative_of(vit::Precision precision);

// The arrays of the outer gradient, and what they must hold: `g` is the gradient of the norm's result.
struct OuterOutputs {
  Output *dx, *dgamma, *dbeta, *dscale;
};
OuterOutputs outer_outputs(Case& t, const vit::Branch& b);
// Outputs for the gradients of a layer; bias may be null.
struct LayerOutputs {
  const Output& weight;
  const Output* bias;
};
vit::BranchGrad grad_of(const OuterOutputs& o, const LayerOutputs& first, const LayerOutputs& last);
void judge_outer(const OuterOutputs& o, const vit::Branch& b, const float* dy, const Norm& norm, const Outer& outer,
                 const Sums& g);

}  // namespace vit_test
