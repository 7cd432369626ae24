import { QueryFailedError } from 'typeorm';
import { type LogFields } from './log-fields';
import { createLogger, type Logger, type LoggerOptions } from './logger';
import { nestLogger } from './nest-logger';

const CANARY = 'canary-Pa55word';
const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl';

function logger(options: Partial<LoggerOptions> = {}): {
  log: Logger;
  text: () => string;
  last: () => Record<string, unknown>;
} {
  const chunks: string[] = [];
  const log = createLogger({
    name: 'sample',
    level: 'debug',
    ...options,
    destination: { write: (chunk) => void chunks.push(chunk) },
  });
  return { log, text: () => chunks.join(''), last: () => JSON.parse(chunks.at(-1) ?? '{}') as Record<string, unknown> };
}

describe('the log', () => {
  it('is one JSON object a line, with level, time, service and the facts', () => {
    const { log, last } = logger();
    log.info('card issued', { card_id: 'c1', duration_ms: 3 });
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      service: 'sample',
      pid: process.pid,
      msg: 'card issued',
      card_id: 'c1',
      duration_ms: 3,
    });
  });

  it('drops every field that is not on the list, however it is passed', () => {
    const { log, text } = logger({ context: () => ({ password: CANARY }) as LogFields });
    const secret = {
      password: CANARY,
      token: CANARY,
      body: { a: CANARY },
      headers: CANARY,
      email: CANARY,
      url: CANARY,
      toJSON: () => CANARY,
    };
    for (const level of ['debug', 'info', 'warn', 'error', 'fatal'] as const) {
      log[level]('said', secret as LogFields);
      log
        .child(secret as LogFields)
        .child({ user_id: { id: CANARY } } as unknown as LogFields)
        [level]('said');
    }
    expect(text().split('\n')).toHaveLength(11);
    expect(text()).not.toContain('canary');
  });

  it('drops values of allowed fields that are no plain facts', () => {
    const { log, last } = logger();
    log.info('said', {
      user_id: { toString: () => CANARY },
      card_id: () => CANARY,
      reason: [CANARY, { a: CANARY }],
    } as unknown as LogFields);
    expect(last()).not.toHaveProperty('user_id');
    expect(last()).not.toHaveProperty('card_id');
    expect(last()['reason']).toEqual([CANARY]);
  });

  it('masks tokens and credentials wherever they turn up, and bounds the length', () => {
    const { log, text, last } = logger();
    log.info(`redirected to https://a.example/?token=${TOKEN}`, {
      reason: `Bearer ${CANARY}`,
      host: `postgres://u:${CANARY}@db/x`,
    });
    expect(last()).toMatchObject({
      msg: 'redirected to https://a.example/?token=[token]',
      reason: 'Bearer [token]',
      host: 'postgres://[credentials]@db/x',
    });
    log.info('x'.repeat(100_000), { reason: 'y'.repeat(100_000) });
    expect(text()).not.toContain('canary');
    expect(text().length).toBeLessThan(3_000);
  });

  it('cannot be forged by line breaks or quotes in a value', () => {
    const { log, text, last } = logger();
    const attack = 'x"}\n{"level":"fatal","msg":"forged"}\r\n\u2028';
    log.info(attack, { reason: attack });
    expect(text().trimEnd().split('\n')).toHaveLength(1);
    expect(last()['reason']).toBe(attack);
  });

  it('does not format: percent signs are text', () => {
    const { log, last } = logger();
    log.info('100% %s %o', { reason: CANARY });
    expect(last()['msg']).toBe('100% %s %o');
  });

  it('says nothing below its level, and does not ask for the context then', () => {
    const context = jest.fn(() => undefined);
    const { log, text } = logger({ level: 'warn', context });
    log.info('quiet');
    expect([text(), context.mock.calls.length]).toEqual(['', 0]);
  });

  it('adds the context of the call and the fields of a child, the nearest last', () => {
    const { log, last } = logger({ context: () => ({ request_id: 'r1', user_id: 'u1' }) });
    log.child({ component: 'cards', user_id: 'u2' }).info('said', { user_id: 'u3' });
    expect(last()).toMatchObject({ request_id: 'r1', component: 'cards', user_id: 'u3' });
  });

  it('is for people when asked', () => {
    const { log, text } = logger({ pretty: true });
    log.warn('not ready', { not_ready: ['postgres'] });
    expect(text()).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: sample: not ready \{.*"not_ready":\["postgres"\]\}\n$/);
  });
});

describe('an error in the log', () => {
  const described = (error: unknown): Record<string, unknown> => {
    const { log, last } = logger();
    log.error('failed', { error });
    return last()['error'] as Record<string, unknown>;
  };

  it('shows where, but not what JSON, V8 or Node quote of the data', () => {
    const thrown = [
      () => JSON.parse(`{"password":"${CANARY}"`) as unknown,
      () => Reflect.set(Object.freeze({}), CANARY, 1) || Buffer.alloc(CANARY as never),
      () => new URL(CANARY),
      () => BigInt(CANARY),
      () => decodeURIComponent(`%${CANARY}`),
      () => `${CANARY}` in ({} as never) || (Symbol(CANARY) as never) + '',
      () => {
        throw new Error(`wrong password ${CANARY}\n    at ${CANARY} (file.ts:1:1)`);
      },
      () => {
        throw Object.assign(new Error(CANARY), {
          code: `${CANARY} with space`,
          detail: CANARY,
          response: { token: CANARY },
        });
      },
    ].map((action) => {
      try {
        return action();
      } catch (error) {
        return error;
      }
    });
    for (const error of thrown.filter((one) => one instanceof Error)) {
      const shown = described(error);
      expect(JSON.stringify(shown)).not.toContain('canary');
      expect(shown['type']).toMatch(/Error$/);
      expect(shown['stack']).toMatch(/^at /);
      expect(shown).not.toHaveProperty('message');
    }
    expect(thrown.filter((one) => one instanceof Error).length).toBeGreaterThanOrEqual(6);
  });

  it('names constraint and table of a violated one, and never row, query or parameters', () => {
    const driverError = Object.assign(new Error('duplicate key value violates unique constraint "users_email_key"'), {
      severity: 'ERROR',
      code: '23505',
      schema: 'identity',
      table: 'users',
      constraint: 'users_email_key',
      detail: `Key (email)=(${CANARY}) already exists.`,
      hint: CANARY,
      where: CANARY,
      internalQuery: CANARY,
    });
    const shown = described(new QueryFailedError(`INSERT … ${CANARY}`, [CANARY], driverError));
    expect(shown).toMatchObject({
      type: 'QueryFailedError',
      code: '23505',
      table: 'users',
      constraint: 'users_email_key',
      message: 'duplicate key value violates unique constraint "users_email_key"',
    });
    expect(JSON.stringify(shown)).not.toContain('canary');
  });

  it('keeps the value out that PostgreSQL could not read', () => {
    const driverError = Object.assign(new Error(`invalid input syntax for type uuid: "${CANARY}"`), {
      severity: 'ERROR',
      code: '22P02',
    });
    const shown = described(new QueryFailedError('SELECT', [], driverError));
    expect(shown).toMatchObject({ code: '22P02' });
    expect(JSON.stringify(shown)).not.toContain('canary');
  });

  it('says what was tried where when the network fails, and follows causes', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: '127.0.0.1',
      port: 5432,
    });
    expect(described(refused)['message']).toBe('connect ECONNREFUSED 127.0.0.1:5432');
    expect(described(new AggregateError([refused]))['cause']).toMatchObject({ code: 'ECONNREFUSED' });
    expect(described(new Error(CANARY, { cause: refused }))['cause']).toMatchObject({ code: 'ECONNREFUSED' });
    const file = Object.assign(new Error(`ENOENT: no such file, open '/${CANARY}'`), {
      code: 'ENOENT',
      syscall: 'open',
      path: CANARY,
    });
    expect(described(file)['message']).toBe('open ENOENT');
  });

  it('may say its message when its class declares that it holds no data', () => {
    class Declared extends Error {
      static readonly messageIsSafe = true;
    }
    expect(described(new Declared('a sentence of ours'))).toMatchObject({
      type: 'Declared',
      message: 'a sentence of ours',
    });
  });

  it('ends, whatever was thrown', () => {
    const circular = new Error('a');
    circular.cause = circular;
    expect(JSON.stringify(described(circular)).length).toBeLessThan(20_000);
    for (const [thrown, type] of [
      [CANARY, 'string'],
      [undefined, 'undefined'],
      [null, 'null'],
      [{ a: CANARY }, 'object'],
    ] as const) {
      expect(described(thrown)).toEqual({ type });
    }
  });
});

describe("Nest's messages", () => {
  it('are for debugging when ordinary, and errors lose what they say of data', () => {
    const { log, text, last } = logger();
    const nest = nestLogger(log);
    nest.log('Mapped {/cards, GET} route', 'RouterExplorer');
    expect(last()).toMatchObject({ level: 'debug', component: 'RouterExplorer', msg: 'Mapped {/cards, GET} route' });
    expect(last()).not.toHaveProperty('error');
    nest.error(new Error(CANARY), 'ExceptionsHandler');
    nest.error('Unable to connect. Retrying (1)...', `Error: ${CANARY}\n    at connect (net.js:1:1)`, 'TypeOrmModule');
    expect(last()).toMatchObject({
      level: 'error',
      component: 'TypeOrmModule',
      error: { stack: 'at connect (net.js:1:1)' },
    });
    nest.error(`Error: ${CANARY}\n    at handler (cards.js:1:1)`);
    nest.warn({ password: CANARY }, 'Cards');
    expect(text()).not.toContain('canary');
  });
});
