// Arguments of a JavaScript call, checked: anything wrong is thrown as ArgumentError and becomes a JavaScript
// TypeError. Elements of lists are read first of all, since a getter among them may run any code: detach an array, or
// call the addon again. After the constructor no JavaScript runs until the call ends, so a pointer to an array's data
// stays good. Arrays over shared or resizable memory are as good as others: shared memory never shrinks, and what
// another thread writes meanwhile is its affair.
#pragma once

#include <node_api.h>
#include <stddef.h>
#include <stdint.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "kernels.h"

namespace vit {

struct ArgumentError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// a·b, or an ArgumentError where that overflows.
size_t size_product(size_t a, size_t b);

// Bytes of an element.
inline size_t bytes_of(Kind kind) { return kind == Kind::kUint8 ? 1 : 4; }

class Arguments {
 public:
  // Throws unless exactly `wanted` arguments were given. An exception of a getter stays JavaScript's.
  Arguments(napi_env env, napi_callback_info info, size_t wanted);

  // The data of a typed array of exactly `length` elements; a detached buffer has length 0.
  float* floats(size_t index, size_t length) const;
  uint8_t* bytes(size_t index, size_t length) const;
  // As floats, and null where the argument is null.
  float* floats_or_null(size_t index, size_t length) const;
  // A Float32Array of any length.
  float* any_floats(size_t index, size_t* length) const;
  int32_t* ints(size_t index, size_t length) const;
  // A Float64Array of exactly `length` elements, and of any length.
  const double* doubles(size_t index, size_t length) const;
  const double* any_doubles(size_t index, size_t* length) const;
  // One to be written, of exactly `length` elements.
  double* out_doubles(size_t index, size_t length) const;
  // A Float32Array, Int32Array or Uint8Array of any length.
  void* any(size_t index, size_t* length, Kind* kind) const;
  Kind kind(size_t index) const;
  // A typed array of exactly `length` elements of a kind.
  void* of_kind(size_t index, size_t length, Kind kind) const;

  // An integer 0 … 2^40.
  size_t size(size_t index) const;
  double number(size_t index) const;
  bool flag(size_t index) const;
  bool is_null(size_t index) const;
  std::string text(size_t index) const;
  // An integer in [low, high].
  int integer(size_t index, int low, int high) const;

  // Elements of a JavaScript array.
  size_t array_length(size_t index) const;
  float* floats_in(size_t index, size_t item, size_t* length) const;
  // An array among them of exactly `length` elements; with `or_null`, null where the element is null.
  float* floats_in(size_t index, size_t item, size_t length, bool or_null) const;
  double number_in(size_t index, size_t item) const;

  napi_env env() const { return env_; }

 private:
  [[noreturn]] void fail(size_t index, const char* wanted) const;
  bool view(napi_value value, napi_typedarray_type* type, size_t* length, void** data) const;

  struct List {
    bool is_array = false;
    size_t begin = 0, length = 0;  // of items_
  };
  void read_list(size_t index);
  napi_value item_of(size_t index, size_t item) const;

  napi_env env_;
  napi_value values_[32];
  List lists_[32];
  std::vector<napi_value> items_;
};

}  // namespace vit
