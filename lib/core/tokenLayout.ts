// The places of the patches among the tokens of a forward pass.

/** The places of the patches among the tokens of a forward pass. */
export interface TokenLayout {
  /** Tokens before the patches: class, distillation, registers. */
  numPrefixTokens: number;
  /** Patches as rows × columns; P = rows · columns = N − numPrefixTokens. */
  gridSize: readonly [rows: number, columns: number];
  /** Whether the first token is a class token; default: where there is a prefix token at all. */
  hasClassToken?: boolean | undefined;
}
