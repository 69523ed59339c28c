#include "indexing.h"

#include <string.h>

#include <algorithm>
#include <atomic>

#include "bytes.h"
#include "sizes.h"
#include "tasks.h"

namespace vit {
namespace {

constexpr size_t kMostScans = 16;  // how often the tuples of a scatter are looked through

// Whether all are below the limit. Indices are copied when they are checked, since they may change where out
// overlaps them.
bool copy_within(size_t n, const int32_t* indices, size_t limit, int32_t* copy) {
  std::atomic<bool> good{true};
  ranges(n, 1, [&](size_t begin, size_t end) {
    bool fine = true;
    for (size_t i = begin; i < end; ++i) {
      const int32_t index = indices[i];
      copy[i] = index;
      fine &= index >= 0 && static_cast<size_t>(index) < limit;
    }
    if (!fine) good.store(false, std::memory_order_relaxed);
  });
  return good.load();
}

template <typename T>
void gather_lines(const Gather& g, const T* x, const int32_t* indices, T* out) {
  // A line is what one list of indices gives.
  ranges(g.batch * g.outer * g.count, g.slice, [&](size_t begin, size_t end) {
    while (begin < end) {
      const size_t line = begin / g.count, first = begin % g.count;
      const size_t n = std::min(g.count - first, end - begin);
      const int32_t* chosen = indices + line / g.outer * g.count + first;
      const T* from = x + line * g.dim * g.slice;
      T* to = out + begin * g.slice;
      if (g.slice == 1)
        for (size_t i = 0; i < n; ++i) to[i] = from[chosen[i]];
      else
        for (size_t i = 0; i < n; ++i)
          move_bytes(to + i * g.slice, from + static_cast<size_t>(chosen[i]) * g.slice, g.slice * sizeof(T));
      begin += n;
    }
  });
}

// The row of each tuple, -1 where it is outside; returns whether none is.
bool rows_of(const Tuples& t, int64_t* rows) {
  std::atomic<bool> good{true};
  ranges(t.count, t.rank, [&](size_t begin, size_t end) {
    bool fine = true;
    for (size_t i = begin; i < end; ++i) {
      const int32_t* index = t.indices + i * t.rank;
      __int128 row = 0;
      for (size_t d = 0; d < t.rank; ++d) row = row * static_cast<__int128>(t.sizes[d]) + index[d];
      const bool inside = row >= 0 && row < static_cast<__int128>(t.rows);
      rows[i] = inside ? static_cast<int64_t>(row) : -1;
      fine &= inside;
    }
    if (!fine) good.store(false, std::memory_order_relaxed);
  });
  return good.load();
}

int64_t* row_memory(size_t count) { return reinterpret_cast<int64_t*>(outer_scratch(2 * count + 2)); }

template <typename T>
void scatter_rows(const Tuples& t, const Scatter& s, const int64_t* rows, const T* values, T* out) {
  if (s.clear)
    ranges(t.rows * t.slice, 1, [&](size_t begin, size_t end) { clear_bytes(out + begin, (end - begin) * sizeof(T)); });
  const size_t work = t.count * t.slice;
  const size_t wanted = ceil_div(work, kTask);
  const size_t most = t.slice >= 128 ? t.slice / 64 : t.rows;
  size_t tasks = std::min(wanted, kMostScans);
  tasks = std::min(tasks, most);
  const bool by_columns = t.slice >= 128;
  const size_t whole = by_columns ? t.slice : t.rows;
  parallel(tasks, [&](size_t task, size_t) {
    const size_t low = whole * task / tasks, high = whole * (task + 1) / tasks;
    const size_t from = by_columns ? low : 0, to = by_columns ? high : t.slice;
    for (size_t i = 0; i < t.count; ++i) {
      if (rows[i] < 0) continue;
      const size_t row = static_cast<size_t>(rows[i]);
      if (!by_columns && (row < low || row >= high)) continue;
      T* target = out + row * t.slice;
      const T* value = values + (s.repeat ? 0 : i * t.slice);
      if (s.repeat && s.sum)
        for (size_t j = from; j < to; ++j) target[j] = add_wrapped(target[j], *value);
      else if (s.repeat)
        for (size_t j = from; j < to; ++j) target[j] = *value;
      else if (s.sum)
        for (size_t j = from; j < to; ++j) target[j] = add_wrapped(target[j], value[j]);
      else move_bytes(target + from, value + from, (to - from) * sizeof(T));
    }
  });
}

template <typename T>
void one_hot_rows(size_t n, size_t depth, const int32_t* indices, T on, T off, T* out) {
  ranges(n, depth, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      T* row = out + i * depth;
      const int32_t index = indices[i];
      for (size_t j = 0; j < depth; ++j) row[j] = off;
      if (index >= 0 && static_cast<size_t>(index) < depth) row[index] = on;
    }
  });
}

template <typename T>
void count_rows(const Bincount& b, const int32_t* x, const T* weights, T* out) {
  ranges(b.rows, b.cols + b.size, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      T* row = out + i * b.size;
      clear_bytes(row, b.size * sizeof(T));
      for (size_t j = i * b.cols; j < (i + 1) * b.cols; ++j) {
        const int32_t value = x[j];
        const size_t place = static_cast<size_t>(value);
        if (place >= b.size) continue;
        row[place] = b.binary ? T{1} : add_wrapped(row[place], weights == nullptr ? T{1} : weights[j]);
      }
    }
  });
}

template <typename T>
void ramp_of(size_t n, double start, double step, T* out) {
  ranges(n, 1, [&](size_t begin, size_t end) {
    const double first = static_cast<double>(begin);
    const int32_t count = static_cast<int32_t>(end - begin);
    for (int32_t i = 0; i < count; ++i)
      out[begin + static_cast<size_t>(i)] = static_cast<T>(start + (first + i) * step);
  });
}

}  // namespace

bool gather(const Gather& g, const void* x, const int32_t* given, void* out) {
  int32_t* indices = reinterpret_cast<int32_t*>(outer_scratch(g.batch * g.count + 1));
  if (!copy_within(g.batch * g.count, given, g.dim, indices)) return false;
  if (g.count == 0 || g.slice == 0) return true;
  if (g.bytes == 1) gather_lines(g, static_cast<const uint8_t*>(x), indices, static_cast<uint8_t*>(out));
  else gather_lines(g, static_cast<const uint32_t*>(x), indices, static_cast<uint32_t*>(out));
  return true;
}

bool gather_nd(const Tuples& t, size_t bytes, const void* x, void* out) {
  int64_t* rows = row_memory(t.count);
  if (!rows_of(t, rows)) return false;
  const size_t length = t.slice * bytes;
  const char* from = static_cast<const char*>(x);
  char* to = static_cast<char*>(out);
  ranges(t.count, t.slice, [&](size_t begin, size_t end) {
    if (length == 4)
      for (size_t i = begin; i < end; ++i) memcpy(to + 4 * i, from + 4 * static_cast<size_t>(rows[i]), 4);
    else
      for (size_t i = begin; i < end; ++i)
        move_bytes(to + i * length, from + static_cast<size_t>(rows[i]) * length, length);
  });
  return true;
}

bool scatter(const Tuples& t, const Scatter& s, Kind kind, const void* values, void* out) {
  int64_t* rows = row_memory(t.count);
  if (!rows_of(t, rows) && !s.skip) return false;
  if (t.slice == 0 || t.rows == 0) return true;
  if (kind == Kind::kFloat32) scatter_rows(t, s, rows, static_cast<const float*>(values), static_cast<float*>(out));
  else if (kind == Kind::kInt32)
    scatter_rows(t, s, rows, static_cast<const int32_t*>(values), static_cast<int32_t*>(out));
  else scatter_rows(t, s, rows, static_cast<const uint8_t*>(values), static_cast<uint8_t*>(out));
  return true;
}

void one_hot(size_t bytes, size_t n, size_t depth, const int32_t* indices, uint32_t on, uint32_t off, void* out) {
  if (bytes == 1)
    one_hot_rows(n, depth, indices, static_cast<uint8_t>(on), static_cast<uint8_t>(off), static_cast<uint8_t*>(out));
  else one_hot_rows(n, depth, indices, on, off, static_cast<uint32_t*>(out));
}

bool bincount(const Bincount& b, Kind kind, const int32_t* x, const void* weights, void* out) {
  std::atomic<bool> good{true};
  ranges(b.rows * b.cols, 1, [&](size_t begin, size_t end) {
    int32_t least = 0;
    for (size_t i = begin; i < end; ++i) least = std::min(x[i], least);
    if (least < 0) good.store(false, std::memory_order_relaxed);
  });
  if (!good.load()) return false;
  if (kind == Kind::kFloat32) count_rows(b, x, static_cast<const float*>(weights), static_cast<float*>(out));
  else count_rows(b, x, static_cast<const int32_t*>(weights), static_cast<int32_t*>(out));
  return true;
}

void draw(size_t rows, size_t cols, size_t samples, const float* probabilities, const double* random, int32_t* events) {
  if (rows == 0 || cols == 0) return;
  reserve_scratch(cols);
  const size_t each = items_for(kTask, cols);
  parallel(ceil_div(rows, each), [&](size_t task, size_t worker) {
    float* sums = scratch(worker);
    for (size_t row = task * each; row < rows && row < (task + 1) * each; ++row) {
      float sum = 0;
      for (size_t i = 0; i + 1 < cols; ++i) sums[i] = sum += probabilities[row * cols + i];
      for (size_t s = 0; s < samples; ++s) {
        size_t event = 0;
        while (event + 1 < cols && !(random[s] < static_cast<double>(sums[event]))) ++event;
        events[row * samples + s] = static_cast<int32_t>(event);
      }
    }
  });
}

void ramp(size_t n, double start, double step, float* out) { ramp_of(n, start, step, out); }
void ramp(size_t n, double start, double step, int32_t* out) { ramp_of(n, start, step, out); }

}  // namespace vit
