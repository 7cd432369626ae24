import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A file that is no card's, or not yet, and is to be deleted unless it becomes one's. */
@Entity({ name: 'orphan_files' })
export class OrphanFileEntity {
  @PrimaryColumn('text')
  key: string;

  @Column({ type: 'timestamptz', insert: false })
  since: Date;
}
