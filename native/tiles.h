// The tile operations of AMX that bf16_tiles.cc uses, for a block of 2 by 2 tiles of c: the processor's, or the same in
// plain C++ for tests on any machine. Numbers of the tiles: c(i, j) = 2·i + j, a(i) = 4 + i, b(j) = 6 + j. The
// emulation follows the operation sections of Intel's manual (SDM vol. 2, LDTILECFG, TILELOADD, TILESTORED, TDPBF16PS):
// what would be a fault is an abort, rows and bytes past a tile's shape become zero, and sums have the order, rounding
// and flushed denormals of the manual.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(VIT_AMX)
#include <immintrin.h>
#endif

namespace VIT_ISA {

// The memory operand of LDTILECFG.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t bytes[16] = {};  // of a row of each tile
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64, "as LDTILECFG reads it");

#if defined(VIT_AMX)

// The processor's tiles, from configure to the end of the object's life. Fences: the compiler's intrinsics do not all
// say that they touch memory.
class Tiles {
 public:
  Tiles() = default;
  Tiles(const Tiles&) = delete;
  ~Tiles() { _tile_release(); }
  void configure(const TileConfig& config) {
    asm volatile("" ::: "memory");
    _tile_loadconfig(&config);
  }
  template <int tile>
  void zero() {
    if constexpr (tile == 0) _tile_zero(0);
    else if constexpr (tile == 1) _tile_zero(1);
    else if constexpr (tile == 2) _tile_zero(2);
    else _tile_zero(3);
  }
  template <int tile>
  void load(const void* from, size_t stride_bytes) {
    asm volatile("" ::: "memory");
    if constexpr (tile == 0) _tile_loadd(0, from, stride_bytes);
    else if constexpr (tile == 1) _tile_loadd(1, from, stride_bytes);
    else if constexpr (tile == 2) _tile_loadd(2, from, stride_bytes);
    else if constexpr (tile == 3) _tile_loadd(3, from, stride_bytes);
    else if constexpr (tile == 4) _tile_loadd(4, from, stride_bytes);
    else if constexpr (tile == 5) _tile_loadd(5, from, stride_bytes);
    else if constexpr (tile == 6) _tile_loadd(6, from, stride_bytes);
    else _tile_loadd(7, from, stride_bytes);
  }
  template <int tile>
  void store(void* to, size_t stride_bytes) {
    if constexpr (tile == 0) _tile_stored(0, to, stride_bytes);
    else if constexpr (tile == 1) _tile_stored(1, to, stride_bytes);
    else if constexpr (tile == 2) _tile_stored(2, to, stride_bytes);
    else _tile_stored(3, to, stride_bytes);
    asm volatile("" ::: "memory");
  }
  // c(i, j) += a(i)·b(j).
  template <int i, int j>
  void dot() {
    if constexpr (i == 0 && j == 0) _tile_dpbf16ps(0, 4, 6);
    else if constexpr (i == 0) _tile_dpbf16ps(1, 4, 7);
    else if constexpr (j == 0) _tile_dpbf16ps(2, 5, 6);
    else _tile_dpbf16ps(3, 5, 7);
  }
};

#else

class Tiles {
 public:
  void configure(const TileConfig& config) {
    require(config.palette == 1 && config.start_row == 0);
    for (size_t i = 0; i < 14; ++i) require(config.reserved[i] == 0);
    for (size_t t = 0; t < 16; ++t) {
      const size_t rows = config.rows[t], bytes = config.bytes[t];
      require(t < kTiles ? rows <= kRows && bytes <= kBytes && (rows == 0) == (bytes == 0) : rows == 0 && bytes == 0);
    }
    config_ = config;
    memset(data_, 0, sizeof data_);
  }
  void zero(size_t tile) {
    require(config_.rows[tile] > 0);
    memset(data_[tile], 0, sizeof data_[tile]);
  }
  void load(size_t tile, const void* from, size_t stride_bytes) {
    zero(tile);
    for (size_t i = 0; i < config_.rows[tile]; ++i)
      memcpy(data_[tile][i], static_cast<const char*>(from) + i * stride_bytes, config_.bytes[tile]);
  }
  void store(size_t tile, void* to, size_t stride_bytes) {
    require(config_.rows[tile] > 0);
    for (size_t i = 0; i < config_.rows[tile]; ++i)
      memcpy(static_cast<char*>(to) + i * stride_bytes, data_[tile][i], config_.bytes[tile]);
  }
  void dot(size_t c, size_t a, size_t b) {
    require(config_.rows[c] > 0 && config_.rows[a] == config_.rows[c] && config_.bytes[b] == config_.bytes[c] &&
            config_.bytes[a] % 4 == 0 && config_.bytes[b] % 4 == 0 && config_.rows[b] == config_.bytes[a] / 4);
    for (size_t row = 0; row < config_.rows[c]; ++row) {
      float even[kBytes / 4] = {}, odd[kBytes / 4] = {};
      for (size_t k = 0; k < config_.bytes[a] / 4; ++k)
        for (size_t n = 0; n < config_.bytes[b] / 4; ++n) {
          even[n] = add_product(half(a, row, 2 * k), half(b, k, 2 * n), even[n]);
          odd[n] = add_product(half(a, row, 2 * k + 1), half(b, k, 2 * n + 1), odd[n]);
        }
      for (size_t n = 0; n < config_.bytes[b] / 4; ++n) {
        float sum;
        memcpy(&sum, data_[c][row] + 4 * n, sizeof sum);
        sum = flushed(flushed(sum) + flushed(even[n] + odd[n]));
        memcpy(data_[c][row] + 4 * n, &sum, sizeof sum);
      }
    }
  }
  template <int tile>
  void zero() {
    zero(tile);
  }
  template <int tile>
  void load(const void* from, size_t stride_bytes) {
    load(tile, from, stride_bytes);
  }
  template <int tile>
  void store(void* to, size_t stride_bytes) {
    store(tile, to, stride_bytes);
  }
  template <int i, int j>
  void dot() {
    dot(2 * i + j, 4 + i, 6 + j);
  }

 private:
  static constexpr size_t kTiles = 8, kRows = 16, kBytes = 64;

  static void require(bool holds) {
    if (!holds) abort();
  }
  static float flushed(float x) { return fabsf(x) < 1.17549435e-38f ? copysignf(0.0f, x) : x; }
  // The product is exact, as that of a fused multiply-add; the sum is rounded once.
  static float add_product(float x, float y, float sum) { return flushed(fmaf(x, y, sum)); }
  float half(size_t tile, size_t row, size_t index) const {
    uint16_t upper;
    memcpy(&upper, data_[tile][row] + 2 * index, sizeof upper);
    const uint32_t bits = static_cast<uint32_t>(upper) << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return flushed(x);
  }

  TileConfig config_;
  alignas(64) unsigned char data_[kTiles][kRows][kBytes];
};

#endif

}  // namespace VIT_ISA
