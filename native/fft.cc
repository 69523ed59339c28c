// Fourier transforms in passes that sort themselves (Stockham; Swarztrauber 1982, "FFT algorithms for vector
// computers"), of the factors 4, 2, 3, 5, 7, 11 and 13. A length with a larger factor is a convolution of a power of 2
// (Bluestein 1970), in float64. Twiddles are computed in float64. A transform is done by one thread.

#include <math.h>

#include <type_traits>
#include <utility>
#include <vector>

#include "parallel.h"
#include "simd.h"
#include "sizes.h"
#include "table.h"

namespace VIT_ISA {
namespace {

using namespace vit;

constexpr size_t kTask = 16384;
constexpr size_t kMostRadix = 13;

template <typename T>
struct Complexes {
  std::vector<T> re, im;
  void resize(size_t n) { re.resize(n), im.resize(n); }
  void set(size_t i, double angle) {
    re[i] = static_cast<T>(cos(angle));
    im[i] = static_cast<T>(sin(angle));
  }
};
template <typename T>
struct Side {
  T *re, *im;
};

// exp(-2πi·k/n), with a small angle.
double angle_of(size_t k, size_t n) { return -2 * M_PI * (static_cast<double>(k % n) / static_cast<double>(n)); }

// The tables of the passes over n elements: for each, its radix p, and exp(-2πi·q·k/length) at (k - 1)·m + q for q < m
// = length/p.
template <typename T>
struct Plan {
  size_t n = 0;
  std::vector<size_t> radix;
  std::vector<Complexes<T>> twiddles;
  std::vector<Complexes<T>> roots;  // of 1 of the radix, exp(-2πi·k/p)
  Complexes<T> narrow;              // the twiddles of a pass of radix 4 over s = 4, each four times

  // false if n has a larger prime factor.
  bool make(size_t wanted) {
    n = wanted;
    radix.clear(), twiddles.clear(), roots.clear();
    size_t rest = n;
    for (const size_t p : {4, 2, 3, 5, 7, 11, 13})
      for (; rest % p == 0; rest /= p) radix.push_back(p);
    if (rest != 1) return false;
    size_t length = n;
    for (const size_t p : radix) {
      const size_t m = length / p;
      Complexes<T> w, root;
      w.resize((p - 1) * m), root.resize(p);
      for (size_t k = 1; k < p; ++k)
        for (size_t q = 0; q < m; ++q) w.set((k - 1) * m + q, angle_of(k * q, length));
      for (size_t k = 0; k < p; ++k) root.set(k, angle_of(k, p));
      if (p == 4 && n / length == 4) {
        narrow.resize(3 * m * 4);
        for (size_t i = 0; i < 3 * m * 4; ++i) narrow.re[i] = w.re[i / 4], narrow.im[i] = w.im[i / 4];
      }
      twiddles.push_back(std::move(w)), roots.push_back(std::move(root));
      length = m;
    }
    return true;
  }
};

// One pass: for q < m and j < s, the p elements x[j + s·(q + m·r)] become y[j + s·(p·q + k)].
template <typename T>
struct Pass {
  size_t p, m, s;
  const T *w_re, *w_im;
  const T *root_re, *root_im;
};

// Elements of one pass do not depend on each other, which the compiler cannot see.
#if defined(__clang__)
#define VIT_APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define VIT_APART _Pragma("GCC ivdep")
#endif

// body(from, to, q) for every element in the order that a vector runs along: q where s is 1, else j.
template <typename T, typename Body>
VIT_INLINE void each_element(const Pass<T>& c, const Body& body) {
  const size_t p = c.p, m = c.m, s = c.s;
  if (s == 1) {
    VIT_APART
    for (size_t q = 0; q < m; ++q) body(q, p * q, q);
    return;
  }
  for (size_t q = 0; q < m; ++q) {
    VIT_APART
    for (size_t j = 0; j < s; ++j) body(j + s * q, j + s * p * q, q);
  }
}

template <typename T>
void pass2(const Pass<T>& c, const T* __restrict xr, const T* __restrict xi, T* __restrict yr, T* __restrict yi) {
  const size_t far = c.s * c.m, s = c.s;
  const T *wr = c.w_re, *wi = c.w_im;
  each_element(c, [=](size_t x, size_t y, size_t q) {
    const T ar = xr[x], ai = xi[x], br = xr[x + far], bi = xi[x + far];
    const T dr = ar - br, di = ai - bi;
    yr[y] = ar + br;
    yi[y] = ai + bi;
    yr[y + s] = dr * wr[q] - di * wi[q];
    yi[y + s] = dr * wi[q] + di * wr[q];
  });
}

template <typename T>
void pass4(const Pass<T>& c, const T* __restrict xr, const T* __restrict xi, T* __restrict yr, T* __restrict yi) {
  const size_t far = c.s * c.m, s = c.s, m = c.m;
  const T *wr = c.w_re, *wi = c.w_im;
  each_element(c, [=](size_t x, size_t y, size_t q) {
    const T ar = xr[x], ai = xi[x], br = xr[x + far], bi = xi[x + far];
    const T cr = xr[x + 2 * far], ci = xi[x + 2 * far], dr = xr[x + 3 * far], di = xi[x + 3 * far];
    const T sum_r = ar + cr, sum_i = ai + ci, dif_r = ar - cr, dif_i = ai - ci;
    const T odd_r = br + dr, odd_i = bi + di, turn_r = bi - di, turn_i = dr - br;  // -i·(b - d)
    yr[y] = sum_r + odd_r;
    yi[y] = sum_i + odd_i;
    const T one_r = dif_r + turn_r, one_i = dif_i + turn_i;
    yr[y + s] = one_r * wr[q] - one_i * wi[q];
    yi[y + s] = one_r * wi[q] + one_i * wr[q];
    const T two_r = sum_r - odd_r, two_i = sum_i - odd_i;
    yr[y + 2 * s] = two_r * wr[m + q] - two_i * wi[m + q];
    yi[y + 2 * s] = two_r * wi[m + q] + two_i * wr[m + q];
    const T three_r = dif_r - turn_r, three_i = dif_i - turn_i;
    yr[y + 3 * s] = three_r * wr[2 * m + q] - three_i * wi[2 * m + q];
    yi[y + 3 * s] = three_r * wi[2 * m + q] + three_i * wr[2 * m + q];
  });
}

struct Pair {
  vf re, im;
};
VIT_INLINE Pair times(Pair a, const float* re, const float* im) {
  const vf wr = load(re), wi = load(im);
  return {a.re * wr - a.im * wi, a.re * wi + a.im * wr};
}
// Elements 4·g … 4·g + 3 of v to the place of group g, `step` after that of the one before.
VIT_INLINE void store_groups(float* to, size_t step, vf v) {
  for (size_t g = 0; g < VL / 4; ++g) memcpy(to + g * step, reinterpret_cast<const char*>(&v) + 16 * g, 16);
}

// Interleaves rows a, b, c, d: a0 b0 c0 d0 a4 b4 …, a1 b1 c1 d1 a5 …, and so on.
VIT_INLINE void turn_groups(vf* rows) {
  const auto pair = [&](size_t i, size_t j, auto half) {
    const vf a = rows[i], b = rows[j];
    rows[i] = mix<half, false>(a, b, std::make_index_sequence<VL>());
    rows[j] = mix<half, true>(a, b, std::make_index_sequence<VL>());
  };
  const std::integral_constant<size_t, 1> one{};
  const std::integral_constant<size_t, 2> two{};
  pair(0, 1, one), pair(2, 3, one);
  pair(0, 2, two), pair(1, 3, two);
}

// Radix 4 where s is 1 or 4: a vector runs along j + s·q, in which x is contiguous, and its results are written in
// groups of four. w holds a twiddle for each of these places.
template <size_t s>
VIT_INLINE void narrow4(size_t m, const float* wr, const float* wi, const float* xr, const float* xi, float* yr,
                        float* yi) {
  const size_t far = s * m;
  for (size_t t = 0; t < far; t += VL) {
    const Pair a = {load(xr + t), load(xi + t)}, b = {load(xr + t + far), load(xi + t + far)};
    const Pair c = {load(xr + t + 2 * far), load(xi + t + 2 * far)},
               d = {load(xr + t + 3 * far), load(xi + t + 3 * far)};
    const Pair sum = {a.re + c.re, a.im + c.im}, dif = {a.re - c.re, a.im - c.im};
    const Pair odd = {b.re + d.re, b.im + d.im}, turn = {b.im - d.im, d.re - b.re};
    const Pair one = times({dif.re + turn.re, dif.im + turn.im}, wr + t, wi + t);
    const Pair two = times({sum.re - odd.re, sum.im - odd.im}, wr + far + t, wi + far + t);
    const Pair three = times({dif.re - turn.re, dif.im - turn.im}, wr + 2 * far + t, wi + 2 * far + t);
    vf re[4] = {sum.re + odd.re, one.re, two.re, three.re}, im[4] = {sum.im + odd.im, one.im, two.im, three.im};
    if constexpr (s == 1) turn_groups(re), turn_groups(im);
    // Row k of results for s = 4; for s = 1 the four results of places k, k + 4, ….
    for (size_t k = 0; k < 4; ++k) {
      store_groups(yr + 4 * t + 4 * k, 16, re[k]);
      store_groups(yi + 4 * t + 4 * k, 16, im[k]);
    }
  }
}

template <typename T, size_t p>
void pass_odd(const Pass<T>& c, const T* __restrict xr, const T* __restrict xi, T* __restrict yr, T* __restrict yi) {
  const size_t far = c.s * c.m, s = c.s, m = c.m;
  each_element(c, [=](size_t x, size_t y, size_t q) {
    // Pairs of elements the same way from both ends: their sums meet the cosines, their differences the sines.
    T sum_r[p / 2], sum_i[p / 2], dif_r[p / 2], dif_i[p / 2];
    const T ar = xr[x], ai = xi[x];
    T total_r = ar, total_i = ai;
    for (size_t r = 1; r <= p / 2; ++r) {
      const size_t low = x + r * far, high = x + (p - r) * far;
      sum_r[r - 1] = xr[low] + xr[high], sum_i[r - 1] = xi[low] + xi[high];
      dif_r[r - 1] = xr[low] - xr[high], dif_i[r - 1] = xi[low] - xi[high];
      total_r += sum_r[r - 1], total_i += sum_i[r - 1];
    }
    yr[y] = total_r;
    yi[y] = total_i;
    for (size_t k = 1; k < p; ++k) {
      T br = ar, bi = ai;
      for (size_t r = 1; r <= p / 2; ++r) {
        const T co = c.root_re[k * r % p], si = c.root_im[k * r % p];
        br += sum_r[r - 1] * co - dif_i[r - 1] * si;
        bi += sum_i[r - 1] * co + dif_r[r - 1] * si;
      }
      const T wr = c.w_re[(k - 1) * m + q], wi = c.w_im[(k - 1) * m + q];
      yr[y + k * s] = br * wr - bi * wi;
      yi[y + k * s] = br * wi + bi * wr;
    }
  });
}

template <typename T>
void run_pass(const Pass<T>& c, Side<const T> x, Side<T> y) {
  switch (c.p) {
    case 2: return pass2(c, x.re, x.im, y.re, y.im);
    case 3: return pass_odd<T, 3>(c, x.re, x.im, y.re, y.im);
    case 4: return pass4(c, x.re, x.im, y.re, y.im);
    case 5: return pass_odd<T, 5>(c, x.re, x.im, y.re, y.im);
    case 7: return pass_odd<T, 7>(c, x.re, x.im, y.re, y.im);
    case 11: return pass_odd<T, 11>(c, x.re, x.im, y.re, y.im);
    default: return pass_odd<T, kMostRadix>(c, x.re, x.im, y.re, y.im);
  }
}

// Whether the pass is one of narrow4, and done.
template <typename T>
bool run_narrow(const Plan<T>& plan, const Pass<T>& c, Side<const T> x, Side<T> y) {
  if constexpr (std::is_same<T, float>::value) {
    if (c.p != 4 || c.s > 4 || c.s * c.m % VL != 0) return false;
    if (c.s == 1) narrow4<1>(c.m, c.w_re, c.w_im, x.re, x.im, y.re, y.im);
    else narrow4<4>(c.m, plan.narrow.re.data(), plan.narrow.im.data(), x.re, x.im, y.re, y.im);
    return true;
  } else {
    return false;
  }
}

// All passes from x to y, by way of `memory`, 4·n elements.
template <typename T>
void transform(const Plan<T>& plan, Side<const T> x, Side<T> y, T* memory) {
  const size_t n = plan.n, passes = plan.radix.size();
  if (passes == 0) {
    y.re[0] = x.re[0];
    y.im[0] = x.im[0];
    return;
  }
  size_t length = n, s = 1;
  for (size_t i = 0; i < passes; ++i) {
    const size_t p = plan.radix[i], m = length / p;
    T* other = memory + i % 2 * 2 * n;
    const Side<T> to = i + 1 == passes ? y : Side<T>{other, other + n};
    const Pass<T> pass = {p,
                          m,
                          s,
                          plan.twiddles[i].re.data(),
                          plan.twiddles[i].im.data(),
                          plan.roots[i].re.data(),
                          plan.roots[i].im.data()};
    if (!run_narrow(plan, pass, x, to)) run_pass(pass, x, to);
    x = {to.re, to.im};
    length = m;
    s *= p;
  }
}

// A transform of n as a convolution of `size` elements: y_k = c_k·Σ_j (x_j·c_j)·conj(c_{k-j}), with c_j =
// exp(-πi·j²/n).
struct Convolution {
  Plan<double> plan;
  Complexes<double> chirp;
  Complexes<double> filter;  // the transform of conj(c), over size

  void make(size_t n) {
    size_t size = 1;
    while (size < 2 * n - 1) size *= 2;
    plan.make(size);
    chirp.resize(n), filter.resize(size);
    size_t square = 0;  // j² modulo 2n
    for (size_t j = 0; j < n; ++j) {
      chirp.set(j, angle_of(square, 2 * n));
      square = (square + 2 * j + 1) % (2 * n);
    }
    std::vector<double> wave(2 * size), memory(4 * size);
    for (size_t j = 0; j < n; ++j) {
      wave[j] = wave[(size - j) % size] = chirp.re[j] / static_cast<double>(size);
      wave[size + j] = wave[size + (size - j) % size] = -chirp.im[j] / static_cast<double>(size);
    }
    transform<double>(plan, {wave.data(), wave.data() + size}, {filter.re.data(), filter.im.data()}, memory.data());
  }

  void run(size_t n, Side<const float> x, Side<float> y, double* memory) const {
    const size_t size = plan.n;
    const Side<double> a = {memory, memory + size}, b = {memory + 2 * size, memory + 3 * size};
    for (size_t j = 0; j < size; ++j) {
      const bool inside = j < n;
      const double re = inside ? static_cast<double>(x.re[j]) : 0, im = inside ? static_cast<double>(x.im[j]) : 0;
      const double c = inside ? chirp.re[j] : 0, s = inside ? chirp.im[j] : 0;
      a.re[j] = re * c - im * s;
      a.im[j] = re * s + im * c;
    }
    transform<double>(plan, {a.re, a.im}, b, memory + 4 * size);
    // The way back is a transform with the parts exchanged.
    for (size_t j = 0; j < size; ++j) {
      a.im[j] = b.re[j] * filter.re[j] - b.im[j] * filter.im[j];
      a.re[j] = b.re[j] * filter.im[j] + b.im[j] * filter.re[j];
    }
    transform<double>(plan, {a.re, a.im}, b, memory + 4 * size);
    for (size_t k = 0; k < n; ++k) {
      y.re[k] = static_cast<float>(b.im[k] * chirp.re[k] - b.re[k] * chirp.im[k]);
      y.im[k] = static_cast<float>(b.im[k] * chirp.im[k] + b.re[k] * chirp.re[k]);
    }
  }
};

// The tables of the last length; callers come one after the other.
struct Known {
  size_t n = 0;
  bool smooth = false;
  Plan<float> plan;
  Convolution convolution;
};

const Known& known(size_t n) {
  static Known* const last = new Known;
  if (last->n == n) return *last;
  last->n = 0;
  last->smooth = last->plan.make(n);
  if (!last->smooth) last->convolution.make(n);
  last->n = n;
  return *last;
}

}  // namespace

void fft(size_t batch, size_t n, bool inverse, const float* re, const float* im, float* out_re, float* out_im) {
  if (batch == 0 || n == 0) return;
  const Known& all = known(n);
  reserve_scratch(all.smooth ? 4 * n : 2 * 8 * all.convolution.plan.n);
  const size_t each = items_for(kTask, n);
  const float scale = 1.0f / static_cast<float>(n);
  // The inverse is the transform with the parts exchanged, before and after.
  if (inverse) std::swap(re, im), std::swap(out_re, out_im);
  parallel(ceil_div(batch, each), [&](size_t task, size_t worker) {
    for (size_t i = task * each; i < batch && i < (task + 1) * each; ++i) {
      const Side<const float> x = {re + i * n, im + i * n};
      const Side<float> y = {out_re + i * n, out_im + i * n};
      if (all.smooth) transform<float>(all.plan, x, y, scratch(worker));
      else all.convolution.run(n, x, y, reinterpret_cast<double*>(scratch(worker)));
      if (!inverse) continue;
      for (size_t j = 0; j < n; ++j) {
        y.re[j] *= scale;
        y.im[j] *= scale;
      }
    }
  });
}

}  // namespace VIT_ISA
