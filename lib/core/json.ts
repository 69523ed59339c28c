// JSON of files that may hold anything.

/** The value of a JSON text; undefined where it is none, for a caller who leaves such a file or line out or refuses it in its own words. */
export function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
