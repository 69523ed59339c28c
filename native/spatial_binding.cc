// Entries of the kernels on images.

#include "spatial.h"

#include <float.h>
#include <math.h>

#include <algorithm>
#include <vector>

#include "descriptors.h"
#include "entry.h"

namespace vit {
namespace {

// A number of a window, of which none is so large that a place of it might overflow.
ptrdiff_t whole(const Arguments& args, size_t item, double low) {
  const double value = args.number_in(0, item);
  if (!(value >= low && value <= 0x7fffffff) || value != floor(value))
    throw ArgumentError("Expected a window of integers in their ranges, received another.");
  return static_cast<ptrdiff_t>(value);
}

// A list: batch, channels, then of the depth, the height and the width: in, out, filter, stride, dilation, pad.
Window window_of(const Arguments& args) {
  if (args.array_length(0) != 20) throw ArgumentError("Expected a window of 20 numbers, received another.");
  const auto size = [&](size_t item, double low) { return static_cast<size_t>(whole(args, item, low)); };
  const auto axis = [&](size_t first) {
    return Axis{size(first, 0),     size(first + 1, 0), size(first + 2, 1),
                size(first + 3, 1), size(first + 4, 1), whole(args, first + 5, -0x7fffffff)};
  };
  return {size(0, 0), size(1, 0), axis(2), axis(8), axis(14)};
}
// The depthwise kernels have no depth.
Window image_window(const Arguments& args) {
  const Window w = window_of(args);
  const Axis& d = w.depth;
  if (d.in != 1 || d.out != 1 || d.filter != 1 || d.pad != 0)
    throw ArgumentError("Expected a window of depth 1, received another.");
  return w;
}
size_t pixels(size_t depth, size_t height, size_t width) { return size_product(size_product(depth, height), width); }
size_t in_size(const Window& w) {
  return size_product(size_product(w.batch, pixels(w.depth.in, w.height.in, w.width.in)), w.channels);
}
size_t out_rows(const Window& w) { return size_product(w.batch, pixels(w.depth.out, w.height.out, w.width.out)); }
size_t out_size(const Window& w) { return size_product(out_rows(w), w.channels); }
size_t columns_of(const Window& w) {
  return size_product(pixels(w.depth.filter, w.height.filter, w.width.filter), w.channels);
}
Clamp clamp_of(const Arguments& args, size_t index) {
  return {static_cast<float>(args.number(index)), static_cast<float>(args.number(index + 1))};
}

// pool(window, op, x, out).
napi_value pool(const Arguments& args) {
  const Window w = window_of(args);
  const float* x = args.floats(2, in_size(w));
  kernels().spatial->pool(static_cast<Pool>(args.integer(1, 0, kPoolCount - 1)), w, x, args.floats(3, out_size(w)));
  return nothing(args);
}

// poolPositions(window, kind, last, x, positions): what they count must fit into an int32.
napi_value pool_positions(const Arguments& args) {
  const Window w = window_of(args);
  const Position kind = static_cast<Position>(args.integer(1, 0, kPositionCount - 1));
  const float* x = args.floats(3, in_size(w));
  if (in_size(w) > 0x7fffffff) throw ArgumentError("Expected at most 2^31 - 1 elements to point at, received more.");
  kernels().spatial->pool_positions(kind, args.flag(2), w, x, args.ints(4, out_size(w)));
  return nothing(args);
}

// maxPoolGrad(window, positions, dY, dX), meanPoolGrad(window, factor, dY, dX).
napi_value max_pool_grad(const Arguments& args) {
  const Window w = window_of(args);
  const int32_t* positions = args.ints(1, out_size(w));
  kernels().spatial->pool_grad(w, positions, args.floats(2, out_size(w)), 1.0f, args.floats(3, in_size(w)));
  return nothing(args);
}
napi_value mean_pool_grad(const Arguments& args) {
  const Window w = window_of(args);
  const float factor = static_cast<float>(args.number(1));
  kernels().spatial->pool_grad(w, nullptr, args.floats(2, out_size(w)), factor, args.floats(3, in_size(w)));
  return nothing(args);
}

// depthwise(window, x, filter, bias|null, low, high, out).
napi_value depthwise(const Arguments& args) {
  const Window w = image_window(args);
  const float* filter = args.floats(2, columns_of(w));
  const float* bias = args.floats_or_null(3, w.channels);
  kernels().spatial->depthwise(w, args.floats(1, in_size(w)), filter, bias, clamp_of(args, 4),
                               args.floats(6, out_size(w)));
  return nothing(args);
}
// depthwiseInputGrad(window, dY, filter, dX), depthwiseFilterGrad(window, x, dY, dFilter).
napi_value depthwise_input_grad(const Arguments& args) {
  const Window w = image_window(args);
  const float* filter = args.floats(2, columns_of(w));
  kernels().spatial->depthwise_input_grad(w, args.floats(1, out_size(w)), filter, args.floats(3, in_size(w)));
  return nothing(args);
}
napi_value depthwise_filter_grad(const Arguments& args) {
  const Window w = image_window(args);
  const float* dy = args.floats(2, out_size(w));
  kernels().spatial->depthwise_filter_grad(w, args.floats(1, in_size(w)), dy, args.floats(3, columns_of(w)));
  return nothing(args);
}

// convolve(window, n, x, filter, bias|null, low, high, out).
napi_value convolve(const Arguments& args) {
  const Window w = window_of(args);
  const size_t n = args.size(1);
  const float* filter = args.floats(3, size_product(columns_of(w), n));
  const float* bias = args.floats_or_null(4, n);
  float* out = args.floats(7, size_product(out_rows(w), n));
  kernels().spatial->convolve(w, n, args.floats(2, in_size(w)), filter, bias, clamp_of(args, 5), out);
  return nothing(args);
}
// convolveFilterGrad(window, n, x, dY, dFilter).
napi_value convolve_filter_grad(const Arguments& args) {
  const Window w = window_of(args);
  const size_t n = args.size(1);
  const float* dy = args.floats(3, size_product(out_rows(w), n));
  kernels().spatial->convolve_filter_grad(w, n, args.floats(2, in_size(w)), dy,
                                          args.floats(4, size_product(columns_of(w), n)));
  return nothing(args);
}
// sumColumns(window, columns, x).
napi_value sum_columns(const Arguments& args) {
  const Window w = window_of(args);
  const float* columns = args.floats(1, size_product(out_rows(w), columns_of(w)));
  kernels().spatial->sum_columns(w, columns, args.floats(2, in_size(w)));
  return nothing(args);
}

// Indices as they are when they are checked: another thread may write to shared memory.
typedef std::vector<std::vector<int32_t>> Copies;
const int32_t* copy_of(const int32_t* indices, size_t n, Copies* copies) {
  copies->emplace_back(indices, indices + n);
  return copies->back().data();
}

// low, high and part, from argument `first` on: a step for each of a box's, for one box or for all.
Between between_of(const Arguments& args, size_t first, size_t count, size_t boxes, bool shared, size_t limit,
                   Copies* copies) {
  const size_t length = size_product(count, shared ? 1 : boxes);
  const int32_t* low = copy_of(args.ints(first, length), length, copies);
  const int32_t* high = copy_of(args.ints(first + 1, length), length, copies);
  const Between b{count, shared, low, high, args.floats(first + 2, length)};
  for (size_t i = 0; i < length; ++i)
    if (b.low[i] >= 0 &&
        (static_cast<size_t>(b.low[i]) >= limit || b.high[i] < 0 || static_cast<size_t>(b.high[i]) >= limit))
      throw ArgumentError("Expected steps that lie within an image, received others.");
  return b;
}
// From argument `first` on the steps of rows and those of columns: low, high and part.
Sampling sampling_of(const Arguments& args, const SampleCall& call, size_t first, Copies* copies) {
  Sampling s;
  s.height = call.height, s.width = call.width, s.channels = call.channels, s.boxes = call.boxes;
  s.rows = between_of(args, first, call.box_height, call.boxes, call.shared, call.height, copies);
  s.columns = between_of(args, first + 3, call.box_width, call.boxes, call.shared, call.width, copies);
  s.image = nullptr;
  s.nearest = call.nearest;
  s.fill = static_cast<float>(call.fill);
  return s;
}
size_t image_size(const SampleCall& call) {
  return size_product(size_product(call.images, call.channels), size_product(call.height, call.width));
}
size_t box_size(const Sampling& s) {
  return size_product(size_product(s.boxes, s.channels), size_product(s.rows.count, s.columns.count));
}

// sample(descriptor, image, rowLow, rowHigh, rowPart, columnLow, columnHigh, columnPart, x, out).
napi_value sample(const Arguments& args) {
  const SampleCall call(args, 0);
  Copies copies;
  Sampling s = sampling_of(args, call, 2, &copies);
  s.image = copy_of(args.ints(1, call.boxes), call.boxes, &copies);
  for (size_t i = 0; i < call.boxes; ++i)
    if (s.image[i] < 0 || static_cast<size_t>(s.image[i]) >= call.images)
      throw ArgumentError("Expected boxes of images of the batch, received others.");
  const float* x = args.floats(8, image_size(call));
  kernels().spatial->sample(s, x, args.floats(9, box_size(s)));
  return nothing(args);
}

// sampleGrad(descriptor, rowLow, rowHigh, rowPart, columnLow, columnHigh, columnPart, dY, dX): one box for each image,
// which all share their steps, and nothing outside.
napi_value sample_grad(const Arguments& args) {
  const SampleCall call(args, 0);
  Copies copies;
  const Sampling s = sampling_of(args, call, 1, &copies);
  if (!call.shared || call.boxes != call.images)
    throw ArgumentError("Expected steps that all images share, received others.");
  for (const Between* b : {&s.rows, &s.columns})
    for (size_t i = 0; i < b->count; ++i)
      if (b->low[i] < 0) throw ArgumentError("Expected steps inside an image, received others.");
  const float* dy = args.floats(7, box_size(s));
  kernels().spatial->sample_grad(s, dy, args.floats(8, image_size(call)));
  return nothing(args);
}

// gatherPixels(images, pixels, channels, count, index, fill, x, out).
napi_value gather_pixels(const Arguments& args) {
  const size_t images = args.size(0), pixels = args.size(1), channels = args.size(2), count = args.size(3);
  Copies copies;
  const int32_t* index = copy_of(args.ints(4, count), count, &copies);
  const float* fill = args.floats(5, channels);
  const float* x = args.floats(6, size_product(size_product(images, pixels), channels));
  float* out = args.floats(7, size_product(size_product(images, count), channels));
  for (size_t i = 0; i < count; ++i)
    if (index[i] >= 0 && static_cast<size_t>(index[i]) >= pixels)
      throw ArgumentError("Expected pixels of the image, received others.");
  kernels().spatial->gather_pixels(images, pixels, channels, count, index, fill, x, out);
  return nothing(args);
}

// normalize(rows, cols, x, mean, factor, offset|null, out).
napi_value normalize(const Arguments& args) {
  const size_t rows = args.size(0), cols = args.size(1), n = size_product(rows, cols);
  const float* offset = args.floats_or_null(5, cols);
  kernels().spatial->normalize(rows, cols, args.floats(2, n), args.floats(3, cols), args.floats(4, cols), offset,
                               args.floats(6, n));
  return nothing(args);
}

// transform(descriptor, maps, x, out): each image has a pixel.
napi_value transform(const Arguments& args) {
  const TransformCall call(args, 0);
  Projection p;
  p.batch = call.batch, p.height = call.height, p.width = call.width, p.channels = call.channels;
  p.out_height = call.out_height, p.out_width = call.out_width;
  p.bilinear = call.bilinear;
  p.border = call.border;
  p.fill = call.fill;
  p.shared = call.shared;
  p.maps = args.floats(1, size_product(p.shared ? 1 : p.batch, 8));
  const size_t planes = size_product(p.batch, p.channels);
  const size_t out_size = size_product(planes, size_product(p.out_height, p.out_width));
  const float* x = args.floats(2, size_product(planes, size_product(p.height, p.width)));
  float* out = args.floats(3, out_size);
  if (p.height == 0 || p.width == 0) throw ArgumentError("Expected images with pixels, received others.");
  if (out_size > 0) kernels().spatial->transform(p, x, out);
  return nothing(args);
}

// A window of depth 1 whose places within an image fit into an int32; each begins before the end of the image.
Window dilation_window(const Arguments& args) {
  const Window w = image_window(args);
  if (in_size(w) > 0x7fffffff) throw ArgumentError("Expected at most 2^31 - 1 elements to point at, received more.");
  for (const Axis* a : {&w.height, &w.width}) {
    if (a->out == 0) continue;
    if (static_cast<ptrdiff_t>((a->out - 1) * a->stride) - a->pad >= static_cast<ptrdiff_t>(a->in))
      throw ArgumentError("Expected windows that begin within an image, received others.");
  }
  return w;
}
// dilate(window, x of floats or ints, filter of the same, out of the same).
napi_value dilate(const Arguments& args) {
  const Window w = dilation_window(args);
  const Kind kind = args.kind(1);
  const void* x = args.of_kind(1, in_size(w), kind);
  const void* filter = args.of_kind(2, columns_of(w), kind);
  void* out = args.of_kind(3, out_size(w), kind);
  if (kind == Kind::kUint8)
    throw ArgumentError("Expected a Float32Array or an Int32Array for argument 1, received something else.");
  const SpatialKernels& own = *kernels().spatial;
  if (out_size(w) == 0) return nothing(args);
  if (kind == Kind::kFloat32)
    own.dilate(w, static_cast<const float*>(x), static_cast<const float*>(filter), static_cast<float*>(out));
  else
    own.dilate_ints(w, static_cast<const int32_t*>(x), static_cast<const int32_t*>(filter), static_cast<int32_t*>(out));
  return nothing(args);
}
// dilateInputGrad(window, x, filter, dY, dX), dilateFilterGrad(window, x, filter, dY, dFilter).
napi_value dilate_grad(const Arguments& args, bool of_filter) {
  const Window w = dilation_window(args);
  const float* x = args.floats(1, in_size(w));
  const float* filter = args.floats(2, columns_of(w));
  const float* dy = args.floats(3, out_size(w));
  const size_t size = of_filter ? columns_of(w) : in_size(w);
  float* out = args.floats(4, size);
  const auto kernel = of_filter ? kernels().spatial->dilate_filter_grad : kernels().spatial->dilate_input_grad;
  if (out_size(w) > 0) kernel(w, x, filter, dy, out);
  else std::fill_n(out, size, 0.0f);
  return nothing(args);
}
napi_value dilate_input_grad(const Arguments& args) { return dilate_grad(args, false); }
napi_value dilate_filter_grad(const Arguments& args) { return dilate_grad(args, true); }

// non_max_suppression(boxes, scores, overlap, threshold, scale, chosen, chosenScores|null) -> how many are chosen, at
// most the length of `chosen`; -1, and nothing is written, where a corner is not finite.
napi_value non_max_suppression(const Arguments& args) {
  NonMaxSuppression s;
  s.scores = args.any_floats(1, &s.n);
  s.boxes = args.floats(0, size_product(s.n, 4));
  s.overlap = args.number(2), s.threshold = args.number(3), s.scale = args.number(4);
  Kind kind;
  args.any(5, &s.most, &kind);
  int32_t* chosen = args.ints(5, s.most);
  float* scores = args.floats_or_null(6, s.most);
  if (s.n > 0x7fffffff || s.most > s.n)
    throw ArgumentError("Expected places for no more than the boxes, received more.");
  if (!(s.overlap >= 0 && s.overlap <= 1)) throw ArgumentError("Expected an overlap from 0 to 1, received another.");
  if (!(s.scale <= 0 && s.scale >= -DBL_MAX))
    throw ArgumentError("Expected a finite scale of at most 0, received another.");
  // A copy: another thread may write to shared memory.
  const std::vector<float> boxes(s.boxes, s.boxes + 4 * s.n);
  s.boxes = boxes.data();
  bool finite = true;
  for (float corner : boxes) finite = finite && fabsf(corner) <= FLT_MAX;
  napi_value count = nullptr;
  napi_create_double(args.env(),
                     finite ? static_cast<double>(kernels().spatial->non_max_suppression(s, chosen, scores)) : -1.0,
                     &count);
  return count;
}

const Export kExports[] = {
    {"pool", entry<4, pool>},
    {"poolPositions", entry<5, pool_positions>},
    {"maxPoolGrad", entry<4, max_pool_grad>},
    {"meanPoolGrad", entry<4, mean_pool_grad>},
    {"depthwise", entry<7, depthwise>},
    {"depthwiseInputGrad", entry<4, depthwise_input_grad>},
    {"depthwiseFilterGrad", entry<4, depthwise_filter_grad>},
    {"convolve", entry<8, convolve>},
    {"convolveFilterGrad", entry<5, convolve_filter_grad>},
    {"sumColumns", entry<3, sum_columns>},
    {"sample", entry<10, sample>},
    {"sampleGrad", entry<9, sample_grad>},
    {"gatherPixels", entry<8, gather_pixels>},
    {"normalize", entry<7, normalize>},
    {"transform", entry<4, transform>},
    {"dilate", entry<4, dilate>},
    {"dilateInputGrad", entry<5, dilate_input_grad>},
    {"dilateFilterGrad", entry<5, dilate_filter_grad>},
    {"nonMaxSuppression", entry<7, non_max_suppression>},
};

}  // namespace

const Exports spatial_exports = {kExports, sizeof kExports / sizeof *kExports};

}  // namespace vit
