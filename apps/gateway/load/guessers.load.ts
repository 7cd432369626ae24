import { DomainError } from '@puerta/contracts/core';
import { HttpClient, waitFor } from '@puerta/testing';
import { LOGIN_BY_EMAIL } from '../src/limits/limits';
import { startTestGateway } from '../test/test-gateway';

const ADDRESSES = 10_000;
const AT_ONCE = 100;

it('ten thousand addresses, one guess each, have no more guesses at one password than a few', async () => {
  const gateway = await startTestGateway({ GATEWAY_RATE_LIMIT: 'on', GATEWAY_TRUSTED_PROXIES: '127.0.0.1' });
  const http = new HttpClient(gateway.url);
  let guesses = 0;
  gateway.fakes.set('users.login', () => {
    guesses += 1;
    throw new DomainError('invalid_credentials');
  });
  await waitFor(async () => (await http.get('/health/ready')).status === 200);
  const began = performance.now();
  const seen: Record<number, number> = {};
  let next = 0;
  const attack = async (): Promise<void> => {
    for (let n = next++; n < ADDRESSES; n = next++) {
      const headers = { 'x-forwarded-for': `10.0.${n >> 8}.${n & 255}` };
      const body = { email: 'ana@example.com', password: `wrong password ${n}` };
      const { status } = await http.post('/api/v1/users/login', body, { headers });
      seen[status] = (seen[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, attack));
  const seconds = (performance.now() - began) / 1_000;
  console.log(`${ADDRESSES} addresses in ${seconds.toFixed(0)} s: ${JSON.stringify(seen)}`);
  const { count, seconds: window } = LOGIN_BY_EMAIL;
  // The others were refused before anybody looked.
  expect(guesses).toBe(seen[401]);
  expect(guesses).toBeGreaterThanOrEqual(count);
  expect(guesses).toBeLessThanOrEqual(count + Math.ceil((seconds * count) / window));
  await gateway.stop();
});
