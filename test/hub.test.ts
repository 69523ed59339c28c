// Downloads from a hub on this machine, which serves as huggingface.co does, and misbehaves.

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { snapshotDownload, type SnapshotOptions } from '../lib/hub/snapshotDownload.ts';
import { whyNotPretrained } from '../lib/hub/hubStart.ts';
import { serve, sha256Of, startHub, type HubServer } from './support/hubServer.ts';

const card = '---\nlicense: apache-2.0\ntags:\n- timm\n---\n# A model\n';
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) >>> 24);
const repo = 'someone/model';
const blob = (): string => `models--someone--model/blobs/${sha256Of(weights)}`;

let hub: HubServer;
let cache: string;
beforeEach(async () => {
  hub = await startHub();
  cache = mkdtempSync(path.join(tmpdir(), 'hub-'));
  hub.models.set(repo, { 'config.json': '{}', 'README.md': card, 'model.safetensors': weights });
});
afterEach(async () => {
  await hub.close();
  rmSync(cache, { recursive: true, force: true });
});

const env = (more: Record<string, string> = {}) => ({
  HF_ENDPOINT: hub.endpoint,
  HF_HUB_CACHE: cache,
  HF_HUB_DISABLE_IMPLICIT_TOKEN: '1',
  ...more,
});
const download = (more: Record<string, string> = {}, options: SnapshotOptions = {}, name = repo) =>
  snapshotDownload(name, { env: env(more), wait: () => Promise.resolve(), ...options });
const errorOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toHaveProperty('exitCode', 2);
  return (error as Error).message;
};
const fromCdn = () => hub.seen.filter(({ host }) => host === 'cdn');
const ranges = () => fromCdn().map(({ range }) => Number(/\d+/.exec(range ?? '0')![0]));
const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true }).map(String);
const part = () => path.join(cache, `${blob()}.tfjs-vit.incomplete`);

test('a model is downloaded into the cache of huggingface_hub, once', async () => {
  const notes: string[] = [];
  const found = await download({}, { onNote: (text) => notes.push(text) });
  expect(found).toMatchObject({ repo, commit: hub.commit, licence: 'apache-2.0' });
  expect(notes).toEqual([
    `Weights: ${repo} of the Hugging Face hub, licence apache-2.0, commit c0ffeec, 300 KB downloaded.`,
  ]);
  const folder = path.join(cache, 'models--someone--model');
  expect(found.path).toBe(path.join(folder, 'snapshots', hub.commit));
  expect(readFileSync(path.join(folder, 'refs/main'), 'utf8')).toBe(hub.commit);
  const link = path.join(found.path, 'model.safetensors');
  expect(readlinkSync(link)).toBe(path.join('../../blobs', sha256Of(weights)));
  expect(readFileSync(link).equals(weights)).toBe(true);
  expect(readFileSync(path.join(found.path, 'README.md'), 'utf8')).toBe(card);
  expect(existsSync(path.join(folder, '.no_exist', hub.commit, 'preprocessor_config.json'))).toBe(
    true,
  );
  expect(filesBelow(cache).filter((file) => /incomplete|\.tmp$|\.lock$/.test(file))).toEqual([]);
  const asked = hub.seen.length;
  expect(await download()).toEqual(found);
  expect(hub.seen).toHaveLength(asked);
});

test('progress is told in bytes, and a revision is taken by its commit', async () => {
  const told: number[] = [];
  const onProgress: SnapshotOptions['onProgress'] = ({ done }) => told.push(done);
  const found = await download({}, { onProgress }, `hf-hub:${repo}@${hub.commit}`);
  expect(told.at(-1)).toBe(weights.length);
  expect(found.commit).toBe(hub.commit);
  expect(existsSync(path.join(cache, 'models--someone--model/refs'))).toBe(false);
});

test('a token goes to the hub and to no other host', async () => {
  hub.gated.add(repo);
  const message = await errorOf(download());
  expect(message).toMatch(
    /its authors give access on request \(403\)\. Ask for it at .*someone\/model, then set HF_TOKEN/,
  );
  await download({ HF_TOKEN: 'hf_secret' });
  const of = (host: string) => hub.seen.filter((one) => one.host === host);
  expect(of('hub').at(-1)!.authorization).toBe('Bearer hf_secret');
  expect(of('cdn').map(({ authorization }) => authorization)).toEqual([undefined]);
});

describe('a hub that misbehaves', () => {
  const head = (status: number, headers: Record<string, string>, body = '') => {
    hub.onHub = (_, response) => {
      response.writeHead(status, headers).end(body);
      return true;
    };
  };

  test.each<[string, () => void, RegExp]>([
    [
      'no such model',
      () => hub.models.clear(),
      /there is no such model, or it is private \(401\)\. .* set HF_TOKEN/,
    ],
    ['403', () => head(403, {}), /access is refused \(403\)/],
    [
      'a page with status 200',
      () => head(200, { 'content-type': 'text/html' }, '<html>'),
      /received an answer without X-Repo-Commit \(status 200, text\/html\)\. A network may want you to log in/,
    ],
    [
      'a mirror without hashes',
      () => head(200, { 'x-repo-commit': hub.commit }),
      /an answer without the hash of the file/,
    ],
    [
      'a redirect loop',
      () => head(302, { location: '/round/and/round' }),
      /more than 10 redirects in a row/,
    ],
    ['503', () => head(503, {}), /the hub has a problem \(503\)\. Try again later/],
    ['429', () => head(429, {}), /there were too many requests \(429\)/],
    [
      'no weights',
      () => hub.models.set(repo, { 'config.json': '{}' }),
      /Expected weights in someone\/model \(model\.safetensors, .*received none/,
    ],
  ])('%s', async (_, misbehave, message) => {
    misbehave();
    expect(await errorOf(download())).toMatch(message);
    expect(filesBelow(cache).filter((file) => /blobs\/.{64}$/.test(file))).toEqual([]);
  });

  test.each<[string, HubServer['onCdn'], RegExp]>([
    [
      'a page with status 200',
      (_, response) => (
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>'),
        true
      ),
      /received a page \(text\/html; charset=utf-8\) in place of model\.safetensors/,
    ],
    [
      'another length',
      (request, response, bytes) => (serve(request, response, bytes.subarray(1)), true),
      /299999 bytes in place of the 300000/,
    ],
    [
      'more than it said',
      (_, response, bytes) => (response.writeHead(200).end(Buffer.concat([bytes, bytes])), true),
      /more than the 300000 bytes/,
    ],
    [
      'another hash',
      (request, response, bytes) => (
        serve(
          request,
          response,
          bytes.map((b, i) => (i === 7 ? b ^ 1 : b)),
        ),
        true
      ),
      /with the SHA-256 [0-9a-f]{64}, received [0-9a-f]{64}: it was damaged on the way/,
    ],
    ['nothing but 416', (_, response) => (response.writeHead(416).end(), true), /\(416\)/],
    ['404', (_, response) => (response.writeHead(404).end(), true), /\(404\)/],
    [
      'to a file of this machine',
      (_, response) => (response.writeHead(302, { location: 'file:///etc/passwd' }).end(), true),
      /a redirect to file:/,
    ],
  ])('its second host sends %s', async (_, misbehave, message) => {
    hub.onCdn = misbehave;
    const error = await errorOf(download());
    expect(error).toMatch(message);
    expect(error).not.toContain('secret');
    expect(existsSync(path.join(cache, blob()))).toBe(false);
    hub.onCdn = undefined;
    await download();
    expect(existsSync(path.join(cache, blob()))).toBe(true);
  });

  test('it is busy twice, then answers', async () => {
    let count = 0;
    hub.onHub = (_, response) => ((count += 1) > 2 ? false : (response.writeHead(503).end(), true));
    expect((await download()).commit).toBe(hub.commit);
  });

  test('a download that is cut at half goes on from there', async () => {
    let count = 0;
    hub.onCdn = (request, response, bytes) => {
      if ((count += 1) > 1) return false;
      serve(request, response, bytes, 150_000);
      return true;
    };
    await download();
    expect(ranges()).toEqual([0, 150_000]);
  });

  test('one that is cut again and again keeps what came, for the next command', async () => {
    hub.onCdn = (request, response, bytes) => {
      serve(request, response, bytes, 200_000);
      return true;
    };
    const message = await errorOf(download());
    expect(message).toMatch(/cut again and again, after 200000 of 300000 bytes\. They are kept/);
    hub.onCdn = undefined;
    hub.seen.length = 0;
    await download();
    expect(ranges()).toEqual([200_000]);
  });

  test('a hub that stops sending is asked again', async () => {
    let count = 0;
    hub.onCdn = (_, response, bytes) => {
      if ((count += 1) > 1) return false;
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 1000));
      return true;
    };
    await download({}, { timeoutMs: 300 });
    expect(ranges()).toEqual([0, 1000]);
  });

  test('a server without ranges sends the whole again', async () => {
    hub.onCdn = (_, response, bytes) => (response.writeHead(200).end(bytes), true);
    await download();
    rmSync(path.join(cache, blob()));
    writeFileSync(part(), weights.subarray(0, 1000));
    await download();
    expect(existsSync(path.join(cache, blob()))).toBe(true);
  });

  test.each([
    ['damaged', () => weights.subarray(0, 9).map(() => 1)],
    ['as long as the file', () => new Uint8Array(weights.length)],
  ])('a part of an earlier download that is %s costs one more', async (_, content) => {
    await download();
    rmSync(path.join(cache, blob()));
    writeFileSync(part(), content());
    await download();
    expect(readFileSync(path.join(cache, blob())).equals(weights)).toBe(true);
    expect(existsSync(part())).toBe(false);
  });

  test('a part that was whole is not fetched again', async () => {
    await download();
    rmSync(path.join(cache, blob()));
    writeFileSync(part(), weights);
    hub.seen.length = 0;
    await download();
    expect(fromCdn()).toEqual([]);
  });
});

test('a process that is killed goes on where it was, and its lock is taken over', async () => {
  const large = new Uint8Array(3_000_000).map((_, i) => i >>> 3);
  hub.models.set(repo, { 'config.json': '{}', 'model.safetensors': large });
  const folder = path.join(cache, 'models--someone--model/blobs');
  const script = `import { snapshotDownload } from ${JSON.stringify(path.resolve('lib/hub/snapshotDownload.ts'))};
    await snapshotDownload(${JSON.stringify(repo)});`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    env: { ...process.env, ...env(), HF_HUB_OFFLINE: '0' },
    stdio: 'ignore',
  });
  hub.onCdn = (_, response, bytes) => {
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 2_000_000));
    return true;
  };
  const kept = path.join(folder, `${sha256Of(large)}.tfjs-vit.incomplete`);
  const size = () => (existsSync(kept) ? statSync(kept).size : 0);
  while (size() < 2_000_000) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGKILL');
  await once(child, 'exit');
  hub.onCdn = undefined;
  hub.seen.length = 0;
  await download();
  expect(ranges()).toEqual([2_000_000]);
  expect(readFileSync(path.join(folder, sha256Of(large))).equals(large)).toBe(true);
}, 180_000);

test('two downloads at once fetch one file', async () => {
  const notes: string[] = [];
  const wait = () => new Promise<void>((resolve) => setTimeout(resolve, 5));
  const options = { wait, onNote: (text: string) => notes.push(text) };
  const [a, b] = await Promise.all([download({}, options), download({}, options)]);
  expect(a).toEqual(b);
  expect(fromCdn()).toHaveLength(1);
});

test('a checkpoint in parts is fetched whole, and its index may name plain files only', async () => {
  const index = (...files: string[]) =>
    JSON.stringify({ weight_map: Object.fromEntries(files.map((file, i) => [`t${i}`, file])) });
  const files = {
    'model.safetensors.index.json': index('a.safetensors', 'b.safetensors'),
    'a.safetensors': 'a',
    'b.safetensors': 'b',
  };
  hub.models.set(repo, files);
  const found = await download();
  expect(found.weights).toBe('model.safetensors.index.json');
  expect(readdirSync(found.path).sort()).toEqual(Object.keys(files).sort());
  hub.models.set('someone/other', { 'model.safetensors.index.json': index('../../a') });
  expect(await errorOf(download({}, {}, 'someone/other'))).toMatch(/plain name of a file/);
  hub.models.set('someone/third', { 'model.safetensors.index.json': index('c.safetensors') });
  expect(await errorOf(download({}, {}, 'someone/third'))).toMatch(
    /Expected c\.safetensors in someone\/third/,
  );
});

describe('without a network', () => {
  const offline = { HF_HUB_OFFLINE: '1' };
  const nowhere = { HF_ENDPOINT: 'http://127.0.0.1:9' };

  test('a model that is not there is refused at once, with a way out', async () => {
    expect(await errorOf(download(offline))).toMatch(
      /^Cannot find config\.json of someone\/model in .* HF_HUB_OFFLINE forbids/,
    );
    expect(await errorOf(download(nowhere))).toMatch(
      /^Cannot reach the Hugging Face hub at http:\/\/127\.0\.0\.1:9: nothing answers there \(ECONNREFUSED\)\. .*HTTPS_PROXY.*HF_ENDPOINT/,
    );
    expect(await errorOf(download({ HF_ENDPOINT: 'http://hub.invalid' }))).toMatch(
      /its name (is not known|cannot be looked up)/,
    );
    expect(hub.seen).toEqual([]);
  });

  test.each([
    ['HF_HUB_OFFLINE', offline],
    ['a hub that does not answer', nowhere],
  ])('%s: what another program downloaded is enough', async (_, more) => {
    const { path: folder } = await download();
    // As timm leaves it: without the card.
    rmSync(path.join(folder, 'README.md'));
    rmSync(path.join(cache, 'models--someone--model/.no_exist'), { recursive: true });
    const found = await download(more);
    expect(found).toMatchObject({ path: folder, licence: undefined, weights: 'model.safetensors' });
    rmSync(path.join(folder, 'model.safetensors'));
    expect(await errorOf(download(more))).toMatch(
      /Cannot (find weights of|reach the Hugging Face hub)/,
    );
  });

  test('a start is chosen by what can be had, with little patience', async () => {
    const why = async (more: Record<string, string>) =>
      (await whyNotPretrained(repo, { env: env(more) }))?.kind;
    expect(await why({})).toBeUndefined();
    expect(await why(nowhere)).toBe('unreachable');
    expect(await why(offline)).toBe('unreachable');
    await download();
    expect(await why(offline)).toBeUndefined();
    hub.models.clear();
    rmSync(cache, { recursive: true });
    expect(await why({})).toBe('missing');
  });
});

test('a proxy is used, unless NO_PROXY names the host', async () => {
  let tunnels = 0;
  const proxy = createServer().on('connect', (_, client, start) => {
    tunnels += 1;
    const { port } = new URL(hub.endpoint);
    const server = connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      if (start.length > 0) server.write(start);
      server.pipe(client).pipe(server);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  try {
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    hub.models.set(repo, { 'config.json': '{}', 'pytorch_model.bin.index.json': '{}' });
    const through = { HTTP_PROXY: address, HF_ENDPOINT: 'http://hub.invalid' };
    expect(await errorOf(download(through))).toMatch(/weight_map/);
    expect(tunnels).toBeGreaterThan(0);
    const before = tunnels;
    expect(await errorOf(download({ ...through, NO_PROXY: 'hub.invalid' }))).toMatch(
      /^Cannot reach/,
    );
    expect(tunnels).toBe(before);
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});
