// Matrix product in float32: the micro-kernel keeps a tile of c in registers. Rows of a are read in place when they are
// contiguous and n is small: packing them would cost more than it gives. How it is cut: blocked_gemm.h.

#include "gemm.h"

#include <algorithm>

#include "blocked_gemm.h"
#include "table.h"
#include "vector_math.h"

namespace VIT_ISA {
namespace {

using vit::Gemm;

// A micro-kernel prefetches one line in each k step, since many at once would hold up the loads that follow: nothing;
// memory from `prefetch` on into the second cache, prefetch_step floats a step; that, and its own tile of c.
enum Prefetching { kNothing, kPrefetch, kPrefetchAndC };

// a_step: from row to row of a, or from column to column where the rows of a tile are side by side.
typedef void (*Micro)(size_t k, const float* a, size_t a_step, const float* b, float* c, size_t ldc, size_t n,
                      const float* bias, Store store, const float* prefetch, size_t prefetch_step);

template <size_t M, size_t V, bool side_by_side, Prefetching fetch = kNothing>
void micro(size_t k, const float* a, size_t a_step, const float* b, float* c, size_t ldc, size_t n, const float* bias,
           Store store_mode, const float* prefetch, size_t prefetch_step) {
  vf acc[M][V];
#pragma GCC unroll 16
  for (size_t i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (size_t j = 0; j < V; ++j) acc[i][j] = set1(0.0f);
  for (size_t p = 0; p < k; ++p) {
    if (fetch != kNothing) {
      __builtin_prefetch(prefetch, 0, 2);
      prefetch += prefetch_step;
    }
    if (fetch == kPrefetchAndC && p < M * V) __builtin_prefetch(c + p / V * ldc + p % V * VL, 1, 3);
    vf bv[V];
#pragma GCC unroll 2
    for (size_t j = 0; j < V; ++j) bv[j] = load(b + p * NR + j * VL);
#pragma GCC unroll 16
    for (size_t i = 0; i < M; ++i) {
      const vf av = set1(side_by_side ? a[p * a_step + i] : a[i * a_step + p]);
#pragma GCC unroll 2
      for (size_t j = 0; j < V; ++j) acc[i][j] += av * bv[j];
    }
  }
  const size_t full = n / VL;
  const size_t rest = n % VL;
#pragma GCC unroll 16
  for (size_t i = 0; i < M; ++i) {
#pragma GCC unroll 2
    for (size_t j = 0; j < V; ++j) {
      float* out = c + i * ldc + j * VL;
      if (j < full) {
        vf sum = acc[i][j];
        if (bias != nullptr) sum += load(bias + j * VL);
        if (store_mode == kStoreAdd) sum += load(out);
        store(out, sum);
      } else if (rest > 0) {
        vf sum = acc[i][j];
        if (bias != nullptr) sum += load_n(bias + j * VL, rest);
        if (store_mode == kStoreAdd) sum += load_n(out, rest);
        store_n(out, sum, rest);
      }
    }
  }
}

template <size_t M, bool side_by_side>
constexpr Micro micro_of(size_t vectors) {
  return vectors == 1 ? micro<M, 1, side_by_side> : micro<M, 2, side_by_side>;
}

// The micro-kernel of a whole tile that prefetches. Only one that adds to c has to wait for c.
template <bool side_by_side>
Micro fetching_micro(Store store_mode) {
  return store_mode == kStoreAdd ? micro<MR, 2, side_by_side, kPrefetchAndC> : micro<MR, 2, side_by_side, kPrefetch>;
}

template <bool side_by_side>
Micro choose_micro(size_t rows, size_t vectors) {
  switch (rows) {
#if defined(VIT_AVX512)
    case 14: return micro_of<14, side_by_side>(vectors);
    case 13: return micro_of<13, side_by_side>(vectors);
#endif
#if defined(VIT_AVX512) || defined(VIT_NEON)
    case 12: return micro_of<12, side_by_side>(vectors);
    case 11: return micro_of<11, side_by_side>(vectors);
    case 10: return micro_of<10, side_by_side>(vectors);
    case 9: return micro_of<9, side_by_side>(vectors);
    case 8: return micro_of<8, side_by_side>(vectors);
    case 7: return micro_of<7, side_by_side>(vectors);
#endif
    case 6: return micro_of<6, side_by_side>(vectors);
    case 5: return micro_of<5, side_by_side>(vectors);
    case 4: return micro_of<4, side_by_side>(vectors);
    case 3: return micro_of<3, side_by_side>(vectors);
    case 2: return micro_of<2, side_by_side>(vectors);
    default: return micro_of<1, side_by_side>(vectors);
  }
}

// dst[p·dst_row + i] = src[i·src_row + p·src_col] for p below VL and `depth`, i < width <= VL; zero where i >= rows.
VIT_INLINE void transpose_tile(const float* src, size_t src_row, size_t src_col, size_t rows, size_t depth, float* dst,
                               size_t dst_row, size_t width) {
  const size_t n = std::min(depth, VL);
  vf block[VL];
  if (src_col == 1) {
#pragma GCC unroll 16
    for (size_t i = 0; i < VL; ++i)
      block[i] = i >= rows ? set1(0.0f) : n == VL ? load(src + i * src_row) : load_n(src + i * src_row, n);
  } else {
    for (size_t i = 0; i < VL; ++i) {
      float lane[VL] = {};
      for (size_t p = 0; i < rows && p < n; ++p) lane[p] = src[i * src_row + p * src_col];
      block[i] = load(lane);
    }
  }
  transpose_block(block);
  if (width == VL && n == VL) {
#pragma GCC unroll 16
    for (size_t p = 0; p < VL; ++p) store(dst + p * dst_row, block[p]);
  } else {
    for (size_t p = 0; p < n; ++p) store_n(dst + p * dst_row, block[p], width);
  }
}

VIT_INLINE void copy_tile_row(const float* src, float* dst) {
#if defined(VIT_AVX512)
  store_n(dst, load_n(src, MR), MR);
#else
  for (size_t i = 0; i < MR; ++i) dst[i] = src[i];
#endif
}

// Where n is small packing rows costs more than it gives, unless they are a multiple of 4 KB apart: those fall into the
// same set of the first cache. Columns are packed always: read in place, each step touches a line that no prefetcher
// foresees.
Layout layout_of(const Gemm& g) {
  return g.a_col == 1 && g.n <= 512 && (g.a_row * sizeof(float)) % 4096 != 0 ? kRows : kPacked;
}

template <int form>
void activate_rows(float* c, size_t rows, size_t n, size_t ldc) {
  for (size_t i = 0; i < rows; ++i) {
    float* y = c + i * ldc;
    size_t j = 0;
    for (; j + VL <= n; j += VL) store(y + j, gelu_v<form>(load(y + j)));
    if (j < n) store_n(y + j, gelu_v<form>(load_n(y + j, n - j)), n - j);
  }
}

}  // namespace

void activate(vit::Activation form, float* c, size_t rows, size_t n, size_t ldc) {
  if (form == vit::kGeluErf) activate_rows<0>(c, rows, n, ldc);
  if (form == vit::kGeluTanh) activate_rows<1>(c, rows, n, ldc);
  if (form == vit::kGeluQuick) activate_rows<2>(c, rows, n, ldc);
}

namespace {

// A block is multiplied kDeep of k at a time; see multiply_deep.
struct Gemm32Traits : Packed32 {
  static constexpr size_t kDeep = 4 * KC;
  static constexpr size_t kDepth = KC;
  static constexpr size_t kBudget = size_t{1} << 20;  // 4 MB
  static constexpr size_t kBlock = MC * kDeep;
  static size_t most_rows() { return MC; }
  static bool in_place(const Gemm& g) { return layout_of(g) == kRows; }
  static size_t rows_each(size_t m) {
    const size_t rows = round_up((m + 15) / 16, MR);
    return rows > MC ? MC : std::max(rows, 2 * MR);
  }
  static void block(const Gemm& g, const float* packed_b, size_t depth, size_t p0, size_t i0, size_t rows, size_t j0,
                    size_t cols, float* scratch) {
    float* c = g.c + i0 * g.ldc + j0;
    const Layout layout = layout_of(g);
    for (size_t d = 0; d < depth; d += kDeep) {
      const size_t deep = std::min(depth - d, kDeep);
      const bool first = p0 + d == 0;
      Operand a{g.a + i0 * g.a_row + (p0 + d) * g.a_col, g.a_row, g.a_col};
      if (layout == kPacked) {
        for (size_t p = 0; p < deep; p += KC)
          pack_a({a.data + p * a.col, a.row, a.col}, rows, std::min(deep - p, KC), scratch + p * round_up(rows, MR));
        a.data = scratch;
      }
      multiply_deep(a, layout, packed_b + j0 * depth + d * NR, depth, rows, cols, deep, c, g.ldc,
                    first && g.bias != nullptr ? g.bias + j0 : nullptr, first && !g.accumulate ? kStoreNew : kStoreAdd);
    }
    if (g.activation != vit::kNone && p0 + depth == g.k) activate(g.activation, c, rows, cols, g.ldc);
  }
};

}  // namespace

void pack_b(const Operand& b, size_t k, size_t n, size_t first, size_t last, float* dst) {
  for (size_t panel = first; panel < last; ++panel) {
    float* out = dst + panel * NR * k;
    const size_t cols = std::min(n - panel * NR, NR);
    const float* src = b.data + panel * NR * b.col;
    if (b.col == 1 && cols == NR) {
      for (size_t p = 0; p < k; ++p) {
        store(out + p * NR, load(src + p * b.row));
        store(out + p * NR + VL, load(src + p * b.row + VL));
      }
    } else if (b.col == 1) {
      const size_t low = std::min(cols, VL);
      for (size_t p = 0; p < k; ++p) {
        const float* row = src + p * b.row;
        store(out + p * NR, low == VL ? load(row) : load_n(row, low));
        store(out + p * NR + VL, cols > low ? load_n(row + VL, cols - low) : set1(0.0f));
      }
    } else {
      for (size_t j = 0; j < NR; j += VL)
        for (size_t p = 0; p < k; p += VL)
          transpose_tile(src + j * b.col + p * b.row, b.col, b.row, j < cols ? cols - j : 0, k - p, out + p * NR + j,
                         NR, VL);
    }
  }
}

void pack_a(const Operand& a, size_t m, size_t k, float* dst) {
  if (a.row == 1) {
    // A transposed matrix: its rows are read from end to end and dealt out to the tiles.
    for (size_t p = 0; p < k; ++p) {
      const float* src = a.data + p * a.col;
      size_t i = 0;
      for (; i + MR <= m; i += MR) copy_tile_row(src + i, dst + i * k + p * MR);
      if (i == m) continue;
      float* out = dst + i * k + p * MR;
      for (size_t r = 0; r < MR; ++r) out[r] = i + r < m ? src[i + r] : 0.0f;
    }
    return;
  }
  for (size_t i0 = 0; i0 < m; i0 += MR) {
    float* out = dst + i0 * k;
    const size_t rows = std::min(m - i0, MR);
    const float* src = a.data + i0 * a.row;
    for (size_t i = 0; i < MR; i += VL)
      for (size_t p = 0; p < k; p += VL)
        transpose_tile(src + i * a.row + p * a.col, a.row, a.col, i < rows ? rows - i : 0, k - p, out + p * MR + i, MR,
                       std::min(MR - i, VL));
  }
}

void multiply(const Operand& a, Layout layout, const float* packed_b, size_t depth, size_t m, size_t n, size_t k,
              float* c, size_t ldc, const float* bias, Store store_mode, const Prefetch& prefetch) {
  // The tiles that fetch are the whole ones; each k step its share of what the caller says, or else of the panel after
  // this one.
  const bool given = prefetch.bytes > 0;
  const size_t steps = m / MR * k * (given ? n / NR : 1);
  const size_t step = steps == 0 ? 0 : ((given ? prefetch.bytes / sizeof(float) : NR * k) + steps - 1) / steps;
  const float* next = static_cast<const float*>(prefetch.data);
  for (size_t j = 0; j < n; j += NR) {
    const size_t cols = std::min(n - j, NR);
    const size_t vectors = cols > VL ? 2 : 1;
    const float* panel = packed_b + j * depth;
    if (!given) next = panel + NR * depth;
    const bool fetches = step > 0 && cols == NR && (given || j + NR < n);
    for (size_t i = 0; i < m; i += MR) {
      const size_t rows = std::min(m - i, MR);
      const bool fetch = fetches && rows == MR;
      const Micro run = layout == kRows ? fetch ? fetching_micro<false>(store_mode) : choose_micro<false>(rows, vectors)
                        : fetch         ? fetching_micro<true>(store_mode)
                                        : choose_micro<true>(rows, vectors);
      const float* tile = a.data + i * (layout == kPacked ? k : a.row);
      const size_t a_step = layout == kPacked ? MR : layout == kRows ? a.row : a.col;
      run(k, tile, a_step, panel, c + i * ldc + j, ldc, cols, bias == nullptr ? nullptr : bias + j, store_mode, next,
          step);
      if (fetch) next += step * k;
    }
  }
}

void multiply_deep(const Operand& a, Layout layout, const float* packed_b, size_t depth, size_t m, size_t n, size_t k,
                   float* c, size_t ldc, const float* bias, Store store_mode) {
  if (k <= KC) return multiply(a, layout, packed_b, depth, m, n, k, c, ldc, bias, store_mode);
  for (size_t j = 0; j < n; j += NR)
    for (size_t p = 0; p < k; p += KC) {
      const size_t kc = std::min(k - p, KC);
      const float* panel = packed_b + j * depth + p * NR;
      const Operand part{a.data + p * (layout == kPacked ? round_up(m, MR) : a.col), a.row, a.col};
      const bool last = p + kc == k && j + NR >= n;
      multiply(part, layout, panel, depth, m, std::min(n - j, NR), kc, c + j, ldc,
               p == 0 && bias != nullptr ? bias + j : nullptr, p == 0 ? store_mode : kStoreAdd,
               last ? Prefetch{} : Prefetch{panel + kc * NR, kc * NR * sizeof(float)});
    }
}

void gemm(const Gemm& g) {
  if (g.m == 0 || g.n == 0 || g.batch == 0) return;
  if (g.k == 0) {
    for (size_t b = 0; b < g.batch; ++b)
      for (size_t i = 0; i < g.m; ++i)
        for (size_t j = 0; j < g.n; ++j) {
          float& c = g.c[b * g.c_batch + i * g.ldc + j];
          c = (g.accumulate ? c : 0.0f) + (g.bias == nullptr ? 0.0f : g.bias[j]);
        }
    if (g.activation != vit::kNone)
      for (size_t b = 0; b < g.batch; ++b) activate(g.activation, g.c + b * g.c_batch, g.m, g.n, g.ldc);
    return;
  }
  if (g.precision == vit::kBf16) return gemm_bf16(g);
  blocked_gemm<Gemm32Traits>(g);
}

}  // namespace VIT_ISA
