// The entries of the residual branches, for the table in binding.cc.
#pragma once

#include "arguments.h"

namespace vit {

napi_value branch_memory_entry(const Arguments& args);
napi_value mlp_branch_entry(const Arguments& args);
napi_value mlp_branch_grad_entry(const Arguments& args);
napi_value attention_branch_entry(const Arguments& args);
napi_value attention_branch_grad_entry(const Arguments& args);
napi_value branch_chain_entry(const Arguments& args);

}  // namespace vit
