import { DomainError } from '@puerta/contracts/core';
import { type LogFields, silentLogger } from '@puerta/observability';
import { errorEncoder } from './error-encoder';
import { decodeError } from './errors';

const warnings: LogFields[] = [];
const encode = errorEncoder({ ...silentLogger, warn: (_message, fields) => void warnings.push(fields ?? {}) });

describe('an error between services', () => {
  it('arrives as it left, when it is a refusal', () => {
    const errors = [{ field: 'holder.name', code: 'too_long', params: { max: 120 } }] as const;
    const refusal = new DomainError('validation_failed', { errors, meta: { retry_after: 3 } });
    const wire = encode(refusal);
    expect(wire).toEqual({ code: 'validation_failed', errors, meta: { retry_after: 3 } });
    const arrived = decodeError(JSON.parse(JSON.stringify(wire)) as { code: string });
    expect(arrived).toBeInstanceOf(DomainError);
    expect(arrived).toMatchObject({ code: 'validation_failed', extra: { errors, meta: { retry_after: 3 } } });
    expect(warnings).toEqual([]);
  });

  it('does not travel when nobody foresaw it', () => {
    expect(encode(new TypeError('x'))).toBeUndefined();
    expect(encode('x')).toBeUndefined();
  });

  it('of an unreachable database is an outage, whose cause is logged and does not travel', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });
    expect(encode(cause)).toEqual({ code: 'service_unavailable' });
    expect(encode(new DomainError('outcome_unknown', { cause }))).toEqual({ code: 'outcome_unknown' });
    expect(warnings.splice(0)).toEqual([
      { code: 'service_unavailable', error: cause },
      { code: 'outcome_unknown', error: cause },
    ]);
  });

  it('of the bus keeps its code if callers may know it', () => {
    for (const code of ['service_unavailable', 'outcome_unknown', 'overloaded', 'validation_failed', 'internal']) {
      expect(decodeError({ code }).code).toBe(code);
    }
    expect(decodeError({ code: 'message_too_large' }).code).toBe('payload_too_large');
    for (const code of ['forbidden_caller', 'unknown_pattern', 'toString', ''])
      expect(decodeError({ code }).code).toBe('internal');
  });
});
