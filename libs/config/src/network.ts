import { isIP } from 'node:net';
import { Unfit, type Variable, variable } from './variable';

/** Splits "a, b,c"; empty items are refused, so that an orphan comma is noticed. */
export function items(text: string): string[] {
  const list = text.split(',').map((item) => item.trim());
  if (list.includes('')) throw new Unfit('has an empty item (a comma too many)');
  if (new Set(list).size !== list.length) throw new Unfit('names something twice');
  return list;
}

/** A TCP port; 0 lets the system choose. */
export function port(description: string): Variable<number> {
  return variable(description, { expected: 'a port from 0 to 65535 (0: any free one)' }, (text) => {
    const value = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
    if (!(value <= 65_535)) throw new Unfit('is not a port');
    return value;
  });
}

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const HOST_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*\\.?$`, 'i');

/** A host name or an IP address, without a port. */
export function host(description: string): Variable<string> {
  return variable(description, { expected: 'a host name or an IP address' }, (text) => {
    if (isIP(text) === 0 && (!HOST_NAME.test(text) || text.length > 253 || /^[\d.]+$/.test(text))) {
      throw new Unfit('is not a host name or an IP address');
    }
    return text;
  });
}

/** A list of addresses or networks. A network of every address (`/0`) is refused: it would trust anybody. */
export function cidrs(description: string): Variable<readonly string[]> {
  const expected = 'addresses or networks in CIDR form, separated by commas';
  return variable(description, { expected }, (text) =>
    items(text).map((item) => {
      const [address = '', bits, more] = item.split('/');
      const family = isIP(address);
      if (family === 0 || more !== undefined) throw new Unfit('has an item that is not an address or a network');
      if (bits === undefined) return item;
      const width = /^\d{1,3}$/.test(bits) ? Number(bits) : NaN;
      if (width === 0) throw new Unfit('has a network of all addresses (/0)');
      if (!(width <= (family === 4 ? 32 : 128))) throw new Unfit('has an item with a wrong prefix length');
      return item;
    }),
  );
}
