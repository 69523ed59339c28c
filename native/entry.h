// The frame of every entry of the addon, and the walks that many take. A *_binding.cc lists its entries; binding.cc
// exports them.
#pragma once

#include <node_api.h>

#include <mutex>
#include <new>

#include "arguments.h"
#include "kernels.h"

namespace vit {

// Held during a call: those of several JavaScript threads run one after the other.
std::mutex& calls();

typedef napi_value (*EntryBody)(const Arguments& args);

// Checks the number of arguments and turns a C++ exception into a JavaScript one. A free entry, which shares no memory
// with other calls, waits for none.
template <size_t count, EntryBody body, bool free = false>
napi_value entry(napi_env env, napi_callback_info info) {
  try {
    const Arguments args(env, info, count);
    std::unique_lock<std::mutex> lock(calls(), std::defer_lock);
    if (!free) lock.lock();
    return body(args);
  } catch (const ArgumentError& error) {
    napi_throw_type_error(env, nullptr, error.what());
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, nullptr, "Expected memory for a native kernel, received none. Use a smaller batch.");
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

struct Export {
  const char* name;
  napi_callback callback;
};
struct Exports {
  const Export* items;
  size_t count;
};
extern const Exports branch_exports;
extern const Exports elementwise_exports;
extern const Exports spatial_exports;
extern const Exports axis_exports;
extern const Exports indexing_exports;
extern const Exports counting_exports;
extern const Exports fractal_exports;
extern const Exports pixel_exports;

// undefined, the result of most entries.
napi_value nothing(const Arguments& args);
napi_value yes_or_no(const Arguments& args, bool yes);

// A list of numbers: the sizes of the loops, outermost first, then the strides of a, then those of b.
Walk walk_of(const Arguments& args, size_t index);
size_t walk_size(const Walk& walk);
// Throws unless every element that the walk, which is not empty, touches is within the array.
void check_range(const Walk& walk, const ptrdiff_t* stride, size_t offset, size_t length, const char* name);

}  // namespace vit
