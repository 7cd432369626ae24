import { expectDescribed } from './described';

/** What came back: the body parsed when it is JSON, text when it is text, else bytes. */
export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface RequestOptions {
  /** Sent as `Authorization: Bearer`. */
  token?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface HttpClientOptions {
  /** False for what docs/openapi.json does not speak of: other servers, and a gateway that is told nonsense by a fake. */
  readonly described?: boolean;
}

/**
 * Speaks JSON to one address. Redirects are answers, not followed. Objects are sent as JSON, strings and bytes as they are.
 * What a gateway answers must be what docs/openapi.json says, or the request throws.
 */
export class HttpClient {
  constructor(
    readonly baseUrl: string,
    private readonly options: HttpClientOptions = {},
  ) {}

  get<Body = Record<string, unknown>>(path: string, options?: RequestOptions) {
    return this.request<Body>('GET', path, undefined, options);
  }

  post<Body = Record<string, unknown>>(path: string, body?: unknown, options?: RequestOptions) {
    return this.request<Body>('POST', path, body, options);
  }

  put<Body = Record<string, unknown>>(path: string, body?: unknown, options?: RequestOptions) {
    return this.request<Body>('PUT', path, body, options);
  }

  patch<Body = Record<string, unknown>>(path: string, body?: unknown, options?: RequestOptions) {
    return this.request<Body>('PATCH', path, body, options);
  }

  delete<Body = Record<string, unknown>>(path: string, options?: RequestOptions) {
    return this.request<Body>('DELETE', path, undefined, options);
  }

  async request<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    { token, headers, signal }: RequestOptions = {},
  ): Promise<Answer<Body>> {
    const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(this.baseUrl + path, {
      method,
      redirect: 'manual',
      signal,
      headers: {
        ...(raw ? {} : { 'content-type': 'application/json' }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      body: raw ? (body as RequestInit['body']) : JSON.stringify(body),
    });
    const answer = { status: response.status, headers: response.headers, body: await decode(response) };
    if (this.options.described ?? true) expectDescribed({ method, path: new URL(response.url).pathname, ...answer });
    return answer as Answer<Body>;
  }
}

async function decode(response: Response): Promise<unknown> {
  const type = response.headers.get('content-type') ?? '';
  if (/[/+]json\b/.test(type)) return response.json();
  return /^text\/|xml\b/.test(type) ? response.text() : Buffer.from(await response.arrayBuffer());
}
