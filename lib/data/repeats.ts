// Repeated augmentation: the order of an epoch in which each image comes several times in a row.

/**
 * The number of samples in an epoch: all images without repeats, else as many rounded down to a multiple of 256, as in DeiT.
 *
 * With R repeats an epoch therefore sees about a share 1/R of the images, R times each. Fewer than 256 images are not rounded.
 *
 * Source: DeiT's RASampler, whose epoch is ⌊length / 256⌋ · 256 samples; Berman et al. 2019 (MultiGrain), Hoffer et al. 2020.
 * @example samplesInEpoch(60_000, 3); // 59_904: 19,968 images, three times each
 */
export function samplesInEpoch(length: number, repeats: number): number {
  return repeats === 1 || length < 256 ? length : length - (length % 256);
}

/** The samples of an epoch: the first images of an order, each `repeats` times in a row. */
export function repeatOrder(order: Uint32Array, repeats: number): Uint32Array {
  if (repeats === 1) return order;
  return Uint32Array.from(
    { length: samplesInEpoch(order.length, repeats) },
    (_, place) => order[Math.floor(place / repeats)]!,
  );
}
