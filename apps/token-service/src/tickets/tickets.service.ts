import { Injectable } from '@nestjs/common';
import type { TicketClaims } from '@puerta/auth';
import {
  DomainError,
  type IssueTicketsDto,
  MOST_TICKET_DAYS,
  type SignedTickets,
  type TicketToSignDto,
} from '@puerta/contracts';
import { TokenSigner } from '../signing/token-signer';

const DAY_MS = 86_400_000;

@Injectable()
export class TicketsService {
  constructor(private readonly signer: TokenSigner) {}

  /**
   * Signs the tickets of an order at once, all with the same key. It keeps nothing of them.
   *
   * @throws DomainError `validation_failed` when the event is too far off, `service_unavailable`
   */
  async issue({ event_id, expires_at, tickets }: IssueTicketsDto): Promise<SignedTickets> {
    const exp = Math.floor(Date.parse(expires_at) / 1_000);
    requireNear(exp);
    const tokens = await this.signer.signTickets(
      tickets.map((ticket) => claimsOf(ticket, event_id, exp)),
      exp,
    );
    return { tickets: tickets.map(({ ticket_id }, index) => ({ ticket_id, token: tokens[index] ?? '' })) };
  }
}

/** In this order, and no others: each character counts where it is printed. */
function claimsOf(
  { ticket_id, attendee_id, ticket_type, attendee_name }: TicketToSignDto,
  eventId: string,
  exp: number,
): TicketClaims {
  return { jti: ticket_id, sub: attendee_id, aud: eventId, exp, ticketType: ticket_type, userName: attendee_name };
}

function requireNear(exp: number): void {
  const max = Date.now() + MOST_TICKET_DAYS * DAY_MS;
  if (exp > 0 && exp * 1_000 <= max) return;
  const params = { min: new Date(0).toISOString(), max: new Date(max).toISOString() };
  throw new DomainError('validation_failed', { errors: [{ field: 'expires_at', code: 'out_of_range', params }] });
}
