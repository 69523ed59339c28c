// Pillow's resampling and its affine maps, to the bit. The twin in TypeScript, lib/data/pixels, says where every number
// comes from.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace vit {

// Fractional bits of the weights of a resampling.
constexpr int kWeightBits = 22;

// `count` target pixels of `taps` source pixels each, of which firsts[i] is the first; weights [count, taps].
struct Resample {
  size_t count, taps;
  const int32_t* firsts;
  const int32_t* weights;
};

// Output (x, y) shows the input at (a·x + b·y + c, d·x + e·y + f), between 2 × 2 or 4 × 4 pixels.
struct PixelMap {
  size_t width, height, channels;
  bool bicubic;
  double a, b, c, d, e, f;
};

// The kernels below run in the calling thread, and all instruction sets give the same bytes.
//
// resample_rows: data [height, width, channels] -> out [height, count, channels].
// resample_columns: data [any, stride] -> out [count, stride].
// map_pixels: data [height, width, channels] -> out of the same shape; pixels from outside of the image stay.
#define VIT_PIXEL_KERNELS                                                                                       \
  void resample_rows(const vit::Resample& r, const uint8_t* data, size_t height, size_t width, size_t channels, \
                     uint8_t* out);                                                                             \
  void resample_columns(const vit::Resample& r, const uint8_t* data, size_t stride, uint8_t* out);              \
  void map_pixels(const vit::PixelMap& map, const uint8_t* data, uint8_t* out);

}  // namespace vit

namespace portable {
VIT_PIXEL_KERNELS
}
#if defined(__x86_64__)
namespace avx2 {
VIT_PIXEL_KERNELS
}
namespace avx512 {
VIT_PIXEL_KERNELS
}
#elif defined(__aarch64__)
namespace neon {
VIT_PIXEL_KERNELS
}
#endif
