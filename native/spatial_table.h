// The kernels on images of one instruction set, before spatial_table.cc joins them. Each is described in spatial.h.
#pragma once

#include "spatial.h"

namespace VIT_ISA {

void pool(vit::Pool op, const vit::Window& w, const float* x, float* out);
void pool_positions(vit::Position kind, bool last, const vit::Window& w, const float* x, int32_t* positions);
void pool_grad(const vit::Window& w, const int32_t* positions, const float* dy, float factor, float* dx);
void depthwise(const vit::Window& w, const float* x, const float* filter, const float* bias, vit::Clamp clamp,
               float* out);
void depthwise_input_grad(const vit::Window& w, const float* dy, const float* filter, float* dx);
void depthwise_filter_grad(const vit::Window& w, const float* x, const float* dy, float* dfilter);
void convolve(const vit::Window& w, size_t n, const float* x, const float* filter, const float* bias, vit::Clamp clamp,
              float* out);
void convolve_filter_grad(const vit::Window& w, size_t n, const float* x, const float* dy, float* dfilter);
void sum_columns(const vit::Window& w, const float* columns, float* x);
void sample(const vit::Sampling& s, const float* x, float* out);
void sample_grad(const vit::Sampling& s, const float* dy, float* dx);
void pick(size_t images, size_t pixels, size_t channels, size_t count, const int32_t* index, const float* fill,
          const float* x, float* out);
void normalize(size_t rows, size_t cols, const float* x, const float* mean, const float* factor, const float* offset,
               float* out);
void transform(const vit::Projection& p, const float* x, float* out);
void dilate(const vit::Window& w, const float* x, const float* filter, float* out);
void dilate_ints(const vit::Window& w, const int32_t* x, const int32_t* filter, int32_t* out);
void dilate_input_grad(const vit::Window& w, const float* x, const float* filter, const float* dy, float* dx);
void dilate_filter_grad(const vit::Window& w, const float* x, const float* filter, const float* dy, float* dfilter);
size_t suppress(const vit::Suppression& s, int32_t* chosen, float* scores);
extern const vit::SpatialKernels spatial_kernels;

}  // namespace VIT_ISA
