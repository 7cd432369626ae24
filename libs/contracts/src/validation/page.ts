import type { Page } from '../core';
import { ApiProperty } from '../documentation';

/** The class of an answer that is one page of a list, for its documentation. */
export function pageOf<Item extends object>(item: new () => Item): new () => Page<Item> {
  class ItemPage implements Page<Item> {
    @ApiProperty({ type: [item] })
    items: Item[];

    @ApiProperty({ type: String, nullable: true, example: 'WyIwMWExZmM3NC1kM2U2LTczNTMtODM1Ni00NGYzZjU4OWM1OGEiXQ' })
    next_cursor: string | null;

    @ApiProperty({ required: false, type: 'integer', minimum: 0, description: 'With `count=true` alone' })
    total?: number;
  }
  return ItemPage;
}
