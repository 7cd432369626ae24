import fc from 'fast-check';
import { expectGuarantees } from '../../test/guarantees';
import { inBench } from '../../test/harness';
import { scenario } from '../../test/scenario';

describe('whatever happens to it, the bus keeps its promises', () => {
  // Scenarios mostly wait, for leases to lapse: so they wait together. A failure prints its seed, and all its steps.
  const property = fc.asyncProperty(scenario, (one) => inBench((bench) => expectGuarantees(bench, one))());
  it.concurrent.each([1, 2, 3, 4, 5, 6])(
    'in scenario %i',
    () => fc.assert(property, { numRuns: 1, endOnFailure: true, verbose: true }),
    60_000,
  );
});
