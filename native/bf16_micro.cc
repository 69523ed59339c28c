// The inner routine of bf16 products on vectors. With AVX-512 BF16, vdpbf16ps adds to each of 16 sums the products of a
// pair of columns of a with a pair of rows of b. Elsewhere, and where that instruction is slow, a block of a becomes
// float32 once, the pairs of b are split by a shift and a mask as they are loaded.

#include <algorithm>

#include "bf16.h"
#include "simd.h"
#include "table.h"

namespace VIT_ISA {
namespace {

#if defined(VIT_AVX512BF16)
typedef bf16 Left;
constexpr size_t kDepth = KC16;
#else
typedef float Left;
constexpr size_t kDepth = KC;
constexpr size_t kRow = KC + 16;  // of a as float32; not a multiple of 2 KB
alignas(64) thread_local float expanded[MC * kRow];
#endif

// A micro-tile of c: rows and columns that exist, at most those of the routine.
struct Tile {
  float* c;
  size_t ldc, rows, cols;
  const float* bias;
  bool add;
};

// A tile's sums, in lines of two vectors, into c, where rows or columns are fewer. Not part of the routine for each
// height, which would take long to compile.
void finish(const Tile& tile, const float* sums) {
  const size_t full = tile.cols / VL * VL;
  const size_t rest = tile.cols - full;
  for (size_t i = 0; i < tile.rows; ++i) {
    float* c = tile.c + i * tile.ldc;
    const float* line = sums + i * 2 * VL;
    for (size_t j = 0; j < full; j += VL) {
      vf sum = load(line + j);
      if (tile.bias != nullptr) sum += load(tile.bias + j);
      if (tile.add) sum += load(c + j);
      store(c + j, sum);
    }
    if (rest > 0) {
      vf sum = load(line + full);
      if (tile.bias != nullptr) sum += load_n(tile.bias + full, rest);
      if (tile.add) sum += load_n(c + full, rest);
      store_n(c + full, sum, rest);
    }
  }
}

// M rows by V vectors. Rows past the last of the tile repeat it and are not stored.
template <size_t M, size_t V>
void micro16(size_t k, const Left* a, size_t lda, const bf16* b, const Tile& tile) {
  const Left* row[M];
#pragma GCC unroll 16
  for (size_t i = 0; i < M; ++i) row[i] = a + (i < tile.rows ? i : tile.rows - 1) * lda;
  vf acc[M][V];
#pragma GCC unroll 16
  for (size_t i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (size_t j = 0; j < V; ++j) acc[i][j] = set1(0.0f);
#if defined(VIT_AVX512BF16)
  for (size_t p = 0; p < k; p += 2) {
    __m512bh bv[V];
#pragma GCC unroll 2
    for (size_t j = 0; j < V; ++j) bv[j] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + p * NR16 + 2 * j * VL));
#pragma GCC unroll 16
    for (size_t i = 0; i < M; ++i) {
      int32_t pair;
      memcpy(&pair, row[i] + p, sizeof pair);
      const __m512bh av = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
#pragma GCC unroll 2
      for (size_t j = 0; j < V; ++j) acc[i][j] = _mm512_dpbf16_ps(acc[i][j], av, bv[j]);
    }
  }
#else
  // All even p, then all odd p: g++ runs out of registers where both are in one loop.
#pragma GCC unroll 2
  for (size_t odd = 0; odd < 2; ++odd)
    for (size_t p = odd; p < k; p += 2) {
      vf bv[V];
#pragma GCC unroll 2
      for (size_t j = 0; j < V; ++j) {
        vi pairs;
        memcpy(&pairs, b + (p - odd) * NR16 + 2 * j * VL, sizeof pairs);
        bv[j] = as_float(odd ? pairs & static_cast<int32_t>(0xffff0000) : pairs << 16);
      }
#pragma GCC unroll 16
      for (size_t i = 0; i < M; ++i) {
        const vf av = set1(row[i][p]);
#pragma GCC unroll 2
        for (size_t j = 0; j < V; ++j) acc[i][j] += av * bv[j];
      }
    }
#endif
  if (tile.rows == M && tile.cols == V * VL) {
    if (tile.bias != nullptr)
#pragma GCC unroll 2
      for (size_t j = 0; j < V; ++j)
#pragma GCC unroll 16
        for (size_t i = 0; i < M; ++i) acc[i][j] += load(tile.bias + j * VL);
#pragma GCC unroll 16
    for (size_t i = 0; i < M; ++i)
#pragma GCC unroll 2
      for (size_t j = 0; j < V; ++j) {
        float* c = tile.c + i * tile.ldc + j * VL;
        store(c, tile.add ? acc[i][j] + load(c) : acc[i][j]);
      }
    return;
  }
  alignas(64) float sums[M * 2 * VL];
#pragma GCC unroll 16
  for (size_t i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (size_t j = 0; j < V; ++j) store(sums + (2 * i + j) * VL, acc[i][j]);
  finish(tile, sums);
}

typedef void (*Micro16)(size_t k, const Left* a, size_t lda, const bf16* b, const Tile& tile);

// Not one routine for every height, which takes long to compile: the next higher one wastes little.
template <size_t V>
Micro16 choose(size_t rows) {
  if (rows <= 2) return micro16<2, V>;
  if (rows <= 4) return micro16<4, V>;
#if defined(VIT_AVX512) || defined(VIT_NEON)
  if (rows <= 7) return micro16<7, V>;
  if (rows <= 10) return micro16<10, V>;
#endif
  return micro16<MR, V>;
}

void multiply_micro(const bf16* a, size_t lda, const bf16* packed_b, size_t depth, size_t m, size_t n, size_t k,
                    float* c, size_t ldc, size_t panel, const float* bias, bool add, const Prefetch& prefetch) {
  const size_t tiles = (round_up(m, MR) / MR) * (round_up(n, NR) / NR) * (round_up(k, kDepth) / kDepth);
  PrefetchQueue fetches{prefetch, tiles};
  for (size_t p = 0; p < k; p += kDepth) {
    const size_t kc = std::min(k - p, kDepth);
    for (size_t i0 = 0; i0 < m; i0 += MC) {
      const size_t rows = std::min(m - i0, MC);
#if defined(VIT_AVX512BF16)
      const Left* left = a + i0 * lda + p;
      const size_t step = lda;
#else
      for (size_t r = 0; r < rows; ++r) from_bf16(kc, a + (i0 + r) * lda + p, expanded + r * kRow);
      const Left* left = expanded;
      const size_t step = kRow;
#endif
      for (size_t j = 0; j < n; j += NR) {
        const size_t cols = std::min(n - j, NR);
        const bf16* b = packed_b + j / NR16 * panel16_size(depth) + p * NR16 + 2 * (j % NR16);
        for (size_t i = 0; i < rows; i += MR) {
          const Tile tile = {
              c + (i0 + i) * ldc + j / NR16 * panel + j % NR16, ldc,         std::min(rows - i, MR), cols,
              p == 0 && bias != nullptr ? bias + j : nullptr,   p > 0 || add};
          fetches.step();
          (cols > VL ? choose<2>(tile.rows) : choose<1>(tile.rows))(kc, left + i * step, step, b, tile);
        }
      }
    }
  }
}

}  // namespace

#if defined(VIT_AVX512BF16)
constexpr bool kFast = true;
#else
constexpr bool kFast = false;
#endif
const vit::Bf16Gemm bf16_gemm = {MR, multiply_micro, kFast, KR16};

}  // namespace VIT_ISA
