// Convolution as a product of the columns that the filter sees with the filter. Columns are written for a block of
// outputs at a time, with zeros for what lies outside, and multiplied while they are in the second cache.

#include <algorithm>
#include <atomic>

#include "gemm.h"
#include "sizes.h"
#include "table.h"
#include "window.h"

namespace VIT_ISA {
namespace {

using namespace vit;

// Columns that are written at a time.
constexpr size_t kDeep = 4 * KC;
// Sizes of the gradient of the filter: outputs of a block, columns of a piece, runs of blocks, and the floats that a
// small filter has.
constexpr size_t kBlock = 256;
constexpr size_t kPiece = 4 * MC;
constexpr size_t kRuns = 16;
constexpr size_t kSmallFilter = 1 << 18;
// Outputs of a line from which on it is multiplied by itself.
constexpr size_t kLongLine = 28;
// Floats of the lines that a block sees, at most.
constexpr size_t kLineFloats = 1 << 20;
// Floats that are looked at in a task.
constexpr size_t kFinite = 65536;
// Floats of the columns that are multiplied at once for the gradient of a large filter (8 MB).
constexpr size_t kColumnFloats = 1 << 21;

VIT_INLINE void copy_floats(const float* from, float* to, size_t count) {
  each_part(count, [&](size_t j, size_t n) { put(to + j, get(from + j, n), n); });
}
VIT_INLINE void zero_floats(float* to, size_t count) {
  each_part(count, [&](size_t j, size_t n) { put(to + j, set1(0.0f), n); });
}

// A run of columns of `count` outputs side by side: `floats` of the line of an image from its place `at` on (which may
// lie outside), at most `limit` floats long; each output begins `stride` further.
VIT_INLINE void write_run(const float* line, ptrdiff_t limit, ptrdiff_t at, ptrdiff_t stride, size_t count,
                          size_t floats, float* dst, size_t step) {
  const ptrdiff_t length = static_cast<ptrdiff_t>(floats);
  const auto edge = [&](size_t i) {
    const ptrdiff_t begin = at + static_cast<ptrdiff_t>(i) * stride;
    const ptrdiff_t low = begin >= 0 ? 0 : std::min(-begin, length);
    ptrdiff_t high = std::min(limit - begin, length);
    high = std::max(high, low);
    zero_floats(dst + i * step, static_cast<size_t>(low));
    if (high > low) copy_floats(line + begin + low, dst + i * step + low, static_cast<size_t>(high - low));
    zero_floats(dst + i * step + high, static_cast<size_t>(length - high));
  };
  const auto within = [&](size_t i) {
    const ptrdiff_t begin = at + static_cast<ptrdiff_t>(i) * stride;
    return begin >= 0 && begin + length <= limit;
  };
  size_t i = 0, end = count;
  for (; i < end && !within(i); ++i) edge(i);
  for (; end > i && !within(end - 1); --end) edge(end - 1);
  const float* from = line + at + static_cast<ptrdiff_t>(i) * stride;
  float* to = dst + i * step;
  for (; i < end; ++i, from += stride, to += step) copy_floats(from, to, floats);
}

// Columns first … first + depth - 1 of outputs row … row + rows - 1 of the batch; rows of dst are `step` apart.
void write_columns(const Window& w, const float* x, size_t row, size_t rows, size_t first, size_t depth, float* dst,
                   size_t step) {
  // Taps that lie side by side in the image are one run.
  const size_t joined = w.width.dilation == 1 ? w.width.filter : 1;
  const size_t run = joined * w.channels, runs_a_line = w.width.filter / joined;
  const ptrdiff_t channels = static_cast<ptrdiff_t>(w.channels),
                  length = static_cast<ptrdiff_t>(w.width.in * w.channels);
  const ptrdiff_t stride = static_cast<ptrdiff_t>(w.width.stride * w.channels);
  for (size_t r = 0; r < rows;) {
    const size_t line_of_out = (row + r) / w.width.out, ow = (row + r) % w.width.out;
    const size_t oh = line_of_out % w.height.out, od = line_of_out / w.height.out % w.depth.out;
    const size_t image = line_of_out / w.height.out / w.depth.out;
    const size_t count = std::min(rows - r, w.width.out - ow);
    for (size_t done = 0, at = first / run, skip = first % run; done < depth; ++at, skip = 0) {
      const size_t floats = std::min(run - skip, depth - done);
      const size_t fw = at % runs_a_line * joined, line = at / runs_a_line;
      const ptrdiff_t d = start_of(w.depth, od) + static_cast<ptrdiff_t>(line / w.height.filter * w.depth.dilation);
      const ptrdiff_t h = start_of(w.height, oh) + static_cast<ptrdiff_t>(line % w.height.filter * w.height.dilation);
      float* to = dst + r * step + done;
      if (d < 0 || h < 0 || static_cast<size_t>(d) >= w.depth.in || static_cast<size_t>(h) >= w.height.in) {
        for (size_t i = 0; i < count; ++i) zero_floats(to + i * step, floats);
      } else {
        const size_t from =
            ((image * w.depth.in + static_cast<size_t>(d)) * w.height.in + static_cast<size_t>(h)) * w.width.in;
        const ptrdiff_t c = start_of(w.width, ow) + static_cast<ptrdiff_t>(fw * w.width.dilation);
        write_run(x + from * w.channels, length, c * channels + static_cast<ptrdiff_t>(skip), stride, count, floats, to,
                  step);
      }
      done += floats;
    }
    r += count;
  }
}

// Whether the columns are the image itself.
bool plain(const Axis& a) { return a.filter == 1 && a.stride == 1 && a.pad == 0 && a.in == a.out; }
bool plain(const Window& w) { return plain(w.depth) && plain(w.height) && plain(w.width); }

bool bounds(Clamp clamp) { return clamp.low != -HUGE_VALF || clamp.high != HUGE_VALF; }
VIT_INLINE void clamp_rows(Clamp clamp, float* c, size_t rows, size_t cols, size_t step) {
  const vf low = set1(clamp.low), high = set1(clamp.high);
  for (size_t i = 0; i < rows; ++i, c += step)
    each_part(cols, [&](size_t j, size_t n) { put(c + j, clamped(get(c + j, n), low, high), n); });
}

Gemm mul_wrapped(const float* a, const float* b, float* c, size_t m, size_t n, size_t k) {
  Gemm g;
  g.a = a, g.b = b, g.c = c;
  g.m = m, g.n = n, g.k = k;
  g.a_row = k, g.a_col = 1, g.b_row = n, g.b_col = 1, g.ldc = n;
  g.batch = 1, g.a_batch = g.b_batch = g.c_batch = 0;
  g.bias = nullptr;
  g.activation = kNone;
  return g;
}

size_t parts(size_t n, size_t each) { return ceil_div(n, each); }

// Without columns: a row of the filter sees floats that lie side by side in a line of the image, so the lines are the
// left factor as they are, or copied with zeros before and behind.
struct Lines {
  size_t filter;  // floats that a row of the filter sees
  size_t step;    // from output to output
  size_t width;   // of a line, with what lies outside
  bool copied;
  size_t planes, lines;  // that a block sees: taps of the depth, and lines of the image
  size_t each;           // output lines of a block
  size_t reach;          // of a line of outputs, in lines of the image

  explicit Lines(const Window& w) {
    filter = w.width.filter * w.channels, step = w.width.stride * w.channels;
    width = (w.width.out - 1) * step + filter;
    copied = w.width.pad != 0 || width > w.width.in * w.channels;
    each = std::min(ceil_div(MC, w.width.out), w.height.out);
    planes = w.depth.filter;
    reach = (w.height.filter - 1) * w.height.dilation + 1;
    lines = (each - 1) * w.height.stride + reach;
  }
  size_t floats() const { return copied ? planes * lines * width : 0; }
};
// Long enough runs for the inner routine, which with short ones would mostly read and write c: then columns are
// written. Outputs that are a multiple of 4 KB apart would fall into the same set of the first cache.
bool by_lines(const Window& w) {
  if (w.width.dilation != 1 || w.width.out < 7 || w.width.filter * w.channels < 48) return false;
  const Lines l(w);
  return l.step % 1024 != 0 && l.floats() <= kLineFloats;
}

// Output lines first … first + count - 1 of plane od of an image, columns j0 … j0 + cols - 1 of n.
void convolve_lines(const Window& w, const Lines& l, size_t n, const float* x, const float* packed, const float* bias,
                    size_t image, size_t od, size_t first, size_t count, size_t j0, size_t cols, float* memory,
                    float* out) {
  const size_t k = w.taps() * w.channels, length = w.width.in * w.channels, rows = w.width.out;
  const ptrdiff_t top = start_of(w.height, first);
  const Range depth = inside(w.depth, od);
  const auto source = [&](size_t fd, size_t h) {
    const ptrdiff_t plane = start_of(w.depth, od) + static_cast<ptrdiff_t>(fd * w.depth.dilation);
    return x + ((image * w.depth.in + static_cast<size_t>(plane)) * w.height.in + h) * length;
  };
  for (size_t fd = depth.begin; l.copied && fd < depth.end; ++fd)
    for (size_t i = 0; i < l.lines; ++i) {
      const ptrdiff_t h = top + static_cast<ptrdiff_t>(i);
      if (h < 0 || static_cast<size_t>(h) >= w.height.in) continue;
      const ptrdiff_t at = -w.width.pad * static_cast<ptrdiff_t>(w.channels);
      write_run(source(fd, static_cast<size_t>(h)), static_cast<ptrdiff_t>(length), at, 0, 1, l.width,
                memory + (fd * l.lines + i) * l.width, 0);
    }
  float* c = out + ((image * w.depth.out + od) * w.height.out + first) * rows * n + j0;
  for (size_t j = 0; j < cols; j += NR) {
    const size_t width = std::min(cols - j, NR);
    const float* panel = packed + (j0 + j) * k;
    for (size_t fd = depth.begin; fd < depth.end; ++fd)
      for (size_t fh = 0; fh < w.height.filter; ++fh)
        for (size_t p = 0; p < l.filter; p += KC)
          for (size_t i = 0; i < count; ++i) {
            const Range seen = inside(w.height, first + i);
            if (fh < seen.begin || fh >= seen.end) continue;
            const size_t line = i * w.height.stride + fh * w.height.dilation;
            const float* a = l.copied ? memory + (fd * l.lines + line) * l.width
                                      : source(fd, static_cast<size_t>(top + static_cast<ptrdiff_t>(line)));
            const bool begins = fd == depth.begin && fh == seen.begin && p == 0;
            const size_t at = (fd * w.height.filter + fh) * l.filter + p;
            multiply({a + p, l.step, 1}, kRows, panel + at * NR, k, rows, width, std::min(l.filter - p, KC),
                     c + i * rows * n + j, n, begins && bias != nullptr ? bias + j0 + j : nullptr,
                     begins ? kStoreNew : kStoreAdd);
          }
  }
  // An output that sees no pixel is the bias alone.
  for (size_t i = 0; i < count; ++i) {
    const Range seen = inside(w.height, first + i);
    if (depth.begin < depth.end && seen.begin < seen.end) continue;
    for (size_t r = 0; r < rows; ++r)
      for (size_t j = 0; j < cols; ++j) c[(i * rows + r) * n + j] = bias == nullptr ? 0.0f : bias[j0 + j];
  }
}

// Whether an output sees a place outside the image.
bool padded(const Axis& a) {
  const Range first = inside(a, 0), last = inside(a, a.out - 1);
  return first.end - first.begin < a.filter || last.end - last.begin < a.filter;
}
bool padded(const Window& w) { return padded(w.depth) || padded(w.height) || padded(w.width); }
// Whether a difference of each number from itself is 0.
bool all_finite(const float* x, size_t n) {
  std::atomic<bool> fine{true};
  parallel(parts(n, kFinite), [&](size_t task, size_t) {
    vf rest = set1(0.0f);
    const size_t begin = task * kFinite;
    each_part(std::min(n - begin, kFinite), [&](size_t j, size_t count) {
      const vf v = get(x + begin + j, count);
      rest += v - v;
    });
    if (sum_lanes(rest) != 0.0f) fine.store(false, std::memory_order_relaxed);
  });
  return fine.load();
}

// f(place of the output, place of the input, place of the filter) for what the outputs of line `row` see, of all
// images.
template <typename F>
VIT_INLINE void each_seen(const Window& w, size_t row, const F& f) {
  const size_t oh = row % w.height.out, od = row / w.height.out % w.depth.out;
  const size_t image = row / w.height.out / w.depth.out;
  const Range depth = inside(w.depth, od), lines = inside(w.height, oh);
  const auto place = [](const Axis& a, size_t o, size_t tap) {
    return static_cast<size_t>(start_of(a, o) + static_cast<ptrdiff_t>(tap * a.dilation));
  };
  for (size_t ow = 0; ow < w.width.out; ++ow) {
    const Range columns = inside(w.width, ow);
    for (size_t fd = depth.begin; fd < depth.end; ++fd)
      for (size_t fh = lines.begin; fh < lines.end; ++fh)
        for (size_t fw = columns.begin; fw < columns.end; ++fw) {
          const size_t plane = image * w.depth.in + place(w.depth, od, fd);
          const size_t line = plane * w.height.in + place(w.height, oh, fh);
          f(row * w.width.out + ow, line * w.width.in + place(w.width, ow, fw),
            (fd * w.height.filter + fh) * w.width.filter + fw);
        }
  }
}

// A position outside of the image adds nothing, whatever its factor. Zero times an infinity would be NaN, so where a
// factor is not finite, only positions inside are multiplied.
void convolve_inside(const Window& w, size_t n, const float* x, const float* filter, const float* bias, Clamp clamp,
                     float* out) {
  const size_t channels = w.channels, width = w.width.out * n;
  each_row(w.batch * w.depth.out * w.height.out, width * w.taps() * channels, [&](size_t row) {
    for (size_t i = 0; i < width; ++i) out[row * width + i] = bias == nullptr ? 0.0f : bias[i % n];
    each_seen(w, row, [&](size_t to, size_t from, size_t tap) {
      for (size_t c = 0; c < channels; ++c) {
        const vf pixel = set1(x[from * channels + c]);
        const float* weights = filter + (tap * channels + c) * n;
        float* sums = out + to * n;
        each_part(n, [&](size_t j, size_t m) { put(sums + j, get(sums + j, m) + pixel * get(weights + j, m), m); });
      }
    });
    if (bounds(clamp)) clamp_rows(clamp, out + row * width, 1, width, width);
  });
}
// In tasks of a channel of the input each.
void filter_grad_inside(const Window& w, size_t n, const float* x, const float* dy, float* dfilter) {
  const size_t channels = w.channels, rows = w.batch * w.depth.out * w.height.out;
  zero_floats(dfilter, w.taps() * channels * n);
  parallel(channels, [&](size_t c, size_t) {
    for (size_t row = 0; row < rows; ++row)
      each_seen(w, row, [&](size_t to, size_t from, size_t tap) {
        const vf pixel = set1(x[from * channels + c]);
        float* sums = dfilter + (tap * channels + c) * n;
        each_part(n, [&](size_t j, size_t m) { put(sums + j, get(sums + j, m) + pixel * get(dy + to * n + j, m), m); });
      });
  });
}

}  // namespace

void convolve(const Window& w, size_t n, const float* x, const float* filter, const float* bias, Clamp clamp,
              float* out) {
  const size_t m = w.batch * w.out_pixels(), k = w.taps() * w.channels;
  if (m == 0 || n == 0) return;
  if (plain(w) || k == 0) {
    Gemm g = mul_wrapped(x, filter, out, m, n, k);
    g.bias = bias;
    gemm(g);
    if (!bounds(clamp)) return;
    const size_t each = items_for(16384, n);
    return parallel(parts(m, each), [&](size_t task, size_t) {
      const size_t i = task * each;
      clamp_rows(clamp, out + i * n, std::min(m - i, each), n, n);
    });
  }
  // The smaller one is searched for numbers that are not finite: the filter, or the results, where they would show.
  const bool outside = padded(w), few_weights = k <= m;
  if (outside && few_weights && !all_finite(filter, k * n)) return convolve_inside(w, n, x, filter, bias, clamp, out);
  float* packed = shared_scratch(packed_b_size(k, n));
  const size_t panels = round_up(n, NR) / NR, panels_each = parts(panels, parts(k * n, 16384));
  parallel(parts(panels, panels_each), [&](size_t task, size_t) {
    const size_t end = (task + 1) * panels_each;
    pack_b({filter, n, 1}, k, n, task * panels_each, std::min(end, panels), packed);
  });
  // Sixteen blocks or more where the sizes give them: of rows first, for what a block sees is written once.
  const bool lines = by_lines(w);
  const Lines l(w);
  size_t rows_each = round_up(parts(m, 16), MR);
  rows_each = rows_each > MC ? MC : std::max(rows_each, 2 * MR);
  const size_t blocks_a_plane = parts(w.height.out, l.each);
  const size_t row_blocks = lines ? w.batch * w.depth.out * blocks_a_plane : parts(m, rows_each);
  const size_t cols_each = std::max(round_up(parts(n, parts(16, row_blocks)), NR), 2 * NR);
  const size_t col_blocks = parts(n, cols_each);
  // Rows that are a multiple of 4 KB apart would fall into the same set of the first cache.
  const size_t deep_each = std::min(k, kDeep), step = deep_each % 1024 == 0 ? deep_each + 16 : deep_each;
  reserve_scratch(lines ? l.floats() : rows_each * step);
  parallel(row_blocks * col_blocks, [&](size_t task, size_t worker) {
    const size_t block = task / col_blocks, j0 = task % col_blocks * cols_each;
    const size_t cols = std::min(n - j0, cols_each);
    float* memory = scratch(worker);
    if (lines) {
      const size_t first = block % blocks_a_plane * l.each, plane = block / blocks_a_plane;
      const size_t count = std::min(w.height.out - first, l.each);
      convolve_lines(w, l, n, x, packed, bias, plane / w.depth.out, plane % w.depth.out, first, count, j0, cols, memory,
                     out);
      float* c = out + (plane * w.height.out + first) * w.width.out * n + j0;
      if (bounds(clamp)) clamp_rows(clamp, c, count * w.width.out, cols, n);
      return;
    }
    const size_t i0 = block * rows_each, rows = std::min(m - i0, rows_each);
    float* c = out + i0 * n + j0;
    for (size_t p = 0; p < k; p += deep_each) {
      const size_t deep = std::min(k - p, deep_each);
      write_columns(w, x, i0, rows, p, deep, memory, step);
      multiply_deep({memory, step, 1}, kRows, packed + j0 * k + p * NR, k, rows, cols, deep, c, n,
                    p == 0 && bias != nullptr ? bias + j0 : nullptr, p == 0 ? kStoreNew : kStoreAdd);
    }
    if (bounds(clamp)) clamp_rows(clamp, c, rows, cols, n);
  });
  if (outside && !few_weights && !all_finite(out, m * n) && !all_finite(filter, k * n))
    convolve_inside(w, n, x, filter, bias, clamp, out);
}

namespace {

// Columns [m, k] of all outputs from `row` on.
void all_columns(const Window& w, const float* x, size_t row, size_t m, size_t k, float* dst) {
  const size_t each = items_for(16384, k);
  parallel(parts(m, each), [&](size_t task, size_t) {
    const size_t i = task * each;
    write_columns(w, x, row + i, std::min(m - i, each), 0, k, dst + i * k, k);
  });
}

void large_filter_grad(const Window& w, size_t n, const float* x, const float* dy, float* dfilter) {
  const size_t m = w.batch * w.out_pixels(), k = w.taps() * w.channels;
  const bool in_place = plain(w);
  const size_t each = std::min(in_place ? m : std::max(kColumnFloats / k, kBlock), m);
  float* columns = in_place ? nullptr : outer_scratch(each * k);
  for (size_t row = 0; row < m; row += each) {
    const size_t rows = std::min(m - row, each);
    if (!in_place) all_columns(w, x, row, rows, k, columns);
    Gemm g = mul_wrapped(in_place ? x : columns, dy + row * n, dfilter, k, n, rows);
    g.a_row = 1, g.a_col = k;
    g.accumulate = row > 0;
    gemm(g);
  }
}

// Sums over outputs begin … end - 1, k·n of them.
void add_run(const Window& w, size_t n, const float* x, const float* dy, size_t begin, size_t end, float* sums,
             float* memory) {
  const size_t k = w.taps() * w.channels;
  float* packed_dy = memory;
  float* tiles = packed_dy + packed_b_size(kBlock, n);
  float* columns = tiles + packed_a_size(kPiece, kBlock);
  for (size_t row = begin; row < end; row += kBlock) {
    const size_t rows = std::min(end - row, kBlock);
    pack_b({dy + row * n, n, 1}, rows, n, 0, round_up(n, NR) / NR, packed_dy);
    for (size_t p = 0; p < k; p += kPiece) {
      const size_t deep = std::min(k - p, kPiece);
      write_columns(w, x, row, rows, p, deep, columns, kPiece);
      pack_a({columns, 1, kPiece}, deep, rows, tiles);
      multiply({tiles, 0, 0}, kPacked, packed_dy, rows, deep, n, rows, sums + p * n, n, nullptr,
               row == begin ? kStoreNew : kStoreAdd);
    }
  }
}

// As pack_a of the columns of one line of outputs, whose tiles have room for `depth` of them: the first `floats` that a
// row of the filter sees. Without a line, zeros.
VIT_INLINE void deal(const float* line, size_t step, size_t count, size_t floats, size_t depth, float* dst) {
  for (size_t i = 0; i < floats; i += MR, dst += MR * depth) {
    const size_t width = std::min(floats - i, MR);
    float* to = dst;
    for (size_t o = 0; o < count; ++o, to += MR) {
      if (line == nullptr) zero_floats(to, MR);
      else {
        copy_floats(line + i + o * step, to, width);
        if (width < MR) zero_floats(to + width, MR - width);
      }
    }
  }
}

// A line of an image that is copied, counted through all images.
struct Held {
  size_t line;
};

// As add_run, over lines of outputs begin … end - 1: lines of the image are a factor as they are. Lines that a
// few lines of outputs see in turn are copied once.
void add_long_lines(const Window& w, const Lines& l, size_t n, const float* x, const float* dy, size_t begin,
                    size_t end, float* sums, float* memory) {
  const size_t count = w.width.out, length = w.width.in * w.channels, filters = w.depth.filter * w.height.filter;
  float* packed_dy = memory;
  float* copies = packed_dy + packed_b_size(count, n);
  std::vector<Held> held(l.reach * w.depth.filter, Held{w.batch * w.depth.in * w.height.in});
  zero_floats(sums, filters * l.filter * n);
  for (size_t out = begin; out < end; ++out) {
    const size_t oh = out % w.height.out, plane = out / w.height.out;
    pack_b({dy + out * count * n, n, 1}, count, n, 0, round_up(n, NR) / NR, packed_dy);
    for (size_t f = 0; f < filters; ++f) {
      const size_t fd = f / w.height.filter;
      const ptrdiff_t h = start_of(w.height, oh) + static_cast<ptrdiff_t>(f % w.height.filter * w.height.dilation);
      const ptrdiff_t d = start_of(w.depth, plane % w.depth.out) + static_cast<ptrdiff_t>(fd * w.depth.dilation);
      if (d < 0 || h < 0 || static_cast<size_t>(d) >= w.depth.in || static_cast<size_t>(h) >= w.height.in) continue;
      const size_t at =
          (plane / w.depth.out * w.depth.in + static_cast<size_t>(d)) * w.height.in + static_cast<size_t>(h);
      const float* line = x + at * length;
      if (l.copied) {
        const size_t slot = fd * l.reach + static_cast<size_t>(h) % l.reach;
        float* copy = copies + slot * l.width;
        if (held[slot].line != at)
          write_run(line, static_cast<ptrdiff_t>(length), -w.width.pad * static_cast<ptrdiff_t>(w.channels), 0, 1,
                    l.width, copy, 0);
        held[slot].line = at;
        line = copy;
      }
      multiply({line, 1, l.step}, Layout::kColumns, packed_dy, count, l.filter, n, count, sums + f * l.filter * n, n,
               nullptr, kStoreAdd);
    }
  }
}

// The same for short rows, `each` at a time.
void add_lines(const Window& w, const Lines& l, size_t n, const float* x, const float* dy, size_t begin, size_t end,
               size_t each, float* sums, float* memory) {
  const size_t count = w.width.out, length = w.width.in * w.channels;
  float* packed_dy = memory;
  float* tiles = packed_dy + packed_b_size(each * count, n);
  float* whole = tiles + packed_a_size(kPiece, each * count);
  for (size_t first = begin; first < end; first += each) {
    const size_t lines = std::min(end - first, each), rows = lines * count;
    pack_b({dy + first * count * n, n, 1}, rows, n, 0, round_up(n, NR) / NR, packed_dy);
    for (size_t f = 0; f < w.depth.filter * w.height.filter; ++f)
      for (size_t p = 0; p < l.filter; p += kPiece) {
        const size_t floats = std::min(l.filter - p, kPiece);
        for (size_t i = 0; i < lines; ++i) {
          const size_t oh = (first + i) % w.height.out, plane = (first + i) / w.height.out;
          const ptrdiff_t h = start_of(w.height, oh) + static_cast<ptrdiff_t>(f % w.height.filter * w.height.dilation);
          const ptrdiff_t d =
              start_of(w.depth, plane % w.depth.out) + static_cast<ptrdiff_t>(f / w.height.filter * w.depth.dilation);
          const float* line = nullptr;
          if (d >= 0 && h >= 0 && static_cast<size_t>(d) < w.depth.in && static_cast<size_t>(h) < w.height.in) {
            line = x + ((plane / w.depth.out * w.depth.in + static_cast<size_t>(d)) * w.height.in +
                        static_cast<size_t>(h)) *
                           length;
            if (l.copied) {
              const ptrdiff_t at = -w.width.pad * static_cast<ptrdiff_t>(w.channels);
              write_run(line, static_cast<ptrdiff_t>(length), at, 0, 1, l.width, whole, 0);
              line = whole;
            }
            line += p;
          }
          deal(line, l.step, count, floats, rows, tiles + i * count * MR);
        }
        multiply({tiles, 0, 0}, kPacked, packed_dy, rows, floats, n, rows, sums + (f * l.filter + p) * n, n, nullptr,
                 first == begin ? kStoreNew : kStoreAdd);
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
  if (!plain(w) && padded(w) && !all_finite(dy, m * n)) return filter_grad_inside(w, n, x, dy, dfilter);
  if (plain(w) || k * n > kSmallFilter) return large_filter_grad(w, n, x, dy, dfilter);
  const bool by_line = by_lines(w) && w.width.out <= kBlock;
  const Lines l(w);
  const bool is_long = by_line && w.width.out >= kLongLine;
  // A block is some lines of outputs, or some outputs.
  const size_t block = by_line ? kBlock / w.width.out : kBlock, units = by_line ? m / w.width.out : m;
  const size_t each = parts(parts(units, kRuns), block) * block, runs = parts(units, each);
  float* partial = outer_scratch(runs * k * n);
  const size_t memory = is_long ? l.floats() : by_line ? l.width : kPiece * kBlock;
  reserve_scratch(packed_b_size(kBlock, n) + packed_a_size(kPiece, kBlock) + memory);
  parallel(runs, [&](size_t run, size_t worker) {
    const size_t begin = run * each, end = std::min(begin + each, units);
    float* sums = partial + run * k * n;
    if (is_long) add_long_lines(w, l, n, x, dy, begin, end, sums, scratch(worker));
    else if (by_line) add_lines(w, l, n, x, dy, begin, end, block, sums, scratch(worker));
    else add_run(w, n, x, dy, begin, end, sums, scratch(worker));
  });
  parallel(parts(k * n, 4096), [&](size_t task, size_t) {
    const size_t end = std::min((task + 1) * 4096, k * n);
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
