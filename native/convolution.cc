// Convolution as a product of the columns that the filter sees with the filter. Columns are written for a block of outputs at a time,
// with zeros for what lies outside, and multiplied while they are in the second cache.

#include "gemm.h"
#include "spatial_table.h"
#include "table.h"
#include "window.h"

namespace VIT_ISA {
namespace {

using namespace vit;

// Columns that are written at a time.
constexpr size_t kDeep = 4 * KC;
// Of a gradient of the filter: outputs of a block, columns of a piece, runs of blocks, and the floats that a small filter has.
constexpr size_t kBlock = 256;
constexpr size_t kPiece = 4 * MC;
constexpr size_t kRuns = 16;
constexpr size_t kSmallFilter = 1 << 18;
// Floats of the columns that are multiplied at once for the gradient of a large filter (8 MB).
constexpr size_t kColumnFloats = 1 << 21;

VIT_INLINE size_t floats_of(size_t taps, size_t channels) { return taps * channels; }
VIT_INLINE void copy_floats(const float* from, float* to, size_t count) {
  each_part(count, [&](size_t j, size_t n) { put(to + j, get(from + j, n), n); });
}
VIT_INLINE void zero_floats(float* to, size_t count) {
  each_part(count, [&](size_t j, size_t n) { put(to + j, set1(0.0f), n); });
}

// Columns first … first + depth - 1 of outputs row … row + rows - 1 of the batch; rows of dst are `step` apart.
void write_columns(const Window& w, const float* x, size_t row, size_t rows, size_t first, size_t depth, float* dst, size_t step) {
  // Taps that lie side by side in the image are one run.
  const size_t joined = w.width.dilation == 1 ? w.width.filter : 1;
  const size_t run = floats_of(joined, w.channels), runs_a_line = w.width.filter / joined;
  size_t ow = row % w.width.out, oh = row / w.width.out % w.height.out;
  size_t od = row / w.width.out / w.height.out % w.depth.out, image = row / w.out_pixels();
  for (size_t r = 0; r < rows; ++r, dst += step) {
    size_t at = first / run, skip = first % run;
    for (size_t done = 0; done < depth; ++at, skip = 0) {
      const size_t count = run - skip < depth - done ? run - skip : depth - done;
      float* to = dst + done;
      done += count;
      const size_t fw = at % runs_a_line * joined, line = at / runs_a_line;
      const ptrdiff_t d = start_of(w.depth, od) + static_cast<ptrdiff_t>(line / w.height.filter * w.depth.dilation);
      const ptrdiff_t h = start_of(w.height, oh) + static_cast<ptrdiff_t>(line % w.height.filter * w.height.dilation);
      if (d < 0 || h < 0 || static_cast<size_t>(d) >= w.depth.in || static_cast<size_t>(h) >= w.height.in) {
        zero_floats(to, count);
        continue;
      }
      const ptrdiff_t c = start_of(w.width, ow) + static_cast<ptrdiff_t>(fw * w.width.dilation);
      const ptrdiff_t in = static_cast<ptrdiff_t>(w.width.in), taps = static_cast<ptrdiff_t>(joined);
      // Of the run, floats low … high - 1 lie inside; of these what is asked for is skip … skip + count - 1.
      size_t low = floats_of(static_cast<size_t>(c >= 0 ? 0 : -c < taps ? -c : taps), w.channels);
      size_t high = floats_of(static_cast<size_t>(c + taps <= in ? taps : c < in ? in - c : 0), w.channels);
      const auto asked = [&](size_t i) { return i < skip ? 0 : i - skip < count ? i - skip : count; };
      low = asked(low), high = asked(high);
      if (high < low) high = low;
      zero_floats(to, low);
      if (high > low) {
        const ptrdiff_t pixel = static_cast<ptrdiff_t>(((image * w.depth.in + static_cast<size_t>(d)) * w.height.in +
                                                        static_cast<size_t>(h)) * w.width.in) + c;
        copy_floats(x + pixel * static_cast<ptrdiff_t>(w.channels) + static_cast<ptrdiff_t>(skip + low), to + low, high - low);
      }
      zero_floats(to + high, count - high);
    }
    if (++ow < w.width.out) continue;
    ow = 0;
    if (++oh < w.height.out) continue;
    oh = 0;
    if (++od < w.depth.out) continue;
    od = 0;
    ++image;
  }
}

// Whether the columns are the image itself.
bool plain(const Axis& a) { return a.filter == 1 && a.stride == 1 && a.pad == 0 && a.in == a.out; }
bool plain(const Window& w) { return plain(w.depth) && plain(w.height) && plain(w.width); }

bool bounds(Clamp clamp) { return clamp.low != -HUGE_VALF || clamp.high != HUGE_VALF; }
VIT_INLINE void clamp_rows(Clamp clamp, float* c, size_t rows, size_t cols, size_t step) {
  const vf low = set1(clamp.low), high = set1(clamp.high);
  for (size_t i = 0; i < rows; ++i, c += step)
    each_part(cols, [&](size_t j, size_t n) {
      const vf v = get(c + j, n);
      const vf up = v <= low ? low : v;
      put(c + j, up >= high ? high : up, n);
    });
}

Gemm product_of(const float* a, const float* b, float* c, size_t m, size_t n, size_t k) {
  Gemm g;
  g.a = a, g.b = b, g.c = c;
  g.m = m, g.n = n, g.k = k;
  g.a_row = k, g.a_col = 1, g.b_row = n, g.b_col = 1, g.ldc = n;
  g.batch = 1, g.a_batch = g.b_batch = g.c_batch = 0;
  g.bias = nullptr;
  g.activation = kNone;
  return g;
}

size_t parts(size_t n, size_t each) { return (n + each - 1) / each; }

}  // namespace

void convolve(const Window& w, size_t n, const float* x, const float* filter, const float* bias, Clamp clamp, float* out) {
  const size_t m = w.batch * w.out_pixels(), k = w.taps() * w.channels;
  if (m == 0 || n == 0) return;
  const bool in_place = plain(w);
  if (in_place || k == 0) {
    Gemm g = product_of(x, filter, out, m, n, k);
    g.bias = bias;
    gemm(g);
    if (!bounds(clamp)) return;
    const size_t each = n >= 16384 ? 1 : 16384 / n;
    return parallel(parts(m, each), [&](size_t task, size_t) {
      const size_t i = task * each;
      clamp_rows(clamp, out + i * n, m - i < each ? m - i : each, n, n);
    });
  }
  float* packed = shared_scratch(packed_b_size(k, n));
  const size_t panels = round_up(n, NR) / NR, panels_each = parts(panels, parts(k * n, 16384));
  parallel(parts(panels, panels_each), [&](size_t task, size_t) {
    const size_t end = (task + 1) * panels_each;
    pack_b({filter, n, 1}, k, n, task * panels_each, end < panels ? end : panels, packed);
  });
  // Sixteen blocks or more where the sizes give them: of rows first, for each block writes its columns once.
  size_t rows_each = round_up(parts(m, 16), MR);
  rows_each = rows_each > MC ? MC : rows_each < 2 * MR ? 2 * MR : rows_each;
  const size_t row_blocks = parts(m, rows_each);
  size_t cols_each = round_up(parts(n, parts(16, row_blocks)), NR);
  if (cols_each < 2 * NR) cols_each = 2 * NR;
  if (m * n * k < 65536) rows_each = m, cols_each = n;
  const size_t col_blocks = parts(n, cols_each);
  // Rows that are a multiple of 4 KB apart would fall into the same set of the first cache.
  const size_t deep_each = k < kDeep ? k : kDeep, step = deep_each % 1024 == 0 ? deep_each + 16 : deep_each;
  reserve_scratch(rows_each * step);
  parallel(parts(m, rows_each) * col_blocks, [&](size_t task, size_t worker) {
    const size_t i0 = task / col_blocks * rows_each, j0 = task % col_blocks * cols_each;
    const size_t rows = m - i0 < rows_each ? m - i0 : rows_each, cols = n - j0 < cols_each ? n - j0 : cols_each;
    float* columns = scratch(worker);
    float* c = out + i0 * n + j0;
    for (size_t p = 0; p < k; p += deep_each) {
      const size_t deep = k - p < deep_each ? k - p : deep_each;
      write_columns(w, x, i0, rows, p, deep, columns, step);
      multiply_deep({columns, step, 1}, kRows, packed + j0 * k + p * NR, k, rows, cols, deep, c, n, p == 0 && bias != nullptr ? bias + j0 : nullptr,
                    p == 0 ? kStoreNew : kStoreAdd);
    }
    if (bounds(clamp)) clamp_rows(clamp, c, rows, cols, n);
  });
}

namespace {

// Columns [m, k] of all outputs from `row` on.
void all_columns(const Window& w, const float* x, size_t row, size_t m, size_t k, float* dst) {
  const size_t each = k >= 16384 ? 1 : 16384 / k;
  parallel(parts(m, each), [&](size_t task, size_t) {
    const size_t i = task * each;
    write_columns(w, x, row + i, m - i < each ? m - i : each, 0, k, dst + i * k, k);
  });
}

void large_filter_grad(const Window& w, size_t n, const float* x, const float* dy, float* dfilter) {
  const size_t m = w.batch * w.out_pixels(), k = w.taps() * w.channels;
  const bool in_place = plain(w);
  size_t each = in_place ? m : kColumnFloats / k;
  if (each < kBlock) each = kBlock;
  if (each > m) each = m;
  float* columns = in_place ? nullptr : outer_scratch(each * k);
  for (size_t row = 0; row < m; row += each) {
    const size_t rows = m - row < each ? m - row : each;
    if (!in_place) all_columns(w, x, row, rows, k, columns);
    Gemm g = product_of(in_place ? x : columns, dy + row * n, dfilter, k, n, rows);
    g.a_row = 1, g.a_col = k;
    g.accumulate = row > 0;
    gemm(g);
  }
}

// Sums over outputs begin … end - 1, k·n of them.
void add_run(const Window& w, size_t n, const float* x, const float* dy, size_t begin, size_t end, float* sums, float* memory) {
  const size_t k = w.taps() * w.channels;
  float* packed_dy = memory;
  float* tiles = packed_dy + packed_b_size(kBlock, n);
  float* columns = tiles + packed_a_size(kPiece, kBlock);
  for (size_t row = begin; row < end; row += kBlock) {
    const size_t rows = end - row < kBlock ? end - row : kBlock;
    pack_b({dy + row * n, n, 1}, rows, n, 0, round_up(n, NR) / NR, packed_dy);
    for (size_t p = 0; p < k; p += kPiece) {
      const size_t deep = k - p < kPiece ? k - p : kPiece;
      write_columns(w, x, row, rows, p, deep, columns, kPiece);
      pack_a({columns, 1, kPiece}, deep, rows, tiles);
      multiply({tiles, 0, 0}, kPacked, packed_dy, rows, deep, n, rows, sums + p * n, n, nullptr, row == begin ? kStoreNew : kStoreAdd);
    }
  }
}

}  // namespace

void convolve_filter_grad(const Window& w, size_t n, const float* x, const float* dy, float* dfilter) {
  const size_t m = w.batch * w.out_pixels(), k = w.taps() * w.channels;
  if (k * n == 0) return;
  if (m == 0) {
    for (size_t i = 0; i < k * n; ++i) dfilter[i] = 0.0f;
    return;
  }
  if (plain(w) || k * n > kSmallFilter) return large_filter_grad(w, n, x, dy, dfilter);
  const size_t each = parts(parts(m, kRuns), kBlock) * kBlock, runs = parts(m, each);
  float* partial = outer_scratch(runs * k * n);
  reserve_scratch(packed_b_size(kBlock, n) + packed_a_size(kPiece, kBlock) + kPiece * kBlock);
  parallel(runs, [&](size_t run, size_t worker) {
    const size_t end = (run + 1) * each < m ? (run + 1) * each : m;
    add_run(w, n, x, dy, run * each, end, partial + run * k * n, scratch(worker));
  });
  parallel(parts(k * n, 4096), [&](size_t task, size_t) {
    const size_t end = (task + 1) * 4096 < k * n ? (task + 1) * 4096 : k * n;
    for (size_t i = task * 4096; i < end; ++i) {
      float sum = partial[i];
      for (size_t run = 1; run < runs; ++run) sum += partial[run * k * n + i];
      dfilter[i] = sum;
    }
  });
}

void sum_columns(const Window& w, const float* columns, float* x) {
  const size_t channels = w.channels, taps = w.taps();
  sum_sights(w, 1.0f, x, [=](size_t out, size_t tap, size_t, size_t j, size_t n) {
    return get(columns + (out * taps + tap) * channels + j, n);
  });
}

}  // namespace VIT_ISA
