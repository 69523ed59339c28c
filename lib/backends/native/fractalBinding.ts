// The entries of native/fractal_binding.cc.

/** FractalDB's search and pictures. Calls of several JavaScript threads run side by side. */
export interface FractalBinding {
  /** How many candidates were accepted. */
  fractalScan(
    descriptor: Float64Array,
    /** The 624 words of the generator and the place of the next one; it is left behind the candidates. */
    state: Int32Array,
    /** [count, 2]: the place of each that was accepted, and its maps. */
    found: Int32Array,
    /** [count, 7, 7]: its a, b, c, d, e, f, p. */
    rows: Float64Array,
  ): number;
  /** How many points are visible; 0 for points without an extent. */
  fractalLayout(
    descriptor: Float64Array,
    /** [maps, 8]. */
    maps: Float64Array,
    /** [points − 1], places in `maps`. */
    choices: Uint8Array,
    /** [size, size]. */
    owners: Int32Array,
    /** [size²]. */
    visible: Int32Array,
  ): number;
}
