import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { validateDto } from '@puerta/contracts';

/**
 * Makes the DTO that a handler asks for of a body, a query or the parameters of a path. Routes refuses to start an
 * app in which one of them has no class.
 *
 * @throws DomainError `validation_failed` with every refused field.
 */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type === 'custom' || !metatype) return value;
    // No body at all is a form left empty: fine where every field is optional. A JSON null is not.
    return validateDto(metatype as new () => object, value === undefined ? {} : value);
  }
}
