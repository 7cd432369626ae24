import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Observable, tap } from 'rxjs';

export const CREATED_AT = 'puerta:created-at';

/** Tells where what was created is (RFC 9110 15.3.2). */
@Injectable()
export class CreatedInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler<object>): Observable<object> {
    const template = Reflect.getMetadata(CREATED_AT, context.getHandler()) as string;
    const http = context.switchToHttp();
    const params = http.getRequest<FastifyRequest>().params as object;
    return next.handle().pipe(
      tap((answer) => {
        const facts = { ...params, ...answer } as Record<string, unknown>;
        const location = template.replace(/\{(\w+)\}/g, (_all, name: string) =>
          encodeURIComponent(String(facts[name])),
        );
        http.getResponse<FastifyReply>().header('location', location);
      }),
    );
  }
}
