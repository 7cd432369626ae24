import { KEY_USES, type KeyUse } from '@puerta/contracts';
import { parseArgs } from 'node:util';
import { type KeyChange, KeyRefusal } from './key-rotation';
import type { KeyListing, KeyTools } from './key-tools';

const HELP = `The keys that sign tokens.

  npm run --silent keys -- <command> [options]
  node app.js keys <command> [options]                        in a container of the token-service

  list             all keys that are published, and those that were
  rotate           the next key signs from now on; what the active one signed stays good
  retire <kid>     lets a key go in good order: a next one at once, the active one as rotate, a retiring one once
                   nothing that it signed is good any more (which happens by itself)
  kill <kid>       withdraws a key at once, with everything that it signed; if it was active, the next one signs

  --use <use>      access (access tokens and scan passes; the default of rotate), ticket or assertion
  --now            rotate and retire: even if the next key was published so lately that some who verify may not have it
  --json           what it says as JSON
  --help           show this

A kid that begins with a dash goes after two: kill -- -kid. Replicas that run learn of it at once, or see it within two
seconds. Exit code: 0 done, 1 it cannot be done, 2 misunderstood, 78 the configuration is wrong.
`;

const COMMANDS = ['list', 'rotate', 'retire', 'kill'] as const;

interface Request {
  readonly command: (typeof COMMANDS)[number];
  readonly kid: string;
  readonly use: KeyUse | undefined;
  readonly now: boolean;
  readonly json: boolean;
}

/** What a command says, and its exit code. */
export interface Said {
  readonly code: 0 | 1 | 2;
  readonly out?: string;
  readonly err?: string;
}

class Misunderstood extends Error {}

/** @param open the keys; asked for once it is known that they are needed */
export async function keysCommand(args: readonly string[], open: () => Promise<KeyTools>): Promise<Said> {
  try {
    const request = understand(args);
    return request ? { code: 0, out: await run(request, await open()) } : { code: 0, out: HELP };
  } catch (error) {
    if (error instanceof Misunderstood) return { code: 2, err: `${error.message}. See: npm run keys -- --help\n` };
    if (error instanceof KeyRefusal) return { code: 1, err: `${error.message}\n` };
    throw error;
  }
}

async function run({ command, kid, use, now, json }: Request, keys: KeyTools): Promise<string> {
  if (command === 'list') {
    const listed = await keys.list(use);
    return json ? toJson(listed) : table(listed);
  }
  if (command !== 'rotate') await keys.require(kid, use);
  const changes = await {
    rotate: () => keys.rotation.rotate(use ?? 'access', { now }),
    retire: () => keys.rotation.retire(kid, { now }),
    kill: () => keys.rotation.kill(kid),
  }[command]();
  return json ? toJson(changes.map(asJson)) : sentences(changes, kid);
}

/** @throws Misunderstood */
function understand(args: readonly string[]): Request | undefined {
  const { values, positionals } = parsed(args);
  if (values.help === true || (positionals.length === 0 && Object.keys(values).length === 0)) return undefined;
  const [name = '', kid, ...more] = positionals;
  const command = COMMANDS.find((one) => one === name);
  const use = KEY_USES.find((one) => one === values.use);
  if (!command) throw new Misunderstood(name ? `there is no command ${JSON.stringify(name)}` : 'no command was given');
  if (values.use !== undefined && !use) throw new Misunderstood(`--use must be one of ${KEY_USES.join(', ')}`);
  const needsKid = command === 'retire' || command === 'kill';
  if (needsKid && kid === undefined) throw new Misunderstood(`which key? ${command} needs a kid`);
  if (more.length > 0 || (!needsKid && kid !== undefined)) throw new Misunderstood(`${command} was given too much`);
  return { command, kid: kid ?? '', use, now: values.now ?? false, json: values.json ?? false };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        use: { type: 'string' },
        now: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new Misunderstood((error as Error).message.split('. ')[0]);
  }
}

const asJson = ({ kid, use, from, to, signedUntil }: KeyChange) => ({
  kid,
  use,
  from: from ?? null,
  to,
  signed_until: signedUntil,
});

const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function sentences(changes: readonly KeyChange[], kid: string): string {
  if (changes.length === 0) return `${kid} is retired already\n`;
  return changes.map((change) => `${change.use.padEnd(9)}  ${change.kid.padEnd(43)}  ${sentence(change)}\n`).join('');
}

function sentence({ from, to, signedUntil }: KeyChange): string {
  if (to === 'next') return 'was made, is published, and signs next';
  if (to === 'active') return 'signs from now on';
  if (to === 'retired')
    return signedUntil && from !== 'next'
      ? 'is nothing any more, nor is what it signed'
      : 'is nothing any more; it had signed nothing';
  const until = signedUntil ? `; what it signed is good until ${at(signedUntil)} at most` : '; it has signed nothing';
  return `signs no more${until}`;
}

function table(keys: readonly KeyListing[]): string {
  const head = ['USE', 'KID', 'STATE', 'SINCE', 'SIGNED UNTIL', 'ENCRYPTED WITH'];
  const rows = keys.map(({ use, kid, state, state_since, signed_until, encrypted_with }) => [
    ...[use, kid, state, at(state_since)],
    ...[signed_until ? at(signed_until) : '-', encrypted_with ?? '-'],
  ]);
  const widths = head.map((title, n) => Math.max(title.length, ...rows.map((row) => row[n]?.length ?? 0)));
  return [head, ...rows]
    .map(
      (row) =>
        `${row
          .map((cell, n) => cell.padEnd(widths[n] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

const at = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z');
