import { type BusClient, type CallOptions } from './client';
import { type PatternOf, type RequestOf, type ResponseOf, type ServiceContract } from '../wire/contract';

/** Asks one service, typed by its contract. */
export class ServiceClient<C extends ServiceContract> {
  constructor(
    private readonly bus: BusClient,
    private readonly contract: C,
  ) {}

  /**
   * @throws what the client's `decodeError` makes of the callee's error, or of `service_unavailable`,
   *   `outcome_unknown`, `overloaded` or `message_too_large`
   */
  async request<P extends PatternOf<C>>(
    pattern: P,
    data: RequestOf<C, P>,
    options?: CallOptions,
  ): Promise<ResponseOf<C, P>> {
    const spec = this.contract.patterns[pattern];
    if (!spec) throw new TypeError(`${this.contract.name} has no pattern ${pattern}`);
    if (!spec.callers.includes(this.bus.service)) {
      throw new TypeError(`${this.bus.service} may not ask ${this.contract.name} for ${pattern}`);
    }
    const target = { service: this.contract.name, pattern, lane: spec.lane };
    return (await this.bus.call(target, data, options)) as ResponseOf<C, P>;
  }

  /** How many replicas take messages now. */
  presence(): Promise<number> {
    return this.bus.presence(this.contract.name);
  }
}
