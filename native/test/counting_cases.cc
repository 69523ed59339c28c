// Kernels of counting.h, against loops over each element.

#include "../counting.h"

#include <algorithm>

#include "cases.h"
#include "integers.h"

namespace vit_test {
namespace {

using namespace vit;

std::vector<int32_t> below(Case& t, size_t n, size_t limit) {
  std::vector<int32_t> all(n);
  for (int32_t& value : all) value = static_cast<int32_t>(t.rng.below(limit));
  return all;
}

void refused(Case& t, bool done, bool wrong, const std::vector<int32_t>& out) {
  Output& shown = t.output("done, or left alone", 1, Output::kByte);
  *bytes(shown) =
      done != wrong && (done || std::all_of(out.begin(), out.end(), [](int32_t value) { return value == 9; }));
  shown.exactly(0, 1);
}

void count_list_case(Case& t) {
  const size_t n = t.rng.below(4) == 0 ? 140000 + t.rng.below(90000) : t.upto(5000) - 1,
               size = t.upto(t.coin() ? 40 : 40000);
  const bool weighted = t.coin(), wrong = n > 0 && t.rng.below(6) == 0;
  t.says("n", static_cast<double>(n)), t.says("size", static_cast<double>(size)), t.says("weighted", weighted);
  std::vector<int32_t> x = below(t, n, size + 5);
  if (wrong) x[t.rng.below(n)] = -1 - static_cast<int32_t>(t.rng.below(9));
  const std::vector<int32_t> weights = integers(t, n);
  std::vector<int32_t> out(size, 9);
  const bool done = count_list(vit::Kind::kInt32, n, size, x.data(), weighted ? weights.data() : nullptr, out.data());
  refused(t, done, wrong, out);
  Output& shown = show(t, "out", out);
  std::vector<float> shares(n);
  for (float& share : shares) share = t.rng.normal();
  Output &sums = t.output("sums", size), &counts = t.output("counts", size);
  std::fill_n(floats(sums), size, 9.0f), std::fill_n(floats(counts), size, 9.0f);
  if (count_list(vit::Kind::kFloat32, n, size, x.data(), shares.data(), floats(sums)) == wrong)
    sums.fails("done, or not");
  if (count_list(vit::Kind::kFloat32, n, size, x.data(), nullptr, floats(counts)) == wrong)
    counts.fails("done, or not");
  if (!t.judges()) return;
  std::vector<uint32_t> wanted(size, 0), number(size, 0);
  std::vector<double> sum(size, 0), sizes(size, 0);
  for (size_t i = 0; i < n; ++i) {
    const size_t at = static_cast<size_t>(x[i]);
    if (at >= size) continue;
    wanted[at] += weighted ? static_cast<uint32_t>(weights[i]) : 1;
    number[at] += 1;
    sum[at] += static_cast<double>(shares[i]), sizes[at] += fabs(static_cast<double>(shares[i]));
  }
  for (size_t i = 0; i < size; ++i) {
    shown.exactly(i, wrong ? 9 : static_cast<int32_t>(wanted[i]));
    counts.exactly(i, wrong ? 9 : number[i]);
    if (wrong) sums.exactly(i, 9);
    else sums.near(i, sum[i], kUlp * sizes[i] * (2 + sqrt(number[i])));
  }
}

template <typename T>
void search_of(Case& t, std::vector<T> sorted, const std::vector<T>& values, const Search& s) {
  for (size_t row = 0; row < s.rows && t.rng.below(5) > 0; ++row)
    std::sort(sorted.begin() + static_cast<ptrdiff_t>(row * s.length),
              sorted.begin() + static_cast<ptrdiff_t>((row + 1) * s.length));
  std::vector<int32_t> places(s.rows * s.count, -1);
  search_sorted(s, sorted.data(), values.data(), places.data());
  Output& shown = show(t, "places", places);
  for (size_t i = 0; t.judges() && i < places.size(); ++i) {
    const T* in = sorted.data() + i / s.count * s.length;
    size_t low = 0, high = s.length;
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (s.right ? in[middle] <= values[i] : in[middle] < values[i]) low = middle + 1;
      else high = middle;
    }
    shown.exactly(i, static_cast<double>(high));
  }
}
void search_sorted_case(Case& t) {
  const Search s = {t.upto(9), t.upto(700) - 1, t.upto(900), t.coin()};
  t.says("length", static_cast<double>(s.length)), t.says("count", static_cast<double>(s.count)),
      t.says("right", s.right);
  const size_t limit = t.coin() ? 30 : 0;
  if (t.coin()) return search_of(t, integers(t, s.rows * s.length, limit), integers(t, s.rows * s.count, limit), s);
  const float* sorted = t.input(s.rows * s.length);
  const float* values = t.input(s.rows * s.count, kSpecial);
  search_of(t, std::vector<float>(sorted, sorted + s.rows * s.length),
            std::vector<float>(values, values + s.rows * s.count), s);
}

// Sums in float32 in the order of the indices are exact here.
void reduce_segments_case(Case& t) {
  const size_t widths[] = {1, 3, 64, 256, 300, 700};
  Segments s = {t.upto(50), widths[t.rng.below(6)], t.upto(600) - 1, t.upto(90), t.coin()};
  const bool wrong = s.count > 0 && t.rng.below(5) == 0;
  t.says("cols", static_cast<double>(s.cols)), t.says("count", static_cast<double>(s.count)), t.says("mean", s.mean);
  t.says("segments", static_cast<double>(s.segments)), t.says("wrong", wrong);
  std::vector<int32_t> indices = below(t, s.count, s.rows), ids = below(t, s.count, s.segments);
  std::sort(ids.begin(), ids.end());
  const size_t at = s.count > 0 ? t.rng.below(s.count) : 0;
  switch (wrong ? t.rng.below(4) : 4) {
    case 0: indices[at] = -1; break;
    case 1: indices[at] = static_cast<int32_t>(s.rows); break;
    case 2: ids[0] = -1; break;
    case 3: ids[s.count - 1] = static_cast<int32_t>(s.segments); break;
    default: break;
  }
  const std::vector<int32_t> x = integers(t, s.rows * s.cols);
  std::vector<int32_t> out(s.segments * s.cols, 9);
  refused(t, reduce_segments(s, indices.data(), ids.data(), x.data(), out.data()), wrong, out);
  Output& shown = show(t, "integers", out);
  const float* real = t.input(s.rows * s.cols, kSpecial);
  Output& sums = t.output("floats", out.size());
  std::fill_n(floats(sums), out.size(), 9.0f);
  if (reduce_segments(s, indices.data(), ids.data(), real, floats(sums)) == wrong) sums.fails("done, or not");
  for (size_t i = 0; t.judges() && i < out.size(); ++i) {
    uint32_t whole = 0;
    float sum = 0;
    int64_t n = 0;
    for (size_t j = 0; j < s.count; ++j) {
      if (static_cast<size_t>(ids[j]) != i / s.cols || wrong) continue;
      const size_t from = static_cast<size_t>(indices[j]) * s.cols + i % s.cols;
      whole += static_cast<uint32_t>(x[from]), sum += real[from], n += 1;
    }
    const int64_t total = static_cast<int32_t>(whole);
    shown.exactly(i, wrong ? 9 : static_cast<double>(s.mean && n > 0 ? total / n : total));
    sums.exactly(i, wrong ? 9 : static_cast<double>(s.mean && n > 0 ? sum / static_cast<float>(n) : sum));
  }
}

void reshape_indices_case(Case& t) {
  const size_t a = t.upto(30), b = t.upto(30), c = t.upto(30), count = t.upto(9000) - 1;
  const Shape three = {3, {a, b, c}}, two = {2, {a * b, c}}, one = {1, {a * b * c}};
  const Shape* const shapes[] = {&three, &two, &one};
  const Shape &from = *shapes[t.rng.below(3)], &to = *shapes[t.rng.below(3)];
  const bool wrong = count > 0 && t.rng.below(5) == 0;
  t.says("count", static_cast<double>(count)), t.says("wrong", wrong);
  std::vector<int32_t> indices(count * from.rank);
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<int32_t>(t.rng.below(from.of[i % from.rank]));
  if (wrong) indices[t.rng.below(count) * from.rank] = t.coin() ? -1 : static_cast<int32_t>(from.of[0]);
  std::vector<int32_t> out(count * to.rank, 9);
  refused(t, reshape_indices(count, from, to, indices.data(), out.data()), wrong, out);
  Output& shown = show(t, "out", out);
  for (size_t i = 0; t.judges() && i < out.size(); ++i) {
    size_t place = 0, below_it = 1;
    for (size_t d = 0; d < from.rank; ++d)
      place = place * from.of[d] + static_cast<size_t>(indices[i / to.rank * from.rank + d]);
    for (size_t d = i % to.rank + 1; d < to.rank; ++d) below_it *= to.of[d];
    shown.exactly(i, wrong ? 9 : static_cast<double>(place / below_it % to.of[i % to.rank]));
  }
}

void fill_rows_case(Case& t) {
  const size_t rank = t.upto(3), rows = t.upto(60), count = t.upto(200) - 1;
  const bool wrong = count > 0 && t.rng.below(5) == 0;
  t.says("rank", static_cast<double>(rank)), t.says("rows", static_cast<double>(rows)),
      t.says("count", static_cast<double>(count));
  std::vector<int32_t> indices = below(t, count * rank, rows);
  if (wrong) indices[t.rng.below(count) * rank] = t.coin() ? -1 : static_cast<int32_t>(rows);
  const std::vector<int32_t> values = integers(t, count);
  std::vector<int32_t> next(rows, 9), reverse(count, 9);
  std::vector<uint8_t> empty(rows, 9);
  const int64_t total = count_rows(count, rank, rows, indices.data(), next.data(), empty.data());
  if ((total < 0) != wrong) t.output("done", 1).fails("done, or not, against what the rows are");
  if (total < 0) return;
  std::vector<int32_t> places(static_cast<size_t>(total) * rank, 9), filled(static_cast<size_t>(total), 9);
  const int32_t rest = 5;
  const Filling f = {count,          rank,         rows,        static_cast<size_t>(total),
                     indices.data(), empty.data(), next.data(), places.data(),
                     reverse.data()};
  if (!fill_rows(f, 4, values.data(), &rest, filled.data())) t.output("filled", 1).fails("not done");
  Output &all = show(t, "places", places), &with = show(t, "values", filled), &back = show(t, "reverse", reverse);
  size_t at = 0;
  for (size_t row = 0; t.judges() && row < rows; ++row) {
    const size_t first = at;
    for (size_t i = 0; i < count; ++i) {
      if (static_cast<size_t>(indices[i * rank]) != row) continue;
      for (size_t d = 0; d < rank; ++d) all.exactly(at * rank + d, indices[i * rank + d]);
      back.exactly(i, static_cast<double>(at));
      with.exactly(at++, values[i]);
    }
    if (at > first) continue;
    for (size_t d = 0; d < rank; ++d) all.exactly(at * rank + d, d == 0 ? static_cast<double>(row) : 0);
    with.exactly(at++, rest);
  }
  // One place too few, and an element has none.
  Filling short_of = f;
  short_of.total -= 1;
  std::fill(next.begin(), next.end(), static_cast<int32_t>(short_of.total));
  if (fill_rows(short_of, 4, values.data(), &rest, filled.data())) t.output("short", 1).fails("done, beyond the end");
}

template <typename T>
void expect_unique(Case& t, const Slices& s, Kind kind, const std::vector<T>& x) {
  std::vector<int32_t> firsts(s.n, -1), places(s.n, -1);
  const size_t count = unique_slices(s, kind, x.data(), firsts.data(), places.data());
  Output &where = show(t, "firsts", firsts), &which = show(t, "places", places);
  if (!t.judges()) return;
  const auto equal = [&](size_t a, size_t b) {
    for (size_t o = 0; o < s.outer; ++o)
      for (size_t j = 0; j < s.inner; ++j) {
        const T left = x[(o * s.n + a) * s.inner + j], right = x[(o * s.n + b) * s.inner + j];
        if (left != right && !(left != left && right != right)) return false;
      }
    return true;
  };
  std::vector<size_t> known;
  for (size_t i = 0; i < s.n; ++i) {
    size_t k = 0;
    while (k < known.size() && !equal(known[k], i)) k += 1;
    if (k == known.size()) known.push_back(i);
    which.exactly(i, static_cast<double>(k));
  }
  for (size_t k = 0; k < s.n; ++k) where.exactly(k, k < known.size() ? static_cast<double>(known[k]) : -1);
  if (count != known.size()) which.fails("another number of them");
}

void unique_slices_case(Case& t) {
  const Slices s = {t.upto(3), t.upto(400), t.upto(3)};
  t.says("outer", static_cast<double>(s.outer)), t.says("n", static_cast<double>(s.n)),
      t.says("inner", static_cast<double>(s.inner));
  const size_t n = s.outer * s.n * s.inner;
  expect_unique(t, s, vit::Kind::kInt32, below(t, n, t.coin() ? 3 : 100000));
  const float odd[] = {0.0f, -0.0f, NAN, -NAN, INFINITY, 1.0f};
  std::vector<float> x(n);
  for (float& value : x) value = odd[t.rng.below(6)];
  expect_unique(t, s, vit::Kind::kFloat32, x);
}

}  // namespace

// None of them is in the table: hence their names.
const Cases counting_cases = {
    {"counting/count_list", count_list_case},       {"counting/unique_slices", unique_slices_case},
    {"counting/search_sorted", search_sorted_case}, {"counting/reduce_segments", reduce_segments_case},
    {"counting/fill_rows", fill_rows_case},         {"counting/reshape_indices", reshape_indices_case},
};

}  // namespace vit_test
