import { setTimeout as sleep } from 'node:timers/promises';
import { startPuerta, startS3, type Puerta, type TestS3 } from '@puerta/testing';
import { administrator, expectStatus } from './support/people';
import { seePhotos } from './support/photos';
import { PASS_SECONDS } from './support/story';

/** Access tokens live so many seconds here: as few as may be set. */
const ACCESS_SECONDS = 10;

let s3: TestS3;
let puerta: Puerta;
let token: string;
let expired: Promise<void>;

beforeAll(async () => {
  s3 = await startS3();
  puerta = await startPuerta({
    env: {
      TOKEN_SERVICE_ACCESS_TOKEN_SECONDS: String(ACCESS_SECONDS),
      TOKEN_SERVICE_SCAN_PASS_SECONDS: String(PASS_SECONDS),
      STORAGE_URL: s3.url,
      STORAGE_S3_ACCESS_KEY_ID: s3.accessKeyId,
      STORAGE_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    },
  });
  ({ token } = await administrator(puerta.api()));
  expectStatus(await puerta.api().get('/users/me', { token }), 200);
  // Five seconds of leeway for clocks that differ.
  expired = sleep((ACCESS_SECONDS + 6) * 1_000);
}, 120_000);

afterAll(async () => {
  await puerta?.stop();
  await s3?.stop();
});

describe('in a bucket', () => seePhotos(() => Promise.resolve(puerta)));

it('refuses a token once it has expired, and says so', async () => {
  await expired;
  const answer = await puerta.api().get('/users/me', { token });
  expect(answer).toMatchObject({ status: 401, body: { code: 'access_token_expired' } });
}, 60_000);
