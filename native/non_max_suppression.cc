// The choice of boxes that do not cover each other, best first. This file is not contracted: an overlap may lie just at
// its limit.

#include <algorithm>

#include "table.h"
#include "window.h"

namespace VIT_ISA {
namespace {

using namespace vit;

// Vectors of chosen boxes that are looked at together.
constexpr size_t kGroup = 4;

// A box that may still be chosen, and how many of the chosen ones its score has been weighted by.
struct Candidate {
  double score;
  uint32_t box, seen;
};
struct Worse {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.score < b.score || (a.score == b.score && a.box > b.box);
  }
};

VIT_INLINE bool any(vi mask) {
#if defined(VIT_AVX512)
  return _mm512_test_epi32_mask(reinterpret_cast<__m512i>(mask), reinterpret_cast<__m512i>(mask)) != 0;
#elif defined(VIT_AVX2)
  return _mm256_testz_si256(reinterpret_cast<__m256i>(mask), reinterpret_cast<__m256i>(mask)) == 0;
#else
  int32_t all = 0;
  for (size_t i = 0; i < VL; ++i) all |= mask[i];
  return all != 0;
#endif
}

template <typename T>
VIT_INLINE T lesser(T a, T b) {
  return a < b ? a : b;
}
template <typename T>
VIT_INLINE T greater(T a, T b) {
  return a > b ? a : b;
}

struct Box {
  float top, left, bottom, right, area;
};
VIT_INLINE Box box_of(const float* corners) {
  Box b;
  b.top = lesser(corners[0], corners[2]), b.bottom = greater(corners[0], corners[2]);
  b.left = lesser(corners[1], corners[3]), b.right = greater(corners[1], corners[3]);
  b.area = (b.bottom - b.top) * (b.right - b.left);
  return b;
}

VIT_INLINE double length(float from, float to) { return static_cast<double>(to) - static_cast<double>(from); }

// The chosen boxes, an array for each side and one for the areas. The padding behind the last covers nothing.
class Chosen {
 public:
  explicit Chosen(size_t most) : step_(most / VL * VL + VL), sides_(shared_scratch(5 * step_)) {}

  size_t count() const { return count_; }
  void add(const Box& b) {
    const float all[] = {b.top, b.left, b.bottom, b.right, b.area};
    const float none[] = {HUGE_VALF, HUGE_VALF, -HUGE_VALF, -HUGE_VALF, 0.0f};
    for (size_t side = 0; side < 5; ++side) {
      float* to = sides_ + side * step_ + count_;
      if (count_ % VL == 0) store(to, set1(none[side]));
      *to = all[side];
    }
    count_ += 1;
  }

  // Intersection over union.
  double overlap(const Box& b, size_t i) const {
    const float top = at(0)[i], left = at(1)[i], bottom = at(2)[i], right = at(3)[i];
    const double area = length(b.top, b.bottom) * length(b.left, b.right),
                 other = length(top, bottom) * length(left, right);
    if (area <= 0.0 || other <= 0.0) return 0.0;
    const double height = greater(length(greater(b.top, top), lesser(b.bottom, bottom)), 0.0);
    const double width = greater(length(greater(b.left, left), lesser(b.right, right)), 0.0);
    const double common = height * width;
    return common / (area + other - common);
  }

  // Whether a chosen box covers it by `limit`. Float32 finds those that may, with room for its rounding, where areas
  // are of sizes that it holds well; float64 decides.
  bool cover(const Box& b, double limit) const {
    const vf one = set1(1.0f), share = set1(static_cast<float>(limit * (1.0 - 0x1p-16)));
    const vf least = set1(limit > 1e-12 ? 1e-20f : HUGE_VALF), most = set1(1e30f);
    for (size_t end = count_; end > 0;) {
      const size_t begin = (end - 1) / (kGroup * VL) * (kGroup * VL);
      vi some = {};
      for (size_t i = begin; i < end; i += VL) {
        const vf common = common_area(b, i), sum = set1(b.area) + load(at(4) + i);
        const vi below = (common * (one + share) < share * sum) & (sum > least) & (sum < most);
        some |= ~below;
      }
      if (any(some))
        for (size_t i = end; i-- > begin;)
          if (overlap(b, i) >= limit) return true;
      end = begin;
    }
    return false;
  }

  // The score weighted by those from `first` on, the latest first; false where it no longer counts.
  bool weigh(const Box& b, size_t first, const NonMaxSuppression& s, double* score) const {
    if (s.overlap == 0.0 && first < count_) return false;
    for (size_t end = count_; end > first;) {
      const size_t begin = greater((end - 1) / VL * VL, first);
      if (any(touches(b, (end - 1) / VL * VL)))
        for (size_t i = end; i-- > begin;) {
          const double covered = overlap(b, i);
          if (covered >= s.overlap) return false;
          *score *= exp(s.scale * covered * covered);
          if (*score <= s.threshold) return false;
        }
      end = begin;
    }
    return true;
  }

 private:
  const float* at(size_t side) const { return sides_ + side * step_; }
  VIT_ALWAYS vf common_area(const Box& b, size_t i) const {
    const vf height = min_v(load(at(2) + i), set1(b.bottom)) - max_v(load(at(0) + i), set1(b.top));
    const vf width = min_v(load(at(3) + i), set1(b.right)) - max_v(load(at(1) + i), set1(b.left));
    return max_v(height, set1(0.0f)) * max_v(width, set1(0.0f));
  }
  VIT_ALWAYS vi touches(const Box& b, size_t i) const {
    return (load(at(0) + i) < set1(b.bottom)) & (load(at(2) + i) > set1(b.top)) & (load(at(1) + i) < set1(b.right)) &
           (load(at(3) + i) > set1(b.left));
  }

  const size_t step_;
  float* const sides_;
  size_t count_ = 0;
};

}  // namespace

// A box is chosen or not by those before it, so there is one task.
size_t non_max_suppression(const NonMaxSuppression& s, int32_t* chosen, float* scores) {
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < s.n; ++i)
    if (static_cast<double>(s.scores[i]) > s.threshold)
      candidates.push_back({static_cast<double>(s.scores[i]), static_cast<uint32_t>(i), 0});
  std::make_heap(candidates.begin(), candidates.end(), Worse());
  Chosen all(s.most);
  while (all.count() < s.most && !candidates.empty()) {
    std::pop_heap(candidates.begin(), candidates.end(), Worse());
    Candidate& best = candidates.back();
    const Box box = box_of(s.boxes + 4 * static_cast<size_t>(best.box));
    const double before = best.score;
    const bool stays = s.scale == 0.0 ? !all.cover(box, s.overlap) : all.weigh(box, best.seen, s, &best.score);
    if (stays && best.score == before) {
      chosen[all.count()] = static_cast<int32_t>(best.box);
      if (scores != nullptr) scores[all.count()] = static_cast<float>(before);
      all.add(box);
      candidates.pop_back();
    } else if (stays && best.score > s.threshold) {
      best.seen = static_cast<uint32_t>(all.count());
      std::push_heap(candidates.begin(), candidates.end(), Worse());
    } else {
      candidates.pop_back();
    }
  }
  return all.count();
}

}  // namespace VIT_ISA
