// The entries of native/pixels_binding.cc.

/** Pillow's pixel loops. Calls of several JavaScript threads run side by side. */
export interface PixelBinding {
  /** [height, width, channels] → out [height, count, channels]; firsts [count], weights [count, taps]. */
  resampleRows(
    descriptor: Float64Array,
    data: Uint8Array,
    firsts: Int32Array,
    weights: Int32Array,
    out: Uint8Array,
  ): void;
  /** [height, stride] → out [count, stride]; firsts [count], weights [count, taps]. */
  resampleColumns(
    descriptor: Float64Array,
    data: Uint8Array,
    firsts: Int32Array,
    weights: Int32Array,
    out: Uint8Array,
  ): void;
  /** Data and out [height, width, channels]; pixels from outside of the image stay as they are. */
  mapPixels(descriptor: Float64Array, data: Uint8Array, out: Uint8Array): void;
}
