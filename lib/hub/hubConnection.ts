// Requests to the Hugging Face hub: proxies, redirects, a token that no other host gets, and what is worth another try.

import type { Dispatcher } from 'undici';
import { HubError, networkCode, notTheHub, unreachable } from './hubErrors.ts';
import type { HubSettings } from './hubSettings.ts';

const maxRedirects = 10;

/** An answer. @property header  the value of a header by its name in small letters @property body  its bytes, to be read or discarded */
export interface HubAnswer {
  status: number;
  header(name: string): string | undefined;
  body: AsyncIterable<Uint8Array>;
  /** Ends an answer whose body nobody reads. */
  discard(): void;
}

/**
 * A request.
 *
 * @property stay  true: an answer that sends to another host is given as it is
 */
export interface HubRequest {
  method?: 'GET' | 'HEAD';
  headers?: Record<string, string>;
  stay?: boolean;
}

/** The options of `openConnection`. @property attempts  for one request; default 4 @property wait  between two; a test passes its own */
export interface ConnectionOptions {
  attempts?: number;
  wait?: (ms: number) => Promise<void>;
}

/** A way to the hub. */
export interface HubConnection {
  readonly settings: HubSettings;
  readonly wait: (ms: number) => Promise<void>;
  /** @throws HubError if there is no answer, or too many redirects */
  request(url: string, request?: HubRequest): Promise<HubAnswer>;
  close(): Promise<void>;
}

// A failure that another attempt may not have; the rest fails at once, so that a machine without network does not wait.
const passing = /^(ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_HEADERS_TIMEOUT|UND_ERR_BODY_TIMEOUT)$/;
const busy = [429, 500, 502, 503, 504];

/** Opens a way to the hub; nothing is sent yet. */
export async function openConnection(
  settings: HubSettings,
  { attempts = 4, wait = sleep }: ConnectionOptions = {},
): Promise<HubConnection> {
  const { EnvHttpProxyAgent, request: send } = await import('undici');
  const { proxies, timeoutMs } = settings;
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: proxies.http,
    httpsProxy: proxies.https,
    noProxy: proxies.no,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  const once = async (url: URL, { method = 'GET', headers = {} }: HubRequest) => {
    const own = url.origin === new URL(settings.endpoint).origin;
    return send(url, {
      dispatcher,
      method,
      headers: {
        'user-agent': `tfjs-vit; node/${process.versions.node}`,
        'accept-encoding': 'identity',
        ...(own && settings.token !== undefined && { authorization: `Bearer ${settings.token}` }),
        ...headers,
      },
    });
  };
  return {
    settings,
    wait,
    async request(address, request = {}) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          const answer = await follow(address, settings.endpoint, request, once);
          if (!busy.includes(answer.status) || attempt >= attempts) return answer;
          answer.discard();
        } catch (error) {
          if (error instanceof HubError) throw error;
          if (!passing.test(networkCode(error)) || attempt >= attempts)
            throw unreachable(address, error);
        }
        await wait(250 * 2 ** attempt);
      }
    },
    close: () => dispatcher.destroy(),
  };
}

// Goes where an answer sends.
async function follow(
  address: string,
  endpoint: string,
  request: HubRequest,
  once: (url: URL, request: HubRequest) => Promise<Dispatcher.ResponseData>,
): Promise<HubAnswer> {
  let url = new URL(address);
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    const answer = answerOf(await once(url, request));
    const location =
      answer.status >= 300 && answer.status < 400 ? answer.header('location') : undefined;
    if (location === undefined) return answer;
    if (!URL.canParse(location, url)) throw notTheHub(endpoint, 'a redirect to nowhere');
    const next = new URL(location, url);
    if (request.stay === true && next.origin !== url.origin) return answer;
    answer.discard();
    if (
      !/^https?:$/.test(next.protocol) ||
      (url.protocol === 'https:' && next.protocol === 'http:')
    ) {
      throw notTheHub(endpoint, `a redirect to ${next.protocol}//`);
    }
    url = next;
  }
  throw notTheHub(endpoint, `more than ${maxRedirects} redirects in a row`);
}

function answerOf({ statusCode, headers, body }: Dispatcher.ResponseData): HubAnswer {
  // An answer that is discarded may still report that it was cut.
  body.on('error', () => undefined);
  return {
    status: statusCode,
    header: (name) => [headers[name]].flat()[0],
    body,
    discard: () => body.destroy(),
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
