import { Controller, Get, Post } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { AccessFacts, Actor, CheckAccessDto } from '@puerta/contracts';
import { connect } from 'node:net';
import { TestInvalidations } from '../../test/invalidations';
import { ISSUER, TestKey } from '../../test/tokens';
import { AuthModule } from '../auth.module';
import { Authenticator } from './authenticator';
import { CurrentActor, CurrentScan } from './current';
import type { ScanIdentity } from './identity';
import { InitialAuth, OptionalAuth, Public, ScanPass, StrictAuth } from './requirement';

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

async function build(controllers: Controllers): Promise<NestFastifyApplication> {
  const auth = AuthModule.forRoot({ useFactory: () => ({ issuer: ISSUER, keys: () => Promise.resolve(key.set), facts, factsInvalidations: silent, keysInvalidations: silent }) });
  const module = await Test.createTestingModule({ imports: [auth], controllers }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  return app.useGlobalFilters({
    catch: (error: { code?: string }, host) => host.switchToHttp().getResponse().status(499).send(error.code ?? String(error)),
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
        socket.on('data', (chunk) => (answer += chunk.toString())).on('close', () => resolve(answer)).on('error', reject);
      });
    expect(await ask('Authorization')).toContain('HTTP/1.1 200');
    expect(await ask('Authorization', 'Authorization')).toContain('access_token_invalid');
    expect(await ask('Authorization', 'AUTHORIZATION')).toContain('access_token_invalid');
    expect(await ask('AUTHORIZATION')).toContain('HTTP/1.1 200');
  });

  it('use what was found out before the body was read', async () => {
    const authenticator = app.get(Authenticator);
    const early = jest.fn<void, []>();
    const second = await build([DoorsController]);
    const door = second.get(Authenticator);
    second.getHttpAdapter().getInstance().addHook('onRequest', async (request: { raw: { rawHeaders: string[] } }) => {
      await door.authenticate(request.raw, { guard: 'initial' });
      early();
    });
    await second.init();
    const answer = await second.inject({ url: '/doors/strict', headers: { authorization: `Bearer ${key.access()}` } });
    expect(answer.statusCode).toBe(200);
    expect(early).toHaveBeenCalledTimes(1);
    expect(facts).toHaveBeenCalledTimes(1);
    expect(door).not.toBe(authenticator);
    await second.close();
  });

  it('of two apps in one process ask each its own authenticator', async () => {
    const other = await build([DoorsController]);
    await other.init();
    const spy = jest.spyOn(app.get(Authenticator), 'authenticate');
    expect(await call('GET', '/doors/strict', key.access())).toBe('200');
    expect(spy).toHaveBeenCalledTimes(1);
    spy.mockRestore();
    await other.close();
  });
});

describe('a route that nobody decided about', () => {
  it('keeps the app from starting, and is named', async () => {
    const app = await build([DoorsController, ForgottenController]);
    await expect(app.init()).rejects.toThrow(/who may use them: ForgottenController\.forgotten$/);
    await app.close();
  });

  it('is refused even if the app runs', async () => {
    const app = await build([ForgottenController]);
    await app.init().catch(() => undefined);
    await app.getHttpAdapter().getInstance().ready();
    const answer = await app.inject({ url: '/forgotten', headers: { authorization: `Bearer ${key.access()}` } });
    expect([answer.statusCode, answer.body]).toEqual([499, 'forbidden']);
    await app.close();
  });
});
