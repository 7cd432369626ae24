import { join } from 'node:path';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '@puerta/auth';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Serves, Unlimited } from '../routes/route-options';
import { StaticFile } from '../http/static-file';
import { PROFILE_DOCUMENT } from './profile-page';

const file = (name: string): StaticFile => StaticFile.read(join(__dirname, 'page', name));

/**
 * The page that shows a scanned card where no front end is configured. Not limited: a door scans on one address all day,
 * and the scan was counted.
 */
@ApiExcludeController()
@Controller('profile')
@Public()
@Serves('page')
@Unlimited()
export class ProfileController {
  readonly #document = StaticFile.of(PROFILE_DOCUMENT, '.html');
  readonly #texts = file('texts.js');
  readonly #pass = file('pass.js');
  readonly #script = file('profile.js');

  @Get()
  page(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#document.serve(request, reply);
  }

  @Get('texts.js')
  texts(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#texts.serve(request, reply);
  }

  @Get('pass.js')
  pass(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#pass.serve(request, reply);
  }

  @Get('profile.js')
  script(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#script.serve(request, reply);
  }
}
