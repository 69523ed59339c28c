#include "amx_trap.h"

#if defined(VIT_TRAPPED_AMX)

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include <atomic>

#define VIT_ISA amx_trap
#include "../tiles.h"

namespace vit_test {
namespace {

std::atomic<size_t> caught{0};
struct sigaction before;
thread_local amx_trap::Tiles tiles;

// Intel's manual, volume 2, chapter 2.1.5, in the order of ModR/M and SIB.
constexpr int kRegisters[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

// An instruction under a three-byte VEX prefix of map 0F 38, with the registers that it found.
struct Decoded {
  const uint8_t* at;
  const greg_t* registers;
  size_t length = 0, prefix, third, reg, rm, mod;
  uint8_t opcode;
  uintptr_t address = 0, stride = 0;  // of memory; the stride is the scaled index

  Decoded(const uint8_t* code, const greg_t* found) : at(code), registers(found) {}

  bool read() {
    if (at[0] != 0xC4 || (at[1] & 0x1F) != 2 || (at[2] & 0x84) != 0) return false;
    prefix = at[2] & 3, third = ~(at[2] >> 3) & 15, opcode = at[3];
    const uint8_t modrm = at[4];
    mod = modrm >> 6, reg = (modrm >> 3) & 7, rm = modrm & 7;
    length = 5;
    if (mod != 3) find_memory();
    return true;
  }

 private:
  uintptr_t value(size_t number) const { return static_cast<uintptr_t>(registers[kRegisters[number]]); }

  void find_memory() {
    const size_t index_high = (~at[1] >> 6) & 1, base_high = (~at[1] >> 5) & 1;
    bool wide = mod == 2;
    if (rm == 4) {
      const uint8_t sib = at[length++];
      const size_t base = (sib & 7) | base_high << 3, index = ((sib >> 3) & 7) | index_high << 3;
      if (index != 4) stride = value(index) << (sib >> 6);
      if (mod == 0 && (sib & 7) == 5) wide = true;
      else address = value(base);
    } else if (mod == 0 && rm == 5) {
      wide = true;
      address = reinterpret_cast<uintptr_t>(at) + length + 4;  // of the next instruction
    } else {
      address = value(rm | base_high << 3);
    }
    if (wide) {
      int32_t offset;
      memcpy(&offset, at + length, sizeof offset);
      address += static_cast<uintptr_t>(static_cast<intptr_t>(offset));
      length += 4;
    } else if (mod == 1) {
      address += static_cast<uintptr_t>(static_cast<intptr_t>(static_cast<int8_t>(at[length])));
      length += 1;
    }
  }
};

constexpr size_t kNone = 0, kF3 = 2, kF2 = 3;

// Whether it was one of the tiles' instructions.
bool compute(const Decoded& d) {
  if (d.opcode == 0x49 && d.prefix == kNone && d.mod != 3) {
    amx_trap::TileConfig config;
    memcpy(&config, reinterpret_cast<const void*>(d.address), sizeof config);
    tiles.configure(config);
  } else if (d.opcode == 0x49 && d.prefix == kNone && d.reg == 0 && d.rm == 0) {
    tiles.configure(amx_trap::TileConfig());  // tilerelease: no tile has a shape, and using one aborts
  } else if (d.opcode == 0x49 && d.prefix == kF2 && d.mod == 3) {
    tiles.zero(d.reg);
  } else if (d.opcode == 0x4B && d.prefix == kF2 && d.mod != 3 && d.rm == 4) {
    tiles.load(d.reg, reinterpret_cast<const void*>(d.address), d.stride);
  } else if (d.opcode == 0x4B && d.prefix == kF3 && d.mod != 3 && d.rm == 4) {
    tiles.store(d.reg, reinterpret_cast<void*>(d.address), d.stride);
  } else if (d.opcode == 0x5C && d.prefix == kF3 && d.mod == 3) {
    tiles.dot(d.reg, d.rm, d.third);
  } else {
    return false;
  }
  return true;
}

void on_illegal(int, siginfo_t*, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  Decoded d(reinterpret_cast<const uint8_t*>(registers[REG_RIP]), registers);
  if (!d.read() || !compute(d)) {
    sigaction(SIGILL, &before, nullptr);  // it happens again, and ends the program
    return;
  }
  registers[REG_RIP] += static_cast<greg_t>(d.length);
  caught += 1;
}

}  // namespace

void trap_amx() {
  struct sigaction action = {};
  action.sa_sigaction = on_illegal;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGILL, &action, &before);
}

size_t trapped_amx() { return caught; }

}  // namespace vit_test

#else

namespace vit_test {

void trap_amx() {}
size_t trapped_amx() { return 0; }

}  // namespace vit_test

#endif
