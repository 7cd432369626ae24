import { join } from 'node:path';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '@puerta/auth';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Serves } from '../routes/route-options';
import { StaticFile } from '../http/static-file';
import { PROFILE_DOCUMENT } from './profile-page';

/** The page that shows a scanned card where no front end is configured. */
@ApiExcludeController()
@Controller('profile')
@Public()
@Serves('page')
export class ProfileController {
  readonly #document = StaticFile.of(PROFILE_DOCUMENT, '.html');
  readonly #script = StaticFile.read(join(__dirname, 'page', 'profile.js'));

  @Get()
  page(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#document.serve(request, reply);
  }

  @Get('profile.js')
  script(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#script.serve(request, reply);
  }
}
