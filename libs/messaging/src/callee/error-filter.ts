import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';

/**
 * Hands errors on to the bus server as they are. Without it Nest's own filter has replaced them by "Internal server
 * error" before the server can give them their wire form.
 */
@Catch()
export class BusErrorFilter implements ExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}
