// AMX on a processor without it: the instructions of the compiled kernels raise SIGILL, and a handler decodes and
// computes them. So the compiled bf16_tiles.cc is tested, its encodings, operands and addresses, and not
// only its source.
#pragma once

#include <stddef.h>

namespace vit_test {

// From here on; on a processor that has AMX nothing is ever caught.
void trap_amx();
// Instructions caught so far.
size_t trapped_amx();

}  // namespace vit_test
