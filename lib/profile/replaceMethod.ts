/**
 * Puts `around` in the place of one object's method, until the returned function is called.
 *
 * @param around  gets the call of the original, to be made once, and its arguments; answers for it
 */
export function replaceMethod<T extends object, K extends keyof T & string>(
  object: T,
  name: K,
  around: (original: () => unknown, args: readonly unknown[]) => unknown,
): () => void {
  const before = Object.getOwnPropertyDescriptor(object, name);
  const original = object[name] as (...args: unknown[]) => unknown;
  const value = function (this: unknown, ...args: unknown[]): unknown {
    return around(() => original.apply(this, args), args);
  };
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
  return () => {
    if (before === undefined) delete object[name];
    else Object.defineProperty(object, name, before);
  };
}
