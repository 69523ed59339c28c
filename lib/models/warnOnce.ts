// Warnings that a process gives once.

// The sentences that were already said in this process.
const warned = new Set<string>();

/** Says a sentence on the console, the first time it comes. */
export function warnOnce(text: string): void {
  if (warned.has(text)) return;
  warned.add(text);
  console.warn(text);
}
