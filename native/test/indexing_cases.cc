// Kernels of indexing.h, against loops over each element.

#include <algorithm>
#include <numeric>

#include "../indexing.h"
#include "cases.h"
#include "integers.h"

namespace vit_test {
namespace {

using namespace vit;

// Mostly inside; where the case is to refuse, one of them is not.
std::vector<int32_t> places(Case& t, size_t n, size_t limit, bool wrong) {
  std::vector<int32_t> all(n);
  for (int32_t& place : all) place = static_cast<int32_t>(t.rng.below(limit));
  if (wrong && n > 0) all[t.rng.below(n)] = t.coin() ? -1 : static_cast<int32_t>(limit);
  return all;
}

// A refusal must leave the output as it was.
template <typename T>
void untouched(Case& t, const std::vector<T>& out, T before) {
  Output& shown = t.output("what is left alone", 1, Output::kByte);
  *bytes(shown) = std::all_of(out.begin(), out.end(), [&](T value) { return value == before; });
  shown.exactly(0, 1);
}

template <typename T>
void gather_of(Case& t) {
  const size_t slices[] = {1, 1, 2, 7, 64, 300};
  Gather g = {sizeof(T), t.upto(3), t.upto(20), t.upto(60), slices[t.rng.below(6)], t.upto(90)};
  const bool wrong = t.rng.below(6) == 0;
  t.says("slice", static_cast<double>(g.slice)), t.says("wrong", wrong);
  const size_t lines = g.batch * g.outer;
  const std::vector<int32_t> values = integers(t, lines * g.dim * g.slice, 100);
  const std::vector<T> x(values.begin(), values.end());
  const std::vector<int32_t> indices = places(t, g.batch * g.count, g.dim, wrong);
  std::vector<T> out(lines * g.count * g.slice, T{9});
  const bool done = gather(g, x.data(), indices.data(), out.data());
  if (done == wrong) t.output("done", 1).fails("done, or not, against what the indices are");
  if (wrong) return untouched(t, out, T{9});
  Output& shown = show(t, "out", std::vector<int32_t>(out.begin(), out.end()));
  for (size_t i = 0; t.judges() && i < out.size(); ++i) {
    const size_t line = i / g.slice / g.count,
                 from = static_cast<size_t>(indices[line / g.outer * g.count + i / g.slice % g.count]);
    shown.exactly(i, x[(line * g.dim + from) * g.slice + i % g.slice]);
  }
}
void gather_case(Case& t) { t.coin() ? gather_of<int32_t>(t) : gather_of<uint8_t>(t); }

struct Points {
  size_t sizes[2];
  std::vector<int32_t> indices;
  Tuples tuples;
};
void some_points(Case& t, bool wrong, Points* p) {
  const size_t slices[] = {1, 1, 3, 64, 130, 700};
  const size_t rank = 1 + t.rng.below(2), slice = slices[t.rng.below(6)];
  const size_t count = t.coin() ? 1 + 30000 / slice + t.rng.below(1 + 30000 / slice) : t.upto(50);
  p->sizes[0] = t.upto(40), p->sizes[1] = t.upto(9);
  size_t rows = 1;
  for (size_t d = 0; d < rank; ++d) rows *= p->sizes[d];
  for (size_t i = 0; i < count * rank; ++i) p->indices.push_back(static_cast<int32_t>(t.rng.below(p->sizes[i % rank])));
  if (wrong) p->indices[t.rng.below(count) * rank] = t.coin() ? -1 : INT32_MAX;
  p->tuples = {count, rank, rows, slice, p->sizes, p->indices.data()};
  t.says("count", static_cast<double>(count)), t.says("rank", static_cast<double>(rank)),
      t.says("slice", static_cast<double>(slice));
}
// The row of a tuple, or -1.
int64_t row_of(const Points& p, size_t i) {
  int64_t row = 0;
  for (size_t d = 0; d < p.tuples.rank; ++d)
    row = row * static_cast<int64_t>(p.sizes[d]) + p.indices[i * p.tuples.rank + d];
  return row < 0 || row >= static_cast<int64_t>(p.tuples.rows) ? -1 : row;
}

void gather_nd_case(Case& t) {
  Points p;
  const bool wrong = t.rng.below(6) == 0;
  some_points(t, wrong, &p);
  const size_t slice = p.tuples.slice;
  const std::vector<int32_t> x = integers(t, p.tuples.rows * slice);
  std::vector<int32_t> out(p.tuples.count * slice, 9);
  const bool done = gather_nd(p.tuples, 4, x.data(), out.data());
  if (done == wrong) t.output("done", 1).fails("done, or not, against what the indices are");
  if (wrong) return untouched(t, out, 9);
  Output& shown = show(t, "out", out);
  for (size_t i = 0; t.judges() && i < out.size(); ++i)
    shown.exactly(i, x[static_cast<size_t>(row_of(p, i / slice)) * slice + i % slice]);
}

// Sums in float32 in the order of the indices are exact here.
void scatter_case(Case& t) {
  Points p;
  const bool outside = t.rng.below(4) == 0;
  some_points(t, outside, &p);
  const Scatter s = {t.coin(), outside && t.coin(), t.coin(), t.coin()};
  t.says("sum", s.sum), t.says("skip", s.skip), t.says("repeat", s.repeat), t.says("clear", s.clear);
  const size_t slice = p.tuples.slice;
  const float* values = t.input(s.repeat ? 1 : p.tuples.count * slice, s.sum ? kNormal : kSpecial);
  std::vector<float> wanted(p.tuples.rows * slice, 9.0f);
  Output& out = t.output("out", wanted.size());
  std::fill_n(floats(out), wanted.size(), 9.0f);
  const bool wrong = outside && !s.skip;
  if (scatter(p.tuples, s, vit::Kind::kFloat32, values, floats(out)) == wrong)
    out.fails("done, or not, against what the indices are");
  if (!t.judges()) return;
  if (s.clear && !wrong) std::fill(wanted.begin(), wanted.end(), 0.0f);
  for (size_t i = 0; !wrong && i < p.tuples.count; ++i) {
    const int64_t row = row_of(p, i);
    for (size_t j = 0; row >= 0 && j < slice; ++j) {
      const float value = values[s.repeat ? 0 : i * slice + j];
      float& target = wanted[static_cast<size_t>(row) * slice + j];
      target = s.sum ? target + value : value;
    }
  }
  for (size_t i = 0; i < wanted.size(); ++i) out.exactly(i, static_cast<double>(wanted[i]));
}

void one_hot_case(Case& t) {
  const size_t n = t.upto(200), depth = t.upto(300);
  const std::vector<int32_t> indices = integers(t, n, depth + 3);
  std::vector<int32_t> out(n * depth, 7);
  one_hot(4, n, depth, indices.data(), 5, static_cast<uint32_t>(-2), out.data());
  Output& shown = show(t, "out", out);
  for (size_t i = 0; t.judges() && i < out.size(); ++i)
    shown.exactly(i, indices[i / depth] == static_cast<int32_t>(i % depth) ? 5 : -2);
}

void bincount_case(Case& t) {
  const Bincount b = {t.upto(40), t.upto(900), t.upto(50), t.coin()};
  const bool weighted = t.coin(), wrong = t.rng.below(6) == 0;
  std::vector<int32_t> x(b.rows * b.cols);
  for (int32_t& value : x) value = static_cast<int32_t>(t.rng.below(b.size + 5));
  if (wrong) x[t.rng.below(x.size())] = -1;
  const std::vector<int32_t> weights = integers(t, x.size());
  std::vector<int32_t> out(b.rows * b.size, 9);
  const bool done = bincount(b, vit::Kind::kInt32, x.data(), weighted ? weights.data() : nullptr, out.data());
  if (done == wrong) t.output("done", 1).fails("done, or not, against what the numbers are");
  if (wrong) return untouched(t, out, 9);
  std::vector<uint32_t> wanted(out.size(), 0);
  for (size_t i = 0; i < x.size(); ++i) {
    if (static_cast<size_t>(x[i]) >= b.size) continue;
    uint32_t& target = wanted[i / b.cols * b.size + static_cast<size_t>(x[i])];
    target = b.binary ? 1 : target + (weighted ? static_cast<uint32_t>(weights[i]) : 1);
  }
  Output& shown = show(t, "out", out);
  for (size_t i = 0; t.judges() && i < out.size(); ++i) shown.exactly(i, static_cast<int32_t>(wanted[i]));
}

template <typename T>
void top_k_of(Case& t, const std::vector<T>& x, size_t rows, size_t cols, bool wrong) {
  const size_t k = t.coin() ? t.rng.below(cols + 1) : t.rng.below(cols / 16 + 1);
  t.says("rows", static_cast<double>(rows)), t.says("cols", static_cast<double>(cols)),
      t.says("k", static_cast<double>(k));
  std::vector<T> values(rows * k);
  std::vector<int32_t> found(rows * k);
  const bool done = top_k(rows, cols, k, x.data(), values.data(), found.data());
  if (done == (wrong && k > 0)) t.output("done", 1).fails("done, or not, against whether there is a NaN");
  if (!done) return;
  Output& shown = show(t, "places", found);
  Output& best = t.output("values", rows * k, Output::kDouble);
  for (size_t i = 0; i < rows * k; ++i) static_cast<double*>(best.memory().data())[i] = static_cast<double>(values[i]);
  std::vector<size_t> order(cols);
  for (size_t row = 0; t.judges() && row < rows; ++row) {
    const T* in = x.data() + row * cols;
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return in[a] > in[b]; });
    for (size_t i = 0; i < k; ++i) {
      shown.exactly(row * k + i, static_cast<double>(order[i]));
      best.exactly(row * k + i, static_cast<double>(in[order[i]]));
    }
  }
}
// Few different numbers, so that there are ties.
void top_k_case(Case& t) {
  const size_t rows = t.upto(60), cols = t.upto(700);
  const bool coarse = t.coin(), wrong = t.rng.below(6) == 0;
  if (t.coin()) return top_k_of(t, integers(t, rows * cols, coarse ? 4 : 0), rows, cols, false);
  std::vector<float> x(rows * cols);
  const float odd[] = {INFINITY, -INFINITY, 0.0f, -0.0f, -1e-40f};
  for (float& value : x) {
    value = coarse ? roundf(t.rng.normal()) : t.rng.normal();
    if (t.rng.below(30) == 0) value = odd[t.rng.below(5)];
  }
  if (wrong) x[t.rng.below(x.size())] = NAN;
  top_k_of(t, x, rows, cols, wrong);
}

void draw_case(Case& t) {
  const size_t rows = t.upto(60), cols = t.upto(700), samples = t.upto(9);
  std::vector<float> shares(rows * cols);
  for (float& share : shares) share = static_cast<float>(t.rng.uniform() * 2 / static_cast<double>(cols));
  const float* probabilities = t.given(shares);
  std::vector<double> random(samples);
  for (double& number : random) number = t.rng.uniform();
  std::vector<int32_t> events(rows * samples, -1);
  draw(rows, cols, samples, probabilities, random.data(), events.data());
  Output& shown = show(t, "events", events);
  for (size_t i = 0; t.judges() && i < events.size(); ++i) {
    const float* row = probabilities + i / samples * cols;
    size_t event = 0;
    float sum = row[0];
    while (event + 1 < cols && !(random[i % samples] < static_cast<double>(sum))) sum += row[++event];
    shown.exactly(i, static_cast<double>(event));
  }
}

void ramp_case(Case& t) {
  const size_t n = t.upto(60000);
  const double start = static_cast<double>(t.rng.below(2000)) - 1000,
               step = static_cast<double>(t.rng.below(200)) - 100;
  std::vector<int32_t> whole(n, 7);
  ramp(n, start, step, whole.data());
  Output &out = t.output("out", n), &shown = show(t, "whole", whole);
  ramp(n, start / 7, step / 7, floats(out));
  for (size_t i = 0; t.judges() && i < n; ++i) {
    shown.exactly(i, start + static_cast<double>(i) * step);
    const double wanted = (start + static_cast<double>(i) * step) / 7;
    out.near(i, wanted, kUlp * (fabs(wanted) + 1e-6));
  }
}

}  // namespace

// None of them is in the table: hence their names.
const Cases indexing_cases = {
    {"indexing/gather", gather_case},   {"indexing/gather_nd", gather_nd_case}, {"indexing/scatter", scatter_case},
    {"indexing/one_hot", one_hot_case}, {"indexing/bincount", bincount_case},   {"indexing/top_k", top_k_case},
    {"indexing/draw", draw_case},       {"indexing/ramp", ramp_case},
};

}  // namespace vit_test
