// How kernels that treat each element alone cut their work: every 16,384 elements (64 KB).
#pragma once

#include <algorithm>

#include "kernels.h"
#include "parallel.h"
#include "simd.h"
#include "sizes.h"

namespace VIT_ISA {

using vit::kMaxRank;
using vit::parallel;
using vit::Walk;

constexpr size_t kChunk = 16384;

// body(begin, end) for every chunk of n elements.
template <typename Body>
VIT_INLINE void chunks(size_t n, const Body& body) {
  parallel(ceil_div(n, kChunk), [&](size_t task, size_t) {
    const size_t begin = task * kChunk;
    body(begin, std::min(n, begin + kChunk));
  });
}

// out[i] = f(x[i]) on vectors.
template <typename F>
VIT_INLINE void map(size_t n, const float* x, float* out, const F& f) {
  chunks(n, [&](size_t i, size_t end) {
    for (; i + VL <= end; i += VL) store(out + i, f(load(x + i)));
    if (i < end) store_n(out + i, f(load_n(x + i, end - i)), end - i);
  });
}

// Calls row(offset_a, offset_b, offset_out, n) for the runs of the innermost loop, in parallel.
template <typename Row>
VIT_INLINE void walk_rows(const Walk& walk, const Row& row) {
  size_t total = 1;
  for (size_t d = 0; d < walk.rank; ++d) total *= walk.size[d];
  if (total == 0) return;
  const size_t last = walk.rank - 1;
  const size_t inner = walk.size[last];
  chunks(total, [&](size_t begin, size_t end) {
    size_t index[kMaxRank];
    size_t rest = begin / inner;
    ptrdiff_t a = 0, b = 0;
    for (size_t d = last; d-- > 0;) {
      index[d] = rest % walk.size[d];
      rest /= walk.size[d];
      a += static_cast<ptrdiff_t>(index[d]) * walk.stride_a[d];
      b += static_cast<ptrdiff_t>(index[d]) * walk.stride_b[d];
    }
    size_t column = begin % inner;
    while (begin < end) {
      const size_t n = std::min(inner - column, end - begin);
      const ptrdiff_t skip = static_cast<ptrdiff_t>(column);
      row(a + skip * walk.stride_a[last], b + skip * walk.stride_b[last], begin, n);
      begin += n;
      column = 0;
      for (size_t d = last; d-- > 0;) {
        a += walk.stride_a[d];
        b += walk.stride_b[d];
        if (++index[d] < walk.size[d]) break;
        a -= static_cast<ptrdiff_t>(walk.size[d]) * walk.stride_a[d];
        b -= static_cast<ptrdiff_t>(walk.size[d]) * walk.stride_b[d];
        index[d] = 0;
      }
    }
  });
}

// Elements i … i + n of a run with a stride: where they lie side by side, else copied to a tile.
constexpr size_t kTile = 512;
template <typename T>
VIT_INLINE const T* side_by_side(const T* run, ptrdiff_t stride, size_t i, size_t n, T* tile) {
  if (stride == 1) return run + i;
  if (stride == 0 && i > 0) return tile;
  for (size_t j = 0; j < n; ++j) tile[j] = run[static_cast<ptrdiff_t>(i + j) * stride];
  return tile;
}
// Calls part(x, y, offset in out, n) for the runs of the innermost loop, in parts whose elements lie side by side.
template <typename T, typename Part>
VIT_INLINE void walk_parts(const Walk& walk, const T* a, const T* b, const Part& part) {
  const ptrdiff_t sa = walk.stride_a[walk.rank - 1];
  const ptrdiff_t sb = walk.stride_b[walk.rank - 1];
  walk_rows(walk, [&](ptrdiff_t at_a, ptrdiff_t at_b, size_t at, size_t n) {
    T left[kTile], right[kTile];
    const size_t most = sa == 1 && sb == 1 ? n : kTile;
    for (size_t i = 0; i < n; i += most) {
      const size_t count = std::min(n - i, most);
      part(side_by_side(a + at_a, sa, i, count, left), side_by_side(b + at_b, sb, i, count, right), at + i, count);
    }
  });
}
// out[i] = f(x, y) for the elements of a walk; what f gives of element types that vectors hold is vectorized.
template <typename T, typename Out, typename F>
VIT_INLINE void walk_each(const Walk& walk, const T* a, const T* b, Out* out, const F& f) {
  walk_parts(walk, a, b, [&](const T* x, const T* y, size_t at, size_t n) {
    Out* z = out + at;
    for (size_t i = 0; i < n; ++i) z[i] = f(x[i], y[i]);
  });
}
// out[i] = f(x[i]).
template <typename T, typename Out, typename F>
VIT_INLINE void map_each(size_t n, const T* x, Out* out, const F& f) {
  chunks(n, [&](size_t begin, size_t end) {
    // A copy, since a write through bytes might alias anything that is only referred to.
    const T* from = x;
    Out* to = out;
    for (size_t i = begin; i < end; ++i) to[i] = f(from[i]);
  });
}

}  // namespace VIT_ISA
