import { refusalOfValidity } from '.';

const NOW = new Date('2024-02-29T12:00:00.000Z');
const refused = (until: string, now = NOW) => refusalOfValidity('valid_until', new Date(until), now);

describe('what something is valid until', () => {
  it.each(['2024-02-29T12:00:00.001Z', '2024-03-01T00:00:00Z', '2073-12-31T23:59:59Z', '2074-03-01T12:00:00.000Z'])(
    'may be %s',
    (until) => expect(refused(until)).toBeUndefined(),
  );

  it.each([
    '0000-01-01T00:00:00Z',
    '0026-01-01T00:00:00Z',
    '1970-01-01T00:00:00Z',
    '2024-02-28T12:00:00Z',
    '2024-02-29T12:00:00.000Z',
    '2074-03-01T12:00:00.001Z',
    '2204-02-29T12:00:00Z',
    '9999-12-31T23:59:59.999Z',
  ])('is not %s', (until) =>
    expect(refused(until)).toEqual({
      field: 'valid_until',
      code: 'out_of_range',
      params: { min: '2024-02-29T12:00:00.000Z', max: '2074-03-01T12:00:00.000Z' },
    }),
  );

  it('is no time that there is not', () => {
    expect(refused('tomorrow')).toMatchObject({ code: 'out_of_range' });
  });
});
