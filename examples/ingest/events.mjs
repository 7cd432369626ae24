// Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html): what happens to the documents of a
// company, while it happens.

/** The gateway, and others on the way, close what is silent for a minute. */
const HEARTBEAT_MS = 15_000;

/** Whoever reads more slowly than that is left behind, and comes again by itself. */
const MOST_WAITING_BYTES = 1_048_576;

export function streamEvents({ events }, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write('retry: 2000\n\n');
  const write = (text) => (response.writableLength > MOST_WAITING_BYTES ? response.destroy() : response.write(text));
  const tell = (document) => write(`event: progress\ndata: ${JSON.stringify(document)}\n\n`);
  const heartbeat = setInterval(() => write(': still here\n\n'), HEARTBEAT_MS);
  events.on('progress', tell);
  response.once('close', () => {
    events.off('progress', tell);
    clearInterval(heartbeat);
  });
}
