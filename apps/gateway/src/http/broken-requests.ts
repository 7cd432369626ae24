import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '@puerta/contracts/core';
import { endGently, requestId } from '@puerta/observability';
import type { ProblemWriter } from '../problems/problem-writer';

/** An error of Node's HTTP parser. */
interface ParseError extends Error {
  readonly code?: string;
  readonly reason?: string;
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload_too_large',
  HPE_PAUSED_H2_UPGRADE: 'http_version_not_supported',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** A socket of Node's HTTP server, with the response that is being written to it, if any. */
type HttpSocket = Duplex & { readonly _httpMessage?: ServerResponse | null };

/** Answers what Node's HTTP parser could not read, or did not get in time. */
export function answerBrokenRequest(error: ParseError, socket: Duplex, problems: ProblemWriter): void {
  // Answered already; what else comes is read, so that the answer can be.
  if (socket.writableEnded && error.code !== 'ECONNRESET') return;
  // Like Node itself: nothing may be written into the middle of an answer.
  const answering = (socket as HttpSocket)._httpMessage?.headersSent === true;
  if (error.code === 'ECONNRESET' || !socket.writable || answering) {
    socket.destroy();
    return;
  }
  socket.write(problems.raw(codeOf(error), requestId()));
  endGently(socket);
}

function codeOf({ code = '', reason }: ParseError): ErrorCode {
  // Said of a version in good form; of what is none, other things are said under the same code.
  if (code === 'HPE_INVALID_VERSION' && reason === 'Invalid HTTP version') return 'http_version_not_supported';
  return CODES[code] ?? 'bad_request';
}

/** We are no forward proxy. */
export function refuseConnect(socket: Duplex, problems: ProblemWriter): void {
  socket.on('error', () => undefined);
  const allow = 'GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS';
  socket.end(problems.raw('method_not_allowed', requestId(), { allow }));
}
