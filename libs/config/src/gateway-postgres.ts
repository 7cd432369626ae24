import { host, port } from './network';
import { password } from './secrets';
import { type Source, Unfit, type Variable, variable } from './variable';

function identifier(description: string): Variable<string> {
  return variable(description, { expected: 'a name of at most 63 characters' }, (text) => {
    if (text.length > 63) throw new Unfit('is longer than 63 characters');
    return text;
  });
}

/** PostgreSQL in pieces instead of a URL, under the names that installations of the gateway have used so far. */
export const gatewayPostgresConfig = {
  GATEWAY_POSTGRES_SERVER: host('Host of PostgreSQL, where no URL is given').optional(),
  GATEWAY_POSTGRES_PORT: port('Its port; 5432 when not set').optional(),
  GATEWAY_POSTGRES_DB: identifier('Its database').optional(),
  GATEWAY_POSTGRES_USER: identifier('The role to log in as').optional(),
  GATEWAY_POSTGRES_PASSWORD: password('The password of that role').optional(),
};

const OPTIONAL = 'GATEWAY_POSTGRES_PORT';
const names = Object.keys(gatewayPostgresConfig);

/** The URL made of those pieces; none of them set: no URL; only some: `Unfit`. */
export const gatewayPostgresUrl: Source = {
  from: names,
  compose: (read) => {
    const given = names.filter((name) => read(name) !== undefined);
    if (given.length === 0) return undefined;
    const missing = names.filter((name) => name !== OPTIONAL && read(name) === undefined);
    if (missing.length > 0) throw new Unfit(`cannot be made from ${given.join(', ')}: ${missing.join(', ')} not set`);
    const server = read('GATEWAY_POSTGRES_SERVER') ?? '';
    const part = (name: string): string => encodeURIComponent(read(`GATEWAY_POSTGRES_${name}`) ?? '');
    const address = `${server.includes(':') ? `[${server}]` : server}:${read(OPTIONAL) ?? '5432'}`;
    return `postgres://${part('USER')}:${part('PASSWORD')}@${address}/${part('DB')}`;
  },
};
