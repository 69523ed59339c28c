// Products, reductions of integers and truth values, and the places of extremes, over the middle axis of [outer, n,
// inner].

#include <math.h>

#include <algorithm>
#include <type_traits>

#include "integers.h"
#include "parallel.h"
#include "sizes.h"
#include "table.h"

namespace VIT_ISA {
namespace {

using namespace vit;

constexpr size_t kTask = 16384;       // elements of a task, at least
constexpr size_t kRowPart = 65536;    // elements of a contiguous row that are reduced in one
constexpr size_t kColumns = 256;      // columns that are reduced together
constexpr size_t kColumnPart = 1024;  // rows of them

// How the work is cut: units of `width` columns by `length` rows, `parts` of them along the reduced axis.
struct Cut {
  size_t n, inner, width, length, blocks, parts, units, each;

  Cut(size_t outer, size_t n_, size_t inner_) : n(n_), inner(inner_) {
    width = std::min(inner, kColumns);
    length = inner == 1 ? kRowPart : kColumnPart;
    blocks = ceil_div(inner, width);
    parts = ceil_div(n, length);
    units = outer * blocks * parts;
    const size_t work = (std::min(n, length)) * width;
    each = items_for(kTask, work);
  }
};
struct Unit {
  size_t first;  // element of x
  size_t rows, columns;
  size_t target;  // element of the output
  size_t part;
};
VIT_INLINE Unit unit_of(const Cut& c, size_t index) {
  Unit u;
  u.part = index % c.parts;
  const size_t block = index / c.parts % c.blocks, outer = index / c.parts / c.blocks;
  const size_t begin = u.part * c.length, column = block * c.width;
  u.rows = std::min(c.n - begin, c.length);
  u.columns = std::min(c.inner - column, c.width);
  u.first = (outer * c.n + begin) * c.inner + column;
  u.target = outer * c.inner + column;
  return u;
}
template <typename Body>
VIT_INLINE void each_unit(const Cut& c, const Body& body) {
  parallel(ceil_div(c.units, c.each), [&](size_t task, size_t) {
    for (size_t i = task * c.each; i < c.units && i < (task + 1) * c.each; ++i) body(i, unit_of(c, i));
  });
}

// `row(x, n)` reduces a contiguous row, `step(total, x)` takes one element more, which is also how parts are joined, in
// order.
template <typename T, typename A, typename Row, typename Step, typename Join, typename Finish>
VIT_INLINE void fold_axis(size_t outer, size_t n, size_t inner, const T* x, T* out, A none, const Row& row,
                          const Step& step, const Join& join, const Finish& finish) {
  if (outer == 0 || n == 0 || inner == 0) return;
  const Cut c(outer, n, inner);
  A* partial = c.parts == 1 ? nullptr : reinterpret_cast<A*>(shared_scratch((c.units * c.width * sizeof(A) + 3) / 4));
  each_unit(c, [&](size_t index, const Unit& u) {
    A total[kColumns];
    const T* from = x + u.first;
    if (inner == 1) {
      total[0] = row(from, u.rows);
    } else {
      for (size_t j = 0; j < u.columns; ++j) total[j] = none;
      for (size_t r = 0; r < u.rows; ++r, from += inner)
        for (size_t j = 0; j < u.columns; ++j) total[j] = step(total[j], from[j]);
    }
    if (c.parts == 1)
      for (size_t j = 0; j < u.columns; ++j) out[u.target + j] = finish(total[j]);
    else
      for (size_t j = 0; j < u.columns; ++j) partial[index * c.width + j] = total[j];
  });
  if (c.parts == 1) return;
  for (size_t first = 0; first < c.units; first += c.parts) {
    const Unit u = unit_of(c, first);
    for (size_t j = 0; j < u.columns; ++j) {
      A total = partial[first * c.width + j];
      for (size_t p = 1; p < c.parts; ++p) total = join(total, partial[(first + p) * c.width + j]);
      out[u.target + j] = finish(total);
    }
  }
}

typedef double vd __attribute__((vector_size(VL * 8)));

double row_product(const float* x, size_t n) {
  double lane[VL];
  for (double& one : lane) one = 1;
  size_t i = 0;
  if (n >= VL) {
    vd total;
    memcpy(&total, lane, sizeof total);
    for (; i + VL <= n; i += VL) total *= __builtin_convertvector(load(x + i), vd);
    memcpy(lane, &total, sizeof total);
  }
  for (size_t l = 0; i < n; ++i, ++l) lane[l] *= static_cast<double>(x[i]);
  for (size_t half = VL / 2; half > 0; half /= 2)
    for (size_t l = 0; l < half; ++l) lane[l] *= lane[l + half];
  return lane[0];
}

template <typename Step>
VIT_INLINE void fold_ints(size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out, int32_t none,
                          const Step& step) {
  const auto row = [&](const int32_t* from, size_t count) {
    int32_t total = none;
    for (size_t i = 0; i < count; ++i) total = step(total, from[i]);
    return total;
  };
  fold_axis(outer, n, inner, x, out, none, row, step, step, [](int32_t total) { return total; });
}

// In order, since rounding of products above 2^53 depends on it.
void int_product(size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out) {
  const size_t width = std::min(inner, size_t{16}), blocks = ceil_div(inner, width);
  const size_t units = outer * blocks, work = n * width, each = items_for(kTask, work);
  parallel(ceil_div(units, each), [&](size_t task, size_t) {
    for (size_t unit = task * each; unit < units && unit < (task + 1) * each; ++unit) {
      const size_t column = unit % blocks * width, columns = std::min(inner - column, width);
      const int32_t* from = x + unit / blocks * n * inner + column;
      double total[16];
      for (size_t j = 0; j < columns; ++j) total[j] = 1;
      for (size_t r = 0; r < n; ++r, from += inner)
        for (size_t j = 0; j < columns; ++j) total[j] *= from[j];
      for (size_t j = 0; j < columns; ++j) out[unit / blocks * inner + column + j] = wrapped(total[j]);
    }
  });
}

template <bool max, typename T>
VIT_INLINE bool better(T value, T best) {
  return max ? value > best : value < best;
}
template <bool max, typename T>
VIT_INLINE T worst() {
  if constexpr (std::is_same<T, float>::value) return max ? -INFINITY : INFINITY;
  else return max ? INT32_MIN : INT32_MAX;
}

// The extreme of `start` and what is not NaN in x.
template <bool max>
VIT_INLINE float extreme(const float* x, size_t n, float start) {
  vf a = set1(start), b = a, c = a, d = a;
  const auto join = [](vf v, vf best) { return max ? (v > best ? v : best) : (v < best ? v : best); };
  size_t i = 0;
  for (; i + 4 * VL <= n; i += 4 * VL) {
    a = join(load(x + i), a);
    b = join(load(x + i + VL), b);
    c = join(load(x + i + 2 * VL), c);
    d = join(load(x + i + 3 * VL), d);
  }
  for (; i + VL <= n; i += VL) a = join(load(x + i), a);
  a = join(join(a, b), join(c, d));
  float best = start;
  for (size_t l = 0; l < VL; ++l)
    if (better<max>(a[l], best)) best = a[l];
  for (; i < n; ++i)
    if (better<max>(x[i], best)) best = x[i];
  return best;
}
template <bool max>
VIT_INLINE int32_t extreme(const int32_t* x, size_t n, int32_t start) {
  int32_t best = start;
  for (size_t i = 0; i < n; ++i) best = better<max>(x[i], best) ? x[i] : best;
  return best;
}

// The first place of `value`; n where it is nowhere.
template <typename T>
VIT_INLINE size_t place_of(const T* x, size_t n, T value) {
  constexpr size_t block = 64;
  size_t i = 0;
  for (; i + block <= n; i += block) {
    int32_t found = 0;
    for (size_t j = 0; j < block; ++j) found |= x[i + j] == value ? 1 : 0;
    if (found != 0) break;
  }
  while (i < n && !(x[i] == value)) ++i;
  return i;
}

// Parts are searched apart and joined in order: a later one counts only if it is better. The first element is the one
// to beat, so a NaN there stays; others are passed over.
template <bool max, typename T>
void arg_axis(size_t outer, size_t n, size_t inner, const T* x, int32_t* out) {
  if (outer == 0 || n == 0 || inner == 0) return;
  const Cut c(outer, n, inner);
  const bool whole = c.parts == 1;
  T* values = whole ? nullptr : reinterpret_cast<T*>(shared_scratch(2 * c.units * c.width));
  int32_t* places = whole ? nullptr : reinterpret_cast<int32_t*>(values + c.units * c.width);
  each_unit(c, [&](size_t index, const Unit& u) {
    T best[kColumns];
    int32_t place[kColumns];
    const T* from = x + u.first;
    for (size_t j = 0; j < u.columns; ++j) {
      best[j] = u.part == 0 ? from[j] : worst<max, T>();
      place[j] = 0;
    }
    if (inner == 1) {
      best[0] = extreme<max>(from, u.rows, best[0]);
      const size_t at = place_of(from, u.rows, best[0]);
      place[0] = at == u.rows ? 0 : static_cast<int32_t>(at);
    } else {
      for (size_t r = 0; r < u.rows; ++r, from += inner)
        for (size_t j = 0; j < u.columns; ++j) {
          const bool yes = better<max>(from[j], best[j]);
          best[j] = yes ? from[j] : best[j];
          place[j] = yes ? static_cast<int32_t>(r) : place[j];
        }
    }
    for (size_t j = 0; j < u.columns; ++j) {
      if (whole) {
        out[u.target + j] = place[j];
      } else {
        values[index * c.width + j] = best[j];
        places[index * c.width + j] = place[j];
      }
    }
  });
  if (whole) return;
  for (size_t first = 0; first < c.units; first += c.parts) {
    const Unit u = unit_of(c, first);
    for (size_t j = 0; j < u.columns; ++j) {
      T best = values[first * c.width + j];
      size_t place = static_cast<size_t>(places[first * c.width + j]);
      for (size_t p = 1; p < c.parts; ++p) {
        const size_t at = (first + p) * c.width + j;
        if (!better<max>(values[at], best)) continue;
        best = values[at];
        place = p * c.length + static_cast<size_t>(places[at]);
      }
      out[u.target + j] = static_cast<int32_t>(place);
    }
  }
}

}  // namespace

void prod(size_t outer, size_t n, size_t inner, const float* x, float* out) {
  const auto times = [](double total, double factor) { return total * factor; };
  fold_axis(outer, n, inner, x, out, 1.0, row_product, times, times,
            [](double total) { return static_cast<float>(total); });
}

void reduce_ints(IntReduce op, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out) {
  if (outer == 0 || n == 0 || inner == 0) return;
  switch (op) {
    case kIntSum: return fold_ints(outer, n, inner, x, out, 0, [](int32_t a, int32_t b) { return add_wrapped(a, b); });
    case kIntMax:
      return fold_ints(outer, n, inner, x, out, INT32_MIN, [](int32_t a, int32_t b) { return a > b ? a : b; });
    case kIntMin:
      return fold_ints(outer, n, inner, x, out, INT32_MAX, [](int32_t a, int32_t b) { return a < b ? a : b; });
    case kIntProd: return int_product(outer, n, inner, x, out);
    default: return;
  }
}

void reduce_bools(bool all, size_t outer, size_t n, size_t inner, const uint8_t* x, uint8_t* out) {
  typedef uint8_t byte;
  const auto finish = [](byte total) { return total; };
  if (all) {
    const auto both = [](byte a, byte b) { return static_cast<byte>(b != 0 ? a : 0); };
    const auto row = [&](const byte* from, size_t count) {
      byte total = 1;
      for (size_t i = 0; i < count; ++i) total = both(total, from[i]);
      return total;
    };
    fold_axis(outer, n, inner, x, out, byte{1}, row, both, both, finish);
  } else {
    const auto either = [](byte a, byte b) { return static_cast<byte>(b != 0 ? 1 : a); };
    const auto row = [&](const byte* from, size_t count) {
      byte total = 0;
      for (size_t i = 0; i < count; ++i) total = either(total, from[i]);
      return total;
    };
    fold_axis(outer, n, inner, x, out, byte{0}, row, either, either, finish);
  }
}

void arg_floats(bool max, size_t outer, size_t n, size_t inner, const float* x, int32_t* out) {
  if (max) arg_axis<true>(outer, n, inner, x, out);
  else arg_axis<false>(outer, n, inner, x, out);
}

void arg_ints(bool max, size_t outer, size_t n, size_t inner, const int32_t* x, int32_t* out) {
  if (max) arg_axis<true>(outer, n, inner, x, out);
  else arg_axis<false>(outer, n, inner, x, out);
}

}  // namespace VIT_ISA
