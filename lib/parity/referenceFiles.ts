// The reference files of a golden case, read once.

import path from 'node:path';
import { readJson } from './goldenCase.ts';
import { GoldenFile, plainTensor } from './goldenTensors.ts';
import type { PlainTensor } from './compareTensors.ts';
import type { GoldenCase } from './goldenCase.ts';

/** The reference files of a case, each read and parsed once, however many entries it has. */
export class ReferenceFiles {
  private readonly golden: GoldenCase;
  private readonly tensorFiles = new Map<string, GoldenFile>();
  private readonly jsonFiles = new Map<string, unknown>();

  constructor(golden: GoldenCase) {
    this.golden = golden;
  }

  /** The path of a file. */
  path(file: string): string {
    return path.join(this.golden.folder, file);
  }

  /** A tensor in plain memory. @throws IoError, CheckpointError, InputError naming the path */
  tensor(file: string, name: string): PlainTensor {
    const known = this.tensorFiles.get(file) ?? new GoldenFile(this.golden, file);
    this.tensorFiles.set(file, known);
    return plainTensor(known.get(name));
  }

  /** The content of a JSON file. @throws IoError, InputError naming the path */
  json(file: string): unknown {
    if (!this.jsonFiles.has(file)) this.jsonFiles.set(file, readJson(this.path(file)));
    return this.jsonFiles.get(file);
  }
}
