#include "arguments.h"

#include <math.h>

namespace vit {

size_t size_product(size_t a, size_t b) {
  size_t result;
  if (__builtin_mul_overflow(a, b, &result))
    throw ArgumentError("Expected sizes whose product fits, received larger ones.");
  return result;
}

Arguments::Arguments(napi_env env, napi_callback_info info, size_t wanted) : env_(env) {
  size_t count = 32;
  if (napi_get_cb_info(env, info, &count, values_, nullptr, nullptr) != napi_ok || count != wanted)
    throw ArgumentError("Expected " + std::to_string(wanted) + " arguments, received " + std::to_string(count) + ".");
  for (size_t i = 0; i < wanted; ++i) read_list(i);
}

void Arguments::read_list(size_t index) {
  constexpr uint32_t most = 1 << 20;
  List& list = lists_[index];
  uint32_t length = 0;
  if (napi_is_array(env_, values_[index], &list.is_array) != napi_ok || !list.is_array) return;
  if (napi_get_array_length(env_, values_[index], &length) != napi_ok || length > most)
    fail(index, "an array of at most 1,048,576 elements");
  // A few at a time would be as many allocations as elements.
  if (items_.empty()) items_.reserve(length + 24);
  list.begin = items_.size();
  list.length = length;
  for (uint32_t i = 0; i < length; ++i) {
    napi_value item;
    if (napi_get_element(env_, values_[index], i, &item) != napi_ok) fail(index, "an array whose elements can be read");
    items_.push_back(item);
  }
}

napi_value Arguments::item_of(size_t index, size_t item) const {
  if (item >= lists_[index].length) fail(index, "a longer array");
  return items_[lists_[index].begin + item];
}

void Arguments::fail(size_t index, const char* wanted) const {
  throw ArgumentError(std::string("Expected ") + wanted + " for argument " + std::to_string(index) +
                      ", received something else.");
}

bool Arguments::view(napi_value value, napi_typedarray_type* type, size_t* length, void** data) const {
  bool is_view = false;
  if (napi_is_typedarray(env_, value, &is_view) != napi_ok || !is_view) return false;
  napi_value buffer;
  size_t offset;
  if (napi_get_typedarray_info(env_, value, type, length, data, &buffer, &offset) != napi_ok) return false;
  bool detached = false;
  if (napi_is_detached_arraybuffer(env_, buffer, &detached) == napi_ok && detached) return false;
  return true;
}

float* Arguments::any_floats(size_t index, size_t* length) const {
  napi_typedarray_type type;
  void* data = nullptr;
  if (!view(values_[index], &type, length, &data) || type != napi_float32_array) fail(index, "a Float32Array");
  return static_cast<float*>(data);
}

float* Arguments::floats(size_t index, size_t length) const {
  size_t actual;
  float* data = any_floats(index, &actual);
  if (actual != length)
    throw ArgumentError("Expected a Float32Array of " + std::to_string(length) + " elements for argument " +
                        std::to_string(index) + ", received " + std::to_string(actual) + ".");
  return data;
}

float* Arguments::floats_or_null(size_t index, size_t length) const {
  return is_null(index) ? nullptr : floats(index, length);
}

uint8_t* Arguments::bytes(size_t index, size_t length) const {
  return static_cast<uint8_t*>(of_kind(index, length, Kind::kUint8));
}

int32_t* Arguments::ints(size_t index, size_t length) const {
  return static_cast<int32_t*>(of_kind(index, length, Kind::kInt32));
}

const double* Arguments::any_doubles(size_t index, size_t* length) const {
  napi_typedarray_type type;
  void* data = nullptr;
  if (!view(values_[index], &type, length, &data) || type != napi_float64_array) fail(index, "a Float64Array");
  return static_cast<const double*>(data);
}

const double* Arguments::doubles(size_t index, size_t length) const {
  size_t actual;
  const double* data = any_doubles(index, &actual);
  if (actual != length) fail(index, ("a Float64Array of " + std::to_string(length) + " elements").c_str());
  return data;
}

double* Arguments::out_doubles(size_t index, size_t length) const {
  return const_cast<double*>(doubles(index, length));
}

void* Arguments::any(size_t index, size_t* length, Kind* kind) const {
  napi_typedarray_type type;
  void* data = nullptr;
  if (!view(values_[index], &type, length, &data)) fail(index, "a typed array");
  if (type == napi_float32_array) *kind = Kind::kFloat32;
  else if (type == napi_int32_array) *kind = Kind::kInt32;
  else if (type == napi_uint8_array) *kind = Kind::kUint8;
  else fail(index, "a Float32Array, Int32Array or Uint8Array");
  return data;
}

Kind Arguments::kind(size_t index) const {
  size_t length;
  Kind kind;
  any(index, &length, &kind);
  return kind;
}

void* Arguments::of_kind(size_t index, size_t length, Kind kind) const {
  static const char* const names[] = {"a Float32Array", "an Int32Array", "a Uint8Array"};
  size_t actual;
  Kind found;
  void* data = any(index, &actual, &found);
  if (found != kind || actual != length)
    fail(index, (std::string(names[static_cast<int>(kind)]) + " of " + std::to_string(length) + " elements").c_str());
  return data;
}

double Arguments::number(size_t index) const {
  double value;
  if (napi_get_value_double(env_, values_[index], &value) != napi_ok) fail(index, "a number");
  return value;
}

size_t Arguments::size(size_t index) const {
  const double value = number(index);
  if (!(value >= 0 && value <= 1099511627776.0) || value != floor(value)) fail(index, "an integer from 0 to 2^40");
  return static_cast<size_t>(value);
}

int Arguments::integer(size_t index, int low, int high) const {
  const double value = number(index);
  if (!(value >= low && value <= high) || value != floor(value))
    fail(index, ("an integer from " + std::to_string(low) + " to " + std::to_string(high)).c_str());
  return static_cast<int>(value);
}

bool Arguments::flag(size_t index) const {
  bool value;
  if (napi_get_value_bool(env_, values_[index], &value) != napi_ok) fail(index, "a boolean");
  return value;
}

bool Arguments::is_null(size_t index) const {
  napi_valuetype type;
  return napi_typeof(env_, values_[index], &type) == napi_ok && type == napi_null;
}

std::string Arguments::text(size_t index) const {
  char buffer[64];
  size_t length = 0;
  if (napi_get_value_string_utf8(env_, values_[index], buffer, sizeof buffer, &length) != napi_ok)
    fail(index, "a string");
  return std::string(buffer, length);
}

size_t Arguments::array_length(size_t index) const {
  if (!lists_[index].is_array) fail(index, "an array");
  return lists_[index].length;
}

float* Arguments::floats_in(size_t index, size_t item, size_t* length) const {
  napi_typedarray_type type;
  void* data = nullptr;
  if (!view(item_of(index, item), &type, length, &data) || type != napi_float32_array)
    fail(index, "an array of Float32Arrays");
  return static_cast<float*>(data);
}

float* Arguments::floats_in(size_t index, size_t item, size_t length, bool or_null) const {
  napi_valuetype type;
  if (or_null && napi_typeof(env_, item_of(index, item), &type) == napi_ok && type == napi_null) return nullptr;
  size_t actual;
  float* data = floats_in(index, item, &actual);
  if (actual != length)
    throw ArgumentError("Expected a Float32Array of " + std::to_string(length) + " elements at " +
                        std::to_string(item) + " of argument " + std::to_string(index) + ", received " +
                        std::to_string(actual) + ".");
  return data;
}

double Arguments::number_in(size_t index, size_t item) const {
  double value;
  if (napi_get_value_double(env_, item_of(index, item), &value) != napi_ok) fail(index, "an array of numbers");
  return value;
}

}  // namespace vit
