import type { Authenticator, Identity } from '@puerta/auth';
import { DomainError } from '@puerta/contracts/core';
import fastify from 'fastify';
import { RedisLimiter } from '../limits/redis-limiter';
import { RequestLimits } from '../limits/request-limits';
import type { ProxyRoute } from '../routes/proxy-route';
import { requestContextOf } from '../request/request-context';
import { sharedLimits } from '../routes/route-options';
import type { Route, Routes } from '../routes/routes';
import { checkEarly } from './early-checks';

const IDENTITY: Identity = {
  kind: 'user',
  actor: { user_id: 'ana', session_id: 's', email: 'ana@example.com', company_id: 'c', role: 'member' },
  tokenCompanyId: 'c',
  expiresAt: 4_000_000_000,
};

const route = (more: Partial<Route> = {}): Route => ({
  method: 'GET',
  pattern: '/here',
  requirement: { guard: 'strict', leastRole: 'member' },
  surface: 'api',
  limits: sharedLimits({}),
  probe: false,
  takesBody: false,
  takesQuery: false,
  file: undefined,
  ...more,
});

describe('the early checks', () => {
  /** What they return to requests, one after the other; nothing is asked of Redis but what this says. */
  async function outcomes(served: Route, known: Identity | undefined, count: number): Promise<unknown[]> {
    const limiter = new RedisLimiter('redis://127.0.0.1:1', 'none');
    const asked = jest.spyOn(limiter, 'take').mockResolvedValue([]);
    jest.spyOn(limiter, 'takeNow').mockImplementation(() => (known ? [] : undefined));
    const authenticator = {
      recognize: () => known,
      authenticate: () => Promise.resolve(IDENTITY),
    } as unknown as Authenticator;
    const limits = new RequestLimits(limiter, { perAddress: 600, perUser: 600, perCompany: 600 });
    const app = fastify();
    const seen: unknown[] = [];
    app.addHook('onRequest', (request, reply, done) => {
      requestContextOf(request).route = served;
      const options = { origins: new Set<string>(), routes: {} as Routes, authenticator, limits };
      const outcome = checkEarly(request, reply, options);
      seen.push(outcome);
      void Promise.resolve(outcome).then(() => done());
    });
    app.get('/here', () => ({}));
    for (let n = 0; n < count; n++) expect((await app.inject('/here')).statusCode).toBe(200);
    await app.close();
    expect(asked).toHaveBeenCalledTimes(known ? 0 : count);
    return seen;
  }

  it('wait for nobody where all is known', async () => {
    expect(await outcomes(route(), IDENTITY, 3)).toEqual([false, false, false]);
    expect(await outcomes(route({ proxied: {} as ProxyRoute }), IDENTITY, 2)).toEqual([false, false]);
  });

  it('wait where somebody is to be asked', async () => {
    expect(await outcomes(route(), undefined, 2)).toEqual([expect.any(Promise), expect.any(Promise)]);
  });

  it('charge a forwarded route by address, user and company like any other', async () => {
    const limiter = new RedisLimiter('redis://127.0.0.1:1', 'none');
    const taken = jest.spyOn(limiter, 'takeNow').mockReturnValue([]);
    const limits = new RequestLimits(limiter, { perAddress: 600, perUser: 601, perCompany: 602 });
    const own = sharedLimits({
      perAddress: { name: 'ingest-address', count: 300, seconds: 1 },
      perUser: { name: 'ingest-user', count: 301, seconds: 1 },
      perCompany: { name: 'ingest-company', count: 302, seconds: 1 },
    });
    const reply = { header: () => undefined } as never;
    await limits.charge('192.0.2.1', IDENTITY, route({ limits: own, proxied: {} as ProxyRoute }), reply);
    expect(taken.mock.calls[0]?.[0].map(({ limit, subject }) => [limit.shared, subject])).toEqual([
      [true, 'address\u0000192.0.2.1'],
      [true, 'ingest-address\u0000192.0.2.1'],
      [true, 'user\u0000ana'],
      [true, 'ingest-user\u0000ana'],
      [true, 'company\u0000c'],
      [true, 'ingest-company\u0000c'],
    ]);
    expect(() => {
      taken.mockReturnValue([
        {
          claim: { limit: { name: 'x', count: 1, seconds: 1, shared: true }, subject: 'x' },
          admitted: false,
          remaining: 0,
          retryAfter: 3,
          reset: 4,
        },
      ]);
      void limits.charge('192.0.2.1', IDENTITY, route({ limits: own }), reply);
    }).toThrow(new DomainError('too_many_requests'));
  });
});
