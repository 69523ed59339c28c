// The part of CLIP that users of the library import.

export { Clip, type ClipSimilarity } from './clip.ts';
export type { ClipConfig, ClipOptions, ClipTextConfig, ClipTextOptions } from './config.ts';
export { clip } from './family.ts';
export type { TextContext, TextTransformer, TokenIds } from './textTransformer.ts';
