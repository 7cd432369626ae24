import { foldPassword, LEAST_PASSWORD } from '@puerta/contracts';
import { COMMON_PASSWORDS } from './common-passwords';

it('has more than the 3,000 that ASVS asks for, each long enough to be chosen and as it is looked up', () => {
  expect(COMMON_PASSWORDS.size).toBe(5_000);
  for (const one of COMMON_PASSWORDS) {
    expect([one, one.length >= LEAST_PASSWORD]).toEqual([foldPassword(one), true]);
  }
});
