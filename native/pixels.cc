// Pillow's resampling and affine maps. This file is not contracted: a level is truncated, and must be that of Pillow.

#include "pixels.h"

#include <math.h>
#include <string.h>

#include <algorithm>
#include <vector>

namespace VIT_ISA {
namespace {

using namespace vit;

// Target pixels whose columns are summed at a time, so that the sums stay in the cache.
constexpr size_t kColumnBlock = 512;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

inline uint8_t level_of(int32_t sum) {
  const int32_t level = sum >> kWeightBits;
  return static_cast<uint8_t>(std::min(255, std::max(0, level)));
}

template <size_t channels>
void row_pixel(const uint8_t* from, const int32_t* weights, size_t taps, uint8_t* out) {
  int32_t sums[channels];
  for (size_t c = 0; c < channels; ++c) sums[c] = kHalf;
  for (size_t k = 0; k < taps; ++k)
    for (size_t c = 0; c < channels; ++c) sums[c] += weights[k] * from[k * channels + c];
  for (size_t c = 0; c < channels; ++c) out[c] = level_of(sums[c]);
}

typedef uint8_t Bytes16 __attribute__((vector_size(16)));

// Rows that are summed side by side: their pixels of one place are neighbours in a vector, with one weight for all.
constexpr size_t kRows = 16;
// Target pixels of a row at a time.
constexpr size_t kPixels = 64;
// Bytes of the source of so many pixels; where windows are wider, a row is summed by itself.
constexpr size_t kMostSource = 1 << 18;

// 16 rows of 16 bytes become 16 columns: four rounds that interleave the upper half of the rows with the lower one.
void transpose(const uint8_t* from, size_t from_stride, uint8_t* to, size_t to_stride) {
  Bytes16 a[16], b[16];
  for (size_t y = 0; y < 16; ++y) memcpy(&a[y], from + y * from_stride, 16);
  for (int round = 0; round < 4; ++round) {
    for (size_t y = 0; y < 8; ++y) {
      b[2 * y] = __builtin_shufflevector(a[y], a[y + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      b[2 * y + 1] =
          __builtin_shufflevector(a[y], a[y + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    memcpy(a, b, sizeof a);
  }
  for (size_t y = 0; y < 16; ++y) memcpy(to + y * to_stride, &a[y], 16);
}

// The bytes [begin, end) of 16 rows, byte after byte: to [end − begin, 16].
void gather_rows(const uint8_t* const* rows, size_t stride, size_t begin, size_t end, uint8_t* to) {
  size_t x = begin;
  if (stride != 0)
    for (; x + 16 <= end; x += 16) transpose(rows[0] + x, stride, to + (x - begin) * kRows, kRows);
  for (; x < end; ++x)
    for (size_t y = 0; y < kRows; ++y) to[(x - begin) * kRows + y] = rows[y][x];
}

// One target pixel of 16 rows. from [taps, channels, 16], out [channels, 16]. GCC 12 makes vectors of these loops, and
// single numbers of its own conversions of vectors.
template <size_t lanes>
void pixel_of_rows(const uint8_t* __restrict from, const int32_t* __restrict weights, size_t taps,
                   uint8_t* __restrict out) {
  int32_t sums[lanes];
  for (size_t x = 0; x < lanes; ++x) sums[x] = kHalf;
  for (size_t k = 0; k < taps; ++k, from += lanes) {
    const int32_t weight = weights[k];
    for (size_t x = 0; x < lanes; ++x) sums[x] += weight * from[x];
  }
  for (size_t x = 0; x < lanes; ++x) out[x] = level_of(sums[x]);
}

template <size_t channels>
void rows_of(const Resample& r, const uint8_t* data, size_t height, size_t width, uint8_t* out) {
  const size_t row = width * channels, out_row = r.count * channels;
  uint8_t summed[kPixels * channels * kRows];
  std::vector<uint8_t> source;
  for (size_t y = 0; y < height; y += kRows) {
    const size_t there = std::min(kRows, height - y);
    // The last block repeats its last row.
    const uint8_t* rows[kRows];
    for (size_t k = 0; k < kRows; ++k) rows[k] = data + (y + std::min(k, there - 1)) * row;
    const bool is_whole = there == kRows;
    for (size_t i = 0; i < r.count; i += kPixels) {
      const size_t pixels = std::min(kPixels, r.count - i);
      const auto [low, high] = std::minmax_element(r.firsts + i, r.firsts + i + pixels);
      const size_t begin = *low * channels, end = (*high + r.taps) * channels;
      uint8_t* to = out + y * out_row + i * channels;
      if (end - begin > kMostSource / kRows) {
        for (size_t k = 0; k < there; ++k)
          for (size_t p = 0; p < pixels; ++p)
            row_pixel<channels>(rows[k] + r.firsts[i + p] * channels, r.weights + (i + p) * r.taps, r.taps,
                                to + k * out_row + p * channels);
        continue;
      }
      source.resize((end - begin) * kRows);
      gather_rows(rows, is_whole ? row : 0, begin, end, source.data());
      for (size_t p = 0; p < pixels; ++p) {
        const uint8_t* from = source.data() + (r.firsts[i + p] * channels - begin) * kRows;
        pixel_of_rows<channels * kRows>(from, r.weights + (i + p) * r.taps, r.taps, summed + p * channels * kRows);
      }
      size_t x = 0;
      if (is_whole)
        for (; x + 16 <= pixels * channels; x += 16) transpose(summed + x * kRows, kRows, to + x, out_row);
      for (; x < pixels * channels; ++x)
        for (size_t k = 0; k < there; ++k) to[k * out_row + x] = summed[x * kRows + k];
    }
  }
}

inline double cubic(double v1, double v2, double v3, double v4, double d) {
  const double p2 = -v1 + v3;
  const double p3 = 2 * (v1 - v2) + v3 - v4;
  const double p4 = -v1 + v2 - v3 + v4;
  return v2 + d * (p2 + d * (p3 + d * p4));
}

inline ptrdiff_t clamp(ptrdiff_t index, ptrdiff_t length) {
  return index < 0 ? 0 : index < length ? index : length - 1;
}

struct Place {
  ptrdiff_t left, top;
  double u, v;
};

template <size_t channels>
inline void bilinear_at(const PixelMap& map, const uint8_t* data, const Place& p, uint8_t* out) {
  const ptrdiff_t width = map.width, height = map.height, row = width * channels;
  const ptrdiff_t x0 = std::max<ptrdiff_t>(p.left, 0) * channels, x1 = std::min(p.left + 1, width - 1) * channels;
  const uint8_t* upper = data + std::max<ptrdiff_t>(p.top, 0) * row;
  const uint8_t* lower = data + (p.top + 1 < height ? p.top + 1 : p.top) * row;
  for (size_t c = 0; c < channels; ++c) {
    const double a = upper[x0 + c], b = lower[x0 + c];
    const double v1 = a + (upper[x1 + c] - a) * p.u;
    const double v2 = b + (lower[x1 + c] - b) * p.u;
    out[c] = static_cast<uint8_t>(v1 + (v2 - v1) * p.v);
  }
}

template <size_t channels>
inline void bicubic_at(const PixelMap& map, const uint8_t* data, const Place& p, uint8_t* out) {
  const ptrdiff_t width = map.width, height = map.height, row = width * channels;
  ptrdiff_t x[4];
  for (ptrdiff_t k = 0; k < 4; ++k) x[k] = clamp(p.left - 1 + k, width) * channels;
  for (size_t c = 0; c < channels; ++c) {
    const auto across = [&](ptrdiff_t y) {
      const uint8_t* at = data + y * row + c;
      return cubic(at[x[0]], at[x[1]], at[x[2]], at[x[3]], p.u);
    };
    // Rows above the image repeat the first one; a row below it repeats the value before.
    const double v1 = across(clamp(p.top - 1, height));
    const double v2 = p.top >= 0 ? across(p.top) : v1;
    const double v3 = p.top + 1 < height ? across(p.top + 1) : v2;
    const double v4 = p.top + 2 < height ? across(p.top + 2) : v3;
    const double value = cubic(v1, v2, v3, v4, p.v);
    out[c] = value <= 0 ? 0 : value >= 255 ? 255 : static_cast<uint8_t>(value);
  }
}

template <size_t channels>
void map_of(const PixelMap& map, const uint8_t* data, uint8_t* out) {
  const double width = static_cast<double>(map.width), height = static_cast<double>(map.height);
  for (size_t row = 0; row < map.height; ++row) {
    const double yin = static_cast<double>(row) + 0.5;
    for (size_t column = 0; column < map.width; ++column, out += channels) {
      const double xin = static_cast<double>(column) + 0.5;
      const double x = map.a * xin + map.b * yin + map.c, y = map.d * xin + map.e * yin + map.f;
      // Not outside, and a number.
      if (!(x >= 0 && x < width && y >= 0 && y < height)) continue;
      const double left = floor(x - 0.5), top = floor(y - 0.5);
      const Place place = {static_cast<ptrdiff_t>(left), static_cast<ptrdiff_t>(top), x - 0.5 - left, y - 0.5 - top};
      if (map.bicubic) bicubic_at<channels>(map, data, place, out);
      else bilinear_at<channels>(map, data, place, out);
    }
  }
}

}  // namespace

void resample_rows(const Resample& r, const uint8_t* data, size_t height, size_t width, size_t channels, uint8_t* out) {
  if (channels == 1) rows_of<1>(r, data, height, width, out);
  else rows_of<3>(r, data, height, width, out);
}

void resample_columns(const Resample& r, const uint8_t* data, size_t stride, uint8_t* out) {
  int32_t sums[kColumnBlock];
  for (size_t i = 0; i < r.count; ++i, out += stride) {
    const int32_t* weights = r.weights + i * r.taps;
    const uint8_t* first = data + r.firsts[i] * stride;
    for (size_t begin = 0; begin < stride; begin += kColumnBlock) {
      const size_t size = std::min(kColumnBlock, stride - begin);
      for (size_t x = 0; x < size; ++x) sums[x] = kHalf;
      for (size_t k = 0; k < r.taps; ++k) {
        const int32_t weight = weights[k];
        if (weight == 0) continue;
        const uint8_t* from = first + k * stride + begin;
        for (size_t x = 0; x < size; ++x) sums[x] += weight * from[x];
      }
      for (size_t x = 0; x < size; ++x) out[begin + x] = level_of(sums[x]);
    }
  }
}

void map_pixels(const PixelMap& map, const uint8_t* data, uint8_t* out) {
  if (map.channels == 1) map_of<1>(map, data, out);
  else map_of<3>(map, data, out);
}

}  // namespace VIT_ISA
