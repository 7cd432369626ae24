import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CardHolder } from './card-holder';

/** What is kept of a card's status. `expired` is not: it is an active card whose time has passed. */
export type KeptStatus = 'active' | 'suspended' | 'revoked';

/** An ID card. Its table, constraints and indexes are made by the migrations. */
@Entity({ name: 'cards' })
export class CardEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'company_id' })
  companyId: string;

  @Column('text')
  number: string;

  @Column('text')
  status: KeptStatus;

  /** Users are identity's: nothing here refers to the one who holds the card. */
  @Column(() => CardHolder, { prefix: false })
  holder: CardHolder;

  @Column('timestamptz', { name: 'valid_until', nullable: true })
  validUntil: Date | null;

  @Column('timestamptz', { name: 'issued_at' })
  issuedAt: Date;

  /** Grows with each new code. */
  @Column('integer')
  revision: number;

  @Column('bytea', { name: 'code_salt' })
  codeSalt: Buffer;

  /** Which of CARD_ISSUER_CODE_SECRETS the code was made with. */
  @Column('text', { name: 'code_secret_id' })
  codeSecretId: string;

  /** SHA-256 of the code. */
  @Column('bytea', { name: 'code_hash' })
  codeHash: Buffer;

  /** Key of the photo in the storage. */
  @Column('text', { name: 'photo_key', nullable: true })
  photoKey: string | null;

  /** See card-search.ts. */
  @Column('text', { name: 'search_words', array: true })
  searchWords: string[];
}
