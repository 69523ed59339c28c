// Errors of the Hugging Face hub: each says what happened and what a user can do about it.

import { IoError, show } from '../core/errors.ts';
import type { HubAddress } from './hubAddress.ts';
import type { HubSettings } from './hubSettings.ts';

/**
 * An error of the hub.
 *
 * @property kind  unreachable: there is no way to it; missing: it does not have this; answer: it refuses, or answers what it should not
 */
export class HubError extends IoError {
  readonly kind: 'unreachable' | 'missing' | 'answer';

  constructor(kind: HubError['kind'], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing answers there',
  ECONNRESET: 'the connection was cut',
  EAI_AGAIN: 'its name cannot be looked up',
  ENETUNREACH: 'there is no network',
  EHOSTUNREACH: 'there is no way to it',
  ENOTFOUND: 'its name is not known',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_ABORTED: 'the connection was cut, by a proxy perhaps',
  UND_ERR_BODY_TIMEOUT: 'it stopped sending',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer',
  UND_ERR_SOCKET: 'the connection was cut',
};

/** The code of an error of the network; '' for another error. */
export function networkCode(error: unknown): string {
  for (
    let at = error;
    typeof at === 'object' && at !== null;
    at = (at as { cause?: unknown }).cause
  ) {
    const { code, errors } = at as { code?: unknown; errors?: unknown };
    if (typeof code === 'string') return code;
    if (Array.isArray(errors) && errors.length > 0) return networkCode(errors[0]);
  }
  return '';
}

/** The hub, or a part of it, cannot be reached. */
export function unreachable(place: string, error: unknown): HubError {
  const code = networkCode(error);
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO/.test(code);
  const reason = certificate
    ? 'its certificate is not trusted'
    : (reasons[code] ?? 'the request failed');
  const remedy = certificate
    ? 'NODE_EXTRA_CA_CERTS=FILE adds the certificate of your network.'
    : 'Check the network; HTTPS_PROXY names a proxy, HF_ENDPOINT a mirror.';
  const { origin } = new URL(place);
  const shown = code === '' ? '' : ` (${code})`;
  const message = `Cannot reach the Hugging Face hub at ${origin}: ${reason}${shown}. ${remedy}`;
  return new HubError('unreachable', message, { cause: error });
}

/** A file that is asked for while nothing may be asked for. */
export function offlineError(file: string, { repo }: HubAddress, { cache }: HubSettings): HubError {
  return new HubError(
    'unreachable',
    `Cannot find ${file} of ${repo} in ${show(cache)}, and HF_HUB_OFFLINE forbids to download it. Unset it, or give a file.`,
  );
}

/** The error of an answer with a status that is no success. @param status  of the answer @param code  its `X-Error-Code` */
export function statusError(
  { status, code }: { status: number; code: string | undefined },
  file: string,
  { repo, revision }: HubAddress,
  { endpoint, token }: HubSettings,
): HubError {
  const page = `${endpoint}/${repo}`;
  const withToken = 'set HF_TOKEN to a token of https://huggingface.co/settings/tokens';
  const cannot = `Cannot download ${file} of ${repo}`;
  if (code === 'GatedRepo') {
    return new HubError(
      'answer',
      `${cannot}: its authors give access on request (${status}). Ask for it at ${page}, then ${withToken}.`,
    );
  }
  if (code === 'RevisionNotFound') {
    return new HubError(
      'missing',
      `${cannot}: it has no revision ${show(revision)}. See ${page}/commits/main.`,
    );
  }
  if (code === 'RepoNotFound' || status === 401 || (status === 404 && code === undefined)) {
    const account = token === undefined ? withToken : 'see that HF_TOKEN may read it';
    return new HubError(
      'missing',
      `${cannot}: there is no such model, or it is private (${status}). Check the name at ${page}; for a private one ${account}.`,
    );
  }
  if (status === 403) {
    const account = token === undefined ? withToken : 'see that HF_TOKEN may read it';
    return new HubError(
      'answer',
      `${cannot}: access is refused (403). Look at ${page}, and ${account}.`,
    );
  }
  if (status === 404)
    return new HubError('missing', `${cannot}: it has no such file. See ${page}/tree/main.`);
  const later = status === 429 ? 'there were too many requests' : 'the hub has a problem';
  return new HubError('answer', `${cannot}: ${later} (${status}). Try again later.`);
}

/** An answer that is no file of the hub: a login page of a network, a mirror that is none. @param what  that was received */
export function notTheHub(endpoint: string, what: string): HubError {
  return new HubError(
    'answer',
    `Expected a file of the Hugging Face hub from ${endpoint}, received ${what}. A network may want you to log in first; HF_ENDPOINT must name the hub or a mirror.`,
  );
}
