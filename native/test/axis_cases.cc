// Reductions of integers and truth values, products, places of extremes, running sums, windows and transforms, against
// float64 or, of integers, against what is exact.

#include <algorithm>
#include <complex>

#include "cases.h"
#include "integers.h"

namespace vit_test {
namespace {

using namespace vit;

struct Shape {
  size_t outer, n, inner;
  size_t size() const { return outer * n * inner; }
  size_t at(size_t o, size_t i, size_t j) const { return (o * n + i) * inner + j; }
};

// Rows, columns, and now and then a few rows that are long enough to be cut into parts.
Shape some_shape(Case& t) {
  Shape s;
  const size_t kind = t.rng.below(4);
  if (kind == 0) s = {t.upto(3), 65000 + t.upto(140000), 1};
  else if (kind == 1) s = {t.upto(60), t.upto(500), 1};
  else if (kind == 2) s = {t.upto(3), 900 + t.upto(2500), t.upto(40)};
  else s = {t.upto(5), t.upto(100), t.upto(600)};
  t.says("outer", static_cast<double>(s.outer)), t.says("n", static_cast<double>(s.n)),
      t.says("inner", static_cast<double>(s.inner));
  return s;
}
template <typename Body>
void each_line(const Shape& s, const Body& body) {
  for (size_t o = 0; o < s.outer; ++o)
    for (size_t j = 0; j < s.inner; ++j) body(o * s.inner + j, [&s, o, j](size_t i) { return s.at(o, i, j); });
}

// Factors near 1, so that no product leaves the range.
void prod_case(Case& t) {
  const Shape s = some_shape(t);
  std::vector<float> values(s.size());
  for (float& value : values) value = (t.coin() ? 1.0f : -1.0f) * (1.0f + 0.01f * t.rng.normal());
  if (t.coin()) values[t.rng.below(values.size())] = t.coin() ? 0.0f : NAN;
  const float* x = t.given(values);
  Output& out = t.output("out", s.outer * s.inner);
  t.kernels.prod(s.outer, s.n, s.inner, x, floats(out));
  if (!t.judges()) return;
  each_line(s, [&](size_t line, const auto& at) {
    double wanted = 1;
    for (size_t i = 0; i < s.n; ++i) wanted *= static_cast<double>(x[at(i)]);
    out.near(line, wanted, kUlp * fabs(wanted));
  });
}

void reduce_ints(Case& t) {
  const Shape s = some_shape(t);
  const IntReduce op = static_cast<IntReduce>(t.rng.below(kIntReduceCount));
  std::vector<int32_t> x = integers(t, s.size(), t.coin() ? 0 : 3);
  // Some 2^71: its lower 32 bits are not all 0, and 64 bits do not hold it.
  if (op == kIntProd && t.coin())
    for (int32_t& value : x) value = t.rng.below(s.n) < 45 ? (t.coin() ? 3 : -3) : 1;
  t.says("op", op);
  std::vector<int32_t> out(s.outer * s.inner, 7);
  t.kernels.reduce_ints(op, s.outer, s.n, s.inner, x.data(), out.data());
  Output& shown = show(t, "out", out);
  if (!t.judges()) return;
  each_line(s, [&](size_t line, const auto& at) {
    uint32_t sum = 0;
    int32_t low = INT32_MAX, high = INT32_MIN;
    double times = 1;
    for (size_t i = 0; i < s.n; ++i) {
      const int32_t value = x[at(i)];
      sum += static_cast<uint32_t>(value);
      low = std::min(low, value);
      high = std::max(high, value);
      times *= value;
    }
    const int32_t wanted = op == kIntSum   ? static_cast<int32_t>(sum)
                           : op == kIntMax ? high
                           : op == kIntMin ? low
                                           : stored(times);
    shown.exactly(line, wanted);
  });
}

void reduce_bools(Case& t) {
  const Shape s = some_shape(t);
  const bool all = t.coin();
  std::vector<uint8_t> x(s.size());
  // Mostly the one that decides nothing.
  for (uint8_t& value : x) value = static_cast<uint8_t>(t.rng.below(s.n) == 0 ? !all : all);
  t.says("all", all);
  Output& out = t.output("out", s.outer * s.inner, Output::kByte);
  t.kernels.reduce_bools(all, s.outer, s.n, s.inner, x.data(), bytes(out));
  if (!t.judges()) return;
  each_line(s, [&](size_t line, const auto& at) {
    bool wanted = all;
    for (size_t i = 0; i < s.n; ++i) wanted = all ? wanted && x[at(i)] != 0 : wanted || x[at(i)] != 0;
    out.exactly(line, wanted ? 1 : 0);
  });
}

template <typename T>
void arg_of(Case& t, const Shape& s, bool max, const T* x, const std::vector<int32_t>& out) {
  t.says("max", max);
  Output& shown = show(t, "out", out);
  if (!t.judges()) return;
  each_line(s, [&](size_t line, const auto& at) {
    size_t best = 0;
    for (size_t i = 1; i < s.n; ++i)
      if (max ? x[at(i)] > x[at(best)] : x[at(i)] < x[at(best)]) best = i;
    shown.exactly(line, static_cast<double>(best));
  });
}
// Few different numbers, so that there are ties; NaN, infinities and both zeros.
void arg_floats(Case& t) {
  const Shape s = some_shape(t);
  const bool max = t.coin();
  const float odd[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f};
  std::vector<float> values(s.size());
  const bool special = t.coin(), coarse = t.coin();
  for (float& value : values) {
    value = coarse ? roundf(t.rng.normal()) : t.rng.normal();
    if (special && t.rng.below(20) == 0) value = odd[t.rng.below(5)];
  }
  const float* x = t.given(values);
  std::vector<int32_t> out(s.outer * s.inner, 7);
  t.kernels.arg_floats(max, s.outer, s.n, s.inner, x, out.data());
  arg_of(t, s, max, x, out);
}
void arg_ints(Case& t) {
  const Shape s = some_shape(t);
  const bool max = t.coin();
  const std::vector<int32_t> x = integers(t, s.size(), t.coin() ? 0 : 5);
  std::vector<int32_t> out(s.outer * s.inner, 7);
  t.kernels.arg_ints(max, s.outer, s.n, s.inner, x.data(), out.data());
  arg_of(t, s, max, x.data(), out);
}

Scan some_scan(Case& t) {
  const Scan scan = {t.coin(), t.coin(), t.coin()};
  t.says("times", scan.times), t.says("exclusive", scan.exclusive), t.says("reverse", scan.reverse);
  return scan;
}
// wanted(i-th element, value after it, total before it), one after the other.
template <typename T, typename Join>
void scan_of(Case& t, const Scan& scan, const Shape& s, const T* x, Output& out, const Join& join) {
  if (!t.judges()) return;
  each_line(s, [&](size_t, const auto& at) {
    T total = scan.times ? 1 : 0;
    for (size_t i = 0; i < s.n; ++i) {
      const size_t place = at(scan.reverse ? s.n - 1 - i : i);
      const T next = join(total, x[place]);
      out.exactly(place, static_cast<double>(scan.exclusive ? total : next));
      total = next;
    }
  });
}
void scan_floats(Case& t) {
  const Shape s = some_shape(t);
  const Scan scan = some_scan(t);
  const float* x = t.input(s.size(), t.coin() ? kNormal : kSpecial);
  Output& out = t.output("out", s.size());
  t.kernels.scan_floats(scan, s.outer, s.n, s.inner, x, floats(out));
  scan_of(t, scan, s, x, out, [&](float a, float b) { return scan.times ? a * b : a + b; });
}
void scan_ints(Case& t) {
  const Shape s = some_shape(t);
  const Scan scan = some_scan(t);
  const std::vector<int32_t> x = integers(t, s.size(), t.coin() ? 0 : 3);
  std::vector<int32_t> out(s.size(), 7);
  t.kernels.scan_ints(scan, s.outer, s.n, s.inner, x.data(), out.data());
  Output& shown = show(t, "out", out);
  scan_of(t, scan, s, x.data(), shown, [&](int32_t a, int32_t b) {
    const double left = a, right = b;
    return stored(scan.times ? left * right : left + right);
  });
}

LocalResponse some_window(Case& t) {
  LocalResponse s;
  s.rows = t.upto(300), s.cols = t.upto(150);
  s.radius = t.rng.below(std::min<size_t>(s.cols, 9));
  const float betas[] = {0.5f, 0.75f, 1.0f, 0.3f, 2.0f};
  s.bias = 1.0f, s.alpha = t.coin() ? 1.0f : 0.1f, s.beta = betas[t.rng.below(5)];
  t.says("rows", static_cast<double>(s.rows)), t.says("cols", static_cast<double>(s.cols));
  t.says("radius", static_cast<double>(s.radius)), t.says("beta", static_cast<double>(s.beta));
  return s;
}
double base_of(const LocalResponse& s, const float* row, size_t j) {
  double sum = 0;
  for (size_t k = j < s.radius ? 0 : j - s.radius; k < s.cols && k <= j + s.radius; ++k)
    sum += static_cast<double>(row[k]) * static_cast<double>(row[k]);
  return static_cast<double>(s.bias) + static_cast<double>(s.alpha) * sum;
}
void local_response(Case& t) {
  const LocalResponse s = some_window(t);
  const float* x = t.input(s.rows * s.cols);
  Output& out = t.output("out", s.rows * s.cols);
  t.kernels.local_response(s, x, floats(out));
  for (size_t i = 0; t.judges() && i < s.rows * s.cols; ++i) {
    const double base = base_of(s, x + i / s.cols * s.cols, i % s.cols);
    const double wanted = static_cast<double>(x[i]) * pow(base, -static_cast<double>(s.beta));
    out.near(i, wanted, 30 * kUlp * fabs(wanted));
  }
}
void local_response_grad(Case& t) {
  const LocalResponse s = some_window(t);
  const size_t n = s.rows * s.cols;
  const float *x = t.input(n), *y = t.input(n), *dy = t.input(n);
  Output& out = t.output("dx", n);
  t.kernels.local_response_grad(s, x, y, dy, floats(out));
  for (size_t i = 0; t.judges() && i < n; ++i) {
    const size_t first = i / s.cols * s.cols, j = i % s.cols;
    double sum = 0, size = 0;
    for (size_t k = j < s.radius ? 0 : j - s.radius; k < s.cols && k <= j + s.radius; ++k) {
      const double share =
          static_cast<double>(dy[first + k]) * static_cast<double>(y[first + k]) / base_of(s, x + first, k);
      sum += share;
      size += fabs(share);
    }
    const double factor = -2 * static_cast<double>(s.alpha) * static_cast<double>(s.beta) * static_cast<double>(x[i]);
    const double own = static_cast<double>(dy[i]) * pow(base_of(s, x + first, j), -static_cast<double>(s.beta));
    out.near(i, own + factor * sum, 40 * kUlp * (fabs(own) + fabs(factor) * size));
  }
}

// Lengths of small factors, and others.
void fft(Case& t) {
  const size_t lengths[] = {1, 2, 4, 8, 16, 64, 128, 1024, 3, 6, 12, 15, 105, 210, 143, 360, 17, 37, 97, 34, 221};
  const size_t n = lengths[t.rng.below(21)], batch = t.upto(1 + 40000 / n);
  const bool inverse = t.coin();
  const size_t total = n * batch;
  const float *re = t.input(total), *im = t.input(total);
  Output &out_re = t.output("re", total), &out_im = t.output("im", total);
  t.says("n", static_cast<double>(n)), t.says("batch", static_cast<double>(batch)), t.says("inverse", inverse);
  t.kernels.fft(batch, n, inverse, re, im, floats(out_re), floats(out_im));
  if (!t.judges()) return;
  std::vector<std::complex<double>> root(n);
  for (size_t k = 0; k < n; ++k)
    root[k] = std::polar(1.0, (inverse ? 2 : -2) * M_PI * static_cast<double>(k) / static_cast<double>(n));
  const double scale = inverse ? 1 / static_cast<double>(n) : 1;
  for (size_t b = 0; b < batch; ++b) {
    double size = 0;
    for (size_t j = 0; j < n; ++j) size += std::norm(std::complex<double>(re[b * n + j], im[b * n + j]));
    // The error grows with the root of the sum of squares; each pass rounds a few times.
    const double allowed = 4 * kUlp * (2 + log2(static_cast<double>(n))) * sqrt(size) * scale;
    for (size_t k = 0; k < n; ++k) {
      std::complex<double> sum = 0;
      for (size_t j = 0; j < n; ++j) sum += std::complex<double>(re[b * n + j], im[b * n + j]) * root[j * k % n];
      out_re.near(b * n + k, sum.real() * scale, allowed);
      out_im.near(b * n + k, sum.imag() * scale, allowed);
    }
  }
}

}  // namespace

const Cases axis_cases = {
    {"prod", prod_case},
    {"reduce_ints", reduce_ints},
    {"reduce_bools", reduce_bools},
    {"arg_floats", arg_floats},
    {"arg_ints", arg_ints},
    {"scan_floats", scan_floats},
    {"scan_ints", scan_ints},
    {"local_response", local_response},
    {"local_response_grad", local_response_grad},
    {"fft", fft},
};

}  // namespace vit_test
