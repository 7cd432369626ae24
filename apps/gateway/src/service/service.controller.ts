import { Controller, Get, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
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
  getBanner(): Banner {
    return { message: 'Puerta API Gateway is running!' };
  }

  @Get('health')
  @Probe()
  @Operation({ summary: 'Whether the gateway is alive', answer: Health })
  getHealth(): Health {
    return { status: 'healthy', service: 'Puerta API Gateway' };
  }

  @Get('health/ready')
  @Probe()
  @Operation({ summary: 'Whether the gateway and the services behind it can serve', answer: ReadyStatus })
  @ApiResponse({ status: 503, description: 'Not now', type: ReadyStatus, example: { status: 'not_ready' } })
  async getReadiness(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadyStatus> {
    const ready = await this.readiness.isReady();
    if (!ready) reply.code(503).header('retry-after', '2');
    return { status: ready ? 'ready' : 'not_ready' };
  }
}
