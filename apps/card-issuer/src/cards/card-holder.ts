import { Holder, type HolderChangesDto } from '@puerta/contracts';
import { Column } from 'typeorm';

/** The fields of a holder, as the contract names them, and their columns. All that cards do with a holder follows from it. */
const COLUMNS = {
  name: 'text',
  email: 'text',
  document_id: 'text',
  title: 'text',
  unit: 'text',
  user_id: 'uuid',
} as const satisfies Record<keyof Holder, string>;

const FIELDS = Object.keys(COLUMNS) as readonly (keyof Holder)[];

/** A holder as columns of a card: `holder_name`, … */
export class CardHolder extends Holder {}

for (const field of FIELDS) {
  Column(COLUMNS[field], { name: `holder_${field}`, nullable: field !== 'name' })(CardHolder.prototype, field);
}

/** What a holder becomes: fields that are absent stay, null clears. */
export function withChanges(holder: Partial<Holder>, changes: HolderChangesDto): CardHolder {
  const fields = FIELDS.map((field) => [
    field,
    changes[field] === undefined ? (holder[field] ?? null) : changes[field],
  ]);
  return Object.assign(new CardHolder(), Object.fromEntries(fields));
}
