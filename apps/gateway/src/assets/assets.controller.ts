import { join } from 'node:path';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '@puerta/auth';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Serves, Unlimited } from '../routes/route-options';
import { StaticFile } from '../http/static-file';

/** What our pages share. Not limited: the page that says "try again" needs it, too. */
@ApiExcludeController()
@Controller('assets')
@Public()
@Serves('page')
@Unlimited()
export class AssetsController {
  readonly #style = StaticFile.read(join(__dirname, 'page', 'puerta.css'));

  @Get('puerta.css')
  style(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#style.serve(request, reply);
  }
}
