// Grayscale dilation, the maximum of what a window sees plus the filter there, and its gradients, which go to the
// places of the maxima.

#include <algorithm>

#include "sizes.h"
#include "table.h"
#include "window.h"

namespace VIT_ISA {
namespace {

using namespace vit;

// TensorFlow.js begins its maxima here.
constexpr int64_t kLeast = -((int64_t{1} << 53) - 1);
// Channels of integers at a time.
constexpr size_t kTile = 64;
constexpr size_t kRuns = 64;

// Half a vector of floats, in float64 as many bytes as a vector, and what comparisons of these give.
constexpr size_t kHalf = VL / 2;
typedef float vh __attribute__((vector_size(kHalf * 4)));
typedef double vd __attribute__((vector_size(kHalf * 8)));
typedef int64_t vl __attribute__((vector_size(kHalf * 8)));

VIT_INLINE vd wide(const float* p, size_t n) {
  vh half = {};
  if (n == kHalf) memcpy(&half, p, sizeof half);
  else memcpy(&half, p, n * sizeof(float));
  return __builtin_convertvector(half, vd);
}

VIT_INLINE size_t cost_of(const Window& w) { return w.width.out * w.channels * w.taps(); }

// The place of a tap that lies inside.
VIT_INLINE size_t place(const Axis& a, size_t out, size_t tap) {
  return static_cast<size_t>(start_of(a, out) + static_cast<ptrdiff_t>(tap * a.dilation));
}

// body(elements of x, elements of the filter) for every tap of an output that lies inside; both begin at the first
// channel.
template <typename Body>
VIT_INLINE void each_tap(const Window& w, size_t row, Range lines, size_t column, Range columns, const Body& body) {
  const size_t image = row / w.height.out, oh = row % w.height.out;
  for (size_t fh = lines.begin; fh < lines.end; ++fh) {
    const size_t line = (image * w.height.in + place(w.height, oh, fh)) * w.width.in;
    for (size_t fw = columns.begin; fw < columns.end; ++fw)
      body((line + place(w.width, column, fw)) * w.channels, (fh * w.width.filter + fw) * w.channels);
  }
}

template <size_t V>
VIT_INLINE void dilate_vectors(const Window& w, size_t row, Range lines, size_t column, Range columns, const float* x,
                               const float* filter, size_t n, float* to) {
  vf best[V];
  for (size_t v = 0; v < V; ++v) best[v] = set1(static_cast<float>(kLeast));
  each_tap(w, row, lines, column, columns, [&](size_t at, size_t tap) {
#pragma GCC unroll 4
    for (size_t v = 0; v < V; ++v)
      best[v] = V > 1 ? max_v(best[v], load(x + at + v * VL) + load(filter + tap + v * VL))
                      : max_v(best[v], get(x + at, n) + get(filter + tap, n));
  });
#pragma GCC unroll 4
  for (size_t v = 0; v < V; ++v)
    if (V > 1) store(to + v * VL, best[v]);
    else put(to, best[v], n);
}

// places[i] of each element of a row of outputs: the first tap with the largest sum, or (pixels) its pixel of the
// image. Where no sum counts that is tap 0, or the pixel where the window begins within the image.
template <bool pixels>
void find_places(const Window& w, size_t row, const std::vector<Range>& columns, const float* x, const float* filter,
                 int32_t* places) {
  const size_t image = row / w.height.out * w.in_pixels(), oh = row % w.height.out;
  const Range lines = inside(w.height, oh);
  const auto begin = [](const Axis& a, size_t out) {
    return start_of(a, out) < 0 ? 0 : static_cast<int64_t>(start_of(a, out));
  };
  for (size_t ow = 0; ow < w.width.out; ++ow) {
    const int64_t none = pixels ? begin(w.height, oh) * static_cast<int64_t>(w.width.in) + begin(w.width, ow) : 0;
    int32_t* to = places + ow * w.channels;
    for (size_t j = 0; j < w.channels; j += kHalf) {
      const size_t n = std::min(w.channels - j, kHalf);
      vd best = vd{} + static_cast<double>(kLeast);
      vl found = vl{} + none;
      each_tap(w, row, lines, ow, columns[ow], [&](size_t at, size_t tap) {
        const vd sum = wide(x + at + j, n) + wide(filter + tap + j, n);
        const vl better = sum > best;
        best = better ? sum : best;
        found = better ? vl{} + static_cast<int64_t>(pixels ? at / w.channels - image : tap / w.channels) : found;
      });
      for (size_t i = 0; i < n; ++i) to[j + i] = static_cast<int32_t>(found[i]);
    }
  }
}

}  // namespace

void dilate(const Window& w, const float* x, const float* filter, float* out) {
  const std::vector<Range> columns = all_inside(w.width);
  each_row(w.batch * w.height.out, cost_of(w), [&](size_t row) {
    const Range lines = inside(w.height, row % w.height.out);
    for (size_t ow = 0; ow < w.width.out; ++ow) {
      float* to = out + (row * w.width.out + ow) * w.channels;
      size_t j = 0;
      for (; j + 4 * VL <= w.channels; j += 4 * VL)
        dilate_vectors<4>(w, row, lines, ow, columns[ow], x + j, filter + j, VL, to + j);
      for (; j < w.channels; j += VL)
        dilate_vectors<1>(w, row, lines, ow, columns[ow], x + j, filter + j, std::min(w.channels - j, VL), to + j);
    }
  });
}

void dilate_ints(const Window& w, const int32_t* x, const int32_t* filter, int32_t* out) {
  const std::vector<Range> columns = all_inside(w.width);
  each_row(w.batch * w.height.out, cost_of(w), [&](size_t row) {
    const Range lines = inside(w.height, row % w.height.out);
    for (size_t ow = 0; ow < w.width.out; ++ow)
      for (size_t j = 0; j < w.channels; j += kTile) {
        const size_t n = std::min(w.channels - j, kTile);
        int64_t best[kTile];
        for (size_t i = 0; i < n; ++i) best[i] = kLeast;
        each_tap(w, row, lines, ow, columns[ow], [&](size_t at, size_t tap) {
          for (size_t i = 0; i < n; ++i) {
            const int64_t sum = static_cast<int64_t>(x[at + j + i]) + filter[tap + j + i];
            best[i] = sum > best[i] ? sum : best[i];
          }
        });
        int32_t* to = out + (row * w.width.out + ow) * w.channels + j;
        for (size_t i = 0; i < n; ++i) to[i] = static_cast<int32_t>(static_cast<uint32_t>(best[i]));
      }
  });
}

void dilate_input_grad(const Window& w, const float* x, const float* filter, const float* dy, float* dx) {
  const size_t channels = w.channels, width = w.width.in, out_line = w.width.out * channels;
  const std::vector<Range> columns = all_inside(w.width);
  // A task has some rows of dx, and looks at every window that reaches into them; those at its edges are looked at
  // twice.
  const size_t reach = (w.height.filter - 1) * w.height.dilation + 1;
  const size_t cost = cost_of(w) / w.height.stride + width * channels;
  size_t each = 65536 / (cost == 0 ? 1 : cost) + 1;
  each = std::max(each, 4 * reach);
  const size_t blocks = ceil_div(w.height.in, each);
  reserve_scratch(out_line);
  parallel(w.batch * blocks, [&](size_t task, size_t worker) {
    int32_t* places = reinterpret_cast<int32_t*>(scratch(worker));
    const size_t image = task / blocks, first = task % blocks * each;
    const size_t end = std::min(w.height.in, first + each);
    float* to = dx + image * w.in_pixels() * channels;
    for (size_t i = first * width * channels; i < end * width * channels; ++i) to[i] = 0.0f;
    for (size_t oh = 0; oh < w.height.out; ++oh) {
      const ptrdiff_t start = start_of(w.height, oh);
      if (start >= static_cast<ptrdiff_t>(end)) break;
      if (start + static_cast<ptrdiff_t>(reach) <= static_cast<ptrdiff_t>(first) && first > 0) continue;
      const size_t row = image * w.height.out + oh;
      find_places<true>(w, row, columns, x, filter, places);
      const float* from = dy + row * out_line;
      for (size_t ow = 0; ow < w.width.out; ++ow)
        for (size_t c = 0; c < channels; ++c) {
          const size_t pixel = static_cast<size_t>(places[ow * channels + c]);
          if (pixel >= first * width && pixel < end * width) to[pixel * channels + c] += from[ow * channels + c];
        }
    }
  });
}

void dilate_filter_grad(const Window& w, const float* x, const float* filter, const float* dy, float* dfilter) {
  const size_t channels = w.channels, rows = w.batch * w.height.out, size = w.taps() * channels,
               out_line = w.width.out * channels;
  const std::vector<Range> columns = all_inside(w.width);
  const size_t cost = cost_of(w);
  size_t each = ceil_div(rows, kRuns);
  if (each * cost < 65536) each = 65536 / (cost == 0 ? 1 : cost) + 1;
  const size_t runs = ceil_div(rows, each);
  float* partial = shared_scratch(runs * size);
  reserve_scratch(out_line);
  parallel(runs, [&](size_t run, size_t worker) {
    int32_t* places = reinterpret_cast<int32_t*>(scratch(worker));
    float* sums = partial + run * size;
    for (size_t i = 0; i < size; ++i) sums[i] = 0.0f;
    for (size_t row = run * each; row < rows && row < (run + 1) * each; ++row) {
      find_places<false>(w, row, columns, x, filter, places);
      const float* from = dy + row * out_line;
      for (size_t ow = 0; ow < w.width.out; ++ow)
        for (size_t c = 0; c < channels; ++c)
          sums[static_cast<size_t>(places[ow * channels + c]) * channels + c] += from[ow * channels + c];
    }
  });
  for (size_t i = 0; i < size; ++i) {
    double sum = 0.0;
    for (size_t run = 0; run < runs; ++run) sum += static_cast<double>(partial[run * size + i]);
    dfilter[i] = static_cast<float>(sum);
  }
}

}  // namespace VIT_ISA
