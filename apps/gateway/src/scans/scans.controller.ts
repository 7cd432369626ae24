import { Controller, Get, Head, Req, Res, UseInterceptors } from '@nestjs/common';
import { ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CurrentScan, Public, ScanPass, type ScanIdentity } from '@puerta/auth';
import { cardIssuerContract, ScanProfile } from '@puerta/contracts';
import { InjectService, ServiceClient } from '@puerta/messaging';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SCAN_MISSES } from '../limits/limits';
import { Operation } from '../routes/operation';
import { Limited, Serves } from '../routes/route-options';
import { CardCode } from './card-code';
import { ScanMisses } from './scan-misses';
import { ScannedProfile } from './scanned-profile';

@ApiTags('Scans')
@Controller('scan')
@Public()
@Serves('page')
export class ScansController {
  constructor(
    @InjectService(cardIssuerContract) private readonly cards: ServiceClient<typeof cardIssuerContract>,
    private readonly profile: ScannedProfile,
  ) {}

  /** Apps that preview links ask so: nobody looked at the card yet. Comes first, else GET would take HEAD as well. */
  @Head(':code')
  @ApiParam({ name: 'code' })
  @Operation({ summary: 'Says nothing, and records no scan' })
  previewScan(): void {}

  @Get(':code')
  @Limited(SCAN_MISSES)
  @UseInterceptors(ScanMisses)
  @ApiParam({ name: 'code', description: 'As in the QR code of a card' })
  @Operation({
    summary: 'Opens the profile of the card that was scanned',
    description:
      'The address has the scan pass as `token`. A browser gets the built-in page itself, unless a front end shows ' +
      'profiles. An unknown, rotated or malformed code, or one of a card that is not active, gets one identical 404 ' +
      '(a page for browsers).',
    status: 302,
    problems: ['card_not_found'],
  })
  @ApiResponse({
    status: 200,
    description: 'The built-in page, for browsers',
    content: { 'text/html': { schema: { type: 'string' } } },
  })
  async openScan(
    @CardCode() code: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { scan_pass: pass } = await this.cards.request('scans.open', { code });
    return this.profile.answer(pass, request, reply);
  }
}

@ApiTags('Scans')
@Controller('api/v1/scan')
export class ScanProfileController {
  constructor(@InjectService(cardIssuerContract) private readonly cards: ServiceClient<typeof cardIssuerContract>) {}

  @Get('profile')
  @ScanPass()
  @Operation({ summary: 'What the person who scanned a card may see, while the scan pass lives', answer: ScanProfile })
  getScanProfile(@CurrentScan() { scanId, expiresAt }: ScanIdentity): Promise<ScanProfile> {
    return this.cards.request('scans.profile', { scan_id: scanId, pass_expires_at: expiresAt });
  }
}
