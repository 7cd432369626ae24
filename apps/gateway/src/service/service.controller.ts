import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { Public } from '@puerta/auth';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { homePage } from '../docs/home-page';
import { StaticFile } from '../http/static-file';
import { prefersPage } from '../problems/error-page';
import { preferredLanguage } from '../problems/language';
import { vary } from '../request/vary';
import { Operation } from '../routes/operation';
import { Probe, Serves, Unlimited } from '../routes/route-options';
import { Banner, Health, ReadyStatus } from './answers';
import { Readiness } from './readiness';

@ApiTags('Service')
@Controller()
@Public()
export class ServiceController {
  readonly #home = { en: StaticFile.of(homePage('en'), '.html'), es: StaticFile.of(homePage('es'), '.html') };

  constructor(private readonly readiness: Readiness) {}

  @Get()
  @Unlimited()
  @Serves('page')
  @Operation({ summary: 'Says hello; to a browser by a page that leads to the documents', answer: Banner })
  getBanner(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    const { accept, 'accept-language': language } = request.headers;
    vary(reply, 'Accept, Accept-Language');
    if (prefersPage(accept)) return this.#home[preferredLanguage(language)].serve(request, reply);
    return { message: 'Puerta API Gateway is running!' } satisfies Banner;
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
