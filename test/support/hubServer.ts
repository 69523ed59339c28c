// A hub on this machine that can misbehave: models by id, the answers of huggingface.co to requests for files, and a second host that
// serves large files, as its content network does.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request. @property host  'hub' or 'cdn' */
export interface HubRequestSeen {
  method: string;
  host: 'hub' | 'cdn';
  path: string;
  range: string | undefined;
  authorization: string | undefined;
}

/** The content of a model's files by name. Files of weights are served by the second host. */
export type HubFiles = Record<string, Uint8Array | string>;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** The hub. `onHub` and `onCdn` may answer a request themselves: true means that they did. */
export interface HubServer {
  endpoint: string;
  cdn: string;
  seen: HubRequestSeen[];
  models: Map<string, HubFiles>;
  gated: Set<string>;
  commit: string;
  onHub: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  onCdn:
    | ((request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) => boolean)
    | undefined;
  close(): Promise<void>;
}

const bytesOf = (content: Uint8Array | string): Uint8Array =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;

/** The SHA-256 of bytes, in hexadecimal digits. */
export const sha256Of = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Starts a hub on free ports. */
export async function startHub(): Promise<HubServer> {
  const blobs = new Map<string, Uint8Array>();
  const hub: HubServer = {
    endpoint: '',
    cdn: '',
    seen: [],
    models: new Map(),
    gated: new Set(),
    commit: 'c0ffee'.repeat(6) + 'c0de',
    onHub: undefined,
    onCdn: undefined,
    close: () => Promise.all([first, second].map(stop)).then(() => undefined),
  };
  const note = (host: 'hub' | 'cdn', { method = '', url = '', headers }: IncomingMessage) =>
    hub.seen.push({
      host,
      method,
      path: url,
      range: headers.range,
      authorization: headers.authorization,
    });
  const first = await listen((request, response) => {
    note('hub', request);
    if (hub.onHub?.(request, response) === true) return;
    const [, repo = '', revision = '', file = ''] =
      /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.*)$/.exec(request.url ?? '') ?? [];
    const refuse = (status: number, code: string, commit = {}) =>
      response.writeHead(status, { 'x-error-code': code, ...commit }).end();
    const files = hub.models.get(repo);
    if (files === undefined) return refuse(401, 'RepoNotFound');
    if (hub.gated.has(repo) && request.headers.authorization === undefined) {
      return refuse(403, 'GatedRepo');
    }
    if (!['main', hub.commit].includes(revision)) return refuse(404, 'RevisionNotFound');
    const common = { 'x-repo-commit': hub.commit };
    if (files[file] === undefined) return refuse(404, 'EntryNotFound', common);
    const bytes = bytesOf(files[file]);
    if (/\.(safetensors|bin)$/.test(file)) {
      const hash = sha256Of(bytes);
      blobs.set(hash, bytes);
      const linked = { 'x-linked-etag': `"${hash}"`, 'x-linked-size': String(bytes.length) };
      const location = `${hub.cdn}/${hash}?signature=secret`;
      return response.writeHead(302, { ...common, ...linked, location }).end();
    }
    const git = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    response.writeHead(200, {
      ...common,
      etag: `W/"${git}"`,
      'content-length': bytes.length,
      'content-type': 'text/plain',
    });
    return response.end(request.method === 'HEAD' ? undefined : bytes);
  });
  const second = await listen((request, response) => {
    note('cdn', request);
    const bytes = blobs.get((request.url ?? '').slice(1, 65));
    if (bytes === undefined) return response.writeHead(404).end();
    if (hub.onCdn?.(request, response, bytes) === true) return;
    return serve(request, response, bytes);
  });
  hub.endpoint = addressOf(first);
  hub.cdn = addressOf(second);
  return hub;
}

/** Serves bytes, or the range that was asked for. @param end  the connection is cut before this byte */
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  end = bytes.length,
): void {
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const ranged = request.headers.range !== undefined;
  if (from >= bytes.length && ranged) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  response.writeHead(ranged ? 206 : 200, {
    'content-length': bytes.length - from,
    'content-type': 'application/octet-stream',
    ...(ranged && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
  });
  if (end >= bytes.length) response.end(bytes.subarray(from));
  else response.write(bytes.subarray(from, end), () => response.destroy());
}

function listen(answer: Answer): Promise<Server> {
  const server = createServer(answer);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
