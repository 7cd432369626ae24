import { Column, Entity, PrimaryColumn } from 'typeorm';

export type CardEventKind =
  'issued' | 'updated' | 'suspended' | 'reactivated' | 'revoked' | 'rotated' | 'photo_set' | 'photo_removed';

/** One line of a card's history: written in the transaction of its change, never changed. */
@Entity({ name: 'card_events' })
export class CardEventEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'card_id' })
  cardId: string;

  @Column('text')
  kind: CardEventKind;

  /** The card's revision after the change. */
  @Column('integer')
  revision: number;

  @Column('uuid', { name: 'actor_user_id' })
  actorUserId: string;

  @Column('text', { nullable: true })
  reason: string | null;

  @Column('timestamptz')
  at: Date;
}
