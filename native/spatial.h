// Kernels on images and volumes [batch, depth, height, width, channels]; an image has a depth of 1. Their table is a
// part of Kernels.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Never a function of its own, which files for another instruction set might call.
#define VIT_ALWAYS inline __attribute__((always_inline))

namespace vit {

// Output o sees the places o·stride - pad + f·dilation of the input, f < filter; what lies outside counts as nothing. A
// turned filter may begin inside, so pad may be negative.
struct Axis {
  size_t in, out, filter, stride, dilation;
  ptrdiff_t pad;
};
struct Window {
  size_t batch, channels;
  Axis depth, height, width;

  VIT_ALWAYS size_t in_pixels() const { return depth.in * height.in * width.in; }
  VIT_ALWAYS size_t out_pixels() const { return depth.out * height.out * width.out; }
  VIT_ALWAYS size_t taps() const { return depth.filter * height.filter * width.filter; }
};

// The mean of what lies inside; of nothing it is NaN, or 0.
enum Pool { kMaxPool, kMeanPool, kMeanOrZeroPool, kPoolCount };
// What a position names: a pixel of the image, an element of it, or an element of the batch.
enum Position { kPixel, kElement, kElementOfBatch, kPositionCount };
// Results below `low` are low, those above `high` high; NaN stays.
struct Clamp {
  float low, high;
};

// Where pixels of a result come from: row r of box b lies between the rows low and high of an image, `part` of the way.
struct Between {
  size_t count;  // of a box
  bool shared;   // all boxes have the same
  const int32_t *low, *high;
  const float* part;
};
struct Sampling {
  size_t height, width, channels;  // of an image
  size_t boxes;
  const int32_t* image;   // of each box
  Between rows, columns;  // low below 0: outside
  bool nearest;           // low alone
  float fill;             // what is outside
};

// What a point beyond an image counts as: the fill, its mirror image, that of an image beside it, or the nearest pixel.
enum Border { kConstant, kReflect, kWrap, kNearest, kBorderCount };
// Pixel (x, y) of a result is the point ((a0·x + a1·y + a2)/k, (b0·x + b1·y + b2)/k) of the image, k = c0·x + c1·y + 1.
struct Projection {
  size_t batch, height, width, channels, out_height, out_width;
  bool bilinear;  // else the nearest pixel
  Border border;
  double fill;
  bool shared;        // all images have the same map
  const float* maps;  // a0 a1 a2 b0 b1 b2 c0 c1
};

// Which of `boxes` [n, 4], two opposite corners each, are chosen by their scores: at most `most`, none of a score that
// is not above `threshold`.
struct Suppression {
  size_t n, most;
  double overlap;  // 0 … 1
  double threshold;
  double scale;  // 0, or below it: a score is weighted by exp(scale·iou²)
  const float *boxes, *scores;
};

struct SpatialKernels {
  // Maxima pass over NaN. Means sum each row of the filter in float32, then the rows in order.
  void (*pool)(Pool op, const Window& w, const float* x, float* out);
  // Where the maximum is: the first, or the last; -1 where nothing is larger than (or, for the last, as large as)
  // -infinity.
  void (*pool_positions)(Position kind, bool last, const Window& w, const float* x, int32_t* positions);
  // dx = factor·Σ dy of the outputs that see a pixel, in their order; with `positions` (pixels) of those whose maximum
  // it is.
  void (*pool_grad)(const Window& w, const int32_t* positions, const float* dy, float factor, float* dx);

  // Filter [height, width, channels], a depth of 1: out = bias + Σ x·filter over the taps in order, clamped. bias may
  // be null.
  void (*depthwise)(const Window& w, const float* x, const float* filter, const float* bias, Clamp clamp, float* out);
  // In the order of the outputs that see a pixel.
  void (*depthwise_input_grad)(const Window& w, const float* dy, const float* filter, float* dx);
  // Each row of outputs is summed in four float32 sums, rows are added in order, at most 64 runs of rows in float64.
  void (*depthwise_filter_grad)(const Window& w, const float* x, const float* dy, float* dfilter);

  // Filter [taps, channels, n], out [batch, out pixels, n]: sums as gemm's over 256 products, then added in order.
  void (*convolve)(const Window& w, size_t n, const float* x, const float* filter, const float* bias, Clamp clamp,
                   float* out);
  // Blocks of at most 256 outputs are added in order, over at most 16 runs of outputs, whose sums are then joined in
  // order; or, of large filters, over blocks of outputs as gemm sums them.
  void (*convolve_filter_grad)(const Window& w, size_t n, const float* x, const float* dy, float* dfilter);
  // x = Σ of columns [batch, out pixels, taps, channels] in the order of the outputs.
  void (*sum_columns)(const Window& w, const float* columns, float* x);

  void (*sample)(const Sampling& s, const float* x, float* out);
  // The gradient of x of a sampling whose boxes are the images in order and share rows and columns; rows of dy are
  // added in order.
  void (*sample_grad)(const Sampling& s, const float* dy, float* dx);
  // Pixel i of each result is the image's pixel index[i], or `fill` [channels] where that is below 0; `count` pixels of
  // `pixels`.
  void (*pick)(size_t images, size_t pixels, size_t channels, size_t count, const int32_t* index, const float* fill,
               const float* x, float* out);
  // out = (x - mean)·factor + offset in each of `rows`; offset may be null.
  void (*normalize)(size_t rows, size_t cols, const float* x, const float* mean, const float* factor,
                    const float* offset, float* out);

  // In float64 throughout, in the order of TensorFlow.js.
  void (*transform)(const Projection& p, const float* x, float* out);

  // Filter [height, width, channels], a depth of 1: out = max of x + filter over the taps inside, at least -(2^53 - 1);
  // NaN is passed over.
  void (*dilate)(const Window& w, const float* x, const float* filter, float* out);
  // Modulo 2^32 after the maximum.
  void (*dilate_ints)(const Window& w, const int32_t* x, const int32_t* filter, int32_t* out);
  // To the first of the largest sums, which are compared in float64; in the order of the outputs.
  void (*dilate_input_grad)(const Window& w, const float* x, const float* filter, const float* dy, float* dx);
  // In that order over at most 64 runs of rows, which are joined in float64.
  void (*dilate_filter_grad)(const Window& w, const float* x, const float* filter, const float* dy, float* dfilter);

  // Writes the boxes that are chosen, and their scores where these are not null, and gives their number. The best is
  // chosen, of equal ones the first; those that cover it, intersection over union in float64, at least by `overlap` no
  // longer count. Boxes are finite.
  size_t (*suppress)(const Suppression& s, int32_t* chosen, float* scores);
};

}  // namespace vit
