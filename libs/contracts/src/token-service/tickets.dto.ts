import { SHORT_ID, UUID } from '../core';
import { NestedList, Text, Timestamp } from '../validation';

/** The longest of the two texts that people read in a ticket, in characters. */
const LONGEST = 120;

/**
 * How many tickets one call signs: 100 with the longest texts, of emoji, are 169 KB of the 256 KiB that an answer may
 * have, and about 10 ms of the signing replica's time.
 */
export const MOST_TICKETS = 100;

/** How far off an event may end: the key that signed its tickets is published until then, and of such there are 50 at most. */
export const MOST_TICKET_DAYS = 1_096;

const EITHER = new RegExp(`${UUID.source}|${SHORT_ID.source}`);

export class TicketToSignDto {
  @Text({ min: 22, max: 22, pattern: SHORT_ID, format: 'an id of 22 characters' })
  ticket_id: string;

  /** A user, or an attendee who has no account. */
  @Text({ min: 22, max: 36, pattern: EITHER, format: 'a UUID or an id of 22 characters' })
  attendee_id: string;

  @Text({ max: LONGEST })
  attendee_name: string;

  @Text({ max: LONGEST })
  ticket_type: string;
}

/** Tickets of one event. The ids are the caller's, who keeps them: asked again with the same ones, the tickets are as good. */
export class IssueTicketsDto {
  @Text({ min: 22, max: 22, pattern: SHORT_ID, format: 'an id of 22 characters' })
  event_id: string;

  /** When the event has ended. */
  @Timestamp()
  expires_at: string;

  @NestedList(() => TicketToSignDto, { max: MOST_TICKETS })
  tickets: TicketToSignDto[];
}

export interface SignedTicket {
  readonly ticket_id: string;
  readonly token: string;
}

export interface SignedTickets {
  /** In the order in which they were asked for. */
  readonly tickets: readonly SignedTicket[];
}
