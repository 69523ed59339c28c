// The parts that kernels on images share: the taps inside an image, and sums over the outputs that see a pixel.
// Included only by files that are compiled once for each instruction set. Vectors hold types of this namespace alone:
// code for std::vector<size_t> might be joined with that of another instruction set.
#pragma once

#include <algorithm>
#include <vector>

#include "parallel.h"
#include "simd.h"
#include "sizes.h"
#include "spatial.h"

namespace VIT_ISA {

struct Range {
  size_t begin, end;
};
// The place of the first tap of an output.
VIT_INLINE ptrdiff_t start_of(const vit::Axis& a, size_t out) { return static_cast<ptrdiff_t>(out * a.stride) - a.pad; }
// The taps of an output that lie inside.
VIT_INLINE Range inside(const vit::Axis& a, size_t out) {
  const ptrdiff_t start = start_of(a, out);
  const ptrdiff_t in = static_cast<ptrdiff_t>(a.in), step = static_cast<ptrdiff_t>(a.dilation);
  const size_t begin = start >= 0 ? 0 : static_cast<size_t>((step - 1 - start) / step);
  const size_t end = start >= in ? 0 : std::min(static_cast<size_t>((in - start + step - 1) / step), a.filter);
  return {std::min(begin, end), end};
}
inline std::vector<Range> all_inside(const vit::Axis& a) {
  std::vector<Range> all(a.out);
  for (size_t o = 0; o < a.out; ++o) all[o] = inside(a, o);
  return all;
}

// An output that sees a place, and the tap it sees it through.
struct Sight {
  size_t out, tap;
};
// The taps of each place of an axis, in the order of the outputs.
struct Sights {
  std::vector<Sight> all;
  std::vector<Range> places;

  explicit Sights(const vit::Axis& a) : places(a.in) {
    for (size_t i = 0; i < a.in; ++i) {
      places[i].begin = all.size();
      const ptrdiff_t reach = static_cast<ptrdiff_t>(i) + a.pad;
      const size_t taps = reach < 0 ? 0 : static_cast<size_t>(reach) / a.dilation + 1;
      for (size_t f = std::min(taps, a.filter); f-- > 0;) {
        const size_t at = static_cast<size_t>(reach) - f * a.dilation;
        if (at % a.stride == 0 && at / a.stride < a.out) all.push_back({at / a.stride, f});
      }
      places[i].end = all.size();
    }
  }
  const Sight* first(size_t i) const { return all.data() + places[i].begin; }
  const Sight* last(size_t i) const { return all.data() + places[i].end; }
};

// Between low and high; NaN stays.
VIT_INLINE vf clamped(vf v, vf low, vf high) {
  const vf up = v <= low ? low : v;
  return up >= high ? high : up;
}

// body(row) for 0 … rows - 1 in parallel, where a row costs so many loads: about 65,536 of them a task.
template <typename Body>
VIT_INLINE void each_row(size_t rows, size_t cost, const Body& body) {
  const size_t each = items_for(65536, cost);
  vit::parallel(ceil_div(rows, each), [&](size_t task, size_t) {
    const size_t end = std::min(rows, task * each + each);
    for (size_t row = task * each; row < end; ++row) body(row);
  });
}

// dx = Σ term(output pixel of the batch, tap, pixel of the image, channel, lanes), a vector of channels.
template <typename Term>
VIT_INLINE void sum_sights(const vit::Window& w, float factor, float* dx, const Term& term) {
  const Sights planes(w.depth), lines(w.height), columns(w.width);
  const size_t rows = w.batch * w.depth.in * w.height.in;
  const size_t per_place =
      (columns.all.size() * lines.all.size() / (w.width.in * w.height.in + 1) + 1) * w.depth.filter;
  each_row(rows, w.width.in * w.channels * per_place, [&](size_t row) {
    const size_t line = row % w.height.in;
    const size_t plane = row / w.height.in % w.depth.in;
    const size_t image = row / w.height.in / w.depth.in;
    for (size_t column = 0; column < w.width.in; ++column) {
      const size_t pixel = (plane * w.height.in + line) * w.width.in + column;
      float* to = dx + (row * w.width.in + column) * w.channels;
      const Sight* const end = columns.last(column);
      each_part(w.channels, [&](size_t j, size_t n) {
        vf sum = set1(0.0f);
        for (const Sight* d = planes.first(plane); d < planes.last(plane); ++d)
          for (const Sight* h = lines.first(line); h < lines.last(line); ++h) {
            const size_t out = ((image * w.depth.out + d->out) * w.height.out + h->out) * w.width.out;
            const size_t tap = (d->tap * w.height.filter + h->tap) * w.width.filter;
            for (const Sight* c = columns.first(column); c < end; ++c)
              sum += term(out + c->out, tap + c->tap, pixel, j, n);
          }
        put(to + j, sum * set1(factor), n);
      });
    }
  });
}

}  // namespace VIT_ISA
