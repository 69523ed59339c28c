#include "guarded.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace vit_test {

#if defined(VIT_WATCHED_ADDRESSES)

Guarded::Guarded(size_t bytes) : bytes_(bytes), data_(static_cast<unsigned char*>(malloc(bytes))) {
  memset(data_, 0xff, bytes);
}
Guarded::~Guarded() { free(data_); }
void Guarded::seal() {}
bool Guarded::intact() const { return true; }

#else

namespace {
constexpr unsigned char kFront = 0xa5;
size_t page() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}
}  // namespace

Guarded::Guarded(size_t bytes) : bytes_(bytes) {
  const size_t inner = (bytes / page() + 1) * page();
  mapped_ = inner + page();
  void* map = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc();
  base_ = static_cast<unsigned char*>(map);
  data_ = base_ + inner - bytes;
  memset(base_, kFront, inner - bytes);
  memset(data_, 0xff, bytes);
  mprotect(base_ + inner, page(), PROT_NONE);
}
Guarded::~Guarded() { munmap(base_, mapped_); }
void Guarded::seal() { mprotect(base_, mapped_ - page(), PROT_READ); }
bool Guarded::intact() const {
  for (const unsigned char* p = base_; p < data_; ++p)
    if (*p != kFront) return false;
  return true;
}

#endif

}  // namespace vit_test
