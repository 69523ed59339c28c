// A hash by which a run recognises its data.

import type { Dataset } from './dataset.ts';

/**
 * A short hash of a data set's content: its size, classes, every label, and the bytes of 64 images spread over it.
 *
 * The same data give the same hash. Other data of the same size give another one, except with a chance of 2⁻⁶⁴.
 */
export async function fingerprint(dataset: Dataset): Promise<string> {
  const { length, numClasses, classNames, imageShape } = dataset;
  const hash = new Hash();
  hash.add(new TextEncoder().encode(JSON.stringify([length, numClasses, classNames, imageShape])));
  hash.add(Uint32Array.from({ length }, (_, i) => dataset.label(i)));
  const count = Math.min(64, length);
  for (let i = 0; i < count; i += 1) {
    hash.add((await dataset.image(Math.floor((i * length) / count))).data);
  }
  return hash.digest();
}

// FNV-1a in two lanes of different offsets. It need not be cryptographic, since it only guards against accidents.
class Hash {
  private low = 0x811c9dc5;
  private high = 0x9747b28c;

  add(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i += 1) {
      this.low = Math.imul(this.low ^ values[i]!, 0x01000193);
      this.high = Math.imul(this.high ^ values[i]!, 0x85ebca6b);
      this.high ^= this.high >>> 13;
    }
  }

  digest(): string {
    return [this.high, this.low].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
