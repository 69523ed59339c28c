// exp, exp2, tanh, erf, sigmoid and the three forms of gelu on vectors. Infinities and NaN behave as in <math.h>.
#pragma once

#include "simd.h"

namespace VIT_ISA {

// The size of one number with the sign of another, that of zero too.
VIT_INLINE vf with_sign(vf size, vf sign) {
  return as_float((as_int(size) & 0x7fffffff) | (as_int(sign) & static_cast<int32_t>(0x80000000)));
}

// x = n ln2 + r: e^r - 1 by a polynomial in r, and n with what was added to it to leave no bit for a fraction.
// Coefficients: Moshier, Cephes, expf.
constexpr float kWholes = 12582912.0f;
VIT_INLINE vf exp_of_rest_v(vf x, vf* shifted) {
  *shifted = x * set1(1.44269504088896341f) + set1(kWholes);
  const vf n = *shifted - set1(kWholes);
  vf r = x - n * set1(0.693359375f);
  r = r - n * set1(-2.12194440e-4f);
  vf p = set1(1.9875691500e-4f);
  p = p * r + set1(1.3981999507e-3f);
  p = p * r + set1(8.3334519073e-3f);
  p = p * r + set1(4.1665795894e-2f);
  p = p * r + set1(1.6666665459e-1f);
  p = p * r + set1(5.0000001201e-1f);
  return p * (r * r) + r;
}

// e^x, 2 ulp; 0 below -104, infinity above 88.73, denormals in between. The power 2^n comes in two factors so that the
// ends do not overflow early.
VIT_INLINE vf exp_v(vf x) {
  x = max_v(min_v(x, set1(89.0f)), set1(-104.0f));
  vf shifted;
  const vf p = exp_of_rest_v(x, &shifted) + set1(1.0f);
#if defined(VIT_AVX512)
  return _mm512_maskz_scalef_ps(0xFFFF, p, shifted - set1(kWholes));
#else
  const vi power = as_int(shifted) - as_int(set1(kWholes));
  const vi half = power >> 1;
  const vf low = as_float((half + 127) << 23);
  const vf high = as_float((power - half + 127) << 23);
  return p * low * high;
#endif
}

// 2^x of x up to 0 or a little above, 3 ulp; 0 far below. Exact at 0 and at minus infinity. A polynomial in what x is
// above an integer, the largest below it or the nearest, then the exponent grows by that integer. Coefficients: minimax
// for a relative error (Remez 1934) of 8.2e-8, and Moshier, Cephes, exp2f.
VIT_INLINE vf exp2_v(vf x) {
#if defined(VIT_AVX512)
  const vf r = _mm512_maskz_reduce_ps(0xFFFF, x, 0x09);
  vf p = set1(1.8671300724e-3f);
  p = p * r + set1(9.0170303159e-3f);
  p = p * r + set1(5.5799913110e-2f);
  p = p * r + set1(2.4016445015e-1f);
  p = p * r + set1(6.9315131180e-1f);
  p = p * r + set1(1.0f);
  return _mm512_maskz_scalef_ps(0xFFFF, p, x);
#else
  x = max_v(x, set1(-127.0f));
  const vf magic = set1(12582912.0f);
  const vf shifted = x + magic;
  const vf r = x - (shifted - magic);
  vf p = set1(1.535336188319500e-4f);
  p = p * r + set1(1.339887440266574e-3f);
  p = p * r + set1(9.618437357674640e-3f);
  p = p * r + set1(5.550332471162809e-2f);
  p = p * r + set1(2.402264791363012e-1f);
  p = p * r + set1(6.931472028550421e-1f);
  p = p * r + set1(1.0f);
  return p * as_float((as_int(shifted) - as_int(magic) + 127) << 23);
#endif
}

// log x of normal positive x, 1 ulp; NaN stays. x = 2^n·m with m in [√½, √2), a polynomial in m - 1. Coefficients:
// Moshier, Cephes, logf.
VIT_INLINE vf log_v(vf x) {
  // Unsigned: the bits of a negative number or NaN wrap.
  const vi bits = reinterpret_cast<vi>(reinterpret_cast<vu>(x) - 0x3f3504f3u);
  const vi power = bits >> 23;
  const vf m = as_float((bits & 0x007fffff) + 0x3f3504f3) - set1(1.0f);
  const vf n = __builtin_convertvector(power, vf);
  vf p = set1(7.0376836292e-2f);
  p = p * m - set1(1.1514610310e-1f);
  p = p * m + set1(1.1676998740e-1f);
  p = p * m - set1(1.2420140846e-1f);
  p = p * m + set1(1.4249322787e-1f);
  p = p * m - set1(1.6668057665e-1f);
  p = p * m + set1(2.0000714765e-1f);
  p = p * m - set1(2.4999993993e-1f);
  p = p * m + set1(3.3333331174e-1f);
  const vf square = m * m;
  vf y = p * m * square + n * set1(-2.12194440e-4f) - set1(0.5f) * square;
  y = m + y + n * set1(0.693359375f);
  return x == x ? y : x;
}

// 1 / (1 + e^-x).
VIT_INLINE vf sigmoid_v(vf x) { return set1(1.0f) / (set1(1.0f) + exp_v(-x)); }

// 3 ulp: an odd polynomial near 0, else 1 - 2 / (e^2|x| + 1). Coefficients: Moshier, Cephes, tanhf.
VIT_INLINE vf tanh_v(vf x) {
  const vf size = abs_v(x);
  const vf square = x * x;
  vf p = set1(-5.70498872745e-3f);
  p = p * square + set1(2.06390887954e-2f);
  p = p * square + set1(-5.37397155531e-2f);
  p = p * square + set1(1.33314422036e-1f);
  p = p * square + set1(-3.33332819422e-1f);
  const vf near = p * square * x + x;
  const vf far = set1(1.0f) - set1(2.0f) / (exp_v(size + size) + set1(1.0f));
  return with_sign(size < set1(0.625f) ? near : far, x);
}

// Rational in x², absolute error 5e-7; ±1 outside [-4, 4]. Coefficients: the Eigen library, generic fast erf for float.
VIT_INLINE vf erf_v(vf value) {
  const vf x = max_v(min_v(value, set1(4.0f)), set1(-4.0f));
  const vf s = x * x;
  vf p = set1(-2.72614225801306e-10f);
  p = p * s + set1(2.77068142495902e-08f);
  p = p * s + set1(-2.10102402082508e-06f);
  p = p * s + set1(-5.69250639462346e-05f);
  p = p * s + set1(-7.34990630326855e-04f);
  p = p * s + set1(-2.95459980854025e-03f);
  p = p * s + set1(-1.60960333262415e-02f);
  vf q = set1(-1.45660718464996e-05f);
  q = q * s + set1(-2.13374055278905e-04f);
  q = q * s + set1(-1.68282697438203e-03f);
  q = q * s + set1(-7.37332916720468e-03f);
  q = q * s + set1(-1.42647390514189e-02f);
  return x * p / q;
}

constexpr float kSqrtHalf = 0.70710678118654752f;
constexpr float kTanhScale = 0.79788456080286536f;  // √(2/π)
constexpr float kTanhCubic = 0.044715f;
constexpr float kQuick = 1.702f;

// p/q with one division less to wait for where there is a reciprocal of 14 bits, which one step of Newton's makes
// whole.
VIT_INLINE vf quotient_v(vf p, vf q) {
#if defined(VIT_AVX512)
  const vf r = _mm512_maskz_rcp14_ps(0xFFFF, q);
  return p * (r * (set1(2.0f) - q * r));
#else
  return p / q;
#endif
}

// Φ(x), the share of normal numbers below x, absolute error 3e-7: ½ + ½·erf(x·√½) with the factors in erf_v's
// coefficients.
VIT_INLINE vf normal_below_v(vf value) {
  constexpr float k = 0.5f * kSqrtHalf;
  const vf x = max_v(min_v(value, set1(4.0f / kSqrtHalf)), set1(-4.0f / kSqrtHalf));
  const vf s = x * x;
  vf p = set1(-2.72614225801306e-10f * k / 64.0f);
  p = p * s + set1(2.77068142495902e-08f * k / 32.0f);
  p = p * s + set1(-2.10102402082508e-06f * k / 16.0f);
  p = p * s + set1(-5.69250639462346e-05f * k / 8.0f);
  p = p * s + set1(-7.34990630326855e-04f * k / 4.0f);
  p = p * s + set1(-2.95459980854025e-03f * k / 2.0f);
  p = p * s + set1(-1.60960333262415e-02f * k);
  vf q = set1(-1.45660718464996e-05f / 16.0f);
  q = q * s + set1(-2.13374055278905e-04f / 8.0f);
  q = q * s + set1(-1.68282697438203e-03f / 4.0f);
  q = q * s + set1(-7.37332916720468e-03f / 2.0f);
  q = q * s + set1(-1.42647390514189e-02f);
  return set1(0.5f) + quotient_v(x * p, q);
}

// form: 0 erf, 1 tanh, 2 quick.
template <int form>
VIT_INLINE vf gelu_v(vf x) {
  if (form == 0) return x * normal_below_v(x);
  if (form == 1) {
    const vf inner = set1(kTanhScale) * (x + set1(kTanhCubic) * x * x * x);
    return set1(0.5f) * x * (set1(1.0f) + tanh_v(inner));
  }
  return x * sigmoid_v(set1(kQuick) * x);
}

// gelu and its slope at once; they share their costly part.
template <int form>
VIT_INLINE vf gelu_both_v(vf x, vf* slope) {
  if (form == 0) {
    const vf below = normal_below_v(x);
    const vf phi = exp2_v(x * x * set1(-0.72134752044448170f)) * set1(0.39894228040143268f);
    *slope = below + x * phi;
    return x * below;
  }
  if (form == 1) {
    const vf t = tanh_v(set1(kTanhScale) * (x + set1(kTanhCubic) * x * x * x));
    const vf inner = set1(kTanhScale) * (set1(1.0f) + set1(3.0f * kTanhCubic) * x * x);
    const vf half = set1(0.5f) * (set1(1.0f) + t);
    *slope = half + set1(0.5f) * x * (set1(1.0f) - t * t) * inner;
    return x * half;
  }
  const vf s = sigmoid_v(set1(kQuick) * x);
  *slope = s + set1(kQuick) * x * s * (set1(1.0f) - s);
  return x * s;
}

template <int form>
VIT_INLINE vf gelu_slope_v(vf x) {
  vf slope;
  gelu_both_v<form>(x, &slope);
  return slope;
}

}  // namespace VIT_ISA
