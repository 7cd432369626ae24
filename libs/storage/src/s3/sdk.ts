/**
 * Amazon's library, loaded when a bucket is used: it takes 70 ms and 22 MB, which a folder need not pay.
 * Of Node 20 it warns that versions of next year will want another; which version we use is ours to decide.
 */
export async function loadSdk() {
  const { state } = await import('@aws-sdk/core/client');
  state.warningEmitted = true;
  const [client, presigner, upload] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/s3-request-presigner'),
    import('@aws-sdk/lib-storage'),
  ]);
  return { ...client, getSignedUrl: presigner.getSignedUrl, Upload: upload.Upload };
}

export type Sdk = Awaited<ReturnType<typeof loadSdk>>;
