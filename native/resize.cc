// Images resized, cropped, rotated and normalized: each pixel of the result is one of the image, or lies between four.

#include <algorithm>

#include "bytes.h"
#include "sizes.h"
#include "table.h"
#include "window.h"

namespace VIT_ISA {
namespace {

using namespace vit;

struct Step {
  size_t low, high;
  float part;
  bool outside;
};
VIT_INLINE Step step_of(const Between& b, size_t box, size_t i) {
  const size_t at = (b.shared ? 0 : box * b.count) + i;
  if (b.low[at] < 0) return {0, 0, 0.0f, true};
  return {static_cast<size_t>(b.low[at]), static_cast<size_t>(b.high[at]), b.part[at], false};
}

VIT_INLINE void fill_floats(float* to, size_t count, float value) {
  for (size_t i = 0; i < count; ++i) to[i] = value;
}

// One row of a result from two of an image. The channels are known to the compiler where they are few.
template <size_t known>
VIT_INLINE void sample_row(const Sampling& s, size_t box, const Step& row, const float* image, float* to) {
  const size_t channels = known != 0 ? known : s.channels;
  const float* upper = image + row.low * s.width * channels;
  const float* lower = image + row.high * s.width * channels;
  for (size_t c = 0; c < s.columns.count; ++c, to += channels) {
    const Step column = step_of(s.columns, box, c);
    if (column.outside) {
      fill_floats(to, channels, s.fill);
      continue;
    }
    const float* a = upper + column.low * channels;
    if (s.nearest) {
      move_bytes(to, a, channels * sizeof(float));
      continue;
    }
    const float* b = upper + column.high * channels;
    const float* d = lower + column.low * channels;
    const float* e = lower + column.high * channels;
    for (size_t j = 0; j < channels; ++j) {
      const float top = a[j] + (b[j] - a[j]) * column.part;
      const float bottom = d[j] + (e[j] - d[j]) * column.part;
      to[j] = top + (bottom - top) * row.part;
    }
  }
}

}  // namespace

void sample(const Sampling& s, const float* x, float* out) {
  const size_t width = s.columns.count * s.channels;
  each_row(s.boxes * s.rows.count, 4 * width, [&](size_t at) {
    const size_t box = at / s.rows.count;
    const Step row = step_of(s.rows, box, at % s.rows.count);
    float* to = out + at * width;
    if (row.outside) return fill_floats(to, width, s.fill);
    const float* image = x + static_cast<size_t>(s.image[box]) * s.height * s.width * s.channels;
    if (s.channels == 1) sample_row<1>(s, box, row, image, to);
    else if (s.channels == 3) sample_row<3>(s, box, row, image, to);
    else if (s.channels == 4) sample_row<4>(s, box, row, image, to);
    else sample_row<0>(s, box, row, image, to);
  });
}

void sample_grad(const Sampling& s, const float* dy, float* dx) {
  const size_t width = s.width * s.channels;
  // A task has some rows of dx, and reads the rows of dy that lie between them.
  const size_t share = s.rows.count / (s.height == 0 ? 1 : s.height) + 1;
  size_t each = 65536 / ((width == 0 ? 1 : width) + 4 * share * s.columns.count * s.channels);
  if (each == 0) each = 1;
  const size_t blocks = ceil_div(s.height, each);
  parallel(s.boxes * blocks, [&](size_t task, size_t) {
    const size_t image = task / blocks, begin = task % blocks * each;
    const size_t end = std::min(s.height, begin + each);
    float* to = dx + image * s.height * width;
    fill_floats(to + begin * width, (end - begin) * width, 0.0f);
    for (size_t r = 0; r < s.rows.count; ++r) {
      const Step row = step_of(s.rows, 0, r);
      const auto mine = [=](size_t line) { return line >= begin && line < end; };
      const float* from = dy + (image * s.rows.count + r) * s.columns.count * s.channels;
      const auto add = [&](size_t line, float share_of_row) {
        for (size_t c = 0; c < s.columns.count; ++c) {
          const Step column = step_of(s.columns, 0, c);
          const float* g = from + c * s.channels;
          float* low = to + line * width + column.low * s.channels;
          if (s.nearest) {
            for (size_t j = 0; j < s.channels; ++j) low[j] += g[j];
            continue;
          }
          float* high = to + line * width + column.high * s.channels;
          const float left = share_of_row * (1.0f - column.part), right = share_of_row * column.part;
          for (size_t j = 0; j < s.channels; ++j) low[j] += g[j] * left;
          for (size_t j = 0; j < s.channels; ++j) high[j] += g[j] * right;
        }
      };
      if (mine(row.low)) add(row.low, 1.0f - row.part);
      if (!s.nearest && mine(row.high)) add(row.high, row.part);
    }
  });
}

void gather_pixels(size_t images, size_t pixels, size_t channels, size_t count, const int32_t* index, const float* fill,
                   const float* x, float* out) {
  const size_t each = items_for(16384, channels);
  const size_t blocks = ceil_div(count, each);
  parallel(images * blocks, [&](size_t task, size_t) {
    const size_t image = task / blocks, begin = task % blocks * each;
    const size_t end = std::min(count, begin + each);
    const float* from = x + image * pixels * channels;
    float* to = out + (image * count + begin) * channels;
    for (size_t i = begin; i < end; ++i, to += channels) {
      const float* pixel = index[i] < 0 ? fill : from + static_cast<size_t>(index[i]) * channels;
      for (size_t c = 0; c < channels; ++c) to[c] = pixel[c];
    }
  });
}

void normalize(size_t rows, size_t cols, const float* x, const float* mean, const float* factor, const float* offset,
               float* out) {
  const size_t each = items_for(16384, cols);
  parallel(ceil_div(rows, each), [&](size_t task, size_t) {
    const size_t end = std::min(rows, task * each + each);
    for (size_t row = task * each; row < end; ++row)
      each_part(cols, [&](size_t j, size_t n) {
        const vf centred = get(x + row * cols + j, n) - get(mean + j, n);
        const vf scaled = centred * get(factor + j, n);
        put(out + row * cols + j, offset == nullptr ? scaled : scaled + get(offset + j, n), n);
      });
  });
}

}  // namespace VIT_ISA
