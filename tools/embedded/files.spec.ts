import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder, writeWhole } from './files.mjs';
import { type Lock, tryLock } from './lock.mjs';
import { readRecord } from './process.mjs';
import { passwordIn } from './server.mjs';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('makeFolder', () => {
  it('makes what is missing, and takes what is there, through a link too', () => {
    makeFolder(join(folder, 'a/b/c'), 0o711);
    expect(statSync(join(folder, 'a/b')).mode & 0o777).toBe(0o711);
    symlinkSync('a', join(folder, 'link'));
    for (const each of ['a/b/c', 'link', 'link/d/e']) makeFolder(join(folder, each), 0o700);
    expect(existsSync(join(folder, 'a/d/e'))).toBe(true);
  });

  it('says why not', () => {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('nowhere', join(folder, 'dangling'));
    for (const [name, code] of [
      ['file', 'EEXIST'],
      ['file/x', 'ENOTDIR'],
      ['dangling', 'EEXIST'],
      ['dangling/x', 'EEXIST'],
      ['x'.repeat(300), 'ENAMETOOLONG'],
    ] as const) {
      expect(() => makeFolder(join(folder, name), 0o700)).toThrow(expect.objectContaining({ code }));
    }
    if (process.platform === 'linux') expect(() => makeFolder('/proc/x/y', 0o700)).toThrow('ENOENT');
  });
});

describe('writeWhole', () => {
  it('leaves what was there, and nothing half done, when it fails', () => {
    mkdirSync(join(folder, 'kept'));
    expect(() => writeWhole(join(folder, 'kept'), 'x')).toThrow('EISDIR');
    expect(readdirSync(folder)).toEqual(['kept']);
  });
});

describe('a password', () => {
  it('is not made anew while it is there', () => {
    const password = passwordIn(join(folder, 'password'));
    expect(password).toHaveLength(32);
    expect(passwordIn(join(folder, 'password'))).toBe(password);
  });

  it('is never empty, as one that a full disk cut off was', () => {
    writeFileSync(join(folder, 'password'), '');
    expect(passwordIn(join(folder, 'password'))).toHaveLength(32);
    expect(readFileSync(join(folder, 'password'), 'utf8')).toHaveLength(32);
  });
});

describe('a lock', () => {
  it('lets its holder end, whatever has become of the folder meanwhile', () => {
    mkdirSync(join(folder, 'data'));
    const lock = tryLock(join(folder, 'data/lock')) as Lock;
    rmSync(join(folder, 'data'), { recursive: true });
    expect(() => lock.leave()).not.toThrow();
    expect(() => lock.release()).not.toThrow();
  });

  it('does not move away what is no lock', () => {
    const file = join(folder, 'lock');
    mkdirSync(file);
    expect(() => tryLock(file)).toThrow(`${file} is in the way`);
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('that cannot be read is not taken for nobody’s', () => {
    mkdirSync(join(folder, 'lock'));
    expect(() => readRecord(join(folder, 'lock'))).toThrow('cannot be read (EISDIR)');
    writeFileSync(join(folder, 'half'), '{"pid":1');
    expect([readRecord(join(folder, 'half')), readRecord(join(folder, 'none'))]).toEqual([undefined, undefined]);
  });
});
