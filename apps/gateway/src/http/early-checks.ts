import type { Authenticator } from '@puerta/auth';
import { DomainError } from '@puerta/contracts/core';
import { httpFaultOf } from '@puerta/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestLimits } from '../limits/request-limits';
import { answerCors } from './cors';
import { requestContextOf } from '../request/request-context';
import { checkBodyHeaders } from './json-body';
import { pathOf } from '../request/paths';
import { isApi, type Routes } from '../routes/routes';

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
 * us no more than the headers.
 *
 * @returns true if the request is answered already.
 * @throws DomainError why it is refused.
 */
export async function checkEarly(
  request: FastifyRequest,
  reply: FastifyReply,
  options: EarlyChecksOptions,
): Promise<boolean> {
  const { origins, routes, authenticator, limits } = options;
  const fault = httpFaultOf(request.raw);
  if (fault) throw new DomainError(fault);
  const context = requestContextOf(request);
  const { route } = context;
  if (answerCors(request, reply, origins, route?.proxied !== undefined)) return true;
  const url = request.raw.url ?? '';
  if (url.length > MAX_URL && !route?.proxied) throw new DomainError('uri_too_long');
  if (limits) await limits.chargeAddress(request.ip, route, reply);
  if (!route) return answerElsewhere(request, reply, routes);

  context.identity = await authenticator.authenticate(request.raw, route.requirement);
  if (limits && context.identity.kind === 'user') await limits.chargeUser(context.identity.actor.user_id, route, reply);

  // What else there is to a proxied request, the proxy looks at.
  if (route.proxied) return false;
  checkBodyHeaders(request, route.file);
  if (!route.takesQuery && isApi(route)) refuseQuery(request);
  if (request.headers.expect?.toLowerCase() === '100-continue') reply.raw.writeContinue();
  return false;
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
