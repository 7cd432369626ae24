import { UUID } from '@puerta/contracts/core';
import { v7 as uuidv7 } from 'uuid';

/** What files are for. A kind stands first in a key, so that a rule of a bucket can be about one kind. */
export const FILE_KINDS = ['uploads', 'photos'] as const;

export type FileKind = (typeof FILE_KINDS)[number];

const ENDINGS = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp' } as const;

/** The types of files that are kept. The list is closed: a browser is never given anything else. */
export type FileType = keyof typeof ENDINGS;

export const FILE_TYPES = Object.keys(ENDINGS) as readonly FileType[];

export interface FileName {
  readonly kind: FileKind;
  readonly companyId: string;
  readonly contentType: FileType;
  /** When the key was made. */
  readonly madeAt: Date;
}

const UUID_V7 = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
const KEY = new RegExp(
  `^(${FILE_KINDS.join('|')})/(${UUID.source.slice(1, -1)})/(${UUID_V7})\\.(${Object.values(ENDINGS).join('|')})$`,
);

/**
 * A key that no file has yet: `photos/{company}/{id}.jpg`.
 *
 * @throws TypeError when the company's id is none
 */
export function newFileKey(kind: FileKind, companyId: string, contentType: FileType): string {
  const key = `${kind}/${companyId}/${uuidv7()}.${ENDINGS[contentType]}`;
  fileName(key);
  return key;
}

/**
 * What a key says. Every text that is not exactly a key is refused, so that none leads anywhere else.
 *
 * @throws TypeError
 */
export function fileName(key: string): FileName {
  const name = readFileKey(key);
  if (!name) throw new TypeError('not the key of a file');
  return name;
}

/** The same for a text that came from elsewhere: undefined when it is no key. */
export function readFileKey(text: string): FileName | undefined {
  const [, kind, companyId = '', id = '', ending] = KEY.exec(text) ?? [];
  const contentType = FILE_TYPES.find((type) => ENDINGS[type] === ending);
  if (kind === undefined || contentType === undefined) return undefined;
  const madeAt = new Date(parseInt(id.replace('-', '').slice(0, 12), 16));
  return { kind: kind as FileKind, companyId, contentType, madeAt };
}
