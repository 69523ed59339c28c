// Training in a browser, from the bundle of the browser's door: headless Chromium, served from this machine.

import { build } from 'esbuild';
import { accessSync, constants } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { trainSmall, type PageResult } from './browser/trainPage.ts';

const root = path.resolve(import.meta.dirname, '..');

const names = ['chromium', 'chromium-browser', 'google-chrome'];
const executable = findChromium();

// CHROMIUM, or the first of the usual names in PATH.
function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const candidates = [
    process.env['CHROMIUM'] ?? '',
    ...folders.flatMap((folder) => names.map((name) => path.join(folder, name))),
  ];
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return file !== '';
    } catch {
      return false;
    }
  });
}

if (executable === undefined) {
  const why = `no ${names.join(', ')} in PATH, and CHROMIUM is not set; apt-get install chromium`;
  console.warn(`Training in a browser is skipped: ${why}.`);
  test.skip(`training in a browser: ${why}`, () => undefined);
} else {
  describe('in headless Chromium', () => {
    let server: Server;
    let browser: Browser;
    let page: Page;
    const errors: string[] = [];

    beforeAll(async () => {
      const { outputFiles } = await build({
        entryPoints: [path.join(root, 'test/browser/trainPage.ts')],
        bundle: true,
        write: false,
        format: 'esm',
        platform: 'browser',
        logLevel: 'silent',
      });
      const script = outputFiles[0]!.text;
      server = createServer((request, response) => {
        const isScript = request.url === '/page.js';
        response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
        response.end(
          isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>',
        );
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      browser = await chromium.launch({ executablePath: executable, args: ['--no-sandbox'] });
      page = await browser.newPage();
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction(() => globalThis.trainSmallInPage !== undefined);
    }, 180_000);

    afterAll(async () => {
      await browser?.close();
      await new Promise((resolve) => server.close(resolve));
    });

    test('two epochs give the losses of Node, and the files of a run', async () => {
      const found: PageResult = await page.evaluate(() => globalThis.trainSmallInPage!());
      const expected = await trainSmall();
      expect(found).toMatchObject({ backend: 'cpu', messages: [], leaked: 0 });
      expect(found.losses).toHaveLength(2);
      // Two builds of one engine may differ in the last bit of exp.
      found.losses.forEach((loss, i) => expect(loss).toBeCloseTo(expected.losses[i]!, 4));
      expect(found.losses[1]!).toBeLessThan(found.losses[0]!);
      expect(Object.keys(found.files).sort()).toEqual([
        'best_checkpoint.safetensors',
        'checkpoint.ema.safetensors',
        'checkpoint.safetensors',
        'checkpoint.state.safetensors',
        'config.json',
        'log.jsonl',
        'metrics.csv',
      ]);
      for (const name of ['checkpoint.safetensors', 'checkpoint.ema.safetensors']) {
        expect(found.files[name]).toBe(expected.files[name]);
      }
      expect(found.weights).toEqual(expected.weights);
      expect(errors).toEqual([]);
    }, 120_000);

    test('figures that a browser cannot draw are told, and cost nothing else', async () => {
      const { losses, messages, files } = await page.evaluate(() =>
        globalThis.trainSmallWithFigures!(),
      );
      expect(losses).toHaveLength(1);
      expect(messages).toEqual([expect.stringMatching(/^Could not draw the figures of epoch 1: /)]);
      expect(Object.keys(files)).toContain('checkpoint.safetensors');
      expect(Object.keys(files)).not.toContain('curves.png');
      expect(errors).toEqual([]);
    }, 120_000);
  });
}
