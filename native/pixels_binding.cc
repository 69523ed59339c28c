// Entries of the pixel loops. They share no memory with other calls, so those of several JavaScript threads run side by
// side.

#include <string>

#include "descriptors.h"
#include "entry.h"
#include "pixels.h"

namespace vit {
namespace {

constexpr size_t kMostSide = 1 << 24;

// The kernels of the instruction set in use; those of bf16 have none of their own.
struct PixelKernels {
  void (*rows)(const Resample&, const uint8_t*, size_t, size_t, size_t, uint8_t*);
  void (*columns)(const Resample&, const uint8_t*, size_t, uint8_t*);
  void (*map)(const PixelMap&, const uint8_t*, uint8_t*);
};
#define VIT_PIXELS_OF(isa) {isa::resample_rows, isa::resample_columns, isa::map_pixels}
PixelKernels pixel_kernels() {
  const std::string isa = kernels().isa;
  if (isa == "portable" || isa == "amx-emulated") return VIT_PIXELS_OF(portable);
#if defined(__x86_64__)
#if !defined(VIT_WITHOUT_AVX512)
  if (isa != "avx2") return VIT_PIXELS_OF(avx512);
#endif
  return VIT_PIXELS_OF(avx2);
#elif defined(__aarch64__)
  return VIT_PIXELS_OF(neon);
#else
  return VIT_PIXELS_OF(portable);
#endif
}
#undef VIT_PIXELS_OF

void check_sizes(size_t a, size_t b, size_t channels) {
  const bool fits = a >= 1 && a <= kMostSide && b >= 1 && b <= kMostSide;
  if (!fits || (channels != 1 && channels != 3))
    throw ArgumentError("Expected sides of 1 to 16,777,216 pixels and 1 or 3 channels.");
}

// The plan whose first pixels and weights are the arguments from `index` on, for `length` source pixels.
Resample plan_of(const Arguments& args, size_t index, size_t count, size_t taps, size_t length) {
  if (count < 1 || count > kMostSide || taps < 1 || taps > length)
    throw ArgumentError("Expected at least one target pixel, and no more taps than source pixels.");
  const int32_t* firsts = args.ints(index, count);
  const int32_t most = static_cast<int32_t>(length - taps);
  bool inside = true;
  for (size_t i = 0; i < count; ++i) inside = inside & (firsts[i] >= 0) & (firsts[i] <= most);
  if (!inside) throw ArgumentError("Expected windows inside of the image, received others.");
  return {count, taps, firsts, args.ints(index + 1, count * taps)};
}

// resampleRows(descriptor, data, firsts, weights, out)
napi_value resample_rows(const Arguments& args) {
  const ResampleRowsCall call(args, 0);
  check_sizes(call.height, call.width, call.channels);
  const Resample plan = plan_of(args, 2, call.count, call.taps, call.width);
  const uint8_t* data = args.bytes(1, call.height * call.width * call.channels);
  uint8_t* out = args.bytes(4, call.height * call.count * call.channels);
  pixel_kernels().rows(plan, data, call.height, call.width, call.channels, out);
  return nothing(args);
}

// resampleColumns(descriptor, data, firsts, weights, out)
napi_value resample_columns(const Arguments& args) {
  const ResampleColumnsCall call(args, 0);
  check_sizes(call.height, call.stride, 1);
  const Resample plan = plan_of(args, 2, call.count, call.taps, call.height);
  const uint8_t* data = args.bytes(1, call.height * call.stride);
  pixel_kernels().columns(plan, data, call.stride, args.bytes(4, call.count * call.stride));
  return nothing(args);
}

// mapPixels(descriptor, data, out)
napi_value map_pixels(const Arguments& args) {
  const MapPixelsCall call(args, 0);
  check_sizes(call.height, call.width, call.channels);
  const PixelMap map = {call.width, call.height, call.channels, call.bicubic, call.a,
                        call.b,     call.c,      call.d,        call.e,       call.f};
  const size_t bytes = call.height * call.width * call.channels;
  const uint8_t* data = args.bytes(1, bytes);
  pixel_kernels().map(map, data, args.bytes(2, bytes));
  return nothing(args);
}

const Export kExports[] = {
    {"resampleRows", entry<5, resample_rows, true>},
    {"resampleColumns", entry<5, resample_columns, true>},
    {"mapPixels", entry<3, map_pixels, true>},
};

}  // namespace

const Exports pixel_exports = {kExports, sizeof kExports / sizeof *kExports};

}  // namespace vit
