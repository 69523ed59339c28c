// Kernels on images and volumes [batch, depth, height, width, channels]; an image has a depth of 1. Their table is a
// part of Kernels.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "enums.h"

// Never a function of its own, which files for another instruction set might call.
#define VIT_ALWAYS inline __attribute__((always_inline))

namespace vit {

// Output o sees the places o·stride - pad + f·dilation of the input, f < filter; what lies outside counts as nothing. A
// flipped filter may begin inside, so pad may be negative.
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

// Pixel (x, y) of a result is the point ((a0·x + a1·y + a2)/k, (b0·x + b1·y + b2)/k) of the image, k = c0·x + c1·y + 1.
struct Projection {
  size_t batch, height, width, channels, out_height, out_width;
  bool bilinear;  // else the nearest pixel
  Border border;
  double fill;
  bool shared;        // all images have the same map
  const float* maps;  // a0 a1 a2 b0 b1 b2 c0 c1
};

// Non-max suppression: chooses among `boxes` [n, 4], two opposite corners each, by their scores: at most `most`, and
// only boxes whose score is above `threshold`.
struct NonMaxSuppression {
  size_t n, most;
  double overlap;  // 0 … 1
  double threshold;
  double scale;  // 0, or below it: a score is weighted by exp(scale·iou²)
  const float *boxes, *scores;
};

struct SpatialKernels {
#define VIT_KERNEL(result, name, parameters) result(*name) parameters;
#include "spatial_kernel_list.h"
#undef VIT_KERNEL
};

}  // namespace vit
