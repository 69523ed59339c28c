// Convolution of each channel by itself, and its gradients. Vectors over channels, tasks over rows.

#include "sizes.h"
#include "table.h"
#include "window.h"

namespace VIT_ISA {
namespace {

using namespace vit;

// Pixels that are summed side by side, so that a vector of the filter is read once for all.
constexpr size_t kPixels = 8;
// Runs of rows that a gradient of the filter is cut into, at most.
constexpr size_t kRuns = 64;

// The outputs whose taps all lie inside.
Range whole_windows(const Axis& a) {
  size_t begin = 0, end = a.out;
  const auto all = [&](size_t o) {
    const Range r = inside(a, o);
    return r.end - r.begin == a.filter;
  };
  while (begin < end && !all(begin)) ++begin;
  while (end > begin && !all(end - 1)) --end;
  return {begin, end};
}

}  // namespace

void depthwise(const Window& w, const float* x, const float* filter, const float* bias, Clamp clamp, float* out) {
  const size_t channels = w.channels;
  const std::vector<Range> columns = all_inside(w.width);
  const Range whole = whole_windows(w.width);
  const size_t step = w.width.dilation * channels, stride = w.width.stride * channels;
  const size_t line_step = w.height.dilation * w.width.in * channels;
  const vf low = set1(clamp.low), high = set1(clamp.high);
  each_row(w.batch * w.height.out, w.width.out * channels * w.taps(), [&](size_t row) {
    const size_t oh = row % w.height.out;
    const Range lines = inside(w.height, oh);
    const float* image = x + row / w.height.out * w.in_pixels() * channels;
    const auto line_of = [&](size_t fh) {
      const ptrdiff_t line = start_of(w.height, oh) + static_cast<ptrdiff_t>(fh * w.height.dilation);
      return image + static_cast<size_t>(line) * w.width.in * channels;
    };
    float* to = out + row * w.width.out * channels;
    const auto one = [&](size_t ow) {
      each_part(channels, [&](size_t j, size_t n) {
        vf sum = bias == nullptr ? set1(0.0f) : get(bias + j, n);
        for (size_t fh = lines.begin; fh < lines.end; ++fh) {
          const float* weights = filter + fh * w.width.filter * channels + j;
          for (size_t fw = columns[ow].begin; fw < columns[ow].end; ++fw) {
            const ptrdiff_t column = start_of(w.width, ow) + static_cast<ptrdiff_t>(fw * w.width.dilation);
            sum += get(line_of(fh) + static_cast<size_t>(column) * channels + j, n) * get(weights + fw * channels, n);
          }
        }
        put(to + ow * channels + j, clamped(sum, low, high), n);
      });
    };
    size_t ow = 0;
    for (; ow < whole.begin; ++ow) one(ow);
    for (; ow < whole.end && whole.end - whole.begin >= kPixels; ow += kPixels) {
      // The last are done again where they do not fill a block.
      if (ow + kPixels > whole.end) ow = whole.end - kPixels;
      const float* corner = image;
      if (lines.begin < lines.end)
        corner = line_of(lines.begin) + static_cast<size_t>(start_of(w.width, ow)) * channels;
      const float* weights = filter + lines.begin * w.width.filter * channels;
      each_part(channels, [&](size_t j, size_t n) {
        const vf first = bias == nullptr ? set1(0.0f) : get(bias + j, n);
        vf sum[kPixels];
#pragma GCC unroll 8
        for (size_t p = 0; p < kPixels; ++p) sum[p] = first;
        const float* weight_at = weights + j;
        const float* line = corner + j;
        for (size_t fh = lines.begin; fh < lines.end; ++fh, line += line_step) {
          const float* at = line;
          for (size_t fw = 0; fw < w.width.filter; ++fw, at += step, weight_at += channels) {
            const vf weight = get(weight_at, n);
            if (n == VL) {
#pragma GCC unroll 8
              for (size_t p = 0; p < kPixels; ++p) sum[p] += load(at + p * stride) * weight;
            } else {
#pragma GCC unroll 8
              for (size_t p = 0; p < kPixels; ++p) sum[p] += load_n(at + p * stride, n) * weight;
            }
          }
        }
#pragma GCC unroll 8
        for (size_t p = 0; p < kPixels; ++p) put(to + (ow + p) * channels + j, clamped(sum[p], low, high), n);
      });
    }
    for (; ow < w.width.out; ++ow) one(ow);
  });
}

void depthwise_input_grad(const Window& w, const float* dy, const float* filter, float* dx) {
  const size_t channels = w.channels;
  sum_sights(w, 1.0f, dx, [=](size_t out, size_t tap, size_t, size_t j, size_t n) {
    return get(dy + out * channels + j, n) * get(filter + tap * channels + j, n);
  });
}

void depthwise_filter_grad(const Window& w, const float* x, const float* dy, float* dfilter) {
  const size_t channels = w.channels, rows = w.batch * w.height.out, size = w.taps() * channels;
  // Outputs of which a tap lies inside.
  std::vector<Range> seen(w.width.filter);
  const std::vector<Range> columns = all_inside(w.width);
  for (size_t fw = 0; fw < w.width.filter; ++fw) {
    Range& r = seen[fw] = {0, w.width.out};
    const auto sees = [&](size_t o) { return columns[o].begin <= fw && fw < columns[o].end; };
    while (r.begin < r.end && !sees(r.begin)) ++r.begin;
    while (r.end > r.begin && !sees(r.end - 1)) --r.end;
  }
  size_t each = ceil_div(rows, kRuns);
  const size_t cost = w.width.out * size;
  if (each * cost < 65536) each = 65536 / (cost == 0 ? 1 : cost) + 1;
  const size_t runs = ceil_div(rows, each);
  float* partial = shared_scratch(runs * size);
  parallel(runs, [&](size_t run, size_t) {
    float* sums = partial + run * size;
    for (size_t i = 0; i < size; ++i) sums[i] = 0.0f;
    for (size_t row = run * each; row < rows && row < (run + 1) * each; ++row) {
      const size_t oh = row % w.height.out;
      const Range lines = inside(w.height, oh);
      for (size_t fh = lines.begin; fh < lines.end; ++fh) {
        const ptrdiff_t line = start_of(w.height, oh) + static_cast<ptrdiff_t>(fh * w.height.dilation);
        const float* from = x + (row / w.height.out * w.height.in + static_cast<size_t>(line)) * w.width.in * channels;
        for (size_t fw = 0; fw < w.width.filter; ++fw) {
          const Range r = seen[fw];
          if (r.begin == r.end) continue;
          const ptrdiff_t column = start_of(w.width, r.begin) + static_cast<ptrdiff_t>(fw * w.width.dilation);
          const size_t stride = w.width.stride * channels;
          each_part(channels, [&](size_t j, size_t n) {
            const float* a = from + static_cast<size_t>(column) * channels + j;
            const float* b = dy + (row * w.width.out + r.begin) * channels + j;
            vf sum[4] = {set1(0.0f), set1(0.0f), set1(0.0f), set1(0.0f)};
            size_t o = r.begin;
            for (; o + 4 <= r.end; o += 4, a += 4 * stride, b += 4 * channels)
#pragma GCC unroll 4
              for (size_t p = 0; p < 4; ++p) sum[p] += get(a + p * stride, n) * get(b + p * channels, n);
            for (; o < r.end; ++o, a += stride, b += channels) sum[0] += get(a, n) * get(b, n);
            float* to = sums + (fh * w.width.filter + fw) * channels + j;
            put(to, get(to, n) + ((sum[0] + sum[1]) + (sum[2] + sum[3])), n);
          });
        }
      }
    }
  });
  for (size_t i = 0; i < size; ++i) {
    double sum = 0;
    for (size_t run = 0; run < runs; ++run) sum += static_cast<double>(partial[run * size + i]);
    dfilter[i] = static_cast<float>(sum);
  }
}

}  // namespace VIT_ISA
