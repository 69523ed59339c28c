// Entries of FractalDB. They share no memory with other calls, so those of several JavaScript threads run side by side.

#include "fractal.h"

#include <string>

#include "descriptors.h"
#include "entry.h"

namespace vit {
namespace {

constexpr size_t kMostPoints = 20000000;

void check_picture(size_t points, size_t size, size_t pad, size_t least_pad) {
  if (points < 2 || points > kMostPoints || size < 1 || size > 4096 || pad < least_pad || 2 * pad >= size)
    throw ArgumentError("Expected a picture of 2 to 20,000,000 points that leaves room between its edges.");
}

// The kernels of the instruction set in use; those of bf16 have none of their own.
struct FractalKernels {
  size_t (*scan)(const FractalScan&, int32_t*, int32_t*, double*);
  size_t (*layout)(const FractalLayout&, int32_t*, int32_t*);
};
FractalKernels fractal_kernels() {
  const std::string isa = kernels().isa;
  if (isa == "portable" || isa == "amx-emulated") return {portable::fractal_scan, portable::fractal_layout};
#if defined(__x86_64__)
#if !defined(VIT_WITHOUT_AVX512)
  if (isa != "avx2") return {avx512::fractal_scan, avx512::fractal_layout};
#endif
  return {avx2::fractal_scan, avx2::fractal_layout};
#elif defined(__aarch64__)
  return {neon::fractal_scan, neon::fractal_layout};
#else
  return {portable::fractal_scan, portable::fractal_layout};
#endif
}

napi_value count_of(const Arguments& args, size_t count) {
  napi_value value = nullptr;
  napi_create_double(args.env(), static_cast<double>(count), &value);
  return value;
}

// fractalScan(descriptor, state, found, rows) -> how many candidates were accepted.
napi_value fractal_scan(const Arguments& args) {
  const FractalScanCall call(args, 0);
  const FractalScan scan = {call.count, call.first, call.step,   call.block, call.points,
                            call.size,  call.pad,   call.wanted, call.limit};
  check_picture(scan.points, scan.size, scan.pad, 1);
  if (scan.count > 1000000 || scan.block == 0 || scan.step == 0)
    throw ArgumentError("Expected at most 1,000,000 candidates in blocks and steps of at least 1.");
  int32_t* state = args.ints(1, kTwisterWords + 1);
  if (state[kTwisterWords] < 0 || state[kTwisterWords] > static_cast<int32_t>(kTwisterWords))
    throw ArgumentError("Expected a place of 0 to 624 after the words of the state.");
  int32_t* found = args.ints(2, 2 * scan.count);
  double* rows = args.out_doubles(3, scan.count * kMostMaps * kRowLength);
  return count_of(args, fractal_kernels().scan(scan, state, found, rows));
}

// fractalLayout(descriptor, maps, choices, owners, visible) -> how many points are visible; 0: they have no extent.
napi_value fractal_layout(const Arguments& args) {
  const FractalLayoutCall call(args, 0);
  check_picture(call.points, call.size, call.pad, call.patch ? 4 : 1);
  size_t numbers;
  const double* maps = args.any_doubles(1, &numbers);
  const uint8_t* choices = args.bytes(2, call.points - 1);
  bool inside = true;
  for (size_t i = 0; i + 1 < call.points; ++i)
    inside = inside & (choices[i] % kMapStride == 0) & (choices[i] + kMapStride <= numbers);
  if (!inside) throw ArgumentError("Expected choices of maps that are there, received others.");
  const size_t pixels = call.size * call.size;
  const FractalLayout layout = {maps, choices, call.points, call.size, call.pad, call.patch};
  return count_of(args, fractal_kernels().layout(layout, args.ints(3, pixels), args.ints(4, pixels)));
}

const Export kExports[] = {
    {"fractalScan", entry<4, fractal_scan, true>},
    {"fractalLayout", entry<5, fractal_layout, true>},
};

}  // namespace

const Exports fractal_exports = {kExports, sizeof kExports / sizeof *kExports};

}  // namespace vit
