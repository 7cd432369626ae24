import { Injectable } from '@nestjs/common';
import { InjectConfig } from '@puerta/service/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayConfig } from '../config';
import { prefersPage } from '../problems/error-page';
import { profileDocumentWith } from '../profile/profile-page';
import { vary } from '../request/vary';

/**
 * Takes whoever scanned a card to its profile. A browser gets our page with the pass in the document: what is in an
 * address is kept in the browser's history, also when the page takes it off at once. A front end elsewhere, and programs,
 * get an address.
 */
@Injectable()
export class ScannedProfile {
  constructor(@InjectConfig() private readonly config: GatewayConfig) {}

  /** Sets status and headers. @returns the body */
  answer(pass: string, request: FastifyRequest, reply: FastifyReply): string {
    const { FRONTEND_PROFILE_URL: frontEnd, PUBLIC_URL: publicUrl } = this.config;
    if (!frontEnd) {
      vary(reply, 'Accept');
      if (prefersPage(request.headers.accept)) {
        reply.code(200).type('text/html; charset=utf-8');
        return profileDocumentWith(pass);
      }
    }
    reply.code(302).header('location', `${frontEnd ?? `${publicUrl}/profile`}?token=${pass}`);
    return '';
  }
}
