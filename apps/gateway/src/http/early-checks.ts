import type { Authenticator, Identity } from '@puerta/auth';
import { DomainError, kindOf } from '@puerta/contracts/core';
import { callContext } from '@puerta/messaging';
import { httpFaultOf } from '@puerta/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestLimits } from '../limits/request-limits';
import { answerCors } from './cors';
import { callContextOf, requestContextOf } from '../request/request-context';
import { checkBodyHeaders } from './json-body';
import { pathOf } from '../request/paths';
import { type Route, isApi, type Routes } from '../routes/routes';

/** Longer than any address we have or answer with; the longest holds a scan pass. */
const MAX_URL = 4_096;

export interface EarlyChecksOptions {
  readonly origins: ReadonlySet<string>;
  readonly routes: Routes;
  readonly authenticator: Authenticator;
  /** undefined: nothing is limited. */
  readonly limits: RequestLimits | undefined;
}

/**
 * Everything that can be decided about a request before its body is read, cheapest first, so that who may not ask costs
 * us no more than the headers. Of most requests all is known, and nobody is waited for: only where a token is new, or a limit
 * is to be counted in Redis, there is a promise.
 *
 * @returns true if the request is answered already.
 * @throws DomainError why it is refused; or rejects with it.
 */
export function checkEarly(
  request: FastifyRequest,
  reply: FastifyReply,
  options: EarlyChecksOptions,
): boolean | Promise<boolean> {
  const { origins, routes, limits } = options;
  const fault = httpFaultOf(request.raw);
  if (fault) throw new DomainError(fault);
  const { route } = requestContextOf(request);
  if (answerCors(request, reply, origins, route?.proxied !== undefined)) return true;
  const url = request.raw.url ?? '';
  if (url.length > MAX_URL && !route?.proxied) throw new DomainError('uri_too_long');
  if (!route) {
    return after(limits?.charge(request.ip, undefined, route, reply), () => answerElsewhere(request, reply, routes));
  }
  return after(checkWho(request, reply, route, options), () => {
    // What else there is to a proxied request, the proxy looks at.
    if (!route.proxied) checkContent(request, reply, route);
    return false;
  });
}

/** Who asks, whether they may, and whether not too often. Who is known costs no more than their limits. */
function checkWho(
  request: FastifyRequest,
  reply: FastifyReply,
  route: Route,
  options: EarlyChecksOptions,
): void | Promise<void> {
  const { authenticator, limits } = options;
  const context = requestContextOf(request);
  let identity: Identity | undefined;
  try {
    identity = authenticator.recognize(request.raw, route.requirement);
  } catch (refusal) {
    return after(limits?.charge(request.ip, undefined, route, reply), () => {
      throw refusal;
    });
  }
  if (!identity) return lookUp(request, reply, route, options);
  context.identity = identity;
  return limits?.charge(request.ip, identity, route, reply);
}

/**
 * Verifies a token, or asks for the facts about its user. So that guessing is limited too, a refusal is charged to the address; and
 * an address that is known to be spent is refused before.
 */
async function lookUp(
  request: FastifyRequest,
  reply: FastifyReply,
  route: Route,
  { authenticator, limits }: EarlyChecksOptions,
): Promise<void> {
  limits?.refuseSpent(request.ip, route, reply);
  const context = requestContextOf(request);
  try {
    context.identity = await callContext.run(callContextOf(context), () =>
      authenticator.authenticate(request.raw, route.requirement),
    );
  } catch (refusal) {
    const charged = limits?.charge(request.ip, undefined, route, reply);
    // Whatever kept the answer away may keep Redis away too, and who asks was kept waiting for long enough.
    if (isUnavailable(refusal)) void Promise.resolve(charged).catch(() => undefined);
    else await charged;
    throw refusal;
  }
  await limits?.charge(request.ip, context.identity, route, reply);
}

function isUnavailable(error: unknown): boolean {
  return error instanceof DomainError && kindOf(error.code) === 'unavailable';
}

function checkContent(request: FastifyRequest, reply: FastifyReply, route: Route): void {
  checkBodyHeaders(request, route.file);
  if (!route.takesQuery && isApi(route)) refuseQuery(request);
  if (request.headers.expect?.toLowerCase() === '100-continue') reply.raw.writeContinue();
}

/** Goes on at once where there is nothing to wait for. */
function after<T>(charged: void | Promise<void>, goOn: () => T): T | Promise<T> {
  return charged ? charged.then(goOn) : goOn();
}

function answerElsewhere(request: FastifyRequest, reply: FastifyReply, routes: Routes): boolean {
  const url = request.raw.url ?? '';
  const allowed = routes.methodsAt(pathOf(url));
  const target = ['GET', 'HEAD'].includes(request.method) ? withoutSlash(url, routes) : undefined;
  if (target !== undefined) {
    void reply.code(308).header('location', target).send();
    return true;
  }
  if (allowed.length === 0) throw new DomainError('not_found');
  const allow = allowed.join(', ');
  if (request.method !== 'OPTIONS') throw new DomainError('method_not_allowed', { meta: { allow } });
  void reply.code(204).header('allow', allow).send();
  return true;
}

/** The same address without a slash at its end, if there is something to get. It begins like a route of ours, not `//`. */
function withoutSlash(url: string, routes: Routes): string | undefined {
  const path = pathOf(url);
  const shorter = path.slice(0, -1);
  if (!path.endsWith('/') || !routes.methodsAt(shorter).includes('GET')) return undefined;
  return `${shorter}${url.slice(path.length).split('#', 1)[0]}`;
}

/** Where a route takes a query, its DTO refuses unknown names; where it takes none, every name is unknown. */
function refuseQuery({ query }: FastifyRequest): void {
  const names = Object.keys(query as object);
  if (names.length === 0) return;
  const errors = names.slice(0, 50).map((name) => ({ field: name.slice(0, 100), code: 'unknown_field' as const }));
  throw new DomainError('validation_failed', { errors });
}
