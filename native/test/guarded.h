// Memory of just the length that a kernel may touch: it ends where a page begins that nobody may read, so that one
// element too far is a fault. Under AddressSanitizer it is a block of the heap, which the sanitizer watches to the byte
// on both sides.
#pragma once

#include <stddef.h>

namespace vit_test {

class Guarded {
 public:
  explicit Guarded(size_t bytes);
  ~Guarded();
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  // From here on a write is a fault.
  void seal();
  // Whether what lies in front of the data is as it was.
  bool intact() const;

 private:
  size_t bytes_;
  unsigned char* data_ = nullptr;
  unsigned char* base_ = nullptr;
  size_t mapped_ = 0;
};

}  // namespace vit_test
