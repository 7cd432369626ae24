import { fileURLToPath } from 'node:url';
import { password } from './secrets';
import { type Environment, Unfit, type Variable, variable } from './variable';
import { refusePlain } from './urls';

/** A folder on this host's disk. */
export interface FolderPlace {
  readonly kind: 'folder';
  readonly path: string;
}

/** A bucket of S3, or of something that speaks its protocol. */
export interface BucketPlace {
  readonly kind: 's3';
  readonly bucket: string;
  readonly region: string;
  /** Where it is when it is not Amazon's; browsers must reach it too. */
  readonly endpoint: string | undefined;
  /** Whether the bucket stands in the path instead of the host name. */
  readonly forcePathStyle: boolean;
}

export type StoragePlace = FolderPlace | BucketPlace;

const EXPECTED = 'file:///folder, or s3://bucket?endpoint=https://…&region=…&forcePathStyle=…';

/** Names of buckets as Amazon allows them, but for dots, which no certificate of theirs fits. */
const BUCKET = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const PARAMETERS: readonly string[] = ['endpoint', 'region', 'forcePathStyle'];

/** Where files are kept: a folder, or a bucket. Over plain http a bucket is refused where `publicUrl` would be. */
export function storageUrl(description: string): Variable<StoragePlace> {
  return variable(description, { expected: EXPECTED, refuse: refusePlainEndpoint }, read);
}

function read(text: string): StoragePlace {
  if (!URL.canParse(text)) throw new Unfit('is not a URL');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.hash !== '') throw new Unfit('holds credentials or a fragment');
  switch (url.protocol) {
    case 'file:':
      return folder(url);
    case 's3:':
      return bucket(url);
    default:
      throw new Unfit('begins with neither file:// nor s3://');
  }
}

function folder(url: URL): FolderPlace {
  if (url.host !== '' || url.search !== '') throw new Unfit('names a host or has a query; a folder is file:///path');
  if (url.pathname === '/') throw new Unfit('names the root of the file system');
  try {
    const path = fileURLToPath(url);
    if (!path.includes('\0')) return { kind: 'folder', path };
  } catch {
    // A slash that is written as %2F.
  }
  throw new Unfit('has a path that no file system has');
}

function bucket(url: URL): BucketPlace {
  if (!BUCKET.test(url.host) || !/^\/?$/.test(url.pathname)) throw new Unfit('does not name a bucket alone');
  const given = [...url.searchParams.keys()];
  if (given.some((name) => !PARAMETERS.includes(name)) || new Set(given).size !== given.length) {
    throw new Unfit(`has a parameter twice, or another than ${PARAMETERS.join(', ')}`);
  }
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined) requireOrigin(endpoint);
  const region = url.searchParams.get('region') ?? (endpoint === undefined ? undefined : 'us-east-1');
  if (region === undefined) throw new Unfit('names neither a region nor an endpoint');
  if (!/^[a-z0-9-]{1,40}$/.test(region)) throw new Unfit('has a region that is none');
  const style = url.searchParams.get('forcePathStyle') ?? String(endpoint !== undefined);
  if (style !== 'true' && style !== 'false') throw new Unfit('has a forcePathStyle that is neither true nor false');
  return { kind: 's3', bucket: url.host, region, endpoint, forcePathStyle: style === 'true' };
}

function requireOrigin(text: string): void {
  const origin = URL.canParse(text) ? new URL(text).origin : '';
  if (!/^https?:/.test(origin) || origin !== text) throw new Unfit('has an endpoint that is no http or https origin');
}

function refusePlainEndpoint(text: string, environment: Environment): string | undefined {
  const endpoint = new URL(text).searchParams.get('endpoint');
  const problem = endpoint === null ? undefined : refusePlain(endpoint, environment);
  return problem && `has an endpoint that ${problem}`;
}

/** What every app reads that keeps files. */
export const storageConfig = {
  STORAGE_URL: storageUrl('Where photos are kept: a folder, for one host, or a bucket of S3'),
  STORAGE_S3_ACCESS_KEY_ID: password('The id of the access key, for S3').optional(),
  STORAGE_S3_SECRET_ACCESS_KEY: password('The access key itself, for S3').optional(),
};
