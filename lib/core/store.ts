// The interface of a place that holds the files of a run.

/**
 * A place for the files of one run, by plain name: a folder on a disk, or a map in a test or a browser.
 *
 * Every write is whole or not at all: a reader sees the old file or the new one, whatever moment the process dies.
 */
export interface FileStore {
  /** The name of the place in errors and messages, for example its path. */
  readonly location: string;
  /**
   * The bytes of a file. A store with manifests checks a file that the last one lists.
   *
   * @param options.maxBytes  a longer file is refused before it is read
   * @throws IoError if it is not there or cannot be read, CheckpointError if it differs from the manifest
   */
  read(name: string, options?: { maxBytes?: number }): Promise<Uint8Array>;
  /**
   * The bytes of a file of the last commit, checked against the manifest; a store without one reads as `read` does.
   *
   * @throws CheckpointError if the file is missing, not listed, or differs
   */
  readChecked?(name: string, options?: { maxBytes?: number }): Promise<Uint8Array>;
  /** Whether the file is there. */
  has(name: string): Promise<boolean>;
  /** Replaces one file. */
  write(name: string, bytes: Uint8Array | string): Promise<void>;
  /**
   * Replaces several files as one: after a crash at any moment either all are the new ones or all the old.
   * `manifest.json` with the SHA-256 and size of every file of the set, and `info`, is written last.
   */
  commit(
    files: ReadonlyMap<string, Uint8Array | string>,
    info: Record<string, unknown>,
  ): Promise<void>;
  /**
   * Removes one file, from the manifest first and then from the place; nothing happens if it is not there. A store without it keeps
   * files that later sets no longer have.
   */
  remove?(name: string): Promise<void>;
  /** The names of the files of the last commit, in no order. */
  names?(): Promise<string[]>;
}
