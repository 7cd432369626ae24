import { atBoot, BOOT_RETRY } from './at-boot';

const LOST = Object.assign(new Error('terminating connection due to administrator command'), {
  severity: 'FATAL',
  code: '57P01',
});

jest.mock('node:timers/promises', () => ({ setTimeout: () => Promise.resolve() }));

describe('what is asked of PostgreSQL at boot', () => {
  it('is asked again when the connection was lost', async () => {
    const work = jest.fn().mockRejectedValueOnce(LOST).mockRejectedValueOnce(LOST).mockResolvedValue('keys');
    expect(await atBoot(work)).toBe('keys');
    expect(work).toHaveBeenCalledTimes(3);
  });

  it('is given up after half a minute', async () => {
    const work = jest.fn().mockRejectedValue(LOST);
    await expect(atBoot(work)).rejects.toBe(LOST);
    expect(work).toHaveBeenCalledTimes(BOOT_RETRY.retryAttempts + 1);
  });

  it('is not asked again when it is wrong', async () => {
    const wrong = new Error('relation "keys" does not exist');
    const work = jest.fn().mockRejectedValue(wrong);
    await expect(atBoot(work)).rejects.toBe(wrong);
    expect(work).toHaveBeenCalledTimes(1);
  });
});
