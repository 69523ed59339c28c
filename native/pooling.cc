// Maxima and means of what a window sees, and their gradients. Vectors over channels, tasks over rows of the result.

#include <algorithm>

#include "table.h"
#include "window.h"

namespace VIT_ISA {
namespace {

using namespace vit;

// The taps of one output pixel that a task needs: the first of its taps that lie inside, how many there are, and their
// steps.
struct Seen {
  const float* first;
  size_t depth, height, width;
  size_t depth_step, height_step, width_step;
  size_t pixel, pixel_of_depth, pixel_of_height, pixel_of_width;
};

// body(output pixel of the batch, image, what it sees).
template <typename Body>
VIT_INLINE void each_output(const Window& w, const float* x, const Body& body) {
  const std::vector<Range> columns = all_inside(w.width);
  const size_t line = w.width.in * w.channels, plane = w.height.in * line;
  each_row(w.batch * w.depth.out * w.height.out, w.width.out * w.channels * w.taps(), [&](size_t row) {
    const size_t oh = row % w.height.out, od = row / w.height.out % w.depth.out;
    const size_t image = row / w.height.out / w.depth.out;
    const Range d = inside(w.depth, od), h = inside(w.height, oh);
    const auto place = [](const Axis& a, size_t out, size_t tap) {
      return static_cast<size_t>(start_of(a, out) + static_cast<ptrdiff_t>(tap * a.dilation));
    };
    for (size_t ow = 0; ow < w.width.out; ++ow) {
      const Range c = columns[ow];
      Seen seen{x,
                d.end - d.begin,
                h.end - h.begin,
                c.end - c.begin,
                w.depth.dilation * plane,
                w.height.dilation * line,
                w.width.dilation * w.channels,
                0,
                w.depth.dilation * w.height.in * w.width.in,
                w.height.dilation * w.width.in,
                w.width.dilation};
      if (seen.depth * seen.height * seen.width == 0) seen.depth = 0;
      else {
        seen.pixel = (place(w.depth, od, d.begin) * w.height.in + place(w.height, oh, h.begin)) * w.width.in +
                     place(w.width, ow, c.begin);
        seen.first = x + (image * w.in_pixels() + seen.pixel) * w.channels;
      }
      body(row * w.width.out + ow, image, seen);
    }
  });
}

template <Pool op, size_t V>
VIT_INLINE void pool_vectors(const Seen& s, size_t j, size_t n, float* out) {
  const vf none = set1(op == kMaxPool ? -HUGE_VALF : 0.0f);
  vf all[V];
  for (size_t v = 0; v < V; ++v) all[v] = none;
  for (size_t d = 0; d < s.depth; ++d)
    for (size_t h = 0; h < s.height; ++h) {
      const float* at = s.first + d * s.depth_step + h * s.height_step + j;
      if (op == kMaxPool) {
        for (size_t c = 0; c < s.width; ++c, at += s.width_step)
#pragma GCC unroll 4
          for (size_t v = 0; v < V; ++v) all[v] = max_v(all[v], V > 1 ? load(at + v * VL) : get(at, n));
      } else {
        vf sum[V];
        for (size_t v = 0; v < V; ++v) sum[v] = none;
        for (size_t c = 0; c < s.width; ++c, at += s.width_step)
#pragma GCC unroll 4
          for (size_t v = 0; v < V; ++v) sum[v] += V > 1 ? load(at + v * VL) : get(at, n);
        for (size_t v = 0; v < V; ++v) all[v] += sum[v];
      }
    }
  const size_t count = s.depth * s.height * s.width;
  const vf divisor = set1(static_cast<float>(op == kMeanOrZeroPool && count == 0 ? 1 : count));
#pragma GCC unroll 4
  for (size_t v = 0; v < V; ++v) {
    const vf result = op == kMaxPool ? all[v] : all[v] / divisor;
    if (V > 1) store(out + j + v * VL, result);
    else put(out + j, result, n);
  }
}

template <Pool op>
void pool_of(const Window& w, const float* x, float* out) {
  each_output(w, x, [&](size_t pixel, size_t, const Seen& seen) {
    float* to = out + pixel * w.channels;
    size_t j = 0;
    for (; j + 4 * VL <= w.channels; j += 4 * VL) pool_vectors<op, 4>(seen, j, VL, to);
    for (; j < w.channels; j += VL) pool_vectors<op, 1>(seen, j, std::min(w.channels - j, VL), to);
  });
}

VIT_INLINE vi whole(size_t value) { return vi{} + static_cast<int32_t>(value); }
VIT_INLINE vi lane_numbers() {
  vi index;
#pragma GCC unroll 16
  for (size_t i = 0; i < VL; ++i) index[i] = static_cast<int32_t>(i);
  return index;
}

template <bool last>
void positions_of(Position kind, const Window& w, const float* x, int32_t* positions) {
  const size_t scale = kind == kPixel ? 1 : w.channels;
  each_output(w, x, [&](size_t pixel, size_t image, const Seen& s) {
    int32_t* to = positions + pixel * w.channels;
    const size_t base = s.pixel + (kind == kElementOfBatch ? image * w.in_pixels() : 0);
    each_part(w.channels, [&](size_t j, size_t n) {
      const vi lanes = kind == kPixel ? whole(0) : whole(j) + lane_numbers();
      vf best = set1(-HUGE_VALF);
      vi found = whole(0) - 1;
      for (size_t d = 0; d < s.depth; ++d)
        for (size_t h = 0; h < s.height; ++h) {
          const float* at = s.first + d * s.depth_step + h * s.height_step + j;
          size_t place = base + d * s.pixel_of_depth + h * s.pixel_of_height;
          for (size_t c = 0; c < s.width; ++c, at += s.width_step, place += s.pixel_of_width) {
            const vf value = get(at, n);
            const vi better = last ? value >= best : value > best;
            best = better ? value : best;
            found = better ? whole(place * scale) + lanes : found;
          }
        }
      memcpy(to + j, &found, n * sizeof(int32_t));
    });
  });
}

VIT_INLINE vi ints(const int32_t* p, size_t n) { return as_int(get(reinterpret_cast<const float*>(p), n)); }

}  // namespace

void pool(Pool op, const Window& w, const float* x, float* out) {
  if (op == kMaxPool) pool_of<kMaxPool>(w, x, out);
  if (op == kMeanPool) pool_of<kMeanPool>(w, x, out);
  if (op == kMeanOrZeroPool) pool_of<kMeanOrZeroPool>(w, x, out);
}

void pool_positions(Position kind, bool last, const Window& w, const float* x, int32_t* positions) {
  if (last) positions_of<true>(kind, w, x, positions);
  else positions_of<false>(kind, w, x, positions);
}

void pool_grad(const Window& w, const int32_t* positions, const float* dy, float factor, float* dx) {
  const size_t channels = w.channels;
  if (positions == nullptr)
    return sum_sights(w, factor, dx,
                      [=](size_t out, size_t, size_t, size_t j, size_t n) { return get(dy + out * channels + j, n); });
  sum_sights(w, factor, dx, [=](size_t out, size_t, size_t pixel, size_t j, size_t n) {
    const vi chosen = ints(positions + out * channels + j, n) == whole(pixel);
    return as_float(as_int(get(dy + out * channels + j, n)) & chosen);
  });
}

}  // namespace VIT_ISA
