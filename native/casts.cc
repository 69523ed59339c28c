// Conversions between element types, choices between elements, and constants.

#include "integers.h"
#include "table.h"
#include "walks.h"

namespace VIT_ISA {
namespace {

using namespace vit;

template <typename T>
VIT_INLINE void cast_from(Kind to, size_t n, const T* x, void* out) {
  if (to == Kind::kFloat32) map_each(n, x, static_cast<float*>(out), [](T v) { return static_cast<float>(v); });
  if (to == Kind::kInt32) map_each(n, x, static_cast<int32_t*>(out), [](T v) { return static_cast<int32_t>(v); });
  if (to == Kind::kUint8) map_each(n, x, static_cast<uint8_t*>(out), [](T v) -> uint8_t { return v != 0; });
}

template <typename T>
VIT_INLINE void select_of(size_t n, const uint8_t* mask, const void* a, const void* b, void* out) {
  chunks(n, [&](size_t begin, size_t end) {
    const uint8_t* condition = mask;
    const T* x = static_cast<const T*>(a);
    const T* y = static_cast<const T*>(b);
    T* z = static_cast<T*>(out);
    for (size_t i = begin; i < end; ++i) {
      // Both are read: a branch for each element costs more.
      const T yes = x[i], no = y[i];
      z[i] = condition[i] != 0 ? yes : no;
    }
  });
}

template <typename T>
VIT_INLINE void fill_of(size_t n, const void* value, void* out) {
  T element;
  memcpy(&element, value, sizeof element);
  chunks(n, [&](size_t begin, size_t end) {
    const T copied = element;
    T* z = static_cast<T*>(out);
    for (size_t i = begin; i < end; ++i) z[i] = copied;
  });
}

}  // namespace

void cast(Kind from, Kind to, size_t n, const void* x, void* out) {
  if (from == Kind::kFloat32 && to == Kind::kInt32)
    return map_each(n, static_cast<const float*>(x), static_cast<int32_t*>(out),
                    [](float v) { return wrapped(static_cast<double>(v)); });
  switch (from) {
    case Kind::kFloat32: return cast_from(to, n, static_cast<const float*>(x), out);
    case Kind::kInt32: return cast_from(to, n, static_cast<const int32_t*>(x), out);
    case Kind::kUint8: return cast_from(to, n, static_cast<const uint8_t*>(x), out);
  }
}

void select(size_t bytes, size_t n, const uint8_t* condition, const void* a, const void* b, void* out) {
  if (bytes == 1) select_of<uint8_t>(n, condition, a, b, out);
  if (bytes == 4) select_of<uint32_t>(n, condition, a, b, out);
}

void fill(size_t bytes, size_t n, const void* value, void* out) {
  if (bytes == 1) fill_of<uint8_t>(n, value, out);
  if (bytes == 4) fill_of<uint32_t>(n, value, out);
}

}  // namespace VIT_ISA
