import { DomainError, type ErrorCode, isErrorCode, kindOf } from '@puerta/contracts/core';
import { HttpClient } from '@puerta/testing';
import { ADVICE } from './advice';
import { ERRORS } from './catalogue';
import { PUBLIC_URL, startTestGateway, type TestGateway } from '../../test/test-gateway';

describe('problems', () => {
  let gateway: TestGateway;
  let http: HttpClient;

  beforeAll(async () => {
    gateway = await startTestGateway();
    // A fake throws each code there is where most of them never arise.
    http = new HttpClient(gateway.url, { described: false });
  });

  afterAll(() => gateway.stop());

  const failing = async (thrown: unknown, headers: Record<string, string> = {}) => {
    gateway.fakes.set('users.me', () => {
      throw thrown;
    });
    return http.get('/api/v1/users/me', { token: gateway.accessToken(), headers });
  };

  it.each(Object.keys(ERRORS) as ErrorCode[])('give %s its status and title in both languages', async (code) => {
    const answers = {
      en: await failing(new DomainError(code), { 'accept-language': 'en' }),
      es: await failing(new DomainError(code), { 'accept-language': 'es-VE, en;q=0.5' }),
    };
    for (const language of ['en', 'es'] as const) {
      const { status, body, headers } = answers[language];
      expect(status).toBe(ERRORS[code].status);
      expect(body).toEqual({
        type: `${PUBLIC_URL}/docs/errors#${code}`,
        title: ERRORS[code][language],
        status: ERRORS[code].status,
        detail: expect.stringMatching(/\S/),
        instance: '/api/v1/users/me',
        code,
        request_id: headers.get('x-request-id'),
      });
      expect(headers.get('content-language')).toBe(language);
      expect(headers.get('vary')).toBe('Origin, Accept-Language');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.has('www-authenticate')).toBe(status === 401);
      expect(headers.has('retry-after')).toBe(status === 429 || status === 503);
    }
  });

  it('have a status that says what their kind says', () => {
    for (const [code, { status }] of Object.entries(ERRORS) as [ErrorCode, { status: number }][]) {
      expect([code, isErrorCode(code)]).toEqual([code, true]);
      expect([code, kindOf(code)]).toEqual([code, kindOfStatus(status)]);
    }
  });

  it('name refused fields for programs and for people', async () => {
    const body = { name: '', email: 'ana', password: 'short', admin: true };
    const answer = await http.post('/api/v1/users/register', body, { headers: { 'accept-language': 'es' } });
    expect(answer).toMatchObject({
      status: 422,
      body: {
        code: 'validation_failed',
        title: 'Algunos campos no son válidos',
        errors: expect.arrayContaining([
          { field: 'name', code: 'too_short', message: 'debe tener al menos 1 caracteres' },
          { field: 'email', code: 'bad_format', message: 'no tiene la forma de e-mail' },
          { field: 'password', code: 'too_short', message: 'debe tener al menos 10 caracteres' },
          { field: 'admin', code: 'unknown_field', message: 'no es un campo conocido' },
        ]),
      },
    });
    expect(answer.body['detail']).toMatch(/^\w+ .+; \w+ .+; \w+ .+; …$/);
  });

  it.each<[what: string, thrown: unknown]>([
    ['an error', new Error('relation "users" has secret-canary')],
    [
      'an error that looks like one of HTTP',
      Object.assign(new Error('secret-canary'), { statusCode: 418, status: 418 }),
    ],
    ['an error with a foreign code', Object.assign(new Error('secret-canary'), { code: 'ECONNREFUSED' })],
    ['a text', 'secret-canary'],
    ['nothing', undefined],
    ['null', null],
  ])('say nothing of %s that nobody foresaw, and log where it happened', async (_what, thrown) => {
    gateway.lines.length = 0;
    const answer = await failing(thrown);
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal', detail: ERRORS.internal.en } });
    expect(JSON.stringify(answer.body)).not.toContain('canary');
    const errors = gateway.lines.filter((line) => line.includes('"level":"error"'));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(String(answer.body['request_id']));
    expect(errors[0]).not.toContain('canary');
  });

  it('pass on how long to wait', async () => {
    const answer = await failing(new DomainError('overloaded', { meta: { retry_after: 17 } }));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '17']);
  });

  it('are explained at the address that is their type', async () => {
    for (const [language, title] of [
      ['en', 'Errors of the Puerta API'],
      ['es', 'Errores de la API de Puerta'],
    ] as const) {
      const page = await http.get<string>('/docs/errors', { headers: { 'accept-language': language } });
      expect(page.body).toContain(title);
      for (const code of Object.keys(ERRORS) as ErrorCode[]) {
        const entry = page.body.split(`id="${code}"`)[1]?.split('</section>')[0];
        expect(entry).toContain(ERRORS[code][language]);
        expect(entry).toContain(ADVICE[code][language]);
      }
      // A table is as wide as its longest code; a phone is not.
      expect(page.body).not.toContain('<table');
    }
  });

  it.each(Object.keys(ERRORS) as ErrorCode[])('say what to do about %s, in both languages', (code) => {
    const texts = [ADVICE[code].en, ADVICE[code].es];
    expect(new Set(texts).size).toBe(2);
    for (const text of texts) {
      expect(text).toMatch(/^[A-ZÁÉÍÓÚÑ].*\.$/);
      expect(text).not.toMatch(/[<>&]/);
    }
    expect(texts).not.toContain(`${ERRORS[code].en}.`);
  });
});

function kindOfStatus(status: number): string {
  if (status === 401) return 'unauthenticated';
  if (status === 503) return 'unavailable';
  if (status === 501 || status === 505) return 'refused';
  return status >= 500 ? 'failed' : 'refused';
}
