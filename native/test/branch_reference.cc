#include "branch_reference.h"

#include "rounding.h"

namespace vit_test {
namespace {

double wide(float x) { return static_cast<double>(x); }
size_t rows_of(const vit::Branch& b) { return b.batch * b.tokens; }
double keep_of(const vit::Branch& b, size_t row) { return b.keep == nullptr ? 1 : wide(b.keep[row / b.tokens]); }
double scale_of(const vit::Branch& b, size_t j) { return b.scale == nullptr ? 1 : wide(b.scale[j]); }

}  // namespace

Sums::Sums(const Doubles& known) : value(known), size(known) {
  for (double& x : size) x = fabs(x);
}

void Sums::finish() {
  for (size_t i = 0; i < value.size(); ++i) size[i] = sqrt(size[i] + value[i] * value[i]);
}

Sums Sums::transposed(size_t rows) const {
  const size_t cols = value.size() / rows;
  Sums out(value.size());
  for (size_t i = 0; i < rows; ++i)
    for (size_t j = 0; j < cols; ++j) {
      out.value[j * rows + i] = value[i * cols + j];
      out.size[j * rows + i] = size[i * cols + j];
    }
  return out;
}

void round_all(Sums* x) {
  for (double& value : x->value) value = to_bf16(value);
}

Sums matmul(vit::Precision precision, const Sums& left, const Sums& right, size_t m, const float* bias) {
  const size_t k = left.value.size() / m, n = right.value.size() / k;
  Sums a = left, b = right, c(m * n);
  if (precision == vit::kBf16) round_all(&a), round_all(&b);
  for (double& x : b.size) x *= x;
  for (size_t i = 0; i < m; ++i) {
    double* value = &c.value[i * n];
    double* size = &c.size[i * n];
    for (size_t j = 0; bias != nullptr && j < n; ++j) value[j] = wide(bias[j]), size[j] = value[j] * value[j];
    for (size_t p = 0; p < k; ++p) {
      const double x = a.value[i * k + p], x_size = a.size[i * k + p] * a.size[i * k + p];
      for (size_t j = 0; j < n; ++j) value[j] += x * b.value[p * n + j], size[j] += x_size * b.size[p * n + j];
    }
  }
  c.finish();
  return c;
}

Sums column_sums(const Sums& a, size_t cols) {
  Sums c(cols);
  for (size_t i = 0; i < a.value.size(); ++i) {
    c.value[i % cols] += a.value[i];
    c.size[i % cols] += a.size[i] * a.size[i];
  }
  c.finish();
  return c;
}

const float* random_floats(Case& t, size_t n, double scale, double shift) {
  std::vector<float> values(n);
  for (float& value : values) value = static_cast<float>(shift + scale * wide(t.rng.normal()));
  return t.given(values);
}

vit::Branch random_branch(Case& t, size_t batch, size_t tokens, size_t dim, vit::Precision precision) {
  vit::Branch b = {};
  b.batch = batch, b.tokens = tokens, b.dim = dim, b.precision = precision;
  b.epsilon = t.coin() ? 1e-6f : 1e-5f;
  // Neighbours are apart, so that a row of two or three is not constant by chance: its norm would be noise.
  std::vector<float> x(batch * tokens * dim);
  for (size_t i = 0; i < x.size(); ++i) x[i] = t.rng.normal() + (i % dim % 2 == 0 ? 2.0f : -2.0f);
  b.x = t.given(x);
  b.gamma = random_floats(t, dim, 0.3, 1);
  b.beta = random_floats(t, dim, 0.3);
  b.scale = t.coin() ? random_floats(t, dim, 0.5) : nullptr;
  if (t.coin()) {
    std::vector<float> keep(batch);
    for (float& value : keep) value = t.rng.below(4) == 0 ? 0.0f : 1.25f;
    b.keep = t.given(keep);
  }
  return b;
}

void says(Case& t, const vit::Branch& b) {
  t.says("batch", static_cast<double>(b.batch)), t.says("tokens", static_cast<double>(b.tokens));
  t.says("dim", static_cast<double>(b.dim)), t.says("bf16", b.precision);
  t.says("scale", b.scale != nullptr), t.says("keep", b.keep != nullptr);
}

Norm norm_of(const vit::Branch& b) {
  const size_t rows = rows_of(b), dim = b.dim;
  const double n = static_cast<double>(dim);
  Norm norm = {Doubles(rows * dim), Doubles(rows), Sums(rows * dim)};
  for (size_t i = 0; i < rows; ++i) {
    const float* x = b.x + i * dim;
    double mean = 0, squares = 0;
    for (size_t j = 0; j < dim; ++j) mean += wide(x[j]) / n;
    for (size_t j = 0; j < dim; ++j) squares += (wide(x[j]) - mean) * (wide(x[j]) - mean);
    norm.rstd[i] = 1 / sqrt(squares / n + wide(b.epsilon));
    for (size_t j = 0; j < dim; ++j) {
      const size_t at = i * dim + j;
      norm.hat[at] = (wide(x[j]) - mean) * norm.rstd[i];
      norm.y.value[at] = norm.hat[at] * wide(b.gamma[j]) + wide(b.beta[j]);
      norm.y.size[at] = fabs(norm.hat[at] * wide(b.gamma[j])) + fabs(wide(b.beta[j]));
    }
  }
  return norm;
}

Sums add_wrapped(const vit::Branch& b, const Sums& z) {
  Sums y = z;
  for (size_t i = 0; i < y.value.size(); ++i) {
    y.times(i, keep_of(b, i / b.dim) * scale_of(b, i % b.dim));
    y.value[i] += wide(b.x[i]);
    y.size[i] += fabs(wide(b.x[i]));
  }
  return y;
}

Outer outer_grad(const vit::Branch& b, const float* dy, const Sums& z) {
  const size_t n = rows_of(b) * b.dim;
  Outer outer;
  outer.kept = Sums(dy, n);
  for (size_t i = 0; i < n; ++i) outer.kept.times(i, keep_of(b, i / b.dim));
  outer.scaled = outer.kept;
  Sums terms = z;
  for (size_t i = 0; i < n; ++i) {
    outer.scaled.times(i, scale_of(b, i % b.dim));
    terms.times(i, outer.kept.value[i]);
  }
  outer.dscale = column_sums(terms, b.dim);
  return outer;
}

void add_weights(Outer* outer, const Sums& weight, const Sums& gradient) {
  Sums& dscale = outer->dscale;
  const size_t k = weight.value.size() / dscale.size.size();
  for (size_t i = 0; i < weight.value.size(); ++i)
    dscale.size[i / k] = hypot(dscale.size[i / k], weight.value[i] * gradient.value[i]);
}

Sums scaled_rows(const vit::Branch& b, Sums rows) {
  const size_t cols = rows.value.size() / b.dim;
  for (size_t i = 0; i < rows.value.size(); ++i) rows.times(i, scale_of(b, i / cols));
  return rows;
}

double relative_of(vit::Precision precision) { return precision == vit::kBf16 ? 0x1p-7 : 0x1p-17; }

OuterOutputs outer_outputs(Case& t, const vit::Branch& b) {
  return {&t.output("dx", rows_of(b) * b.dim), &t.output("dgamma", b.dim), &t.output("dbeta", b.dim),
          b.scale == nullptr ? nullptr : &t.output("dscale", b.dim)};
}

vit::BranchGrad grad_of(const OuterOutputs& o, const LayerOutputs& first, const LayerOutputs& last) {
  const auto or_null = [](const Output* output) { return output == nullptr ? nullptr : floats(*output); };
  return {floats(*o.dx),        floats(*o.dgamma),   floats(*o.dbeta),    or_null(o.dscale),
          floats(first.weight), or_null(first.bias), floats(last.weight), or_null(last.bias)};
}

void judge_outer(const OuterOutputs& o, const vit::Branch& b, const float* dy, const Norm& norm, const Outer& outer,
                 const Sums& g) {
  const size_t rows = rows_of(b), dim = b.dim;
  const double n = static_cast<double>(dim), relative = relative_of(b.precision);
  Sums dx(rows * dim), products = g;
  for (size_t i = 0; i < rows; ++i) {
    double mean = 0, mean_size = 0, along = 0, along_size = 0;
    const auto scaled = [&](const Doubles& of, size_t j) { return of[i * dim + j] * wide(b.gamma[j]); };
    for (size_t j = 0; j < dim; ++j) {
      const double hat = norm.hat[i * dim + j];
      mean += scaled(g.value, j) / n, mean_size += fabs(scaled(g.size, j)) / n;
      along += scaled(g.value, j) * hat / n, along_size += fabs(scaled(g.size, j) * hat) / n;
    }
    for (size_t j = 0; j < dim; ++j) {
      const size_t at = i * dim + j;
      const double hat = norm.hat[at], old = wide(dy[at]);
      dx.value[at] = old + norm.rstd[i] * (scaled(g.value, j) - mean - hat * along);
      dx.size[at] = fabs(old) + norm.rstd[i] * (fabs(scaled(g.size, j)) + mean_size + fabs(hat) * along_size);
      products.times(at, hat);
    }
  }
  o.dx->like(dx.value, dx.size, relative);
  const Sums dgamma = column_sums(products, dim), dbeta = column_sums(g, dim);
  o.dgamma->like(dgamma.value, dgamma.size, relative);
  o.dbeta->like(dbeta.value, dbeta.size, relative);
  if (o.dscale != nullptr) o.dscale->like(outer.dscale.value, outer.dscale.size, relative);
}

}  // namespace vit_test
