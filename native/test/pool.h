// The pool by itself.
#pragma once

#include <string>

#include "random.h"

namespace vit_test {

// Runs jobs of all sizes, one right after the other, with many numbers of threads: each task once, each worker with
// scratch of its own. Gives the first thing that is wrong, or nothing.
std::string pool_wrong(Rng rng, size_t jobs);

}  // namespace vit_test
