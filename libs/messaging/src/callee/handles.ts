import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { type BusContext } from '../wire/context';
import { type PatternOf, type RequestOf, type ResponseOf, type ServiceContract } from '../wire/contract';

/** Keeps bus handlers from other transports of the same application. */
export const BUS_TRANSPORT = Symbol('bus');

/** What `Handles` leaves for the server to see. */
export interface HandlerExtras {
  readonly contract?: string;
}

/** A method that answers a pattern: it takes what the contract says and gives what the contract says. */
type Handler<C extends ServiceContract, P extends PatternOf<C>> = (
  data: RequestOf<C, P>,
  // `never` is a subtype of every actor: the method may say what its actors look like.
  context: BusContext<never>,
) => Promise<ResponseOf<C, P>>;

/**
 * Makes a method the handler of a pattern. Its parameters are the data and (if it wants it) the `BusContext`; they need
 * no decorator. A method that takes or gives something else than the contract says does not compile.
 */
export function Handles<C extends ServiceContract, P extends PatternOf<C>>(contract: C, pattern: P) {
  return <Method extends Handler<C, P>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
    MessagePattern(pattern, BUS_TRANSPORT, { contract: contract.name } satisfies HandlerExtras)(
      target,
      key,
      descriptor,
    );
  };
}
