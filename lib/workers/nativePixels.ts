// The pixel loops of the native addon, put to use where it can be loaded.

import {
  mapPixelsDescriptor,
  resampleColumnsDescriptor,
  resampleRowsDescriptor,
} from '../backends/native/generated/descriptors.ts';
import { loadBinding } from '../backends/native/loader.ts';
import { usePixelKernels, type PixelKernels } from '../data/pixels/pixelKernels.ts';
import type { PixelBinding } from '../backends/native/pixelBinding.ts';

/** Puts the addon's pixel loops to use in this thread, if it can be loaded and has them; those in TypeScript stay otherwise. */
export function useNativePixels(): void {
  const loaded = loadBinding();
  // An addon that was built before these routines has none of them.
  if (!('binding' in loaded) || typeof loaded.binding.mapPixels !== 'function') return;
  usePixelKernels(nativePixels(loaded.binding));
}

// A canvas gives clamped bytes.
function plain(data: Uint8Array): Uint8Array {
  if (Object.prototype.toString.call(data) === '[object Uint8Array]') return data;
  const { buffer, byteOffset, length } = data as unknown as Uint8ClampedArray;
  return new Uint8Array(buffer, byteOffset, length);
}

/** The routines of the addon. */
export function nativePixels(binding: PixelBinding): PixelKernels {
  return {
    name: 'native',
    resampleRows(data, sizes, { count, taps, firsts, weights }, out) {
      const descriptor = resampleRowsDescriptor({ ...sizes, count, taps });
      binding.resampleRows(descriptor, plain(data), firsts, weights, out);
    },
    resampleColumns(data, sizes, { count, taps, firsts, weights }, out) {
      const descriptor = resampleColumnsDescriptor({ ...sizes, count, taps });
      binding.resampleColumns(descriptor, plain(data), firsts, weights, out);
    },
    mapSmooth(data, { matrix, ...sizes }, out) {
      const [a, b, c, d, e, f] = matrix as [number, number, number, number, number, number];
      binding.mapPixels(mapPixelsDescriptor({ ...sizes, a, b, c, d, e, f }), plain(data), out);
    },
  };
}
