// @ts-check
/** Debian's and Ubuntu's package of Redis, unpacked without root and without installing it. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A mirror that answers at all has sent 2 MB and its lists by then. */
const LIMIT_MS = 120_000;

/**
 * Downloads the package with lists, cache and status of our own, which leaves the system as it is.
 *
 * @param {string} work an empty folder; the packages' files come into `root` in it
 * @param {string} [status] what the system says is installed
 * @throws with the reason that apt-get or dpkg-deb gave
 */
export async function unpackRedis(work, status = '/var/lib/dpkg/status') {
  for (const folder of ['lists/partial', 'archives/partial', 'root'])
    mkdirSync(join(work, folder), { recursive: true });
  writeFileSync(join(work, 'status'), withoutRedis(readFileSync(status, 'utf8')));
  const options = [
    `Dir::State::Lists=${join(work, 'lists')}`,
    `Dir::State::status=${join(work, 'status')}`,
    `Dir::Cache=${work}`,
    `Dir::Cache::Archives=${join(work, 'archives')}`,
    'Debug::NoLocking=1', // the locks are the system's, and root's
    'APT::Sandbox::User=', // root's apt would become _apt, who may not write here
    'Acquire::Languages=none',
    'Acquire::Retries=1',
    'Acquire::http::Timeout=15',
    'Acquire::https::Timeout=15',
    'APT::Update::Error-Mode=any',
  ].flatMap((option) => ['-o', option]);
  const apt = (/** @type {string[]} */ ...args) => runInWords('apt-get', [...options, ...args]);

  // Some other source of packages may fail; what then is missing is seen at the next step, and this was the reason.
  const failure = await apt('-q', 'update').catch((/** @type {Error} */ error) => error);
  try {
    await apt('-qy', '--no-install-recommends', '--download-only', 'install', 'redis-server');
  } catch (error) {
    throw failure instanceof Error ? failure : error;
  }
  for (const name of readdirSync(join(work, 'archives'))) {
    if (name.endsWith('.deb')) await runInWords('dpkg-deb', ['-x', join(work, 'archives', name), join(work, 'root')]);
  }
  if (!existsSync(join(work, 'root/usr/bin/redis-server')))
    throw new Error('there is no usr/bin/redis-server in what came');
}

/**
 * What is installed need not be fetched, but for Redis' own packages: `redis-server` is a link into `redis-tools`, and
 * apt would leave out the one that is installed already.
 *
 * @param {string} status
 */
function withoutRedis(status) {
  return status
    .split(/\n\n+/)
    .filter((stanza) => !/^Package: redis/m.test(stanza))
    .join('\n\n');
}

/** @param {string} command @param {string[]} args */
async function runInWords(command, args) {
  try {
    await run(command, args, {
      timeout: LIMIT_MS,
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    });
  } catch (cause) {
    const { message, stderr, code, killed } = /** @type {import('node:child_process').ExecFileException} */ (cause);
    if (code === 'ENOENT') throw new Error(`there is no ${command} on the PATH`, { cause });
    if (killed) throw new Error(`${command} took longer than ${LIMIT_MS / 1000} s`, { cause });
    // The first error is the reason; those after it are what came of it.
    throw new Error(/^E: *(.+)$/m.exec(stderr ?? '')?.[1] ?? (stderr?.trim() || message), { cause });
  }
}
