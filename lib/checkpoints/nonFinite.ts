// Tensors with a NaN or an infinity.

import { allFiniteInFloat32 } from '../core/finite.ts';
import { assertFields, assertKind } from '../core/kinds.ts';
import type { HostTensor } from './hostTensor.ts';

/** The names of the tensors that hold a NaN or an infinity once they are float32, in order; none of C64, F8, F6 or F4. */
export function nonFiniteNames(tensors: ReadonlyMap<string, HostTensor>): string[] {
  assertTensors(tensors);
  return [...tensors].filter(([, tensor]) => hasNonFinite(tensor)).map(([name]) => name);
}

function hasNonFinite({ dtype, data }: HostTensor): boolean {
  if (dtype === 'F64' || dtype === 'F32') return !allFiniteInFloat32(data as Float32Array);
  // All ones in the exponent.
  if (dtype === 'F16') return (data as Uint16Array).some((bits) => (bits & 0x7c00) === 0x7c00);
  if (dtype === 'BF16') return (data as Uint16Array).some((bits) => (bits & 0x7f80) === 0x7f80);
  return false;
}

/** Throws an InputError unless a value is a Map of host tensors. */
export function assertTensors(tensors: unknown): void {
  assertKind('tensors', tensors, 'map');
  for (const [name, tensor] of tensors as Map<string, unknown>) {
    assertFields(name, tensor, { dtype: 'text', shape: 'list', data: 'array' });
  }
}
