import { Controller, Get, Head, Inject, Redirect, UseInterceptors } from '@nestjs/common';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import { CurrentScan, Public, ScanPass, type ScanIdentity } from '@puerta/auth';
import { cardIssuerContract, ScanProfile } from '@puerta/contracts';
import { InjectService, ServiceClient } from '@puerta/messaging';
import { SCAN_MISSES } from '../limits/limits';
import { Operation } from '../routes/operation';
import { Limited, Serves } from '../routes/route-options';
import { CardCode } from './card-code';
import { PROFILE_URL } from './profile-url';
import { ScanMisses } from './scan-misses';

@ApiTags('Scans')
@Controller('scan')
@Public()
@Serves('page')
export class ScansController {
  constructor(
    @InjectService(cardIssuerContract) private readonly cards: ServiceClient<typeof cardIssuerContract>,
    @Inject(PROFILE_URL) private readonly profileUrl: string,
  ) {}

  /** Apps that preview links ask so: nobody looked at the card yet. Comes first, else GET would take HEAD as well. */
  @Head(':code')
  @ApiParam({ name: 'code' })
  @Operation({ summary: 'Says nothing, and records no scan' })
  preview(): void {}

  @Get(':code')
  @Limited(SCAN_MISSES)
  @UseInterceptors(ScanMisses)
  @Redirect()
  @ApiParam({ name: 'code', description: 'As in the QR code of a card' })
  @Operation({
    summary: 'Opens the profile of the card that was scanned',
    description:
      'An unknown, rotated or malformed code, or one of a card that is not active, gets one identical 404 ' +
      '(a page for browsers).',
    status: 302,
    problems: ['card_not_found'],
  })
  async open(@CardCode() code: string): Promise<{ url: string }> {
    const { scan_pass: pass } = await this.cards.request('scans.open', { code });
    return { url: `${this.profileUrl}?token=${pass}` };
  }
}

@ApiTags('Scans')
@Controller('api/v1/scan')
export class ScanProfileController {
  constructor(@InjectService(cardIssuerContract) private readonly cards: ServiceClient<typeof cardIssuerContract>) {}

  @Get('profile')
  @ScanPass()
  @Operation({ summary: 'What the person who scanned a card may see, while the scan pass lives', answer: ScanProfile })
  profile(@CurrentScan() { scanId, expiresAt }: ScanIdentity): Promise<ScanProfile> {
    return this.cards.request('scans.profile', { scan_id: scanId, pass_expires_at: expiresAt });
  }
}
