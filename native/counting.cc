#include "counting.h"

#include <string.h>

#include <algorithm>
#include <atomic>

#include "bytes.h"
#include "sizes.h"
#include "tasks.h"

namespace vit {
namespace {

constexpr size_t kLeastRun = 65536, kMostRuns = 16;  // of a list that is counted
constexpr size_t kColumns = 256;                     // of a segment, for one task

// Counts are integers whatever they are stored as; sums of weights are of their kind.
template <typename T, typename Out>
bool count_runs(size_t n, size_t size, const int32_t* x, const T* weights, Out* out) {
  // Tables of all runs together are no longer than the list.
  const size_t most = size == 0 ? kMostRuns : n / size;
  const size_t runs = std::max<size_t>(1, std::min({n / kLeastRun, kMostRuns, most}));
  T* tables = reinterpret_cast<T*>(outer_scratch(runs * size + 1));
  std::atomic<bool> good{true};
  parallel(runs, [&](size_t run, size_t) {
    const size_t begin = n * run / runs, end = n * (run + 1) / runs;
    T* table = tables + run * size;
    clear_bytes(table, size * sizeof(T));
    int32_t least = 0;
    for (size_t i = begin; i < end; ++i) {
      const int32_t value = x[i];
      least = std::min(value, least);
      const size_t place = static_cast<size_t>(value);
      if (place < size) table[place] = add_wrapped(table[place], weights == nullptr ? T{1} : weights[i]);
    }
    if (least < 0) good.store(false, std::memory_order_relaxed);
  });
  if (!good.load()) return false;
  ranges(size, runs, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      T sum = tables[i];
      for (size_t run = 1; run < runs; ++run) sum = add_wrapped(sum, tables[run * size + i]);
      out[i] = static_cast<Out>(sum);
    }
  });
  return true;
}

// Searches side by side, so that the memory of one is waited for while others go on.
constexpr size_t kAbreast = 8;
template <bool right, typename T>
void search_rows(const Search& s, const T* sorted, const T* values, int32_t* places) {
  size_t halvings = 1;
  for (size_t left = s.length; left > 1; left /= 2) halvings += 1;
  ranges(s.rows * s.count, 2 * halvings, [&](size_t begin, size_t end) {
    while (begin < end) {
      const size_t row = begin / s.count;
      const size_t n = std::min({end - begin, (row + 1) * s.count - begin, kAbreast});
      const T* in = sorted + row * s.length;
      uint32_t low[kAbreast], high[kAbreast];
      T value[kAbreast];
      for (size_t i = 0; i < kAbreast; ++i) {
        low[i] = 0;
        high[i] = static_cast<uint32_t>(i < n ? s.length : 0);
        value[i] = values[begin + (i < n ? i : 0)];
      }
      for (size_t step = 0; step < halvings && s.length > 0; ++step)
        for (size_t i = 0; i < kAbreast; ++i) {
          // By masks, since what a comparison gives is as good as random for a branch.
          const uint32_t middle = (low[i] + high[i]) / 2;
          const uint32_t open = 0u - static_cast<uint32_t>(low[i] < high[i]);
          const T found = in[middle & open];
          const uint32_t below = 0u - static_cast<uint32_t>(right ? found <= value[i] : found < value[i]);
          low[i] += (middle + 1 - low[i]) & open & below;
          high[i] -= (high[i] - middle) & open & ~below;
        }
      for (size_t i = 0; i < n; ++i) places[begin + i] = static_cast<int32_t>(high[i]);
      begin += n;
    }
  });
}

template <typename T>
void search_side(const Search& s, const T* sorted, const T* values, int32_t* places) {
  if (s.rows == 0 || s.count == 0) return;
  if (s.right) search_rows<true>(s, sorted, values, places);
  else search_rows<false>(s, sorted, values, places);
}

float mean_of(float sum, size_t n) { return sum / static_cast<float>(n); }
int32_t mean_of(int32_t sum, size_t n) { return static_cast<int32_t>(sum / static_cast<int64_t>(n)); }

// Whether all are below the limit, and not below the one before (`ascending`). The integers are copied when they are
// checked: out may overlap it.
bool copy_checked(size_t n, const int32_t* from, size_t limit, bool ascending, int32_t* copy) {
  move_bytes(copy, from, n * sizeof *from);
  std::atomic<bool> good{true};
  ranges(n, 1, [&](size_t begin, size_t end) {
    bool fine = true;
    for (size_t i = begin; i < end; ++i) {
      fine &= copy[i] >= 0 && static_cast<size_t>(copy[i]) < limit;
      if (ascending && i > 0) fine &= copy[i] >= copy[i - 1];
    }
    if (!fine) good.store(false, std::memory_order_relaxed);
  });
  return good.load();
}

template <typename T>
bool segments_of(const Segments& s, const int32_t* given, const int32_t* given_ids, const T* x, T* out) {
  int32_t* indices = reinterpret_cast<int32_t*>(outer_scratch(2 * s.count + 1));
  int32_t* ids = indices + s.count;
  if (!copy_checked(s.count, given, s.rows, false, indices) || !copy_checked(s.count, given_ids, s.segments, true, ids))
    return false;
  if (s.cols == 0 || s.segments == 0) return true;
  const size_t blocks = ceil_div(s.cols, kColumns);
  const size_t wide = std::min(s.cols, kColumns);
  const size_t each = (s.count / s.segments + 1) * wide;
  const size_t lines = items_for(kTask, each);
  parallel(ceil_div(s.segments, lines) * blocks, [&](size_t task, size_t) {
    const size_t first = task / blocks * lines, last = std::min(first + lines, s.segments);
    const size_t column = task % blocks * kColumns, cols = std::min(kColumns, s.cols - column);
    const int32_t* id = std::lower_bound(ids, ids + s.count, static_cast<int64_t>(first));
    for (size_t segment = first; segment < last; ++segment) {
      T* to = out + segment * s.cols + column;
      std::fill_n(to, cols, T{0});
      size_t n = 0;
      for (; id < ids + s.count && static_cast<size_t>(*id) == segment; ++id, ++n) {
        const T* from = x + static_cast<size_t>(indices[id - ids]) * s.cols + column;
        for (size_t j = 0; j < cols; ++j) to[j] = add_wrapped(to[j], from[j]);
      }
      for (size_t j = 0; s.mean && n > 0 && j < cols; ++j) to[j] = mean_of(to[j], n);
    }
  });
  return true;
}

}  // namespace

bool count_list(Kind kind, size_t n, size_t size, const int32_t* x, const void* weights, void* out) {
  if (kind == Kind::kInt32)
    return count_runs(n, size, x, static_cast<const int32_t*>(weights), static_cast<int32_t*>(out));
  if (weights == nullptr) return count_runs(n, size, x, static_cast<const int32_t*>(nullptr), static_cast<float*>(out));
  return count_runs(n, size, x, static_cast<const float*>(weights), static_cast<float*>(out));
}

void search_sorted(const Search& s, const float* sorted, const float* values, int32_t* places) {
  search_side(s, sorted, values, places);
}
void search_sorted(const Search& s, const int32_t* sorted, const int32_t* values, int32_t* places) {
  search_side(s, sorted, values, places);
}

bool reduce_segments(const Segments& s, const int32_t* indices, const int32_t* ids, const float* x, float* out) {
  return segments_of(s, indices, ids, x, out);
}
bool reduce_segments(const Segments& s, const int32_t* indices, const int32_t* ids, const int32_t* x, int32_t* out) {
  return segments_of(s, indices, ids, x, out);
}

int64_t count_rows(size_t count, size_t rank, size_t rows, const int32_t* indices, int32_t* next, uint8_t* empty) {
  clear_bytes(next, rows * sizeof *next);
  for (size_t i = 0; i < count; ++i) {
    const int32_t row = indices[i * rank];
    if (row < 0 || static_cast<size_t>(row) >= rows) return -1;
    next[row] += 1;
  }
  size_t total = 0;
  for (size_t row = 0; row < rows; ++row) {
    const size_t here = static_cast<size_t>(next[row]);
    empty[row] = here == 0;
    next[row] = static_cast<int32_t>(total);
    total += here == 0 ? 1 : here;
  }
  return static_cast<int64_t>(total);
}

bool fill_rows(const Filling& f, size_t bytes, const void* values, const void* rest, void* filled) {
  const char* from = static_cast<const char*>(values);
  char* to = static_cast<char*>(filled);
  const auto inside = [&](int32_t place) { return place >= 0 && static_cast<size_t>(place) < f.total; };
  for (size_t row = 0; row < f.rows; ++row) {
    if (f.empty[row] == 0) continue;
    const int32_t place = f.next[row];
    if (!inside(place)) return false;
    int32_t* tuple = f.places + static_cast<size_t>(place) * f.rank;
    clear_bytes(tuple, f.rank * sizeof *tuple);
    tuple[0] = static_cast<int32_t>(row);
    memcpy(to + static_cast<size_t>(place) * bytes, rest, bytes);
  }
  for (size_t i = 0; i < f.count; ++i) {
    const int32_t* tuple = f.indices + i * f.rank;
    const int32_t row = tuple[0];
    if (row < 0 || static_cast<size_t>(row) >= f.rows) return false;
    const int32_t place = f.next[row];
    if (!inside(place)) return false;
    f.next[row] = place + 1;
    move_bytes(f.places + static_cast<size_t>(place) * f.rank, tuple, f.rank * sizeof *tuple);
    move_bytes(to + static_cast<size_t>(place) * bytes, from + i * bytes, bytes);
    f.reverse[i] = place;
  }
  return true;
}

bool reshape_indices(size_t count, const Shape& from, const Shape& to, const int32_t* indices, int32_t* out) {
  std::atomic<bool> good{true};
  ranges(count, from.rank, [&](size_t begin, size_t end) {
    bool fine = true;
    for (size_t d = 0; d < from.rank; ++d)
      for (size_t i = begin; i < end; ++i) {
        const int32_t index = indices[i * from.rank + d];
        fine &= index >= 0 && static_cast<size_t>(index) < from.of[d];
      }
    if (!fine) good.store(false, std::memory_order_relaxed);
  });
  if (!good.load()) return false;
  ranges(count, from.rank + 4 * to.rank, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      uint64_t place = 0;
      for (size_t d = 0; d < from.rank; ++d)
        place = place * from.of[d] + static_cast<uint64_t>(static_cast<uint32_t>(indices[i * from.rank + d]));
      for (size_t d = to.rank; d-- > 0;) {
        const uint64_t above = place / to.of[d];
        out[i * to.rank + d] = static_cast<int32_t>(static_cast<uint32_t>(place - above * to.of[d]));
        place = above;
      }
    }
  });
  return true;
}

}  // namespace vit
