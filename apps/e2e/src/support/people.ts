import { randomUUID } from 'node:crypto';
import type { Card, CreatedInvitation, EnsureCompanyAnswer, LoginAnswer } from '@puerta/contracts';
import type { Answer, HttpClient, Puerta, RequestOptions } from '@puerta/testing';

export const PASSWORD = 'correct horse battery staple';

/** Fails with the whole answer, so that a broken step says why. */
export function expectStatus<Body>(answer: Answer<Body>, status: number): Body {
  if (answer.status !== status)
    throw new Error(`expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export async function register(api: HttpClient, name = 'Ana Pérez'): Promise<LoginAnswer> {
  const body = { name, email: `${randomUUID()}@example.com`, password: PASSWORD };
  return expectStatus(await api.post<LoginAnswer>('/users/register', body), 201);
}

export interface Member {
  readonly userId: string;
  /** An access token that carries the company. */
  readonly token: string;
  /** One from before the company was chosen. */
  readonly firstToken: string;
}

/** Somebody new, who has accepted an invitation into a company. */
export async function member(api: HttpClient, { companyId, token }: Administrator): Promise<Member> {
  const { email, user_id, access_token } = await register(api, 'Luis Rojas');
  const { invitation } = expectStatus(
    await api.post<CreatedInvitation>(`/companies/${companyId}/invitations`, { email, role: 'member' }, { token }),
    201,
  );
  const ensured = expectStatus(
    await api.post<EnsureCompanyAnswer>('/users/me/ensure-company', { invitation }, { token: access_token }),
    200,
  );
  return { userId: user_id, token: ensured.new_access_token, firstToken: access_token };
}

export interface Administrator {
  readonly userId: string;
  readonly email: string;
  readonly companyId: string;
  /** An access token that carries the company. */
  readonly token: string;
  /** One from before the company was chosen. */
  readonly firstToken: string;
}

/** A user who has made a company and acts in it. */
export async function administrator(api: HttpClient, company = 'Universidad Demo'): Promise<Administrator> {
  const login = await register(api);
  const token = login.access_token;
  const { company_id } = expectStatus(
    await api.post<{ company_id: string }>('/companies', { name: company }, { token }),
    201,
  );
  const ensured = expectStatus(
    await api.post<EnsureCompanyAnswer>('/users/me/ensure-company', { company_id }, { token }),
    200,
  );
  return {
    userId: login.user_id,
    email: login.email,
    companyId: company_id,
    token: ensured.new_access_token,
    firstToken: token,
  };
}

export const holder = (name = 'Luis Rojas') => ({ name, title: 'Estudiante', unit: 'Ingeniería' });

export async function issueCard(api: HttpClient, token: string, options: RequestOptions = {}): Promise<Card> {
  return expectStatus(await api.post<Card>('/cards', { holder: holder() }, { token, ...options }), 201);
}

/** Scans a card. @returns the pass that the scanner gets */
export async function scanPass(puerta: Puerta, card: Card): Promise<string> {
  const scanned = await puerta.http().get(new URL(card.scan_url).pathname);
  expectStatus(scanned, 302);
  return new URL(scanned.headers.get('location') ?? '').searchParams.get('token') ?? '';
}
