// Images seen through a projection. This file is not contracted: where a place lies just between two pixels, a last bit
// decides.

#include <algorithm>

#include "table.h"
#include "window.h"

namespace VIT_ISA {
namespace {

using namespace vit;

// Pixels of a row whose places are worked out together.
constexpr size_t kPlaces = 128;

// NaN stays.
VIT_INLINE double held(double v, double last) { return v < 0.0 ? 0.0 : v > last ? last : v; }

VIT_INLINE double reflected(double v, double size) {
  const double period = 2.0 * size;
  if (v < 0.0) {
    if (size <= 1.0) return 0.0;
    v = period * trunc(-v / period) + v;
    v = v < -size ? v + period : -v - 1.0;
  } else if (v > size - 1.0) {
    if (size <= 1.0) return 0.0;
    v -= period * trunc(v / period);
    if (v >= size) v = period - v - 1.0;
  }
  return held(v, size - 1.0);
}

// TensorFlow.js counts periods of size - 1 and moves by size.
VIT_INLINE double wrapped_around(double v, double size) {
  const double last = size - 1.0;
  if (v < 0.0) v = size <= 1.0 ? 0.0 : v + size * (trunc(-v / last) + 1.0);
  else if (v > last) v = size <= 1.0 ? 0.0 : v - size * trunc(v / last);
  return held(v, last);
}

VIT_INLINE void into_image(Border border, size_t count, double size, double* places) {
  switch (border) {
    case kReflect:
      for (size_t i = 0; i < count; ++i) places[i] = reflected(places[i], size);
      return;
    case kWrap:
      for (size_t i = 0; i < count; ++i) places[i] = wrapped_around(places[i], size);
      return;
    case kNearest:
      for (size_t i = 0; i < count; ++i) places[i] = held(places[i], size - 1.0);
      return;
    default: return;
  }
}

// JavaScript's: halves are rounded up.
VIT_INLINE double round_up(double v) {
  const double low = floor(v);
  return v - low >= 0.5 ? low + 1.0 : low;
}

struct Image {
  const float* pixels;
  double height, width, fill;
  size_t line;  // floats of a row
};

template <size_t known>
VIT_INLINE void nearest_pixel(const Image& image, size_t count, double x, double y, float* to) {
  const size_t channels = known != 0 ? known : count;
  const double row = round_up(y), column = round_up(x);
  if (row >= 0.0 && row < image.height && column >= 0.0 && column < image.width) {
    const float* from = image.pixels + static_cast<size_t>(row) * image.line + static_cast<size_t>(column) * channels;
    for (size_t c = 0; c < channels; ++c) to[c] = from[c];
  } else {
    for (size_t c = 0; c < channels; ++c) to[c] = static_cast<float>(image.fill);
  }
}

template <size_t known>
VIT_INLINE void between_pixels(const Image& image, size_t count, double x, double y, float* to) {
  const size_t channels = known != 0 ? known : count;
  const double top = floor(y), left = floor(x), bottom = top + 1.0, right = left + 1.0;
  const double from_right = right - x, from_left = x - left, from_bottom = bottom - y, from_top = y - top;
  const auto mix = [=](double a, double b, double c, double d) {
    const double upper = from_right * a + from_left * b, lower = from_right * c + from_left * d;
    return static_cast<float>(from_bottom * upper + from_top * lower);
  };
  if (top >= 0.0 && bottom < image.height && left >= 0.0 && right < image.width) {
    const float* a = image.pixels + static_cast<size_t>(top) * image.line + static_cast<size_t>(left) * channels;
    const float* b = a + image.line;
    for (size_t c = 0; c < channels; ++c) {
      const auto at = [=](const float* p) { return static_cast<double>(p[c]); };
      to[c] = mix(at(a), at(a + channels), at(b), at(b + channels));
    }
    return;
  }
  const auto pixel = [&](double row, double column) -> const float* {
    if (!(row >= 0.0 && row < image.height && column >= 0.0 && column < image.width)) return nullptr;
    return image.pixels + static_cast<size_t>(row) * image.line + static_cast<size_t>(column) * channels;
  };
  const float* const corners[] = {pixel(top, left), pixel(top, right), pixel(bottom, left), pixel(bottom, right)};
  for (size_t c = 0; c < channels; ++c) {
    const auto at = [&](size_t corner) {
      return corners[corner] == nullptr ? image.fill : static_cast<double>(corners[corner][c]);
    };
    to[c] = mix(at(0), at(1), at(2), at(3));
  }
}

template <size_t known>
VIT_INLINE void transform_row(const Projection& p, const Image& image, const float* map, size_t row, float* to) {
  const size_t channels = known != 0 ? known : p.channels;
  double m[8];
  for (size_t i = 0; i < 8; ++i) m[i] = static_cast<double>(map[i]);
  const bool flat = m[6] == 0.0 && m[7] == 0.0;
  const double y = static_cast<double>(row);
  double xs[kPlaces], ys[kPlaces], ks[kPlaces];
  for (size_t begin = 0; begin < p.out_width; begin += kPlaces) {
    const size_t n = std::min(p.out_width - begin, kPlaces);
    for (size_t i = 0; i < n; ++i) {
      const double x = static_cast<double>(begin + i);
      xs[i] = m[0] * x + m[1] * y + m[2];
      ys[i] = m[3] * x + m[4] * y + m[5];
      ks[i] = m[6] * x + m[7] * y + 1.0;
    }
    if (!flat)
      for (size_t i = 0; i < n; ++i) xs[i] /= ks[i], ys[i] /= ks[i];
    into_image(p.border, n, image.width, xs);
    into_image(p.border, n, image.height, ys);
    for (size_t i = 0; i < n; ++i, to += channels) {
      if (ks[i] == 0.0) {
        for (size_t c = 0; c < channels; ++c) to[c] = static_cast<float>(p.fill);
      } else if (p.bilinear) {
        between_pixels<known>(image, channels, xs[i], ys[i], to);
      } else {
        nearest_pixel<known>(image, channels, xs[i], ys[i], to);
      }
    }
  }
}

}  // namespace

void transform(const Projection& p, const float* x, float* out) {
  const size_t width = p.out_width * p.channels;
  each_row(p.batch * p.out_height, 4 * width, [&](size_t at) {
    const size_t b = at / p.out_height, row = at % p.out_height;
    const Image image = {x + b * p.height * p.width * p.channels, static_cast<double>(p.height),
                         static_cast<double>(p.width), p.fill, p.width * p.channels};
    const float* map = p.maps + (p.shared ? 0 : 8 * b);
    float* to = out + at * width;
    if (p.channels == 1) transform_row<1>(p, image, map, row, to);
    else if (p.channels == 3) transform_row<3>(p, image, map, row, to);
    else if (p.channels == 4) transform_row<4>(p, image, map, row, to);
    else transform_row<0>(p, image, map, row, to);
  });
}

}  // namespace VIT_ISA
