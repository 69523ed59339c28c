// The search and the pictures of FractalDB. This file is not contracted: a point may lie just at the edge of a pixel,
// and every pixel is that of the published code.

#include "fractal.h"

#include <math.h>

#include <algorithm>
#include <memory>

namespace VIT_ISA {
namespace {

using namespace vit;

constexpr size_t kShifted = 397;
// Trajectories that are followed side by side, since each step waits for the one before it.
constexpr size_t kSide = 4;
// Points between two looks at whether a trajectory has escaped.
constexpr size_t kStretch = 500;
// Points that a candidate is followed for alone; most of those that escape have done so by then.
constexpr size_t kTrial = 2 * kStretch;
constexpr size_t kPixelBlock = 256;

inline uint32_t mixed(uint32_t upper, uint32_t lower) {
  const uint32_t y = (upper & 0x80000000u) | (lower & 0x7fffffffu);
  return (y >> 1) ^ ((0u - (y & 1)) & 0x9908b0dfu);
}
inline uint32_t tempered(uint32_t y) {
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

// MT19937 as numpy draws from it.
class Twister {
 public:
  explicit Twister(const int32_t* state) : at_(static_cast<size_t>(state[kTwisterWords])) {
    for (size_t i = 0; i < kTwisterWords; ++i) words_[i] = static_cast<uint32_t>(state[i]);
  }
  void save(int32_t* state) const {
    for (size_t i = 0; i < kTwisterWords; ++i) state[i] = static_cast<int32_t>(words_[i]);
    state[kTwisterWords] = static_cast<int32_t>(at_);
  }
  uint32_t next() {
    if (at_ == kTwisterWords) twist();
    return tempered(words_[at_++]);
  }
  double random() {
    const uint32_t high = next() >> 5;
    const uint32_t low = next() >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
  }
  void skip(size_t count) {
    while (count > 0) {
      if (at_ == kTwisterWords) twist();
      const size_t step = std::min(count, kTwisterWords - at_);
      at_ += step;
      count -= step;
    }
  }
  // The first words, tempered, of as many numbers as this block holds whole, at most `most`: their second words are
  // theirs plus one. At least one if `most` is not 0.
  size_t numbers(size_t most, const uint32_t** firsts) {
    if (at_ == kTwisterWords) twist();
    size_t count = std::min(most, (kTwisterWords - at_) / 2);
    if (count == 0) {
      const uint32_t first = next();
      twist();
      tempered_[0] = first;
      tempered_[1] = next();
      *firsts = tempered_;
      return 1;
    }
    for (size_t i = 0; i < 2 * count; ++i) tempered_[i] = tempered(words_[at_ + i]);
    at_ += 2 * count;
    *firsts = tempered_;
    return count;
  }

 private:
  void twist() {
    uint32_t* w = words_;
    for (size_t i = 0; i < kTwisterWords - kShifted; ++i) w[i] = w[i + kShifted] ^ mixed(w[i], w[i + 1]);
    for (size_t i = kTwisterWords - kShifted; i < kTwisterWords - 1; ++i)
      w[i] = w[i - (kTwisterWords - kShifted)] ^ mixed(w[i], w[i + 1]);
    w[kTwisterWords - 1] = w[kShifted - 1] ^ mixed(w[kTwisterWords - 1], w[0]);
    at_ = 0;
  }

  uint32_t words_[kTwisterWords];
  uint32_t tempered_[kTwisterWords];
  size_t at_;
};

// A candidate: its maps, their cumulated probabilities but the last as 53-bit integers, and its trajectory.
struct Candidate {
  size_t offset, count;
  double rows[kMostMaps * kRowLength];
  double maps[kMostMaps * kMapStride];
  double limits[kMostMaps];
  std::unique_ptr<uint8_t[]> choices;
  std::unique_ptr<double[]> xs, ys;
  double min_x, max_x, min_y, max_y;
};

void draw(Twister& twister, Candidate* c) {
  uint32_t bits;
  do bits = twister.next() & 7;
  while (bits > 5);
  c->count = 2 + bits;
  double sum = 0;
  for (size_t i = 0; i < c->count; ++i) {
    double* row = c->rows + i * kRowLength;
    double* map = c->maps + i * kMapStride;
    for (size_t k = 0; k < 6; ++k) map[k] = row[k] = -1.0 + 2.0 * twister.random();
    map[6] = map[7] = 0;
    row[6] = fabs(row[0] * row[3] - row[1] * row[2]);
    sum += row[6];
  }
  double cumulated = 0;
  for (size_t i = 0; i < c->count; ++i) {
    double* p = c->rows + i * kRowLength + 6;
    *p /= sum;
    cumulated += *p;
    c->limits[i] = floor(cumulated * 9007199254740992.0);
  }
}

constexpr size_t kTableBits = 11;
constexpr uint8_t kUndecided = 255;

size_t decide(uint32_t first, uint32_t second, const double* limits, size_t last) {
  const double number = (first >> 5) * 67108864.0 + (second >> 6);
  size_t index = 0;
  while (index < last && number > limits[index]) ++index;
  return index;
}

void choose(Twister& twister, const Candidate& c, size_t count) {
  uint8_t table[size_t{1} << kTableBits];
  const size_t last = c.count - 1;
  size_t from = 0;
  for (size_t index = 0; index < last; ++index) {
    const size_t entry =
        static_cast<size_t>(std::min(2048.0, floor(c.limits[index] / 4398046511104.0)));  // 2^42 numbers an entry
    for (size_t i = from; i < entry; ++i) table[i] = static_cast<uint8_t>(index * kMapStride);
    if (entry < sizeof table) table[entry] = kUndecided;
    from = std::max(from, entry + 1);
  }
  for (size_t i = from; i < sizeof table; ++i) table[i] = static_cast<uint8_t>(last * kMapStride);
  uint8_t* out = c.choices.get();
  while (count > 0) {
    const uint32_t* firsts;
    const size_t some = twister.numbers(count, &firsts);
    for (size_t i = 0; i < some; ++i) {
      uint8_t choice = table[firsts[2 * i] >> (32 - kTableBits)];
      if (__builtin_expect(choice == kUndecided, 0))
        choice = static_cast<uint8_t>(decide(firsts[2 * i], firsts[2 * i + 1], c.limits, last) * kMapStride);
      out[i] = choice;
    }
    out += some;
    count -= some;
  }
}

// Follows trajectories from point `from` to before `to`; false in `alive` where one passes the limit.
template <size_t side>
void follow(Candidate* const* all, size_t from, size_t to, double limit, bool* alive) {
  double x[side], y[side], min_x[side], max_x[side], min_y[side], max_y[side];
  for (size_t s = 0; s < side; ++s) {
    Candidate& c = *all[s];
    if (from == 1) c.xs[0] = c.ys[0] = c.min_x = c.max_x = c.min_y = c.max_y = 0;
    x[s] = c.xs[from - 1], y[s] = c.ys[from - 1];
    min_x[s] = c.min_x, max_x[s] = c.max_x, min_y[s] = c.min_y, max_y[s] = c.max_y;
    alive[s] = true;
  }
  for (size_t start = from; start < to; start += kStretch) {
    const size_t end = std::min(to, start + kStretch);
    for (size_t i = start; i < end; ++i) {
      for (size_t s = 0; s < side; ++s) {
        const double* m = all[s]->maps + all[s]->choices[i - 1];
        const double next = x[s] * m[0] + y[s] * m[1] + m[4];
        y[s] = x[s] * m[2] + y[s] * m[3] + m[5];
        x[s] = next;
        all[s]->xs[i] = x[s];
        all[s]->ys[i] = y[s];
        min_x[s] = std::min(min_x[s], x[s]), max_x[s] = std::max(max_x[s], x[s]);
        min_y[s] = std::min(min_y[s], y[s]), max_y[s] = std::max(max_y[s], y[s]);
      }
    }
    bool any = false;
    for (size_t s = 0; s < side; ++s) {
      alive[s] = alive[s] && fabs(x[s]) <= limit && fabs(y[s]) <= limit;
      any = any || alive[s];
    }
    if (!any) return;
  }
  for (size_t s = 0; s < side; ++s) {
    Candidate& c = *all[s];
    c.min_x = min_x[s], c.max_x = max_x[s], c.min_y = min_y[s], c.max_y = max_y[s];
  }
}

// Memory that a thread keeps from picture to picture: fresh pages would take a third of the time.
class Memory {
 public:
  double* doubles(size_t n) {
    if (n > doubles_size_) {
      doubles_size_ = 0;
      doubles_.reset(new double[n]);
      doubles_size_ = n;
    }
    return doubles_.get();
  }
  uint8_t* bytes(size_t n) {
    if (n > bytes_size_) {
      bytes_size_ = 0;
      bytes_.reset(new uint8_t[n]);
      bytes_size_ = n;
    }
    return bytes_.get();
  }
  int32_t* ints(size_t n) {
    if (n > ints_size_) {
      ints_size_ = 0;
      ints_.reset(new int32_t[n]);
      ints_size_ = n;
    }
    return ints_.get();
  }

 private:
  std::unique_ptr<double[]> doubles_;
  std::unique_ptr<uint8_t[]> bytes_;
  std::unique_ptr<int32_t[]> ints_;
  size_t doubles_size_ = 0, bytes_size_ = 0, ints_size_ = 0;
};
Memory& memory_of_thread() {
  static thread_local Memory memory;
  return memory;
}

// Where the points of a picture lie: rows of `size` pixels, y upwards.
struct Picture {
  double min_x, min_y, width, height, inner, pad;
  int32_t size;

  bool is_box() const { return width > 0 && height > 0; }
  bool is_finite() const { return isfinite(width + height); }
  // The pixels of n points of a finite picture.
  void places(const double* xs, const double* ys, size_t n, int32_t* out) const {
    for (size_t i = 0; i < n; ++i) {
      const int32_t x = static_cast<int32_t>((xs[i] - min_x) / width * inner + pad);
      const int32_t y = static_cast<int32_t>((ys[i] - min_y) / height * inner + pad);
      out[i] = y * size + x;
    }
  }
  // The same of any picture: a place that is no number is 0.
  void any_places(const double* xs, const double* ys, size_t n, int32_t* out) const {
    const auto pixel = [this](double v, double length) {
      const double at = v / length * inner + pad;
      return isnan(at) ? 0 : static_cast<int32_t>(at);
    };
    for (size_t i = 0; i < n; ++i) out[i] = pixel(ys[i] - min_y, height) * size + pixel(xs[i] - min_x, width);
  }
};
Picture picture_of(double min_x, double max_x, double min_y, double max_y, size_t size, size_t pad) {
  return {min_x,
          min_y,
          max_x - min_x,
          max_y - min_y,
          static_cast<double>(size - 2 * pad),
          static_cast<double>(pad),
          static_cast<int32_t>(size)};
}

// Whether the points fill enough pixels; it ends as soon as that is known.
bool fills(const FractalScan& scan, const Candidate& c, uint8_t* marks) {
  const Picture picture = picture_of(c.min_x, c.max_x, c.min_y, c.max_y, scan.size, scan.pad);
  if (!picture.is_box() || !picture.is_finite()) return false;
  std::fill(marks, marks + scan.size * scan.size, uint8_t{0});
  size_t filled = 0;
  int32_t places[kPixelBlock];
  for (size_t from = 0; from < scan.points; from += kPixelBlock) {
    const size_t n = std::min(kPixelBlock, scan.points - from);
    picture.places(c.xs.get() + from, c.ys.get() + from, n, places);
    for (size_t i = 0; i < n; ++i) {
      filled += marks[places[i]] == 0;
      marks[places[i]] = 1;
    }
    if (filled >= scan.wanted) return true;
    if (filled + (scan.points - from - n) < scan.wanted) return false;
  }
  return false;
}

}  // namespace

size_t fractal_scan(const FractalScan& scan, int32_t* state, int32_t* found, double* rows) {
  Twister twister(state);
  Candidate candidates[kSide];
  for (Candidate& c : candidates) {
    c.choices.reset(new uint8_t[scan.points - 1]);
    c.xs.reset(new double[scan.points]);
    c.ys.reset(new double[scan.points]);
  }
  const std::unique_ptr<uint8_t[]> marks(new uint8_t[scan.size * scan.size]);
  const size_t trial = std::min(scan.points, 1 + kTrial);
  size_t accepted = 0, waiting = 0;
  const auto finish = [&](const Candidate& c, bool alive) {
    if (!alive || !fills(scan, c, marks.get())) return;
    found[2 * accepted] = static_cast<int32_t>(c.offset);
    found[2 * accepted + 1] = static_cast<int32_t>(c.count);
    std::copy(c.rows, c.rows + c.count * kRowLength, rows + accepted * kMostMaps * kRowLength);
    ++accepted;
  };
  for (size_t offset = 0; offset < scan.count; ++offset) {
    Candidate& c = candidates[waiting];
    draw(twister, &c);
    if (offset / scan.block % scan.step != scan.first) {
      twister.skip(2 * scan.points);
      continue;
    }
    c.offset = offset;
    choose(twister, c, scan.points - 1);
    twister.skip(2);
    Candidate* one = &c;
    bool alive;
    follow<1>(&one, 1, trial, scan.limit, &alive);
    if (!alive || ++waiting < kSide) continue;
    waiting = 0;
    Candidate* all[kSide];
    bool lives[kSide];
    for (size_t s = 0; s < kSide; ++s) all[s] = candidates + s;
    follow<kSide>(all, trial, scan.points, scan.limit, lives);
    for (size_t s = 0; s < kSide; ++s) finish(candidates[s], lives[s]);
  }
  for (size_t s = 0; s < waiting; ++s) {
    Candidate* one = candidates + s;
    bool alive;
    follow<1>(&one, trial, scan.points, scan.limit, &alive);
    finish(*one, alive);
  }
  twister.save(state);
  return accepted;
}

size_t fractal_layout(const FractalLayout& l, int32_t* owners, int32_t* visible) {
  Memory& memory = memory_of_thread();
  double* xs = memory.doubles(2 * l.points);
  double* ys = xs + l.points;
  double x = 0, y = 0, min_x = 0, max_x = 0, min_y = 0, max_y = 0;
  xs[0] = ys[0] = 0;
  for (size_t i = 1; i < l.points; ++i) {
    const double* m = l.maps + l.choices[i - 1];
    const double next = x * m[0] + y * m[1] + m[4];
    y = x * m[2] + y * m[3] + m[5];
    x = next;
    xs[i] = x;
    ys[i] = y;
    min_x = x < min_x ? x : min_x, max_x = x > max_x ? x : max_x;
    min_y = y < min_y ? y : min_y, max_y = y > max_y ? y : max_y;
  }
  size_t count = l.points;
  // A coordinate that is no number stays so; then what counts is 100 points before the first.
  if (isnan(x) || isnan(y)) {
    for (const double* values : {xs, ys}) {
      const size_t bad =
          static_cast<size_t>(std::find_if(values, values + count, [](double v) { return isnan(v); }) - values);
      if (bad < count) count = bad < 100 ? 0 : bad - 100;
    }
    min_x = max_x = min_y = max_y = 0;
    for (size_t i = 0; i < count; ++i) {
      min_x = std::min(min_x, xs[i]), max_x = std::max(max_x, xs[i]);
      min_y = std::min(min_y, ys[i]), max_y = std::max(max_y, ys[i]);
    }
  }
  const Picture picture = picture_of(min_x, max_x, min_y, max_y, l.size, l.pad);
  if (count == 0 || !picture.is_box()) return 0;
  const size_t pixels = l.size * l.size;
  const ptrdiff_t size = static_cast<ptrdiff_t>(l.size);
  uint8_t* passed = memory.bytes(pixels);
  std::fill(passed, passed + pixels, uint8_t{0});
  // From the last point back: where it lies hides all earlier ones of the same place. No branch, as none is
  // foreseeable.
  int32_t* seen = memory.ints(pixels);
  int32_t places[kPixelBlock];
  size_t rank = 0;
  for (size_t end = count; end > 0;) {
    const size_t n = std::min(kPixelBlock, end);
    const size_t from = end - n;
    if (picture.is_finite()) picture.places(xs + from, ys + from, n, places);
    else picture.any_places(xs + from, ys + from, n, places);
    for (size_t i = n; i-- > 0;) {
      const int32_t place = places[i];
      visible[rank] = static_cast<int32_t>(from + i);
      seen[rank] = place;
      rank += passed[place] == 0;
      passed[place] = 1;
    }
    end = from;
  }
  std::fill(owners, owners + pixels, static_cast<int32_t>(rank << 4));
  // Forward again, each over what was there. The picture is turned over: y downwards.
  for (size_t r = rank; r-- > 0;) {
    const int32_t code = static_cast<int32_t>(r << 4);
    const ptrdiff_t row = seen[r] / picture.size;
    int32_t* at = owners + (size - 1 - 2 * row) * size + seen[r];
    if (!l.patch) {
      *at = code;
      continue;
    }
    for (ptrdiff_t i = 0; i < 3; ++i) {
      int32_t* line = at - (i + 1) * size + 1;
      const int32_t bit = code + 8 - 3 * static_cast<int32_t>(i);
      line[0] = bit, line[1] = bit - 1, line[2] = bit - 2;
    }
  }
  return rank;
}

}  // namespace VIT_ISA
