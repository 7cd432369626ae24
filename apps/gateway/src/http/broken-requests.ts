import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '@puerta/contracts/core';
import { requestId } from '@puerta/observability';
import type { ProblemWriter } from '../problems/problem-writer';

const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** A socket of Node's HTTP server, with the response that is being written to it, if any. */
type HttpSocket = Duplex & { readonly _httpMessage?: ServerResponse | null };

/** Answers what Node's HTTP parser could not read, or did not get in time. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Duplex, problems: ProblemWriter): void {
  // Like Node itself: nothing may be written into the middle of an answer.
  const answering = (socket as HttpSocket)._httpMessage?.headersSent === true;
  if (error.code === 'ECONNRESET' || !socket.writable || answering) {
    socket.destroy();
    return;
  }
  socket.end(problems.raw(CODES[error.code ?? ''] ?? 'bad_request', requestId()), () => socket.destroy());
}

/** We are no forward proxy. */
export function refuseConnect(socket: Duplex, problems: ProblemWriter): void {
  socket.on('error', () => undefined);
  const allow = 'GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS';
  socket.end(problems.raw('method_not_allowed', requestId(), { allow }));
}
