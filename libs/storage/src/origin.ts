import type { StoragePlace } from '@puerta/config';

/** Where signed URLs of a place lead: scheme, host and port, for the policies of pages that show files. */
export function storageOrigin(place: StoragePlace, publicUrl: string): string {
  if (place.kind === 'folder') return new URL(publicUrl).origin;
  const { protocol, host } = new URL(place.endpoint ?? `https://s3.${place.region}.amazonaws.com`);
  return place.forcePathStyle ? `${protocol}//${host}` : `${protocol}//${place.bucket}.${host}`;
}
