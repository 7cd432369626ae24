import { Controller, Get, Post } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { AccessFacts, Actor, CheckAccessDto } from '@puerta/contracts';
import type { FastifyRequest } from 'fastify';
import { connect } from 'node:net';
import { TestInvalidations } from '../../test/invalidations';
import { ISSUER, TestKey } from '../../test/tokens';
import { AuthModule } from '../auth.module';
import { Authenticator } from './authenticator';
import { CurrentActor, CurrentScan } from './current';
import type { Identity, ScanIdentity } from './identity';
import { InitialAuth, OptionalAuth, Public, type Requirement, ScanPass, StrictAuth } from './requirement';

const key = new TestKey('k1');
/** Nothing is kept: each request asks. */
const silent = new TestInvalidations(false);
const facts = jest.fn<Promise<AccessFacts>, [CheckAccessDto]>();

@Controller('doors')
class DoorsController {
  @Get('public')
  @Public()
  open(@CurrentActor() actor: Actor | null) {
    return { actor };
  }

  @Get('optional')
  @OptionalAuth()
  either(@CurrentActor() actor: Actor | null) {
    return { actor };
  }

  @Get('initial')
  @InitialAuth()
  user(@CurrentActor() actor: Actor) {
    return { actor };
  }

  @Get('strict')
  @StrictAuth()
  member(@CurrentActor() actor: Actor) {
    return { actor };
  }

  @Post('admin')
  @StrictAuth('admin')
  admin(@CurrentActor() actor: Actor) {
    return { actor };
  }

  @Get('scan')
  @ScanPass()
  scan(@CurrentScan() { scanId: scan }: ScanIdentity) {
    return { scan };
  }
}

@Controller('inherited')
@StrictAuth()
class InheritedController {
  @Get('strict')
  strict() {
    return {};
  }

  @Get('public')
  @Public()
  open() {
    return {};
  }
}

@Controller('forgotten')
class ForgottenController {
  @Get()
  forgotten() {
    return { secret: true };
  }
}

type Controllers = (new () => object)[];
type EarlyRequest = FastifyRequest & { found?: Identity };

/** What an app's early checks take a path for; they leave others alone. */
const EARLY: Record<string, Requirement> = {
  '/doors/public': { guard: 'public' },
  '/doors/optional': { guard: 'optional' },
  '/doors/initial': { guard: 'initial' },
  '/doors/strict': { guard: 'strict', leastRole: 'member' },
  '/doors/admin': { guard: 'strict', leastRole: 'admin' },
  '/doors/scan': { guard: 'scan' },
  '/inherited/strict': { guard: 'strict', leastRole: 'member' },
  '/inherited/public': { guard: 'public' },
  '/forgotten': { guard: 'initial' },
};

async function build(controllers: Controllers, early = EARLY): Promise<NestFastifyApplication> {
  const options = {
    issuer: ISSUER,
    keys: () => Promise.resolve(key.set),
    facts,
    factsInvalidations: silent,
    keysInvalidations: silent,
  };
  const identityOf = (request: unknown) => (request as EarlyRequest).found;
  const auth = AuthModule.forRoot({ useFactory: () => ({ ...options, identityOf }) });
  const module = await Test.createTestingModule({ imports: [auth], controllers }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', async (request: EarlyRequest) => {
      const requirement = early[request.url];
      if (requirement) request.found = await app.get(Authenticator).authenticate(request.raw, requirement);
    });
  return app.useGlobalFilters({
    catch: (error: { code?: string }, host) =>
      host
        .switchToHttp()
        .getResponse()
        .status(499)
        .send(error.code ?? String(error)),
  });
}

describe('the guards of an app', () => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    app = await build([DoorsController, InheritedController]);
    await app.listen(0, '127.0.0.1');
  });

  afterAll(() => app.close());

  beforeEach(() => {
    facts.mockReset();
    facts.mockResolvedValue({ user: 'active', session: 'active', email: 'ana@example.com', role: 'issuer' });
  });

  const call = async (method: 'GET' | 'POST', url: string, token?: string): Promise<string> => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const { statusCode, body } = await app.inject({ method, url, headers });
    return statusCode === 499 ? body : `${statusCode}`;
  };

  it.each<['GET' | 'POST', string, (() => string) | undefined, string]>([
    ['GET', '/doors/public', undefined, '200'],
    ['GET', '/doors/public', () => 'junk', '200'],
    ['GET', '/doors/optional', undefined, '200'],
    ['GET', '/doors/optional', () => 'junk', 'access_token_invalid'],
    ['GET', '/doors/initial', undefined, 'unauthenticated'],
    ['GET', '/doors/initial', () => key.access({ company_id: null }), '200'],
    ['GET', '/doors/initial', () => key.scan(), 'access_token_invalid'],
    ['GET', '/doors/strict', () => key.access({ company_id: null }), 'company_required'],
    ['GET', '/doors/strict', () => key.access(), '200'],
    ['POST', '/doors/admin', () => key.access({ roles: ['owner'] }), 'role_required'],
    ['GET', '/doors/scan', () => key.scan(), '200'],
    ['GET', '/doors/scan', () => key.access(), 'access_token_invalid'],
    ['GET', '/inherited/strict', undefined, 'unauthenticated'],
    ['GET', '/inherited/public', undefined, '200'],
  ])('%s %s', async (method, url, token, expected) => {
    expect(await call(method, url, token?.())).toBe(expected);
  });

  it('hand the actor to the handler', async () => {
    const answer = await app.inject({ url: '/doors/strict', headers: { authorization: `Bearer ${key.access()}` } });
    expect(answer.json()).toMatchObject({ actor: { email: 'ana@example.com', role: 'issuer' } });
    expect((await app.inject('/doors/optional')).json()).toEqual({ actor: null });
  });

  it('refuse two Authorization headers on the wire, of which Node would show the first', async () => {
    const { port } = app.getHttpServer().address() as { port: number };
    const token = key.access();
    const ask = (...names: string[]): Promise<string> =>
      new Promise((resolve, reject) => {
        let answer = '';
        const socket = connect(port, '127.0.0.1', () => {
          const lines = names.map((name) => `${name}: Bearer ${token}\r\n`).join('');
          socket.end(`GET /doors/strict HTTP/1.1\r\nHost: x\r\n${lines}Connection: close\r\n\r\n`);
        });
        socket
          .on('data', (chunk) => (answer += chunk.toString()))
          .on('close', () => resolve(answer))
          .on('error', reject);
      });
    expect(await ask('Authorization')).toContain('HTTP/1.1 200');
    expect(await ask('Authorization', 'Authorization')).toContain('access_token_invalid');
    expect(await ask('Authorization', 'AUTHORIZATION')).toContain('access_token_invalid');
    expect(await ask('AUTHORIZATION')).toContain('HTTP/1.1 200');
  });

  it('read what the early checks found, and ask nobody again', async () => {
    expect(await call('GET', '/doors/strict', key.access())).toBe('200');
    expect(facts).toHaveBeenCalledTimes(1);
  });

  it.each<[string, Requirement | undefined, (() => string) | undefined, string]>([
    ['that nobody authenticated', undefined, () => key.access(), 'unauthenticated'],
    ['that was taken for one to an open route', { guard: 'public' }, () => key.access(), 'forbidden'],
    ['that was taken for one with a scan pass', { guard: 'scan' }, () => key.scan(), 'forbidden'],
    ['whose user was found, but not judged', { guard: 'initial' }, () => key.access(), 'role_required'],
  ])('refuse a request %s', async (_, requirement, token, expected) => {
    const other = await build([DoorsController], requirement ? { '/doors/admin': requirement } : {});
    await other.init();
    const headers = { authorization: `Bearer ${token?.()}` };
    expect((await other.inject({ method: 'POST', url: '/doors/admin', headers })).body).toBe(expected);
    await other.close();
  });

  it('of two apps in one process read what each has found itself', async () => {
    const other = await build([DoorsController], {});
    await other.init();
    expect(await call('GET', '/doors/strict', key.access())).toBe('200');
    const headers = { authorization: `Bearer ${key.access()}` };
    expect((await other.inject({ url: '/doors/strict', headers })).body).toBe('unauthenticated');
    await other.close();
  });
});

describe('a route that nobody decided about', () => {
  it('is refused', async () => {
    const app = await build([ForgottenController]);
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    const answer = await app.inject({ url: '/forgotten', headers: { authorization: `Bearer ${key.access()}` } });
    expect([answer.statusCode, answer.body]).toEqual([499, 'forbidden']);
    await app.close();
  });
});
