// The largest of each row. An element and its place are one number of 64 bits, so that a smaller number is a larger
// element, and of equal elements the first. Few are kept in a heap, of which most elements are below the least; else
// the row is sorted by its bytes.

#include <string.h>

#include <algorithm>
#include <atomic>

#include "indexing.h"
#include "parallel.h"
#include "sizes.h"

namespace vit {
namespace {

constexpr size_t kTask = 16384;
constexpr size_t kBlock = 16;

// -0 is 0.
uint32_t order_of(float value) {
  const float plain = value + 0.0f;
  uint32_t bits;
  memcpy(&bits, &plain, sizeof bits);
  const uint32_t up = bits ^ (bits >> 31 != 0 ? 0xffffffffu : 0x80000000u);
  return ~up;
}
uint32_t order_of(int32_t value) { return ~(static_cast<uint32_t>(value) ^ 0x80000000u); }

template <typename T>
uint64_t key_of(const T* x, size_t i) {
  return static_cast<uint64_t>(order_of(x[i])) << 32 | i;
}

template <typename T>
void select_few(const T* x, size_t n, size_t k, uint64_t* heap) {
  for (size_t i = 0; i < k; ++i) heap[i] = key_of(x, i);
  std::make_heap(heap, heap + k);
  T least = x[heap[0] & 0xffffffffu];
  for (size_t i = k; i < n;) {
    if (i + kBlock <= n) {
      int above = 0;
      for (size_t j = 0; j < kBlock; ++j) above |= x[i + j] > least ? 1 : 0;
      if (above == 0) {
        i += kBlock;
        continue;
      }
    }
    for (const size_t end = std::min(n, i + kBlock); i < end; ++i) {
      if (!(x[i] > least)) continue;
      std::pop_heap(heap, heap + k);
      heap[k - 1] = key_of(x, i);
      std::push_heap(heap, heap + k);
      least = x[heap[0] & 0xffffffffu];
    }
  }
  std::sort_heap(heap, heap + k);
}

// Sorts by the upper half, a byte at a time from the lowest; equal ones stay in order. Returns where the result is.
template <typename T>
const uint64_t* sort_all(const T* x, size_t n, uint64_t* a, uint64_t* b) {
  size_t counts[4][256] = {};
  for (size_t i = 0; i < n; ++i) {
    a[i] = key_of(x, i);
    for (size_t byte = 0; byte < 4; ++byte) counts[byte][a[i] >> (32 + 8 * byte) & 255] += 1;
  }
  for (size_t byte = 0; byte < 4; ++byte) {
    const size_t shift = 32 + 8 * byte;
    size_t* at = counts[byte];
    if (at[a[0] >> shift & 255] == n) continue;
    size_t sum = 0;
    for (size_t digit = 0; digit < 256; ++digit) {
      const size_t count = at[digit];
      at[digit] = sum;
      sum += count;
    }
    for (size_t i = 0; i < n; ++i) b[at[a[i] >> shift & 255]++] = a[i];
    std::swap(a, b);
  }
  return a;
}

template <typename T>
bool largest(size_t rows, size_t cols, size_t k, const T* x, T* values, int32_t* places) {
  if (rows == 0 || k == 0) return true;
  std::atomic<bool> good{true};
  const bool few = k <= cols / 16;
  reserve_scratch(2 * (few ? k : 2 * cols));
  const size_t each = items_for(kTask, cols);
  parallel(ceil_div(rows, each), [&](size_t task, size_t worker) {
    uint64_t* memory = reinterpret_cast<uint64_t*>(scratch(worker));
    for (size_t row = task * each; row < rows && row < (task + 1) * each; ++row) {
      const T* in = x + row * cols;
      int odd = 0;
      for (size_t i = 0; i < cols; ++i) odd |= in[i] != in[i] ? 1 : 0;
      if (odd != 0) {
        good.store(false, std::memory_order_relaxed);
        return;
      }
      const uint64_t* best = memory;
      if (few) select_few(in, cols, k, memory);
      else best = sort_all(in, cols, memory, memory + cols);
      for (size_t i = 0; i < k; ++i) {
        const size_t place = best[i] & 0xffffffffu;
        values[row * k + i] = in[place];
        places[row * k + i] = static_cast<int32_t>(place);
      }
    }
  });
  return good.load();
}

}  // namespace

bool top_k(size_t rows, size_t cols, size_t k, const float* x, float* values, int32_t* places) {
  return largest(rows, cols, k, x, values, places);
}
bool top_k(size_t rows, size_t cols, size_t k, const int32_t* x, int32_t* values, int32_t* places) {
  return largest(rows, cols, k, x, values, places);
}

}  // namespace vit
