// Copies between two strided arrays. A run whose both strides are 1 is a memmove; a run that is far apart on one side
// only (a transpose) goes in blocks of 16 by 16, so that every cache line fetched is used.

#include <algorithm>

#include "bytes.h"
#include "parallel.h"
#include "simd.h"
#include "sizes.h"
#include "table.h"

namespace VIT_ISA {
namespace {

using vit::Walk;

template <typename T>
void copy_run(const T* src, ptrdiff_t src_step, T* dst, ptrdiff_t dst_step, size_t n) {
  if (src_step == 1 && dst_step == 1) {
    move_bytes(dst, src, n * sizeof(T));  // overlap gives other values, never undefined behaviour
  } else if (src_step == 0 && dst_step == 1) {
    for (size_t i = 0; i < n; ++i) dst[i] = *src;
  } else {
    for (size_t i = 0; i < n; ++i, src += src_step, dst += dst_step) *dst = *src;
  }
}

template <typename T>
void copy_plane(const T* src, T* dst, size_t rows, ptrdiff_t src_row, ptrdiff_t dst_row, size_t cols, ptrdiff_t src_col,
                ptrdiff_t dst_col) {
  if (src_col == 1 || rows == 1 || src_row != 1) {
    for (size_t i = 0; i < rows; ++i, src += src_row, dst += dst_row) copy_run(src, src_col, dst, dst_col, cols);
    return;
  }
  for (size_t i0 = 0; i0 < rows; i0 += 16) {
    const size_t i1 = std::min(i0 + 16, rows);
    for (size_t j0 = 0; j0 < cols; j0 += 16) {
      const size_t j1 = std::min(j0 + 16, cols);
      for (size_t i = i0; i < i1; ++i)
        for (size_t j = j0; j < j1; ++j)
          dst[static_cast<ptrdiff_t>(i) * dst_row + static_cast<ptrdiff_t>(j) * dst_col] =
              src[static_cast<ptrdiff_t>(i) * src_row + static_cast<ptrdiff_t>(j) * src_col];
    }
  }
}

// The two innermost loops are a plane; a task does some planes, or some rows of one.
template <typename T>
void copy_walk(const Walk& walk, const T* src, T* dst) {
  for (size_t d = 0; d < walk.rank; ++d)
    if (walk.size[d] == 0) return;
  const bool flat = walk.rank == 1;
  const size_t last = walk.rank - 1;
  const size_t cols = walk.size[last];
  const size_t rows = flat ? 1 : walk.size[last - 1];
  const ptrdiff_t src_row = flat ? 0 : walk.stride_a[last - 1];
  const ptrdiff_t dst_row = flat ? 0 : walk.stride_b[last - 1];
  size_t planes = 1;
  for (size_t d = 0; d + 2 < walk.rank; ++d) planes *= walk.size[d];
  size_t rows_each = 16384 / cols / 16 * 16;
  rows_each = std::max<size_t>(rows_each, 16);
  const size_t parts = ceil_div(rows, rows_each);
  const size_t units = planes * parts;
  const size_t small = cols * (std::min(rows, rows_each));
  const size_t units_each = items_for(16384, small);
  vit::parallel(ceil_div(units, units_each), [&](size_t task, size_t) {
    for (size_t unit = task * units_each; unit < units && unit < (task + 1) * units_each; ++unit) {
      size_t plane = unit / parts;
      const size_t first = unit % parts * rows_each;
      ptrdiff_t from = static_cast<ptrdiff_t>(first) * src_row;
      ptrdiff_t to = static_cast<ptrdiff_t>(first) * dst_row;
      for (size_t d = walk.rank < 2 ? 0 : walk.rank - 2; d-- > 0;) {
        const ptrdiff_t index = static_cast<ptrdiff_t>(plane % walk.size[d]);
        plane /= walk.size[d];
        from += index * walk.stride_a[d];
        to += index * walk.stride_b[d];
      }
      const size_t count = std::min(rows - first, rows_each);
      copy_plane(src + from, dst + to, count, src_row, dst_row, cols, walk.stride_a[last], walk.stride_b[last]);
    }
  });
}

}  // namespace

void copy(size_t bytes, const Walk& walk, const void* src, void* dst) {
  if (bytes == 1) copy_walk(walk, static_cast<const uint8_t*>(src), static_cast<uint8_t*>(dst));
  if (bytes == 4) copy_walk(walk, static_cast<const uint32_t*>(src), static_cast<uint32_t*>(dst));
}

}  // namespace VIT_ISA
