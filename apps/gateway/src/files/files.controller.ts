import { Controller, Get, Head, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '@puerta/auth';
import { DomainError } from '@puerta/contracts/core';
import {
  disposition,
  FileAddresses,
  type FileFacts,
  InjectStorage,
  type OpenedGrant,
  type Storage,
} from '@puerta/storage';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A file is nobody's page, wherever it is opened; but any page may show it that was given the address. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'private, no-store',
  'accept-ranges': 'none',
};

type Asked = FastifyRequest<{ Params: { '*': string } }>;

/**
 * Files in a folder, for whoever has an address that we signed. One that was altered, has expired, or leads to what is
 * not there any more gets one identical 404. Clients are given whole addresses, and need no description of them.
 */
@ApiExcludeController()
@Controller('files')
@Public()
export class FilesController {
  constructor(
    @InjectStorage() private readonly storage: Storage,
    private readonly addresses: FileAddresses,
  ) {}

  /** Comes first, else GET would take HEAD as well, and read the file for nothing. */
  @Head('*')
  async head(@Req() request: Asked, @Res() reply: FastifyReply): Promise<void> {
    const grant = this.grant(request);
    await describe(reply, grant, await this.storage.head(grant.key)).send();
  }

  /** The word is longer than what Fastify allows a parameter to be: hence the rest of the path. */
  @Get('*')
  async get(@Req() request: Asked, @Res() reply: FastifyReply): Promise<void> {
    const grant = this.grant(request);
    const file = await this.storage.get(grant.key);
    describe(reply, grant, file);
    if (request.headers['if-none-match'] !== file?.etag) return reply.send(file?.content);
    file?.content.destroy();
    await reply.code(304).removeHeader('content-length').send();
  }

  private grant({ params }: Asked): OpenedGrant {
    const grant = this.addresses.open(params['*']);
    if (!grant) throw new DomainError('not_found');
    return grant;
  }
}

/** @throws DomainError `not_found` */
function describe(reply: FastifyReply, { fileName }: OpenedGrant, file: FileFacts | undefined): FastifyReply {
  if (!file) throw new DomainError('not_found');
  return reply.headers({
    ...HEADERS,
    'content-type': file.contentType,
    'content-length': String(file.size),
    'content-disposition': disposition(fileName),
    etag: file.etag,
  });
}
