// Warnings that a process gives once.

// The sentences that were already said in this process.
const warned = new Set<string>();

/** Writes a sentence to the console the first time it is given. */
export function warnOnce(text: string): void {
  if (warned.has(text)) return;
  warned.add(text);
  console.warn(text);
}
