import { dirname, join } from 'node:path';
import { Controller, Get, Header, Req, Res } from '@nestjs/common';
import { ApiExcludeController, type OpenAPIObject } from '@nestjs/swagger';
import { Public } from '@puerta/auth';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Serves } from '../routes/route-options';
import { StaticFile } from '../http/static-file';
import { vary } from '../request/vary';
import { preferredLanguage } from '../problems/language';
import { errorsPage } from './errors-page';
import { OpenApi } from './open-api';

const swagger = (name: string): StaticFile => StaticFile.read(join(dirname(require.resolve('swagger-ui-dist')), name));
const own = (name: string): StaticFile => StaticFile.read(join(__dirname, 'page', name));

/** The documentation of the API, for people and for programs. */
@ApiExcludeController()
@Controller()
@Public()
@Serves('docs')
export class DocsController {
  readonly #files = {
    document: own('docs.html'),
    start: own('docs.js'),
    bundle: swagger('swagger-ui-bundle.js'),
    style: swagger('swagger-ui.css'),
  };

  readonly #errors = { en: StaticFile.of(errorsPage('en'), '.html'), es: StaticFile.of(errorsPage('es'), '.html') };

  constructor(private readonly openApi: OpenApi) {}

  @Get('docs-json')
  @Header('cache-control', 'no-cache')
  json(): OpenAPIObject {
    return this.openApi.document;
  }

  @Get('docs')
  page(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#files.document.serve(request, reply);
  }

  @Get('docs/errors')
  errors(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    vary(reply, 'Accept-Language');
    return this.#errors[preferredLanguage(request.headers['accept-language'])].serve(request, reply);
  }

  @Get('docs/docs.js')
  start(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#files.start.serve(request, reply);
  }

  @Get('docs/swagger-ui-bundle.js')
  bundle(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#files.bundle.serve(request, reply);
  }

  @Get('docs/swagger-ui.css')
  style(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): unknown {
    return this.#files.style.serve(request, reply);
  }
}
