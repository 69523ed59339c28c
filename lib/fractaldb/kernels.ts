// The routines of lib/fractal that a thread uses: native where the addon can be loaded, else those in TypeScript.

import {
  fractalLayoutDescriptor,
  fractalScanDescriptor,
} from '../backends/native/generated/descriptors.ts';
import { loadBinding } from '../backends/native/loader.ts';
import { searchRules } from '../fractal/candidates.ts';
import { ifsOf } from '../fractal/ifs.ts';
import { typescriptKernels, type FractalKernels } from '../fractal/kernels.ts';
import { flatSystem } from '../fractal/layout.ts';
import { escapeLimit, scanBlock, wantedPixels } from '../fractal/scan.ts';
import type { NativeBinding } from '../backends/native/binding.ts';

/** The fastest routines there are here. */
export function fractalKernels(): FractalKernels {
  const loaded = loadBinding();
  // An addon that was built before these routines has none of them.
  const has = 'binding' in loaded && typeof loaded.binding.fractalScan === 'function';
  return has ? nativeKernels(loaded.binding) : typescriptKernels();
}

const words = 624;
const mostMaps = 7;
const rowLength = 7;

/** The routines of the addon. */
export function nativeKernels(
  binding: Pick<NativeBinding, 'fractalScan' | 'fractalLayout'>,
): FractalKernels {
  return {
    name: 'native',
    scan(generator, count, { first, step }) {
      const { points, size, pad } = searchRules;
      const state = new Int32Array(words + 1);
      state.set(generator.words);
      state[words] = generator.at;
      const found = new Int32Array(2 * count);
      const rows = new Float64Array(count * mostMaps * rowLength);
      const accepted = binding.fractalScan(
        fractalScanDescriptor({
          count,
          first,
          step,
          block: scanBlock,
          points,
          size,
          pad,
          wanted: wantedPixels,
          limit: escapeLimit,
        }),
        state,
        found,
        rows,
      );
      generator.words.set(state.subarray(0, words));
      generator.at = state[words]!;
      return Array.from({ length: accepted }, (_, k) => {
        const from = k * mostMaps * rowLength;
        const row = (i: number): number[] => [
          ...rows.subarray(from + i * rowLength, from + (i + 1) * rowLength),
        ];
        const maps = Array.from({ length: found[2 * k + 1]! }, (_unused, i) => row(i));
        return { offset: found[2 * k]!, ifs: ifsOf(maps) };
      }).sort((a, b) => a.offset - b.offset);
    },
    layOut({ maps }, choices, { size, pad }, patch, out) {
      const points = choices.length + 1;
      const descriptor = fractalLayoutDescriptor({ points, size, pad, patch });
      const { owners, visible } = out;
      out.count = binding.fractalLayout(descriptor, maps, choices, owners, visible);
      if (out.count === 0) throw flatSystem();
    },
  };
}
