import { join } from 'node:path';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '@puerta/auth';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { StaticFile } from '../http/static-file';
import { Serves, Unlimited } from '../routes/route-options';

/** Search engines find the documents, and nothing that belongs to somebody. */
const ROBOTS = `User-agent: *
Disallow: /scan/
Disallow: /api/
Disallow: /files/
Disallow: /profile
`;

/** What browsers and search engines ask for by themselves, at addresses of their choice. */
@ApiExcludeController()
@Controller()
@Public()
@Serves('page')
@Unlimited()
export class SiteFilesController {
  readonly #icon = StaticFile.read(join(__dirname, 'page', 'favicon.svg'));
  readonly #robots = StaticFile.of(ROBOTS, '.txt');

  @Get('favicon.ico')
  icon(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#icon.serve(request, reply);
  }

  @Get('robots.txt')
  robots(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#robots.serve(request, reply);
  }
}
