import { rm } from 'node:fs/promises';
import S3rver from '@20minutes/s3rver';
import { temporaryFolder } from '../../../tools/embedded/server.mjs';

/** An S3 server for one suite, in this process: it checks signatures, and until when addresses are signed. */
export interface TestS3 {
  /** Where it is: scheme, host and port. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** What STORAGE_URL is for its bucket. */
  readonly url: string;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** The only account that the server knows. */
const ACCOUNT = 'S3RVER';

export async function startS3(): Promise<TestS3> {
  const directory = temporaryFolder('s3');
  const bucket = 'puerta-test';
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  const { port } = await server.run();
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    bucket,
    accessKeyId: ACCOUNT,
    secretAccessKey: ACCOUNT,
    url: `s3://${bucket}?endpoint=${encodeURIComponent(endpoint)}`,
    stop: async () => {
      server.httpServer.closeAllConnections();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
