import fc from 'fast-check';
import { scaled } from '@puerta/testing';
import { expectGuarantees } from '../test/guarantees';
import { inBench } from '../test/harness';
import { scenario } from '../test/scenario';

/** They wait for most of their time. */
const SIDE_BY_SIDE = 20;
const EACH = scaled(15);

describe('whatever happens to it, the bus keeps its promises', () => {
  const property = fc.asyncProperty(scenario, (one) => inBench((bench) => expectGuarantees(bench, one))());
  it.concurrent.each(Array.from({ length: SIDE_BY_SIDE }, (_, i) => i + 1))(
    `in ${EACH} scenarios of its own, row %i`,
    () => fc.assert(property, { numRuns: EACH, endOnFailure: true, verbose: true }),
    600_000,
  );
});
