import { Controller } from '@nestjs/common';
import { IssueTicketsDto, type SignedTickets, tokenServiceContract } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import { TicketsService } from './tickets.service';

@Controller()
export class TicketsMessages {
  constructor(private readonly tickets: TicketsService) {}

  @Handles(tokenServiceContract, 'tickets.issue')
  async issue(dto: IssueTicketsDto): Promise<SignedTickets> {
    return this.tickets.issue(dto);
  }
}
