import { DomainError } from '@puerta/contracts';

/** As `http.IncomingMessage` has it: names and values as they came, in turn. */
export interface RawRequest {
  readonly rawHeaders: readonly string[];
}

/** RFC 6750 2.1 with RFC 9110 11.4: a scheme in any case, one space, and a token68. */
const BEARER = /^bearer ([A-Za-z0-9\-._~+/]+=*)$/i;

/** Longer than any token that passes, and refused before the expression sees it. */
const MAX_LENGTH = 4200;

/** Every value of the `Authorization` header. `headers` would not do: Node keeps the first there and drops the others. */
export function authorizationValues({ rawHeaders }: RawRequest): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && isAuthorization(rawHeaders[index - 1]));
}

function isAuthorization(name = ''): boolean {
  return name.length === 13 && name.toLowerCase() === 'authorization';
}

/**
 * The bearer token of a request.
 *
 * @throws DomainError `unauthenticated` without an `Authorization` header; `access_token_invalid` with more than one, or
 *   with one that is not a well-formed bearer token
 */
export function bearerToken(request: RawRequest): string {
  const [value, ...more] = authorizationValues(request);
  if (value === undefined) throw new DomainError('unauthenticated');
  const token = more.length === 0 && value.length <= MAX_LENGTH ? BEARER.exec(value)?.[1] : undefined;
  if (token === undefined) throw new DomainError('access_token_invalid');
  return token;
}
