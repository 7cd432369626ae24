import { Controller } from '@nestjs/common';
import {
  type Actor,
  cardIssuerContract,
  type OpenedScan,
  OpenScanDto,
  type ScanProfile,
  ScanProfileDto,
} from '@puerta/contracts';
import { BusContext, Handles } from '@puerta/messaging';
import { ScansService } from './scans.service';

/** The two questions that need no actor: a person with a phone asks them. */
@Controller()
export class ScansMessages {
  constructor(private readonly scans: ScansService) {}

  @Handles(cardIssuerContract, 'scans.open')
  async open({ code }: OpenScanDto, { messageId }: BusContext<Actor>): Promise<OpenedScan> {
    return this.scans.open(code, messageId);
  }

  @Handles(cardIssuerContract, 'scans.profile')
  async profile({ scan_id, pass_expires_at }: ScanProfileDto): Promise<ScanProfile> {
    return this.scans.profile(scan_id, pass_expires_at);
  }
}
