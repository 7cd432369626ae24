import { hash, parseOptions, verify } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';

/**
 * argon2id as the OWASP Password Storage Cheat Sheet asks at least: 19 MiB, 2 passes, 1 thread. Each hash takes that
 * memory while it runs, in libuv's pool; how many run at once is bounded by the concurrency of the heavy lane.
 */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 } as const;

/** Hashes and checks passwords, off the event loop. */
@Injectable()
export class Passwords {
  /** The hash of a password that nobody has. Made at the start, so that not even the first check of it takes longer. */
  private readonly decoy = hash(randomBytes(32), PARAMETERS);

  hash(password: string): Promise<string> {
    return hash(password, PARAMETERS);
  }

  /**
   * @param passwordHash undefined for a user that is not there: the check fails, and takes as long as any other, so
   *   that the time it takes does not show who is registered.
   */
  async verify(passwordHash: string | undefined, password: string): Promise<boolean> {
    const matches = await verify(passwordHash ?? (await this.decoy), password);
    return matches && passwordHash !== undefined;
  }

  /** True if the hash was made with other parameters than today's. */
  isOutdated(passwordHash: string): boolean {
    const made = parseOptions(passwordHash);
    return Object.entries(PARAMETERS).some(([name, value]) => made[name as keyof typeof PARAMETERS] !== value);
  }
}
