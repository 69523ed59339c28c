// Settings of the Hugging Face hub, from the environment variables that huggingface_hub reads.

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { InputError, expected } from '../core/errors.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the hub is, where its files are kept, and how it is reached.
 *
 * @property endpoint   of the hub or of a mirror, without a slash at the end: `HF_ENDPOINT`
 * @property cache      the folder of the downloads, which other programs share: `HF_HUB_CACHE`, `HF_HOME`
 * @property token      of an account, for models that ask for one: `HF_TOKEN`, else the file that `hf auth login` wrote
 * @property offline    true: nothing is asked for, only files that are there are used: `HF_HUB_OFFLINE`
 * @property timeoutMs  the longest wait for an answer, and for the next bytes of one: `HF_HUB_DOWNLOAD_TIMEOUT`, in seconds there
 * @property proxies    the addresses of proxies: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`
 */
export interface HubSettings {
  endpoint: string;
  cache: string;
  token: string | undefined;
  offline: boolean;
  timeoutMs: number;
  proxies: { https: string; http: string; no: string };
}

/**
 * The settings that environment variables give. The names, and what comes first, are those of huggingface_hub.
 *
 * @throws InputError naming a variable that cannot be used
 *
 * @example hubSettings({HF_ENDPOINT: 'https://hf-mirror.com'}).endpoint;   // 'https://hf-mirror.com'
 */
export function hubSettings(env: Environment = process.env): HubSettings {
  const home = env['HF_HOME'] ?? join(env['XDG_CACHE_HOME'] ?? '~/.cache', 'huggingface');
  const cache = env['HF_HUB_CACHE'] ?? env['HUGGINGFACE_HUB_CACHE'] ?? join(home, 'hub');
  return {
    endpoint: endpointOf(env),
    cache: expanded(cache),
    token: tokenOf(env, home),
    offline: isTrue(env['HF_HUB_OFFLINE']) || isTrue(env['TRANSFORMERS_OFFLINE']),
    timeoutMs: timeoutOf(env),
    proxies: proxiesOf(env),
  };
}

function endpointOf({ HF_ENDPOINT: given }: Environment): string {
  if (given === undefined || given === '') return 'https://huggingface.co';
  const remedy = 'Give the address of a mirror: https://hf-mirror.com.';
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol)) {
    throw new InputError(
      expected('an address that begins with https://', 'HF_ENDPOINT', given, remedy),
    );
  }
  return given.replace(/\/+$/, '');
}

function tokenOf(env: Environment, home: string): string | undefined {
  const given = (env['HF_TOKEN'] ?? env['HUGGING_FACE_HUB_TOKEN'])?.trim();
  if (given !== undefined && given !== '') return headerSafe(given, 'HF_TOKEN');
  if (isTrue(env['HF_HUB_DISABLE_IMPLICIT_TOKEN'])) return undefined;
  const file = expanded(env['HF_TOKEN_PATH'] ?? join(home, 'token'));
  try {
    const text = readFileSync(file, 'utf8').trim();
    return text === '' ? undefined : headerSafe(text, file);
  } catch (error) {
    if (error instanceof InputError) throw error;
    return undefined;
  }
}

// The message must not show it.
function headerSafe(token: string, where: string): string {
  if (/^[\x21-\x7e]{1,1000}$/.test(token)) return token;
  throw new InputError(
    `Expected a token of the Hugging Face hub for ${where}, received something else. It begins with hf_.`,
  );
}

function timeoutOf({ HF_HUB_DOWNLOAD_TIMEOUT: given }: Environment): number {
  if (given === undefined || given === '') return 10_000;
  const seconds = Number(given);
  if (!(seconds > 0 && seconds <= 86_400)) {
    throw new InputError(expected('seconds from 1 to 86400', 'HF_HUB_DOWNLOAD_TIMEOUT', given));
  }
  return seconds * 1000;
}

function proxiesOf(env: Environment): HubSettings['proxies'] {
  const either = (name: string): string => env[name.toLowerCase()] ?? env[name] ?? '';
  const all = either('ALL_PROXY');
  const [https, http] = [either('HTTPS_PROXY') || all, either('HTTP_PROXY') || all];
  for (const [name, address] of [
    ['HTTPS_PROXY', https],
    ['HTTP_PROXY', http],
  ] as const) {
    if (address === '' || (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)))
      continue;
    const remedy = 'Give http://HOST:PORT.';
    throw new InputError(
      expected('the address of an HTTP proxy', name, withoutPassword(address), remedy),
    );
  }
  return { https, http, no: either('NO_PROXY') };
}

function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//…@');
}

function isTrue(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value ?? '');
}

function expanded(place: string): string {
  return place.replace(/^~(?=$|[\\/])/, homedir());
}
