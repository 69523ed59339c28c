// Names of weights on the hub, the variables that say where it is, and licences.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pretrainedAddress } from '../lib/hub/hubAddress.ts';
import { hubSettings } from '../lib/hub/hubSettings.ts';
import { licenceOf } from '../lib/hub/modelCard.ts';
import { timmTags } from '../lib/hub/timmTags.ts';
import { modelNames } from '../lib/models/createModel.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'hub-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

test('settings are those of huggingface_hub', () => {
  expect(hubSettings({}).endpoint).toBe('https://huggingface.co');
  expect(hubSettings({ HF_ENDPOINT: 'https://hf-mirror.com/' }).endpoint).toBe(
    'https://hf-mirror.com',
  );
  expect(hubSettings({ HF_HOME: '/a' }).cache).toBe(path.join('/a', 'hub'));
  expect(hubSettings({ HF_HOME: '/a', HF_HUB_CACHE: '/b' }).cache).toBe('/b');
  expect(hubSettings({ XDG_CACHE_HOME: '/c' }).cache).toBe(path.join('/c', 'huggingface', 'hub'));
  writeFileSync(path.join(cache, 'token'), 'hf_file\n');
  expect(hubSettings({ HF_HOME: cache }).token).toBe('hf_file');
  expect(hubSettings({ HF_HOME: cache, HF_TOKEN: 'hf_a' }).token).toBe('hf_a');
  expect(
    hubSettings({ HF_HOME: cache, HF_HUB_DISABLE_IMPLICIT_TOKEN: 'yes' }).token,
  ).toBeUndefined();
  expect(hubSettings({ ALL_PROXY: 'http://p:1', HTTP_PROXY: 'http://q:1' }).proxies).toMatchObject({
    https: 'http://p:1',
    http: 'http://q:1',
  });
});

test.each([
  [{ HF_ENDPOINT: 'hf-mirror.com' }, /HF_ENDPOINT/],
  [
    { HF_TOKEN: 'two\nlines' },
    /a token of the Hugging Face hub for HF_TOKEN, received something else/,
  ],
  [{ HF_HUB_DOWNLOAD_TIMEOUT: '-1' }, /HF_HUB_DOWNLOAD_TIMEOUT/],
  [{ HTTPS_PROXY: 'socks5://me:secret@p:1' }, /HTTPS_PROXY, received "socks5:\/\/…@p:1"/],
])('%j is refused', (variables, message) => {
  expect(() => hubSettings(variables)).toThrow(message);
});

test('names of timm stand for its repositories', () => {
  const of = (name: string) => pretrainedAddress(name).repo;
  expect(of('vit_tiny_patch16_224')).toBe('timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k');
  expect(of('vit_tiny_16_224')).toBe('timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k');
  expect(of('vit_base_patch16_224.mae')).toBe('timm/vit_base_patch16_224.mae');
  expect(of('vit_large_patch14_clip_quickgelu_336')).toBe('timm/vit_large_patch14_clip_336.openai');
  expect(of('some_other.tag')).toBe('timm/some_other.tag');
  expect(pretrainedAddress('https://huggingface.co/a/b/tree/v1')).toEqual({
    repo: 'a/b',
    revision: 'v1',
  });
  expect(pretrainedAddress('facebook/deit-tiny-patch16-224').revision).toBe('main');
  const known = new Set(modelNames());
  expect(Object.keys(timmTags).filter((name) => !known.has(name))).toEqual([]);
});

test.each([
  ['vit_tiny_patch16_225', /Did you mean "?vit_tiny_patch16_224/],
  ['vit_tiny_patch16_224.augreg', /timm has augreg_in21k_ft_in1k, augreg_in21k/],
  ['a/b/c', /hf-hub:OWNER\/NAME/],
  ['../..', /hf-hub:OWNER\/NAME/],
  ['a/..', /hf-hub:OWNER\/NAME/],
  ['a/b@', /hf-hub:OWNER\/NAME/],
  ['a/b@../c', /hf-hub:OWNER\/NAME/],
])('%s is no name of weights', (name, message) => {
  expect(() => pretrainedAddress(name)).toThrow(message);
});

test.each([
  ['---\nlicense: mit\n---', 'mit'],
  ['---\nlicense: other\nlicense_name: apple-ascl\n---', 'apple-ascl'],
  ['---\r\nlicense: "cc-by-nc-4.0" # no\r\n---', 'cc-by-nc-4.0'],
  ['---\ntags:\n- a\n---\nlicense: mit', undefined],
  ['no card', undefined],
])('the licence of %j is %s', (text, licence) => {
  expect(licenceOf(text)).toBe(licence);
});
