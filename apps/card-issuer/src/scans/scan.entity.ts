import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Someone opened the address in a card's QR. */
@Entity({ name: 'scans' })
export class ScanEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'card_id' })
  cardId: string;

  /** The card's revision then: the scan is worth nothing after the code was changed. */
  @Column('integer')
  revision: number;

  @Column('timestamptz')
  at: Date;
}
