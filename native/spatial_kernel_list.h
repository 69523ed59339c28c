// The kernels on images and volumes, as kernel_list.h has the others; the types of their parameters are in spatial.h.

// Maxima pass over NaN. Means sum each row of the filter in float32, then the rows in order.
VIT_KERNEL(void, pool, (vit::Pool op, const vit::Window& w, const float* x, float* out))
// Where the maximum is: the first, or the last; -1 where nothing is larger than (or, for the last, as large as)
// -infinity.
VIT_KERNEL(void, pool_positions,
           (vit::Position kind, bool last, const vit::Window& w, const float* x, int32_t* positions))
// dx = factor·Σ dy of the outputs that see a pixel, in their order; with `positions` (pixels) of those whose maximum
// it is.
VIT_KERNEL(void, pool_grad, (const vit::Window& w, const int32_t* positions, const float* dy, float factor, float* dx))

// Filter [height, width, channels], a depth of 1: out = bias + Σ x·filter over the taps in order, clamped. bias may
// be null.
VIT_KERNEL(void, depthwise,
           (const vit::Window& w, const float* x, const float* filter, const float* bias, vit::Clamp clamp, float* out))
// In the order of the outputs that see a pixel.
VIT_KERNEL(void, depthwise_input_grad, (const vit::Window& w, const float* dy, const float* filter, float* dx))
// Each row of outputs is summed in four float32 sums, rows are added in order, at most 64 runs of rows in float64.
VIT_KERNEL(void, depthwise_filter_grad, (const vit::Window& w, const float* x, const float* dy, float* dfilter))

// Filter [taps, channels, n], out [batch, out pixels, n]: sums as gemm's over 256 products, then added in order.
VIT_KERNEL(void, convolve,
           (const vit::Window& w, size_t n, const float* x, const float* filter, const float* bias, vit::Clamp clamp,
            float* out))
// Blocks of at most 256 outputs are added in order, over at most 16 runs of outputs, whose sums are then joined in
// order; or, of large filters, over blocks of outputs as gemm sums them.
VIT_KERNEL(void, convolve_filter_grad,
           (const vit::Window& w, size_t n, const float* x, const float* dy, float* dfilter))
// x = Σ of columns [batch, out pixels, taps, channels] in the order of the outputs.
VIT_KERNEL(void, sum_columns, (const vit::Window& w, const float* columns, float* x))

VIT_KERNEL(void, sample, (const vit::Sampling& s, const float* x, float* out))
// The gradient of x of a sampling whose boxes are the images in order and share rows and columns; rows of dy are
// added in order.
VIT_KERNEL(void, sample_grad, (const vit::Sampling& s, const float* dy, float* dx))
// Pixel i of each result is the image's pixel index[i], or `fill` [channels] where that is below 0; `count` pixels of
// `pixels`.
VIT_KERNEL(void, gather_pixels,
           (size_t images, size_t pixels, size_t channels, size_t count, const int32_t* index, const float* fill,
            const float* x, float* out))
// out = (x - mean)·factor + offset in each of `rows`; offset may be null.
VIT_KERNEL(void, normalize,
           (size_t rows, size_t cols, const float* x, const float* mean, const float* factor, const float* offset,
            float* out))

// In float64 throughout, in the order of TensorFlow.js.
VIT_KERNEL(void, transform, (const vit::Projection& p, const float* x, float* out))

// Filter [height, width, channels], a depth of 1: out = max of x + filter over the taps inside, at least -(2^53 - 1);
// NaN is passed over.
VIT_KERNEL(void, dilate, (const vit::Window& w, const float* x, const float* filter, float* out))
// Modulo 2^32 after the maximum.
VIT_KERNEL(void, dilate_ints, (const vit::Window& w, const int32_t* x, const int32_t* filter, int32_t* out))
// To the first of the largest sums, which are compared in float64; in the order of the outputs.
VIT_KERNEL(void, dilate_input_grad,
           (const vit::Window& w, const float* x, const float* filter, const float* dy, float* dx))
// In that order over at most 64 runs of rows, which are joined in float64.
VIT_KERNEL(void, dilate_filter_grad,
           (const vit::Window& w, const float* x, const float* filter, const float* dy, float* dfilter))

// Writes the boxes that are chosen, and their scores where these are not null, and gives their number. The best is
// chosen, of equal ones the first; those that cover it, intersection over union in float64, at least by `overlap` no
// longer count. Boxes are finite.
VIT_KERNEL(size_t, non_max_suppression, (const vit::NonMaxSuppression& s, int32_t* chosen, float* scores))
