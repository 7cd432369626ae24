import type { FastifyReply } from 'fastify';

/** Adds a request header to those that an answer depends on (RFC 9110 12.5.5). */
export function vary(reply: FastifyReply, header: string): void {
  const present = reply.getHeader('vary');
  reply.header('vary', present === undefined ? header : `${String(present)}, ${header}`);
}
