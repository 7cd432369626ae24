import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Public } from '@puerta/auth';
import { KEYS_MAX_AGE_SECONDS, type KeySet } from '@puerta/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { Operation } from '../routes/operation';
import { JsonWebKeySet } from './answers';
import { PublicKeys } from './public-keys';

const KEY_SET = 'application/jwk-set+json';

/** The keys of each use at an address of its own: whoever verifies tickets never gets a key of access tokens. */
@ApiTags('Service')
@Controller('.well-known')
@Public()
export class KeySetsController {
  constructor(private readonly keys: PublicKeys) {}

  @Get('jwks.json')
  @Operation({
    summary: 'The public keys that verify access tokens and scan passes (RFC 7517)',
    answer: JsonWebKeySet,
    contentType: KEY_SET,
    revalidates: true,
  })
  async getKeys(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<KeySet | undefined> {
    return cached(await this.keys.current('access'), request, reply);
  }

  @Get('assertion-jwks.json')
  @Operation({
    summary: 'The public keys that verify assertions, for services behind the gateway (RFC 7517)',
    answer: JsonWebKeySet,
    contentType: KEY_SET,
    revalidates: true,
  })
  async getAssertionKeys(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<KeySet | undefined> {
    return cached(await this.keys.current('assertion'), request, reply);
  }

  @Get('ticket-jwks.json')
  @Operation({
    summary: 'The public keys that verify tickets (RFC 7517)',
    answer: JsonWebKeySet,
    contentType: KEY_SET,
    revalidates: true,
  })
  async getTicketKeys(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<KeySet | undefined> {
    return cached(await this.keys.current('ticket'), request, reply);
  }
}

/** Sets the headers. @returns the set; nothing when the asker has it already */
function cached(set: KeySet, { headers }: FastifyRequest, reply: FastifyReply): KeySet | undefined {
  const etag = `"${createHash('sha256').update(JSON.stringify(set)).digest('base64url').slice(0, 22)}"`;
  reply.headers({ 'cache-control': `public, max-age=${KEYS_MAX_AGE_SECONDS}`, etag });
  if (!isAmong(headers['if-none-match'], etag)) {
    reply.header('content-type', KEY_SET);
    return set;
  }
  reply.code(304);
  return undefined;
}

/** RFC 9110 13.1.2: a list, compared weakly, since caches on the way may weaken ours. */
function isAmong(list: string | undefined, etag: string): boolean {
  return list?.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag) ?? false;
}
