import { DescribedApi, HttpClient, type Answer, type ApiDocument } from '@puerta/testing';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';
import { operationOf, takesKey } from '../routes/operation';
import { type OwnRoute, Routes } from '../routes/routes';
import { openApiPath } from './open-api';
import { codesOf } from './problem-responses';
import { TAGS } from './tags';

type Operation = ApiDocument['paths'][string][string];

type Ids = Readonly<Record<'company_id' | 'invitation_id' | 'card_id', string>>;

const ID = '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11';
const CODE = 'A'.repeat(22);

/** What services answer where that is not what the gateway answers: all else is asked and answered by the examples. */
const SERVICES: Readonly<Record<string, object>> = {
  getCardQrPng: { content_type: 'image/png', data: 'iVBORw0KGgo=' },
  getCardQrSvg: { content_type: 'image/svg+xml', data: 'PHN2Zy8+' },
  openScan: { scan_pass: 'p', expires_in: 120 },
};

describe('the description of the API', () => {
  let gateway: TestGateway;
  let http: HttpClient;
  let document: ApiDocument;
  let api: DescribedApi;
  let answered: unknown;

  beforeAll(async () => {
    gateway = await startTestGateway();
    const { fakes } = gateway;
    const known = new Map(fakes);
    fakes.get = (pattern) => known.get(pattern) ?? (() => answered);
    // Held to what this gateway says instead of docs/openapi.json.
    http = new HttpClient(gateway.url, { described: false });
    document = (await http.get<ApiDocument>('/docs-json')).body;
    api = new DescribedApi(document);
  });

  afterAll(() => gateway.stop());

  const routes = () => gateway.app.get(Routes).all.filter(({ handler }) => operationOf(handler));
  const operation = (route: OwnRoute): Operation => {
    const found = document.paths[openApiPath(route)]?.[route.method.toLowerCase()];
    if (!found) throw new Error(`${route.method} ${route.pattern} is not described`);
    return found;
  };
  const successOf = (route: OwnRoute) => {
    const { status = 200 } = operationOf(route.handler) ?? {};
    const response = operation(route).responses[status];
    const [[type = '', media] = []] = Object.entries(response && 'content' in response ? (response.content ?? {}) : {});
    return { status, type, example: media?.example };
  };
  const bodyOf = ({ requestBody }: Operation) => Object.entries(requestBody?.content ?? {})[0];

  /** Asks as the example says, while the services answer what the example of the answer says. */
  const request = async (route: OwnRoute): Promise<Answer<unknown>> => {
    const { method, pattern, requirement, file } = route;
    const described = operation(route);
    const [type = '', media] = bodyOf(described) ?? [];
    answered = SERVICES[described.operationId] ?? successOf(route).example ?? {};
    const path = pattern.replace(/:(code|token_id)/, CODE).replace(/:\w+/g, ID);
    const token = requirement.guard === 'scan' ? gateway.scanPass() : gateway.accessToken();
    const body = file ? Buffer.from('photo') : media?.example;
    return http.request<unknown>(method, path, body, { token, headers: file ? { 'content-type': type } : {} });
  };

  it('has every route of the API', () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(
      routes()
        .map((route) => `${route.method} ${openApiPath(route)}`)
        .sort(),
    );
    const pages = gateway.app
      .get(Routes)
      .all.filter(({ handler }) => !operationOf(handler))
      .map(({ pattern }) => pattern);
    expect(pages.every((pattern) => /^\/(docs|profile|assets|files|favicon\.ico|robots\.txt)/.test(pattern))).toBe(
      true,
    );
  });

  it('says of every route what it does, who may, what it takes and how it fails', () => {
    for (const route of routes()) {
      const { summary, security, tags = [], parameters = [], requestBody, responses } = operation(route);
      expect(summary).toMatch(/\S/);
      expect(Object.keys(TAGS)).toEqual(expect.arrayContaining([...tags]));
      expect(security).toBeDefined();
      expect(Boolean(requestBody)).toBe(route.takesBody);
      const inPath = [...route.pattern.matchAll(/:(\w+)/g)].map(([, name]) => name);
      expect(
        parameters
          .filter((one) => one.in === 'path')
          .map((one) => one.name)
          .sort(),
      ).toEqual(inPath.sort());
      expect(parameters.some((one) => one.name === 'Idempotency-Key')).toBe(takesKey(route.method, route.handler));
      expect(parameters.some((one) => one.in === 'query')).toBe(route.takesQuery);
      const codes = Object.values(responses).flatMap((response) =>
        'description' in response ? [...response.description.matchAll(/`(\w+)`: /g)].map(([, code]) => code) : [],
      );
      expect(codes.sort()).toEqual(codesOf(route));
    }
  });

  it('names things as callers do, each by a name of its own', () => {
    const names = routes().map((route) => operation(route).operationId);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    expect(names.filter((name) => !/^[a-z][A-Za-z]+$/.test(name))).toEqual([]);
    expect(
      Object.keys(document.components['schemas'] ?? {}).filter((name) => /Dto|Schema$|Command$/.test(name)),
    ).toEqual(['CardBulkCommand']);
  });

  it('has an example of all that is sent and answered, which is taken and answered so', async () => {
    for (const route of routes()) {
      const described = operation(route);
      const { operationId: name } = described;
      const { status, type, example } = successOf(route);
      const [, media] = bodyOf(described) ?? [];
      expect([name, 'takes', route.takesBody && !route.file]).toEqual([name, 'takes', media?.example !== undefined]);
      expect([name, 'answers', /json|svg/.test(type)]).toEqual([name, 'answers', example !== undefined]);

      const { body, ...answer } = await request(route);
      expect([name, answer.status, body]).toEqual([name, status, expect.anything()]);
      const asked = { method: route.method, path: route.pattern.replace(/:\w+/g, ID) };
      expect([name, api.faultsOf({ ...asked, ...answer, body })]).toEqual([name, []]);
      if (type === 'application/json') expect([name, body]).toEqual([name, example]);
    }
  });

  it('is what refusals answer', async () => {
    const guarded = routes().filter((route) => operation(route).security?.some((scheme) => 'access_token' in scheme));
    for (const { method, pattern } of guarded) {
      const path = pattern.replace(/:\w+/g, ID);
      const answer = await http.request<unknown>(method, path, undefined, { token: 'x.y.z' });
      expect([pattern, answer.status, api.faultsOf({ method, path, ...answer })]).toEqual([pattern, 401, []]);
    }
    expect(await http.post<unknown>('/api/v1/users/login', { email: 7 })).toMatchObject({ status: 422 });
  });

  it('has no path that another one could be taken for', () => {
    const schemas = new Map(
      Object.values(document.paths)
        .flatMap((methods) => Object.values(methods))
        .flatMap(({ parameters = [] }) =>
          parameters.map(({ name, schema }) => [`{${name}}` as string, schema] as const),
        ),
    );
    const mayBe = (part: string, value: string): boolean => {
      const { format, pattern = format === 'uuid' ? '^[0-9a-f-]{36}$' : '' } = schemas.get(part) ?? {};
      return part === value || (part.startsWith('{') && (value.startsWith('{') || new RegExp(pattern).test(value)));
    };
    const paths = Object.keys(document.paths);
    const pairs = paths.flatMap((one, i) => paths.slice(i + 1).map((other) => [one, other] as const));
    const same = pairs.filter(([one, other]) => {
      const [parts, others] = [one.split('/'), other.split('/')];
      const fits = (part: string, at: number) => mayBe(part, others[at] ?? '') || mayBe(others[at] ?? '', part);
      return parts.length === others.length && parts.every(fits);
    });
    expect(same).toEqual([]);
  });

  it('says where what was created is', async () => {
    // A token is nowhere: only who has it can ask about it.
    const created = routes().filter(
      (route) => '201' in operation(route).responses && !route.pattern.includes('/token/'),
    );
    const locations: (string | null)[] = [];
    for (const route of created) locations.push((await request(route)).headers.get('location'));
    const [company, invitation, card] = created.slice(1).map((route) => successOf(route).example as Ids);
    expect(Object.fromEntries(created.map((route, i) => [operation(route).operationId, locations[i]]))).toEqual({
      register: '/api/v1/users/me',
      createCompany: `/api/v1/companies/${company?.company_id}`,
      createInvitation: `/api/v1/companies/${ID}/invitations/${invitation?.invitation_id}`,
      issueCard: `/api/v1/cards/${card?.card_id}`,
    });
  });

  it('is shown to people by scripts of our own', async () => {
    const shown = await http.get<string>('/docs');
    const files = [...shown.body.matchAll(/(?:src|href)="(\/docs\/[^"]+\.(?:js|css))"/g)].map(([, path = '']) => path);
    expect(files).toHaveLength(3);
    expect(shown.body).not.toMatch(/https?:|<script>|<style/);
    for (const path of files) {
      const first = await http.get<string>(path);
      expect([first.status, first.headers.get('content-type')]).toEqual([
        200,
        path.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8',
      ]);
      const etag = first.headers.get('etag') ?? '';
      expect(await http.get(path, { headers: { 'if-none-match': etag } })).toMatchObject({ status: 304 });
    }
  });
});
