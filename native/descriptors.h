// The scalars of a call, as JavaScript passes them: a Float64Array with one element for each field, in the order of the
// lists below, in place of one argument each. Each list gives a struct, whose constructor checks every field, and, by
// scripts/generateNative.mjs, the type and the packer in lib/backends/native/generated/descriptors.ts: run
// `npm run generate:native` after a change. A size is an integer from 0 to 2^40, a bool 0 or 1, an enumeration one of
// its numbers, a double any number.
#pragma once

#include "arguments.h"
#include "enums.h"
#include "kernels.h"

namespace vit {

// Raised with every change of what an entry takes, so that an addon of other sources is refused by name.
constexpr int kInterface = 2;

// clang-format off

// A batch of matrix products c [m, n] = a·b (+ bias); aBatched, bBatched: whether a, b have one matrix for each of the
// batch.
#define VIT_GEMM_FIELDS(FIELD) \
  FIELD(size_t, batch) \
  FIELD(size_t, m) \
  FIELD(size_t, n) \
  FIELD(size_t, k) \
  FIELD(bool, a_batched) \
  FIELD(bool, b_batched) \
  FIELD(bool, transpose_a) \
  FIELD(bool, transpose_b) \
  FIELD(Activation, activation) \
  FIELD(Precision, precision)

// Attention; dim is that of a head, scale the factor on q·kᵀ.
#define VIT_ATTENTION_FIELDS(FIELD) \
  FIELD(size_t, batch) \
  FIELD(size_t, heads) \
  FIELD(size_t, queries) \
  FIELD(size_t, keys) \
  FIELD(size_t, dim) \
  FIELD(double, scale)

// The residual branch of an MLP; packedReady: the memory for the packed weights holds them.
#define VIT_MLP_BRANCH_FIELDS(FIELD) \
  FIELD(size_t, batch) \
  FIELD(size_t, tokens) \
  FIELD(size_t, dim) \
  FIELD(size_t, hidden) \
  FIELD(Precision, precision) \
  FIELD(double, epsilon) \
  FIELD(Activation, activation) \
  FIELD(bool, packed_ready)

// The residual branch of attention; scale is the factor on q·kᵀ, packedReady as for an MLP.
#define VIT_ATTENTION_BRANCH_FIELDS(FIELD) \
  FIELD(size_t, batch) \
  FIELD(size_t, tokens) \
  FIELD(size_t, dim) \
  FIELD(size_t, heads) \
  FIELD(Precision, precision) \
  FIELD(double, epsilon) \
  FIELD(double, scale) \
  FIELD(bool, packed_ready)

// Boxes of rows and columns sampled from images; shared: all boxes have the same.
#define VIT_SAMPLE_FIELDS(FIELD) \
  FIELD(size_t, images) \
  FIELD(size_t, height) \
  FIELD(size_t, width) \
  FIELD(size_t, channels) \
  FIELD(size_t, boxes) \
  FIELD(bool, nearest) \
  FIELD(double, fill) \
  FIELD(bool, shared) \
  FIELD(size_t, box_height) \
  FIELD(size_t, box_width)

// A projective transform of images; shared: all images have the same map.
#define VIT_TRANSFORM_FIELDS(FIELD) \
  FIELD(size_t, batch) \
  FIELD(size_t, height) \
  FIELD(size_t, width) \
  FIELD(size_t, channels) \
  FIELD(size_t, out_height) \
  FIELD(size_t, out_width) \
  FIELD(bool, bilinear) \
  FIELD(Border, border) \
  FIELD(double, fill) \
  FIELD(bool, shared)

// A search of FractalDB's candidates: `count` of the stream, of which the blocks first, first + step, … of `block` are
// tested with so many points in a picture of size², of which `wanted` pixels must be filled.
#define VIT_FRACTAL_SCAN_FIELDS(FIELD) \
  FIELD(size_t, count) \
  FIELD(size_t, first) \
  FIELD(size_t, step) \
  FIELD(size_t, block) \
  FIELD(size_t, points) \
  FIELD(size_t, size) \
  FIELD(size_t, pad) \
  FIELD(size_t, wanted) \
  FIELD(double, limit)

// A picture of FractalDB; patch: a point draws 3 × 3 pixels.
#define VIT_FRACTAL_LAYOUT_FIELDS(FIELD) \
  FIELD(size_t, points) \
  FIELD(size_t, size) \
  FIELD(size_t, pad) \
  FIELD(bool, patch)

// Pillow's resampling of rows: [height, width, channels] to [height, count, channels] by `taps` pixels each.
#define VIT_RESAMPLE_ROWS_FIELDS(FIELD) \
  FIELD(size_t, height) \
  FIELD(size_t, width) \
  FIELD(size_t, channels) \
  FIELD(size_t, count) \
  FIELD(size_t, taps)

// Pillow's resampling of columns: [height, stride] to [count, stride] by `taps` pixels each.
#define VIT_RESAMPLE_COLUMNS_FIELDS(FIELD) \
  FIELD(size_t, height) \
  FIELD(size_t, stride) \
  FIELD(size_t, count) \
  FIELD(size_t, taps)

// Pillow's affine map: output (x, y) shows the input at (a·x + b·y + c, d·x + e·y + f).
#define VIT_MAP_PIXELS_FIELDS(FIELD) \
  FIELD(size_t, width) \
  FIELD(size_t, height) \
  FIELD(size_t, channels) \
  FIELD(bool, bicubic) \
  FIELD(double, a) \
  FIELD(double, b) \
  FIELD(double, c) \
  FIELD(double, d) \
  FIELD(double, e) \
  FIELD(double, f)

// The numbers of an AdamW step that all parameters share.
#define VIT_ADAM_W_FIELDS(FIELD) \
  FIELD(double, beta1) \
  FIELD(double, beta2) \
  FIELD(double, epsilon) \
  FIELD(double, inverse_root_correction2)

// clang-format on

// Reads the fields of a descriptor one after the other. Each element is read once, since another thread may write to
// shared memory.
class Fields {
 public:
  // The descriptor that is argument `index`, of which `all` numbers are given, from number `first` on.
  Fields(const Arguments& args, size_t index, size_t all, size_t first = 0) : next_(args.doubles(index, all) + first) {}
  template <typename T>
  T read(const char* name);

 private:
  // `volatile`: the compiler must not read an element again after its check.
  const volatile double* next_;
};
template <>
double Fields::read<double>(const char* name);
template <>
size_t Fields::read<size_t>(const char* name);
template <>
bool Fields::read<bool>(const char* name);
template <>
Activation Fields::read<Activation>(const char* name);
template <>
Precision Fields::read<Precision>(const char* name);
template <>
Border Fields::read<Border>(const char* name);

#define VIT_MEMBER(type, name) type name;
#define VIT_READ(type, name) name = fields.read<type>(#name);
#define VIT_COUNT(type, name) +1
// clang-format off
#define VIT_DESCRIPTOR(Name, LIST)                                                     \
  struct Name {                                                                        \
    static constexpr size_t kFields = 0 LIST(VIT_COUNT);                               \
    LIST(VIT_MEMBER)                                                                   \
    explicit Name(Fields fields) { LIST(VIT_READ) }                                    \
    Name(const Arguments& args, size_t index) : Name(Fields(args, index, kFields)) {}  \
  };
// clang-format on

VIT_DESCRIPTOR(GemmCall, VIT_GEMM_FIELDS)
VIT_DESCRIPTOR(AttentionCall, VIT_ATTENTION_FIELDS)
VIT_DESCRIPTOR(MlpBranchCall, VIT_MLP_BRANCH_FIELDS)
VIT_DESCRIPTOR(AttentionBranchCall, VIT_ATTENTION_BRANCH_FIELDS)
VIT_DESCRIPTOR(SampleCall, VIT_SAMPLE_FIELDS)
VIT_DESCRIPTOR(TransformCall, VIT_TRANSFORM_FIELDS)
VIT_DESCRIPTOR(FractalScanCall, VIT_FRACTAL_SCAN_FIELDS)
VIT_DESCRIPTOR(FractalLayoutCall, VIT_FRACTAL_LAYOUT_FIELDS)
VIT_DESCRIPTOR(ResampleRowsCall, VIT_RESAMPLE_ROWS_FIELDS)
VIT_DESCRIPTOR(ResampleColumnsCall, VIT_RESAMPLE_COLUMNS_FIELDS)
VIT_DESCRIPTOR(MapPixelsCall, VIT_MAP_PIXELS_FIELDS)
VIT_DESCRIPTOR(AdamWCall, VIT_ADAM_W_FIELDS)

#undef VIT_MEMBER
#undef VIT_READ
#undef VIT_COUNT
#undef VIT_DESCRIPTOR

}  // namespace vit
