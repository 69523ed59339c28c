// Downloads a model of the Hugging Face hub into the cache that its Python programs share, or finds it there.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointNames, maxConfigBytes } from '../checkpoints/configFile.ts';
import { preprocessorName } from '../checkpoints/huggingFaceConfig.ts';
import { shardNames } from '../checkpoints/sharded.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertFields } from '../core/kinds.ts';
import { formatBytes } from '../io/memory.ts';
import { pretrainedAddress, type HubAddress } from './hubAddress.ts';
import {
  blobPath,
  cachedRepo,
  commitPattern,
  isKnownMissing,
  isThere,
  linkBlob,
  noteMissing,
  readRef,
  snapshotFolder,
  writeRef,
} from './hubCache.ts';
import { openConnection, type ConnectionOptions, type HubConnection } from './hubConnection.ts';
import { HubError, offlineError } from './hubErrors.ts';
import { downloadBlob, type DownloadProgress } from './downloadBlob.ts';
import { fileFacts } from './hubFile.ts';
import { licenceOf } from './modelCard.ts';
import { hubSettings, type Environment } from './hubSettings.ts';

/**
 * The options of `snapshotDownload`.
 *
 * @property onNote      told, in a sentence, which weights are taken, under which licence; default: nobody
 * @property onProgress  told how far the download of a file is; default: nobody
 * @property env         the variables that say where the hub and its cache are (`HF_HOME`, …); default the process's
 * @property timeoutMs   the longest wait for an answer; default `HF_HUB_DOWNLOAD_TIMEOUT`, else 10 s
 */
export interface SnapshotOptions extends ConnectionOptions {
  onNote?: (text: string) => void;
  onProgress?: (progress: DownloadProgress) => void;
  env?: Environment;
  timeoutMs?: number;
}

/**
 * A model in the cache.
 *
 * @property path      the folder of its files, which `loadModel` and `readCheckpoint` take
 * @property repo      `owner/name`
 * @property commit    of the repository
 * @property weights   the name of the file of weights
 * @property licence   that its card states; undefined where it states none
 */
export interface HubSnapshot {
  path: string;
  repo: string;
  commit: string;
  weights: string;
  licence: string | undefined;
}

/** The names of weights on the hub, in the order in which they are looked for. */
const weightNames = checkpointNames.filter(
  (name) => /^(model|pytorch_model|open_clip)/.test(name) && !name.endsWith('.tar'),
);

/**
 * Finds the files of a model in the cache of the hub, and downloads those that are not there: the weights, config.json,
 * preprocessor_config.json and the card. What is there is taken without a question to the hub.
 *
 * The cache is huggingface_hub's, so Python programs and this library share their downloads. Every file is checked by its hash before it
 * gets its name. A download that was cut goes on where it was. Nothing of a file is run.
 *
 * @param name  a name of timm (`vit_tiny_patch16_224`, with or without a tag), an id (`facebook/deit-tiny-patch16-224`), or an
 *              address: `hf-hub:owner/name@revision`
 * @throws InputError for a name that cannot be used; IoError if the hub cannot be reached, refuses, or sends something else
 *
 * @example const { path, licence } = await snapshotDownload('vit_tiny_patch16_224');
 */
export async function snapshotDownload(
  name: string,
  options: SnapshotOptions = {},
): Promise<HubSnapshot> {
  if (typeof name !== 'string')
    throw new InputError(expected('a name', 'the pretrained model', name));
  assertFields('snapshotDownload', options, {
    onNote: 'function?',
    onProgress: 'function?',
    env: 'object?',
    timeoutMs: 'number?',
    attempts: 'number?',
    wait: 'function?',
  });
  const address = pretrainedAddress(name);
  const found = hubSettings(options.env);
  const settings = { ...found, timeoutMs: options.timeoutMs ?? found.timeoutMs };
  const connection = await openConnection(settings, options);
  try {
    return await new Snapshot(connection, address, options).complete();
  } finally {
    await connection.close();
  }
}

class Snapshot {
  private readonly connection: HubConnection;
  private readonly address: HubAddress;
  private readonly onNote: (text: string) => void;
  private readonly onProgress: (progress: DownloadProgress) => void;
  private commit: string | undefined;
  private downloaded = 0;
  private unreachable: HubError | undefined;

  constructor(
    connection: HubConnection,
    address: HubAddress,
    { onNote = () => undefined, onProgress = () => undefined }: SnapshotOptions,
  ) {
    this.connection = connection;
    this.address = address;
    this.onNote = onNote;
    this.onProgress = onProgress;
  }

  async complete(): Promise<HubSnapshot> {
    const { repo, revision } = this.address;
    this.commit = await readRef(this.cached, revision);
    await this.file('config.json', maxConfigBytes);
    await this.file(preprocessorName, maxConfigBytes);
    const card = await this.file('README.md', 2 ** 22);
    const text = card === undefined ? '' : await readFile(card, 'utf8').catch(() => '');
    const licence = licenceOf(text);
    const weights = await this.weights();
    const commit = this.commit!;
    if (!commitPattern.test(revision) && (await readRef(this.cached, revision)) !== commit) {
      await writeRef(this.cached, revision, commit);
    }
    const size = this.downloaded === 0 ? '' : `, ${formatBytes(this.downloaded)} downloaded`;
    this.onNote(
      `Weights: ${repo} of the Hugging Face hub, licence ${licence ?? 'not stated'}, commit ${commit.slice(0, 7)}${size}.`,
    );
    return { path: snapshotFolder(this.cached, commit), repo, commit, weights, licence };
  }

  private get cached() {
    return cachedRepo(this.connection.settings.cache, this.address.repo);
  }

  private async weights(): Promise<string> {
    for (const name of weightNames) {
      const isIndex = name.endsWith('.json');
      const path = await this.file(name, isIndex ? 2 ** 26 : undefined);
      if (path === undefined) continue;
      const shards = isIndex ? shardNames(await readFile(path), name) : [];
      for (const shard of shards) {
        if ((await this.file(shard)) !== undefined) continue;
        throw this.lost(shard) ?? this.lacks(shard, `as ${name} says`);
      }
      return name;
    }
    throw this.lost('weights') ?? this.lacks('weights', weightNames.join(', '));
  }

  private lacks(what: string, why: string): HubError {
    const { repo } = this.address;
    const page = `${this.connection.settings.endpoint}/${repo}/tree/main`;
    const message = `Expected ${what} in ${repo} (${why}), received none. See ${page}.`;
    return new HubError('missing', message);
  }

  // Why nothing is asked for; undefined if the hub answers.
  private lost(file: string): HubError | undefined {
    const { settings } = this.connection;
    return settings.offline ? offlineError(file, this.address, settings) : this.unreachable;
  }

  // The path of a file of the model, downloaded if need be; undefined if the model has none of this name, or nothing can be asked for.
  private async file(name: string, maxBytes = Infinity): Promise<string | undefined> {
    const { cached, commit: known } = this;
    if (known !== undefined) {
      const path = join(snapshotFolder(cached, known), name);
      if (await isThere(path)) return path;
      if (await isKnownMissing(cached, known, name)) return undefined;
    }
    const lost = this.lost(name);
    if (lost !== undefined) {
      if (known === undefined) throw lost;
      return undefined;
    }
    try {
      return await this.fetch(name, maxBytes);
    } catch (error) {
      if (!(error instanceof HubError) || error.kind !== 'unreachable' || known === undefined)
        throw error;
      // The cache may hold enough.
      this.unreachable = error;
      return undefined;
    }
  }

  private async fetch(name: string, maxBytes: number): Promise<string | undefined> {
    const { connection, cached, onNote, onProgress } = this;
    const address = { ...this.address, revision: this.commit ?? this.address.revision };
    const facts = await fileFacts(connection, address, name);
    const commit = (this.commit ??= facts.commit);
    if ('missing' in facts) {
      if (commit !== undefined) await noteMissing(cached, commit, name);
      return undefined;
    }
    if ((facts.size ?? 0) > maxBytes) {
      const message = `Expected at most ${maxBytes} bytes for ${name} of ${address.repo}, received ${facts.size}.`;
      throw new HubError('answer', message);
    }
    const blob = blobPath(cached, facts.hash);
    if (!(await isThere(blob))) {
      await downloadBlob(connection, {
        address: { ...address, revision: commit! },
        file: name,
        facts,
        blob,
        lockFolder: join(cached.locks, `${facts.hash}.tfjs-vit`),
        maxBytes,
        onNote,
        onProgress,
      });
      this.downloaded += facts.size ?? 0;
    }
    const path = join(snapshotFolder(cached, commit!), name);
    await linkBlob(blob, path);
    return path;
  }
}
