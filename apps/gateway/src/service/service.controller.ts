import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Public } from '@puerta/auth';
import type { KeySet } from '@puerta/contracts';
import type { FastifyReply } from 'fastify';
import { Operation } from '../http/operation';
import { Unlimited } from '../http/route-options';
import { Banner, Health, JsonWebKeySet, ReadyStatus } from './answers';
import { PublicKeys } from './public-keys';
import { Readiness } from './readiness';

@ApiTags('Service')
@Controller()
@Public()
export class ServiceController {
  constructor(
    private readonly readiness: Readiness,
    private readonly keys: PublicKeys,
  ) {}

  @Get()
  @Unlimited()
  @Operation({ summary: 'Says hello', answer: Banner })
  root(): Banner {
    return { message: 'Puerta API Gateway is running!' };
  }

  @Get('health')
  @Unlimited()
  @Operation({ summary: 'Whether the gateway is alive', answer: Health })
  health(): Health {
    return { status: 'healthy', service: 'Puerta API Gateway' };
  }

  @Get('health/ready')
  @Unlimited()
  @Operation({ summary: 'Whether the gateway and the services behind it can serve', answer: ReadyStatus })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadyStatus> {
    const ready = await this.readiness.isReady();
    if (!ready) reply.code(503).header('retry-after', '2');
    return { status: ready ? 'ready' : 'not_ready' };
  }

  @Get('.well-known/jwks.json')
  @Header('cache-control', 'public, max-age=300')
  @Header('content-type', 'application/jwk-set+json')
  @Operation({ summary: 'The public keys that verify our tokens (RFC 7517)', answer: JsonWebKeySet })
  jwks(): Promise<KeySet> {
    return this.keys.current();
  }
}
