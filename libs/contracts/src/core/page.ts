/** One page of a list. `next_cursor` is null on the last page; `total` is there only when it was asked for. */
export interface Page<Item> {
  readonly items: Item[];
  readonly next_cursor: string | null;
  readonly total?: number;
}
