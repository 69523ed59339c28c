// FractalDB: the search for categories, and which point of a system each pixel of a picture shows. The twin in
// TypeScript, lib/fractal, says where every number comes from.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace vit {

// Numbers of a map: a, b, c, d, e, f; two are not used.
constexpr size_t kMapStride = 8;
// Numbers of a map that was found: a, b, c, d, e, f, p; a candidate has at most seven maps.
constexpr size_t kRowLength = 7;
constexpr size_t kMostMaps = 7;
// The words of MT19937, and after them the place of the next one.
constexpr size_t kTwisterWords = 624;

// `count` candidates of the stream, of which the blocks first, first + step, … of `block` are tested.
struct FractalScan {
  size_t count, first, step, block;
  // The points of a candidate, its picture and the empty pixels at its edges, and the pixels to be filled.
  size_t points, size, pad, wanted;
  // A coordinate at which a candidate is given up.
  double limit;
};

struct FractalLayout {
  const double* maps;      // [any, kMapStride]
  const uint8_t* choices;  // [points - 1], places in maps
  size_t points, size, pad;
  bool patch;
};

// The kernels below run in the calling thread, and all instruction sets give the same bytes. They are in no table of
// kernels.h, because they know nothing of tensors.
//
// fractal_scan draws the candidates from the generator `state`, kTwisterWords + 1 numbers, and leaves it behind them.
// `found` gets two numbers for each that is accepted, its place and its maps, and `rows` its a … p. The result is how
// many there are.
//
// fractal_layout: owners [size, size], rows from the top: 16 times the number of the visible point, plus the bit of its
// patch; 16 times the result where there is none. visible [size²] begins with the points that are seen, the last first;
// their number is the result, 0 for points without an extent.
#define VIT_FRACTAL_KERNELS                                                                        \
  size_t fractal_scan(const vit::FractalScan& scan, int32_t* state, int32_t* found, double* rows); \
  size_t fractal_layout(const vit::FractalLayout& layout, int32_t* owners, int32_t* visible);

}  // namespace vit

namespace portable {
VIT_FRACTAL_KERNELS
}
#if defined(__x86_64__)
namespace avx2 {
VIT_FRACTAL_KERNELS
}
namespace avx512 {
VIT_FRACTAL_KERNELS
}
#elif defined(__aarch64__)
namespace neon {
VIT_FRACTAL_KERNELS
}
#endif
