import { randomUUID } from 'node:crypto';
import { Sealer } from '@puerta/messaging';
import { testKeys } from '../../test/backends';
import { newFileKey } from '../file-key';
import { FileAddresses } from './file-address';

const NOW = Date.parse('2026-11-25T10:00:00Z');
const keys = testKeys();
const key = newFileKey('photos', randomUUID(), 'image/jpeg');
const at = (ms: number): FileAddresses => new FileAddresses(new Sealer(keys), () => ms);
const token = at(NOW).token({ key, expiresAt: NOW / 1_000 + 120, fileName: 'photo.jpg' });

describe('the address of a file', () => {
  it('grants what it was made for, until its time is over', () => {
    const name = { kind: 'photos', contentType: 'image/jpeg' };
    expect(at(NOW + 119_999).open(token)).toMatchObject({ key, fileName: 'photo.jpg', name });
    expect(at(NOW + 120_000).open(token)).toBeUndefined();
  });

  it('shows nothing of whose file it is', () => {
    for (const part of token.split('.')) {
      expect(Buffer.from(part, 'base64url').toString('latin1')).not.toContain(key.split('/')[1]);
    }
  });

  it('is worth nothing once any character of it is altered, left out or added', () => {
    for (let i = 0; i < token.length; i++) {
      const other = token[i] === 'A' ? 'B' : 'A';
      expect(at(NOW).open(`${token.slice(0, i)}${other}${token.slice(i + 1)}`)).toBeUndefined();
      expect(at(NOW).open(token.slice(0, i))).toBeUndefined();
      expect(at(NOW).open(`${token.slice(0, i)}A${token.slice(i)}`)).toBeUndefined();
    }
  });

  it.each(['', '.', '....', key, '1.k1.x.y.z', 'A'.repeat(5_000), `${token}.`, `${token}\n`, '\0'])(
    'is not anything else: %#',
    (text) => expect(at(NOW).open(text)).toBeUndefined(),
  );

  it('is worth nothing under another secret, or when it was sealed for another purpose', () => {
    expect(new FileAddresses(new Sealer(testKeys()), () => NOW).open(token)).toBeUndefined();
    const elsewhere = new Sealer(keys).seal(JSON.stringify([key, NOW / 1_000 + 120, null]), 'something else');
    expect(at(NOW).open(elsewhere)).toBeUndefined();
  });

  it('leads to keys alone, whatever was sealed', () => {
    const sealed = at(NOW).token({ key: '../../etc/passwd', expiresAt: NOW / 1_000 + 120 });
    expect(at(NOW).open(sealed)).toBeUndefined();
  });
});
