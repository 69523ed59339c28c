// Functions of <math.h> on vectors: at most 4 ulp off in all lanes, most of them 2; infinities and NaN behave as there,
// and as in JavaScript where that differs (pow). Intermediate values that float32 cannot hold are float64, half a
// vector at a time.
#pragma once

#include "kernels.h"
#include "vector_math.h"

namespace VIT_ISA {

// The operations of `unary` and `binary` that elementwise.cc leaves to transcendental.cc.
void transcendental(vit::Unary op, size_t n, const float* x, float* out);
void transcendental(vit::Binary op, const vit::Walk& walk, const float* a, const float* b, float* out);

typedef double vd __attribute__((vector_size(VL * 4)));
typedef int64_t vl __attribute__((vector_size(VL * 4)));

#if defined(VIT_AVX512)
VIT_INLINE vd low_half(vf x) { return _mm512_maskz_cvtps_pd(0xFF, _mm512_maskz_extractf32x8_ps(0xFF, x, 0)); }
VIT_INLINE vd high_half(vf x) { return _mm512_maskz_cvtps_pd(0xFF, _mm512_maskz_extractf32x8_ps(0xFF, x, 1)); }
VIT_INLINE vf joined(vd low, vd high) {
  const __m512 first = _mm512_castps256_ps512(_mm512_maskz_cvtpd_ps(0xFF, low));
  return _mm512_maskz_insertf32x8(0xFFFF, first, _mm512_maskz_cvtpd_ps(0xFF, high), 1);
}
VIT_INLINE bool any(vi mask) { return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)) != 0; }
#elif defined(VIT_AVX2)
VIT_INLINE vd low_half(vf x) { return _mm256_cvtps_pd(_mm256_castps256_ps128(x)); }
VIT_INLINE vd high_half(vf x) { return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)); }
VIT_INLINE vf joined(vd low, vd high) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)), _mm256_cvtpd_ps(high), 1);
}
VIT_INLINE bool any(vi mask) { return _mm256_movemask_ps(as_float(mask)) != 0; }
#elif defined(VIT_NEON)
VIT_INLINE vd low_half(vf x) { return vcvt_f64_f32(vget_low_f32(x)); }
VIT_INLINE vd high_half(vf x) { return vcvt_high_f64_f32(x); }
VIT_INLINE vf joined(vd low, vd high) { return vcvt_high_f32_f64(vcvt_f32_f64(low), high); }
VIT_INLINE bool any(vi mask) { return vmaxvq_u32(reinterpret_cast<uint32x4_t>(mask)) != 0; }
#elif defined(__SSE2__)
VIT_INLINE vd low_half(vf x) { return _mm_cvtps_pd(x); }
VIT_INLINE vd high_half(vf x) { return _mm_cvtps_pd(_mm_movehl_ps(x, x)); }
VIT_INLINE vf joined(vd low, vd high) { return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high)); }
VIT_INLINE bool any(vi mask) { return _mm_movemask_ps(as_float(mask)) != 0; }
#else
VIT_INLINE vd low_half(vf x) { return vd{x[0], x[1]}; }
VIT_INLINE vd high_half(vf x) { return vd{x[2], x[3]}; }
VIT_INLINE vf joined(vd low, vd high) {
  return vf{static_cast<float>(low[0]), static_cast<float>(low[1]), static_cast<float>(high[0]),
            static_cast<float>(high[1])};
}
VIT_INLINE bool any(vi mask) { return (mask[0] | mask[1] | mask[2] | mask[3]) != 0; }
#endif

VIT_INLINE vl as_long(vd v) { return reinterpret_cast<vl>(v); }
VIT_INLINE vd as_double(vl v) { return reinterpret_cast<vd>(v); }
VIT_INLINE vf nan_v() { return set1(__builtin_nanf("")); }
VIT_INLINE vf infinity_v() { return set1(__builtin_inff()); }

// y, but f(lane of x) in the lanes that are `wrong`.
template <typename F>
VIT_INLINE vf mended(vf y, vi wrong, vf x, const F& f) {
  if (__builtin_expect(!any(wrong), 1)) return y;
  for (size_t i = 0; i < VL; ++i)
    if (wrong[i] != 0) y[i] = f(x[i]);
  return y;
}
template <typename F>
VIT_INLINE vf mended(vf out, vi wrong, vf x, vf y, const F& f) {
  if (__builtin_expect(!any(wrong), 1)) return out;
  for (size_t i = 0; i < VL; ++i)
    if (wrong[i] != 0) out[i] = f(x[i], y[i]);
  return out;
}

// To the nearest integer, ties to even: what is added leaves no bit for a fraction.
VIT_INLINE vf round_v(vf x) {
  const vf size = abs_v(x);
  const vf rounded = with_sign((size + set1(8388608.0f)) - set1(8388608.0f), x);
  return size < set1(8388608.0f) ? rounded : x;
}
VIT_INLINE vf floor_v(vf x) {
  const vf r = round_v(x);
  return r > x ? r - set1(1.0f) : r;
}
VIT_INLINE vf ceil_v(vf x) {
  const vf r = round_v(x);
  return with_sign(r < x ? r + set1(1.0f) : r, x);
}

// log x of any x, 2 ulp. Denormals are scaled first.
VIT_INLINE vf log_all_v(vf x) {
  const vf zero = set1(0.0f);
  const vi small = x < set1(1.17549435e-38f);
  const vf scaled = log_v(small ? x * set1(8388608.0f) : x);
  const vf y = small ? scaled - set1(15.942385152878742f) : scaled;
  const vf end = x == infinity_v() ? x : y;
  return x > zero ? end : (x == zero ? -infinity_v() : nan_v());
}

// log(1 + x), 3 ulp: of the rounded sum, then what rounding took from it.
VIT_INLINE vf log1p_v(vf x) {
  const vf u = set1(1.0f) + x;
  const vf y = log_all_v(u);
  const vf corrected = y + (x - (u - set1(1.0f))) / u;
  return abs_v(y) < infinity_v() ? (abs_v(x) < set1(5.9604645e-8f) ? x : corrected) : y;
}

// (e^x - 1)/4 of x up to 89.5, 2 ulp, so that what it is multiplied by may overflow and not this.
VIT_INLINE vf quarter_expm1_v(vf x) {
  x = max_v(min_v(x, set1(89.5f)), set1(-30.0f));
  vf shifted;
  const vf p = exp_of_rest_v(x, &shifted);
  const vf power = as_float((as_int(shifted) - as_int(set1(kWholes)) + 125) << 23);
  return power * p + (power - set1(0.25f));
}
VIT_INLINE vf expm1_v(vf x) { return abs_v(x) < set1(5.9604645e-8f) ? x : set1(4.0f) * quarter_expm1_v(x); }

// log(1 + e^x), 4 ulp.
VIT_INLINE vf softplus_v(vf x) { return x > set1(14.0f) ? x : log1p_v(exp_v(x)); }

// With h = (e^|x| - 1)/2 sinh = h + h/(2h + 1); with h = e^|x|/2 cosh = h + 1/(4h).
VIT_INLINE vf sinh_v(vf x) {
  const vf size = abs_v(x);
  const vf h = set1(2.0f) * quarter_expm1_v(size);
  const vf y = h + h / (set1(2.0f) * h + set1(1.0f));
  return size < set1(1e-4f) ? x : with_sign(h < infinity_v() ? y : h, x);
}
VIT_INLINE vf cosh_v(vf x) {
  const vf h = set1(2.0f) * quarter_expm1_v(abs_v(x)) + set1(0.5f);
  return h + set1(0.25f) / h;
}
VIT_INLINE vf asinh_v(vf x) {
  const vf size = abs_v(x);
  const vi large = size > set1(1e9f);
  const vf square = size * size;
  const vf y = log1p_v(large ? size : size + square / (set1(1.0f) + sqrt_v(set1(1.0f) + square)));
  const vf sum = large ? y + set1(0.693147180559945f) : y;
  return x == x ? with_sign(sum, x) : x;
}
VIT_INLINE vf acosh_v(vf x) {
  const vf t = x - set1(1.0f);
  const vi large = x > set1(1e9f);
  const vf y = log1p_v(large ? x : t + sqrt_v(t * (t + set1(2.0f))));
  return x >= set1(1.0f) ? (large ? y + set1(0.693147180559945f) : y) : nan_v();
}
VIT_INLINE vf atanh_v(vf x) {
  const vf size = abs_v(x);
  const vf y = set1(0.5f) * log1p_v(set1(2.0f) * size / (set1(1.0f) - size));
  const vf near = size < set1(1e-4f) ? x : with_sign(y, x);
  return size <= set1(1.0f) ? near : nan_v();
}

// x = n·π/2 + r with r in ±π/4, or a little outside; up to 131,072 r has all its bits (Cody and Waite 1980, in
// float64).
VIT_INLINE vd reduced(vd x, vd n) { return (x - n * 0x1.921fb54p+0) - n * 0x1.10b4611a62633p-30; }
VIT_INLINE vf turns_of(vf x) { return x * set1(0.63661977236758134f) + set1(kWholes); }
constexpr float kMostTurned = 131072.0f;
// Coefficients: Moshier, Cephes, sinf and cosf.
VIT_INLINE vf sine_near_v(vf r) {
  const vf z = r * r;
  vf p = set1(-1.9515295891e-4f);
  p = p * z + set1(8.3321608736e-3f);
  p = p * z + set1(-1.6666654611e-1f);
  return p * z * r + r;
}
VIT_INLINE vf cosine_near_v(vf r) {
  const vf z = r * r;
  vf p = set1(2.443315711809948e-5f);
  p = p * z + set1(-1.388731625493765e-3f);
  p = p * z + set1(4.166664568298827e-2f);
  return p * (z * z) - set1(0.5f) * z + set1(1.0f);
}
// sin(x + quarters·π/2).
VIT_INLINE vf sine_v(vf x, int32_t quarters) {
  const vf turns = turns_of(x);
  const vf n = turns - set1(kWholes);
  const vf r = joined(reduced(low_half(x), low_half(n)), reduced(high_half(x), high_half(n)));
  const vi quarter = as_int(turns) - as_int(set1(kWholes)) + quarters;
  const vf y = (quarter & 1) != 0 ? cosine_near_v(r) : sine_near_v(r);
  return as_float(as_int(y) ^ ((quarter & 2) << 30));
}
VIT_INLINE vf sin_v(vf x) {
  // A series ends with the sum of 0 and -0.
  const vf y = x == set1(0.0f) ? x : sine_v(x, 0);
  return mended(y, abs_v(x) > set1(kMostTurned), x,
                [](float s) { return static_cast<float>(sin(static_cast<double>(s))); });
}
VIT_INLINE vf cos_v(vf x) {
  return mended(sine_v(x, 1), abs_v(x) > set1(kMostTurned), x,
                [](float s) { return static_cast<float>(cos(static_cast<double>(s))); });
}
// Near its poles all of float32's bits count, so it is float64 throughout: sin/cos of r, or -cos/sin where n is odd, by
// their series.
VIT_INLINE vd tangent_of(vd x, vd n) {
  const vd r = reduced(x, n);
  const vd z = r * r;
  vd s = z * (-1.0 / 39916800) + 1.0 / 362880;
  s = s * z - 1.0 / 5040;
  s = s * z + 1.0 / 120;
  s = s * z - 1.0 / 6;
  s = s * z * r + r;
  vd c = z * (1.0 / 479001600) - 1.0 / 3628800;
  c = c * z + 1.0 / 40320;
  c = c * z - 1.0 / 720;
  c = c * z + 1.0 / 24;
  c = c * z - 0.5;
  c = c * z + 1.0;
  constexpr double magic = 0x1.8p52;
  const vd half = 0.5 * n;
  const vl odd = (half + magic) - magic != half;
  return (odd ? -c : s) / (odd ? s : c);
}
VIT_INLINE vf tan_v(vf x) {
  const vf n = turns_of(x) - set1(kWholes);
  const vf y = joined(tangent_of(low_half(x), low_half(n)), tangent_of(high_half(x), high_half(n)));
  return mended(x == set1(0.0f) ? x : y, abs_v(x) > set1(kMostTurned), x,
                [](float s) { return static_cast<float>(tan(static_cast<double>(s))); });
}

constexpr float kHalfPi = 1.5707963267948966f;
constexpr float kHalfPiRest = -4.37113883e-8f;  // what float32 takes from it
constexpr float kQuarterPi = 0.78539816339744831f;

// asin of s, given its square up to ¼. Coefficients: Moshier, Cephes, asinf.
VIT_INLINE vf asin_near_v(vf s, vf z) {
  vf p = set1(4.2163199048e-2f);
  p = p * z + set1(2.4181311049e-2f);
  p = p * z + set1(4.5470025998e-2f);
  p = p * z + set1(7.4953002686e-2f);
  p = p * z + set1(1.6666752422e-1f);
  return p * z * s + s;
}
VIT_INLINE vf asin_v(vf x) {
  const vf size = abs_v(x);
  const vi far = size > set1(0.5f);
  const vf z = far ? set1(0.5f) * (set1(1.0f) - size) : size * size;
  const vf y = asin_near_v(far ? sqrt_v(z) : size, z);
  const vf other = (set1(kHalfPi) - set1(2.0f) * y) + set1(kHalfPiRest);
  return x == x ? (size <= set1(1.0f) ? with_sign(far ? other : y, x) : nan_v()) : x;
}
VIT_INLINE vf acos_v(vf x) {
  const vf size = abs_v(x);
  const vi far = size > set1(0.5f);
  const vf z = far ? set1(0.5f) * (set1(1.0f) - size) : size * size;
  const vf y = asin_near_v(far ? sqrt_v(z) : x, z);
  const vf twice = set1(2.0f) * y;
  const vf ends = x > set1(0.0f) ? twice : set1(2.0f * kHalfPi) - (twice - set1(2.0f * kHalfPiRest));
  return far ? ends : set1(kHalfPi) - (y - set1(kHalfPiRest));
}

// atan of t up to tan(π/8). Coefficients: Moshier, Cephes, atanf.
VIT_INLINE vf atan_near_v(vf t) {
  const vf z = t * t;
  vf p = set1(8.05374449538e-2f);
  p = p * z + set1(-1.38776856032e-1f);
  p = p * z + set1(1.99777106478e-1f);
  p = p * z + set1(-3.33329491539e-1f);
  return p * z * t + t;
}
VIT_INLINE vf atan_v(vf x) {
  const vf one = set1(1.0f);
  const vf size = abs_v(x);
  const vi far = size > set1(2.414213562373095f), middle = size > set1(0.4142135623730950f);
  const vf t = (far ? -one : middle ? size - one : size) / (far ? size : middle ? size + one : one);
  const vf base = far ? set1(kHalfPi) : middle ? set1(kQuarterPi) : set1(0.0f);
  return x == x ? with_sign(base + atan_near_v(t), x) : x;
}
// The angle of (x, y): of the smaller by the larger, whose quotient neither overflows nor vanishes in float64.
VIT_INLINE vf atan2_v(vf y, vf x) {
  const vf zero = set1(0.0f), one = set1(1.0f);
  const vf tall = abs_v(y), wide = abs_v(x);
  const vi swapped = tall > wide;
  vf least = swapped ? wide : tall, most = swapped ? tall : wide;
  const vi same = least == infinity_v();
  least = same ? one : least;
  most = (same | (most == zero)) != 0 ? one : most;
  const vi middle = least > set1(0.4142135623730950f) * most;
  const auto quotient = [](vd a, vd b) {
    return (a > 0.4142135623730950 * b ? a - b : a) / (a > 0.4142135623730950 * b ? a + b : b);
  };
  const vf t = joined(quotient(low_half(least), low_half(most)), quotient(high_half(least), high_half(most)));
  vf angle = atan_near_v(t);
  angle = ((t < zero) | ((t == zero) & middle)) != 0 ? set1(kQuarterPi) + angle : angle;
  angle = swapped ? set1(kHalfPi) - angle : angle;
  angle = as_int(x) < 0 ? set1(2.0f * kHalfPi) - angle : angle;
  return ((x == x) & (y == y)) != 0 ? with_sign(angle, y) : x + y;
}

// x^y of positive normal x; float64 throughout, some 2^-33 of the result: log2 by the series of artanh((m - 1)/(m + 1))
// for m in [√½, √2), 2^ by that of e^.
VIT_INLINE vd power_of(vd x, vd y) {
  constexpr int64_t root = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000;
  typedef uint64_t vul __attribute__((vector_size(VL * 4)));
  const vl bits = as_long(x) - root + one;
  const vd exponent =
      as_double(reinterpret_cast<vl>(reinterpret_cast<vul>(bits) >> 52) | 0x4330000000000000) - (0x1p52 + 1023);
  const vd m = as_double((bits & 0x000fffffffffffff) + root);
  const vd s = (m - 1.0) / (m + 1.0);
  const vd z = s * s;
  constexpr double k = 2 / 0.693147180559945309417;
  vd p = z * (k / 13) + k / 11;
  p = p * z + k / 9;
  p = p * z + k / 7;
  p = p * z + k / 5;
  p = p * z + k / 3;
  p = p * z + k;
  vd e = y * (p * s + exponent);
  const vd most = vd{} + 200.0;
  e = e < -most ? -most : (e > most ? most : e);
  constexpr double magic = 0x1.8p52;
  const vd shifted = e + magic;
  const vd r = (e - (shifted - magic)) * 0.693147180559945309417;
  vd q = r * (1.0 / 362880) + 1.0 / 40320;
  q = q * r + 1.0 / 5040;
  q = q * r + 1.0 / 720;
  q = q * r + 1.0 / 120;
  q = q * r + 1.0 / 24;
  q = q * r + 1.0 / 6;
  q = q * r + 0.5;
  q = q * r + 1.0;
  q = q * r + 1.0;
  return q * as_double((as_long(shifted) - 0x4338000000000000 + 1023) << 52);
}
// Unlike C's, 1 to the power of NaN, and ±1 to that of an infinity, are NaN.
VIT_INLINE float power_in_javascript(float x, float y) {
  if (y != y || (fabsf(x) == 1.0f && fabsf(y) == __builtin_inff())) return __builtin_nanf("");
  return static_cast<float>(pow(static_cast<double>(x), static_cast<double>(y)));
}
VIT_INLINE vf pow_v(vf x, vf y) {
  const vf zero = set1(0.0f), one = set1(1.0f);
  const vf size = abs_v(x);
  const vi none = size == zero, finite = (size < infinity_v()) & (abs_v(y) < infinity_v());
  const vf base = (~none & finite) != 0 ? size : one;
  const vf regular = joined(power_of(low_half(base), low_half(y)), power_of(high_half(base), high_half(y)));
  const vf power = none ? (y > zero ? zero : (y < zero ? infinity_v() : one)) : regular;
  const vf half = set1(0.5f) * y;
  const vi whole = round_v(y) == y, odd = whole & (round_v(half) != half);
  const vf with = (odd & (as_int(x) < 0)) != 0 ? -power : power;
  return mended((~whole & (x < zero)) != 0 ? nan_v() : with, ~finite, x, y, power_in_javascript);
}

// The remainder with the sign of the divisor, as tfjs has it: (x mod y + y) mod y in float64 where the signs differ.
VIT_INLINE float mod_in_javascript(float x, float y) {
  const double a = static_cast<double>(x), b = static_cast<double>(y);
  const double rest = fmod(a, b);
  return static_cast<float>((a < 0 && b < 0) || (a >= 0 && b >= 0) ? rest : fmod(rest + b, b));
}
// Exact while the quotient is below 2^24: so are its product with y and what that leaves of x.
VIT_INLINE vf mod_v(vf x, vf y) {
  const auto rest = [](vd a, vd b) {
    constexpr double magic = 0x1.8p52;
    const vd n = (a / b + magic) - magic;
    const vd r = a - n * b;
    const vd sum = r + b;
    const vd moved = sum == b ? sum - sum : sum;
    return (b < 0.0 ? r > 0.0 : r < 0.0) ? moved : r;
  };
  const vf out = joined(rest(low_half(x), low_half(y)), rest(high_half(x), high_half(y)));
  const vi wrong = ~((abs_v(x) < set1(16777216.0f) * abs_v(y)) & (abs_v(y) < infinity_v()));
  // A remainder of 0 has the sign of the divisor, but that of a dividend that is 0 where the divisor is positive.
  const vf zero = set1(0.0f);
  const vf none = ((x == zero) & (y > zero)) != 0 ? x : with_sign(zero, y);
  return mended(out == zero ? none : out, wrong, x, y, mod_in_javascript);
}

}  // namespace VIT_ISA
