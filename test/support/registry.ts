// A package registry in this process, from which npm installs the tarballs of a folder as a user would.

import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/** A started registry; `asked` are the paths that were asked for. */
export interface Registry {
  url: string;
  asked: string[];
  close(): void;
}

interface Manifest {
  name: string;
  version: string;
}

/** Serves the tarballs of a folder, one version a package; anything else is "not found". */
export async function serveFolder(folder: string): Promise<Registry> {
  const asked: string[] = [];
  const tarballs = new Map<string, Buffer>();
  const manifests = new Map<string, Manifest>();
  for (const file of readdirSync(folder)) {
    const full = path.join(folder, file);
    tarballs.set(`/${file}`, readFileSync(full));
    const text = execFileSync('tar', ['-xzOf', full, 'package/package.json'], { encoding: 'utf8' });
    manifests.set(file, JSON.parse(text) as Manifest);
  }
  const server: Server = createServer(({ url = '' }, response) => {
    const wanted = decodeURIComponent(url);
    asked.push(wanted);
    response.setHeader('cache-control', 'no-store'); // another run may get the same port
    const tarball = tarballs.get(wanted);
    const entry = [...manifests].find(([, { name }]) => wanted === `/${name}`);
    if (tarball !== undefined) response.end(tarball);
    else if (entry !== undefined) response.end(JSON.stringify(document(...entry)));
    else response.writeHead(404).end('{}');
  });
  const document = (file: string, manifest: Manifest): object => {
    const integrity = `sha512-${createHash('sha512')
      .update(tarballs.get(`/${file}`)!)
      .digest('base64')}`;
    const dist = { tarball: `${address()}/${file}`, integrity };
    const { name, version } = manifest;
    const versions = { [version]: { ...manifest, _id: `${name}@${version}`, dist } };
    return { _id: name, name, 'dist-tags': { latest: version }, versions };
  };
  const address = (): string =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port.toString()}`;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: address(), asked, close: () => void server.close() };
}
