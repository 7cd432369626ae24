import { Controller, Get, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Public } from '@puerta/auth';
import type { FastifyReply } from 'fastify';
import { Operation } from '../routes/operation';
import { Probe, Unlimited } from '../routes/route-options';
import { Banner, Health, ReadyStatus } from './answers';
import { Readiness } from './readiness';

@ApiTags('Service')
@Controller()
@Public()
export class ServiceController {
  constructor(private readonly readiness: Readiness) {}

  @Get()
  @Unlimited()
  @Operation({ summary: 'Says hello', answer: Banner })
  root(): Banner {
    return { message: 'Puerta API Gateway is running!' };
  }

  @Get('health')
  @Probe()
  @Operation({ summary: 'Whether the gateway is alive', answer: Health })
  health(): Health {
    return { status: 'healthy', service: 'Puerta API Gateway' };
  }

  @Get('health/ready')
  @Probe()
  @Operation({ summary: 'Whether the gateway and the services behind it can serve', answer: ReadyStatus })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadyStatus> {
    const ready = await this.readiness.isReady();
    if (!ready) reply.code(503).header('retry-after', '2');
    return { status: ready ? 'ready' : 'not_ready' };
  }
}
