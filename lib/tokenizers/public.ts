// The part of this room that belongs to the public API.

export {
  ClipTokenizer,
  tokenizerRules,
  type EncodeTextOptions,
  type TokenizerRules,
} from './clipTokenizer.ts';
