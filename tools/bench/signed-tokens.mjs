// @ts-check
// An access token signed by the token service and verified by the one verifier of libs/auth, each against what of it is
// bare node:crypto: the same signature over the same bytes, with a key that is parsed already. On one thread, without
// servers.
// Usage, after a build: node tools/bench/signed-tokens.mjs [--seconds 3] [--rounds 3]
import 'reflect-metadata';
import { JwtService } from '@nestjs/jwt';
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WORKSPACE } from '../launcher/workspace.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '3' } },
});
const ISSUER = 'https://puerta.example.com';
const BATCH = 100;

const require = createRequire(import.meta.url);
/** @param {string} path */
const built = (path) => require(join(WORKSPACE, 'dist', path));
const { TokenVerifier } = built('libs/auth/src/index.js');
const { TokenSigner } = built('apps/token-service/src/signing/token-signer.js');

const pair = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
// Not as they are generated: those share a lock with their job, on which Node 20 can wait for itself.
const privateKey = createPrivateKey(pair.privateKey);
const publicKey = createPublicKey(pair.publicKey);
const kid = 'bench';
const signer = new TokenSigner(
  new JwtService({}),
  { signing: async () => ({ kid, privateKey }) },
  {
    PUBLIC_URL: ISSUER,
    GATEWAY_JWT_ALGORITHM: 'ES256',
  },
);
const verifier = new TokenVerifier({ access: { find: async () => ({ kid, alg: 'ES256', key: publicKey }) } }, ISSUER);

const claims = {
  sub: randomUUID(),
  email: 'ana@example.com',
  company_id: randomUUID(),
  roles: ['owner'],
  sid: randomUUID(),
};
const { token } = await signer.sign('access', claims, 900);
const dot = token.lastIndexOf('.');
const bytes = Buffer.from(token.slice(0, dot));
const signature = Buffer.from(token.slice(dot + 1), 'base64url');
const dsaEncoding = 'ieee-p1363';

report(
  'signing an access token against node:crypto',
  ...(await medians(
    () => signer.sign('access', claims, 900),
    () => sign('sha256', bytes, { key: privateKey, dsaEncoding }),
  )),
);
report(
  'verifying one, all of its claims too, against node:crypto',
  ...(await medians(
    () => verifier.verify(token, 'access'),
    () => {
      if (!verify('sha256', bytes, { key: publicKey, dsaEncoding }, signature)) throw new Error('not verified');
    },
  )),
);

/**
 * @param {string} name
 * @param {number} [ours] a second
 * @param {number} [baseline]
 */
function report(name, ours = NaN, baseline = NaN) {
  const show = (/** @type {number} */ rate) => `${Math.round(rate)}/s (${(1e6 / rate).toFixed(1)} µs)`;
  console.log(`${name}\n  ours ${show(ours)}  baseline ${show(baseline)}  ratio ${(ours / baseline).toFixed(2)}`);
}

/**
 * Rounds take turns, so that a machine that slows down slows both.
 *
 * @param {(() => unknown)[]} works
 */
async function medians(...works) {
  const rounds = works.map(() => /** @type {number[]} */ ([]));
  for (const work of works) await rateOf(work, 500);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const [i, work] of works.entries()) rounds[i]?.push(await rateOf(work, Number(values.seconds) * 1_000));
  }
  return rounds.map((rates) => rates.sort((a, b) => a - b)[rates.length >> 1]);
}

/**
 * @param {() => unknown} work
 * @param {number} ms
 */
async function rateOf(work, ms) {
  const started = performance.now();
  let done = 0;
  for (; performance.now() - started < ms; done += BATCH) for (let i = 0; i < BATCH; i += 1) await work();
  return (done / (performance.now() - started)) * 1_000;
}
