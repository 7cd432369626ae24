import { Controller } from '@nestjs/common';
import { sampleContract, type Done, Work } from '../../test/sample';
import { type BusClient, BusContext, Handles, InjectService, ServiceClient } from '..';

interface Actor {
  readonly user_id: string;
}

/** Never run: `tsc` is the test. */
@Controller()
export class Checked {
  constructor(@InjectService(sampleContract) private readonly sample: ServiceClient<typeof sampleContract>) {}

  @Handles(sampleContract, 'work.do')
  async data(data: Work): Promise<Done> {
    return { key: data.key, replica: '' };
  }

  @Handles(sampleContract, 'work.do')
  async context({ key }: Work, context: BusContext<Actor>): Promise<Done> {
    return { key, replica: context.actor?.user_id ?? '' };
  }

  @Handles(sampleContract, 'work.do')
  async nothing(): Promise<Done> {
    return { key: '', replica: '' };
  }

  // @ts-expect-error no such pattern
  @Handles(sampleContract, 'work.other')
  async otherPattern(): Promise<Done> {
    return { key: '', replica: '' };
  }

  // @ts-expect-error the answer lacks a field
  @Handles(sampleContract, 'work.do')
  async otherAnswer({ key }: Work): Promise<{ key: string }> {
    return { key };
  }

  // @ts-expect-error the data is of another type
  @Handles(sampleContract, 'work.do')
  async otherData({ key }: { key: number }): Promise<Done> {
    return { key: String(key), replica: '' };
  }

  // @ts-expect-error not a promise
  @Handles(sampleContract, 'work.do')
  notAPromise({ key }: Work): Done {
    return { key, replica: '' };
  }

  // @ts-expect-error the context is none
  @Handles(sampleContract, 'work.do')
  async otherContext({ key }: Work, context: string): Promise<Done> {
    return { key, replica: context };
  }

  async calls(): Promise<string> {
    const { key, replica } = await this.sample.request('work.do', { key: 'a' });
    // @ts-expect-error no such pattern
    await this.sample.request('work.other', { key });
    // @ts-expect-error a field is missing
    await this.sample.request('work.do', {});
    // @ts-expect-error a field is of another type
    await this.sample.request('work.do', { key: 7 });
    // @ts-expect-error a field is unknown
    await this.sample.request('work.do', { key, colour: 'red' });
    // @ts-expect-error an option is unknown
    await this.sample.request('work.do', { key }, { ttl: 5 });
    const answer = await this.sample.request('work.burn', { key });
    // @ts-expect-error the answer has no such field
    return replica + String(answer.colour);
  }
}

it('says what the types check', () => {
  expect(new ServiceClient({} as BusClient, sampleContract)).toBeInstanceOf(ServiceClient);
});
