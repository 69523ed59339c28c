// bf16 products by the tiles of AMX: a block of 32 by 32 of c is 2 by 2 tiles, which two tiles of a and two of b update
// four times for each 32 of k. The last rows have a configuration with fewer rows; the last columns go through a block
// of their own. Compiled a second time with the tiles emulated (tiles.h).

#include <algorithm>

#include "bf16.h"
#include "table.h"
#include "tiles.h"

namespace VIT_ISA {
namespace {

constexpr size_t kSide = 16;          // rows of a tile, and floats of a row of c's
constexpr size_t kPairs = KR16 / 2;   // rows of a tile of b
constexpr size_t kBytes = 64;         // of a row of any tile
constexpr size_t kBlock = 2 * kSide;  // rows and columns of a block of c
static_assert(kBlock == NR16 && KR16 * sizeof(bf16) == kBytes && kSide * sizeof(float) == kBytes, "whole tiles");

struct Block {
  const bf16* a;
  size_t lda;
  const bf16* b;
  size_t k;
  float* c;
  size_t ldc, panel, rows, cols;
  const float* bias;
  bool add;
};

// rows of a and c, 1 … 32; the second row of tiles is left out where there are at most 16.
void configure(Tiles& tiles, size_t rows) {
  TileConfig config;
  const auto shape = [&](size_t tile, size_t height) {
    config.rows[tile] = static_cast<uint8_t>(height);
    config.bytes[tile] = height > 0 ? kBytes : 0;
  };
  const size_t upper = std::min(rows, kSide);
  for (size_t i = 0; i < 2; ++i) {
    const size_t height = i == 0 ? upper : rows - upper;
    shape(2 * i, height);
    shape(2 * i + 1, height);
    shape(4 + i, height);
    shape(6 + i, kPairs);
  }
  tiles.configure(config);
}

// c(i, j) begins as what is in c, as the bias in each row, or as zero.
template <int i, int j>
void begin(Tiles& tiles, const Block& block) {
  if (block.add) tiles.load<2 * i + j>(block.c + i * kSide * block.ldc + j * kSide, block.ldc * sizeof(float));
  else if (block.bias != nullptr) tiles.load<2 * i + j>(block.bias + j * kSide, 0);
  else tiles.zero<2 * i + j>();
}

template <int i, int j>
void end(Tiles& tiles, const Block& block) {
  tiles.store<2 * i + j>(block.c + i * kSide * block.ldc + j * kSide, block.ldc * sizeof(float));
}

// All columns of the tiles exist.
template <bool tall, bool wide>
void whole_block(Tiles& tiles, const Block& block) {
  begin<0, 0>(tiles, block);
  if constexpr (wide) begin<0, 1>(tiles, block);
  if constexpr (tall) begin<1, 0>(tiles, block);
  if constexpr (tall && wide) begin<1, 1>(tiles, block);
  const size_t a_stride = block.lda * sizeof(bf16);
  constexpr size_t b_stride = 2 * NR16 * sizeof(bf16);
  for (size_t p = 0; p < block.k; p += KR16) {
    const bf16* b = block.b + p * NR16;
    tiles.load<6>(b, b_stride);
    tiles.load<4>(block.a + p, a_stride);
    tiles.dot<0, 0>();
    if constexpr (wide) {
      tiles.load<7>(b + 2 * kSide, b_stride);
      tiles.dot<0, 1>();
    }
    if constexpr (tall) {
      tiles.load<5>(block.a + kSide * block.lda + p, a_stride);
      tiles.dot<1, 0>();
    }
    if constexpr (tall && wide) tiles.dot<1, 1>();
  }
  end<0, 0>(tiles, block);
  if constexpr (wide) end<0, 1>(tiles, block);
  if constexpr (tall) end<1, 0>(tiles, block);
  if constexpr (tall && wide) end<1, 1>(tiles, block);
}

void run(Tiles& tiles, const Block& block) {
  const bool tall = block.rows > kSide;
  const bool wide = block.cols > kSide;
  if (tall && wide) whole_block<true, true>(tiles, block);
  else if (tall) whole_block<true, false>(tiles, block);
  else if (wide) whole_block<false, true>(tiles, block);
  else whole_block<false, false>(tiles, block);
}

// Columns that do not fill the tiles: c and the bias are copied out and back.
void part_block(Tiles& tiles, const Block& block) {
  alignas(64) float c[kBlock * kBlock] = {};
  float bias[kBlock] = {};
  const size_t bytes = block.cols * sizeof(float);
  for (size_t i = 0; block.add && i < block.rows; ++i) memcpy(c + i * kBlock, block.c + i * block.ldc, bytes);
  if (block.bias != nullptr) memcpy(bias, block.bias, bytes);
  Block own = block;
  own.c = c;
  own.ldc = kBlock;
  own.bias = block.bias == nullptr ? nullptr : bias;
  run(tiles, own);
  for (size_t i = 0; i < block.rows; ++i) memcpy(block.c + i * block.ldc, c + i * kBlock, bytes);
}

// Rows first … last - 1 of c, `height` at a time.
void pass(Tiles& tiles, const Block& whole, size_t depth, size_t first, size_t last, size_t height,
          PrefetchQueue* fetches) {
  configure(tiles, height);
  for (size_t p = 0; p < whole.k; p += KC16) {
    Block block = whole;
    block.k = std::min(whole.k - p, KC16);
    block.rows = height;
    block.add = p > 0 || whole.add;
    for (size_t j = 0; j < whole.cols; j += NR16) {
      block.cols = std::min(whole.cols - j, NR16);
      block.b = whole.b + j / NR16 * panel16_size(depth) + p * NR16;
      block.bias = whole.bias == nullptr ? nullptr : whole.bias + j;
      for (size_t i = first; i < last; i += height) {
        block.a = whole.a + i * whole.lda + p;
        block.c = whole.c + i * whole.ldc + j / NR16 * whole.panel;
        fetches->step();
        if (block.cols % kSide == 0) run(tiles, block);
        else part_block(tiles, block);
      }
    }
  }
}

void multiply_tiles(const bf16* a, size_t lda, const bf16* packed_b, size_t depth, size_t m, size_t n, size_t k,
                    float* c, size_t ldc, size_t panel, const float* bias, bool add, const Prefetch& prefetch) {
  if (add && bias != nullptr) {
    for (size_t i = 0; i < m; ++i)
      for (size_t j = 0; j < n; ++j) c[i * ldc + j / NR16 * panel + j % NR16] += bias[j];
    bias = nullptr;
  }
  const Block whole = {a, lda, packed_b, k, c, ldc, panel, m, n, bias, add};
  const size_t full = m / kBlock * kBlock;
  Tiles tiles;
  const size_t blocks = (round_up(m, kBlock) / kBlock) * (round_up(n, kBlock) / kBlock) * (round_up(k, KC16) / KC16);
  PrefetchQueue fetches{prefetch, blocks};
  if (full > 0) pass(tiles, whole, depth, 0, full, kBlock, &fetches);
  if (full < m) pass(tiles, whole, depth, full, m, m - full, &fetches);
}

}  // namespace

const vit::Bf16Gemm bf16_gemm = {kBlock, multiply_tiles, true, kSide};

}  // namespace VIT_ISA
