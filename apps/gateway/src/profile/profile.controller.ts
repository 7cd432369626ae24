import { join } from 'node:path';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '@puerta/auth';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Serves } from '../http/route-options';
import { StaticFile } from '../http/static-file';

const file = (name: string): StaticFile => StaticFile.read(join(__dirname, 'page', name));

/** The page that shows a scanned card where no front end is configured: one document, one script, one style sheet. */
@ApiExcludeController()
@Controller('profile')
@Public()
@Serves('page')
export class ProfileController {
  readonly #document = file('profile.html');
  readonly #script = file('profile.js');
  readonly #style = file('profile.css');

  @Get()
  page(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#document.serve(request, reply);
  }

  @Get('profile.js')
  script(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#script.serve(request, reply);
  }

  @Get('profile.css')
  style(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#style.serve(request, reply);
  }
}
